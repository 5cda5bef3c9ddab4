"""What the GPU kernels become, without a GPU: real calls, caught where they would be compiled.

The host code runs on tensors without memory; what Triton's own binder makes of each launch, types,
constants and what it knows of divisibility, is compiled for the GPU given, and looked at.
"""

import json
import re
import subprocess
import tempfile
from collections import Counter
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache, cached_property
from math import prod
from pathlib import Path

import torch
import triton
from triton import knobs
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource
from triton.runtime import driver

from cumsum.kernels.gpu import policy
from cumsum.kernels.gpu import scan as gpu
from cumsum.kernels.gpu.code import chain, columns, scans, segments
from cumsum.kernels.gpu.layout import layout_of

CORES = 132  # of an H100
TARGETS = {
    "sm_80": GPUTarget("cuda", 80, 32),
    "sm_90": GPUTarget("cuda", 90, 32),
    "sm_100": GPUTarget("cuda", 100, 32),
    "gfx942": GPUTarget("hip", "gfx942", 64),
    "gfx1100": GPUTarget("hip", "gfx1100", 32),
}
KERNELS = (
    scans.sums, scans.tiles, scans.scan, columns.sums, columns.scan, chain.chain,
    segments.measure, segments.tiles, segments.short, segments.sums, segments.scan,
)  # fmt: skip
CUOBJDUMP = Path(triton.__file__).parent / "backends/nvidia/bin/cuobjdump"
INSTRUCTION = re.compile(r"^\s*/\*[0-9a-f]{4,5}\*/\s+(?:@!?U?P\w+\s+)?([A-Z0-9_.]+)", re.MULTILINE)


@dataclass(frozen=True)
class Call:
    """A scan of a tensor of `shape` along `dim`, whose memory begins `offset` elements in."""

    name: str
    shape: tuple[int, ...]
    dim: int = -1
    dtype: str = "float32"
    result: str | None = None
    reverse: bool = False
    exclusive: bool = False
    initial: bool = False
    compensated: bool = False
    offset: int = 0
    brief: bool = False  # whether it is among those that every run of the tests compiles

    def __call__(self, target):
        """Make it, as for this GPU."""
        dtype = getattr(torch, self.dtype)
        x = torch.empty(prod(self.shape) + self.offset, dtype=dtype, device="meta")
        x = x[self.offset :].view(self.shape)
        y = torch.empty_like(x, dtype=getattr(torch, self.result or self.dtype))
        layout = layout_of(x.shape, self.dim % x.ndim, [x.stride(), y.stride()])
        initial = y.new_empty(layout.lines) if self.initial else None
        kind = gpu.kind_of(y.dtype, compensated=self.compensated)
        one_pass = target.backend == "cuda" and x.numel() >= policy.ONE_PASS_ELEMENTS
        gpu.scan(
            gpu.Values(x, x),
            gpu.Values(y, y),
            initial,
            layout,
            kind,
            exclusive=self.exclusive,
            reverse=self.reverse,
            choices=policy.Choices(cores=CORES, one_pass=one_pass),
        )


