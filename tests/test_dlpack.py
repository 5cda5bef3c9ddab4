"""Arrays of a library that nobody has heard of."""

import numpy as np
import pytest

import cumsum
from cumsum import dlpack


class Foreign:
    """CPU memory that speaks DLPack and nothing else."""

    def __init__(self, array):
        self._array = array

    @classmethod
    def from_dlpack(cls, x):
        return cls(np.from_dlpack(x))

    def __dlpack__(self, **kwargs):
        return self._array.__dlpack__(**kwargs)

    def __dlpack_device__(self):
        return self._array.__dlpack_device__()


@pytest.mark.parametrize("dtype", ["float32", "int16", "complex64", "bool"])
@pytest.mark.parametrize("include_initial", [False, True])
def test_foreign_array(dtype, include_initial):
    numbers = np.arange(60).reshape(3, 20).astype(dtype)
    for x in (numbers, numbers.T, numbers[:, ::3]):
        for axis in (0, 1):
            result = cumsum.cumulative_sum(Foreign(x), axis=axis, include_initial=include_initial)
            wanted = np.cumulative_sum(x, axis=axis, include_initial=include_initial)
            assert type(result) is Foreign
            found = np.from_dlpack(result)
            assert found.dtype == wanted.dtype
            assert np.array_equal(found, wanted)


class OnAnotherDevice(Foreign):
    """The same, claiming to lie on a GPU."""

    def __dlpack_device__(self):
        return (2, 0)


def test_foreign_device_is_refused():
    with pytest.raises((TypeError, BufferError), match=r"(?i)cpu|device"):
        cumsum.cumulative_sum(OnAnotherDevice(np.ones(3)))


@pytest.mark.parametrize(
    "value",
    [[1, 2], (1, 2), 1.5, "text", None, {1: 2}, object()],
    ids=lambda value: type(value).__name__,
)
@pytest.mark.parametrize("function", ["cumsum", "cumsum_", "cumulative_sum"])
def test_what_is_no_array_is_refused(value, function):
    arguments = () if function == "cumulative_sum" else (0,)
    with pytest.raises(TypeError, match=r"(?i)numpy.*torch|torch.*numpy|array"):
        getattr(cumsum, function)(value, *arguments)


class TestOnGPU:
    """Arrays of a GPU, by torch and back; here the CPU is said to be one."""

    @pytest.fixture(autouse=True)
    def _gpu(self, monkeypatch):
        monkeypatch.setitem(dlpack._GPUS, 1, "cpu")

    @pytest.mark.parametrize("dtype", ["float32", "uint8", "int16", "complex64", "bool"])
    def test_results(self, dtype):
        numbers = np.arange(60).reshape(3, 20).astype(dtype)
        for x in (numbers, numbers.T, numbers[:, ::3]):
            for axis in (0, 1, -1, None):
                result = cumsum.cumsum(Foreign(x), axis)
                wanted = np.cumsum(x, axis)
                assert type(result) is Foreign
                found = np.from_dlpack(result)
                assert found.dtype == wanted.dtype
                assert np.array_equal(found, wanted)

    def test_options(self):
        x = np.arange(12.0).reshape(3, 4)
        first = Foreign(np.array([1.0, 2.0, 3.0]))
        options = {"exclusive": True, "reverse": True, "dtype": np.float32}
        result = np.from_dlpack(cumsum.cumsum(Foreign(x), 1, initial=first, **options))
        wanted = cumsum.cumsum(x, 1, initial=np.array([1.0, 2.0, 3.0]), **options)
        assert result.dtype == np.float32
        assert np.array_equal(result, wanted)
        result = cumsum.cumsum(Foreign(x), (0, 1), dtype="float64")
        assert np.array_equal(np.from_dlpack(result), x.cumsum(0).cumsum(1))

    def test_array_api(self):
        x = np.arange(5, dtype=np.int32)
        result = cumsum.cumulative_sum(Foreign(x), include_initial=True)
        assert np.array_equal(np.from_dlpack(result), [0, 0, 1, 3, 6, 10])
        with pytest.raises(ValueError, match="axis is needed"):
            cumsum.cumulative_sum(Foreign(np.ones((2, 2))))

    def test_what_writes_is_refused(self):
        x = np.ones(3)
        with pytest.raises(TypeError, match="written to"):
            cumsum.cumsum_(Foreign(x), 0)
        with pytest.raises(NotImplementedError, match="out"):
            cumsum.cumsum(Foreign(x), 0, out=Foreign(x))
        assert np.array_equal(x, np.ones(3))
