"""What combines with what: each pair of options is asked for, of arrays and of tensors.

`python tests/combinations.py` prints the table of docs/combinations.md, which a test compares.
"""

import itertools

import numpy as np
import torch

import cumsum

SHAPE = (3, 12)
X = np.random.default_rng(5).integers(-9, 10, SHAPE)
STARTS = np.random.default_rng(6).random(SHAPE) < 0.3
MASK = np.random.default_rng(7).random(SHAPE) < 0.7

OPTIONS = {
    "exclusive": {"exclusive": True},
    "reverse": {"reverse": True},
    "include_initial": {"include_initial": True},
    "initial": {"initial": np.array([2, -3, 4])},
    "offsets": {"offsets": np.array([0, 4, 5, 12])},
    "reset": {"reset": STARTS},
    "where": {"where": MASK},
    "skipna": {"skipna": True},
    "missing": {"where": MASK, "missing": "nan"},
    "overflow": {"overflow": "saturate"},
    "decay": {"decay": 0.5},
    "precision": {"precision": "compensated"},
    "several dims": {"dim": (0, 1)},
    "out": {},
    "in place": {},
}

NO_PLACE = "the result is one longer"
NO_DIM = "which of the dims is not said"
WHY = {  # pairs that mean nothing, and why
    ("include_initial", "offsets"): "each segment would have a sum more",
    ("include_initial", "reset"): "each segment would have a sum more",
    ("include_initial", "in place"): NO_PLACE,
    ("offsets", "reset"): "both say where segments begin",
    ("missing", "overflow"): "no integer is NaN",
    ("overflow", "decay"): "decayed sums are no integers",
    ("decay", "precision"): "products round too, whatever carries the sums",
    ("out", "in place"): "the result is the input",
    ("missing", "several dims"): "a place has several sums on the way",
} | {(name, "several dims"): NO_DIM for name in ("initial", "offsets", "reset", "decay")}


def call(names, library, scan=None):
    """The result of a call with these options, in a new array or in one that is given."""
    given = {key: value for name in names for key, value in OPTIONS[name].items()}
    dim = given.pop("dim", 1)
    integers = "overflow" in names
    x = X.astype(np.int8 if integers else np.float64)
    if "skipna" in names and not integers:
        x[STARTS] = np.nan
    if "initial" in given:
        given["initial"] = given["initial"].astype(x.dtype)
    x, given = _of(library, x), {key: _of(library, value) for key, value in given.items()}
    if integers and "in place" not in names:
        given["dtype"] = x.dtype
    if scan is not None:
        return scan(x, dim, **given)
    if "in place" in names:
        out = {"out": x} if "out" in names else {}
        return cumsum.cumsum_(x, dim, **given, **out)
    if "out" not in names:
        return cumsum.cumsum(x, dim, **given)
    longer = [n + ("include_initial" in names and d in np.ravel(dim)) for d, n in enumerate(SHAPE)]
    out = np.empty(longer, X.dtype) if library is np else torch.empty(longer)
    out = out.astype(x.dtype) if library is np else out.to(x.dtype)
    given.pop("dtype", None)
    assert cumsum.cumsum(x, dim, out=out, **given) is out
    return out


def _of(library, value):
    own = library is np or not isinstance(value, np.ndarray)
    return value if own else torch.from_numpy(value.copy())


def serial(x, dim, **given):
    """The same by the definition, one element after another; all these numbers are exact."""
    x, given = np.asarray(x, np.float64), {key: np.asarray(v) for key, v in given.items()}
    missing = ~np.broadcast_to(given.get("where", True), x.shape) | np.isnan(x)
    x = np.where(missing, 0, x)
    lines = x.T if dim == (0, 1) else x
    for _ in np.ravel(dim):
        lines = np.array([_serial_line(line, i, given) for i, line in enumerate(lines)]).T
    sums = lines.T
    if str(given.get("missing")) == "nan":
        begin = "include_initial" in given and "reverse" not in given
        sums[:, begin : begin + SHAPE[1]][missing] = np.nan
    return sums.clip(-128, 127) if "overflow" in given else sums


def _serial_line(x, i, given):
    size = len(x)
    begins = given["reset"][i].copy() if "reset" in given else np.zeros(size, bool)
    begins[given.get("offsets", np.array([0, size]))[:-1]] = True
    order = range(size)
    if "reverse" in given:
        order, begins = order[::-1], np.append(begins[1:], True)
    first = float(given["initial"][i]) if "initial" in given else 0.0
    total, sums = first, np.zeros(size)
    for n, j in enumerate(order):
        total = first if n == 0 or begins[j] else total
        after = float(given.get("decay", 1)) * total + x[j]
        sums[j] = total if "exclusive" in given else after
        total = after
    if "include_initial" in given:
        sums = np.append(sums, first) if "reverse" in given else np.append(first, sums)
    return sums


def pairs():
    """Every two of the options."""
    return itertools.combinations(OPTIONS, 2)


def works(names):
    """Whether arrays and tensors have both."""
    try:
        for library in (np, torch):
            call(names, library)
    except (ValueError, TypeError, NotImplementedError):
        return False
    return True


def table():
    """What combines, as a table of Markdown and a list of reasons."""
    names = list(OPTIONS)
    lines = ["| |" + "".join(f" {name} |" for name in names[1:])]
    lines.append("|---|" + ":-:|" * (len(names) - 1))
    for i, name in enumerate(names[:-1]):
        cells = [
            "" if j <= i else "yes" if works((name, other)) else "–"
            for j, other in enumerate(names)
        ]
        lines.append(f"| {name} |" + "".join(f" {cell} |" for cell in cells[1:]))
    lines.append("")
    lines += [f"- {one} with {other}: {why}." for (one, other), why in WHY.items()]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    print(table(), end="")  # noqa: T201
