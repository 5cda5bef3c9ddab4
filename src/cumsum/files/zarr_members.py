"""Which array of a group is meant."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

from cumsum.console import CommandError
from cumsum.files.failures import among, told
from cumsum.files.store import is_url
from cumsum.files.zarr_like import dims_of


def find_array(zarr: Any, path: str, member: str) -> tuple[Any, Any, str]:
    """The group, the array, and its name in the group."""
    node = _open(zarr, path)
    if isinstance(node, zarr.Group):
        member = member or _only_member(zarr, path, node)
        return node, _member(zarr, path, node, member), member
    if member:
        raise CommandError(f"{path} is one array, without members: leave out --member")
    return None, node, ""


def named(path: str, member: str) -> str:
    """What messages call an array."""
    return f"{path}/{member}" if member else path


def _open(zarr: Any, path: str) -> Any:
    if not is_url(path) and not Path(path).exists():
        raise CommandError(f"{path}: no such file")
    with told(f"read {path}"):
        try:
            return zarr.open(path, mode="r")
        except FileNotFoundError:
            raise CommandError(f"{path} is no zarr array or group") from None


def _arrays(zarr: Any, group: Any) -> list[str]:
    """The names of all arrays below a group, or none where its store cannot tell."""
    with contextlib.suppress(Exception):
        members = group.members(max_depth=None)
        return sorted(name for name, node in members if isinstance(node, zarr.Array))
    return []


def _only_member(zarr: Any, path: str, group: Any) -> str:
    names = _arrays(zarr, group)
    scales = [name for name in names if dims_of(group[name]) == (name.rpartition("/")[2],)]
    chosen = [name for name in names if name not in scales] if len(names) > 1 else names
    if len(chosen) != 1:
        held = f"{len(names)} arrays" if names else "no arrays that can be listed"
        raise CommandError(f"{path} holds {held}: choose --member{among(names)}")
    return chosen[0]


def _member(zarr: Any, path: str, group: Any, member: str) -> Any:
    with told(f"read {path}"), contextlib.suppress(KeyError, FileNotFoundError):
        node = group[member]
        if isinstance(node, zarr.Array):
            return node
    raise CommandError(f"{path} has no array {member!r}{among(_arrays(zarr, group))}")
