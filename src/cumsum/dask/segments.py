"""Segments of an axis that lies in chunks."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import dask.array as da
import numpy as np

from cumsum.dask.inputs import edges_of, in_chunks, is_dask
from cumsum.dask.places import Place, edge_of, place_by, place_in
from cumsum.options import Options
from cumsum.segments import check_kind, cuts_of, offsets_of
from cumsum.subclasses import array_of
from cumsum.threads import get_num_threads

Array = np.ndarray[Any, Any]
Graph = dict[Any, Any]
PlaceOf = Callable[[int], Any]  # the place of the chunk of a number: itself, or its key


def one_segment(sizes: tuple[int, ...], reverse: bool) -> PlaceOf:
    """The places of chunks of these sizes if nothing cuts the axis; their sizes may be nan."""
    none = np.zeros(0, np.int64)
    before = edges_of(sizes[::-1] if reverse else sizes)

    def place(k: int) -> Place:
        i = len(sizes) - 1 - k if reverse else k
        position = before[i]
        return Place(i == 0, None if position != position else int(position), none)  # noqa: PLR0124

    return place


def places_of(
    x: da.Array, axis: int, options: Options, name: str
) -> tuple[Graph, list[da.Array], PlaceOf]:
    """The places of the chunks of `x` among segments: their tasks, what these need, and their keys.

    Arrays in memory are cut up at once. Of Dask's arrays, `reset` stays in its chunks, which only
    hand on where the last segment began; offsets and lengths are brought together in one task.
    """
    kind, given = cuts_of(options)
    cuts: Any = given if is_dask(given) else array_of(kind, given)
    if is_dask(cuts) or cuts.size:
        check_kind(kind, cuts.dtype.kind, cuts.dtype)
    if any(size != size for size in x.chunks[axis]):  # noqa: PLR0124
        raise ValueError(f"cumsum(): {kind} needs an input whose chunks have known sizes")
    if kind == "reset":
        _check_reset(cuts, x, axis)
    edges = edges_of(x.chunks[axis])
    places = {k: (f"place-{name}", k) for k in range(len(edges) - 1)}
    if kind == "reset" and is_dask(cuts):
        starts = in_chunks(cuts, (x.chunks[axis],))
        graph, needed = _by_starts(starts, edges, places, options.reverse)
        return graph, needed, places.__getitem__
    ends = [(places[k], edges[k], edges[k + 1], options.reverse) for k in places]
    if is_dask(cuts):
        whole = (f"offsets-{name}",)
        chunks = [(cuts.name, i) for i in range(cuts.numblocks[0])]
        graph = {key: (place_in, whole, *more) for key, *more in ends}
        graph[whole] = (partial(_gather, kind, edges[-1]), *chunks)
        return graph, [cuts], places.__getitem__
    offsets = offsets_of(kind, cuts, edges[-1], get_num_threads())
    graph = {key: (partial(_same, place_in(offsets, *more)),) for key, *more in ends}
    return graph, [], places.__getitem__


def _check_reset(cuts: Any, x: da.Array, axis: int) -> None:
    if cuts.ndim != 1:
        advice = f"a dim that is one chunk, rechunk({{{axis}: -1}}), and no overflow"
        raise NotImplementedError(f"cumsum(): reset for each line needs {advice}")
    if len(cuts) != x.shape[axis]:
        message = f"cumsum(): reset has shape {cuts.shape}, but input has shape {x.shape}"
        raise ValueError(message)


def _by_starts(
    starts: da.Array, edges: list[int], places: dict[int, Any], reverse: bool
) -> tuple[Graph, list[da.Array]]:
    graph: Graph = {}
    edge: Any = edges[-1] if reverse else 0
    order = range(len(edges) - 1)
    for k in order[::-1] if reverse else order:
        chunk = (starts.name, k)
        graph[places[k]] = (place_by, chunk, edges[k], edge, reverse)
        key = ("edge-" + places[k][0], k)
        graph[key] = (edge_of, chunk, edges[k], edge, reverse)
        edge = key
    return graph, [starts]


def _gather(kind: str, size: int, *chunks: Array) -> Array:
    return offsets_of(kind, np.concatenate(chunks), size, get_num_threads())


def _same(place: Place) -> Place:
    return place
