"""What compilers make of the GPU kernels of segments, decays and holes: no GPU is needed."""

import pytest

pytest.importorskip("triton", reason="kernels of GPUs are in Triton")

from gpu_ability_launches import CALLS
from gpu_launches import TARGETS, launches, report_of

NAMED = {f"{type(call).__name__}, {call.name}": call for call in CALLS}
HUGE, NUMBER = "Segments, one huge among a million", "Decay, number"
# All of them, on all targets, take minutes.
RUNS = [
    *(("sm_90", name) for name in (HUGE, NUMBER, "Segments, of columns", "Decay, each of columns")),
    ("sm_90", "Holes, all, compensated"),
    ("sm_90", "Holes, all of columns"),
    ("sm_80", HUGE),
    ("gfx942", HUGE),
    ("gfx942", NUMBER),
]


@pytest.mark.parametrize(("target", "name"), RUNS)
def test_nothing_spills(target, name):
    found = launches(NAMED[name], TARGETS[target])
    assert found
    for launch in found:
        assert report_of(launch, TARGETS[target]).spilled == 0, launch.name
