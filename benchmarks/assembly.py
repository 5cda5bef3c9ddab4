"""The functions of an object, as llvm-objdump writes them: llvm-mca then reads every line."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Collection
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

POINTERS = {"byte": 1, "word": 2, "dword": 4, "qword": 8, "tbyte": 10}
POINTERS |= {"xmmword": 16, "ymmword": 32, "zmmword": 64}
REGISTERS = {"b": 1, "h": 2, "s": 4, "w": 4, "d": 8, "x": 8, "q": 16}
X86_MEMORY = re.compile(r"(\w+) ptr (?:\w+:)?\[([^\]]*)\]")
ARM_MEMORY = re.compile(r"\[(x\d+|sp)\b")
FRAME = re.compile(r"mov\s+(rbp), rsp|(?:mov|add)\s+(x29), sp")
ARM_REGISTER = re.compile(r"\bv\d+\.(\d*)([bhsd])\b|\b([bhswdxq])(?:\d+|zr)\b")
ARM_PART = re.compile(r"(?:ld|st)u?rs?([bhw])$")  # of a register
ADDITION = re.compile(r"v?p?add([ps][sd]|[bwdq])\b|faddp?\b|addp? v")
JUMP = re.compile(r"(j\w+|b|b\.\w+|cbn?z|tbn?z)\b")
WRITTEN = re.compile(r"(?!st|cmp|test|[ct]bn?z)(\w+) (?:r(\d+)[dwb]?|[er](\w\w)|[wx](\d+)), (.*)")
STEPS = {"add", "sub"}  # on x86 they leave a pointer where it points
PADDING = ("nop", "data16", "cs nop")
HEADER = re.compile(r"^[0-9a-f]+ <(.+)>:$", re.MULTILINE)


def output_of(*command: str, text: str | None = None) -> str:
    """What a program prints; where it fails, so does this one, with its message."""
    done = subprocess.run(command, input=text, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{command[0]} fails: {done.stderr.strip()}")
    return done.stdout


@dataclass(frozen=True)
class Instruction:
    """One line, where it jumps, and the bytes of arrays that it stores and loads."""

    address: int
    text: str
    target: int | None
    stored: int
    loaded: int

    @property
    def mnemonic(self) -> str:
        """The operation's name."""
        return self.text.split()[0]

    @property
    def jumps(self) -> bool:
        """Whether it goes elsewhere in the function, always or at times."""
        return JUMP.match(self.text) is not None

    @property
    def ends(self) -> bool:
        """Whether the next line never comes next."""
        return self.mnemonic in {"jmp", "b", "br", "ret"}

    @property
    def calls(self) -> bool:
        """Whether it calls a function."""
        return self.mnemonic in {"call", "bl", "blr"}

    @property
    def streams(self) -> bool:
        """Whether it stores past the cache."""
        return self.mnemonic.startswith(("vmovnt", "movnt", "stnp"))

    @property
    def adds(self) -> bool:
        """Whether it is an addition of floats or of vectors."""
        return ADDITION.match(self.text) is not None


def x86_traffic(text: str, own: Collection[str]) -> tuple[int, int]:
    """The bytes an instruction stores and loads, but at registers of the function's `own`."""
    mnemonic, _, operands = text.partition(" ")
    memory = X86_MEMORY.search(operands)
    if not memory or mnemonic.startswith(("prefetch", "nop")):
        return 0, 0
    if any(register in memory[2] for register in own):
        return 0, 0
    size = POINTERS[memory[1]]
    if "{k" in operands.partition(",")[0]:  # how much of it is moved is not known
        size = 0
    stores = memory.start() == 0 and mnemonic not in {"cmp", "test"}
    return (size, 0) if stores else (0, size)


def arm_traffic(text: str, own: Collection[str]) -> tuple[int, int]:
    """The same of ARM's instructions."""
    mnemonic, _, operands = text.partition(" ")
    memory = ARM_MEMORY.search(operands)
    if not memory or memory[1] in own or not mnemonic.startswith(("ld", "st")):
        return 0, 0
    part = ARM_PART.match(mnemonic)
    found = ARM_REGISTER.findall(operands[: memory.start()])
    sizes = [int(lanes or 1) * REGISTERS[lane or register] for lanes, lane, register in found]
    size = REGISTERS[part[1]] if part else sum(sizes)
    return (size, 0) if mnemonic.startswith("st") else (0, size)


def note_pointer(text: str, own: set[str]) -> None:
    """Enter a register that is pointed to the stack in `own`, and drop one that is overwritten."""
    written = WRITTEN.match(text)
    if not written:
        return
    mnemonic, *names, source = written.groups()
    registers = {form + name for form, name in zip(("r", "r", "x"), names, strict=True) if name}
    if registers <= {"rsp", "rbp", "x29"} or (mnemonic in STEPS and "," not in source):
        return
    points = mnemonic in {"lea", "mov", "add"} and " ptr " not in source
    if points and own.intersection(re.findall(r"\w+", source)) - {"rip"}:
        own |= registers
    else:
        own -= registers


@dataclass(frozen=True)
class Object:
    """An object file's text, function by function."""

    is_arm: bool
    functions: dict[str, str]

    @classmethod
    def read(cls, path: Path) -> Object:
        """Disassemble `path`."""
        command = ["llvm-objdump-19", "-d", "-C", "-j", ".text", "--no-show-raw-insn"]
        command += ["-M", "intel", str(path)]  # which names the size of what is in memory
        head, *parts = HEADER.split(output_of(*command))
        return cls("aarch64" in head, dict(zip(parts[::2], parts[1::2], strict=True)))

    @cached_property
    def at(self) -> dict[int, str]:
        """The functions' names by where they begin."""
        return {int(body.split(":", 1)[0], 16): name for name, body in self.functions.items()}

    def instructions(self, name: str) -> list[Instruction]:
        """What a function does."""
        body = self.functions[name]
        frame = FRAME.search(body)
        own = {"rip", "rsp", "sp"} | set(filter(None, frame.groups() if frame else ()))
        traffic_of = arm_traffic if self.is_arm else x86_traffic
        lines = []
        for line in body.splitlines():
            address, _, text = line.partition(":")
            text = " ".join(re.split(r"\s(?:#|//) ", text)[0].split())
            if not text or text.startswith(PADDING):
                continue
            target = re.search(r"\b0x([0-9a-f]+) <", text)
            goes_to = int(target[1], 16) if target else None
            lines.append(Instruction(int(address, 16), text, goes_to, *traffic_of(text, own)))
            note_pointer(text, own)
        return lines
