"""Where a name leads: two names may be of one place, and one place may be within another."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path, PurePath, PurePosixPath
from typing import Any

from cumsum.console import CommandError, require
from cumsum.files.failures import told
from cumsum.files.store import is_url

# What a folder has that is an array or a group of zarr.
ROOTS = ("zarr.json", ".zarray", ".zgroup")


def resolved(path: str | Path) -> Path:
    """Where a name leads; a CommandError where its links lead in a circle."""
    place = os.path.realpath(path)
    if os.path.islink(place):  # noqa: PTH114 - of a text
        raise CommandError(f"{path}: its links lead in a circle")
    return Path(place)


def place_of(path: str) -> tuple[str, PurePath]:
    """The kind of store, and the place in it; that of a file does not depend on how it is named."""
    if not is_url(path):
        return "file", resolved(path)
    core = require("fsspec.core", "URLs", "files")
    url = path.rpartition("::")[2]  # of a chain, the store at its end
    protocol, _ = core.split_protocol(url)
    if protocol is None:
        return "file", resolved(url)
    with told(f"find {path}"):
        kind = require("fsspec", "URLs", "files").get_filesystem_class(protocol)
        place = core.strip_protocol(url)
    if protocol in {"file", "local"}:
        return "file", resolved(place)
    return kind.__name__, PurePosixPath(place)


def check_apart(output: str, source: str) -> None:
    """Refuse an output that is the input, whatever both are called, or lies within it or around it.

    Such an input would be replaced before it is read.
    """
    (kind, written), (other, read) = place_of(output), place_of(source)
    if kind != other:
        return
    if written == read:
        raise CommandError(f"the output {output} is the input")
    if read in written.parents:
        raise CommandError(f"the output {output} lies within the input {source}")
    if written in read.parents:
        raise CommandError(f"the input {source} lies within the output {output}")


def check_folder(path: Path) -> None:
    """Refuse to replace what is no array or group of zarr, and where this process is at work."""
    place, here = resolved(path), Path.cwd()
    if here == place or place in here.parents:
        raise CommandError(f"cannot write {path}: it is or holds the current folder")
    if path.exists() and not any((path / root).is_file() for root in ROOTS):
        raise CommandError(f"cannot write {path}: it exists, and is no zarr array or group")


# By what the stores of fsspec tell that a file is another one.
STAMPS = ("ETag", "etag", "mtime", "LastModified", "last_modified", "updated", "created")


def state_of(url: str) -> str | None:
    """A digest of the names, the sizes and the times of all that is at a URL.

    None where the store cannot tell.
    """
    core = require("fsspec.core", "URLs", "files")
    digest, known = hashlib.sha256(), False
    with told(f"read {url}"):
        fs, place = core.url_to_fs(url)
        fs.invalidate_cache()
        try:
            for folder, _, files in fs.walk(place, detail=True):
                for name, info in sorted(files.items()):
                    stamp = _stamp(info)
                    if stamp is None:
                        return None
                    known = True
                    digest.update(f"{folder}/{name} {info.get('size')} {stamp}\n".encode())
        except (OSError, NotImplementedError):
            return None
    return digest.hexdigest() if known else None


def _stamp(info: dict[str, Any]) -> str | None:
    found = (str(info[name]) for name in STAMPS if info.get(name))
    return next(found, None)
