"""What stands beside a tensor: numbers, lists, arrays and tensors mean the same everywhere."""

import numpy as np
import pytest
import torch
from torch.masked import masked_tensor

import cumsum

X = torch.tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])


class Ruled(np.ndarray):
    """An array with rules of its own."""

    def __array_ufunc__(self, *args, **kwargs):
        raise AssertionError("nobody knows them")


NUMBERS = {
    "int": 2,
    "float": 2.5,
    "complex": 1 + 2j,
    "bool": True,
    "list": [1.5, 2.0, 3.0],
    "list of int": [1, 2, 3],
    "list of complex": [1j, 2.0, 3],
    "nested list": [[1.0, 2.0, 3.0]],
    "tuple": (1, 2.5, 3),
    "np.float64": np.float64(2.5),
    "np.float32": np.float32(2.5),
    "np.int8": np.int8(2),
    "np.bool": np.bool_(True),
    "np.complex64": np.complex64(1j),
    "array": np.array([1.0, 2.0, 3.0]),
    "array of int": np.array([1, 2, 3]),
    "array of float32": np.array([1, 2, 3], np.float32),
    "tensor": torch.tensor([1.0, 2.0, 3.0]),
    "0-d tensor": torch.tensor(2),
}
MASKS = {
    "bool": True,
    "np.bool": np.bool_(True),
    "list": [[True, False, True]],
    "tuple": ((True,), (False,)),
    "array": np.array([True, False, True]),
    "tensor": torch.tensor([[True], [False]]),
}
CUTS = {"offsets": [0, 1, 2], "lengths": [1, 1], "reset": [True, True]}
MAKERS = {"list": list, "tuple": tuple, "array": np.array, "tensor": torch.tensor}
CALLS = (
    [(name, kind, value) for name in ("initial", "decay") for kind, value in NUMBERS.items()]
    + [("where", kind, value) for kind, value in MASKS.items()]
    + [(name, kind, make(cuts)) for name, cuts in CUTS.items() for kind, make in MAKERS.items()]
)
IDS = [f"{name}-{kind}" for name, kind, _ in CALLS]


def input_for(value):
    return X.to(torch.complex128) if np.iscomplexobj(value) else X.double()


def expected(name, value):
    """By one addition after another, in Python's numbers."""
    x = input_for(value)
    many = np.broadcast_to(np.asarray(value), x.shape).tolist() if name not in CUTS else None
    rows = []
    for j, line in enumerate(x.T.tolist()):
        total = many[0][j] if name == "initial" else 0
        sums = []
        for i, element in enumerate(line):
            if name == "decay":
                total = total * many[i][j]
            if name in CUTS:  # every element is a segment
                total = 0
            total += element if name != "where" or many[i][j] else 0
            sums.append(total)
        rows.append(sums)
    return torch.tensor(rows, dtype=x.dtype).T


@pytest.mark.parametrize(("name", "kind", "value"), CALLS, ids=IDS)
def test_values(name, kind, value):
    x, wanted = input_for(value), expected(name, value)
    given = {name: value}
    assert torch.equal(cumsum.cumsum(x, 0, **given), wanted)
    assert torch.equal(cumsum.cumsum(x, 0, **given, out=torch.empty_like(x)), wanted)
    assert torch.equal(cumsum.cumsum_(x.clone(), 0, **given), wanted)
    batched = torch.func.vmap(lambda t: cumsum.cumsum(t, 0, **given))(torch.stack((x, x)))
    assert torch.equal(batched, torch.stack((wanted, wanted)))


@pytest.mark.parametrize(("name", "kind", "value"), CALLS, ids=IDS)
def test_compiled(name, kind, value):
    torch._dynamo.reset()
    x = input_for(value)
    compiled = torch.compile(
        lambda t: cumsum.cumsum(t, 0, **{name: value}), backend="aot_eager", fullgraph=True
    )
    assert torch.equal(compiled(x), expected(name, value))


