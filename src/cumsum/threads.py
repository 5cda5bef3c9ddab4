"""How many threads a scan may use.

The first of these that is set counts: the innermost `num_threads` context of the calling thread,
`set_num_threads`, the environment variable CUMSUM_NUM_THREADS as it was on import; then for a
tensor `torch.get_num_threads()`, for an array OMP_NUM_THREADS and the processors this process may
use. In a forked child the last of these is one thread.
"""

from __future__ import annotations

import operator
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from enum import IntEnum
from typing import SupportsIndex

from cumsum import _core

MOST = 4096  # threads; more is a mistake


class Source(IntEnum):
    """Where a thread count was set; the numbers are those of `src/core/threads/thread_count.h`."""

    context = 0
    set = 1
    environment = 2
    machine = 3


def _checked(n: SupportsIndex) -> int:
    try:
        count = operator.index(n)
    except TypeError:
        raise TypeError(f"n must be an integer, not {type(n).__name__}") from None
    if isinstance(n, bool):
        raise TypeError("n must be an integer, not bool")
    if not 1 <= count <= MOST:
        raise ValueError(f"n must be in [1, {MOST}], not {count}")
    return count


def set_num_threads(n: SupportsIndex) -> None:
    """Let every scan of this process use up to `n` threads.

    Parameters
    ----------
    n : int
        In [1, 4096].

    Raises
    ------
    TypeError, ValueError
        If `n` is not an integer, or out of that range.

    Examples
    --------
    >>> import cumsum
    >>> before = cumsum.get_num_threads()
    >>> cumsum.set_num_threads(2)
    >>> cumsum.get_num_threads()
    2
    >>> cumsum.set_num_threads(before)
    """
    _core.set_threads(Source.set, _checked(n))


def chosen_threads() -> int:
    """What the user chose, or 0."""
    for source in (Source.context, Source.set, Source.environment):
        if count := _core.get_threads(source):
            return count
    return 0


def get_num_threads() -> int:
    """The number of threads that a scan of a NumPy array on this thread may use.

    Returns
    -------
    int
        A scan of a tensor uses `torch.get_num_threads()` instead, unless a number was chosen here.

    Examples
    --------
    >>> import cumsum
    >>> with cumsum.num_threads(1):
    ...     cumsum.get_num_threads()
    1
    """
    return chosen_threads() or _core.get_threads(Source.machine)


@contextmanager
def num_threads(n: SupportsIndex) -> Iterator[None]:
    """A context in which scans called from this thread use up to `n` threads.

    Parameters
    ----------
    n : int
        In [1, 4096].

    Raises
    ------
    TypeError, ValueError
        If `n` is not an integer, or out of that range.

    Examples
    --------
    >>> import cumsum
    >>> with cumsum.num_threads(1):
    ...     cumsum.get_num_threads()
    1
    """
    count = _checked(n)
    before = _core.get_threads(Source.context)
    _core.set_threads(Source.context, count)
    try:
        yield
    finally:
        _core.set_threads(Source.context, before)


def _from_environment(name: str) -> int:
    """The number in our own variable; 0 where it is not set."""
    text = os.environ.get(name, "").strip()
    if text and not (text.isdecimal() and 1 <= int(text) <= MOST):
        raise ValueError(f"{name} is {text!r}, it must be an integer in [1, {MOST}]")
    return int(text or 0)


def _from_openmp() -> int:
    """The first number in OMP_NUM_THREADS, such as 8 or 4,2; 0 where there is none."""
    text = os.environ.get("OMP_NUM_THREADS", "").split(",")[0].strip()
    return min(int(text), MOST) if text.isdecimal() else 0


def _processors() -> int:
    """Processors this process may use, by its affinity and its control group's quota."""
    count = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    try:
        with open("/sys/fs/cgroup/cpu.max") as file:
            quota, period = file.read().split()
        if quota != "max":
            return max(1, min(count or 1, -(-int(quota) // int(period))))
    except (OSError, ValueError):
        pass  # no such control group: the affinity stands
    return count or 1


def _configure() -> None:
    _core.set_main_thread(threading.main_thread().ident or 0)
    _core.set_threads(Source.environment, _from_environment("CUMSUM_NUM_THREADS"))
    _core.set_threads(Source.machine, _from_openmp() or _processors())
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=_configure_child)


def _configure_child() -> None:
    _core.set_main_thread(threading.get_ident())
    _core.set_threads(Source.machine, 1)


_configure()
