"""The scan of segments of a GPU's tensors: what is launched, one kernel after the other.

Each segment is a line, and has the bits of its own scan. Short ones take one launch. If there are
longer ones, a list of their tiles is made on the device, of which sums are made and scanned first;
or a list of segments, where none is too long for a program to walk along.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import torch
import triton.language as tl
from torch import Tensor

from cumsum.kernels.gpu import policy
from cumsum.kernels.gpu.code import order
from cumsum.kernels.gpu.code import segments as code
from cumsum.kernels.gpu.layout import Layout, Strides
from cumsum.kernels.gpu.scan import Kind, Launch, Values, cast_of, cores_of, launch_of
from cumsum.kernels.gpu.scan import scan as scan_lines

_EACH = 128  # segments that a program counts


class Facts(NamedTuple):
    """What segments are like, or are at most."""

    faults: int  # offsets that break the rules
    longest: int
    long: int  # how many are longer than `policy.short_of` says
    tiles: int  # how many tiles these have
    known: bool = True  # rather than what they are at most


def measured(offsets: Tensor, size: int, kind: Kind) -> Facts:
    """The facts of segments of a dim of `size` elements; it waits for the device."""
    facts = torch.zeros(4, dtype=torch.int64, device=offsets.device)
    count = offsets.numel() - 1
    short = policy.short_of(size, count, groups=kind.groups)
    code.measure[(-(-count // _EACH),)](
        offsets, facts, count, size, short, tile_of(kind), P=_EACH, num_warps=4
    )
    return Facts(*facts.tolist())


def told(offsets: np.ndarray[Any, Any], size: int, kind: Kind) -> Facts:
    """The same of segments that the host knows."""
    sizes = np.diff(offsets)
    long = sizes[sizes > policy.short_of(size, len(sizes), groups=kind.groups)]
    return Facts(0, int(sizes.max()), len(long), int((-(-long // tile_of(kind))).sum()))


def at_most(count: int, size: int, longest: int, kind: Kind) -> Facts:
    """What `count` segments of `size` elements in all are at most."""
    long = min(count, size // (policy.short_of(size, count, groups=kind.groups) + 1))
    return Facts(0, longest, long, long + size // tile_of(kind), known=False)


def tile_of(kind: Kind) -> int:
    """The elements of a tile."""
    return 8 * kind.groups * kind.blocks


class Cuts(NamedTuple):
    """The segments of each line."""

    offsets: Tensor  # int64, contiguous
    facts: Facts

    @property
    def segments(self) -> int:
        """Their number."""
        return self.offsets.numel() - 1


def scan(
    x: Values,
    y: Values,
    cuts: Cuts,
    initial: Tensor | None,
    layout: Layout,
    kind: Kind,
    *,
    exclusive: bool,
    reverse: bool,
    kept: bool = False,
) -> None:
    """Write the scans of the segments of `x` to `y`; see `cumsum.kernels.gpu.scan.scan`.

    Parameters
    ----------
    cuts : Cuts
        At least one segment. If the offsets break the rules, there are other results, or none.
    """
    short = policy.short_of(layout.length, cuts.segments, groups=kind.groups)
    dtype = kind.wide if kept else cast_of(x.of.dtype, y.of.dtype)
    cores = cores_of(x.of.device)
    call = launch_of(layout, kind, dtype, reverse=reverse, cores=cores, kept=kept)
    if short:
        _scan_short(call, x, y, cuts, initial, short, exclusive)
    if cuts.facts.longest > short:
        _scan_long(call, x, y, cuts, initial, short, exclusive)


def _scan_short(
    call: Launch,
    x: Values,
    y: Values,
    cuts: Cuts,
    initial: Tensor | None,
    short: int,
    exclusive: bool,
) -> None:
    """Those that are no longer than `short`."""
    layout = call.layout
    units = layout.lines * cuts.segments
    length = 8 * policy.power_of_two(-(-min(short, cuts.facts.longest) // 8))
    call = call._replace(tile=_tile(call, length, units))
    programs = call.programs * cuts.segments if layout.columns else -(-units // call.tile.lines)
    code.short[(programs,)](
        *x, *y, y.of if initial is None else initial, cuts.offsets, cuts.segments, length,
        layout.lines, layout.inner, layout.length, *layout.strides[0], *layout.strides[1],
        BEGUN=initial is not None, EXCLUSIVE=exclusive, ALONE=layout.lines == 1,
        **call.constants,
    )  # fmt: skip


def _scan_long(
    call: Launch,
    x: Values,
    y: Values,
    cuts: Cuts,
    initial: Tensor | None,
    short: int,
    exclusive: bool,
) -> None:
    """Those that are longer."""
    layout, facts, kind = call.layout, cuts.facts, call.kind
    block = 8 * kind.groups
    call = call._replace(tile=_tile(call, block, layout.lines))
    programs = call.programs * facts.long if facts.known else 0
    blocks = -(-facts.longest // block)
    walked = policy.is_walked(blocks, programs, cores_of(x.of.device), tile=kind.blocks)
    share = policy.WALKED_TILES * kind.blocks if walked else kind.blocks
    starts = _starts(cuts, layout.length, short, share * block)
    room = facts.long if walked else facts.tiles
    tiles = (starts, cuts.segments, cuts.segments.bit_length(), room)
    before = None
    if blocks > share:
        before = _before(call, x, cuts, tiles, initial)
    code.scan[(call.programs * room,)](
        *x, *y, y.of if initial is None else initial, *(before or y), cuts.offsets, *tiles, share,
        layout.lines, layout.inner, layout.length, *layout.strides[0], *layout.strides[1],
        BEGUN=initial is not None and before is None, CARRIED=before is not None,
        EXCLUSIVE=exclusive, BLOCKS=kind.blocks, **call.constants,
    )  # fmt: skip


def _tile(call: Launch, length: int, lines: int) -> policy.Tile:
    """What a program takes of lines of another length, or of more of them."""
    layout, groups = call.layout, call.kind.groups
    return policy.tile_of(
        length, lines, layout.inner, columns=layout.columns, groups=groups, cores=None
    )


def _starts(cuts: Cuts, size: int, short: int, of: int) -> Tensor:
    """Where the tiles of each segment start among those of all; how many there are, in the end."""
    counts = torch.empty_like(cuts.offsets)
    code.tiles[(-(-counts.numel() // _EACH),)](
        cuts.offsets, counts, cuts.segments, size, short, of, P=_EACH, num_warps=4
    )
    starts = torch.empty_like(counts)
    row = Strides(0, 0, 1)
    layout = Layout(1, 1, counts.numel(), columns=False, strides=(row, row))
    kind = Kind(tl.int64, tl.int64)
    pairs = (Values(counts, counts), Values(starts, starts))
    scan_lines(*pairs, None, layout, kind, exclusive=True, reverse=False)
    return starts


def _before(
    call: Launch,
    x: Values,
    cuts: Cuts,
    tiles: tuple[Tensor, int, int, int],
    initial: Tensor | None,
) -> Values:
    """What precedes each tile, [lines, room]: the exclusive scan of their sums, by segments."""
    layout, (starts, _, _, room) = call.layout, tiles
    sums, before = _room(call, room, x.of), _room(call, room, x.of)
    code.sums[(call.programs * room,)](
        *x, *sums, cuts.offsets, *tiles,
        layout.lines, layout.inner, layout.length, *layout.strides[0], BLOCKS=call.kind.blocks,
        **call.constants,
    )  # fmt: skip
    rows = Strides(room, 0, 1)
    of_tiles = Layout(layout.lines, 1, room, columns=False, strides=(rows, rows))
    kind = call.kind._replace(acc=call.kind.wide)
    longest = -(-cuts.facts.longest // tile_of(kind))
    facts = at_most(cuts.segments, room, longest, kind)
    scan(
        sums, before, Cuts(starts, facts), initial, of_tiles, kind,
        exclusive=True, reverse=False, kept=True,
    )  # fmt: skip
    return before


def _room(call: Launch, each: int, like: Tensor) -> Values:
    """Memory for values of each line."""
    of = torch.empty(call.layout.lines * each, dtype=call.kind.kept, device=like.device)
    return Values(of, of if call.kind.algebra == order.PLAIN else torch.empty_like(of))
