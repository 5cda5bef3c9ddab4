"""Zarr outputs at a URL: they appear when their metadata does, which is after all chunks.

What is being written has its metadata under another name, so that no reader takes it for an array.
A process that is killed leaves chunks that nobody sees; the next run to the same URL removes them.
"""

from __future__ import annotations

import contextlib
from typing import Any

from cumsum.console import CommandError, require
from cumsum.files.places import ROOTS

SUFFIX = ".partial"
# What readers take for the whole of a group is hidden as well, and shown before its root is.
_SEEN = (".zmetadata", *ROOTS)


def _place(url: str) -> tuple[Any, str]:
    options = {"auto_mkdir": True} if url.startswith(("file://", "local://")) else {}
    fs, place = require("fsspec.core", "URLs", "files").url_to_fs(url, **options)
    return fs, place.rstrip("/")


def _has_root(url: str, suffix: str) -> bool:
    fs, place = _place(url)
    fs.invalidate_cache()
    return any(fs.exists(f"{place}/{root}{suffix}") for root in ROOTS)


def exists(url: str) -> bool:
    """Whether there is an array or a group."""
    return _has_root(url, "")


def clear(url: str) -> None:
    """Remove an array or a group, or what a dead process left; refuse all else that is there."""
    fs, place = _place(url)
    if exists(url) or _has_root(url, SUFFIX):
        fs.rm(place, recursive=True)
    with contextlib.suppress(FileNotFoundError):
        if fs.ls(place):
            raise CommandError(f"{url} exists, and is no zarr array or group")


def hide(url: str) -> None:
    """Put the metadata of the root under another name."""
    _rename(url, "", SUFFIX)


def publish(url: str) -> None:
    """Put the metadata of the root where zarr looks for it."""
    _rename(url, SUFFIX, "")


def _rename(url: str, before: str, after: str) -> None:
    fs, place = _place(url)
    fs.invalidate_cache()
    for root in _SEEN:
        with contextlib.suppress(FileNotFoundError):
            content = fs.cat_file(f"{place}/{root}{before}")
            fs.pipe_file(f"{place}/{root}{after}", content)
            fs.rm_file(f"{place}/{root}{before}")


def discard(url: str) -> None:
    """Remove what was being written."""
    if _has_root(url, SUFFIX):
        fs, place = _place(url)
        fs.rm(place, recursive=True)
