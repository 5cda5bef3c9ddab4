"""Arrays of Dask, by NumPy's conventions: nothing is computed before it is asked for."""

from __future__ import annotations

from typing import Any

import dask.array as da
import numpy as np
from dask.base import tokenize
from dask.highlevelgraph import HighLevelGraph

from cumsum import numpy as door
from cumsum import overflow, several
from cumsum.dask.graph import Chunk, Scan
from cumsum.dask.inputs import check_chunks, edges_of, first_like, key_in, mask_like, tiny
from cumsum.dask.segments import one_segment, places_of
from cumsum.dask.sums import Rounded, sums_for
from cumsum.dask.tasks import Tasks
from cumsum.dask.whole import whole_graph
from cumsum.options import EXACT, SEGMENTS, Options, has_cuts, take
from cumsum.spec import TILE

LARGEST_SHARE = 1 / 16  # of the elements, that aggregates may hold


def cumsum(
    input: da.Array, dim: Any, *, dtype: Any = None, out: Any = None, **keywords: Any
) -> da.Array:
    """`cumsum.cumsum` for an array of Dask; `dim=None` scans the flattened array."""
    check_chunks(input)
    if out is not None:
        raise NotImplementedError("cumsum(): out is not available for an array of Dask")
    if several.are_several(dim):
        return _scan_several(input, dim, dtype, keywords)
    options = take("cumsum", keywords)
    if dim is None or input.ndim == 0:
        input, options = _flattened(input, options)
    axis = 0 if dim is None else door.axis_of(dim, input.ndim)
    result = _result_dtype(input, axis, dtype, options)
    if input.dtype.kind == "c" and result.kind in "iuf":
        input = input.real
    if overflow.is_exact(options) and result.kind == "m":
        raise NotImplementedError("cumsum(): overflow of durations is not available for Dask")
    if input.numblocks[axis] > 1 or overflow.is_exact(options):
        _check_kinds(input, axis, result, options)
        return _scan(input, axis, result, options)
    name = f"cumsum-{tokenize(input.name, axis, result, options)}"
    graph, needed = whole_graph(name, input, axis, result, options)
    return _array(name, graph, [input, *needed], _chunks(input, axis, options), result)


def _scan_several(x: da.Array, dims: Any, dtype: Any, keywords: dict[str, Any]) -> da.Array:
    several.check_options(keywords)
    axes = [door.axis_of(dim, x.ndim) for dim in dims]
    several.check_axes(axes, dims)
    if keywords.get("overflow") in EXACT:
        keywords |= {} if dtype is None else {"dtype": dtype}
        for axis, given in several.exact_steps(x.dtype, axes, keywords):
            x = cumsum(x, axis, **given)
        return x
    for i, axis in enumerate(axes):
        names = (*several.EACH, "include_initial", *(several.FIRST if i == 0 else ()))
        given = {name: keywords[name] for name in names if name in keywords}
        x = cumsum(x, axis, dtype=x.dtype if i else dtype, **given)
    return x


def _flattened(x: da.Array, options: Options) -> tuple[da.Array, Options]:
    """All elements as one line, in the chunks that Dask makes of this, and the mask with them."""
    if options.where is not None:
        spread = da.broadcast_to(mask_like(x, options.where), x.shape, chunks=x.chunks)
        options = options._replace(where=spread.reshape(-1))
    if 0 in x.shape:  # whose chunks Dask may fail to put in a row
        return da.zeros(0, dtype=x.dtype), options
    return x.reshape(-1), options


def _result_dtype(x: da.Array, axis: int, dtype: Any, options: Options) -> np.dtype[Any]:
    """The dtype of the result: that of a scan in memory, of one element, with all its errors."""
    given: dict[str, Any] = dict.fromkeys(SEGMENTS)
    given |= {name: tiny(name, getattr(options, name)) for name in ("where", "initial", "decay")}
    if overflow.is_exact(options) and isinstance(options.initial, int):
        given["initial"] = 0  # the sums may come back into the range
    element = np.zeros((1,) * x.ndim, x.dtype)
    found: np.dtype[Any] = door.scan_array(
        element, axis, dtype, None, options._replace(**given)
    ).dtype
    return found


