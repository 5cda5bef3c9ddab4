"""Random calls of the public functions: plain forms of every option, and unusual ones."""

import math

import numpy as np
import torch

from cumsum.options import NAMES

NUMBERS = (
    *(0, 1, -3, 7, 127, 128, 255, 300, 2**31, -(2**31), 2**53 + 1, 2**63 - 1, 2**63, -(2**63)),
    *(2**64, 10**400, 0.0, -0.0, 0.5, 1e-7, 1e-40, 1e-300, 65504.0, 70000.0, 1e300, 2.0**127),
    *(math.nan, math.inf, -math.inf, 1 / 3, 2049, 2.0**-24, 1.0 + 2.0**-20),
)
ODD_NUMBERS = (True, 1j, np.float64(2), np.int8(3), np.float32(1.5), np.True_, "2", None)
SHAPES = ((1,), (7,), (40,), (3, 5), (5, 1), (2, 3, 4), (0,), (3, 0), (0, 4), (1, 1), ())
ARRAY_DTYPES = "?bBhHiIlLqQefdgFDG"
TENSOR_DTYPES = (
    *(torch.bool, torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64),
    *(torch.uint16, torch.uint32, torch.uint64),
    *(torch.float16, torch.bfloat16, torch.float32, torch.float64),
    *(torch.complex64, torch.complex128),
)


def between_bytes(x):
    raw = np.zeros(x.nbytes + 1, np.uint8)[1:]
    raw[:] = np.frombuffer(x.tobytes(), np.uint8)
    return np.ndarray(x.shape, x.dtype, raw)


def locked(x):
    x.flags.writeable = False
    return x


ARRAY_LAYOUTS = (
    np.asfortranarray,
    lambda x: np.stack((x, x), -1)[..., 0],
    lambda x: x[::-1].copy()[::-1] if x.ndim else x,
    between_bytes,
    lambda x: x.astype(x.dtype.newbyteorder()),
    lambda x: x.view(np.memmap),
    lambda x: x.view(np.matrix if x.ndim == 2 else np.memmap),
    lambda x: x.astype(object),
    locked,
)
TENSOR_LAYOUTS = (
    lambda x: x.t().contiguous().t() if x.dim() == 2 else x,
    lambda x: torch.stack((x, x), -1)[..., 0],
    lambda x: x[:1].expand(x.shape) if x.dim() and x.numel() else x,
    lambda x: torch._neg_view(x) if x.dtype.is_signed else x,
    lambda x: torch._lazy_clone(x.clone()) if x.numel() else x,
)


