"""The scan of a GPU's tensors: what is launched, one kernel after the other.

Short lines, and many of some length, are walked along by one program each. Longer ones are scanned
in three steps: the sums of their blocks, what precedes each of their tiles (one more scan, of the
tiles' sums), and the scan that goes on from there.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, NamedTuple

import torch
import triton.language as tl
from torch import Tensor

from cumsum.kernels.gpu import policy
from cumsum.kernels.gpu.code import order, scans
from cumsum.kernels.gpu.layout import Layout, Strides

_NONE = Strides(0, 0, 0)
TYPES: dict[torch.dtype, Any] = {
    torch.bool: tl.int8,
    **{getattr(torch, f"uint{n}"): getattr(tl, f"uint{n}") for n in (8, 16, 32, 64)},
    **{getattr(torch, f"int{n}"): getattr(tl, f"int{n}") for n in (8, 16, 32, 64)},
    torch.float16: tl.float16,
    torch.bfloat16: tl.bfloat16,
    torch.float32: tl.float32,
    torch.float64: tl.float64,
}


class Kind(NamedTuple):
    """How sums are made: in blocks, between them, of what values, of how many at a time."""

    acc: Any
    wide: Any
    algebra: Any = order.PLAIN
    groups: int = 32  # of a block, whose sums form a tree
    blocks: int = 16  # of a tile, whose sums form a chain

    @property
    def kept(self) -> torch.dtype:
        """The dtype of sums in memory."""
        return torch.int64 if self.wide == tl.int64 else torch.float64


class Values(NamedTuple):
    """A tensor, and what else belongs to its values: the low halves of pairs, factors."""

    of: Tensor
    beside: Tensor


def kind_of(dtype: torch.dtype, *, compensated: bool = False, decay: bool = False) -> Kind:
    """How sums of `dtype` are made."""
    if decay:
        return Kind(tl.float64, tl.float64, order.DECAY)
    if not dtype.is_floating_point:
        return Kind(tl.int64, tl.int64)
    acc = tl.float32 if dtype.itemsize == 2 else tl.float64
    if compensated and dtype == torch.float64:
        return Kind(acc, tl.float64, order.PAIR)
    return Kind(acc, tl.float64)


@lru_cache
def cores_of(device: torch.device) -> int:
    """The multiprocessors of a GPU; a few where the interpreter stands for one."""
    if device.type == "cpu":
        return 4
    properties: Any = torch.get_device_module(device).get_device_properties(device)
    if device.type == "xpu":  # whose multiprocessors have eight units each
        return max(1, int(properties.max_compute_units) // 8)
    return int(properties.multi_processor_count)


class Launch(NamedTuple):
    """What all kernels of a call are given."""

    layout: Layout
    kind: Kind
    tile: policy.Tile
    dtype: Any
    reverse: bool
    kept: bool
    blocks: int

    @property
    def programs(self) -> int:
        """That take all lines."""
        layout, wide = self.layout, self.tile.lines
        if layout.columns:
            return layout.outer * -(-layout.inner // wide)
        return -(-layout.lines // wide)

    @property
    def constants(self) -> dict[str, Any]:
        """Those the kernels are compiled with."""
        return {
            "ALGEBRA": self.kind.algebra,
            "KEPT": self.kept,
            "ACC": self.kind.acc,
            "WIDE": self.kind.wide,
            "DTYPE": self.dtype,
            "COLUMNS": self.layout.columns,
            "REVERSE": self.reverse,
            "P": self.tile.lines,
            "K": self.tile.groups,
            "num_warps": self.tile.warps,
            "enable_fp_fusion": False,
        }


def scan(
    x: Values,
    y: Values,
    initial: Tensor | None,
    layout: Layout,
    kind: Kind,
    *,
    exclusive: bool,
    reverse: bool,
    kept: bool = False,
) -> None:
    """Write the scan of `x` to `y`.

    Parameters
    ----------
    x, y : Values
        What is scanned, at the strides 0 and 1 of `layout` (the factors of decays at 2); and where
        sums are written: values if `kept`, else numbers.
    initial : Tensor or None
        What lines begin with, [lines], contiguous.
    layout : Layout
        Of the lines.
    kind : Kind
        How sums are made.
    exclusive, reverse : bool
        As for ``cumsum.cumsum``.
    kept : bool
        Whether the elements are values: sums of tiles.
    """
    cores = cores_of(x.of.device)
    tile = policy.tile_of(
        layout.length, layout.lines, layout.inner, columns=layout.columns, groups=kind.groups
    )
    # Integers wrap where they are stored, wherever else they would.
    dtype = kind.wide if kept or kind.wide == tl.int64 else TYPES[y.of.dtype]
    blocks = -(-layout.length // (tile.groups * 8))
    call = Launch(layout, kind, tile, dtype, reverse, kept, blocks)
    if policy.is_walked(blocks, call.programs, cores, tile=kind.blocks):
        _scan(call, x, y, initial, None, None, exclusive, blocks)
        return
    share = policy.share_of(blocks, call.programs, cores, tile=kind.blocks)
    sums = _sums(call, x, share)
    before = _before(call, sums, initial)
    _scan(call, x, y, None, before, sums, exclusive, share)


def _sums(call: Launch, x: Values, share: int) -> Values:
    """The sums of the blocks, [lines, blocks]."""
    sums = _room(call, call.blocks, x.of.device)
    parts = -(-call.blocks // share)
    layout = call.layout
    scans.sums[(call.programs * parts,)](
        *x, *sums, layout.lines, layout.inner, layout.length, call.blocks, parts, share,
        *layout.strides[0], *_beside(call), **call.constants,
    )  # fmt: skip
    return sums


def _before(call: Launch, sums: Values, initial: Tensor | None) -> Values:
    """What precedes each tile, [lines, tiles]: the exclusive scan of their sums."""
    each, lines = -(-call.blocks // call.kind.blocks), call.layout.lines
    tiles, before = _room(call, each, sums.of.device), _room(call, each, sums.of.device)
    count = lines * each
    scans.tiles[(-(-count // 128),)](
        *sums, *tiles, count, call.blocks, each,
        ALGEBRA=call.kind.algebra, P=128, BLOCKS=call.kind.blocks, num_warps=4,
        enable_fp_fusion=False,
    )  # fmt: skip
    rows = Strides(each, 0, 1)
    layout = Layout(lines, 1, each, columns=False, strides=(rows, rows, rows))
    kind = call.kind._replace(acc=call.kind.wide)
    scan(tiles, before, initial, layout, kind, exclusive=True, reverse=False, kept=True)
    return before


def _scan(
    call: Launch,
    x: Values,
    y: Values,
    initial: Tensor | None,
    before: Values | None,
    sums: Values | None,
    exclusive: bool,
    share: int,
) -> None:
    """Launch the scan itself."""
    parts, layout = -(-call.blocks // share), call.layout
    scans.scan[(call.programs * parts,)](
        *x, *y, y.of if initial is None else initial, *(before or y), *(sums or y),
        layout.lines, layout.inner, layout.length, call.blocks, parts, share,
        *layout.strides[0], *_beside(call), *layout.strides[1],
        BEGUN=initial is not None, CARRIED=before is not None, EXCLUSIVE=exclusive,
        BLOCKS=call.kind.blocks,
        **call.constants,
    )  # fmt: skip


def _beside(call: Launch) -> Strides:
    """The strides of what belongs to the elements; of kept values, theirs."""
    strides = call.layout.strides
    return strides[0] if call.kept else strides[2] if len(strides) > 2 else _NONE


def _room(call: Launch, each: int, device: torch.device) -> Values:
    """Memory for values of each line."""
    of = torch.empty(call.layout.lines * each, dtype=call.kind.kept, device=device)
    beside = of if call.kind.algebra == order.PLAIN else torch.empty_like(of)
    return Values(of, beside)
