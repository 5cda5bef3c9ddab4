"""The one-pass scan of GPUs, by processes that wait for each other as programs do."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("triton", reason="kernels of GPUs are in Triton")
TESTS = Path(__file__).parent

SHAPES = [
    ((1500,), 0, (1, 2)),  # several blocks of tiles, and tiles of those
    ((3, 500), 1, (2, 2)),
    ((500, 9), 0, (2, 2)),  # columns
    ((2, 300, 3), 1, (2, 1)),
]
CASES = {
    f"{shape} dim {dim} {'back' if reverse else 'forward'}": {
        "shape": shape, "dim": dim, "reverse": reverse, "sizes": sizes,
    }
    for shape, dim, sizes in SHAPES
    for reverse in (False, True)
}  # fmt: skip


@pytest.fixture(scope="module")
def outcomes():
    """Whether each case has the bits of the reference, by one process."""
    done = subprocess.run(
        [sys.executable, TESTS / "gpu_chain_worker.py"],
        input="".join(json.dumps(case) + "\n" for case in CASES.values()),
        capture_output=True,
        text=True,
        timeout=480,
        check=False,
        env=os.environ
        | {"TRITON_INTERPRET": "1", "PYTHONPATH": os.pathsep.join([str(TESTS), *sys.path])},
    )
    return dict(zip(CASES, done.stdout.splitlines(), strict=False)), done.stderr


@pytest.mark.parametrize("case", CASES)
def test_bits_of_concurrent_programs(outcomes, case):
    found, errors = outcomes
    assert found.get(case) == "true", errors
