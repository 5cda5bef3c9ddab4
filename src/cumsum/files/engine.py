"""Scans files that need not fit into memory.

store (input) -> read -> scan with carry -> write -> store (output), a journal beside it
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Sequence
from operator import index
from pathlib import Path
from typing import Any, Literal

import numpy as np

from cumsum.console import CommandError, parse_size
from cumsum.files import finished, inplace, transfer
from cumsum.files import job as jobs
from cumsum.files.curves import Curves
from cumsum.files.halfway import refuse_half_done
from cumsum.files.outputs import check_output, restore
from cumsum.files.places import check_apart, check_folder
from cumsum.files.remote import check_remote
from cumsum.files.report import Report
from cumsum.files.store import TABLES, Choice, OfTable, is_url, kind_of, open_input, suffix_of
from cumsum.files.way import Progress, Way
from cumsum.options import take
from cumsum.precision import Precision


def cumsum(
    input: str | Path | Sequence[str | Path],
    output: str | Path | None = None,
    dim: int | None = None,
    *,
    dtype: Any = None,
    exclusive: bool = False,
    reverse: bool = False,
    initial: Any = None,
    precision: Precision = None,
    skipna: bool = False,
    missing: Literal["carry", "nan"] = "carry",
    columns: str | Sequence[str] | None = None,
    by: str | Sequence[str] | None = None,
    suffix: str = "_cumsum",
    delimiter: str | None = None,
    decimal: str = ".",
    comment: str | None = None,
    memory: int | str | None = None,
    resume: bool = False,
    in_place: bool = False,
    force: bool = False,
    member: str | None = None,
    raw_dtype: str | None = None,
    raw_shape: tuple[int, ...] | None = None,
    raw_offset: int = 0,
    progress: Progress | None = None,
) -> Report:
    """Scan a file into another, with the bits of ``cumsum.cumsum`` of the whole array.

    Reading, scanning and writing overlap, and memory is bounded whatever the size of the file. The
    output appears whole or not at all.

    Parameters
    ----------
    input : str, Path, or several
        A .npy file, a raw one, or another kind that `cumsum.files.store` knows. Several tables with
        the same columns are scanned as one.
    output : str or Path, optional
        Where to write; its suffix says the kind. Without it only the totals are computed, unless
        the scan is in place.
    dim : int, optional
        The dim to scan; it may be left out where there is just one.
    dtype : dtype or str, optional
        Of the sums, as for ``cumsum.cumsum``.
    exclusive, reverse : bool, default False
        As for ``cumsum.cumsum``.
    initial : number or array, optional
        What the sums begin with: one value, or one for each line.
    precision : {None, "compensated"}, optional
        As for ``cumsum.cumsum``.
    skipna : bool, default False
        Whether numbers of a table that are missing (nulls, empty fields, NaN) add nothing; without
        it a null is an error.
    missing : {"carry", "nan"}, default "carry"
        With ``skipna``, what stands where a number is missing: the sum so far, or nothing (null in
        a table, NaN in an array).
    columns : str or sequence of str, optional
        The columns of a table to scan, side by side; it may be left out where there is just one of
        numbers.
    by : str or sequence of str, optional
        Columns of a table: each of their values has a sum of its own, in the order of the rows,
        which need not be sorted. ``"COLUMN:PERIOD"`` groups by a period of dates, which is one of
        hour, day, week, month, quarter and year; ``"COLUMN:year:10"`` is a year that begins in
        October, called by the year it ends in. Dates are taken as they are written, in their own
        zone. Rows without a value are a group as well.
    suffix : str, default "_cumsum"
        What follows a column's name in that of its sums.
    delimiter, comment : str, optional
        What stands between the fields of a text, by default "," in a .csv and a tab in a .tsv, and
        what lines begin with that are no records.
    decimal : {".", ","}
        The decimal point of a text.
    memory : int or str, optional
        The bytes that pieces and what is carried between them may take, also as "1GB"; by default a
        quarter of what is free. The interpreter and its libraries come on top, some 50 MB.
    resume : bool, default False
        Whether to go on where a run of the same job was killed, and to leave what is done when
        this one is interrupted or fails. Where there is nothing to go on with, it begins; a job
        that is done already is not done again.
    in_place : bool, default False
        Whether to write the sums over the elements. A crash leaves a journal beside the file, with
        which ``resume=True`` goes on.
    force : bool, default False
        Whether to replace an output that exists.
    member : str, optional
        Which array, of files that hold several.
    raw_dtype : str, optional
        The dtype of a raw file, "bfloat16" among them where ml_dtypes is installed. Of a .npy file
        it says what bytes are that NumPy has no name for.
    raw_shape : tuple of int, optional
        The shape of a raw file, in C order; by default it has one dim.
    raw_offset : int, default 0
        The bytes before its first element.
    progress : callable, optional
        Called now and then with the bytes that are done and those of the whole job, from another
        thread.

    Returns
    -------
    Report
        What was done.

    Raises
    ------
    CommandError
        If it cannot be done: the message is one line that names the file.
    TypeError, ValueError
        If `dim`, `memory`, `raw_shape` or `raw_offset` is no integer, or less than it can be.

    Examples
    --------
    >>> import cumsum, numpy as np, pathlib, tempfile
    >>> folder = pathlib.Path(tempfile.mkdtemp())
    >>> np.save(folder / "x.npy", np.arange(12).reshape(3, 4))
    >>> report = cumsum.files.cumsum(folder / "x.npy", folder / "y.npy", 0, memory=100_000)
    >>> np.load(folder / "y.npy")
    array([[ 0,  1,  2,  3],
           [ 4,  6,  8, 10],
           [12, 15, 18, 21]])
    >>> report.shape, report.totals
    ((3, 4), (np.int64(12), np.int64(15), np.int64(18), np.int64(21)))
    """
    return run(**locals())


def run(input: Any, output: Any, dim: Any, *, curves: Curves | None = None, **given: Any) -> Report:
    """Scan a file as `cumsum` does, and have its curves drawn."""
    start = time.perf_counter()
    several = isinstance(input, list | tuple)
    paths = tuple(map(str, input)) if several else (str(input),)
    if not paths:
        raise CommandError("there is no input")
    path, in_place, resume, memory = paths[0], given["in_place"], given["resume"], given["memory"]
    dim = None if dim is None else _integer("dim", dim)
    if memory is not None:
        memory = parse_size(memory) if isinstance(memory, str) else _integer("memory", memory, 0)
    names = ("exclusive", "reverse", "precision")
    options = take("files.cumsum", {name: given[name] for name in names})
    choice = _choice(paths, given, days=curves is not None)
    force = given["force"]
    _check_paths(path, output, choice, in_place=in_place, force=force, resume=resume)
    if not (in_place and resume):
        refuse_half_done(path)
    with contextlib.closing(open_input(path, choice)) as store:
        job = jobs.decide(path, store, dim, given["dtype"], options, given["initial"])
        _check_missing(job, choice, output)
        way = Way(job, store, choice, memory, resume, given["progress"], force, curves)
        if in_place:
            done = inplace.run(way)
        else:
            done = transfer.dry_run(way) if output is None else transfer.run(way, str(output))
    written = path if in_place else str(output or "")
    return done.report(written, time.perf_counter() - start)


def _choice(paths: tuple[str, ...], given: dict[str, Any], *, days: bool) -> Choice:
    """What of an input is meant."""
    if given["missing"] not in ("carry", "nan"):
        raise ValueError(
            f"files.cumsum(): missing is {given['missing']!r}, but must be 'carry' or 'nan'"
        )
    if given["missing"] == "nan" and not given["skipna"]:
        raise ValueError("files.cumsum(): missing says nothing without skipna")
    table = OfTable(
        by=_names("by", given["by"]),
        skipna=bool(given["skipna"]),
        missing=given["missing"],
        suffix=given["suffix"],
        delimiter=given["delimiter"] or "",
        decimal=given["decimal"],
        comment=given["comment"] or "",
        more=paths[1:],
        days=days,
    )
    shape = None if given["raw_shape"] is None else _shape(given["raw_shape"])
    offset = _integer("raw_offset", given["raw_offset"])
    columns = _names("columns", given["columns"])
    if not isinstance(given["suffix"], str):
        raise TypeError(f"files.cumsum(): suffix must be a text, not {given['suffix']!r}")
    return Choice(given["member"], columns, given["raw_dtype"], shape, offset, table)


def _names(name: str, value: Any) -> tuple[str, ...]:
    """One name, or several, or none."""
    if value is None or isinstance(value, str):
        return () if value is None else (value,)
    names = tuple(value) if hasattr(value, "__iter__") else (value,)
    if not all(isinstance(each, str) for each in names):
        raise TypeError(f"files.cumsum(): {name} must be names of columns, not {value!r}")
    return names


def _check_missing(job: jobs.Job, choice: Choice, output: Any) -> None:
    """Refuse to show where numbers are missing among sums that cannot."""
    if choice.table.missing == "carry" or output is None or job.dtype.kind == "f":
        return
    if suffix_of(output) not in TABLES:
        raise CommandError(
            f"missing is 'nan', which sums of {job.dtype} in {output} cannot be; "
            "give --dtype float64, or write a table"
        )


def _integer(name: str, value: Any, least: int | None = None) -> int:
    """What is given as an integer, as Python's own."""
    if isinstance(value, bool | np.bool_):
        raise TypeError(f"files.cumsum(): {name} must be an integer, not {value!r}")
    try:
        number = index(value)
    except TypeError:
        raise TypeError(f"files.cumsum(): {name} must be an integer, not {value!r}") from None
    if least is not None and number < least:
        raise ValueError(f"files.cumsum(): {name} is {number}, it must be {least} or more")
    return number


