"""`cumsum run`: read a file, scan it, write the result, draw it, say what was done.

files.read -> Job (dim, dtype, groups) -> scan, into the output where that is a .npy -> Summary
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

import cumsum
from cumsum import console, files, plot
from cumsum.console import CommandError
from cumsum.files import Source

# A piece of this size keeps every thread busy and still lets a bar move several times a second.
PIECE_BYTES = 128 << 20

# What `--by COLUMN:PERIOD` may ask for, and how a period is written.
PERIODS = {"year": "%Y", "month": "%Y-%m", "day": "%Y-%m-%d"}
DATE_FORMATS = ("%Y-%m-%d", "%Y/%m/%d", "%Y-%m-%d %H:%M:%S", "%Y/%m/%d %H:%M:%S")

DTYPES = (
    *("bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"),
    *("float16", "float32", "float64", "complex64", "complex128"),
)


@dataclass(frozen=True)
class Group:
    """The rows whose total runs on its own, and where each stands in its period, in days."""

    label: str
    rows: Any
    days: Any = None


@dataclass(frozen=True)
class Job:
    """All that is decided before the first addition."""

    source: Source
    dim: int
    dtype: np.dtype[Any]
    groups: tuple[Group, ...] = ()
    by: str = ""
    how: dict[str, Any] = field(default_factory=dict)

    @property
    def period(self) -> str:
        """`year`, `month` or `day` when the groups are such periods."""
        dated = self.groups and self.groups[0].days is not None
        return self.by.rpartition(":")[2] if dated else ""


@dataclass(frozen=True)
class Done:
    """A finished job: the result and what it cost."""

    job: Job
    result: Any
    scan_seconds: float


def run(job: Job, output: Path | None, draw: Path | None, title: str) -> Done:
    """Do the job; the output and the picture take their names only when both are whole."""
    with contextlib.ExitStack() as stack:
        shape = job.source.values.shape
        picture = stack.enter_context(files.replacing(draw)) if draw else None
        file = stack.enter_context(files.replacing(output)) if output else None
        suffix = files.check_suffix(output) if output else ""
        if file is not None and suffix == ".npy":
            done = scan(job, files.map_npy(file, shape, job.dtype))
        else:
            done = scan(job, np.empty(shape, job.dtype))
        if file is not None and suffix != ".npy":
            files.write(file, suffix, done.result, job.source)
        if draw and picture is not None:
            plot.running_totals(done, picture, draw.suffix, title)
        return done


def decide(source: Source, dim: int | None, dtype: str | None, by: str, how: dict[str, Any]) -> Job:
    """Check the dim, the dtype and the groups against the values."""
    values = source.values
    if values.dtype.kind not in "biufc":
        raise CommandError(f"{source.path} holds {values.dtype}, which has no sum")
    if values.ndim == 0:
        raise CommandError(f"{source.path} holds a single value: there is no dim to scan")
    if dtype is not None and dtype not in DTYPES:
        raise CommandError(f"--dtype {dtype} is not one of {', '.join(DTYPES)}")
    if values.dtype.kind == "c" and dtype is not None and np.dtype(dtype).kind != "c":
        raise CommandError(f"--dtype {dtype} cannot hold the complex values of {source.path}")
    if dim is None and values.ndim > 1 and source.table is None:
        limits = f"{-values.ndim} to {values.ndim - 1}"
        raise CommandError(f"{source.path} has shape {values.shape}: choose --dim from {limits}")
    axis = check_dim(dim or 0, values.ndim)
    if by and axis != 0:
        raise CommandError(f"--by groups rows: it goes with --dim 0, not --dim {dim}")
    try:
        result_dtype = cumsum.cumsum(np.empty(0, values.dtype), 0, dtype=dtype, **how).dtype
    except (TypeError, ValueError, OverflowError) as error:
        raise CommandError(f"{source.path}: {error}") from None
    groups = make_groups(source, by) if by else ()
    return Job(source, axis, result_dtype, groups, by, how)


def check_dim(dim: int, ndim: int) -> int:
    """The dim counted from the front."""
    if not -ndim <= dim < ndim:
        raise CommandError(f"--dim {dim} is out of range: {-ndim} to {ndim - 1} for {ndim}-D input")
    return dim % ndim


def scan(job: Job, out: Any) -> Done:
    """Scan into `out` in as few calls as the work allows, and time them."""
    pieces = job_pieces(job, out.nbytes)
    values = job.source.values
    nbytes = values.nbytes + out.nbytes
    with console.progress(f"scanning {job.source.path.name}", nbytes, len(pieces)) as advance:
        start = time.perf_counter()
        for piece in pieces:
            scan_piece(job, values, out, piece)
            advance()
        return Done(job, out, time.perf_counter() - start)


def job_pieces(job: Job, nbytes: int) -> Sequence[Any]:
    """Index of each piece with lines of its own: groups, or parts of the leading dim, or all."""
    if job.groups:
        return [group.rows for group in job.groups]
    outer = job.source.values.shape[0]
    if job.dim == 0 or nbytes <= PIECE_BYTES:
        return [slice(None)]
    step = max(1, outer * PIECE_BYTES // nbytes)
    return [slice(start, start + step) for start in range(0, outer, step)]


def scan_piece(job: Job, values: Any, out: Any, piece: Any) -> None:
    """Scan one piece; a slice is scanned in place, the rows of a group are gathered first."""
    how = job.how | {"dtype": job.dtype}
    if isinstance(piece, slice):
        cumsum.cumsum(values[piece], job.dim, **how, out=out[piece])
    else:
        out[piece] = cumsum.cumsum(values[piece], job.dim, **how)


def make_groups(source: Source, by: str) -> tuple[Group, ...]:
    """The rows of each value, or each period, of a column, mostly in order of appearance."""
    if source.table is None:
        raise CommandError(f"--by groups the rows of .csv and .parquet files, not {source.path}")
    compute = console.require("pyarrow.compute", "--by")
    name, _, period = by.rpartition(":")
    if by in source.table.column_names or period not in PERIODS:
        name, period = by, ""
    column = files.find_column(source.path, source.table, name)
    days = None
    if period:
        column = as_timestamps(compute, source.path, name, column)
        since = compute.subtract(column, compute.floor_temporal(column, unit=period))
        days = since.to_numpy() / np.timedelta64(1, "D")
        column = compute.strftime(column, format=PERIODS[period])
    encoded = compute.dictionary_encode(column).combine_chunks()
    codes = encoded.indices.to_numpy()
    order = np.argsort(codes, kind="stable")
    starts = np.flatnonzero(np.diff(codes[order], prepend=-1))
    labels = encoded.dictionary.take(codes[order][starts]).to_pylist()
    return tuple(
        Group(str(label), rows, None if days is None else days[rows])
        for label, rows in zip(labels, np.split(order, starts)[1:], strict=True)
    )


def as_timestamps(compute: Any, path: Path, name: str, column: Any) -> Any:
    """A column of dates as timestamps; text must be year first, the one order without doubt."""
    arrow = console.require("pyarrow", "--by")
    with contextlib.suppress(arrow.ArrowException):
        if arrow.types.is_temporal(column.type):
            return column if arrow.types.is_timestamp(column.type) else column.cast("timestamp[s]")
        for form in DATE_FORMATS:
            parsed = compute.strptime(column, format=form, unit="s", error_is_null=True)
            if not parsed.null_count:
                return parsed
    raise CommandError(f"{path}: column {name!r} holds no dates such as 2012-01-31 or 2012/01/31")


def ends(done: Done) -> list[tuple[str, Any]]:
    """The last value of each line, with the line's name; 2-D results give one a line."""
    if done.job.groups:
        return [(group.label, done.result[group.rows[-1]]) for group in done.job.groups]
    return [("", done.result.take(-1, done.job.dim))]


