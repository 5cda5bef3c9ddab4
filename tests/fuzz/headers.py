"""Files whose headers anyone may have written: `python -m fuzz.headers --seed 1 --seconds 60`.

Valid files of all kinds are made, then parts of them are changed, and `cumsum run` is called with
them in a worker. It must end with 0 or 2, say one line at most, take a bounded time and memory.
"""

import argparse
import contextlib
import json
import os
import random
import resource
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback
import warnings
from collections import Counter
from pathlib import Path

from fuzz import changes, samples

HANG = 20  # seconds
ROOM = 3 << 30  # of addresses, beside what the libraries have
MOST = 700_000  # KB of memory that a worker has at its most
CALLS = 400  # of a worker
SHOWN = 3  # of failures of one kind


def main(arguments):
    folder = Path(tempfile.mkdtemp(prefix="headers-"))
    try:
        subprocess.run([sys.executable, "-m", "fuzz.samples", folder], check=True)
        if arguments.call is not None:
            found = Fuzzer(arguments, folder).call(arguments.call)
            say(found or "nothing wrong")
            return 1 if found else 0
        return Fuzzer(arguments, folder).run()
    finally:
        if arguments.call is None:
            shutil.rmtree(folder)


def say(text):
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


class Fuzzer:
    """Makes calls, and counts what is wrong with them."""

    def __init__(self, arguments, folder):
        self.arguments, self.folder = arguments, folder
        self.workers = {}  # one for HDF5 alone, and how many calls each has made
        self.made = Counter()
        self.findings, self.codes = Counter(), Counter()

    def run(self):
        end, number = time.monotonic() + self.arguments.seconds, 0
        while time.monotonic() < end:
            if problem := self.call(number):
                self.found(number, problem)
            number += 1
        for family in list(self.workers):
            self.stop(family)
        codes = ", ".join(
            f"{count} ended with {code}" for code, count in sorted(self.codes.items())
        )
        say(f"{number} files with changed headers: {codes}; {self.findings.total()} failures")
        for what, count in self.findings.most_common():
            say(f"{count:6} {what}")
        return 1 if self.findings else 0

    def found(self, number, problem):
        """Count a failure, and show the first ones of its kind."""
        kind = problem.splitlines()[0][:100]
        self.findings[kind] += 1
        if self.findings[kind] <= SHOWN:
            how = f"--seed {self.arguments.seed} --call {number}"
            say(f"\n{problem}\n    python -m fuzz.headers {how}")

    def call(self, number):
        """Make a call; what is wrong with it, if anything is."""
        rng = random.Random(f"{self.arguments.seed} {number}")
        here = self.folder / "here"
        shutil.rmtree(here, ignore_errors=True)
        here.mkdir()
        sample = rng.choice(samples.SAMPLES)
        place = here / sample.name
        source = self.folder / sample.place
        (shutil.copytree if source.is_dir() else shutil.copy)(source, place)
        target = place / rng.choice(sample.headers) if sample.headers else place
        target.write_bytes(changes.changed(rng, target.read_bytes(), sample))
        if samples.is_long(sample, target):
            return None
        argv = samples.arguments(rng, sample, place, here)
        family = sample.place.endswith(".h5")
        code, said, trace = self.ask(family, argv)
        if family and isinstance(code, str) and code.startswith(("ends", "hangs")):
            self.codes["a crash or an endless loop of the HDF5 library"] += 1
            return None  # crafted files can do that, and no caller can prevent it
        problem = self.problem(code, said, trace)
        return problem and f"{problem}\n    {sample.place}: {' '.join(argv)}"

    def ask(self, family, argv):
        """Let a worker make a call: its exit code, what it said, and whether it raised."""
        if family not in self.workers or self.made[family] >= CALLS:
            self.stop(family)
            self.start(family)
        self.made[family] += 1
        worker = self.workers[family]
        worker.stdin.write(json.dumps(argv).encode() + b"\n")
        worker.stdin.flush()
        ready, _, _ = select.select([worker.stdout], [], [], HANG)
        line = worker.stdout.readline() if ready else b""
        code, said, trace = json.loads(line) if line else (None, "", "")
        if not ready:
            code = "hangs"
        elif not line:
            code = f"ends with {worker.wait()}"
        if isinstance(code, str):  # what it took counts for all calls after this one
            self.stop(family)
        return code, said, trace

    def problem(self, code, said, trace):
        """What is wrong with a call, if anything is."""
        self.codes[str(code)] += 1
        lines = said.splitlines()
        if trace:
            return f"raises {trace.splitlines()[-1]}\n{trace}"
        if code not in {0, 2}:
            return str(code)
        if len(lines) != (1 if code == 2 else 0) or (lines and len(said) > 3000):
            return f"says {len(lines)} lines with {code}: {said[:1000]}"
        return f"memory: {said}" if "not enough memory" in said else None

    def start(self, family):
        self.made[family] = 0
        argv = [sys.executable, "-m", "fuzz.headers", "--worker"]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
        self.workers[family] = subprocess.Popen(argv, **pipes)

    def stop(self, family):
        worker = self.workers.pop(family, None)
        if worker is not None:
            with contextlib.suppress(ProcessLookupError):
                worker.send_signal(signal.SIGKILL)
            worker.communicate()


def work():
    """Make the calls that are asked for on standard input."""
    from cumsum.cli import main as command

    answers, said = os.fdopen(os.dup(1), "w"), tempfile.TemporaryFile()  # noqa: SIM115
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    os.dup2(said.fileno(), 2)
    sys.stderr = os.fdopen(2, "w", buffering=1, errors="backslashreplace", closefd=False)
    warnings.simplefilter("always")
    samples.load()
    limit = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize() + ROOM
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    for line in sys.stdin:
        said.seek(0)
        said.truncate()
        code, trace = None, ""
        try:
            code = command(json.loads(line))
        except BaseException:  # noqa: BLE001 - it is told
            trace = traceback.format_exc()
        most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        sys.stderr.flush()
        said.seek(0)
        text = said.read().decode(errors="replace")
        answers.write(
            json.dumps([code if most < MOST else f"took {most:,} KB", text, trace]) + "\n"
        )
        answers.flush()


def parse():
    parser = argparse.ArgumentParser(prog="python -m fuzz.headers")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--call", type=int, help="make this call alone, and keep its file")
    parser.add_argument("--worker", action="store_true", help="make calls for another process")
    return parser.parse_args()


if __name__ == "__main__":
    asked = parse()
    sys.exit(work() if asked.worker else main(asked))
