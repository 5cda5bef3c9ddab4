"""Files in, files out: whole arrays and tables, and scans of files larger than memory."""

from cumsum.files.engine import cumsum
from cumsum.files.outputs import check_output, replacing
from cumsum.files.report import Report
from cumsum.files.source import Source
from cumsum.files.tables import find_column
from cumsum.files.whole import check_suffix, map_npy, read, write

__all__ = [
    "Report",
    "Source",
    "check_output",
    "check_suffix",
    "cumsum",
    "find_column",
    "map_npy",
    "read",
    "replacing",
    "write",
]
