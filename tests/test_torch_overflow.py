"""overflow= on tensors: exact sums, and results of unsigned dtypes."""

import re

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import cumsum
from cumsum import api
from cumsum.overflow import tensors
from orientations import COMBINATIONS, name
from overflowing import INTEGERS, clamped, exact, limits, message, near_the_ends

UNSIGNED = ["bool", "uint16", "uint32", "uint64"]  # which torch has no scan for
BACKENDS = ["eager", "aot_eager", "inductor"]
every_way = pytest.mark.parametrize("flags", COMBINATIONS, ids=name)


def dtype_of(name):
    return getattr(torch, name)


@every_way
@given(data=st.data())
@settings(max_examples=60, deadline=None)
def test_every_way(flags, data):
    of, dtype = data.draw(st.sampled_from(INTEGERS)), data.draw(st.sampled_from(INTEGERS))
    shape = data.draw(st.lists(st.integers(1, 6), min_size=1, max_size=3))
    dim = data.draw(st.integers(0, len(shape) - 1))
    elements = near_the_ends(np.random.default_rng(data.draw(st.integers(0, 999))), shape, of)
    initial = data.draw(st.none() | st.integers(-(2**63), 2**64 - 1) | st.integers(*limits(dtype)))
    sums = exact(elements, dim, 0 if initial is None else initial, **flags)
    keywords = {"dtype": dtype_of(dtype), "initial": initial} | flags
    x = torch.from_numpy(elements.T.copy()).permute(*range(len(shape) - 1, -1, -1))
    saturated = cumsum.cumsum(x, dim, overflow="saturate", **keywords)
    assert saturated.dtype == dtype_of(dtype)
    assert np.array_equal(saturated.numpy().astype(object), clamped(sums, dtype))
    expected = message(sums, dim, dtype, reverse=flags["reverse"])
    if expected is None:
        result = cumsum.cumsum(x, dim, overflow="raise", **keywords)
        assert np.array_equal(result.numpy().astype(object), sums)
    else:
        with pytest.raises(OverflowError, match=re.escape(expected)):
            cumsum.cumsum(x, dim, overflow="raise", **keywords)


@pytest.mark.parametrize("dtype", UNSIGNED)
def test_unsigned_results(dtype):
    x = torch.tensor([1, 0, 1, 1], dtype=dtype_of(dtype))
    expected = [1, 1, 1, 1] if dtype == "bool" else [1, 1, 2, 3]
    for overflow in ("wrap", "saturate"):
        result = cumsum.cumsum(x, 0, dtype=x.dtype, overflow=overflow)
        assert result.dtype == x.dtype
        assert result.tolist() == expected
        assert cumsum.cumsum(x, 0, overflow=overflow).dtype == torch.int64
        y, out = x.clone(), torch.empty(4, dtype=x.dtype)
        assert cumsum.cumsum_(y, 0, overflow=overflow).tolist() == expected
        assert cumsum.cumsum(x, 0, out=out, overflow=overflow).tolist() == expected
    with pytest.raises(NotImplementedError, match="cumsum_out_cpu"):
        cumsum.cumsum(x, 0, dtype=x.dtype)
    with pytest.raises(NotImplementedError, match="cumsum_out_cpu"):
        cumsum.cumsum_(x, 0)


def test_wrapped_unsigned_results():
    x = torch.tensor([2**15, 2**15, 1])
    assert cumsum.cumsum(x, 0, dtype=torch.uint16, overflow="wrap").tolist() == [2**15, 0, 1]
    first = cumsum.cumsum(x, 0, dtype=torch.uint64, overflow="wrap", initial=2**63)
    assert first.tolist() == [2**63 + 2**15, 2**63 + 2**16, 2**63 + 2**16 + 1]


@every_way
def test_an_error_writes_nothing(flags):
    x = torch.full((3, 500), 100, dtype=torch.int16)
    kept, versions = x.clone(), x._version
    size = 500 + flags["include_initial"]
    for shape in ((3, size), (0,)):
        out = torch.full(shape, 5, dtype=torch.int16)
        before = out._version
        with pytest.raises(OverflowError, match=r"the sum at index \(0, "):
            cumsum.cumsum(x, 1, out=out, overflow="raise", **flags)
        assert out.shape == shape
        assert out._version == before
        assert torch.all(out == 5)
    if not flags["include_initial"]:
        with pytest.raises(OverflowError, match=r"the sum at index \(0, "):
            cumsum.cumsum_(x, 1, overflow="raise", **flags)
    assert x._version == versions
    assert torch.equal(x, kept)


