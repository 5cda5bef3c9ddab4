"""What sums have to be: the order of additions where it says every bit, else a bound."""

import itertools

import numpy as np

import reference
from bits import same_bits
from bounds import gamma, unit
from cases import numpy_dtype
from overflowing import clamped, exact

MOST = 60_000  # elements; the bits of larger arrays are compared with those of the plain call alone
CARRIED = {"float16": "float32", "bfloat16": "float32", "longdouble": "longdouble"}


def problem(call, x, y):
    """What is wrong with the sums `y` of `x`, if anything; None if nothing is known of them."""
    options = dict(call.options)
    if x.size > MOST or isinstance(call.dim, tuple) or x.size == 0:
        return None
    if "where" in options:
        options["where"] = np.broadcast_to(options["where"], x.shape)
    if x.ndim == 0 and call.library == "torch" and x.real * x.imag == 0 and (y == x).all():
        return None  # a tensor without dims is copied, the signs of its zeros with it
    axis = call.axis
    if call.dim is None or x.ndim == 0:
        options |= {"where": options["where"].reshape(-1)} if "where" in options else {}
        x, axis = x.reshape(-1), 0
        y = y.reshape(-1) if x.size == y.size else y
    if options.get("overflow") in ("raise", "saturate"):
        return exact_problem(x, axis, options, y)
    taken, holes = elements(x, options, y.dtype, call.library)
    if taken is None:
        return None
    if "decay" in options:
        return decay_problem(taken, x, axis, options, y, holes)
    return sums_problem(taken, axis, options, y, holes)


def exact_problem(x, axis, options, y):
    """The same of exact sums."""
    if x.size > 3000:
        return None
    flags = {name: options.get(name, False) for name in FLAGS}
    x = np.where(options.get("where", True), x, np.zeros((), x.dtype))
    x = x.astype(int) if x.dtype.kind == "b" else x
    for begin, end in pieces(x.shape[axis], options) or ():
        part = (slice(None),) * axis + (slice(begin, end),)
        found = y[(*part[:-1], slice(begin, end + flags["include_initial"]))]
        sums = exact(x[part], axis, int(options.get("initial", 0)), **flags)
        same = (found.astype(object) == clamped(sums, y.dtype)).all()
        if options["overflow"] == "raise":
            same = same and (found.astype(object) == sums).all()
        if not same:
            return f"not the exact sums from element {begin} to {end}"
    return None


FLAGS = ("exclusive", "reverse", "include_initial")


def elements(x, options, dtype, library):
    """What is added, in the result's dtype, and where nothing is; None where casts say nothing."""
    kept = np.ones(x.shape, bool)
    if "where" in options:
        kept = kept & options["where"]
    if options.get("skipna") and x.dtype.kind in "fcV":
        kept = kept & ~np.isnan(x)
    x = np.where(kept, x, np.zeros((), x.dtype))
    if dtype.kind in "iu" and x.dtype.kind in "fcV":
        wide = np.abs(x.astype(np.clongdouble if x.dtype.kind == "c" else np.longdouble).real)
        limit = np.iinfo(dtype).max if dtype.kind == "i" else 0
        if not (wide < max(limit, 1)).all():
            return None, None
    cast = reference.convert if library == "torch" else np.ndarray.astype
    is_cut = x.dtype.kind == "c" and dtype.kind not in "bc"
    return cast(x.real if is_cut else x, dtype), ~kept


def pieces(axis_length, options):
    """The segments of an axis; None where they differ from line to line."""
    if "offsets" in options:
        cuts = [int(n) for n in options["offsets"]]
    elif "lengths" in options:
        cuts = [0, *itertools.accumulate(int(n) for n in options["lengths"])]
    elif "reset" in options:
        if np.ndim(options["reset"]) != 1:
            return None
        starts = np.flatnonzero(options["reset"])
        cuts = [0, *(int(n) for n in starts if n), axis_length]
    else:
        cuts = [0, axis_length]
    return [(b, e) for b, e in itertools.pairwise(cuts) if e > b]


