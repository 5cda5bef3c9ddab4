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
import warnings
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any, NoReturn

import cumsum
from cumsum import console, run
from cumsum.console import CommandError
from cumsum.files.outputs import check_output, replacing

REFUSED, INTERRUPTED, TERMINATED = 2, 130, 143

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
        with termination_heard(), warnings.catch_warnings():
            # Of a file that is damaged zarr says so twice; what it advises is not for a user.
            warnings.filterwarnings("ignore", module=r"zarr\b")
            given = with_negative(sys.argv[1:] if argv is None else argv)
            args, rest = make_parser().parse_known_args(given or ["--help"])
            if rest:
                args.parser.error(f"unrecognized arguments: {' '.join(rest)}")
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
                run.number(text)
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
    run.add_options(add_command(commands, "run", "scan a file", run.HELP, run.EXAMPLES))
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
    parser.set_defaults(parser=parser)
    return parser


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


def run_bench(args: argparse.Namespace) -> None:
    """`cumsum bench`."""
    from cumsum import bench, plot

    if args.threads is not None and args.threads < 1:
        raise CommandError(f"--threads {args.threads} is out of range: 1 or more")
    written = [path for path in (args.json, args.plot) if path]
    for path in written:
        check_output(path, None, force=args.force)
    if args.plot:
        plot.check_picture(args.plot)
    with_torch = not args.no_torch and importlib.util.find_spec("torch") is not None
    peers = ("torch", "numpy") if with_torch else ("numpy",)
    machine = bench.machine(args.threads or cumsum.get_num_threads())
    results = bench_table(args.short, machine, peers, args.seconds)
    with ExitStack() as stack:
        if args.json:
            report = {"machine": machine, "results": [result.as_dict() for result in results]}
            file = stack.enter_context(replacing(args.json))
            file.write(json.dumps(report, indent=1).encode() + b"\n")
        if args.plot:
            file = stack.enter_context(replacing(args.plot))
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
