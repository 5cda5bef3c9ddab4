"""The cumulative sum at the speed of copying memory, with the same bits every time."""

import importlib as _importlib
from typing import TYPE_CHECKING

from cumsum.array_api import cumulative_sum
from cumsum.config import Config, show_config
from cumsum.lengths import offsets
from cumsum.patch import patch_torch
from cumsum.stream import Cumsum
from cumsum.threads import get_num_threads, num_threads, set_num_threads

if TYPE_CHECKING:
    from types import ModuleType

    __version__: str
    from cumsum import distributed as distributed
    from cumsum.api import cumsum, cumsum_
else:
    from cumsum.fast import cumsum, cumsum_

__all__ = [
    "Config",
    "Cumsum",
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


def __getattr__(name: str) -> "str | ModuleType":
    if name == "__version__":  # reading it takes longer than the rest of the import
        return show_config().version
    if name == "distributed":  # it imports torch
        return _importlib.import_module("cumsum.distributed")
    raise AttributeError(f"module 'cumsum' has no attribute {name!r}")
