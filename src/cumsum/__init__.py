"""The cumulative sum at the speed of copying memory, with the same bits every time."""

import importlib as _importlib
import sys as _sys
from importlib import util as _util
from typing import TYPE_CHECKING

from cumsum.array_api import cumulative_sum
from cumsum.config import show_config
from cumsum.lengths import offsets
from cumsum.patch import patch_torch
from cumsum.stream import RunningSum
from cumsum.threads import get_num_threads, num_threads, set_num_threads

if TYPE_CHECKING:
    from types import ModuleType

    __version__: str
    from cumsum import distributed as distributed
    from cumsum import files as files
    from cumsum import xarray as xarray
    from cumsum.api import cumsum, cumsum_
else:
    from cumsum.fast import cumsum, cumsum_

__all__ = [
    "RunningSum",
    "cumsum",
    "cumsum_",
    "cumulative_sum",
    "get_num_threads",
    "num_threads",
    "offsets",
    "patch_torch",
    "set_num_threads",
    "show_config",
]


# Modules that are imported when they are first asked for, and what each needs.
_MODULES = {"distributed": "torch", "files": "numpy", "xarray": "xarray"}


def __getattr__(name: str) -> "str | ModuleType":
    if name == "__version__":  # reading it takes longer than the rest of the import
        return show_config().version
    if name not in _MODULES:
        raise AttributeError(f"module 'cumsum' has no attribute {name!r}")
    if not _is_there(_MODULES[name]):
        raise AttributeError(f"cumsum.{name} needs {_MODULES[name]}, which is not installed")
    return _importlib.import_module(f"cumsum.{name}")


def __dir__() -> list[str]:
    modules = (name for name, needed in _MODULES.items() if _is_there(needed))
    return sorted({*__all__, *modules, *(name for name in globals() if name[:2] == "__")})


def _is_there(library: str) -> bool:
    if library in _sys.modules:
        return _sys.modules[library] is not None  # None: its import is forbidden
    return _util.find_spec(library) is not None
