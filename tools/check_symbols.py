"""Fail when an object built for a newer instruction set holds what it must not.

A weak symbol: the linker keeps one copy of a weak function. Were it the AVX2 one, a machine without
AVX2 would meet it in code that never asked for AVX2.

A product and a sum in one instruction: it rounds once instead of twice, so the bits would depend on
the target. GCC 12 makes them of complex products, whatever -ffp-contract says. Where there are sums
alone, the products are those by one that `add_beside` makes of them (two_sum.h).
"""

import re
import subprocess
import sys
from pathlib import Path

TARGETS = ("kernels_avx2", "kernels_avx512", "kernels_avx512_256")
SUMS = frozenset(f"{kind}.cpp.o" for kind in ("float32", "float64", "halves", "complex"))
WEAK = frozenset("VvWwu")


def weak_symbols(path: Path) -> list[str]:
    """Names of the weak symbols defined in the object file `path`."""
    command = ["nm", "--demangle", "--defined-only", "--format=posix", str(path)]
    listing = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    rows = (re.match(r"(.+) ([A-Za-z]) [0-9a-f]", line) for line in listing.splitlines())
    return [row[1] for row in rows if row and row[2] in WEAK]


def contracted(path: Path) -> int:
    """How many instructions of the object file `path` multiply and add at once."""
    command = ["objdump", "-d", "--no-show-raw-insn", str(path)]
    listing = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return len(re.findall(r"\bvfn?m(?:add|sub)", listing))


def main(build: Path) -> int:
    """Check the objects of every target below `build`; the number found wrong."""
    wrong = 0
    for target in TARGETS:
        objects = sorted(build.glob(f"**/{target}.dir/**/*.o"))
        if not objects:
            print(f"{build}: no object of {target}")
            wrong += 1
        for path in objects:
            for name in weak_symbols(path):
                print(f"{path}: weak symbol {name}")
                wrong += 1
            if path.name not in SUMS and (count := contracted(path)):
                print(f"{path}: {count} products contracted with sums")
                wrong += 1
    return wrong


if __name__ == "__main__":
    sys.exit(min(main(Path(sys.argv[1])), 1))
