"""where=, skipna= and missing= on NumPy arrays."""

import itertools
import warnings

import ml_dtypes
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import cumsum
from bits import same_bits
from orientations import COMBINATIONS, name

SHAPES = [((0,), 0), ((1,), 0), ((7,), 0), ((9000,), 0), ((300_000,), 0), ((3, 20), 1)]
SHAPES += [((20, 3), 0), ((4, 0, 3), 1), ((4, 0, 3), 0), ((300, 40), 0), ((40, 300), 1)]
SHAPES += [((5, 30, 6), 1), ((5, 4300, 2), 1), ((4300, 5, 3), 0), ((2, 9000), 1), ((9000, 2), 0)]
LONG = [((1_200_007,), 0), ((3, 400_000), 1), ((400_000, 3), 0), ((900, 1100), 0), ((900, 1100), 1)]
DTYPES = ["bool", "int8", "uint16", "int32", "int64", "float16", "float32", "float64", "longdouble"]
DTYPES += ["complex64", "complex128", "clongdouble", ml_dtypes.bfloat16]
LAYOUTS = {
    "C": lambda x: x,
    "F": np.asfortranarray,
    "flipped": lambda x: np.ascontiguousarray(x[::-1])[::-1],
    "backward": lambda x: np.ascontiguousarray(x[..., ::-1])[..., ::-1],
    "steps": lambda x: np.repeat(x, 2, axis=-1)[..., ::2],
}
MASKS = {
    "none": lambda shape, axis, rng: None,
    "full": lambda shape, axis, rng: rng.random(shape) < 0.6,
    "all": lambda shape, axis, rng: np.ones(shape, bool),
    "nothing": lambda shape, axis, rng: np.zeros(shape, bool),
    "along": lambda shape, axis, rng: (
        rng.random([n if d == axis else 1 for d, n in enumerate(shape)]) < 0.6
    ),
    "across": lambda shape, axis, rng: (
        rng.random([1 if d == axis else n for d, n in enumerate(shape)]) < 0.6
    ),
    "last": lambda shape, axis, rng: rng.random(shape[-1:]) < 0.6,
}
every_way = pytest.mark.parametrize("flags", COMBINATIONS, ids=name)


def values(shape, dtype, seed=0):
    """Numbers, a few of which are NaN where there is such a thing."""
    rng = np.random.default_rng(seed)
    x = (3 * rng.standard_normal(shape)).astype(
        "clongdouble" if is_complex(dtype) else "longdouble"
    )
    if is_complex(dtype):
        x.imag = rng.standard_normal(shape)
        x.imag[rng.random(shape) < 0.1] = np.nan
    if can_be_nan(dtype):
        x.real[rng.random(shape) < 0.1] = np.nan
    return x.astype(dtype)


def is_complex(dtype):
    return np.dtype(dtype).kind == "c"


def can_be_nan(dtype):
    return np.dtype(dtype).kind in "fcV"


def reference(x, axis, where=None, *, skipna=False, missing="carry", dtype=None, **flags):
    """The plain scan of the elements with zeros in the holes, and NaN put in after it."""
    kept = np.ones(x.shape, bool) if where is None else np.broadcast_to(where, x.shape)
    if skipna:
        kept = kept & (x == x)  # noqa: PLR0124
    filled = np.where(kept, x, np.zeros((), x.dtype))
    y = cumsum.cumsum(filled, axis, dtype=dtype, **flags)
    if missing == "nan":
        sums = y
        if flags.get("include_initial"):
            cut = slice(None, -1) if flags.get("reverse") else slice(1, None)
            sums = y[(slice(None),) * axis + (cut,)]
        sums[~kept] = complex(np.nan, np.nan) if is_complex(y.dtype) else np.nan
    return y


def check(x, axis, where, **keywords):
    expected = reference(x, axis, where, **keywords)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", np.exceptions.ComplexWarning)
        result = cumsum.cumsum(x, axis, where=where, **keywords)
    assert same_bits(np.ascontiguousarray(result), np.ascontiguousarray(expected))


@pytest.mark.parametrize("missing", ["carry", "nan"])
@pytest.mark.parametrize("dtype", DTYPES, ids=lambda d: np.dtype(d).name)
def test_bits_are_those_of_the_scan_with_zeros(dtype, missing):
    if missing == "nan" and not can_be_nan(dtype):
        with pytest.raises(ValueError, match="missing is 'nan', which sums of dtype"):
            cumsum.cumsum(values((3,), dtype), 0, skipna=True, missing="nan")
        return
    rng = np.random.default_rng(1)
    for (shape, axis), mask in itertools.product(SHAPES, MASKS.values()):
        x, where = values(shape, dtype), mask(shape, axis, rng)
        for skipna in (False, True):
            if where is None and not skipna:
                continue
            for reverse in (False, True):
                check(x, axis, where, skipna=skipna, missing=missing, reverse=reverse)