@pytest.mark.filterwarnings("ignore:Torchinductor does not support code generation for complex")
@pytest.mark.parametrize("backend", ["eager", "aot_eager", "inductor"])
@pytest.mark.parametrize("value", [2.5, 1 + 2j, [1.5, 2.0, 3.0]], ids=repr)
@pytest.mark.parametrize("name", ["initial", "decay"])
def test_compiled_by_each_backend(name, value, backend):
    torch._dynamo.reset()
    x = input_for(value)
    compiled = torch.compile(
        lambda t: cumsum.cumsum(t, 0, **{name: value}), backend=backend, fullgraph=True
    )
    assert torch.equal(compiled(x), expected(name, value))


@pytest.mark.parametrize("name", ["initial", "decay"])
def test_numbers_that_change_between_calls(name):
    torch._dynamo.reset()
    compiled = torch.compile(
        lambda t, number: cumsum.cumsum(t, 0, **{name: number}), backend="eager", fullgraph=True
    )
    for number in (2.5, 3.25, -1.0, 7, 8):
        assert torch.equal(compiled(X.double(), number), expected(name, number))


class Module(torch.nn.Module):
    def __init__(self, keywords):
        super().__init__()
        self.keywords = keywords

    def forward(self, x):
        return cumsum.cumsum(x, 0, **self.keywords)


# Dynamo makes an input of an array, which torch.export then has no values of.
EXPORTED = [call for call in CALLS if not isinstance(call[2], (np.ndarray, np.generic))]


@pytest.mark.parametrize("strict", [False, True])
@pytest.mark.parametrize(
    ("name", "kind", "value"), EXPORTED, ids=[f"{name}-{kind}" for name, kind, _ in EXPORTED]
)
def test_exported(name, kind, value, strict):
    x = input_for(value)
    program = torch.export.export(Module({name: value}), (x,), strict=strict)
    assert torch.equal(program.module()(x), expected(name, value))


def unusual_arrays():
    fixed = np.arange(3)
    fixed.flags.writeable = False
    yield "negative stride", np.arange(3)[::-1]
    yield "read-only", fixed
    yield "other byte order", np.arange(3).astype(">i4")
    yield "misaligned", np.frombuffer(b"\0" + np.arange(3).tobytes(), np.uint8)[1:].view(np.int64)
    yield "long double", np.arange(3).astype(np.longdouble)
    yield "unsigned", np.arange(3, dtype=np.uint16)
    yield "objects", np.arange(3).astype(object)


@pytest.mark.parametrize("array", [pytest.param(a, id=kind) for kind, a in unusual_arrays()])
def test_arrays_that_torch_does_not_take(array):
    y = cumsum.cumsum(X, 0, initial=array)
    assert y.tolist() == (X.cumsum(0) + torch.from_numpy(array.astype(np.float32))).tolist()


LEAST, MOST = -(2**63), 2**63 - 1
INTEGERS = [2**63, 2**64, 2**64 + 2**63, -(2**63) - 1, -(2**64), 2**127, -(2**200)]


def exact(x, initial, least, most, **how):
    numbers = x.tolist()[::-1] if how.get("reverse") else x.tolist()
    sums = [initial]
    for number in numbers:
        sums.append(sums[-1] + number)
    sums = sums[0 if how.get("include_initial") else 1 :]
    clamped = [min(max(s, least), most) for s in sums]
    return clamped[::-1] if how.get("reverse") else clamped


@pytest.mark.parametrize("initial", INTEGERS)
@pytest.mark.parametrize("dtype", [torch.int64, torch.uint64, torch.int8], ids=str)
@pytest.mark.parametrize("how", [{}, {"reverse": True}, {"include_initial": True}], ids=str)
def test_saturated_sums_begin_with_any_integer(initial, dtype, how):
    x = torch.tensor([LEAST, 5, LEAST, MOST, LEAST + 3, -1])
    wanted = exact(x, initial, torch.iinfo(dtype).min, torch.iinfo(dtype).max, **how)
    given = {"initial": initial, "dtype": dtype, "overflow": "saturate", **how}
    assert cumsum.cumsum(x, 0, **given).tolist() == wanted
    lists = cumsum.cumsum(torch.stack((x, x)), 1, **(given | {"initial": [initial, 0]}))
    assert lists[0].tolist() == wanted
    compiled = torch.compile(lambda t: cumsum.cumsum(t, 0, **given), backend="eager")
    assert compiled(x).tolist() == wanted


