"""Compare the instructions of a few calls of the core with those recorded.

python benchmarks/counts.py PROGRAM [--update]        PROGRAM is core_counts (`make counts`)

Instructions, unlike times, are the same at every run, so a small regression is seen. They depend on
the compiler: nothing is compared with the counts of another one.
"""

import argparse
import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from records import compare

RECORD = Path(__file__).parent / "results" / "instructions.json"
TARGET = "avx2"  # valgrind knows no AVX-512


def count(program: Path) -> dict:
    """The instructions of every call `program` makes, as RECORD holds them."""
    with tempfile.TemporaryDirectory() as folder:
        command = ["valgrind", "--quiet", "--tool=callgrind", "--toggle-collect=measured_call"]
        command += ["--dump-after=measured_call", f"--callgrind-out-file={folder}/counts"]
        command += [str(program), TARGET]
        output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        compiler, *names = output.splitlines()
        dumps = [Path(folder, f"counts.{i}").read_text() for i in range(1, len(names) + 1)]
    counts = [int(re.search(r"^summary: (\d+)$", dump, re.MULTILINE)[1]) for dump in dumps]
    return {
        "compiler": compiler,
        "target": TARGET,
        "instructions": dict(zip(names, counts, strict=True)),
    }


def main() -> int:
    """Compare, or record; the exit status is 1 when a call takes more instructions than before."""
    parser = argparse.ArgumentParser(description="Compare the instructions of a few calls.")
    parser.add_argument("program", type=Path, help="core_counts")
    parser.add_argument("--update", action="store_true", help="record them")
    arguments = parser.parse_args()
    now = count(arguments.program)
    if arguments.update:
        RECORD.write_text(json.dumps(now, indent=1) + "\n")
        return 0
    before = json.loads(RECORD.read_text())
    if now["compiler"] != before["compiler"]:
        print(f"built by {now['compiler']}, recorded of {before['compiler']}: not compared")
        return 0
    worse = compare(before["instructions"], now["instructions"], "instructions", "counts")
    print(f"{len(now['instructions'])} calls, {worse} worse than recorded")
    return min(worse, 1)


if __name__ == "__main__":
    sys.exit(main())