def _check_kinds(x: da.Array, axis: int, result: np.dtype[Any], options: Options) -> None:
    """Raise an error for sums that only lines in one chunk have."""
    advice = f"a dim that is one chunk: rechunk({{{axis}: -1}})"
    if x.dtype.kind in "mOT" or door.code_of(result) is None:
        message = f"sums of {x.dtype} as {result} need {advice}"
        raise NotImplementedError(f"cumsum(): {message}")
    if options.decay is not None:
        raise NotImplementedError(f"cumsum(): decay needs {advice}")


def _scan(x: da.Array, axis: int, result: np.dtype[Any], options: Options) -> da.Array:
    """A scan of chunks that follow each other along the axis."""
    sums = sums_for(axis, result, options)
    mask = None if options.where is None else mask_like(x, options.where)
    first = first_like(x, axis, options.initial)
    name = f"cumsum-{tokenize(x.name, axis, result, options)}"
    graph: dict[Any, Any] = {}
    needed = [array for array in (mask, first) if isinstance(array, da.Array)]
    segmented = has_cuts(options)
    if segmented:
        graph, more, place = places_of(x, axis, options, name)
        needed += more
    else:
        place = one_segment(x.chunks[axis], options.reverse)
    corner = _corners(x, axis, options)

    def chunk(index: tuple[int, ...]) -> Chunk:
        return Chunk(
            (x.name, *index),
            None if mask is None else key_in(mask, index),
            place(index[axis]),
            key_in(first, index) if isinstance(first, da.Array) else first,
            tuple(begins[i] for begins, i in zip(corner, index, strict=True)),
        )

    tasks = Tasks(sums, Options(skipna=options.skipna, missing=options.missing))
    in_turn = isinstance(sums, Rounded) and _are_short(x, axis, options.reverse, segmented)
    scan = Scan(name, tasks, chunk, in_turn, options.include_initial, segmented)
    graph |= scan.add_all(x.numblocks)
    return _array(name, graph, [x, *needed], _chunks(x, axis, options), result)


def _are_short(x: da.Array, axis: int, reverse: bool, segmented: bool) -> bool:
    """Whether chunks are so short that their aggregates, elements up to a tile, would be large."""
    sizes = x.chunks[axis]
    if np.isnan(sizes).any():
        return True
    position, copied = 0, 0
    for size in sizes[::-1] if reverse else sizes:
        copied += min(size, TILE - 1 if segmented else -position % TILE)
        position += size
    return copied > LARGEST_SHARE * position


def _corners(x: da.Array, axis: int, options: Options) -> list[list[Any]]:
    """Where in the result the chunks begin that the elements stand beside, along each dim."""
    corners = [edges_of(sizes) for sizes in x.chunks]
    if options.include_initial and not options.reverse:
        corners[axis] = [begin + 1 for begin in corners[axis]]
    return corners


def _chunks(x: da.Array, axis: int, options: Options) -> tuple[tuple[int, ...], ...]:
    """Those of the result: with `include_initial` the first, in reverse the last, is longer."""
    sizes = list(x.chunks[axis])
    sizes[-1 if options.reverse else 0] += options.include_initial
    return (*x.chunks[:axis], tuple(sizes), *x.chunks[axis + 1 :])


def _array(
    name: str, graph: dict[Any, Any], needed: list[da.Array], chunks: Any, dtype: np.dtype[Any]
) -> da.Array:
    layers = HighLevelGraph.from_collections(name, graph, dependencies=needed)
    return da.Array(layers, name, chunks, meta=np.empty((0,) * len(chunks), dtype))
