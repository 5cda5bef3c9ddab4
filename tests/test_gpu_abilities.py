"""Segments, decays and holes by the GPU's kernels, in a child: the interpreter is its own."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("triton", reason="kernels of GPUs are in Triton")
TESTS = Path(__file__).parent


def test_in_the_interpreter():
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "gpu_standin",
         TESTS / "gpu_abilities_checks.py"],
        cwd=TESTS.parent,
        capture_output=True,
        text=True,
        timeout=1200,
        check=False,
        env=os.environ
        | {"TRITON_INTERPRET": "1", "PYTHONPATH": os.pathsep.join([str(TESTS), *sys.path])},
    )  # fmt: skip
    assert done.returncode == 0, done.stdout
