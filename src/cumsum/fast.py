"""The public functions as the core makes them: plain calls in C, others by `api`'s slow ways."""

from __future__ import annotations

from typing import Any

from cumsum import _core, api
from cumsum import numpy as numpy_door
from cumsum.config import choose_target
from cumsum.importing import when_imported


def _documented(signature: str, described: Any) -> str:
    """A docstring that `inspect.signature` can read the signature from."""
    return f"{signature}\n--\n\n{described.__doc__}"


choose_target()
numpy_door.register()
cumsum = _core.make_function(
    api.slow_cumsum,
    _documented(
        "cumsum(input, dim, *, dtype=None, out=None, exclusive=False, reverse=False, "
        "include_initial=False, initial=None, "
        "offsets=None, lengths=None, reset=None, where=None, skipna=False, missing='carry', "
        "overflow=None, decay=None, precision=None)",
        api.cumsum,
    ),
    False,
)
cumsum_ = _core.make_function(
    api.slow_cumsum_,
    _documented(
        "cumsum_(input, dim, *, dtype=None, exclusive=False, reverse=False, initial=None, "
        "offsets=None, lengths=None, reset=None, where=None, skipna=False, missing='carry', "
        "overflow=None, decay=None, precision=None)",
        api.cumsum_,
    ),
    True,
)


def _be_traced() -> None:
    from cumsum import traced

    traced.register(cumsum, cumsum_)


when_imported("torch._dynamo", _be_traced)