def sums_problem(x, axis, options, y, holes):
    """The same of sums that do not fade."""
    lines, want = np.moveaxis(x, axis, -1), np.moveaxis(y, axis, -1)
    holes = np.moveaxis(holes, axis, -1)
    initial = first(options.get("initial"), lines, axis, y.dtype)
    compensated = options.get("precision") == "compensated"
    parts = pieces(lines.shape[-1], options)
    if parts is None:
        return resets_problem(lines, axis, options, want, holes)
    if len(parts) > 150:
        return None
    bordered = options.get("include_initial", False)
    for begin, end in parts:
        found = want[..., begin : end + bordered]
        line = lines[..., begin:end]
        hidden = holes[..., begin:end] if options.get("missing") == "nan" else None
        said = part_problem(line, found, options, initial, hidden, compensated)
        if said:
            return f"in elements {begin} to {end}: {said}"
    return None


def resets_problem(lines, axis, options, want, holes):
    """The same of resets of each line: of the last line."""
    resets = np.moveaxis(
        np.broadcast_to(options["reset"], np.moveaxis(lines, -1, axis).shape), axis, -1
    )
    if lines.ndim < 2 or "initial" in options:
        return None
    last = (-1,) * (lines.ndim - 1)
    given = options | {"reset": resets[last]}
    return sums_problem(lines[last], 0, given, want[last], holes[last])


def first(initial, lines, axis, dtype):
    """What the sums of each line begin with."""
    values = np.asarray(0 if initial is None else initial)
    if values.dtype.kind == "O":  # an integer beyond 64 bits
        values = np.asarray(initial, np.longdouble if dtype.char in "gG" else np.float64)
    if values.ndim == lines.ndim and values.ndim:
        values = np.squeeze(values, axis)
    if isinstance(initial, int) and dtype.kind in "iu":
        values = np.array(int(initial) % 2**64, np.uint64)
    return np.broadcast_to(values.astype(dtype), lines.shape[:-1])


def part_problem(x, y, options, initial, holes, compensated):
    """The same of one segment of every line, along the last axis."""
    exclusive, reverse = options.get("exclusive"), options.get("reverse")
    if reverse:
        x, y, holes = x[..., ::-1], y[..., ::-1], None if holes is None else holes[..., ::-1]
    begin = initial[..., None]
    if options.get("include_initial"):
        if not same_bits(
            np.ascontiguousarray(y[..., :1]), np.ascontiguousarray(begin + np.zeros((), y.dtype))
        ):
            return "the first sum is not the initial one"
        y = y[..., 1:]
    if holes is not None:
        if not np.isnan(y[holes]).all():
            return "no NaN where an element is missing"
        y = np.where(holes, np.zeros((), y.dtype), y)
    if options.get("initial") is None or y.dtype.kind in "biu":
        sums = whole(x, begin, compensated)
        shifted = (
            np.concatenate([begin + np.zeros((), y.dtype), sums[..., :-1]], -1)
            if exclusive
            else sums
        )
        shifted = shifted.astype(y.dtype)
        if holes is not None:
            shifted = np.where(holes, np.zeros((), y.dtype), shifted)
        return (
            None
            if same_bits(np.ascontiguousarray(y), np.ascontiguousarray(shifted))
            else differ(y, shifted)
        )
    return bound_problem(x, y, begin, exclusive, holes)


def whole(x, begin, compensated):
    """The inclusive sums, every bit of them."""
    if x.dtype.kind in "iub":
        wide = np.uint64 if x.dtype.kind == "u" else np.int64
        return (np.add.accumulate(x.astype(wide), -1) + begin.astype(wide)).astype(x.dtype)
    return reference.scan(x, -1, x.dtype, "compensated" if compensated else None)


def differ(y, want):
    """Where two arrays differ first."""
    at = np.argwhere((y != want) & ~((y != y) & (want != want)))  # noqa: PLR0124
    if not len(at):
        return "the sign of a zero"
    place = tuple(map(int, at[0]))
    return f"{y[place]!r} at {place} of {y.shape}, not {want[place]!r} ({len(at)} differ)"


