"""Tensors of .safetensors files: a header in JSON, then elements side by side.

The layout is simple and fixed, so no library is needed, and only the tensor at hand is read. An
output holds that tensor alone.
"""

from __future__ import annotations

import json
import math
import os
from pathlib import Path
from typing import Any

import numpy as np

from cumsum.console import CommandError, count
from cumsum.files.failures import among, refuse
from cumsum.files.outputs import claim
from cumsum.files.plain import PlainStore, named_dtype
from cumsum.files.store import Choice, Spec

DTYPES = {
    "BOOL": "bool",
    **{f"{kind}{bits}": f"{name}{bits}"
       for kind, name in (("I", "int"), ("U", "uint")) for bits in (8, 16, 32, 64)},
    **{f"F{bits}": f"float{bits}" for bits in (16, 32, 64)},
    "BF16": "bfloat16",
    "C64": "complex64",
}  # fmt: skip
NAMES = {name: code for code, name in DTYPES.items()}
# The longest header that the format allows.
HEADER_BYTES = 100_000_000


class Tensor(PlainStore):
    """A tensor of a .safetensors file."""

    member = ""
    metadata: dict[str, str]


def open_input(path: str, choice: Choice) -> Tensor:
    """Open the tensor `choice.member` names, or the only one."""
    return _open(path, choice, os.O_RDONLY)


def open_update(path: str, choice: Choice) -> Tensor:
    """Open a tensor to read from it and write to it."""
    return _open(path, choice, os.O_RDWR)


def _open(path: str, choice: Choice, flags: int) -> Tensor:
    if not Path(path).is_file():
        problem = "not a regular file" if Path(path).exists() else "no such file"
        raise CommandError(f"{path}: {problem}")
    refuse(path, column=choice.columns)
    start, header = read_header(path)
    metadata = header.pop("__metadata__", None)
    names = sorted(header)
    if choice.member is None and len(names) != 1:
        raise CommandError(
            f"{path} holds {count(len(names), 'tensor')}: choose --member{among(names)}"
        )
    member = names[0] if choice.member is None else choice.member
    if member not in header:
        raise CommandError(f"{path} has no tensor {member!r}{among(names)}")
    shape, dtype, offset = layout(path, member, header[member])
    size = Path(path).stat().st_size
    end = start + offset + math.prod(shape) * dtype.itemsize
    if end > size:
        raise CommandError(f"{path} is truncated: {count(size, 'byte')}, {end:,} with {member!r}")
    store = Tensor(os.open(path, flags | os.O_CLOEXEC), path, shape, dtype, offset=start + offset)
    store.member, store.metadata = member, metadata or {}
    return store


def read_header(path: str) -> tuple[int, dict[str, Any]]:
    """Where the tensors begin, and what the header says of them."""
    problem = f"{path} is not a .safetensors file that can be read"
    with open(path, "rb") as file:
        length = int.from_bytes(file.read(8), "little")
        if not 2 <= length <= HEADER_BYTES:
            raise CommandError(f"{problem}: a header of {count(length, 'byte')}")
        text = file.read(length)
    if len(text) < length:
        raise CommandError(f"{problem}: it is truncated within its header")
    try:
        header = json.loads(text)
    except ValueError as error:
        raise CommandError(f"{problem}: {error}") from None
    if not isinstance(header, dict):
        raise CommandError(f"{problem}: its header is no object")
    return 8 + length, header


def layout(path: str, member: str, entry: Any) -> tuple[tuple[int, ...], np.dtype[Any], int]:
    """The shape and the dtype of a tensor, and where it begins after the header."""
    try:
        code, shape, (begin, end) = entry["dtype"], tuple(entry["shape"]), entry["data_offsets"]
        held = int(end) - int(begin)
    except (KeyError, TypeError, ValueError):
        raise CommandError(f"{path}: the header does not say where {member!r} is") from None
    if code not in DTYPES:
        raise CommandError(f"{path}: {member!r} holds {code}, of which there are no sums")
    dtype = named_dtype(DTYPES[code]).newbyteorder("<")
    if begin < 0 or held != math.prod(shape) * dtype.itemsize:
        raise CommandError(f"{path}: the header gives {member!r} {held:,} bytes for shape {shape}")
    return shape, dtype, begin


def create(path: str, spec: Spec) -> Tensor:
    """Create a file for the tensor, and claim its space."""
    return _open_output(path, spec, os.O_RDWR | os.O_CREAT | os.O_EXCL)


def reopen(path: str, spec: Spec) -> Tensor:
    """Open the file that `create` made."""
    return _open_output(path, spec, os.O_RDWR)


def _open_output(path: str, spec: Spec, flags: int) -> Tensor:
    if spec.dtype.name not in NAMES:
        raise CommandError(f"{spec.name}: .safetensors holds no {spec.dtype}; give --dtype")
    member = str(getattr(spec.like, "member", "") or "cumsum")
    size = math.prod(spec.shape) * spec.dtype.itemsize
    header: dict[str, Any] = {
        member: {
            "dtype": NAMES[spec.dtype.name],
            "shape": list(spec.shape),
            "data_offsets": [0, size],
        }
    }
    if metadata := getattr(spec.like, "metadata", {}):
        header["__metadata__"] = metadata
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    start = 8 + len(text)
    fd = os.open(path, flags | os.O_CLOEXEC, 0o666)
    try:
        if flags & os.O_CREAT:
            claim(fd, start + size)
            os.pwrite(fd, len(text).to_bytes(8, "little") + text, 0)
    except BaseException:
        os.close(fd)
        raise
    dtype = spec.dtype.newbyteorder("<")
    store = Tensor(fd, path, spec.shape, dtype, offset=start)
    store.member, store.metadata = member, metadata
    return store
