"""The one-pass scan of GPUs, by processes that wait for each other as programs do."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("triton", reason="kernels of GPUs are in Triton")
TESTS = Path(__file__).parent


@pytest.mark.parametrize(
    ("shape", "dim", "sizes"),
    [
        ((1500,), 0, (1, 2)),  # several blocks of tiles, and tiles of those
        ((3, 500), 1, (2, 2)),
        ((500, 9), 0, (2, 2)),  # columns
        ((2, 300, 3), 1, (2, 1)),
    ],
    ids=str,
)
@pytest.mark.parametrize("reverse", [False, True])
def test_bits_of_concurrent_programs(shape, dim, sizes, reverse):
    case = {"shape": shape, "dim": dim, "reverse": reverse, "sizes": sizes}
    done = subprocess.run(
        [sys.executable, TESTS / "gpu_chain_worker.py", json.dumps(case)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env=os.environ
        | {"TRITON_INTERPRET": "1", "PYTHONPATH": os.pathsep.join([str(TESTS), *sys.path])},
    )
    assert (done.stdout, done.returncode) == ("true\n", 0), done.stderr
