"""Launches that spare Triton's look at their arguments: the same kernels and arguments."""

import itertools
import random
from types import SimpleNamespace

import pytest
import torch

pytest.importorskip("triton", reason="kernels of GPUs are in Triton")

from cumsum.kernels.gpu import launch as ours
from cumsum.kernels.gpu.code import order, scans
from gpu_launches import KERNELS, TARGETS, device

NUMBERS = [0, 1, 2, 16, 17, 2**31 - 1, 2**31 - 16, 2**31, 2**31 + 1, 2**62, 2**63]
MEMORY = torch.zeros(64, dtype=torch.uint8)
TENSORS = [
    MEMORY[begin : begin + 16].view(dtype)
    for begin in (0, 4, 8, 16)
    for dtype in (torch.float32, torch.int32, torch.bfloat16, torch.bool)
]
CONSTANTS = {"num_warps": 4, "enable_fp_fusion": False}


@pytest.mark.parametrize("kernel", KERNELS, ids=lambda k: f"{k.__module__[-7:]}.{k.__name__}")
def test_a_key_knows_the_kernel(kernel):
    """What Triton would compile follows from the key."""
    rng = random.Random(0)
    names = [p.name for p in kernel.params if not p.is_constexpr]
    constants = {p.name: 1 for p in kernel.params if p.is_constexpr} | CONSTANTS
    found = {}
    with device(TARGETS["sm_90"]):
        binder = kernel.device_caches[0][-1]
        for _ in range(300):
            given = [rng.choice(rng.choice([TENSORS, NUMBERS])) for _ in names]
            changed = constants | {"num_warps": rng.choice([1, 4])}
            _, specialized, options = binder(*given, **changed)
            key = ours.key_of(kernel, 0, tuple(given), changed)
            assert found.setdefault(key, (specialized, options)) == (specialized, options)
            for i, value in itertools.product(range(len(given)), (1, 2, TENSORS[0], TENSORS[-1])):
                other = (*given[:i], value, *given[i + 1 :])
                seen = binder(*other, **changed)[1]
                if seen != specialized:
                    assert ours.key_of(kernel, 0, other, changed) != key


class Compiled:
    """What Triton has compiled, called by itself."""

    def __init__(self):
        self.calls = []

    def __getitem__(self, grid):
        return lambda *args: self.calls.append((grid, args))


class Kernel:
    """A kernel that keeps account of Triton's own launches."""

    arg_names = ("x", "n", "P", "ALGEBRA")

    def __init__(self):
        self.calls, self.pre_run_hooks, self.compiled = [], [], Compiled()

    def __getitem__(self, grid):
        def run(*args, **constants):
            self.calls.append((grid, args, constants))
            return self.compiled

        return run


@pytest.fixture
def kernel(monkeypatch):
    monkeypatch.setattr(ours, "JITFunction", Kernel)
    monkeypatch.setattr(ours, "CompiledKernel", Compiled)
    monkeypatch.setattr(ours, "_kernels", {})
    return Kernel()


def memory(*, index=0, address=32, is_cuda=True):
    """A tensor of a GPU, as far as launches look at it."""
    place = torch.device("cuda", index)
    return SimpleNamespace(
        is_cuda=is_cuda, device=place, dtype=torch.float32, data_ptr=lambda: address
    )


def test_the_second_launch_is_direct(kernel):
    constants = {"ALGEBRA": order.PLAIN, "P": 128} | CONSTANTS
    x, more = memory(), memory(address=48)
    ours.launch(kernel, 5, (x, 3), constants)
    assert kernel.calls == [((5,), (x, 3), constants)]
    ours.launch(kernel, 6, (more, 5), constants)
    assert len(kernel.calls) == 1
    assert kernel.compiled.calls == [((6, 1, 1), (more, 5, 128, order.PLAIN))]


@pytest.mark.parametrize(
    "change",
    [{"index": 1}, {"address": 36}, {"n": 1}, {"lines": 64}, {"hook": 1}, {"is_cuda": False}],
)
def test_what_differs_is_triton_s(kernel, change):
    def launch(*, n=3, lines=128, hook=None, **changed):
        kernel.pre_run_hooks = [hook] if hook else []
        ours.launch(kernel, 5, (memory(**changed), n), {"ALGEBRA": 0, "P": lines} | CONSTANTS)

    launch()
    launch(**change)
    assert len(kernel.calls) == 2
    assert not kernel.compiled.calls


def test_what_is_not_compiled_is_not_kept(kernel):
    kernel.compiled = None  # by a hook's will
    for _ in range(2):
        ours.launch(kernel, 5, (memory(), 3), {"P": 1, "ALGEBRA": 0})
    assert len(kernel.calls) == 2


def test_constants_follow_the_arguments():
    constants = {"P": 128, "BLOCKS": 16, "ALGEBRA": order.PLAIN} | CONSTANTS
    given = (0,) * 7
    assert ours.rest_of(scans.tiles, given, constants) == (order.PLAIN, 128, 16)
