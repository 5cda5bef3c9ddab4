"""Lines each of which lies in one chunk: every option there is, as in memory."""

from __future__ import annotations

from functools import partial
from itertools import product
from typing import Any

import dask.array as da
import numpy as np

from cumsum import numpy as door
from cumsum.dask.inputs import first_like, is_dask, key_in, like, mask_like
from cumsum.dask.tasks import one_thread, plain
from cumsum.options import SEGMENTS, Options

Graph = dict[Any, Any]


def whole_graph(
    name: str, x: da.Array, axis: int, result: np.dtype[Any], options: Options
) -> tuple[Graph, list[da.Array]]:
    """The graph of a scan along an axis in one chunk, and the arrays it needs besides `x`."""
    graph: Graph = {}
    found: dict[str, Any] = {"initial": first_like(x, axis, options.initial)}
    if options.where is not None:
        found["where"] = mask_like(x, options.where)
    if options.decay is not None and np.ndim(options.decay):
        found["decay"] = like(x, options.decay, "decay")
    if options.reset is not None and np.ndim(options.reset) != 1:
        found["reset"] = like(x, options.reset, "reset")
    needed = {key: value for key, value in found.items() if is_dask(value)}
    chunks = {key: partial(key_in, value) for key, value in needed.items()}
    for cuts in SEGMENTS:
        value = getattr(options, cuts)
        if is_dask(value) and cuts not in needed:
            needed[cuts] = value
            graph[f"{cuts}-{name}",] = (
                _joined,
                *((value.name, i) for i in range(value.npartitions)),
            )
            chunks[cuts] = partial(_always, (f"{cuts}-{name}",))
    nothing: dict[str, Any] = dict.fromkeys(needed)
    options = options._replace(**nothing)
    task = partial(_scan, axis, result, options, tuple(chunks))
    for index in product(*map(range, x.numblocks)):
        graph[name, *index] = (task, (x.name, *index), *(key(index) for key in chunks.values()))
    return graph, list(needed.values())


def _scan(
    axis: int, dtype: np.dtype[Any], options: Options, names: tuple[str, ...], *chunks: Any
) -> Any:
    """The results of a chunk; the others are the options of these names."""
    block, *values = chunks
    options = options._replace(**dict(zip(names, values, strict=True)))
    with one_thread():
        return door.scan_array(plain(block), axis, dtype, None, options)


def _joined(*chunks: Any) -> Any:
    return np.concatenate(chunks)


def _always(key: Any, index: tuple[int, ...]) -> Any:
    del index
    return key
