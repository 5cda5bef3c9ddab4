"""Casts before the sum: one rule by whatever route, for values out of range as well."""

import ml_dtypes
import numpy as np
import pytest
import torch

import cumsum

SOURCES = ["float16", "float32", "float64", "longdouble", "complex64", "complex128", "clongdouble"]
INTEGERS = ["bool", "int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64"]


def hostile():
    """Values around the ends of every integer dtype, and those that none of them holds."""
    ends = [
        s * (2.0**e + d)
        for e in (7, 8, 15, 16, 31, 32, 63, 64, 70)
        for s in (1, -1)
        for d in (-1, 0, 1, 4096)
    ]
    values = [0, -0.0, 0.5, -0.5, 300, 70000, -70000, 3e9, -3e9, 2.0**33 + 5, 1.5e19, 2.5e19, 1e30]
    return np.array([*values, *ends, np.nan, np.inf, -np.inf], np.longdouble)


def elements(source):
    with np.errstate(all="ignore"):
        return np.tile(hostile(), 3).astype(source)


def layouts(x):
    """Matrices whose lines begin with the elements of `x`, in several layouts."""
    yield "C", np.stack([x, np.zeros_like(x)], 1), 1
    yield "F", np.asfortranarray(np.stack([x, np.zeros_like(x)], 1)), 1
    yield "columns", np.stack([x, np.zeros_like(x)]), 0
    yield "steps", np.repeat(np.stack([x, np.zeros_like(x)], 1), 2, 1)[:, ::2], 1
    yield "backwards", np.stack([x, np.zeros_like(x)], 1)[::-1, ::-1][::-1, ::-1], 1


ROUTES = {
    "plain": {},
    "reverse": {"reverse": True},
    "one segment": {"offsets": [0, 2]},
    "segments": {"offsets": [0, 1, 2]},
    "where": {"where": True},
    "initial": {"initial": 0},
}


@pytest.mark.filterwarnings("ignore::numpy.exceptions.ComplexWarning", "ignore::RuntimeWarning")
@pytest.mark.parametrize("target", INTEGERS)
@pytest.mark.parametrize("source", SOURCES)
def test_integers_of_floats_by_every_route(source, target):
    x = elements(source)
    expected = rule(x, np.dtype(target))
    for _, matrix, axis in layouts(x):
        for name, options in ROUTES.items():
            sums = cumsum.cumsum(matrix, axis, dtype=target, **options)
            found = sums.take(0, axis)
            assert np.array_equal(found, expected), name


def rule(x, target):
    """The table of docs/accuracy.md, on Python's integers."""
    return np.array([_one(value, x.dtype, target) for value in x], target)


def _one(value, source, target):
    if target.kind == "b":
        return value != 0
    value = value.real
    bits = 8 * target.itemsize
    is_long = source.char in "gG"
    if bits < 32:  # by way of more bits
        via = 16 if is_long and target != np.uint16 else 32
        whole = _signed(value, via)
    elif target == np.uint64 or (target == np.uint32 and not is_long and source.char != "e"):
        middle = 2 ** (bits - 1)
        upper = value >= middle
        whole = _signed(value - middle if upper else value, bits) + (middle if upper else 0)
    else:
        whole = _signed(value, 32 if target == np.int32 else 64)
    low = whole % 2**bits
    return low - 2**bits if target.kind == "i" and low >= 2 ** (bits - 1) else low


def _signed(value, bits):
    """A signed integer of so many bits: the least one where the value has none."""
    least = -(2 ** (bits - 1))
    if not np.isfinite(value) or not least <= int(value) < -least:
        return least
    return int(value)


def casts_by_vectors():
    """Whether NumPy casts as it does on x86-64, where it does so by vectors."""
    with np.errstate(invalid="ignore"):
        middle = np.full(9, np.nan).astype("u4")[0]
    return np.dtype("longdouble").itemsize == 16 and middle == 2**31


@pytest.mark.filterwarnings("ignore::numpy.exceptions.ComplexWarning", "ignore::RuntimeWarning")
@pytest.mark.skipif(
    not casts_by_vectors(),
    reason="the rule is NumPy's on x86-64 with vectors",
)
@pytest.mark.parametrize("source", SOURCES)
def test_the_rule_is_that_of_numpy(source):
    x = elements(source)
    for target in INTEGERS:
        found = np.tile(x, 2).astype(target)[: x.size]  # the last ones are not cast by vectors
        assert np.array_equal(rule(x, np.dtype(target)), found), target


