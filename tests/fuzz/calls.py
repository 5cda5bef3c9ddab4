"""Random calls: which function, what arrays, which options."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from cases import numpy_dtype
from fuzz import draw
from fuzz.draw import pick

HOWS = ("new", "out", "same", "in place", "overlap", "stream", "standard", "gradient", "race")
ABILITIES = ("plain", "segments", "missing", "decay", "overflow")
ARRAYS = ("initial", "offsets", "lengths", "reset", "where", "decay")


@dataclass
class Call:
    """One call; arrays are NumPy's, whosever function is called."""

    seed: int
    number: int
    rng: np.random.Generator
    library: str
    how: str
    x: np.ndarray
    axis: int
    dim: Any
    dtype: str | None = None
    options: dict[str, Any] = field(default_factory=dict)
    threads: int = 1
    target: str = ""
    overlaps: str = ""  # the argument that `out` shares memory with
    hostile: str = ""  # what is unusual about offsets
    layout: str = "C"
    tensors: dict[int, Any] = field(default_factory=dict)  # of arrays that share a storage, by id

    def arrays(self):
        """The arrays among the arguments, by name."""
        found = {name: v for name, v in self.options.items() if isinstance(v, np.ndarray)}
        return {"input": self.x} | found

    def topics(self):
        """What the call is about, to tell findings apart."""
        names = set(self.options)
        found = [
            *(["segments"] if names & {"offsets", "lengths", "reset"} else []),
            *(["missing"] if names & {"where", "skipna"} else []),
            *(name for name in ("decay", "overflow") if name in names),
            *([self.how] if self.how not in ("new", "overlap") else []),
            *([f"overlaps {self.overlaps}"] if self.overlaps else []),
            *([f"offsets {self.hostile}"] if self.hostile else []),
        ]
        return found or ["plain"]

    def __str__(self):
        shown = {name: describe(value) for name, value in self.options.items()}
        shown |= {"dtype": repr(self.dtype)} if self.dtype else {}
        given = ", ".join(f"{name}={value}" for name, value in shown.items())
        what = f"cumsum({describe(self.x)}, {self.dim}, {given}) {self.how} {self.overlaps}"
        return f"{self.library} {what} threads={self.threads} target={self.target}"


def describe(value):
    """An array in a few words, anything else as it is."""
    if not isinstance(value, np.ndarray):
        return repr(value) if len(repr(value)) < 200 else f"{repr(value)[:200]}..."
    aligned = "" if value.flags.aligned else " misaligned"
    return f"<{value.dtype} {value.shape} strides {value.strides}{aligned}>"


def make(seed, number, targets):
    """Call number `number` of a seed."""
    rng = np.random.default_rng((seed, number))
    library = pick(rng, ("numpy", "torch"), (2, 1))
    how = pick(rng, HOWS, (20, 18, 12, 20, 14, 6, 3, 8 if library == "torch" else 0, 1))
    dims, axis = draw.shape(rng)
    if how == "race":
        dims, axis = ((400, 500), 1) if rng.random() < 0.5 else ((120_000,), 0)
    dtype = "float64" if how == "gradient" else pick(rng, dtypes_of(library))
    layout = pick(rng, draw.LAYOUTS if library == "numpy" else draw.TENSOR_LAYOUTS)
    if how == "in place" and layout == "zero":
        layout = "steps"
    kind = "whole" if how == "gradient" else None
    x, _ = draw.lay(rng, draw.values(rng, dims, dtype, kind=kind), layout)
    dim = axis - len(dims) if rng.random() < 0.3 else axis
    call = Call(seed, number, rng, library, how, x, axis, dim, layout=layout)
    call.threads = int(pick(rng, (1, 2, 3, 4, 5, 7, 9), (1, 3, 3, 1, 1, 1, 1)))
    call.target = pick(rng, targets)
    add_options(call)
    if how == "overlap":
        names = list(call.arrays())
        call.overlaps = pick(rng, names, [1] + [2] * (len(names) - 1))
    return call


def dtypes_of(library):
    """The names of the dtypes that a library has."""
    missing = () if library == "numpy" else ("longdouble", "clongdouble")
    return tuple(name for name in draw.DTYPES if name not in missing)