class Maker:
    """Makes the arguments of one call, the same each time for the same generator's state."""

    def __init__(self, rng, library):
        self.rng, self.library = rng, library
        self.made = []  # memory that a call may write to

    def one_of(self, choices):
        return choices[self.rng.integers(len(choices))]

    def chance(self, share):
        return self.rng.random() < share

    def dtype(self):
        if self.library is torch:
            return self.one_of(TENSOR_DTYPES)
        return np.dtype(self.one_of(ARRAY_DTYPES))

    def array(self, shape, dtype, plain=0.6):
        """Numbers of a dtype, in memory of some layout."""
        values = self.rng.integers(-100, 100, shape) * (1 if self.chance(0.5) else 0.37)
        if self.chance(0.3):
            values = np.where(self.rng.random(shape) < 0.2, np.nan, values)
        x = self._cast(values, dtype)
        x = x if self.chance(plain) else self._laid_out(x)
        self.made.append(x)
        return x

    def _cast(self, values, dtype):
        if self.library is torch:
            floats = dtype.is_floating_point or dtype.is_complex
            values = torch.from_numpy(np.asarray(values if floats else np.nan_to_num(values)))
            return values.to(dtype, copy=True)
        if dtype.kind not in "fc":
            values = np.nan_to_num(values)
        if dtype.kind == "u":
            values = np.abs(values)
        return np.asarray(values).astype(dtype)

    def _laid_out(self, x):
        """The same elements transposed, backwards, apart from each other, between bytes."""
        ways = TENSOR_LAYOUTS if self.library is torch else ARRAY_LAYOUTS
        return self.one_of(ways)(x)

    def call(self):
        """The positional arguments of a call, its keywords, and whether it is in place."""
        shape, dtype, in_place = self.one_of(SHAPES), self.dtype(), self.chance(0.3)
        x = self.array(shape, dtype, plain=0.8)
        dim = self.one_of(range(-max(len(shape), 1), max(len(shape), 1)))
        keywords = {}
        if self.chance(0.05):
            dim = self.one_of([9, -9, True, None, np.int64(0), 2**70, "0"])
        if self.chance(0.15):
            keywords["dtype"] = self.one_of([dtype, self.dtype(), float, int, None, "float32"])
        size = shape[dim] if type(dim) is int and -len(shape) <= dim < len(shape) else 3
        for name in self.rng.permutation(NAMES)[: self.one_of([1, 1, 1, 2, 2, 3])]:
            keywords[str(name)] = self.option(str(name), x, dim, size, dtype)
        if self.chance(0.25):
            keywords["missing"] = self.one_of(["nan", "carry"])
        if self.chance(0.2):
            keywords["out"] = self.out(x, shape, dim, dtype, keywords)
        return (x, dim), keywords, in_place

    def out(self, x, shape, dim, dtype, keywords):
        if self.chance(0.2) and not keywords.get("include_initial"):
            return x
        size = list(shape)
        longer = keywords.get("include_initial") is True and not self.chance(0.1)
        if longer and type(dim) is int and -len(shape) <= dim < len(shape):
            size[dim] += 1
        kind = dtype if self.chance(0.7) else self.dtype()
        result = self.array(tuple(size), kind, plain=0.8)
        for name in ("initial", "where", "decay"):  # in the result's own memory
            given = keywords.get(name)
            if self.chance(0.2) and hasattr(given, "dtype") and given.dtype == kind and size:
                keywords[name] = result[:1] if self.chance(0.5) else result
        return result

    def option(self, name, x, dim, size, dtype):
        if self.chance(0.05):
            return self.one_of([None, 1, "yes", [], object, *ODD_NUMBERS])
        if name in ("exclusive", "reverse", "include_initial", "skipna"):
            return True if self.chance(0.8) else self.one_of([False, np.True_, np.False_])
        if name == "missing":
            return self.one_of(["carry", "nan", "other"])
        if name == "overflow":
            return self.one_of(["wrap", "saturate", "raise", "saturate", "raise", "other"])
        if name == "precision":
            return self.one_of(["compensated", "compensated", "other"])
        if name in ("offsets", "lengths", "reset"):
            return self.cuts(name, size)
        if name == "where":
            kind = torch.bool if self.library is torch else np.dtype(bool)
            return self.array(self.part(x.shape), kind if self.chance(0.95) else self.dtype())
        return self.value(name, x, dim, dtype)

    def value(self, name, x, dim, dtype):
        if self.chance(0.5):
            return self.one_of(NUMBERS if self.chance(0.9) else ODD_NUMBERS)
        shape = list(x.shape)
        if name == "initial" and shape and type(dim) is int and abs(dim) < len(shape):
            if self.chance(0.5):
                shape[dim] = 1
            else:
                del shape[dim]
        wide = torch.float64 if self.library is torch else np.dtype(np.float64)
        return self.array(self.part(shape), self.one_of([dtype, dtype, wide, wide, self.dtype()]))

    def part(self, shape):
        """A shape that broadcasts to `shape`, or nearly so."""
        shape = list(shape)
        if self.chance(0.1):
            return (*shape[:-1], 3)
        shape = [1 if self.chance(0.2) else n for n in shape]
        return tuple(shape[self.one_of(range(len(shape) + 1)) if self.chance(0.3) else 0 :])

    def cuts(self, name, size):
        inner = np.sort(self.rng.integers(0, size + 1, self.one_of([0, 1, 3])))
        offsets = np.concatenate(([0], inner, [size]))
        if self.chance(0.15):
            offsets[self.one_of(range(len(offsets)))] += self.one_of([-1, 1, -(2**40), 2**62])
        values = {"offsets": offsets, "lengths": np.diff(offsets)}.get(name)
        if values is None:
            values = self.rng.random(size + self.chance(0.05)) < 0.3
        if self.chance(0.1):
            values = values.astype(self.one_of([np.int32, np.float64, np.uint64, np.bool]))
        if self.chance(0.1):
            values = np.stack((values, values), -1)[:, self.one_of([0, slice(None)])]
        if self.chance(0.05):
            return values.tolist()
        other = self.chance(0.05)
        if (self.library is torch) is not other:
            values = torch.tensor(values)
        return values
