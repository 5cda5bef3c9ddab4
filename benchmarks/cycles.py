"""Compare the cycles that llvm-mca predicts for the kernels' loops with those recorded.

python benchmarks/cycles.py BUILD... [--update]        BUILD is a build folder (`make cycles`)

The processors need not be at hand. Predictions depend on the compiler and on LLVM: nothing is
compared with those of others. --update records them, and writes the table of docs/cycles.md.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

from assembly import Object, output_of
from cycles_table import write_page
from kernel_names import KERNELS, kernels_of
from loops import Way, main_loop
from records import compare

RECORD = Path(__file__).parent / "results" / "cycles.json"
ITERATIONS = 200
GUESS = 100  # the latency in cycles that models give to what they do not describe
# As LLVM calls them, under the targets whose instructions they have.
ZEN2, ZEN3, ZEN4, ZEN5 = (f"znver{i}" for i in range(2, 6))
INTEL512 = ("skylake-avx512", "icelake-server", "sapphirerapids")
PROCESSORS = {
    "avx2": (ZEN2, ZEN3, ZEN4, ZEN5, *INTEL512, "alderlake"),
    "avx512": (ZEN4, ZEN5, *INTEL512),
    "avx512_256": (ZEN4,),
    "neon": ("neoverse-n1", "neoverse-v2"),
}
UNIT = re.compile(r"(?=AGU|Divider|Port|Unit)")  # after the name of the model that has it
Record = dict[str, Any]


def ask(processor: str, ways: Iterable[Way], is_arm: bool) -> dict[str, Any]:
    """What llvm-mca says of loops on a processor."""
    lines = [] if is_arm else [".intel_syntax noprefix"]
    for i, way in enumerate(ways):
        texts = [re.sub(r"0x[0-9a-f]+ <.*>$", f"loop{i}", line.text) for line in way.instructions]
        lines += ["# LLVM-MCA-BEGIN", f"loop{i}:", *texts, "# LLVM-MCA-END"]
    command = ["llvm-mca-19", f"-mtriple={'aarch64' if is_arm else 'x86_64'}"]
    command += [f"-mcpu={processor}", f"-iterations={ITERATIONS}", "-json"]
    answer: dict[str, Any] = json.loads(output_of(*command, text="\n".join(lines) + "\n"))
    return answer


def predict(folder: Path, target: str) -> Record:
    """The models of the processors, and for each kernel what RECORD holds."""
    read = cache(lambda file: Object.read(folder / f"{file}.cpp.o"))
    found: Record = {"models": {}, "kernels": {}}
    ways = []
    kernels = kernels_of(target)
    for kernel in kernels:
        try:
            way = main_loop(read(kernel.file), kernel.function, kernel.elements)
        except LookupError as error:
            sys.exit(f"{kernel.name}, {target}: {error.args[0]}")
        ways.append(way)
        loop = {"elements": int(kernel.elements(way)), "branches": way.branches - 1}
        found["kernels"][kernel.name] = loop | {"cycles": {}, "least": {}, "guessed": []}
    for processor in PROCESSORS[target]:
        answer = ask(processor, ways, target == "neon")
        found["models"][processor] = UNIT.split(answer["TargetInfo"]["Resources"][0])[0]
        for loop, region in zip(found["kernels"].values(), answer["CodeRegions"], strict=True):
            summary, elements = region["SummaryView"], loop["elements"]
            cycles = summary["TotalCycles"] / ITERATIONS
            loop["cycles"][processor] = round(cycles / elements, 3)
            loop["least"][processor] = round(summary["BlockRThroughput"] / elements, 3)
            latencies = (i["Latency"] for i in region["InstructionInfoView"]["InstructionList"])
            if max(latencies) >= GUESS:
                loop["guessed"].append(processor)
    return found


def versions(folder: Path) -> str:
    """Those of the compiler of some objects and of LLVM."""
    comment = output_of(
        "llvm-readelf-19", "-p", ".comment", str(folder / f"{KERNELS[0].file}.cpp.o")
    )
    compiler = re.search(r"(\w+): .*?([\d.]+)$", comment, re.MULTILINE)
    llvm = re.search(r"version ([\d.]+)", output_of("llvm-mca-19", "--version"))
    if not compiler or not llvm:
        sys.exit(f"nothing tells what compiled {folder}, or the version of llvm-mca-19")
    return f"{compiler[1]} {compiler[2]}, LLVM {llvm[1]}"


def predictions(record: Record, target: str) -> dict[str, float]:
    """Those of a target, by names for people."""
    return {
        f"{kernel}, {processor}, {target}": cycles
        for kernel, loop in record["kernels"].items()
        for processor, cycles in loop["cycles"].items()
    }


def check(record: Record, target: str, folder: Path, update: bool) -> int:
    """Enter a target's predictions in `record`, or compare them; how many got worse."""
    made_by, now = versions(folder), predict(folder, target)
    if update:
        record.setdefault(made_by, {})[target] = now
        return 0
    before = record.get(made_by, {}).get(target)
    if before is None:
        print(f"{target}: nothing is recorded of {made_by}: not compared")
        return 0
    old, new = predictions(before, target), predictions(now, target)
    worse = compare(old, new, "cycles an element", "cycles")
    print(f"{target}: {len(now['kernels'])} loops, {worse} predictions worse than recorded")
    return worse


def main() -> int:
    """Compare, or record; the exit status is 1 when a prediction is worse than before."""
    parser = argparse.ArgumentParser(description="Compare the cycles predicted for the kernels.")
    parser.add_argument("builds", type=Path, nargs="+", help="build folders of the core")
    parser.add_argument("--update", action="store_true", help="record them")
    arguments = parser.parse_args()
    record = json.loads(RECORD.read_text()) if RECORD.exists() else {}
    places = {t: f"CMakeFiles/kernels_{t}.dir/src/core/targets" for t in PROCESSORS}
    found = {
        t: b / place
        for b in arguments.builds
        for t, place in places.items()
        if (b / place).is_dir()
    }
    if not found:
        sys.exit(f"no kernels in {', '.join(map(str, arguments.builds))}: `make core` builds them")
    worse = 0
    for target in PROCESSORS:
        if target in found:
            worse += check(record, target, found[target], arguments.update)
        else:
            print(f"{target}: not built, so not compared")
    if arguments.update:
        RECORD.write_text(json.dumps(record, indent=1) + "\n")
        write_page(record[versions(next(iter(found.values())))])
    return min(worse, 1)


if __name__ == "__main__":
    sys.exit(main())
