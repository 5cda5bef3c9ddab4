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
from cumsum.files import own
from cumsum.files.failures import among, reason, refuse
from cumsum.files.outputs import claim
from cumsum.files.plain import PlainStore, named_dtype
from cumsum.files.store import MOST_BYTES, Choice, Spec, checked_shape

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
    metadata = checked_metadata(path, header.pop("__metadata__", None))
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
    store.member, store.metadata = member, metadata
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
        header = json.loads(text, object_pairs_hook=_object)
    except (ValueError, RecursionError) as error:
        raise CommandError(f"{problem}: {reason(error)}") from None
    if not isinstance(header, dict):
        raise CommandError(f"{problem}: its header is no object")
    return 8 + length, header


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    held = dict(pairs)
    if len(held) < len(pairs):
        raise ValueError("a name is there twice")
    return held


def checked_metadata(path: str, metadata: Any) -> dict[str, str]:
    """The texts that a file has beside its tensors."""
    held = {} if metadata is None else metadata
    if not isinstance(held, dict) or not all(isinstance(text, str) for text in held.values()):
        raise CommandError(f"{path}: the __metadata__ of its header are not texts")
    return held


def layout(path: str, member: str, entry: Any) -> tuple[tuple[int, ...], np.dtype[Any], int]:
    """The shape and the dtype of a tensor, and where it begins after the header."""
    try:
        code, said, (begin, end) = entry["dtype"], entry["shape"], entry["data_offsets"]
    except (KeyError, TypeError, ValueError):
        raise CommandError(f"{path}: the header does not say where {member!r} is") from None
    if not isinstance(code, str) or code not in DTYPES:
        raise CommandError(
            f"{path}: {member!r} holds {str(code)[:100]}, of which there are no sums"
        )
    dtype = named_dtype(DTYPES[code]).newbyteorder("<")
    shape = checked_shape(path, said, dtype.itemsize)
    if type(begin) is not int or type(end) is not int or not 0 <= begin <= end < MOST_BYTES:
        raise CommandError(f"{path}: the header does not say where {member!r} is")
    if end - begin != math.prod(shape) * dtype.itemsize:
        raise CommandError(
            f"{path}: the header gives {member!r} {end - begin:,} bytes for shape {shape}"
        )
    return shape, dtype, begin


def create(path: str, spec: Spec) -> Tensor:
    """Create a file for the tensor, and claim its space."""
    head = header_of(spec)
    store = _stored(path, spec, own.create(path, 0o666), len(head))
    try:
        claim(store.fd, store.span[1])
        os.pwrite(store.fd, head, 0)
    except BaseException:
        store.close()
        raise
    return store


def reopen(path: str, spec: Spec) -> Tensor:
    """Open the file that `create` made."""
    return _stored(path, spec, own.open_found(path, os.O_RDWR), len(header_of(spec)))


def _stored(path: str, spec: Spec, fd: int, start: int) -> Tensor:
    store = Tensor(fd, path, spec.shape, spec.dtype.newbyteorder("<"), offset=start)
    store.member, store.metadata = member_of(spec), getattr(spec.like, "metadata", {})
    return store


def member_of(spec: Spec) -> str:
    """The name of the tensor in the output: that of the input's, else `cumsum`."""
    return str(getattr(spec.like, "member", "") or "cumsum")


def header_of(spec: Spec) -> bytes:
    """What stands before the elements of an output."""
    if spec.dtype.name not in NAMES:
        raise CommandError(f"{spec.name}: .safetensors holds no {spec.dtype}; give --dtype")
    size = math.prod(spec.shape) * spec.dtype.itemsize
    header: dict[str, Any] = {
        member_of(spec): {
            "dtype": NAMES[spec.dtype.name],
            "shape": list(spec.shape),
            "data_offsets": [0, size],
        }
    }
    if metadata := getattr(spec.like, "metadata", {}):
        header["__metadata__"] = metadata
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text
