"""What a type checker says of a call is what becomes of it."""

import importlib.util
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

import cumsum

HEAD = """
import numpy as np
import torch
import cumsum
x, t = np.ones((2, 3)), torch.ones(2, 3)
"""
GOOD = """
cumsum.cumsum(t, 0, lengths=[1, 1])
cumsum.cumsum(t, 0, offsets=np.array([0, 2]), initial=[1.0, 2.0, 3.0])
cumsum.cumsum(t, 1, reset=[True, False, True])
cumsum.cumsum(t, 0, initial=2.5, where=[[True, False, True]], missing="nan")
cumsum.cumsum(t, [0, 1])
cumsum.cumsum(t, np.int64(0), dtype=float)
cumsum.cumsum(t, axis=(0,), decay=None, exclusive=True)
cumsum.cumsum(t, 0, decay=[[0.5], [1.0]])
cumsum.cumsum(x, [0, 1])
cumsum.cumsum(x, None, dtype="float32")
cumsum.cumsum(x, np.int64(0), lengths=(1, 1), initial=t[0].double())
cumsum.cumsum(x, axis=None, reverse=True)
cumsum.cumsum_(t, [0, 1]).relu()
cumsum.cumsum_(x, 0, where=[True, False, True]).sum()
cumsum.RunningSum(0, torch.float64, exclusive=True, initial=[1.0, 2.0, 3.0]).update(t).relu()
cumsum.RunningSum(dim=0, include_initial=True, precision="compensated").update(x).sum()
"""
BAD = """
cumsum.cumsum(t, 0, exlusive=True)
cumsum.cumsum(t, "0")
cumsum.cumsum(t, 0, missing="hold")
cumsum.cumsum(t, 0, overflow="clip")
cumsum.cumsum(t, None)
cumsum.cumsum(x, 0, keepdims=True)
cumsum.cumsum_(x, 0, include_initial=True)
cumsum.cumsum_(t, 0, out=t)
cumsum.RunningSum(0, exlusive=True)
cumsum.RunningSum(0, decay=0.5)
cumsum.RunningSum(0, reverse=True)
cumsum.RunningSum("0")
"""
NAMES = {"np": np, "torch": torch, "cumsum": cumsum}


def lines(text):
    return text.strip().splitlines()


def fresh():
    return NAMES | {"x": np.ones((2, 3)), "t": torch.ones(2, 3)}


@pytest.mark.parametrize("line", lines(GOOD))
def test_what_passes_runs(line):
    assert isinstance(eval(line, fresh()), (np.ndarray, np.number, torch.Tensor))


@pytest.mark.parametrize("line", lines(BAD))
def test_what_fails_raises(line):
    with pytest.raises((TypeError, ValueError, NotImplementedError)):
        eval(line, fresh())


def found():
    """Where a checker looks for the package besides the interpreter's own packages."""
    place = Path(cumsum.__file__).parents[1]
    return {} if place.name == "site-packages" else {"MYPYPATH": str(place)}


@pytest.mark.skipif(
    importlib.util.find_spec("mypy") is None, reason="mypy is one of the tools of `make lint`"
)
def test_the_checker_agrees(tmp_path):
    script = tmp_path / "calls.py"
    script.write_text(HEAD + GOOD.strip() + "\n" + BAD.strip() + "\n")
    checked = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--follow-imports=silent", "--no-error-summary",
         "--hide-error-context", "--no-color-output", f"--cache-dir={tmp_path}", str(script)],
        capture_output=True, text=True, check=False,
        cwd=tmp_path, env=found(),
    )  # fmt: skip
    first = len(HEAD.splitlines()) + len(lines(GOOD)) + 1
    wrong = {int(said.split(":")[1]) for said in checked.stdout.splitlines() if ": error:" in said}
    assert wrong == set(range(first, first + len(lines(BAD)))), checked.stdout + checked.stderr