def summary(done: Done, total_seconds: float, written: Sequence[Path]) -> str:
    """What was done, for a person."""
    job, result = done.job, done.result
    values = job.source.values
    rate = (values.nbytes + result.nbytes) / max(done.scan_seconds, 1e-9) / 1e9
    what = " ".join(filter(None, [str(job.source.path), ", ".join(job.source.names)]))
    if job.groups:
        what += f" by {job.by} ({console.count(len(job.groups), 'group')})"
    rows = [
        ("shape", f"{values.shape}, dim {job.dim}"),
        ("dtype", f"{values.dtype} -> {result.dtype}"),
    ]
    if result.size:
        rows += [("values", first_line(job, result)), *totals(done)]
    clock = f"{console.seconds(done.scan_seconds)} for the scan, {rate:.3g} GB/s"
    rows.append(("time", f"{clock}; {console.seconds(total_seconds)} in all"))
    rows += [("wrote", str(path)) for path in written]
    return "\n".join([what, *(f"  {name:<8}{text}" for name, text in rows)])


def first_line(job: Job, result: Any) -> str:
    """The first values and the last one of the first line."""
    line = result[job.groups[0].rows] if job.groups else result
    line = np.moveaxis(line, job.dim, 0)
    line = line[(slice(None), *[0] * (line.ndim - 1))]
    shown = [console.number(value.item()) for value in line[:3]]
    if len(line) > 3:
        shown += ["...", console.number(line[-1].item())]
    return ", ".join(shown)


def totals(done: Done, limit: int = 12) -> list[tuple[str, str]]:
    """A line for the total of each group, or one for all when they would fill the screen."""
    named = [(label, np.atleast_1d(last).ravel()) for label, last in ends(done)]
    if len(named) > limit or (len(named) == 1 and named[0][1].size > limit):
        return [("totals", spread(np.concatenate([last for _, last in named])))]
    lines = []
    for i, (label, last) in enumerate(named):
        text = ", ".join(console.number(value.item()) for value in last)
        lines.append(("" if i else "total", f"{label}  {text}" if label else text))
    return lines


def spread(last: Any) -> str:
    """The range of many totals."""
    if last.dtype.kind == "c":
        return f"of {len(last):,} lines"
    low, high = console.number(last.min().item()), console.number(last.max().item())
    return f"{low} to {high} over {len(last):,} lines"