def draw_abilities(call):
    """What is asked for besides a plain sum."""
    rng, gradient = call.rng, call.how == "gradient"
    abilities = {pick(rng, ABILITIES, (3, 5, 5, 2, 0 if gradient else 1.5))}
    if rng.random() < 0.15:
        abilities.add("missing")
    if rng.random() < 0.15:
        abilities.add("segments")
    if call.how == "race":
        return {"segments"}
    lone = call.x.ndim == 0 and not gradient
    return {"plain"} if lone or call.how in ("stream", "standard") else abilities


def add_options(call):
    """Give a call its options, most of them such that there is a result."""
    rng, abilities = call.rng, draw_abilities(call)
    casts = rng.random() < (0.6 if "missing" in abilities else 0.4)
    if casts and call.how not in ("in place", "gradient"):
        call.dtype = pick(rng, dtypes_of(call.library))
    for name in ("exclusive", "reverse", "include_initial"):
        longer = name == "include_initial" and call.how in ("in place", "same")
        if rng.random() < 0.22 and not longer:
            call.options[name] = True
    if rng.random() < 0.2:
        add_initial(call)
    if rng.random() < 0.08:
        call.options["precision"] = "compensated"
    for ability in sorted(abilities - {"plain"}):
        ADD[ability](call)
    for name in UNKNOWN.get(call.how, ()):
        call.options.pop(name, None)
    choose_dim(call, abilities)


UNKNOWN = {"stream": ("reverse",), "standard": ("reverse", "exclusive", "initial", "precision")}


def choose_dim(call, abilities):
    """Now and then several dims, none, or one that is not there."""
    rng, ndim = call.rng, call.x.ndim
    if call.how in ("stream", "gradient", "standard", "race") or rng.random() > 0.08:
        return
    kind = pick(rng, ("several", "none", "wrong"))
    if kind == "several" and ndim > 1 and abilities <= {"plain", "overflow"}:
        call.dim = tuple(int(d) for d in rng.permutation(ndim)[:2])
        call.options.pop("initial", None)
    elif (
        kind == "none"
        and call.library == "numpy"
        and call.how != "in place"
        and abilities <= {"plain", "missing"}
    ):
        call.options.pop("initial", None)
        call.dim = None
    elif kind == "wrong":
        call.dim = pick(rng, (ndim + 1, -ndim - 2, 2**40, "0", 1.0))


def add_initial(call):
    """A number or an array of them."""
    rng, x = call.rng, call.x
    if rng.random() < 0.3:
        odd = () if call.how == "gradient" else (10**30, float("nan"))
        call.options["initial"] = pick(rng, (0, 1, -1, 3, 2.5, True, *odd))
        return
    lines = list(x.shape)
    if x.ndim:
        lines[call.axis] = 1
    if x.ndim and rng.random() < 0.6:
        del lines[call.axis]
    if rng.random() < 0.3:
        lines = [int(pick(rng, (1, n))) for n in lines]
    dtype = pick(rng, (call.dtype or x.dtype.name, "int8"), (3, 1))
    call.options["initial"] = _laid(call, draw.values(rng, lines, dtype, kind="whole"))


def _laid(call, array):
    """An argument in a layout that its library has."""
    layouts = draw.LAYOUTS if call.library == "numpy" else draw.TENSOR_LAYOUTS
    return draw.lay(call.rng, array, pick(call.rng, layouts))[0]


