"""The command line: `cumsum run`, `cumsum bench`, `cumsum info`.

main -> one command -> its exit code: 0 done, 2 refused with one line on standard error, 130 Ctrl-C,
143 SIGTERM, which is heard like it
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import signal
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any, NoReturn

import cumsum
from cumsum import console, files
from cumsum.console import CommandError, parse_size

REFUSED, INTERRUPTED, TERMINATED = 2, 130, 143

RUN_HELP = """\
Scan a file: each value becomes the sum of all values up to it.

.npy, raw, .zarr, .h5, .nc, .safetensors, .csv and .parquet files may be larger than memory: pieces
of them are read, scanned and written at the same time. Of a file that holds several arrays one
member is read, from a table one column or several. OUTPUT's suffix chooses what is written; a table
is written with a column NAME_cumsum more.
"""

RUN_EXAMPLES = """\
examples:
  cumsum run x.npy -o y.npy --dim 0 --memory 1GB
  cumsum run x.raw --raw-dtype float32 --raw-shape 1000,1000 -o y.npy --dim 1
  cumsum run rain.zarr --member daily -o total.zarr --dim 0 --memory 1GB
  cumsum run s3://bucket/rain.zarr -o total.nc --dim 0
  cumsum run archive.npz --member weights -o y.npz --dim -1 --dtype float64
  cumsum run sales.parquet --column amount -o totals.csv
  cumsum run weather.csv --column rain --by date:year --plot rain.png

The output is written to `.NAME.RANDOM.partial` beside it and renamed when complete, so OUTPUT is
never half written. After a kill -9 that file is left, and a journal beside it: a run with --resume
goes on there, a run without removes both.
"""

BENCH_HELP = """\
Measure this machine: the scan beside a copy of the same bytes, NumPy and torch.

Each figure is a time divided by the copy's: 1 is the speed of moving memory. Contestants take turns
and write into memory they are given; medians are shown. torch takes part when it is installed.
"""

BENCH_EXAMPLES = """\
examples:
  cumsum bench --short
  cumsum bench --threads 1 --no-torch --json one.json --plot one.png
"""


class Parser(argparse.ArgumentParser):
    """argparse, with its complaints in one line like every other."""

    def error(self, message: str) -> NoReturn:
        """Refuse the arguments."""
        raise CommandError(f"{message} (see {self.prog} --help)")


class Terminated(KeyboardInterrupt):
    """SIGTERM: what is under way ends as with Ctrl-C."""


@contextmanager
def termination_heard() -> Iterator[None]:
    """Raise Terminated on SIGTERM within the block, where this program has the signals."""

    def stop(*_: object) -> NoReturn:
        raise Terminated("terminated")

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return the exit code."""
    try:
        with termination_heard():
            args = make_parser().parse_args(with_negative(sys.argv[1:] if argv is None else argv))
            args.command(args)
    except Terminated as stop:
        console.complain(stop)
        return TERMINATED
    except KeyboardInterrupt as stop:
        console.complain(str(stop) or "interrupted")
        return INTERRUPTED
    except (CommandError, MemoryError, OSError) as error:
        console.complain(describe(error))
        return REFUSED
    return 0


def with_negative(argv: Sequence[str]) -> list[str]:
    """The arguments, `--initial -1e5` as one: argparse takes it for an option."""
    joined: list[str] = []
    for text in argv:
        if joined and joined[-1] == "--initial" and text.startswith("-"):
            with suppress(argparse.ArgumentTypeError):
                number(text)
                joined[-1] += f"={text}"
                continue
        joined.append(text)
    return joined


def describe(error: BaseException) -> str:
    """An error as one clause, whichever kind it is."""
    if isinstance(error, MemoryError):
        return f"not enough memory: {error}" if str(error) else "not enough memory"
    if isinstance(error, OSError):
        where = f"{error.filename}: " if error.filename else ""
        return f"{where}{error.strerror or error}"
    return str(error)


