"""What the engine asks of a kind of file, and which module knows each kind.

A module of a kind has three functions; it is imported when the first such file is met:

    open_input(path, choice) -> Store      to read from
    create(path, spec) -> Store            a new one at `path`, where nothing is yet, to write to
    reopen(path, spec) -> Store            what `create` left there in a process that died, to go on

One that can be scanned in place has `open_update(path, choice)` as well, to read from and write to.
`path` of an output is that of the partial file or folder: the engine gives it its name at the end.
A module of folders says so: `FOLDER = True`, and one whose outputs keep attributes:
`ATTRIBUTES = True`. For the URL of a remote store it is the URL itself,
and the module has three more functions: `exists(url)` tells whether something would be replaced,
`publish(url)` lets what is written be seen, and `discard(url)` removes what an error leaves.
"""

from __future__ import annotations

import importlib
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from cumsum.console import CommandError
from cumsum.files.attributes import check_scale
from cumsum.files.failures import refuse

Where = tuple[slice, ...]

# Of an array of NumPy.
MOST_DIMS, MOST_BYTES = 64, 2**63 - 1

# Texts with their usual delimiter, and what may pack them, as pyarrow calls it.
TEXTS = {".csv": ",", ".tsv": "\t"}
PACKINGS = {".gz": "gzip", ".zst": "zstd", ".bz2": "bz2"}

# The module of each kind, by the suffix of the name.
KINDS = {
    ".npy": "cumsum.files.plain",
    ".npz": "cumsum.files.npz",
    ".raw": "cumsum.files.plain",
    ".bin": "cumsum.files.plain",
    ".zarr": "cumsum.files.zarrs",
    ".h5": "cumsum.files.hdf5",
    ".hdf5": "cumsum.files.hdf5",
    ".nc": "cumsum.files.hdf5",
    ".safetensors": "cumsum.files.safetensors",
    ".parquet": "cumsum.files.tables",
    ".feather": "cumsum.files.tables",
    ".arrow": "cumsum.files.tables",
    **{f"{text}{pack}": "cumsum.files.tables" for text in TEXTS for pack in ("", *PACKINGS)},
}
TABLES = {suffix for suffix, module in KINDS.items() if module == "cumsum.files.tables"}

RAW = {".raw", ".bin"}

# What means another kind of file than a raw one, though there is no store for it.
OTHERS = {
    *(".pkl", ".pt", ".pth", ".mat", ".txt", ".json", ".xlsx", ".tar", ".zip", ".xz", ".gz"),
    *(".png", ".svg", ".pdf", ".jpg", ".tif", ".tiff", ".bz2", ".zst"),
}


class Store(Protocol):
    """An array on a disk, or further away, read and written box by box.

    One thread at a time calls a store, not always the same one; an input and an output are two
    stores, called at once.
    """

    @property
    def shape(self) -> tuple[int, ...]:
        """That of the whole array."""

    @property
    def dtype(self) -> np.dtype[Any]:
        """That of its elements, of either byte order."""

    @property
    def grid(self) -> tuple[int, ...]:
        """The shape of its chunks or shards, all ones where there are none.

        Boxes that end at its multiples are read and written best.
        """

    @property
    def order(self) -> tuple[int, ...]:
        """Its dims as they lie, the one whose neighbours lie side by side last.

        (0, 1, 2) in C order, (2, 1, 0) in Fortran order; for chunks, their order within one.
        """

    @property
    def in_order(self) -> bool:
        """Whether it must be written from the first row of dim 0 to the last, in whole rows.

        Such an output cannot be taken up again after a crash.
        """

    def limit(self, memory: int) -> int:
        """Take no more than `memory` bytes beside those of the boxes; how many it takes.

        They are more where less would not do. It is called once, before all reading and writing.
        """

    @property
    def beside(self) -> int:
        """Bytes that are kept with each element of a box until its sum is written."""

    def read(self, where: Where, out: NDArray[Any]) -> None:
        """Read a box into `out`, which has its shape, the store's dtype, and any strides.

        What is not there (a short read) is a CommandError of one line that names the file.
        """

    def write(self, where: Where, values: NDArray[Any]) -> None:
        """Write a box; `values` has its shape, the store's dtype, and any strides."""

    def sync(self) -> None:
        """Return when all that was written will be there after the machine stops."""

    def close(self) -> None:
        """Finish what has to be finished, and let go; to close twice is no error."""


@dataclass(frozen=True)
class OfTable:
    """What of a table is meant: how it is grouped, what missing numbers do, how it is written.

    `more` are tables that follow it; `days` asks for where each row is in its period, for a
    picture.
    """

    by: tuple[str, ...] = ()
    skipna: bool = False
    missing: str = "carry"
    suffix: str = "_cumsum"
    delimiter: str = ""
    decimal: str = "."
    comment: str = ""
    more: tuple[str, ...] = ()
    days: bool = False

    def options(self) -> dict[str, Any]:
        """What is asked for besides the usual, by the names of options."""
        usual = OfTable()
        asked = {name: value for name, value in vars(self).items() if value != vars(usual)[name]}
        asked.pop("days", None)
        return asked