CALLS = (
    Call("float32, 1-D", (1 << 26,), brief=True),
    Call("float32, 1-D, reverse, exclusive", (1 << 26,), reverse=True, exclusive=True),
    Call("float32, 1-D, initial", (1 << 26,), initial=True),
    Call("float32, 1-D, a million", (1 << 20,), brief=True),
    Call("float32, 1-D, a million, reverse", (1 << 20,), reverse=True, brief=True),
    Call("float32, 1-D, a million and three", (1_000_003,), brief=True),
    Call("float32, 1-D, badly aligned", (1 << 20,), offset=1),
    Call("bfloat16, 1-D", (1 << 28,), dtype="bfloat16"),
    Call("float16, 1-D, a million", (1 << 20,), dtype="float16", brief=True),
    Call("float64, 1-D", (1 << 26,), dtype="float64"),
    Call("float64, 1-D, a million", (1 << 20,), dtype="float64", brief=True),
    Call("float64, 1-D, compensated", (1 << 26,), dtype="float64", compensated=True),
    Call(
        "float64, a million, compensated", (1 << 20,), dtype="float64", compensated=True, brief=True
    ),
    Call("int8 to int64, 1-D", (1 << 26,), dtype="int8", result="int64"),
    Call("bool to int64, 1-D, a million", (1 << 20,), dtype="bool", result="int64", brief=True),
    Call("int64, 1-D, a million", (1 << 20,), dtype="int64"),
    Call("float32, more than 2^31", (1 << 33,)),
    Call("float32, 65536 rows of 1024", (65536, 1024), brief=True),
    Call("float32, 65536 rows of 1024, reverse", (65536, 1024), reverse=True),
    Call("float32, 65536 rows of 1023", (65536, 1023)),
    Call("bfloat16, 65536 rows of 1024", (65536, 1024), dtype="bfloat16"),
    Call("float32, 2^20 rows of 16", (1 << 20, 16)),
    Call("float32, 2^20 rows of 15", (1 << 20, 15), brief=True),
    Call("float32, 4096 columns", (4096, 4096), 0, brief=True),
    Call("float32, 4096 columns, reverse, exclusive", (4096, 4096), 0, "float32", None, True, True),
    Call("float32, 65536 columns of 1024", (1024, 65536), 0),
    Call("float32, 2^20 columns of 16", (16, 1 << 20), 0),
    Call("bfloat16, 4096 columns", (4096, 4096), 0, dtype="bfloat16", brief=True),
    Call("float64, 4096 columns, compensated", (4096, 4096), 0, "float64", compensated=True),
    Call("int8 to int64, 4096 columns", (4096, 4096), 0, "int8", "int64"),
    Call("float32, 2 columns", (1 << 20, 2), 0, brief=True),
    Call("float32, 7 columns", (1 << 20, 7), 0, brief=True),
    Call("float32, 32 columns", (1 << 20, 32), 0),
)


@dataclass(frozen=True)
class Launch:
    """A kernel as Triton would compile it for a launch."""

    function: triton.JITFunction
    data: str  # types, constants, divisibility, options: what Triton tells its hook
    constants: dict
    attributes: dict

    @property
    def specialized(self):
        return json.loads(self.data)

    @property
    def name(self):
        """Module and function."""
        return f"{self.function.fn.__module__.rsplit('.', 1)[1]}.{self.function.fn.__name__}"

    @property
    def warps(self):
        return self.specialized["options"]["num_warps"]

    def is_aligned(self, name):
        """Whether an argument is known to be divisible by 16, or one."""
        index = self.function.arg_names.index(name)
        return (index,) in self.constants or bool(self.attributes.get((index,)))

    def constant(self, name):
        """The value of a constant by its name."""
        value = self.constants[self.function.arg_names.index(name),]
        return getattr(value, "value", value)

    def compiled(self, target):
        """What the compiler makes of it."""
        given = self.specialized
        source = ASTSource(self.function, given["signature"], self.constants, self.attributes)
        options = {key: given["options"][key] for key in ("num_warps", "enable_fp_fusion")}
        return triton.compile(source, target=target, options=options)


class _Device:
    """The driver of a GPU that is not there."""

    def __init__(self, target):
        self.target = target

    def get_current_target(self):
        return self.target

    def get_current_device(self):
        return 0

    def get_current_stream(self, device):
        return device


@contextmanager
def device(target):
    """Calls are for this GPU; yields the launches that they would make, which nothing does."""
    found = {}

    def catch(key, fn, compile, **_):
        launch = Launch(
            fn.jit_function, compile["specialization_data"], compile["constants"],
            compile["configs"][0],
        )  # fmt: skip
        found.setdefault((launch.name, key), launch)
        return True

    before = driver._active, knobs.runtime.jit_cache_hook
    for kernel in KERNELS:
        kernel.device_caches.clear()
    driver.set_active(_Device(target))
    knobs.runtime.jit_cache_hook = catch
    try:
        yield found
    finally:
        driver._active, knobs.runtime.jit_cache_hook = before
        for kernel in KERNELS:
            kernel.device_caches.clear()