def make_parser() -> Parser:
    """All commands and their options."""
    parser = Parser(prog="cumsum", description="The cumulative sum of files, and its speed here.")
    parser.add_argument("--version", action="version", version=f"cumsum {cumsum.__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    add_run(add_command(commands, "run", "scan a file", RUN_HELP, RUN_EXAMPLES))
    add_bench(add_command(commands, "bench", "measure this machine", BENCH_HELP, BENCH_EXAMPLES))
    info = "show the version, the instruction set, the threads and the libraries found"
    add_command(commands, "info", info, info.capitalize() + ".", "").set_defaults(command=run_info)
    return parser


def add_command(commands: Any, name: str, short: str, text: str, examples: str) -> Parser:
    """Add one command with its help."""
    form = argparse.RawDescriptionHelpFormatter
    parser: Parser = commands.add_parser(
        name, help=short, description=text, epilog=examples, formatter_class=form
    )
    return parser


def add_run(parser: Parser) -> None:
    """Add the options of `cumsum run`."""
    parser.set_defaults(command=run_file)
    add = parser.add_argument
    add("input", type=place, metavar="INPUT", help="see below; or the URL of a zarr")
    add("-o", "--output", type=place, metavar="OUTPUT", help="where to write, the same kinds")
    add("--dim", type=int, metavar="N", help="dim to scan; 0 for 1-D arrays and tables")
    add("--dtype", metavar="T", help="dtype of the sums, a NumPy name such as float64")
    add(
        "--precision",
        choices=["compensated"],
        help="carry float64 sums as two numbers, so that nearly nothing is rounded away",
    )
    add("--member", metavar="NAME", help="array of a file that holds several")
    add("--column", action="append", default=[], metavar="NAME", help="column; repeat for several")
    add(
        "--by",
        default="",
        metavar="COLUMN[:PERIOD]",
        help="start again from zero for each value of COLUMN, or for each year, month or day of a "
        "column of dates (date:year); the picture then has one line for each",
    )
    add("--exclusive", action="store_true", help="leave out of each sum the element at its place")
    add("--reverse", action="store_true", help="sum from the last element to the first")
    add("--initial", type=number, metavar="X", help="what the sums begin with, instead of zero")
    add("--plot", type=Path, metavar="PICTURE", help="draw the running totals: .png, .svg or .pdf")
    add("--title", default="", metavar="TEXT", help="title of the picture")
    add("--force", action="store_true", help="replace files that exist")
    add(
        "--memory",
        type=parse_size,
        metavar="SIZE",
        help="for large files: 1GB, 500MiB (1/4 of free)",
    )
    add("--resume", action="store_true", help="go on where a run was stopped; keep what is done")
    add("--in-place", action="store_true", help="write the sums over the elements of INPUT")
    add("--raw-dtype", metavar="T", help="INPUT is elements alone, of this dtype; bfloat16 as well")
    add("--raw-shape", type=shape, metavar="N,M", help="shape of a raw INPUT, in C order (1-D)")
    add("--raw-offset", type=int, default=0, metavar="BYTES", help="before its first element (0)")


def place(text: str) -> str | Path:
    """The path of a file; a URL stays as it is."""
    if not text:
        raise argparse.ArgumentTypeError("a file has a name")
    return text if "://" in text else Path(text)


def number(text: str) -> int | float | complex:
    """A number as it is written."""
    for kind in (int, float, complex):
        with suppress(ValueError):
            return kind(text)
    raise argparse.ArgumentTypeError(f"{text!r} is not a number")


def shape(text: str) -> tuple[int, ...]:
    """The shape that `100,200` says."""
    if not all(part.strip().isdecimal() for part in text.split(",")):
        raise argparse.ArgumentTypeError(f"{text!r} is not a shape such as 100,200")
    return tuple(int(part) for part in text.split(","))


def add_bench(parser: Parser) -> None:
    """Add the options of `cumsum bench`."""
    parser.set_defaults(command=run_bench)
    add = parser.add_argument
    add("--short", action="store_true", help="a few telling cases, in under half a minute")
    add("--threads", type=int, metavar="N", help="threads for all contestants that have them")
    add("--seconds", type=float, default=0.5, metavar="S", help="time for each case (0.5)")
    add("--no-torch", action="store_true", help="leave torch out even where it is installed")
    add("--json", type=Path, metavar="FILE", help="write every figure to FILE")
    add("--plot", type=Path, metavar="PICTURE", help="draw the ratios: .png, .svg or .pdf")
    add("--force", action="store_true", help="replace files that exist")


def run_file(args: argparse.Namespace) -> None:
    """`cumsum run`."""
    from cumsum import job, large, plot

    if large.is_meant(args):
        large.run(args)
        return
    start = time.perf_counter()
    written = [path for path in (args.output, args.plot) if path]
    for path in written:
        files.check_output(path, args.input, force=args.force)
    if args.output:
        files.check_suffix(args.output)
    if args.plot:
        plot.check_picture(args.plot)
    source = files.read(args.input, args.member, args.column)
    todo = job.decide(source, args.dim, args.dtype, args.by, large.keywords(args))
    done = job.run(todo, args.output, args.plot, args.title)
    console.say(job.summary(done, time.perf_counter() - start, written))


def run_bench(args: argparse.Namespace) -> None:
    """`cumsum bench`."""
    from cumsum import bench, plot

    if args.threads is not None and args.threads < 1:
        raise CommandError(f"--threads {args.threads} is out of range: 1 or more")
    written = [path for path in (args.json, args.plot) if path]
    for path in written:
        files.check_output(path, None, force=args.force)
    if args.plot:
        plot.check_picture(args.plot)
    with_torch = not args.no_torch and importlib.util.find_spec("torch") is not None
    peers = ("torch", "numpy") if with_torch else ("numpy",)
    machine = bench.machine(args.threads or cumsum.get_num_threads())
    results = bench_table(args.short, machine, peers, args.seconds)
    with ExitStack() as stack:
        if args.json:
            report = {"machine": machine, "results": [result.as_dict() for result in results]}
            file = stack.enter_context(files.replacing(args.json))
            file.write(json.dumps(report, indent=1).encode() + b"\n")
        if args.plot:
            file = stack.enter_context(files.replacing(args.plot))
            plot.ratios(results, file, args.plot.suffix, bench.headline(machine))
    for path in written:
        console.say(f"wrote {path}")


def bench_table(
    short: bool, machine: dict[str, Any], peers: Sequence[str], seconds: float
) -> list[Any]:
    """Measure the cases, a line on the screen as each is done."""
    from cumsum import bench

    cases = [case for case in (bench.SHORT if short else bench.CASES) if bench.can_run(case)]
    width = max(len(case.name) for case in cases)
    titles = "".join(f"{name} / copy".rjust(15) for name in ("cumsum", *peers))
    console.say(bench.headline(machine))
    console.say(f"{'':{width}}{'cumsum':>10}{titles}{'GB/s':>8}")
    results = []
    for case in cases:
        result = bench.run_case(case, threads=machine["threads"], peers=peers, seconds=seconds)
        results.append(result)
        console.say(f"{case.name:{width}}{bench_row(result, peers)}")
    return results


def bench_row(result: Any, peers: Sequence[str]) -> str:
    """The figures of one case."""
    ours = result.times["ours"]
    figures = [f"{result.ratio(n):.2f}" if n in result.times else "-" for n in ("ours", *peers)]
    ratios = "".join(figure.rjust(15) for figure in figures)
    return f"{console.seconds(ours):>10}{ratios}{result.nbytes / ours / 1e9:>8.1f}"


def run_info(_: argparse.Namespace) -> None:
    """`cumsum info`."""
    console.say(str(cumsum.show_config()))