def test_checked_sums_begin_with_any_integer():
    x = torch.tensor([LEAST, LEAST, 7])
    assert cumsum.cumsum(x, 0, initial=2**63, overflow="raise").tolist() == [0, LEAST, LEAST + 7]
    out = torch.full((4,), -1)
    for initial, how, index in (
        (2**64, {}, 0),
        (2**64, {"include_initial": True}, 0),
        (2**64, {"include_initial": True, "reverse": True}, 3),
    ):
        value = 2**64 if how else 2**63
        with pytest.raises(OverflowError, match=rf"index \({index},\) is {value}, but int64 holds"):
            cumsum.cumsum(x, 0, initial=initial, overflow="raise", out=out[: 3 + bool(how)], **how)
        assert out.tolist() == [-1] * 4


@pytest.mark.parametrize(
    ("initial", "dtype", "range_"),
    [
        (300, torch.int8, "-128 to 127"),
        ([1, -129, 2], torch.int8, "-128 to 127"),
        (2**63, torch.int64, f"{LEAST} to {MOST}"),
        (2**64, torch.int64, f"{LEAST} to {MOST}"),
        (-(2**63) - 1, torch.int64, f"{LEAST} to {MOST}"),
        (2**40, torch.int32, f"{-(2**31)} to {2**31 - 1}"),
    ],
)
def test_integers_that_do_not_fit(initial, dtype, range_):
    x = torch.ones(2, 3, dtype=torch.int8)
    number = initial[1] if isinstance(initial, list) else initial
    kind = str(dtype).removeprefix("torch.")
    with pytest.raises(OverflowError, match=f"initial is {number}, but {kind} holds {range_}"):
        cumsum.cumsum(x, 0, dtype=dtype, initial=initial)


def test_integers_beyond_64_bits_among_floats():
    x = torch.ones(2, dtype=torch.float64)
    assert cumsum.cumsum(x, 0, initial=2**70).tolist() == [2.0**70, 2.0**70]
    assert cumsum.cumsum(x, 0, decay=2**70).tolist() == [1.0, 2.0**70]
    y = cumsum.cumsum(torch.ones(1, 2, dtype=torch.float64), 0, initial=[2**63, -1])
    assert y.tolist() == [[2.0**63, 0.0]]
    for name in ("initial", "decay"):
        with pytest.raises(OverflowError, match=f"{name} is beyond the range of floats"):
            cumsum.cumsum(x, 0, **{name: 10**400})


@pytest.mark.parametrize(
    ("keywords", "error", "message"),
    [
        ({"initial": "a"}, TypeError, "initial must be numbers, got str 'a'"),
        ({"initial": [None]}, TypeError, "initial must be numbers, got list"),
        ({"initial": [1, [2]]}, TypeError, "initial must be numbers, got list"),
        ({"initial": np.ma.array([1, 2, 3], mask=[1, 0, 0])}, ValueError, "initial has masked"),
        ({"where": np.ma.array([True] * 3, mask=[1, 0, 0])}, ValueError, "where has masked"),
        ({"where": masked_tensor(X > 0, X > 0)}, TypeError, "where is a MaskedTensor"),
        ({"decay": masked_tensor(X, X > 0)}, TypeError, "decay is a MaskedTensor"),
        ({"decay": np.ones(3).view(Ruled)}, TypeError, "decay is a .*Ruled, which has rules"),
        (
            {"dtype": torch.int8, "initial": np.int16(300)},
            OverflowError,
            "initial is 300, but int8",
        ),
        ({"dtype": torch.int8, "initial": torch.tensor([-129])}, OverflowError, "initial is -129"),
        ({"lengths": np.array([2**63], "u8")}, OverflowError, f"lengths is {2**63}, but int64"),
        ({"where": [1, 0, 1]}, TypeError, "'where' must be of torch.bool, not int64"),
        ({"offsets": [0, 2**70]}, OverflowError, f"offsets is {2**70}, but int64 holds"),
        ({"lengths": [1.5, 0.5]}, TypeError, "lengths must be integers"),
        ({"reset": [1, 0]}, TypeError, "reset must be bool"),
    ],
)
def test_errors(keywords, error, message):
    with pytest.raises(error, match=message):
        cumsum.cumsum(X, 0, **keywords)
