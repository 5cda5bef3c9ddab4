"""One table of scans: shapes x dims x layouts x dtypes, for the tests and the benchmarks.

A `Case` is a recipe. ``case.array()`` makes its NumPy input, ``case.tensor()`` the torch tensor
with the same values and strides.
"""

from dataclasses import dataclass
from math import prod

import ml_dtypes
import numpy as np

INTEGERS = ("uint8", "int8", "int16", "int32", "int64")
UNSIGNED = ("uint16", "uint32", "uint64")
FLOATS = ("float16", "bfloat16", "float32", "float64")
COMPLEX = ("complex64", "complex128")
INEXACT = FLOATS + COMPLEX
DTYPES = ("bool", *INTEGERS, *UNSIGNED, *INEXACT)

SHAPES = (
    ((), 0),
    ((0,), 0),
    ((3, 0), 0),
    ((3, 0), 1),
    ((2, 0, 3), -1),
    *(((n,), 0) for n in (1, 2, 7, 8, 9, 63, 64, 65, 4095, 4096, 4097, 12289, 100_003)),
    ((3, 5), 0),
    ((3, 5), 1),
    ((5, 4097), 0),
    ((5, 4097), 1),
    ((4097, 5), 0),
    ((4097, 5), 1),
    ((2, 3, 4, 5), 0),
    ((2, 3, 4, 5), 1),
    ((2, 3, 4, 5), -2),
    ((2, 3, 4, 5), -1),
    ((1, 1, 9, 1), 2),
    ((3000, 7), 1),
    ((3000, 8), 1),
    ((3000, 9), 1),
    ((20_000, 1), 1),
    *(((9000, columns), 0) for columns in (*range(1, 10), 17, 33)),
    ((3, 700, 129), 1),
    ((2, 60_001), 1),
)
LAYOUT_SHAPES = (((13,), 0), ((5, 4099), 1), ((4099, 5), 0), ((3, 21, 10), 1), ((700, 3), 1))


@dataclass(frozen=True)
class Case:
    """A scan to run: `shape` along `dim`, of `dtype`, in a memory `layout`, giving `result`."""

    shape: tuple[int, ...]
    dim: int
    dtype: str
    layout: str = "contiguous"
    result: str | None = None

    def __str__(self):
        shape = "x".join(map(str, self.shape)) or "0-d"
        result = f"->{self.result}" if self.result else ""
        return f"{shape}-dim{self.dim}-{self.dtype}{result}-{self.layout}"

    def array(self):
        """The NumPy input of this case."""
        return LAYOUTS[self.layout](values(self.shape, self.dtype))

    def tensor(self):
        """The torch input of this case: the same values and strides, over the same memory."""
        return as_tensor(self.array())


def numpy_dtype(name):
    """The NumPy dtype of a name, bfloat16 included."""
    return np.dtype(ml_dtypes.bfloat16 if name == "bfloat16" else name)


def as_tensor(array):
    """Share an array with torch; NumPy's bfloat16 goes through its bits.

    Of what is read-only because it is broadcast, a copy is broadcast again: torch warns of it.
    """
    import torch

    if not array.flags.writeable:
        once = array[tuple(slice(None if step else 1) for step in array.strides)]
        return as_tensor(once.copy()).expand(array.shape)
    if array.dtype.name != "bfloat16":
        return torch.from_numpy(array)
    return torch.from_numpy(array.view(np.int16)).view(torch.bfloat16)


def as_array(tensor):
    """Share a tensor with NumPy; bfloat16 goes through its bits."""
    import torch

    if tensor.dtype != torch.bfloat16:
        return tensor.numpy()
    return tensor.view(torch.int16).numpy().view(ml_dtypes.bfloat16)


def values(shape, dtype, seed=0):
    """Reproducible ordinary data: normal floats, integers over their whole range."""
    rng = np.random.default_rng([seed, prod(shape)])
    dtype = numpy_dtype(dtype)
    if dtype.kind == "b":
        return rng.integers(0, 2, shape).astype(bool)
    if dtype.kind in "iu":
        info = np.iinfo(dtype)
        return rng.integers(info.min, info.max, shape, dtype=dtype, endpoint=True)
    real = rng.standard_normal(shape)
    if dtype.kind == "c":
        return np.asarray(real + 1j * rng.standard_normal(shape)).astype(dtype)
    return np.asarray(real).astype(dtype)


def hard(shape, dtype="float64"):
    """Terms of very different sizes: much of the small ones is rounded away in a plain sum."""
    sizes = 10.0 ** np.random.default_rng(len(shape)).integers(-9, 9, shape)
    return (values(shape, dtype) * sizes).astype(dtype)


def _sliced(x, step):
    parent = np.zeros([step * n for n in x.shape], x.dtype)
    view = parent[(slice(None, None, step),) * x.ndim]
    view[...] = x
    return view


def _reversed(x):
    return np.ascontiguousarray(x[(slice(None, None, -1),) * x.ndim])[
        (slice(None, None, -1),) * x.ndim
    ]


def _offset(x, skip):
    parent = np.zeros(x.nbytes + skip, np.uint8)
    view = parent[skip:].view(x.dtype).reshape(x.shape)
    view[...] = x
    return view


LAYOUTS = {
    "contiguous": lambda x: x,
    "transposed": np.asfortranarray,
    "step2": lambda x: _sliced(x, 2),
    "step3": lambda x: _sliced(x, 3),
    "reversed": _reversed,
    "reversed-last": lambda x: np.ascontiguousarray(x[..., ::-1])[..., ::-1],
    "broadcast-first": lambda x: np.broadcast_to(x[:1], x.shape),
    "broadcast-last": lambda x: np.broadcast_to(x[..., :1], x.shape),
    "offset-element": lambda x: _offset(x, x.itemsize),
    "offset-byte": lambda x: _offset(x, 1),
}
TORCH_LAYOUTS = tuple(
    name for name in LAYOUTS if not name.startswith(("reversed", "broadcast", "offset-byte"))
)

PAIRS = (
    *((dtype, "float64") for dtype in ("bool", "int8", "uint8", "float16", "bfloat16", "int64")),
    *((dtype, "float32") for dtype in ("bool", "int16", "float16", "bfloat16", "float64")),
    *(("float32", dtype) for dtype in ("float16", "bfloat16", "float64", "complex64")),
    *(("int16", dtype) for dtype in (*INTEGERS, *FLOATS)),
    ("int8", "int8"),
    ("uint8", "uint8"),
    ("bool", "int8"),
    ("complex64", "complex128"),
    ("float64", "complex128"),
)

CASES = tuple(
    dict.fromkeys(
        [
            *(Case(shape, dim, dtype) for shape, dim in SHAPES for dtype in ("float32", "int8")),
            *(Case(shape, dim, dtype) for shape, dim in LAYOUT_SHAPES for dtype in DTYPES),
            *(Case((12289,), 0, dtype) for dtype in INEXACT),
            *(
                Case(shape, dim, dtype, layout)
                for shape, dim in LAYOUT_SHAPES
                for layout in LAYOUTS
                for dtype in ("bool", "int16", "bfloat16", "float32", "complex128")
            ),
            *(Case((3, 4099), 1, dtype, "step2", result) for dtype, result in PAIRS),
            *(Case((4099, 3), 0, dtype, "transposed", result) for dtype, result in PAIRS),
        ]
    )
)