@dataclass(frozen=True)
class Choice:
    """What in a file is meant: of the kinds that leave it open.

    `member` names one array of several (or one variable, one tensor), `columns` those of a table;
    `dtype`, `shape` and `offset` (bytes before the first element) say what a raw file holds.
    """

    member: str | None = None
    columns: Sequence[str] = ()
    dtype: str | None = None
    shape: tuple[int, ...] | None = None
    offset: int = 0
    table: OfTable = OfTable()


@dataclass(frozen=True)
class Spec:
    """What an output is to be: its name, the shape and the dtype of its array, its input.

    An output takes from `like` what its own kind can: the order of dims, the grid, names. `name` is
    the one it has in the end, while it is written to another.
    """

    name: str
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    like: Store
    choice: Choice = field(default_factory=Choice)


def is_url(path: str | Path) -> bool:
    """Whether a name is that of something on another machine."""
    return "://" in str(path)


def suffix_of(path: str | Path) -> str:
    """The end of the name that says the kind, in lower case: `.csv`, and `.csv.gz` as well."""
    suffixes = [suffix.lower() for suffix in Path(str(path).rstrip("/")).suffixes[-2:]]
    joined = "".join(suffixes)
    return joined if joined in KINDS else "".join(suffixes[-1:])


def _is_zarr(path: str | Path) -> bool:
    return is_url(path) or Path(path).is_dir()


def kind_of(path: str | Path, choice: Choice | None = None) -> ModuleType:
    """The module that knows such files; where a dtype is given, others are raw ones.

    URLs and folders are zarr, whatever their names.
    """
    suffix = suffix_of(path)
    if suffix not in KINDS and _is_zarr(path):
        suffix = ".zarr"
    raw = choice is not None and choice.dtype is not None
    if suffix not in KINDS and not (raw and suffix not in OTHERS):
        raise CommandError(f"{path}: unknown kind of file, not one of {', '.join(KINDS)}")
    return importlib.import_module(KINDS.get(suffix, "cumsum.files.plain"))


def checked_shape(path: str, shape: Any, itemsize: int) -> tuple[int, ...]:
    """The shape that a header says, if an array can have it."""
    if not isinstance(shape, list | tuple) or any(type(n) is not int or n < 0 for n in shape):
        raise CommandError(f"{path}: {_short(shape)} is not the shape of an array")
    if len(shape) > MOST_DIMS:
        raise CommandError(f"{path} has {len(shape):,} dims, {MOST_DIMS} at most can be read")
    if math.prod(max(n, 1) for n in shape) * max(itemsize, 1) > MOST_BYTES:
        raise CommandError(f"{path}: an array of shape {_short(shape)} cannot be so large")
    return tuple(shape)


def _short(value: Any) -> str:
    """What a header says, cut where it is long; integers of very many digits have no text."""
    try:
        text = ascii(value)
    except (ValueError, RecursionError):
        text = "what its header says"
    return text if len(text) <= 100 else f"{text[:100]}..."


def open_input(path: str | Path, choice: Choice | None = None) -> Store:
    """Open what is to be scanned."""
    choice = choice or Choice()
    raw = {"raw-shape": choice.shape, "raw-offset": choice.offset}
    if suffix_of(path) == ".npy":
        refuse(str(path), **raw)
    elif suffix_of(path) in KINDS.keys() - RAW or _is_zarr(path):
        refuse(str(path), **{"raw-dtype": choice.dtype}, **raw)
    if suffix_of(path) not in TABLES or _is_zarr(path):
        refuse_tables(str(path), choice.table)
    store: Store = kind_of(path, choice).open_input(str(path), choice)
    try:
        checked_shape(str(path), tuple(map(int, store.shape)), store.dtype.itemsize)
    except BaseException:
        store.close()
        raise
    return store


def refuse_tables(path: str, table: OfTable) -> None:
    """Refuse what is asked of tables alone."""
    for name in table.options():
        what = "several inputs are" if name == "more" else f"--{name} is"
        raise CommandError(f"{what} for tables ({', '.join(sorted(TABLES))}), not for {path}")


def create_output(path: str | Path, spec: Spec, *, again: bool = False) -> Store:
    """Create an output at `path`, of the kind that its final name says.

    With `again` it is there already, left by a process that died.
    """
    kind = kind_of(spec.name, spec.choice)
    if not getattr(kind, "ATTRIBUTES", False):
        name = getattr(spec.like, "name", "the input")
        check_scale(name, spec.name, getattr(spec.like, "attributes", {}))
    store: Store = (kind.reopen if again else kind.create)(str(path), spec)
    return store
