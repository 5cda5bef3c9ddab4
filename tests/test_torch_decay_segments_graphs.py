"""decay= beside offsets=, lengths= and reset= on tensors, in graphs."""

import pytest
import torch
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.fx.experimental.proxy_tensor import make_fx
from torch.library import opcheck

import cumsum
from cumsum.decay import operator
from test_segments import FLAGS
from test_torch_decay_segments import (
    CUTS,
    EACH,
    OFFSETS,
    STARTS,
    every_cut,
    every_way,
    noise,
    three,
)

COMPILED = [("aot_eager", flags) for flags in FLAGS] + [("inductor", flags) for flags in FLAGS[::3]]


@pytest.mark.parametrize(("backend", "flags"), COMPILED)
def test_compile(backend, flags):
    torch._dynamo.reset()

    def function(x, decay, initial, offsets, reset):
        options = {"decay": decay, "initial": initial, **flags}
        a = cumsum.cumsum(x.sin(), 1, offsets=offsets, **options)
        b = cumsum.cumsum(x, 1, lengths=offsets.diff(), decay=0.5)
        return (
            a,
            b,
            cumsum.cumsum(x, 1, reset=reset, **options)
            + cumsum.cumsum(x, 1, reset=reset[0], **options),
        )

    compiled = torch.compile(function, fullgraph=True, backend=backend)
    inputs, cuts = three(), (OFFSETS, EACH)
    found, expected = (f(*inputs, *cuts) for f in (compiled, function))
    torch.testing.assert_close(found, expected)
    assert torch.equal(found[1], expected[1])
    sums = [sum(t.sum() for t in y) for y in (found, expected)]
    torch.testing.assert_close(*(torch.autograd.grad(y, inputs) for y in sums))


class Returns(torch.nn.Module):
    """Discounted returns of episodes."""

    def forward(self, rewards, offsets):
        return cumsum.cumsum(rewards, 0, decay=0.9, offsets=offsets, reverse=True)


def test_export():
    size = torch.export.Dim("size")
    exported = torch.export.export(
        Returns(), (noise(7), OFFSETS), dynamic_shapes=({0: size}, None)
    ).module()
    x = noise(9)
    for offsets in torch.tensor([[0, 1, 2, 3, 4, 9], [0, 9, 9, 9, 9, 9]]):
        assert torch.equal(exported(x, offsets), Returns()(x, offsets))
    with pytest.raises(ValueError, match=r"offsets\[5\] is 8"):
        exported(x, torch.tensor([0, 1, 2, 3, 4, 8]))


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")
def test_jit_trace():
    def function(x, decay, offsets):
        return cumsum.cumsum(x, 1, decay=decay, offsets=offsets)

    x, decay = (t.detach() for t in three()[:2])
    traced = torch.jit.trace(function, (x, decay, OFFSETS))
    other = torch.tensor([0, 1, 1, 1, 5, 7])
    assert torch.equal(traced(-x, decay, other), function(-x, decay, other))


@pytest.mark.parametrize("mode", ["real", "fake", "symbolic"])
@pytest.mark.parametrize("name", list(CUTS))
def test_make_fx(name, mode):
    def loss(x, decay, initial, cuts):
        y = cumsum.cumsum(x, 1, decay=decay, initial=initial, **{name: cuts})
        return y.square().sum()

    inputs = [*(t.detach() for t in three()), CUTS[name]]
    gradient = torch.func.grad(loss, 1)
    graph = make_fx(gradient, tracing_mode=mode)(*inputs)
    torch.testing.assert_close(graph(*inputs), gradient(*inputs))


@pytest.mark.parametrize("place", ["meta", "fake"])
@every_way
def test_shapes_without_values(place, flags):
    x = torch.ones(4, 7, 7, dtype=torch.bfloat16)
    mode = FakeTensorMode()
    for view in (x, x.mT, x[::2], x[:0]):
        for name, cuts in CUTS.items():
            if place == "meta":
                ours = view.to("meta"), cuts
            else:
                ours = mode.from_tensor(view), mode.from_tensor(cuts)
            for dim in (-1, 1):
                y = cumsum.cumsum(ours[0], dim, decay=0.5, **{name: ours[1]}, **flags)
                real = cumsum.cumsum(view, dim, decay=0.5, **{name: cuts}, **flags)
                assert (y.shape, y.dtype, y.stride()) == (real.shape, real.dtype, real.stride())


@every_cut
@pytest.mark.parametrize("reverse", [False, True])
def test_opcheck(cuts, reverse):
    x, decay, first = three()
    reset = STARTS if cuts == "one" else EACH
    for initial in (None, first.unsqueeze(1)):
        opcheck(operator.scan, (x, decay, initial, reset, 1, reverse))
    opcheck(operator.scan, (x.detach().bfloat16(), decay.detach(), None, reset, 1, reverse))


def test_opcheck_of_starts():
    for name in ("offsets", "lengths"):
        opcheck(torch.ops.cumsum.starts.default, (CUTS[name], name, 7))
        assert torch.equal(torch.ops.cumsum.starts(CUTS[name], name, 7), STARTS)
