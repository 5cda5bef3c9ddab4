"""What may be given for each argument of a call with an array, and what the refusals say."""

import warnings

import array_api_strict
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import torch
import xarray as xr

import cumsum

X = np.array([3.0, 1.0, 2.0])
OPTIONS = {
    "where": [True, False, True],
    "offsets": [0, 1, 3],
    "lengths": [1, 2],
    "reset": [True, False, True],
    "decay": [0.5, 1.0, 2.0],
    "initial": 4.0,
}
KINDS = {"array": np.asarray, "tensor": torch.tensor, "array API": array_api_strict.asarray}


@pytest.mark.parametrize("name", OPTIONS)
@pytest.mark.parametrize("kind", KINDS)
def test_lists_arrays_and_tensors(name, kind):
    value = OPTIONS[name]
    wanted = cumsum.cumsum(X, 0, **{name: value})
    assert cumsum.cumsum(X, 0, **{name: KINDS[kind](value)}).tolist() == wanted.tolist()
    other = array_api_strict.asarray(X)
    result = cumsum.cumsum(other, 0, **{name: KINDS[kind](value)})
    assert type(result) is type(other)
    assert np.asarray(result).tolist() == wanted.tolist()


def test_a_tensor_with_a_gradient_is_refused():
    with pytest.raises(TypeError, match=r"decay is a torch\.Tensor that NumPy cannot read"):
        cumsum.cumsum(X, 0, decay=torch.tensor(0.5, requires_grad=True))


def test_an_empty_list_as_mask():
    assert cumsum.cumsum(X[:0], 0, where=[]).shape == (0,)


@pytest.mark.parametrize("flag", ["exclusive", "reverse", "include_initial", "skipna"])
@pytest.mark.parametrize("x", [X, torch.tensor(X)], ids=["array", "tensor"])
def test_flags_of_numpy(x, flag):
    for value in (True, False):
        result = cumsum.cumsum(x, 0, **{flag: np.bool(value)})
        assert result.tolist() == cumsum.cumsum(x, 0, **{flag: value}).tolist()


def test_any_array_of_the_array_api():
    x = array_api_strict.asarray([[1, 2], [3, 4]], dtype=array_api_strict.int8)
    y = cumsum.cumsum(x, 1, reverse=True, dtype=array_api_strict.float32)
    assert y.dtype == array_api_strict.float32
    assert np.asarray(y).tolist() == [[3, 2], [7, 4]]
    assert np.asarray(cumsum.cumsum(x, None)).tolist() == [1, 3, 6, 10]
    assert np.asarray(cumsum.cumsum(x, (0, 1))).tolist() == [[1, 3], [4, 10]]
    with pytest.raises(TypeError, match=r"cumsum_\(\): a Array is not written to; take cumsum"):
        cumsum.cumsum_(x, 0)
    with pytest.raises(NotImplementedError, match="out not available"):
        cumsum.cumsum(x, 0, out=x)


@pytest.mark.parametrize("x", [X, torch.tensor(X)], ids=["array", "tensor"])
def test_out_of_cumulative_sum(x):
    out = x * 0
    assert cumsum.cumulative_sum(x, out=out) is out
    assert out.tolist() == [3, 4, 6]


class OnlyDLPack:
    """What can be read, but whose library cannot be given a result."""

    def __dlpack__(self, **keywords):
        raise AssertionError("it was read before it was refused")

    def __dlpack_device__(self):
        return (1, 0)


WAYS = {
    "list": ([1, 2], r"numpy\.asarray\(x\)"),
    "Series": (pd.Series([1, 2]), r"x\.to_numpy\(\)"),
    "DataFrame": (pd.DataFrame({"a": [1]}), r"x\.to_numpy\(\)"),
    "pyarrow": (pa.chunked_array([[1, 2]]), r"x\.to_numpy\(\)"),
    "DataArray": (xr.DataArray([1, 2]), r"cumsum\.xarray\.cumsum\(x, dim\)"),
    "Dataset": (xr.Dataset({"a": ("t", [1])}), r"cumsum\.xarray\.cumsum\(x, dim\)"),
    "DLPack": (OnlyDLPack(), r"numpy\.from_dlpack\(x\)"),
}


@pytest.mark.parametrize("case", WAYS)
def test_refusals_name_the_way(case):
    x, way = WAYS[case]
    calls = [lambda: cumsum.cumsum(x, 0), lambda: cumsum.cumsum_(x, 0)]
    for call in [*calls, lambda: cumsum.cumulative_sum(x)]:
        with pytest.raises(TypeError, match=f"must be a torch.Tensor or .*; take {way}"):
            call()


@pytest.mark.parametrize("options", [{}, {"decay": 1.0}, {"include_initial": True}], ids=str)
@pytest.mark.parametrize("dim", [0, (0, 1)])
def test_a_cast_that_discards_warns_once(dim, options):
    if "decay" in options and dim != 0:
        return
    x = np.array([[1 + 1j, 2]])
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        y = cumsum.cumsum(x, dim, dtype=float, **options)
    assert [w.category for w in seen] == [np.exceptions.ComplexWarning]
    assert y[-1, -1] == (3 if dim != 0 else 2)


@pytest.mark.parametrize("make", [np.zeros, torch.zeros], ids=["NumPy", "torch"])
@pytest.mark.parametrize("numbers", [[2**63, 1], [2**64 - 1, 0], [2**64, 1], [2**70, 2**100]])
def test_integers_in_lists_are_what_they_are(make, numbers):
    x = make((2, 3))
    assert cumsum.cumsum(x, 1, initial=numbers)[:, 0].tolist() == [float(n) for n in numbers]
    decays = [[number] for number in numbers]
    ones = cumsum.cumsum(x + 1, 1, decay=decays)[:, 1].tolist()
    assert ones == pytest.approx([1 + number for number in numbers])


@pytest.mark.parametrize("make", [np.zeros, torch.zeros], ids=["NumPy", "torch"])
@pytest.mark.parametrize("name", ["offsets", "lengths"])
def test_offsets_past_64_bits(make, name):
    for number in (2**63, 2**64, 2**100):
        with pytest.raises(OverflowError, match=f"{name} "):
            cumsum.cumsum(make(3), 0, **{name: [0, number, 3]})
