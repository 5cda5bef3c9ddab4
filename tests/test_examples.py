"""Each example runs as its reader would run it, and prints what it should."""

import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parent.parent / "examples"
EXPECTED = {
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
MOST_LINES = {"patched_model.py": 120}  # a model is in it


def test_every_example_is_listed():
    assert sorted(EXPECTED) == sorted(path.name for path in EXAMPLES.glob("*.py"))


@pytest.mark.parametrize("name", EXPECTED)
def test_example(name):
    argv = [sys.executable, "-W", "error", str(EXAMPLES / name)]
    process = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert (process.stderr, process.returncode) == ("", 0)
    for text in EXPECTED[name]:
        assert text in process.stdout
    assert len((EXAMPLES / name).read_text().splitlines()) < MOST_LINES.get(name, 40)
