"""The numbers of the GPU kernels. None of them changes a bit of a result.

No GPU has been at hand yet to measure: they are chosen by what the compiled kernels take
(docs/gpu.md), and `make gpu` measures them.
"""

from __future__ import annotations

from typing import NamedTuple

WALKED_TILES = 8  # the most of a line that one program can walk along
ONE_PASS_ELEMENTS = 1 << 22  # fewer fit the cache: reading them twice costs less than waiting
SINGLE_COLUMNS = 16  # side by side: fewer leave more than half of a warp idle
WARPS_PER_CORE = 16  # each has 1 KB under way: 2 MB on 132 cores, 3 TB/s of what takes 0.7 µs


class Tile(NamedTuple):
    """What a program takes: `lines` lines, blocks of `groups` groups of each, by so many warps.

    Threads share a block, or each goes along columns of its own where those are `single`.
    """

    lines: int
    groups: int
    warps: int
    single: bool = False


class Choices(NamedTuple):
    """What a test or a sweep of these numbers wants; None leaves it to the rules here.

    `lines`, `warps` and `share` are powers of two, the last one at most the blocks of a tile.
    """

    lines: int | None = None
    warps: int | None = None
    single: bool | None = None
    share: int | None = None
    walked: bool | None = None
    one_pass: bool | None = None
    cores: int | None = None

    def tile(self, tile: Tile, *, columns: bool) -> Tile:
        """The tile with what was chosen in its place."""
        single = tile.single if self.single is None else columns and self.single
        return Tile(self.lines or tile.lines, tile.groups, self.warps or tile.warps, single)


def tile_of(
    length: int, lines: int, inner: int, *, columns: bool, groups: int, cores: int | None
) -> Tile:
    """The tile for lines of so many elements, columns or rows, whose blocks have `groups`.

    Without a number of cores, threads share blocks.
    """
    groups = min(groups, power_of_two(-(-length // 8)))
    if columns and inner >= SINGLE_COLUMNS and cores is not None:
        return Tile(32, groups, 1, single=True)
    if columns:
        wide = min(256 // groups, power_of_two(inner))
        return Tile(wide, groups, 4 if wide * groups >= 128 else 1)
    return Tile(min(32 // groups, power_of_two(lines)), groups, 1)


def share_of(blocks: int, warps: int, cores: int, *, tile: int) -> int:
    """How many blocks of a tile one program takes, where a whole one leaves cores idle."""
    share = tile
    tiles = -(-blocks // tile)
    while share > 1 and warps * tiles * (tile // share) < WARPS_PER_CORE * cores:
        share //= 2
    return share


def is_walked(
    blocks: int, warps: int, cores: int, *, tile: int, wanted: bool | None = None
) -> bool:
    """Whether each line is scanned by one program, which needs no sums beforehand."""
    if blocks <= 1:
        return True
    if wanted is not None:
        return wanted and blocks <= WALKED_TILES * tile
    return blocks <= WALKED_TILES * tile and warps >= WARPS_PER_CORE * cores


def short_of(size: int, count: int, *, groups: int) -> int:
    """Up to what length a program takes several of `count` segments of `size` elements in all.

    Twice their mean length, so that most are among them, and the lanes of a program not idle. Where
    most are longer than a block, none is.
    """
    if size > count * 8 * groups:
        return 0
    return 8 * min(groups, power_of_two(-(-2 * size // (8 * count))))


def is_one_pass(
    blocks: int, elements: int, *, tile: int, row: int, able: bool, wanted: bool | None = None
) -> bool:
    """Whether programs wait for each other, if `able` to, rather than read everything twice.

    What they tell of lines has places for 16 times 16 rows of `row` tiles.
    """
    if blocks > 16 * tile * tile * row:
        return False
    return able and elements >= ONE_PASS_ELEMENTS if wanted is None else wanted


def power_of_two(n: int) -> int:
    """The least power of two that is not less than `n`."""
    return 1 << max(0, n - 1).bit_length()
