"""Files in, files out: scans of files that may be larger than memory."""

from cumsum.files.engine import cumsum
from cumsum.files.report import Report

__all__ = ["Report", "cumsum"]