@every_way
@pytest.mark.parametrize("missing", ["carry", "nan"])
def test_combinations(missing, flags):
    rng = np.random.default_rng(2)
    for shape, axis in SHAPES:
        lines = shape[:axis] + shape[axis + 1 :]
        for dtype in ("float16", "float64", "complex64"):
            x, where = values(shape, dtype), rng.random(shape) < 0.7
            for initial in (None, 3, np.ones(lines, dtype)):
                for precision in (None, "compensated"):
                    given = flags | {"initial": initial, "precision": precision}
                    check(x, axis, where, skipna=True, missing=missing, **given)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("missing", ["carry", "nan"])
def test_layouts(layout, missing):
    rng = np.random.default_rng(3)
    for shape, axis in SHAPES:
        for dtype, result in [("float32", None), ("float32", "float64"), ("int16", "float32")]:
            x, where = values(shape, dtype), rng.random(shape) < 0.7
            for way in LAYOUTS.values():
                ways = {
                    "skipna": True,
                    "missing": missing,
                    "dtype": result,
                    "reverse": layout == "F",
                }
                check(LAYOUTS[layout](x), axis, way(where), **ways)


@pytest.mark.parametrize("missing", ["carry", "nan"])
@pytest.mark.parametrize("threads", [1, 2])
def test_long_lines(threads, missing):
    rng = np.random.default_rng(4)
    with cumsum.num_threads(threads):
        for (shape, axis), dtype in itertools.product(LONG, ["float16", "float32", "float64"]):
            x = values(shape, dtype)
            for mask in ("none", "full", "along", "across"):
                where = MASKS[mask](shape, axis, rng)
                for reverse in (False, True):
                    check(x, axis, where, skipna=True, missing=missing, reverse=reverse)
                check(x.T, 1 - axis if x.ndim == 2 else 0, None, skipna=True, missing=missing)
                check(x[::-1], axis, where, skipna=where is None, missing=missing, exclusive=True)


@given(
    st.lists(st.tuples(st.floats(width=32), st.booleans()), max_size=60),
    st.sampled_from(["carry", "nan"]),
    st.booleans(),
    st.sampled_from(COMBINATIONS),
)
def test_any_elements(elements, missing, skipna, flags):
    x = np.array([value for value, _ in elements], np.float32)
    where = np.array([kept for _, kept in elements], bool)
    check(x, 0, where, skipna=skipna, missing=missing, **flags)


@given(st.data())
def test_any_shape_and_mask(data):
    shape = data.draw(st.lists(st.integers(0, 7), min_size=1, max_size=4))
    axis = data.draw(st.integers(0, len(shape) - 1))
    rng = np.random.default_rng(data.draw(st.integers(0, 100)))
    kept = [n if data.draw(st.booleans()) else 1 for n in shape]
    where = rng.random(kept[data.draw(st.integers(0, len(shape))) :]) < 0.5
    x = values(shape, data.draw(st.sampled_from(DTYPES)))
    order = data.draw(st.permutations(range(len(shape))))
    x = np.transpose(np.ascontiguousarray(np.transpose(x, order)), np.argsort(order))
    for skipna in (False, True):
        check(x, axis, where, skipna=skipna, reverse=data.draw(st.booleans()))


def test_out_and_in_place():
    rng = np.random.default_rng(5)
    for dtype, missing in itertools.product(["float32", "int64", "complex128"], ["carry", "nan"]):
        if missing == "nan" and not can_be_nan(dtype):
            continue
        for shape, axis in SHAPES + LONG[:1]:
            x, where = values(shape, dtype), rng.random(shape) < 0.6
            for flags in ({}, {"reverse": True}, {"exclusive": True}):
                asked = flags | {"where": where, "skipna": True, "missing": missing}
                expected = reference(x, axis, **asked)
                out = np.empty_like(x)
                assert cumsum.cumsum(x, axis, out=out, **asked) is out
                assert same_bits(out, expected)
                copy = x.copy()
                assert cumsum.cumsum_(copy, axis, **asked) is copy
                assert same_bits(copy, expected)


