"""Files in, files out: .npy, .npz, .csv and .parquet; an output appears whole or not at all.

Reading maps a .npy into memory. Writing goes to a hidden file beside the output, which takes the
output's name only when every byte is on the disk: see `replacing`.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import secrets
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.lib import format as npy

from cumsum.console import CommandError, count, require

ARRAYS = (".npy", ".npz")
TABLES = (".csv", ".parquet")


@dataclass(frozen=True)
class Source:
    """What was read: the values to scan, the names they had, and the table they stood in."""

    path: Path
    values: Any
    names: tuple[str, ...] = ()
    table: Any = None


def check_suffix(path: Path) -> str:
    """The kind of file, from its name."""
    suffix = path.suffix.lower()
    if suffix not in ARRAYS + TABLES:
        raise CommandError(f"{path}: unknown kind of file, not one of {', '.join(ARRAYS + TABLES)}")
    return suffix


def read(path: Path, member: str | None = None, columns: Sequence[str] = ()) -> Source:
    """Read the array, the `member` of an archive, or the numeric `columns` of a table."""
    suffix = check_suffix(path)
    if member is not None and suffix != ".npz":
        raise CommandError(f"--member is for .npz files, not for {path}")
    if columns and suffix not in TABLES:
        raise CommandError(f"--column is for .csv and .parquet files, not for {path}")
    if not path.is_file():
        raise CommandError(f"{path}: {'not a regular file' if path.exists() else 'no such file'}")
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


# What stands for a missing value in a .csv; nan is a number.
NULLS = ["", "NULL", "null", "NA", "N/A", "#N/A", "n/a"]


def among(names: Sequence[str]) -> str:
    """The end of a message that says what there is."""
    return f"; there is {', '.join(names)}" if names else "; there is none"


def read_table(path: Path, suffix: str, columns: Sequence[str]) -> Source:
    """Read a table and stack the chosen columns: one gives a 1-D array, several a 2-D one."""
    arrow = require("pyarrow", f"reading {suffix}")
    try:
        if suffix == ".csv":
            csv = require("pyarrow.csv", "reading .csv")
            options = csv.ConvertOptions(null_values=NULLS)
            table = csv.read_csv(path, convert_options=options)
        else:
            table = require("pyarrow.parquet", "reading .parquet").read_table(path)
        width = len(table.column_names)  # a name that is not UTF-8 fails here
    except (arrow.ArrowException, ValueError) as error:
        raise CommandError(f"{path} is not a {suffix} file that can be read: {error}") from None
    if not width:
        raise CommandError(f"{path} has no columns")
    names = tuple(columns) or only_numeric_column(arrow, path, table)
    arrays = [column_values(arrow, path, table, name) for name in names]
    return Source(path, arrays[0] if len(arrays) == 1 else np.stack(arrays).T, names, table)


def only_numeric_column(arrow: Any, path: Path, table: Any) -> tuple[str, ...]:
    """The one column that can be meant when none is named."""
    types = arrow.types
    numeric = [
        f.name for f in table.schema if types.is_integer(f.type) or types.is_floating(f.type)
    ]
    if len(numeric) != 1:
        found = count(len(numeric), "numeric column")
        raise CommandError(f"{path} has {found}: choose --column{among(numeric)}")
    return tuple(numeric)


def find_column(path: Path, table: Any, name: str) -> Any:
    """A table's column by name, whole: a missing value would leave every later total unknown."""
    if table.column_names.count(name) != 1:
        problem = "several columns" if name in table.column_names else "no column"
        raise CommandError(f"{path} has {problem} {name!r}{among(table.column_names)}")
    column = table.column(name)
    if column.null_count:
        missing = count(column.null_count, "missing value")
        raise CommandError(f"{path}: column {name!r} has {missing}; fill or drop them first")
    return column


def column_values(arrow: Any, path: Path, table: Any, name: str) -> Any:
    """A numeric column as an array."""
    column = find_column(path, table, name)
    is_number = (arrow.types.is_integer, arrow.types.is_floating, arrow.types.is_boolean)
    if not any(check(column.type) for check in is_number):
        raise CommandError(f"{path}: column {name!r} holds {column.type}, not numbers")
    return column.to_numpy()