@cache
def launches(call, target):
    """The launches of a call, each variant once."""
    with device(target) as found:
        call(target)
    return tuple(found.values())


@dataclass(frozen=True)
class Report:
    """What a compiled kernel takes: registers and bytes, and how often it has each instruction."""

    registers: int
    spilled: int  # bytes of memory of its own that each thread takes, or registers spilled
    shared: int
    code: Callable[[], Counter]

    @cached_property
    def instructions(self):
        """How often each is there, which takes a while to find out."""
        return self.code()

    def count(self, *beginnings):
        """The instructions that begin so."""
        return sum(n for name, n in self.instructions.items() if name.startswith(beginnings))


_REPORTS = {}


def report_of(launch, target):
    """What the compiler makes of a launch; what has been compiled before is remembered."""
    key = target, launch.data
    if key not in _REPORTS:
        _REPORTS[key] = report(launch.compiled(target))
    return _REPORTS[key]


def report(kernel):
    """Look at a compiled kernel."""
    if "cubin" in kernel.asm:
        return _of_nvidia(kernel)
    return _of_amd(kernel)


def _of_nvidia(kernel):
    def dumped(what):
        with tempfile.NamedTemporaryFile(suffix=".cubin") as file:
            file.write(kernel.asm["cubin"])
            file.flush()
            command = [CUOBJDUMP, what, file.name]
            return subprocess.run(command, capture_output=True, text=True, check=True).stdout

    usage = dumped("--dump-resource-usage")
    counts = re.search(r"REG:(\d+) STACK:(\d+) SHARED:(\d+) LOCAL:(\d+)", usage)
    registers, stack, shared, local = map(int, counts.groups())
    return Report(
        registers, stack + local, shared, lambda: Counter(INSTRUCTION.findall(dumped("-sass")))
    )


def _of_amd(kernel):
    text = kernel.asm["amdgcn"]
    of = dict(re.findall(r"\.(\w+_count|\w+_size):\s*(\d+)", text))
    spilled = int(of["vgpr_spill_count"]) + int(of["private_segment_fixed_size"])
    return Report(
        int(of["vgpr_count"]), spilled, kernel.metadata.shared,
        lambda: Counter(re.findall(r"^\s+([a-z]\w+)", text, re.MULTILINE)),
    )  # fmt: skip


# The most registers a thread may take, on NVIDIA: 64 let 32 programs of one warp run on a core at
# once, 80 let 25, 112 let 18, 120 let 17, 128 let 16.
REGISTERS = {
    ("scans.sums", False): 64,
    ("scans.sums", True): 64,
    ("scans.tiles", False): 32,
    ("scans.tiles", True): 32,
    ("scans.scan", False): 80,
    ("scans.scan", True): 128,
    ("columns.sums", False): 80,
    ("columns.sums", True): 128,
    ("columns.scan", False): 80,
    ("columns.scan", True): 128,
    ("chain.chain", False): 120,
    ("chain.chain", True): 152,
}
SHARED_COLUMNS = 176  # few columns side by side, which a warp or more shares
OF_AMD = 192  # of 512


def budget(launch, target):
    """The most registers that a launch may take."""
    names = launch.function.arg_names
    if target.backend == "hip":
        return OF_AMD
    if "COLUMNS" in names and launch.constant("COLUMNS") and not launch.name.startswith("columns"):
        return SHARED_COLUMNS
    return REGISTERS[launch.name, launch.constant("ALGEBRA") != 0]


def faults(launch, target):
    """What is wrong with a launch as it is compiled."""
    found, most = report_of(launch, target), budget(launch, target)
    wrong = []
    if found.spilled:
        wrong.append(f"{launch.name} spills {found.spilled}")
    if found.registers > most:
        wrong.append(f"{launch.name} takes {found.registers} registers, {most} at most")
    return wrong
