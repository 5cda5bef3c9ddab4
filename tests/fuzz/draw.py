"""Random shapes, values and layouts."""

from math import prod

import numpy as np

from cases import numpy_dtype

INTEGERS = ("bool", "int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64")
REALS = ("float16", "bfloat16", "float32", "float64", "longdouble")
COMPLEX = ("complex64", "complex128", "clongdouble")
DTYPES = INTEGERS + REALS + COMPLEX
EDGES = (1, 2, 3, 7, 8, 9, 15, 16, 17, 31, 32, 33, 255, 257, 512, 513, 4095, 4096, 4097, 8200)
MARK = 0xA5  # what stands in memory that nobody may write to
LAYOUTS = ("C", "F", "permuted", "steps", "negative", "field", "misaligned", "zero")
TENSOR_LAYOUTS = ("C", "F", "permuted", "steps", "zero")
LARGE = 2_200_000  # elements whose results go past the cache if they have 8 bytes


def pick(rng, choices, weights=None):
    """One of `choices`, which keep their types."""
    p = None if weights is None else np.divide(weights, np.sum(weights))
    return choices[int(rng.choice(len(choices), p=p))]


def extent(rng, most):
    """A size in [1, most], its logarithm uniform, often one where kernels change."""
    if rng.random() < 0.4:
        return min(int(pick(rng, EDGES)), max(most, 1))
    return max(1, min(most, int(np.exp(rng.uniform(0, np.log(max(most, 1) + 1))))))


def shape(rng):
    """A shape and the axis to scan."""
    kind = pick(rng, ("line", "rows", "columns", "plane", "large", "block", "deep", "empty",
                      "items", "scalar"), (13, 17, 17, 20, 14, 13, 3, 2, 16, 1))  # fmt: skip
    budget = int(pick(rng, (60, 3000, 60_000, 250_000, LARGE), (28, 25, 18, 28, 1)))
    if kind == "scalar":
        return (), 0
    if kind == "large":  # several threads have lines, and the last of them fewer
        return tuple(int(n) for n in rng.integers(100, 700, 2)), int(rng.integers(2))
    if kind == "empty":
        sizes = [int(n) for n in rng.integers(0, 4, rng.integers(1, 4))]
        sizes[rng.integers(len(sizes))] = 0
        return tuple(sizes), int(rng.integers(len(sizes)))
    if kind == "line":
        return (extent(rng, budget) if rng.random() < 0.5 else budget,), 0
    if kind == "items":  # of a few elements each
        small = int(rng.integers(1, 17)), int(rng.integers(1, 9))
        return (max(1, min(budget, 60_000) // prod(small)), *small), 1
    few = int(rng.integers(1, 17))
    many = max(1, int(budget * rng.uniform(0.3, 1)) // few)
    if kind == "rows":
        return (many, few), 1
    if kind == "columns":
        return (many, few), 0
    if kind == "plane":
        first = (
            int(budget**0.5 * rng.uniform(0.3, 3)) if rng.random() < 0.6 else extent(rng, budget)
        )
        first = max(first, 1)
        return (first, max(1, budget // first)), int(rng.integers(2))
    sizes = []
    for _ in range(3 if kind == "block" else int(rng.integers(4, 7))):
        sizes.append(extent(rng, max(1, int(budget ** pick(rng, (0.2, 0.4, 0.7))))))
        budget = max(1, budget // sizes[-1])
    rng.shuffle(sizes)
    return tuple(sizes), int(rng.integers(len(sizes)))


def values(rng, dims, dtype, *, kind=None):
    """Elements of every kind that a dtype has."""
    dtype, count = numpy_dtype(dtype), prod(dims)
    few = min(count, 4099)  # repeated, no power of two apart
    if dtype.kind in "biu":
        pool = _integers(rng, dtype, few, kind)
    else:
        kind = kind or pick(rng, ("whole", "normal", "wild", "special"), (5, 3, 1, 2))
        pool = _floats(rng, kind, few)
        if dtype.kind == "c":
            pool = pool + np.zeros(few, complex)
            pool.imag = _floats(rng, kind, few)
    with np.errstate(all="ignore"):
        return np.resize(pool.astype(dtype), dims)


def _integers(rng, dtype, count, kind):
    if dtype.kind == "b":
        return rng.random(count) < 0.5
    info = np.iinfo(dtype)
    kind = kind or pick(rng, ("whole", "full", "ends"), (3, 1, 1))
    if kind == "full":
        return rng.integers(info.min, info.max, count, dtype, endpoint=True)
    if kind == "ends":
        return np.array([info.min, info.max, 0, 1], dtype)[rng.integers(0, 4, count)]
    return rng.integers(max(info.min, -9), 10, count)


def _floats(rng, kind, count):
    if kind == "whole":
        return rng.integers(-9, 10, count).astype(float)
    found = rng.standard_normal(count)
    if kind == "wild":
        return found * 10.0 ** rng.integers(-30, 30, count)
    if kind == "special":
        chance = rng.random(count)
        for limit, value in ((0.3, -0.0), (0.05, np.nan), (0.02, np.inf), (0.01, -np.inf)):
            found[chance < limit] = value
        found[chance > 0.97] *= 1e12  # beyond some integers
    return found


def lay(rng, array, layout, guard=None):
    """The elements of `array` in another layout, and all of the memory that those lie in.

    Where a dim has the stride 0 some of them are lost.
    """
    size, dims = array.itemsize, array.shape
    steps = [1] * array.ndim
    if layout == "steps" and array.size < LARGE // 4:
        steps = [int(rng.integers(1, 4)) for _ in dims]
    order = list(range(array.ndim))
    if layout == "F":
        order.reverse()
    elif layout not in ("C", "misaligned"):
        rng.shuffle(order)
    reach = size + int(pick(rng, (1, 3, size))) if layout == "field" else size
    strides, start = [0] * array.ndim, 1 if layout == "misaligned" else 0
    constant = int(rng.integers(array.ndim)) if layout == "zero" and array.ndim else None
    for axis in reversed(order):
        if axis == constant:
            continue
        strides[axis] = reach * steps[axis]
        reach *= max(dims[axis] * steps[axis], 1)
    if layout == "negative":
        for axis, extent_ in enumerate(dims):
            if extent_ and rng.random() < 0.6:
                start += (extent_ - 1) * strides[axis]
                strides[axis] = -strides[axis]
    guard = int(pick(rng, (0, 64))) if guard is None else guard
    last = start + sum((n - 1) * s for n, s in zip(dims, strides, strict=True) if s > 0)
    memory = np.full(guard + (last + size if array.size else 0) + guard, MARK, np.uint8)
    view = raw(memory, dims, size, guard + start, strides).view(array.dtype)
    if array.size:
        raw(memory, dims, size, guard + start, strides)[...] = array.view(f"V{size}")
    return view, memory


def raw(memory, dims, size, start, strides):
    """A view of memory, in elements without a meaning: every byte of them is copied."""
    return np.ndarray(dims, f"V{size}", memory if all(dims) else None, start, strides)


def bytes_outside_kept(view, memory, before):
    """Whether nothing but the elements of `view` has changed in `memory`."""
    if memory.size == 0:
        return True
    start = view.__array_interface__["data"][0] - memory.__array_interface__["data"][0]
    expected = before.copy()
    raw(expected, view.shape, view.itemsize, start, view.strides)[...] = view.view(
        f"V{view.itemsize}"
    )
    return bool((expected == memory).all())