@pytest.mark.parametrize("overflow", ["raise", "saturate"])
def test_out_and_in_place(overflow):
    x = torch.arange(12, dtype=torch.int16).reshape(3, 4)
    expected = torch.cumsum(x, 1, dtype=torch.int16)
    out = torch.empty(0, dtype=torch.int16)
    assert cumsum.cumsum(x, 1, out=out, overflow=overflow) is out
    assert torch.equal(out, expected)
    part = torch.zeros(3, 8, dtype=torch.int16)[:, ::2]
    part.copy_(x)
    version = part._version
    assert cumsum.cumsum_(part, 1, overflow=overflow) is part
    assert torch.equal(part, expected)
    assert part._version == version + 1


@pytest.mark.parametrize("of", ["int8", "uint8", "int16", "uint16", "int32", "uint32"])
def test_where_overflow_cannot_be_the_plain_scan_answers(monkeypatch, of):
    monkeypatch.setattr(tensors, "scan_into", None)
    x = torch.tensor([limits(of), limits(of)], dtype=dtype_of(of))
    for overflow in ("raise", "saturate"):
        result = api.slow_cumsum(x, 1, overflow=overflow)
        assert torch.equal(result, torch.cumsum(x.long(), 1))
    with pytest.raises(TypeError, match="not callable"):  # where it may be
        api.slow_cumsum(x, 1, dtype=dtype_of(of), overflow="raise")


def test_numbers():
    x = torch.tensor(300)
    assert cumsum.cumsum(x, 0, dtype=torch.uint8, overflow="saturate").tolist() == 255
    with pytest.raises(OverflowError, match=r"index \(0,\) is 300, but uint8 holds 0 to 255"):
        cumsum.cumsum(x, 0, dtype=torch.uint8, overflow="raise")
    y = torch.tensor(200, dtype=torch.uint8)
    assert cumsum.cumsum_(y, 0, initial=100, overflow="saturate").tolist() == 255
    batched = torch.func.vmap(lambda x: cumsum.cumsum(x, 0, dtype=torch.int8, overflow="saturate"))
    assert batched(torch.tensor([1, 300])).tolist() == [1, 127]


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_fractions_lose_what_follows_the_point(dtype):
    x = torch.tensor([1.75, -2.5, 300], dtype=dtype)
    result = cumsum.cumsum(x, 0, dtype=torch.int8, overflow="saturate")
    assert result.tolist() == [1, -1, 127]
    x[1] = float("nan")
    with pytest.raises(OverflowError, match="nan, infinite or beyond 64 bits"):
        cumsum.cumsum(x, 0, dtype=torch.int8, overflow="raise")


@every_way
@pytest.mark.parametrize("in_dims", [(0, None), (None, 0), (0, 0), (1, 0)])
def test_vmap(in_dims, flags):
    x = torch.from_numpy(near_the_ends(np.random.default_rng(4), (4, 4, 4), "int8"))
    initial = torch.arange(16).reshape(4, 4)
    keywords = {"dtype": torch.int8, "overflow": "saturate"} | flags
    shaped = (
        x if in_dims[0] is not None else x[0],
        initial if in_dims[1] is not None else initial[0],
    )
    result = torch.func.vmap(
        lambda x, i: cumsum.cumsum(x, -1, initial=i, **keywords), in_dims=in_dims
    )(*shaped)
    for i in range(4):
        sample = shaped[0] if in_dims[0] is None else shaped[0].select(in_dims[0], i)
        first = shaped[1] if in_dims[1] is None else shaped[1][i]
        assert torch.equal(result[i], cumsum.cumsum(sample, -1, initial=first, **keywords))


