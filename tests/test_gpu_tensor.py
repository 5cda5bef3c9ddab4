"""Tensors of a GPU: by its kernels in Triton's interpreter, and what needs no memory of one."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("triton", reason="kernels of GPUs are in Triton")
TESTS = Path(__file__).parent


def test_checks():
    """A run of pytest by a child whose tensors take a GPU's way."""
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "gpu_standin"]
    paths = os.pathsep.join([str(TESTS), *sys.path])
    done = subprocess.run(
        [*command, "gpu_tensor_checks.py", "gpu_torch_checks.py"],
        capture_output=True,
        text=True,
        check=False,
        cwd=TESTS,
        env=os.environ | {"TRITON_INTERPRET": "1", "PYTHONPATH": paths},
    )
    assert done.returncode == 0, done.stdout + done.stderr