def check_output(path: Path, source: Path | None, *, force: bool) -> None:
    """Refuse, before any work, an output that could not or must not be written."""
    if not path.parent.is_dir():
        raise CommandError(f"cannot write {path}: no such directory {path.parent}")
    if path.is_dir():
        raise CommandError(f"cannot write {path}: it is a directory")
    if not path.exists():
        return
    if not path.is_file():
        raise CommandError(f"cannot write {path}: it is not a regular file")
    if source is not None and source.exists() and path.samefile(source):
        raise CommandError(f"the output {path} is the input")
    if not force:
        raise CommandError(f"{path} exists; give --force to replace it")


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[IO[bytes]]:
    """Yield a new file that takes the name `path` when the block ends well, and vanishes if not.

    The file is `.NAME.RANDOM.partial` beside the output. The writer holds a lock on it, which ends
    with the process however that ends: a partial file that can be locked was left by a dead
    process, and the next run to the same output removes it.
    """
    path = path.resolve()
    partial = path.with_name(f".{path.name}.{secrets.token_hex(4)}.partial")
    try:
        remove_abandoned(path)
        with open(partial, "x+b") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            yield file
            file.flush()
            os.fsync(file.fileno())
            partial.replace(path)
    except BaseException as error:  # an interrupt as well, wherever it comes
        with contextlib.suppress(OSError):
            partial.unlink(missing_ok=True)
        if isinstance(error, OSError):
            raise CommandError(f"cannot write {path}: {error.strerror or error}") from error
        raise


def remove_abandoned(path: Path) -> None:
    """Remove the partial files that dead processes left beside `path`."""
    for name in os.listdir(path.parent):  # noqa: PTH208 - a glob would need the name escaped
        if name.startswith(f".{path.name}.") and name.endswith(".partial"):
            with contextlib.suppress(OSError), (path.parent / name).open("rb") as file:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                (path.parent / name).unlink()


def map_npy(file: IO[bytes], shape: tuple[int, ...], dtype: np.dtype[Any]) -> Any:
    """An array that lives in `file`, after a .npy header.

    The space is claimed first: writing through a map to a full disk would kill the process.
    """
    header = {"descr": npy.dtype_to_descr(dtype), "fortran_order": False, "shape": shape}
    npy.write_array_header_1_0(file, header)
    start = file.tell()
    if 0 in shape:
        return np.empty(shape, dtype)
    claim(file, start + int(np.prod(shape, dtype=np.int64)) * dtype.itemsize)
    return np.asarray(np.memmap(file, dtype, "r+", start, shape))


def claim(file: IO[bytes], size: int) -> None:
    """Take `size` bytes of the disk, or fail now."""
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(file.fileno(), 0, size)
        return
    zeros = bytes(1 << 20)
    for start in range(file.tell(), size, len(zeros)):
        file.write(zeros[: size - start])
    file.flush()


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


def write_table(file: IO[bytes], suffix: str, result: Any, source: Source) -> None:
    """Write the input's table with a column NAME_cumsum more for each that was scanned."""
    arrow = require("pyarrow", f"writing {suffix}")
    if result.ndim > 2:
        raise CommandError(f"a {suffix} file holds 1-D and 2-D arrays, not shape {result.shape}")
    columns = [result] if result.ndim == 1 else list(result.T)
    names = [f"{name}_cumsum" for name in source.names]
    held: dict[str, Any] = {}
    if source.table is None:
        names = ["cumsum"] if result.ndim == 1 else [f"cumsum_{i}" for i in range(len(columns))]
    else:
        held = dict(zip(source.table.column_names, source.table.columns, strict=True))
    taken = [name for name in names if name in held]
    if taken:
        raise CommandError(f"{source.path} already has a column {taken[0]!r}")
    try:
        arrays = [arrow.array(np.ascontiguousarray(column)) for column in columns]
        table = arrow.table({**held, **dict(zip(names, arrays, strict=True))})
        if suffix == ".csv":
            require("pyarrow.csv", "writing .csv").write_csv(table, file)
        else:
            require("pyarrow.parquet", "writing .parquet").write_table(table, file)
    except arrow.ArrowException as error:
        raise CommandError(f"{suffix} cannot hold {result.dtype}: {error}") from None
