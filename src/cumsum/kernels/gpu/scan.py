"""The scan of a GPU's tensors: what is launched, one kernel after the other.

Short lines, and many of some length, are walked along by one program each. Longer ones are scanned
in three steps: the sums of their blocks, what precedes each of their tiles (one more scan, of the
tiles' sums), and the scan that goes on from there. Where there is much of them, one pass does it
all. Every way makes the same additions.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, NamedTuple

import torch
import triton.language as tl
from torch import Tensor

from cumsum.kernels.gpu import policy
from cumsum.kernels.gpu.code import columns, order, scans
from cumsum.kernels.gpu.code.chain import chain
from cumsum.kernels.gpu.launch import launch
from cumsum.kernels.gpu.layout import Layout, Strides

_NONE = Strides(0, 0, 0)
_RULES = policy.Choices()
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


def cast_of(source: torch.dtype, dtype: torch.dtype) -> Any:
    """What elements are cast to; integers wrap where they are stored, wherever else they would."""
    if dtype.is_floating_point or (dtype == torch.uint64 and source.is_floating_point):
        return TYPES[dtype]
    return tl.int64


@lru_cache
def cores_of(device: torch.device) -> int:
    """The multiprocessors of a GPU; a few where the interpreter stands for one."""
    if device.type == "cpu":
        return 4
    properties: Any = torch.get_device_module(device).get_device_properties(device)
    if device.type == "xpu":  # whose multiprocessors have eight units each
        return max(1, int(properties.max_compute_units) // 8)
    return int(properties.multi_processor_count)


def is_nvidia(device: torch.device) -> bool:
    """Whether programs on it see what others write, without asking for it atomically."""
    return device.type == "cuda" and torch.version.hip is None


class Launch(NamedTuple):
    """What all kernels of a call are given."""

    layout: Layout
    kind: Kind
    tile: policy.Tile
    dtype: Any
    reverse: bool
    kept: bool
    blocks: int
    choices: policy.Choices
    holes: dict[str, int] = {}  # noqa: RUF012 what counts as one, for the kernels that know of them

    @property
    def kernels(self) -> Any:
        """The module of those that fit the tile."""
        return columns if self.tile.single else scans

    @property
    def programs(self) -> int:
        """That take all lines."""
        layout, wide = self.layout, self.tile.lines
        if layout.columns:
            return layout.outer * -(-layout.inner // wide)
        return -(-layout.lines // wide)

    @property
    def warps(self) -> int:
        """Of those programs."""
        return self.programs * self.tile.warps

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


def launch_of(
    layout: Layout,
    kind: Kind,
    dtype: Any,
    *,
    reverse: bool,
    cores: int,
    kept: bool = False,
    choices: policy.Choices = _RULES,
) -> Launch:
    """What kernels are given for such lines."""
    tile = policy.tile_of(
        layout.length,
        layout.lines,
        layout.inner,
        columns=layout.columns,
        groups=kind.groups,
        cores=None if choices.single is False else cores,
    )
    if kind.algebra == order.DECAY and not tile.single:  # a thread has no room for two groups
        tile = tile._replace(warps=max(1, tile.lines * tile.groups // 32))
    tile = choices.tile(tile, columns=layout.columns)
    blocks = -(-layout.length // (tile.groups * 8))
    return Launch(layout, kind, tile, dtype, reverse, kept, blocks, choices)


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
    choices: policy.Choices = _RULES,
    holes: int = 0,
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
    choices : policy.Choices
        What is not left to the policy; no bit of the result depends on it.
    holes : int
        What counts as a hole: some of `order.MASKED`, where the mask is what belongs to the
        elements of `x`, `order.SKIPPED` and `order.SHOWN`.
    """
    if holes:
        choices = choices._replace(single=False, one_pass=False)
    cores = choices.cores or cores_of(x.of.device)
    dtype = kind.wide if kept else cast_of(x.of.dtype, y.of.dtype)
    call = launch_of(layout, kind, dtype, reverse=reverse, cores=cores, kept=kept, choices=choices)
    call = call._replace(holes={"HOLES": holes} if holes else {})
    blocks = call.blocks
    if policy.is_walked(blocks, call.warps, cores, tile=kind.blocks, wanted=choices.walked):
        _scan(call, x, y, initial, None, None, exclusive, blocks)
        return
    if not (kept or call.tile.single) and policy.is_one_pass(
        blocks, layout.lines * layout.length, tile=kind.blocks, row=kind.groups * 8,
        able=is_nvidia(x.of.device), wanted=choices.one_pass,
    ):  # fmt: skip
        grid, given, constants = chain_call(call, x, y, initial, exclusive=exclusive)
        launch(chain, grid, given, constants)
        return
    share = choices.share or policy.share_of(blocks, call.warps, cores, tile=kind.blocks)
    sums = _sums(call, x, share)
    before = _before(call, sums, initial)
    _scan(call, x, y, None, before, sums, exclusive, share)


