"""`cumsum run`: its options, the scan they ask for, and what is told of it."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from cumsum import console, plot, standard
from cumsum.console import CommandError, parse_size
from cumsum.files import engine
from cumsum.files.curves import Curves
from cumsum.files.outputs import check_output, replacing
from cumsum.files.report import Report
from cumsum.files.store import is_url
from cumsum.standard import OUTPUT, is_standard
from cumsum.summary import as_json, summary

HELP = """\
Scan a file: each value becomes the sum of all values up to it.

.npy, .npz, raw, .zarr, .h5, .nc and .safetensors files hold arrays; .csv, .tsv (also .gz, .zst and
.bz2 of them), .parquet, .feather and .arrow hold tables. All but .npz may be larger than memory:
pieces of them are read, scanned and written at the same time. Of a file that holds several arrays
one member is read, of a table one column or several. OUTPUT's suffix chooses what is written; a
table is written as it was read, with a column NAME_cumsum at its end. Without OUTPUT only the
totals are computed.
"""

EXAMPLES = """\
examples:
  cumsum run x.npy -o y.npy --dim 0 --memory 1GB
  cumsum run x.raw --raw-dtype float32 --raw-shape 1000,1000 -o y.npy --dim 1
  cumsum run s3://bucket/rain.zarr --member daily -o total.nc --dim 0
  cumsum run sales.parquet --column amount --by store --by day:month -o totals.parquet
  cumsum run weather.csv --column rain --by date:year --plot rain.png
  cumsum run jan.csv.gz feb.csv.gz --column kWh --skipna -o year.csv
  zcat log.gz | cumsum run - --column bytes -o - | head

The output is written to `.NAME.RANDOM.partial` beside it and renamed when complete, so OUTPUT is
never half written. After a kill -9 that file is left, and a journal beside it: a run with --resume
goes on there, a run without removes both.
"""


class Once(argparse.Action):
    """An option that can be given once: another value would silently take its place."""

    def __call__(self, parser: Any, namespace: Any, values: Any, option: str | None = None) -> None:
        """Take the value."""
        given = vars(namespace).setdefault("given_once", set())
        if self.dest in given:
            parser.error(f"argument {option}: given twice")
        given.add(self.dest)
        setattr(namespace, self.dest, values)


def place(text: str) -> str | Path:
    """The path of a file; a URL stays as it is."""
    if not text:
        raise argparse.ArgumentTypeError("a file has a name")
    return text if "://" in text else Path(text)


def number(text: str) -> int | float | complex:
    """A number as it is written."""
    for kind in (int, float, complex):
        with contextlib.suppress(ValueError):
            return kind(text)
    raise argparse.ArgumentTypeError(f"{text!r} is not a number")


def shape(text: str) -> tuple[int, ...]:
    """The shape that `100,200` says."""
    if not all(part.strip().isdecimal() for part in text.split(",")):
        raise argparse.ArgumentTypeError(f"{text!r} is not a shape such as 100,200")
    return tuple(int(part) for part in text.split(","))


def sign(text: str) -> str:
    """A character; the names of a tab are that as well."""
    return "\t" if text in {"\\t", "tab"} else text


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of `cumsum run`."""
    parser.set_defaults(command=run)
    parser.add_argument(
        "input", type=place, nargs="+", metavar="INPUT", help="see above; - is standard input; "
        "several tables are scanned as one"
    )  # fmt: skip
    _add_scan(parser.add_argument_group("the scan"))
    _add_tables(parser.add_argument_group("tables"))
    _add_others(parser.add_argument_group("other files"))
    _add_output(parser.add_argument_group("what is written"))


def _add_scan(group: Any) -> None:
    add = group.add_argument
    add("--dim", type=int, action=Once, metavar="N", help="dim to scan; 0 for 1-D arrays, tables")
    add("--dtype", action=Once, metavar="T", help="dtype of the sums, such as float64")
    add("--exclusive", action="store_true", help="leave out of each sum the element at its place")
    add("--reverse", action="store_true", help="sum from the last element to the first")
    add("--initial", type=number, action=Once, metavar="X", help="what the sums begin with")
    add("--precision", choices=["compensated"], action=Once,
        help="carry float64 sums as two numbers: nearly nothing is rounded away")  # fmt: skip
    add("--memory", type=parse_size, action=Once, metavar="SIZE",
        help="what may be taken: 1GB, 500MiB (a quarter of what is free)")  # fmt: skip


