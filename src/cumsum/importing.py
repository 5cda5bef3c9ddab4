"""Work to be done once another package is imported, without importing it."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable, Sequence
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # its import takes 10 ms in Python 3.11
    from importlib.abc import Loader


def when_imported(name: str, work: Callable[[], None]) -> None:
    """Do `work` after the module `name` has been imported, at once if it has been."""
    if name in sys.modules:
        work()
    else:
        sys.meta_path.insert(0, _Watcher(name, work))


class _Watcher:
    """Finds one module, the way all others would, and adds to its execution."""

    def __init__(self, name: str, work: Callable[[], None]) -> None:
        self.name, self.work, self.looking = name, work, False

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname != self.name or self.looking:
            return None
        self.looking = True
        try:
            spec = importlib.util.find_spec(fullname)
        finally:
            self.looking = False
        if spec is not None and spec.loader is not None:
            spec.loader = _Loader(spec.loader, self._done)  # type: ignore[assignment]
        return spec

    def _done(self) -> None:
        if self in sys.meta_path:  # others may have looked for the module as well
            sys.meta_path.remove(self)
            self.work()


class _Loader:
    """Another loader, and `work` after it."""

    def __init__(self, loader: Loader, work: Callable[[], None]) -> None:
        self.loader, self.work = loader, work

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return self.loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        if module.__spec__ is not None:
            module.__spec__.loader = self.loader
        module.__loader__ = self.loader
        self.loader.exec_module(module)
        self.work()