def add_segments(call):
    """Offsets, lengths or resets; some of them hostile."""
    rng, length = call.rng, call.x.shape[call.axis] if call.x.ndim else 1
    call.options.pop("include_initial", None)
    count = int(pick(rng, (1, 2, 5, 40, max(1, length // 3), max(1, length // 40))))
    towards_begin = pick(rng, (1, 6))  # 6: the last segment is most of the dim
    cuts = np.sort((rng.random(count) ** towards_begin * (length + 1)).astype(int))
    offsets = np.concatenate(([0], cuts, [length]))
    kind = pick(rng, ("offsets", "lengths", "reset", "resets"), (5, 2, 2, 2))
    if call.how == "race":
        kind = "offsets"
    if kind == "reset":
        call.options["reset"] = _laid(call, rng.random(length) < pick(rng, (0.01, 0.1, 0.9)))
    elif kind == "resets":
        call.options["reset"] = _laid(call, rng.random(call.x.shape) < pick(rng, (0.01, 0.1)))
    else:
        call.options[kind] = _hostile(call, offsets if kind == "offsets" else np.diff(offsets))


def _hostile(call, numbers):
    """Offsets or lengths as they are, or with something unusual about them."""
    rng = call.rng
    kind = pick(rng, ("", "list", "narrow", "misaligned", "wrong", "strided"), (7, 1, 1, 1, 1, 1))
    if call.how == "race" or (kind == "misaligned" and call.library == "torch"):
        kind = ""
    call.hostile = kind if kind in ("misaligned", "wrong") else ""
    if kind == "list":
        return numbers.tolist() if call.library == "numpy" else numbers
    if kind == "narrow":
        narrow = ("int32", "uint32", "uint64") if call.library == "numpy" else ("int32",)
        return numbers.astype(pick(rng, narrow))
    if kind == "strided":
        layout = "negative" if call.library == "numpy" else "steps"
        return draw.lay(rng, numbers, layout)[0]
    if kind == "wrong":
        numbers = numbers.copy()
        wrong = (-1, 2**31 - 1, 2**62, -(2**63), 2**63 - 1, int(numbers[-1]) + 1)
        numbers[rng.integers(len(numbers))] = pick(rng, wrong)
    return draw.lay(rng, numbers, "misaligned" if kind == "misaligned" else "C", guard=0)[0]


def add_missing(call):
    """A mask, NaN that counts as missing, or both."""
    rng, x = call.rng, call.x
    kind = pick(rng, ("where", "skipna", "both"), (3, 3, 1))
    if kind != "skipna":
        dims = x.shape if rng.random() < 0.6 else [int(pick(rng, (1, n))) for n in x.shape]
        call.options["where"] = _laid(call, rng.random(dims) < pick(rng, (0.1, 0.5, 0.9)))
    if kind != "where":
        call.options["skipna"] = True
        if x.dtype.kind in "fcV" and x.size and call.how != "gradient":
            x[rng.random(x.shape) < 0.1] = np.nan
    if rng.random() < 0.4 and result_of(call).kind in "fcV" and call.how != "gradient":
        call.options["missing"] = "nan"


def add_decay(call):
    """A number, or an array of them."""
    rng, x = call.rng, call.x
    call.options.pop("precision", None)
    if result_of(call).kind not in "fcV":
        if call.how in ("in place", "gradient"):
            return
        call.dtype = pick(rng, ("float16", "bfloat16", "float32", "float64", "complex64"))
    if rng.random() < 0.3:
        call.options["decay"] = pick(rng, (0, 1, 0.5, -0.5, 0.99, -0.0, True))
        return
    dims = list(x.shape)
    if rng.random() < 0.7:
        dims = [int(pick(rng, (1, n))) for n in dims]
    dtype = pick(rng, ("float64", "float32"))
    decays = rng.uniform(-1, 1, dims).astype(dtype)
    decays[rng.random(dims) < 0.1] = 0
    call.options["decay"] = _laid(call, decays)


def add_overflow(call):
    """What becomes of integers that do not fit."""
    rng = call.rng
    if call.x.dtype.kind not in "biu" or call.options.keys() & {"missing", "decay"}:
        return
    call.options["overflow"] = pick(rng, ("wrap", "raise", "saturate"))
    if call.dtype is not None:
        call.dtype = pick(rng, draw.INTEGERS)
    if "initial" in call.options:
        call.options["initial"] = int(rng.integers(0, 2))


ADD = {
    "segments": add_segments,
    "missing": add_missing,
    "decay": add_decay,
    "overflow": add_overflow,
}


def result_of(call):
    """The dtype of the result."""
    if call.dtype is not None:
        return numpy_dtype(call.dtype)
    dtype = call.x.dtype
    if dtype.kind not in "biu" or call.how in ("in place", "same"):
        return dtype
    return np.dtype("uint64" if dtype.kind == "u" and call.library == "numpy" else "int64")
