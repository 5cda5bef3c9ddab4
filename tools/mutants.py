"""Plants faults in a copy of the sources, and says how soon the fuzzer finds each of them.

``python tools/mutants.py FOLDER`` builds the copy in FOLDER with the address sanitizer, for this
machine's target; numbers of mutants after it choose some. Exits with 1 if one is not found in time.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent
SOURCES = ("CMakeLists.txt", "pyproject.toml", "src", "tests/core")


@dataclass(frozen=True)
class Mutant:
    """A fault: what is replaced in a file, and by what."""

    name: str
    file: str
    before: str
    after: str


MUTANTS = (
    Mutant("a mask begins again with each part", "src/core/driver/pieces.h",
           "if (piece.mask) piece.mask += count * piece.mask_scan;", ""),
    Mutant("masks of rows with gaps are one row", "src/core/driver/pack.cpp",
           "(rows.mask_row == rows.count && !rows.one_for_row)", "!rows.one_for_row"),
    Mutant("a mask is not turned with its lines", "src/core/plan/axes.cpp",
           "&Axis::y_stride, &Axis::mask_stride, &Axis::decay_stride}",
           "&Axis::y_stride, &Axis::decay_stride}"),
    Mutant("lines taken together share the first mask", "src/core/driver/pieces.h",
           "if (piece.mask) piece.mask += count * piece.mask_line;", ""),
    Mutant("small items share the first mask", "src/core/kernels/columns.h",
           "unit.mask = p.mask + (first + i) * p.mask_repeat;", "unit.mask = p.mask;"),
    Mutant("a block's last tile is not carried on", "src/core/driver/chain.cpp",
           "i < item.length; i += tile_size, totals",
           "i + tile_size < item.length; i += tile_size, totals"),
    Mutant("lines taken together carry into the first", "src/core/driver/lines.cpp",
           "some.carry += line * set_.carry_size;", ""),
    Mutant("a stream forgets the third pair of a group", "src/core/driver/record.h",
           "if (i == 6) mid = pair;", ""),
    Mutant("a decayed tile that is found out by a scan is the first one",
           "src/core/driver/chain.cpp",
           "item.begin + i, tile_size, carry", "item.begin, tile_size, carry"),
    Mutant("a block of exclusive decayed sums begins with what another left",
           "src/core/driver/chain.cpp", "if (!shown && set_.fold(", "if (set_.fold("),
    Mutant("lines taken together share the first decays", "src/core/driver/pieces.h",
           "piece.decay += count * piece.decay_line;", ""),
    Mutant("a segment goes on from the one before", "src/core/driver/segments.cpp",
           "one.origin = one.begin;", ""),
    Mutant("room for elements of the result's size", "src/core/driver/pack.cpp",
           "filled_room_ * item_size(plan_.x_dtype)", "filled_room_ * packed_size_"),
    Mutant("room for the mask of one line", "src/core/driver/pack.cpp",
           "space.mask.resize(filled_room_);", "space.mask.resize(filled_room_ / 2);"),
    Mutant("no room between gathered lines", "src/core/driver/run.cpp",
           "elements * packed_size_ + pack_shape_.lines * policy::packed_padding",
           "elements * packed_size_"),
    Mutant("room for one line of a block", "src/core/driver/run.cpp",
           "space.block.resize(block * packed_size_)",
           "space.block.resize(plan_.block * packed_size_)"),
    Mutant("an overlap of input and result is not seen", "src/cumsum/numpy.py",
           "if not np.may_share_memory(x, out):", "if True:"),
    Mutant("initial values are overwritten while they are read", "src/cumsum/numpy.py",
           "np.may_share_memory(initial, out)", "False"),
    Mutant("a mask is overwritten while it is read", "src/cumsum/missing/arrays.py",
           "np.may_share_memory(kept, y)", "False"),
    Mutant("decays are overwritten while they are read", "src/cumsum/decay/arrays.py",
           "if np.may_share_memory(decay, y):", "if False:"),
)  # fmt: skip


class Copy:
    """The sources in a folder of their own, and the extension built from them."""

    def __init__(self, folder):
        self.tree, self.build = folder / "tree", folder / "build"
        shutil.rmtree(self.tree, ignore_errors=True)
        for name in SOURCES:
            source, copy = ROOT / name, self.tree / name
            copy.parent.mkdir(parents=True, exist_ok=True)
            (shutil.copytree if source.is_dir() else shutil.copy2)(source, copy)

    def compile(self):
        """The extension, as `make fuzz` builds it."""
        import cumsum

        bin_folder = Path(sys.executable).parent
        cmake = bin_folder / "cmake"
        configure = [
            cmake, "-S", self.tree, "-B", self.build, "-G", "Ninja",
            f"-DCMAKE_MAKE_PROGRAM={bin_folder / 'ninja'}", f"-DPython_EXECUTABLE={sys.executable}",
            "-DCMAKE_CXX_FLAGS=-O1", "-DCUMSUM_SANITIZE=address",
            f"-DCUMSUM_TARGETS={cumsum.show_config().targets[0]}",
        ]  # fmt: skip
        for command in (configure, [cmake, "--build", self.build, "--target", "_core"]):
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        shutil.copy2(self.build / "_core.abi3.so", self.tree / "src/cumsum")

    def plant(self, mutant):
        """Replace what a mutant replaces, once; returns what takes it back."""
        path = self.tree / mutant.file
        text = path.read_text()
        if text.count(mutant.before) != 1:
            raise SystemExit(
                f"{mutant.file} has {mutant.before!r} {text.count(mutant.before)} times"
            )
        path.write_text(text.replace(mutant.before, mutant.after))
        return lambda: path.write_text(text)

    def fuzz(self, seed, seconds):
        """What the fuzzer says until its first finding."""
        command = [sys.executable, "-m", "fuzz", "--kind", "address", "--until", "."]
        command += ["--seed", str(seed), "--seconds", str(seconds)]
        paths = os.pathsep.join([str(self.tree / "src"), str(ROOT / "tests")])
        environment = os.environ | {"PYTHONPATH": paths}
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        if done.returncode not in (0, 1):
            raise SystemExit(done.stdout + done.stderr)
        return done.stdout


def main():
    """Every mutant that is asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("mutants", nargs="*", help="their numbers, from 1 on; all by default")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--seconds", type=int, default=180)
    arguments = parser.parse_args()
    copy = Copy(arguments.folder.absolute())
    copy.compile()
    say(0, "no fault", copy.fuzz(arguments.seed, 60))
    chosen = {int(n) for n in arguments.mutants} or range(1, len(MUTANTS) + 1)
    left = [n for n in chosen if not look_for(n, copy, arguments)]
    sys.exit(f"not found: {left}" if left else 0)


def look_for(number, copy, arguments):
    """Whether the fuzzer finds a mutant."""
    mutant = MUTANTS[number - 1]
    take_back = copy.plant(mutant)
    try:
        copy.compile()
        return say(number, mutant.name, copy.fuzz(arguments.seed, arguments.seconds))
    finally:
        take_back()


def say(number, name, output):
    """One line about a mutant; whether it was found."""
    found = re.search(r"\n(\S.*)\n(?:.*\n)*?    after (\d+) s: .*--call (\d+)", output)
    what = f"{found[2]:>4} s, call {found[3]}: {found[1][:90]}" if found else "nothing found"
    sys.stdout.write(f"{number:2} {name}: {what}\n")
    sys.stdout.flush()
    return found is not None


if __name__ == "__main__":
    main()