def _add_tables(group: Any) -> None:
    add = group.add_argument
    add("--column", action="append", default=[], metavar="NAME", help="repeat for several")
    add("--columns", type=lambda text: text.split(","), action=Once, default=[], metavar="A,B",
        help="the same, several at once")  # fmt: skip
    add("--by", action="append", default=[], metavar="COLUMN[:PERIOD]",
        help="a sum of its own for each value of COLUMN, or for each hour, day, week, month, "
        "quarter or year of a column of dates (date:year; date:year:10 is a year that begins in "
        "October); repeat to group by several. Rows need not be sorted")  # fmt: skip
    add("--skipna", action="store_true", help="missing numbers add nothing (else: an error)")
    add("--missing", choices=["carry", "nan"], default="carry", action=Once,
        help="with --skipna, what stands at a missing number: the sum so far, or none")  # fmt: skip
    add("--suffix", default="_cumsum", action=Once, metavar="TEXT",
        help="what follows NAME in the name of its sums (_cumsum)")  # fmt: skip
    add("--delimiter", type=sign, action=Once, metavar="C", help="between fields (, or tab)")
    add("--decimal", default=".", action=Once, metavar="C", help="the decimal point (.)")
    add("--comment", action=Once, metavar="C", help="lines that begin with it are no records")


def _add_others(group: Any) -> None:
    add = group.add_argument
    add("--member", action=Once, metavar="NAME", help="array of a file that holds several")
    add("--raw-dtype", action=Once, metavar="T", help="INPUT is elements alone, of this dtype")
    add("--raw-shape", type=shape, action=Once, metavar="N,M", help="in C order (1-D)")
    add("--raw-offset", type=int, default=0, action=Once, metavar="BYTES", help="before them (0)")
    add("--format", action=Once, metavar="KIND", help="what - is: csv, parquet, npy, ... (csv)")


def _add_output(group: Any) -> None:
    add = group.add_argument
    add("-o", "--output", type=place, action=Once, metavar="OUTPUT", help="- is standard output")
    add("--in-place", action="store_true", help="write the sums over the elements of INPUT")
    add("--resume", action="store_true",
        help="go on where a run was stopped; leave alone what is done")  # fmt: skip
    add("--force", action="store_true", help="replace files that exist")
    add("--plot", type=Path, action=Once, metavar="PICTURE",
        help="draw the running totals: .png, .svg or .pdf")  # fmt: skip
    add("--title", default="", action=Once, metavar="TEXT", help="title of the picture")
    add("--json", action="store_true", help="tell what was done as JSON")
    add("--quiet", action="store_true", help="tell nothing but errors")


# The keywords of `files.cumsum` that options of the same name have.
SAME = (
    *("dtype", "exclusive", "reverse", "initial", "precision", "skipna", "missing", "by"),
    *("suffix", "delimiter", "decimal", "comment", "memory", "resume", "in_place", "force"),
    *("member", "raw_dtype", "raw_shape", "raw_offset"),
)


def run(args: argparse.Namespace) -> None:
    """Scan a file."""
    # pyarrow's own allocators keep what is free again: 390 MB, not 280, for 6 million rows.
    os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")
    standards = [*map(is_standard, args.input), is_standard(args.output)]
    if any(standards) and (args.resume or args.in_place):
        option = "--resume" if args.resume else "--in-place"
        raise CommandError(f"{option} needs files with names, not -")
    if standards[-1] and args.json:
        raise CommandError("--json writes to standard output, as -o - does")
    if args.missing == "nan" and not args.skipna:
        raise CommandError("--missing says nothing without --skipna")
    if args.plot:
        source = args.input[0]
        check_output(args.plot, None if is_url(source) else Path(source), force=args.force)
        plot.check_picture(args.plot)
    curves = Curves() if args.plot else None
    with standard.kept(args.input, args.output, args.format) as (inputs, output):
        report = _scan(args, inputs, output, curves)
        if curves is not None:
            with replacing(args.plot) as file:
                plot.running_totals(curves, report, file, args.plot.suffix, args.title)
    if not args.quiet:
        _warn(report)
    _tell(args, report)


def _scan(
    args: argparse.Namespace, inputs: Sequence[Any], output: Any, curves: Curves | None
) -> Report:
    shown = standard.INPUT if is_standard(args.input[0]) else Path(str(args.input[0])).name
    given = {name: getattr(args, name) for name in SAME}
    given["columns"] = [*args.column, *args.columns]
    with console.throughput(f"scanning {shown}") as progress:
        what = inputs[0] if len(inputs) == 1 else list(inputs)
        return engine.run(what, output, args.dim, curves=curves, progress=progress, **given)


def _warn(report: Report) -> None:
    """Say what was left out, or became something else."""
    if report.lost:
        lost = f"{console.count(report.lost, 'value')} of {report.source}"
        fits = "does not fit" if report.lost == 1 else "do not fit"
        console.note(f"cumsum: warning: {lost} {fits} into {report.dtype}")
    if report.unread:
        rest = console.count(report.unread, "element")
        console.note(f"cumsum: warning: {rest} of {report.input} after its shape are not read")


def _tell(args: argparse.Namespace, report: Report) -> None:
    if args.quiet:
        return
    names = [standard.INPUT if is_standard(path) else str(path) for path in args.input]
    written = [OUTPUT if is_standard(path) else str(path) for path in (args.output,) if path]
    written += [names[0]] if args.in_place else []
    written += [str(args.plot)] if args.plot else []
    if args.json:
        console.say(json.dumps(as_json(report, names, written)))
    else:
        text = summary(report, names, written)
        (console.note if is_standard(args.output) else console.say)(text)