def _shape(value: Any) -> tuple[int, ...]:
    """A shape; one number is that of one dim."""
    extents = value if hasattr(value, "__iter__") else (value,)
    return tuple(_integer("an extent of raw_shape", extent, 0) for extent in extents)


def _check_paths(
    path: str,
    output: str | Path | None,
    choice: Choice,
    *,
    in_place: bool,
    force: bool,
    resume: bool,
) -> None:
    """Refuse, before any work, what cannot be read or written."""
    if in_place and output is not None:
        raise CommandError("give either an output or --in-place, not both")
    kind = kind_of(path, choice)
    folder = getattr(kind, "FOLDER", False)
    if is_url(path) and not folder:
        raise CommandError(f"{path}: only zarr is read from a URL; give the path of a local file")
    for place in map(Path, (path, *choice.table.more)):
        if not is_url(path) and not (place.is_file() or (folder and place.is_dir())):
            reason = "not a regular file" if place.exists() else "no such file"
            raise CommandError(f"{place}: {reason}")
    if in_place and not hasattr(kind, "open_update"):
        raise CommandError(f"{path}: files of its kind cannot be scanned in place")
    if output is not None:
        _check_output(path, str(output), choice, force=force, resume=resume)


def _check_output(path: str, output: str, choice: Choice, *, force: bool, resume: bool) -> None:
    if not output:
        raise CommandError("the output has no name")
    kind = kind_of(output, choice)
    for each in (path, *choice.table.more):
        check_apart(output, each)
    if is_url(output):
        check_remote(output, kind, force=force)
        return
    folder = getattr(kind, "FOLDER", False)
    if folder:
        restore(Path(output))
        check_folder(Path(output))
    force = force or (resume and finished.may_be_made(output))  # then it is looked at later
    check_output(Path(output), Path(path), force=force, folder=folder)