def _sums(call: Launch, x: Values, share: int) -> Values:
    """The sums of the blocks, [lines, blocks]."""
    sums = _room(call, call.blocks, x.of.device)
    parts = -(-call.blocks // share)
    layout = call.layout
    given = (
        *x, *sums, layout.lines, layout.inner, layout.length, call.blocks, parts, share,
        *layout.strides[0], *_beside(call),
    )  # fmt: skip
    launch(call.kernels.sums, call.programs * parts, given, call.constants | call.holes)
    return sums


def _before(call: Launch, sums: Values, initial: Tensor | None) -> Values:
    """What precedes each tile, [lines, tiles]: the exclusive scan of their sums."""
    each, lines = -(-call.blocks // call.kind.blocks), call.layout.lines
    tiles, before = _room(call, each, sums.of.device), _room(call, each, sums.of.device)
    count = lines * each
    given = (*sums, *tiles, count, call.blocks, each)
    constants = {"ALGEBRA": call.kind.algebra, "P": 128, "BLOCKS": call.kind.blocks}
    constants |= {"num_warps": 4, "enable_fp_fusion": False}
    launch(scans.tiles, -(-count // 128), given, constants)
    rows = Strides(each, 0, 1)
    layout = Layout(lines, 1, each, columns=False, strides=(rows, rows, rows))
    kind = call.kind._replace(acc=call.kind.wide)
    scan(
        tiles, before, initial, layout, kind,
        exclusive=True, reverse=False, kept=True, choices=call.choices,
    )  # fmt: skip
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
    given = (
        *x, *y, y.of if initial is None else initial, *(before or y), *(sums or y),
        layout.lines, layout.inner, layout.length, call.blocks, parts, share,
        *layout.strides[0], *_beside(call), *layout.strides[1],
    )  # fmt: skip
    constants = (
        call.constants
        | call.holes
        | {
            "BEGUN": initial is not None,
            "CARRIED": before is not None,
            "EXCLUSIVE": exclusive,
            "BLOCKS": call.kind.blocks,
        }
    )
    launch(call.kernels.scan, call.programs * parts, given, constants)


def _beside(call: Launch) -> Strides:
    """The strides of what belongs to the elements; of kept values, theirs."""
    strides = call.layout.strides
    return strides[0] if call.kept else strides[2] if len(strides) > 2 else _NONE


def _room(call: Launch, each: int, device: torch.device) -> Values:
    """Memory for values of each line."""
    of = torch.empty(call.layout.lines * each, dtype=call.kind.kept, device=device)
    beside = of if call.kind.algebra == order.PLAIN else torch.empty_like(of)
    return Values(of, beside)


def chain_call(
    call: Launch, x: Values, y: Values, initial: Tensor | None, *, exclusive: bool
) -> tuple[int, tuple[Any, ...], dict[str, Any]]:
    """The scan in one pass over memory: how many programs it takes, and what they are given."""
    layout, kind = call.layout, call.kind
    tiles = -(-call.blocks // kind.blocks)
    rows = -(-tiles // (kind.groups * 8))
    sums = 2 * (1 if kind.algebra == order.PLAIN else 2) * layout.lines * tiles
    states = sums // tiles * rows * 4
    told = torch.zeros(2 + sums + states, dtype=torch.int64, device=x.of.device)
    words = told.view(torch.uint64)
    constants = call.constants
    del constants["KEPT"]
    given = (
        *x, y.of, y.of if initial is None else initial,
        told.view(torch.int32), words[2 : 2 + sums], words[2 + sums :],
        layout.lines, layout.inner, layout.length, call.blocks, tiles, rows, call.programs,
        *layout.strides[0], *_beside(call), *layout.strides[1],
    )  # fmt: skip
    constants |= {
        "BEGUN": initial is not None,
        "EXCLUSIVE": exclusive,
        "POLL": torch.version.hip is not None,
        "BLOCKS": kind.blocks,
    }
    return call.programs * tiles, given, constants