def bound_problem(x, y, begin, exclusive, holes):
    """The same within the error bound, of what is finite."""
    wide = np.clongdouble if x.dtype.kind == "c" else np.longdouble
    terms = np.concatenate([begin.astype(wide), x.astype(wide)], -1)
    sums, magnitude = (np.add.accumulate(t, -1) for t in (terms, np.abs(terms)))
    part = slice(0, -1) if exclusive else slice(1, None)
    steps = 520 + x.shape[-1] // 4096
    return outside(y, sums[..., part], magnitude[..., part], steps, x.shape[-1], holes)


def outside(y, sums, magnitude, steps, length, holes=None):
    """Which of `y` is further from `sums` than so many roundings allow."""
    name = y.dtype.name
    real = np.dtype("longdouble") if y.dtype.char in "gG" else numpy_dtype(name)
    real = {"complex64": np.dtype("float32"), "complex128": np.dtype("float64")}.get(name, real)
    carried = np.dtype(CARRIED.get(real.name if real.char != "g" else "longdouble", "float64"))
    u, info = unit(real), np.finfo if real.name != "bfloat16" else None
    smallest = np.longdouble(info(real).smallest_subnormal if info else 2.0**-133)
    most = np.longdouble(info(real).max if info else 3e38)
    bound = gamma(steps, unit(carried)) * magnitude
    bound = 1.5 * (bound + u * (np.abs(sums) + bound) + smallest)
    bound = bound + np.longdouble(2) ** -63 * length * magnitude  # of the sums themselves
    kind = np.clongdouble if y.dtype.kind == "c" else np.longdouble
    with np.errstate(all="ignore"):
        bad = np.abs(y.astype(kind) - sums) > bound
        bad |= np.isnan(y)
    bad &= magnitude < most / 2  # not inf or nan either
    if holes is not None:
        bad &= ~holes
    if not bad.any():
        return None
    at = tuple(map(int, np.argwhere(bad)[0]))
    return f"{y[at]!r} at {at}, not {sums[at]!r} within {bound[at]:.2g} ({int(bad.sum())} outside)"


def begins_of(length, options):
    """Where segments begin in the order of the scan; None where lines differ."""
    parts = pieces(length, options)
    if parts is None:
        return None
    return {length - end if options.get("reverse") else begin for begin, end in parts}


def decay_problem(taken, x, axis, options, y, holes):
    """The same of sums that fade."""
    length = x.shape[axis]
    if length > 3000 or options.get("precision"):
        return None
    wide = np.clongdouble if y.dtype.kind == "c" else np.longdouble
    lines = np.moveaxis(taken, axis, 0).astype(wide)
    decays = np.moveaxis(
        np.broadcast_to(np.asarray(options["decay"]).astype(wide), x.shape), axis, 0
    )
    want, hidden = np.moveaxis(y, axis, 0), np.moveaxis(holes, axis, 0)
    if options.get("reverse"):
        lines, decays, want, hidden = lines[::-1], decays[::-1], want[::-1], hidden[::-1]
    if options.get("include_initial"):
        want = want[1:]
    total = first(options.get("initial"), np.moveaxis(taken, axis, -1), axis, y.dtype).astype(wide)
    begins, first_size, sums, sizes = begins_of(length, options), np.abs(total), [], []
    if begins is None:
        return None
    first_total = total
    for i, (row, factor) in enumerate(zip(lines, decays, strict=True)):
        if i in begins:
            total, size = first_total, first_size
        before = total, size
        total, size = factor * total + row, np.abs(factor) * size + np.abs(row)
        for found, value in zip(
            (sums, sizes), before if options.get("exclusive") else (total, size), strict=True
        ):
            found.append(value)
    hidden = hidden if options.get("missing") == "nan" else None
    return outside(want, np.array(sums), np.array(sizes), 4 * length + 520, 2 * length, hidden)
