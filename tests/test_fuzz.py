"""The fuzzer finds what it is there to find."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import cumsum
from fuzz import builds, calls, draw, expected

TESTS = Path(__file__).parent
RIGHT = {
    "plain": {},
    "exclusive": {"exclusive": True, "reverse": True},
    "border": {"include_initial": True, "initial": 3},
    "segments": {"lengths": np.array([2, 0, 5])},
    "resets": {"reset": np.array([[0, 1, 0, 0, 1, 0, 0]] * 3, bool)},
    "mask": {"where": np.array([1, 0, 1, 1, 0, 1, 1], bool)},
    "decay": {"decay": 0.5},
    "saturate": {"overflow": "saturate"},
}


@pytest.mark.parametrize("name", RIGHT)
@pytest.mark.parametrize("dtype", ["int64", "float32", "complex128"])
def test_a_sum_that_is_off_is_noticed(name, dtype):
    if (name == "saturate") != (dtype == "int64") and name in ("saturate", "decay"):
        dtype = {"saturate": "int64", "decay": "float64"}[name]
    options = RIGHT[name]
    x = np.arange(1, 22).reshape(3, 7).astype(dtype)
    call = calls.Call(0, 0, np.random.default_rng(0), "numpy", "new", x, 1, 1, options=options)
    y = cumsum.cumsum(x, 1, **options)
    assert expected.problem(call, x, y) is None
    y[-1, 4] += 1
    assert expected.problem(call, x, y) is not None


def test_a_call_is_the_same_whenever_it_is_drawn():
    drawn = [[str(calls.make(7, number, ("a", "b"))) for number in range(30)] for _ in range(2)]
    assert drawn[0] == drawn[1]
    assert len(set(drawn[0])) == 30


@pytest.mark.parametrize("layout", [name for name in draw.LAYOUTS if name != "zero"])
def test_layouts_hold_their_elements_and_tell_of_writes_beside_them(layout):
    rng = np.random.default_rng(1)
    array = rng.standard_normal((3, 4, 5))
    view, memory = draw.lay(rng, array, layout, guard=16)
    assert np.array_equal(view, array)
    before = memory.copy()
    view[...] = 0
    assert draw.bytes_outside_kept(view, memory, before)
    memory[-1] ^= 1
    assert not draw.bytes_outside_kept(view, memory, before)


@pytest.mark.parametrize(
    ("report", "said"),
    [
        (
            "#0 f /src/core/driver/pack.cpp:70\nSUMMARY: AddressSanitizer: heap-buffer-overflow x",
            "AddressSanitizer: heap-buffer-overflow in pack.cpp",
        ),
        (
            "/a/src/core/plan/plan.cpp:9:1: runtime error: load of misaligned address",
            "runtime error: load of misaligned address in plan.cpp",
        ),
        ("nothing", None),
    ],
)
def test_reports_of_sanitizers_are_told_in_a_line(report, said):
    assert builds.summary(report) == said


def test_what_ends_a_worker_is_told_and_the_next_call_is_made():
    program = (
        "import os\n"
        "from fuzz import program, run\n"
        "from fuzz.__main__ import parse\n"
        "run.run = lambda call, races: os.abort() if call.number == 3 else None\n"
        "words = '--seed 5 --seconds 20 --jobs 1 --until ends.with.-6'\n"
        "program.main(parse(words.split()))\n"
    )
    source = Path(cumsum.__file__).parent.parent
    environment = os.environ | {
        "CUMSUM_FUZZ_KIND": "plain",
        "PYTHONPATH": f"{source}{os.pathsep}{TESTS}",
    }
    done = subprocess.run(
        [sys.executable, "-c", program],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1, done.stderr
    assert "--seed 5 --call 3" in done.stdout
