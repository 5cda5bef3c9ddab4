"""exclusive=, reverse=, include_initial= and initial= on tensors."""

import numpy as np
import pytest
import torch
from torch.autograd import gradcheck, gradgradcheck

import cumsum
from cumsum import operator
from cumsum.kernels.tensor import How
from orientations import COMBINATIONS, loop, name

SHAPES = [((7,), 0), ((0,), 0), ((3, 20), 1), ((20, 3), 0), ((4, 0, 3), 0), ((5, 300, 6), 1)]
DTYPES = [torch.bool, torch.int8, torch.int64, torch.bfloat16, torch.float32, torch.complex128]
every_way = pytest.mark.parametrize("flags", COMBINATIONS, ids=name)


def lines_of(x, dim):
    return (*x.shape[:dim], *x.shape[dim + 1 :])


def whole_numbers(shape, dtype, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(-1, 2, shape, generator=generator).to(dtype)


def two(shape=(3, 5), dim=1, seed=1):
    """Something to scan and what to begin with, both to be differentiated."""
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(shape, generator=generator, dtype=torch.float64)
    initial = torch.randn(lines_of(x, dim), generator=generator, dtype=torch.float64)
    return x.requires_grad_(), initial.requires_grad_()


@every_way
@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_values(dtype, flags):
    for shape, dim in SHAPES:
        x = whole_numbers(shape, dtype)
        result_type = torch.cumsum(x, dim).dtype
        first = whole_numbers(lines_of(x, dim), result_type, 1)
        wide = torch.complex128 if result_type.is_complex else torch.float64
        for initial in (None, 2, first):
            start = first.to(wide).numpy() if initial is first else initial or 0
            expected = loop(x.to(wide).numpy(), dim, start, **flags)
            for view in (x, x.transpose(0, -1).contiguous().transpose(0, -1)):
                result = cumsum.cumsum(view, dim, initial=initial, **flags)
                assert np.array_equal(result.to(wide).numpy(), expected)
                assert result.dtype == result_type
                assert result.is_contiguous()


@every_way
def test_same_bits_as_for_arrays(flags):
    x, initial = (t.detach().float() for t in two((4, 9000)))
    ours = cumsum.cumsum(x, 1, initial=initial, **flags)
    theirs = cumsum.cumsum(x.numpy(), 1, initial=initial.numpy(), **flags)
    assert ours.numpy().tobytes() == theirs.tobytes()


@every_way
@pytest.mark.parametrize("dim", [0, 1])
def test_gradients(dim, flags):
    def scan(x, initial):
        return cumsum.cumsum(x, dim, initial=initial, **flags)

    inputs = two(dim=dim)
    checks = {"check_forward_ad": True, "check_batched_grad": True}
    assert gradcheck(scan, inputs, check_batched_forward_grad=True, **checks)
    assert gradgradcheck(scan, inputs, check_fwd_over_rev=True, check_rev_over_rev=True)
    x, initial = inputs
    assert gradcheck(lambda x: scan(x, initial.detach()), (x,), **checks)
    assert gradcheck(lambda initial: scan(x.detach(), initial), (initial,), **checks)


def test_gradients_reach_what_was_broadcast_and_cast():
    x = torch.ones(2, 3, dtype=torch.float64, requires_grad=True)
    initial = torch.tensor(1.0, requires_grad=True)
    result = cumsum.cumsum(x, 1, initial=initial, include_initial=True)
    assert result.dtype == torch.float64
    gradients = torch.autograd.grad(result.sum(), (x, initial))
    assert gradients[0].tolist() == [[3, 2, 1]] * 2
    assert gradients[1].item() == 8
    assert gradients[1].dtype == torch.float32


@every_way
@pytest.mark.parametrize("in_dims", [(0, None), (None, 0), (0, 0), (1, 0)])
def test_vmap(in_dims, flags):
    x, initial = (t.detach() for t in two((4, 4, 4)))
    batched = torch.func.vmap(
        lambda x, i: cumsum.cumsum(x, -1, initial=i, **flags), in_dims=in_dims
    )
    shaped = [
        x if in_dims[0] is not None else x[0],
        initial if in_dims[1] is not None else initial[0],
    ]
    result = batched(shaped[0], shaped[1])
    for i in range(4):
        sample = shaped[0] if in_dims[0] is None else shaped[0].select(in_dims[0], i)
        first = shaped[1] if in_dims[1] is None else shaped[1][i]
        assert torch.equal(result[i], cumsum.cumsum(sample, -1, initial=first, **flags))


@every_way
@pytest.mark.parametrize("backend", ["eager", "aot_eager", "inductor"])
def test_compiled(backend, flags):
    def function(x, initial):
        return cumsum.cumsum(x * 2, 1, initial=initial, **flags) + 1

    torch._dynamo.reset()
    compiled = torch.compile(function, backend=backend, fullgraph=True)
    inputs = two((6, 40))
    expected = function(*inputs)
    result = compiled(*inputs)
    assert torch.equal(result, expected)
    weights = torch.randn(expected.shape, dtype=torch.float64)
    ours = torch.autograd.grad(result, inputs, weights)
    theirs = torch.autograd.grad(expected, inputs, weights)
    assert torch.equal(ours[0], theirs[0])
    assert torch.allclose(ours[1], theirs[1])  # torch's sum, compiled in another order


@every_way
def test_operator(flags):
    x, initial = two()
    how = How(1, torch.float64, **flags)
    for first in (None, initial.unsqueeze(1)):
        for arguments in ((x, first, *how), (x.detach().t().contiguous().t(), first, *how)):
            results = torch.library.opcheck(operator.scan, arguments)
            assert set(results.values()) == {"SUCCESS"}
        aten = operator.in_core_aten(x, first, *how)
        assert torch.allclose(aten, operator.scan(x, first, *how))


@every_way
def test_out_and_in_place(flags):
    x, initial = (t.detach() for t in two())
    expected = cumsum.cumsum(x, 1, initial=initial, **flags)
    out = torch.empty(0, dtype=torch.float64)
    assert cumsum.cumsum(x, 1, initial=initial, out=out, **flags) is out
    assert torch.equal(out, expected)
    out = torch.empty(expected.shape)
    cumsum.cumsum(x.float(), 1, initial=initial.float(), out=out, **flags)
    assert torch.allclose(out.double(), expected)
    overlapping = torch.zeros(3, 6, dtype=torch.float64)
    overlapping[:, :5] = x
    cumsum.cumsum(
        overlapping[:, :5], 1, initial=initial, out=overlapping[:, : expected.size(1)], **flags
    )
    assert torch.equal(overlapping[:, : expected.size(1)], expected)
    if not flags["include_initial"]:
        version = x._version
        assert cumsum.cumsum_(x, 1, initial=initial, **flags) is x
        assert torch.equal(x, expected)
        assert x._version == version + 1


@every_way
def test_numbers(flags):
    x = torch.tensor(3.0)
    result = cumsum.cumsum(x, 0, initial=2, **flags)
    expected = loop(x.reshape(1).numpy(), 0, 2, **flags)
    assert result.tolist() == (expected if flags["include_initial"] else expected[0]).tolist()


@every_way
def test_meta(flags):
    x = torch.empty(2, 3, device="meta")
    assert cumsum.cumsum(x, 1, **flags).shape == (2, 3 + flags["include_initial"])


BAD = {
    "dim": ({"dim": 2}, IndexError, "Dimension out of range"),
    "flag": ({"exclusive": None}, TypeError, "argument 'exclusive' must be bool, not NoneType"),
    "shape of initial": ({"initial": torch.ones(4, dtype=torch.int64)}, ValueError, "has shape"),
    "kind of initial": ({"initial": 0.5}, TypeError, "cannot be a sum of dtype torch.int64"),
    "dtype of out": (
        {"out": torch.empty(2, 3), "dtype": torch.int64, "reverse": True},
        RuntimeError,
        "Expected out tensor to have dtype",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_errors(case):
    keywords, error, message = BAD[case]
    with pytest.raises(error, match=message):
        cumsum.cumsum(torch.ones(2, 3, dtype=torch.int64), **{"dim": 1, "reverse": True} | keywords)
