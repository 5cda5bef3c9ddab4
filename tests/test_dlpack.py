"""Arrays of a library that nobody has heard of."""

import numpy as np
import pytest

import cumsum


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