def test_masks_that_overlap_the_result():
    x = np.array([True, False, True])
    assert cumsum.cumsum_(x, 0, where=x).tolist() == [True, True, True]
    where = np.array([False, True, True])
    ones = np.array([True, True, False])
    assert cumsum.cumsum(ones, 0, dtype=bool, out=where, where=where).tolist() == [0, 1, 1]


def test_numbers_and_flattened_arrays():
    x = np.arange(6.0).reshape(2, 3)
    where = [True, False, True]
    assert cumsum.cumsum(x, None, where=where).tolist() == [0, 0, 2, 5, 5, 10]
    number = np.array(3.0)
    assert cumsum.cumsum(number, 0, where=False, initial=2).tolist() == [2]
    assert cumsum.cumsum_(number, 0, where=False) is number
    assert number == 0


def test_other_dtypes():
    spans = np.array([1, "NaT", 3], "m8[s]")
    assert cumsum.cumsum(spans, 0, skipna=True).tolist() == np.array([1, 1, 4], "m8[s]").tolist()
    missing = cumsum.cumsum(spans, 0, skipna=True, missing="nan", where=[False, True, True])
    assert np.isnat(missing).tolist() == [True, True, False]
    assert missing[2] == np.timedelta64(3, "s")
    objects = np.array([1, float("nan"), 10**30], object)
    assert cumsum.cumsum(objects, 0, skipna=True).tolist() == [1, 1, 10**30 + 1]
    swapped = np.array([1.0, np.nan, 2.0], ">f4")
    assert cumsum.cumsum(swapped, 0, skipna=True, missing="nan").tolist()[::2] == [1, 3]
    small = np.array([1, np.nan, 2], ml_dtypes.float8_e4m3fn)
    assert cumsum.cumsum(small, 0, skipna=True).astype(float).tolist() == [1, 1, 3]
    words = np.array(["a", "b", "c"], np.dtypes.StringDType())
    assert cumsum.cumsum(words, 0, where=[True, False, True]).tolist() == ["a", "a", "ac"]
    absent = np.array(["a", None, "c"], np.dtypes.StringDType(na_object=None))
    assert cumsum.cumsum(absent, 0, skipna=True).tolist() == ["a", "a", "ac"]
    masked = np.ma.array([1.0, 2.0, np.nan], mask=[False, True, False])
    assert cumsum.cumsum(masked, 0, skipna=True).tolist() == [1, None, 1]


BAD = {
    "bytes": ({"where": np.ones(3, np.uint8)}, TypeError, "'where' must be of bool, not of uint8"),
    "shape": ({"where": np.ones(4, bool)}, ValueError, r"where has shape \(4,\)"),
    "missing": (
        {"skipna": True, "missing": "nan"},
        ValueError,
        "missing is 'nan', which sums of dtype",
    ),
    "skipna": ({"skipna": 1}, TypeError, "argument 'skipna' must be bool"),
}


@pytest.mark.parametrize("case", BAD)
def test_errors(case):
    keywords, error, message = BAD[case]
    x = np.ones((2, 3), np.int64)
    with pytest.raises(error, match=message):
        cumsum.cumsum(x, 1, **keywords)
    with pytest.raises(error, match=message):
        cumsum.cumsum_(x, 1, **keywords)
    assert x.tolist() == [[1, 1, 1], [1, 1, 1]]


@pytest.mark.parametrize("layout", ["C", "F"])
@pytest.mark.parametrize(
    ("source", "target"), [("float64", "int32"), ("longdouble", "float32"), ("float64", "float16")]
)
def test_casts_by_way_of_buffers_on_several_threads(source, target, layout):
    """Panels of every width: the last one of a unit is narrower than the others."""
    rng = np.random.default_rng(0)
    for lines, length in ((422, 250), (300, 133), (1011, 97), (555, 260), (90, 1000)):
        x = np.asarray(rng.integers(-9, 9, (lines, length)), source, order=layout)
        x[rng.random(x.shape) < 0.1] = np.nan
        where = np.asfortranarray(rng.random(x.shape) < 0.5)
        for axis in (0, 1):
            for mask in ({}, {"where": where}, {"where": where[:, :1]}):
                expected = reference(x, axis, skipna=True, dtype=target, **mask)
                for threads in (1, 2, 3, 7):
                    with cumsum.num_threads(threads):
                        found = cumsum.cumsum(x, axis, dtype=target, skipna=True, **mask)
                    assert np.array_equal(found, expected)
