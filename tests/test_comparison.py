"""The table of docs/comparison.md: what it says that we have is tested where it says so."""

import re
from pathlib import Path

import pytest

HERE = Path(__file__).parent
PAGE = HERE.parent / "docs" / "comparison.md"


def rows():
    lines = [line for line in PAGE.read_text().splitlines() if line.startswith("| ")]
    table = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return table[0], table[1:]


HEAD, ROWS = rows()


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_what_we_have_is_tested(row):
    assert len(row) == len(HEAD)
    assert set(row[1:-1]) <= {"yes", "part", "–"}
    if row[1] == "–":
        assert not row[-1]
    else:
        assert re.search(r"^def test_", (HERE / row[-1]).read_text(), re.MULTILINE)