@pytest.mark.filterwarnings("ignore::UserWarning")  # torch's, that a cast discards
@pytest.mark.parametrize("source", ["float16", "float32", "float64", "complex64", "complex128"])
def test_tensors_have_the_same_rule(source):
    x = elements(source)
    for target in ("int8", "int16", "int32", "int64"):
        expected, dtype = rule(x, np.dtype(target)), getattr(torch, target)
        for _, matrix, axis in layouts(x):
            tensor = torch.from_numpy(matrix)
            for options in ({}, {"offsets": torch.tensor([0, 1, 2])}, {"reverse": True}):
                found = cumsum.cumsum(tensor, axis, dtype=dtype, **options).numpy().take(0, axis)
                assert np.array_equal(found, expected), (target, options)
        single = cumsum.cumsum(
            torch.tensor(float("nan"), dtype=getattr(torch, source)), 0, dtype=dtype
        )
        nan = rule(np.full(1, np.nan, source), np.dtype(target))
        assert single.numpy() == nan[0]


def test_any_byte_of_a_bool_but_zero_is_true():
    bits = np.array([0, 1, 2, 255, 3, 0, 7, 9, 128, 64, 1, 0] * 9, np.uint8).view(bool)
    plain = np.array([bool(b) for b in bits.view(np.uint8)])
    for dtype in (None, "bool", "int8", "float32", "complex64"):
        for options in ({}, {"reverse": True}, {"offsets": [0, 5, len(bits)]}, {"where": bits}):
            given = options | ({"where": plain} if "where" in options else {})
            expected = cumsum.cumsum(plain, 0, dtype=dtype, **given)
            assert np.array_equal(cumsum.cumsum(bits, 0, dtype=dtype, **options), expected)
            if dtype == "bool":  # of which torch has no sums
                continue
            tensor = torch.from_numpy(bits)
            given = {k: torch.as_tensor(v) if k != "reverse" else v for k, v in options.items()}
            wanted = None if dtype is None else getattr(torch, dtype)
            sums = cumsum.cumsum(tensor, 0, dtype=wanted, **given)
            assert np.array_equal(sums.numpy(), expected)


@pytest.mark.parametrize("source", ["float64", "longdouble", "complex128", ">f8"])
@pytest.mark.parametrize("target", ["float16", ml_dtypes.bfloat16])
@pytest.mark.filterwarnings("ignore::numpy.exceptions.ComplexWarning")
def test_arrays_are_rounded_to_16_bits_once(source, target):
    rng = np.random.default_rng(0)
    ties = 1 + rng.integers(0, 2**8, 400) * 2.0**-8 + 2.0**-9 + rng.choice([1, -1], 400) * 2.0**-40
    halves = (
        1 + rng.integers(0, 2**10, 400) * 2.0**-10 + 2.0**-11 + rng.choice([1, -1], 400) * 2.0**-40
    )
    x = np.concatenate([ties, halves]).astype(source)
    expected = x.real.astype(target)
    for _, matrix, axis in layouts(x):
        for options in ({}, {"offsets": [0, 2]}, {"where": True}, {"decay": 1}):
            found = cumsum.cumsum(matrix, axis, dtype=target, **options).take(0, axis)
            assert found.tobytes() == expected.tobytes(), options
    stream = cumsum.RunningSum(1, target)
    assert stream.update(x[:, None])[:, 0].tobytes() == expected.tobytes()


@pytest.mark.filterwarnings("ignore::numpy.exceptions.ComplexWarning")
@pytest.mark.parametrize("target", ["float16", "float32", "float64", "longdouble", "int64"])
@pytest.mark.parametrize("source", ["complex64", "complex128", "clongdouble"])
def test_a_number_is_missing_by_either_part(source, target):
    x = np.array([1, complex(2, np.nan), complex(np.nan, 3), 4], source)
    for where, sums in ((True, [1, 1, 1, 5]), ([True, True, True, False], [1, 1, 1, 1])):
        for options in ({}, {"offsets": [0, 4]}, {"initial": 0}):
            y = cumsum.cumsum(x, 0, dtype=target, skipna=True, where=where, **options)
            assert y.tolist() == sums
