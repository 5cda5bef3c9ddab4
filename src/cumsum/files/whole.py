"""Arrays and tables as a whole: .npy, .npz, .csv and .parquet."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.lib import format as npy

from cumsum.console import CommandError, count
from cumsum.files.halfway import refuse_half_done
from cumsum.files.outputs import claim
from cumsum.files.source import Source, among
from cumsum.files.store import KINDS, has_kind
from cumsum.files.tables import read_table, write_table

ARRAYS = (".npy", ".npz")
TABLES = (".csv", ".parquet")


def check_suffix(path: Path) -> str:
    """The kind of file, from its name."""
    suffix = path.suffix.lower()
    if suffix in ARRAYS + TABLES:
        return suffix
    if has_kind(path):
        how = "with an output of a kind that is too, and without a picture or groups"
        raise CommandError(f"{path}: files of its kind are scanned piece by piece, {how}")
    kinds = dict.fromkeys((*ARRAYS, *TABLES, *KINDS))
    raise CommandError(f"{path}: unknown kind of file, not one of {', '.join(kinds)}")


def read(path: Path, member: str | None = None, columns: Sequence[str] = ()) -> Source:
    """Read the array, the `member` of an archive, or the numeric `columns` of a table."""
    suffix = check_suffix(path)
    if member is not None and suffix != ".npz":
        raise CommandError(f"--member is for .npz files, not for {path}")
    if columns and suffix not in TABLES:
        raise CommandError(f"--column is for .csv and .parquet files, not for {path}")
    if not path.is_file():
        raise CommandError(f"{path}: {'not a regular file' if path.exists() else 'no such file'}")
    refuse_half_done(path)
    if suffix == ".npy":
        return Source(path, read_npy(path))
    if suffix == ".npz":
        return read_npz(path, member)
    return read_table(path, suffix, columns)


def read_npy(path: Path) -> Any:
    """Map the array into memory: nothing is read until it is used."""
    try:
        return np.asarray(npy.open_memmap(path, mode="r"))
    except (ValueError, EOFError) as error:
        reason = str(error)
        if "greater than file size" in reason:
            size = count(path.stat().st_size, "byte")
            reason = f"it is truncated: {size} are fewer than its header promises"
        raise CommandError(f"{path} is not a .npy file that can be read: {reason}") from None


def read_npz(path: Path, member: str | None) -> Source:
    """Read one member of an archive; without a name the archive must hold just one."""
    try:
        with zipfile.ZipFile(path) as archive:
            held = [name.removesuffix(".npy") for name in archive.namelist()]
            if member is None and len(held) != 1:
                raise CommandError(f"{path} holds {len(held)} arrays: choose --member{among(held)}")
            name = held[0] if member is None else member
            if name not in held:
                raise CommandError(f"{path} has no member {name!r}{among(held)}")
            with archive.open(f"{name}.npy") as file:
                return Source(path, npy.read_array(file, allow_pickle=False), (name,))
    except (ValueError, EOFError, KeyError, zipfile.BadZipFile, zlib.error) as error:
        raise CommandError(f"{path} is not a .npz file that can be read: {error}") from None


def map_npy(file: IO[bytes], shape: tuple[int, ...], dtype: np.dtype[Any]) -> Any:
    """An array that lives in `file`, after a .npy header.

    The space is claimed first: writing through a map to a full disk would kill the process.
    """
    header = {"descr": npy.dtype_to_descr(dtype), "fortran_order": False, "shape": shape}
    npy.write_array_header_1_0(file, header)
    start = file.tell()
    if 0 in shape:
        return np.empty(shape, dtype)
    claim(file.fileno(), start + int(np.prod(shape, dtype=np.int64)) * dtype.itemsize)
    return np.asarray(np.memmap(file, dtype, "r+", start, shape))


def write(file: IO[bytes], suffix: str, result: Any, source: Source) -> None:
    """Write an array that is in memory as the kind of file `suffix` names."""
    if suffix == ".npy":
        npy.write_array(file, result, allow_pickle=False)
    elif suffix == ".npz":
        name = source.names[0] if source.path.suffix.lower() == ".npz" else "cumsum"
        with (
            zipfile.ZipFile(file, "w") as archive,
            archive.open(f"{name}.npy", "w", force_zip64=True) as member,
        ):
            npy.write_array(member, result, allow_pickle=False)
    else:
        write_table(file, suffix, result, source)
