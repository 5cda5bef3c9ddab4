"""A plugin of pytest: a row of JSON before and after every test, as gpu_rows.py has it.

Tests with a row are passed over. CARD_SHARE=K/N takes every N-th test from the K-th, CARD_PREFIX is
put before their names.
"""

from __future__ import annotations

import os

import pytest
import torch

from gpu_rows import ANEW, Row, Rows

ROWS = Rows.of_child()
PREFIX = os.environ.get("CARD_PREFIX", "")
SHARE = os.environ.get("CARD_SHARE", "0/1")
MOST = 2000  # characters of a failure

current: Row = {}


def name_of(nodeid: str) -> str:
    """The name of a test's row."""
    return PREFIX + nodeid.removeprefix("tests/")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave the tests of this process that have no row."""
    first, step = map(int, SHARE.split("/"))
    begun = ROWS.begun()
    items[:] = [item for item in items[first::step] if name_of(item.nodeid) not in begun]


def pytest_runtest_logstart(nodeid: str) -> None:
    """Write that a test begins."""
    current.clear()
    current.update(name=name_of(nodeid), outcome="passed", seconds=0.0)
    ROWS.write({"begin": current["name"]})


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Keep what came of its set-up, its call or its end."""
    current["seconds"] += report.duration
    if report.outcome != "passed":
        current["outcome"] = report.outcome
    if report.skipped:
        current["why"] = report.longrepr[2]
    elif report.failed:
        lines = [line[1:] for line in report.longreprtext.splitlines() if line.startswith("E ")]
        current["error"] = lines[0].strip() if lines else report.longreprtext[-200:]
        current["text"] = report.longreprtext[-MOST:]


def is_lost() -> bool:
    """Whether the GPU answers no more: after a fault in a kernel no call of the process does."""
    try:
        if torch.cuda.is_available():
            torch.cuda.synchronize()
    except RuntimeError:
        return True
    return False


def pytest_runtest_logfinish() -> None:
    """Write its row."""
    ROWS.write(dict(current))
    if current["outcome"] == "failed" and is_lost():
        pytest.exit("the GPU is lost to this process", ANEW)
