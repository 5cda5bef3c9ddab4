"""Each example runs as its reader would run it, and prints what it should."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parent.parent / "examples"
EXPECTED = {
    "cubed_scan.py": ["20 chunks, the last sum is 2999997", "the same as in memory: True"],
    "dask_on_ray.py": ["the same bits as in memory: True"],
    "dask_scan.py": ["160 MB in 40 chunks", "the same bits as in memory: True", "elsewhere: True"],
    "discounted_returns.py": ["update 20: out after 3.9 steps"],
    "numpy_axis.py": ["[[ 3  1  4]\n [ 4  6 13]]", "ten million tenths: 1000000.0", "[4 7]"],
    "torch_training.py": ["agree with the loop: True", "[[0, 0, 0, 1, 2], [0, 1, 2, 3, 3]]"],
    "patched_model.py": ["ms in cumsum", "same words, same scores: True"],
    "box_blur.py": ["radius  0: mean 80.4, deviation 74.4", "radius 20: mean 80.0, deviation 57.1"],
    "tokens.py": ["the same words by offsets: True"],
    "sequence_parallel.py": [
        "placed as S(0) with the bits of one scan: True",
        "gradients at the ends: [24576.0, 1.0]",
        "the first token of process 2 is number 12",
    ],
    "rainfall.py": ["2012:  1226.0 mm, half of it by 2012-06-18", "2015:  1139.2 mm"],
}
NEEDED = {"dask_on_ray.py": "ray"}  # which is large
MOST_LINES = {"patched_model.py": 120}  # a model is in it


def test_every_example_is_listed():
    assert sorted(EXPECTED) == sorted(path.name for path in EXAMPLES.glob("*.py"))


@pytest.mark.parametrize("name", EXPECTED)
def test_example(name):
    warnings = ["-W", "error"]
    if name in NEEDED:
        pytest.importorskip(NEEDED[name], reason="not among what the tests install")
        warnings = []  # its own are many
    argv = [sys.executable, *warnings, str(EXAMPLES / name)]
    environment = os.environ | {"RAY_AUTH_MODE": "disabled"}
    process = subprocess.run(argv, capture_output=True, text=True, check=False, env=environment)
    assert process.returncode == 0, process.stderr
    assert process.stderr == "" or not warnings
    for text in EXPECTED[name]:
        assert text in process.stdout
    assert len((EXAMPLES / name).read_text().splitlines()) < MOST_LINES.get(name, 40)
