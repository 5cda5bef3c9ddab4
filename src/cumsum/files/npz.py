"""Archives of arrays, .npz: one member, in memory as a whole."""

from __future__ import annotations

import math
import zipfile
from typing import Any

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from cumsum.console import CommandError
from cumsum.files.failures import among, reason, refuse, told
from cumsum.files.npy_header import BEFORE, HEADER_BYTES, checked_header
from cumsum.files.store import Choice, Spec, Where


class Member:
    """An array of an archive, which is read when it is opened and written when it is closed."""

    in_order = False
    at_once = True  # it is written when all of it is there
    beside = 0

    def __init__(self, values: NDArray[Any], member: str, file: Any = None) -> None:
        self.member, self.shape, self.dtype = member, values.shape, values.dtype
        self.grid = (1,) * values.ndim
        self.order = tuple(range(values.ndim))
        if values.flags.f_contiguous and not values.flags.c_contiguous:
            self.order = self.order[::-1]
        self._values, self._file = values, file

    def limit(self, _memory: int) -> int:
        """All of it."""
        return self._values.nbytes

    def read(self, where: Where, out: NDArray[Any]) -> None:
        """Read a box."""
        out[...] = self._values[where]

    def write(self, where: Where, values: NDArray[Any]) -> None:
        """Write a box."""
        self._values[where] = values

    def sync(self) -> None:
        """Write the archive."""
        if self._file is None:
            return
        with (
            told("write the archive"),
            zipfile.ZipFile(self._file, "w") as archive,
            archive.open(f"{self.member}.npy", "w", force_zip64=True) as member,
        ):
            npy.write_array(member, self._values, allow_pickle=False)
        self._file.flush()

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()


def open_input(path: str, choice: Choice) -> Member:
    """Read the member that is named, or the only one."""
    refuse(path, column=choice.columns)
    try:
        with zipfile.ZipFile(path) as archive:
            name = _name_of(path, archive, choice.member)
            return Member(_read(path, archive, f"{name}.npy"), name)
    except (CommandError, MemoryError):
        raise
    except Exception as error:  # archives and what packs them raise what they like
        raise CommandError(
            f"{path} is not a .npz file that can be read: {reason(error)}"
        ) from error


def _read(path: str, archive: zipfile.ZipFile, name: str) -> NDArray[Any]:
    with archive.open(name) as file:
        start = file.read(BEFORE + HEADER_BYTES)
        problem = f"{path} is not a .npz file that can be read: {name}"
        header = checked_header(path, problem, start, archive.getinfo(name).file_size)
        if header.dtype.hasobject:
            raise CommandError(f"{path} holds objects, which have no sum")
        content = start[header.offset :] + file.read()
    order: Any = "F" if header.is_fortran else "C"
    values = np.frombuffer(content, header.dtype, math.prod(header.shape))
    return values.reshape(header.shape, order=order)


def _name_of(path: str, archive: zipfile.ZipFile, member: str | None) -> str:
    held = [name.removesuffix(".npy") for name in archive.namelist()]
    if member is None and len(held) != 1:
        raise CommandError(f"{path} holds {len(held)} arrays: choose --member{among(held)}")
    name = held[0] if member is None else member
    if name not in held:
        raise CommandError(f"{path} has no member {name!r}{among(held)}")
    return name


def create(path: str, spec: Spec) -> Member:
    """Create an archive with one member."""
    member = spec.like.member if isinstance(spec.like, Member) else "cumsum"
    order: Any = "F" if spec.like.order != tuple(range(len(spec.shape))) else "C"
    return Member(np.empty(spec.shape, spec.dtype, order), member, open(path, "xb"))