@pytest.mark.parametrize("backend", BACKENDS)
def test_compiled(backend):
    def saturated(x, initial):
        return cumsum.cumsum(x * 2, 1, dtype=torch.int8, initial=initial, overflow="saturate") + 1

    def raised(x):
        return cumsum.cumsum(x * 2, 1, dtype=torch.uint16, overflow="raise") * 1

    def wrapped(x):
        return cumsum.cumsum(x.clone(), 1, dtype=torch.uint32, overflow="wrap")

    def in_place(x):
        return cumsum.cumsum_(x.clone(), 0, overflow="saturate")

    torch._dynamo.reset()
    x = torch.full((3, 40), 30, dtype=torch.int32)
    initial = torch.tensor([0, -300, 7])
    for function, inputs in (
        (saturated, (x, initial)), (raised, (x,)), (wrapped, (x,)), (in_place, (x.to(torch.int8),)),
    ):  # fmt: skip
        compiled = torch.compile(function, backend=backend, fullgraph=True)
        result = compiled(*inputs)
        assert torch.equal(result, function(*inputs))
        if function is raised:
            with pytest.raises(OverflowError, match=r"index \(0, 0\) is -2, but uint16 holds"):
                compiled(x - 31)


@every_way
def test_operator(flags):
    x = torch.full((3, 5), 100, dtype=torch.int8)
    for initial in (None, torch.arange(3).unsqueeze(1)):
        for view in (x, x.t().contiguous().t()):
            call = (view, initial, None, 1, torch.int8, *flags.values(), "saturate", "")
            results = torch.library.opcheck(tensors.exact_scan, call)
            assert set(results.values()) == {"SUCCESS"}


class Saturated(torch.nn.Module):
    def forward(self, x):
        return cumsum.cumsum(x, 0, dtype=torch.int8, overflow="saturate")


def test_exported_and_traced():
    x = torch.full((3,), 100)
    length = torch.export.Dim("length")
    program = torch.export.export(Saturated(), (x,), dynamic_shapes=({0: length},))
    longer = torch.full((5,), 30)
    assert program.module()(longer).tolist() == [30, 60, 90, 120, 127]
    traced = torch.jit.trace(Saturated(), (x,))
    assert traced(longer).tolist() == [30, 60, 90, 120, 127]
    graph = torch.fx.experimental.proxy_tensor.make_fx(Saturated())(x)
    assert graph(longer).tolist() == [30, 60, 90, 120, 127]


def test_fakes():
    with torch._subclasses.FakeTensorMode():
        x = torch.empty(2, 3, dtype=torch.int8)
        y = cumsum.cumsum(x, 1, dtype=torch.uint16, overflow="raise", include_initial=True)
    assert (y.shape, y.dtype) == ((2, 4), torch.uint16)
    x = torch.empty(2, 3, device="meta", dtype=torch.int8)
    assert cumsum.cumsum(x, 1, overflow="saturate").shape == (2, 3)


def test_gradients_flow_past():
    x = torch.tensor([1.0, 2.0], requires_grad=True)

    def loss(x):
        ids = cumsum.cumsum(x.detach().to(torch.int8), 0, dtype=torch.int8, overflow="saturate")
        return (x * ids).sum()

    assert torch.autograd.grad(loss(x), x)[0].tolist() == [1, 3]
    assert torch.func.grad(loss)(x.detach()).tolist() == [1, 3]


BAD = {
    "float": ({"dtype": torch.float32}, ValueError, "results that are integers, not torch.float32"),
    "decay": ({"decay": 2}, NotImplementedError, "not available together with decay"),
    "out": (
        {"dtype": torch.int8, "out": torch.empty(3, dtype=torch.int64)},
        RuntimeError,
        "Expected out tensor to have dtype",
    ),
    "kind of initial": ({"initial": 0.5}, TypeError, "cannot be a sum of dtype torch.int64"),
    "elements": ({"input": torch.ones(3, dtype=torch.complex64)}, ValueError, "not for elements"),
}


@pytest.mark.parametrize("case", BAD)
def test_errors(case):
    keywords, error, text = BAD[case]
    given = {"input": torch.arange(3), "dim": 0, "dtype": torch.int64, "overflow": "raise"}
    with pytest.raises(error, match=text):
        cumsum.cumsum(**given | keywords)


def test_other_tensors_have_no_exact_sums():
    x = torch.ones(3, dtype=torch.int64).to_sparse()
    with pytest.raises(NotImplementedError, match="overflow not available for a Tensor of layout"):
        cumsum.cumsum(x, 0, overflow="saturate")


def test_results_over_a_part_of_the_input():
    """torch refuses that, of the dtypes that it has sums of."""
    memory = torch.zeros(9, dtype=torch.uint16)
    x, out = memory[:6], memory[2:8]
    x.copy_(torch.arange(6))
    cumsum.cumsum(x, 0, dtype=torch.uint16, overflow="saturate", out=out)
    assert out.tolist() == [0, 1, 3, 6, 10, 15]
