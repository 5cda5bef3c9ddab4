"""Scans that are killed and retried: see `killed`. CUMSUM_KILLS says how often each kind is."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import killed

KILLS = os.environ.get("CUMSUM_KILLS", "4")
NEEDED = {"zarr": "zarr", "h5": "h5py"}
NEEDED |= dict.fromkeys(("csv", "parquet", "feather"), "pyarrow")


@pytest.mark.parametrize("name", killed.CASES)
def test_retries(tmp_path, name):
    for library in {NEEDED[word] for word in name.split() if word in NEEDED}:
        pytest.importorskip(library)
    argv = [sys.executable, Path(killed.__file__), name, KILLS, "0"]
    timeout = 60 + 3 * int(KILLS)
    done = subprocess.run(argv, cwd=tmp_path, capture_output=True, timeout=timeout, check=False)
    assert done.returncode == 0, done.stderr.decode()
    assert done.stdout.decode().startswith(f"{name}: ")
