"""What compilers make of the GPU kernels, for each call that is launched: no GPU is needed.

`make gpu-table` compiles more, and writes the table of docs/gpu.md.
"""

import pytest

pytest.importorskip("triton", reason="kernels of GPUs are in Triton")

import gpu_launches
from gpu_launches import CALLS, TARGETS, launches, report_of

BRIEF = {call.name: call for call in CALLS if call.brief}
EVERYWHERE = ("float32, 1-D, a million", "float64, a million, compensated", "float32, 4096 columns")
RUNS = [
    (target, name) for target in TARGETS for name in (BRIEF if target == "sm_90" else EVERYWHERE)
]


@pytest.mark.parametrize(("target", "name"), RUNS)
def test_what_is_launched_fits(target, name):
    found = launches(BRIEF[name], TARGETS[target])
    assert found
    for launch in found:
        assert not gpu_launches.faults(launch, TARGETS[target])


def test_nothing_is_left_as_if_there_were_a_gpu():
    before = gpu_launches.driver._active
    launches(gpu_launches.Call("once", (77,)), TARGETS["sm_90"])
    assert gpu_launches.driver._active is before
    assert gpu_launches.knobs.runtime.jit_cache_hook is None
    assert not any(kernel.device_caches for kernel in gpu_launches.KERNELS)


@pytest.mark.parametrize("name", ["float32, 1-D, a million", "float16, 1-D, a million"])
def test_rows_take_no_barrier_and_whole_words(name):
    target = TARGETS["sm_90"]
    (scan,) = (
        launch
        for launch in launches(BRIEF[name], target)
        if launch.name == "scans.scan" and not launch.constant("KEPT")
    )
    report = report_of(scan, target)
    assert (scan.warps, report.shared, report.count("BAR", "LDS", "STS")) == (1, 0, 0)
    assert report.count("LDG.E.128") == 2 * report.count("STG.E.128")  # one loop loads ahead
    assert report.count("STG") == report.count("STG.E.128")


def test_another_length_is_no_other_kernel():
    """Only what makes loads whole is compiled in, not the numbers of lines and programs."""
    target, keys = TARGETS["sm_90"], set()
    for lines, length in ((1000, 2000), (1001, 4000), (4096, 1600), (3, 1 << 16), (17, 1 << 20)):
        call = gpu_launches.Call("", (lines, length))
        keys |= {(launch.name, launch.data) for launch in launches(call, target)}
    names = [name for name, _ in keys]
    assert names.count("scans.sums") <= 3
    assert names.count("scans.tiles") == 1
