"""The numbers of the GPU kernels. None of them changes a bit of a result.

No GPU has been at hand yet to measure: they are chosen by what the compiled kernels take
(docs/gpu.md), and `make gpu` measures them.
"""

from __future__ import annotations

from typing import NamedTuple

WALKED_TILES = 8  # the most of a line that one program can walk along
ONE_PASS_ELEMENTS = 1 << 22  # fewer fit the cache: reading them twice costs less than waiting
PROGRAMS_PER_CORE = 8  # fewer leave a multiprocessor waiting for memory


class Tile(NamedTuple):
    """What a program takes: `lines` lines, `groups` groups of each at once, by so many warps."""

    lines: int
    groups: int
    warps: int


def tile_of(length: int, lines: int, inner: int, *, columns: bool, groups: int) -> Tile:
    """The tile for lines of so many elements, columns or rows, whose blocks have `groups`."""
    groups = min(groups, power_of_two(-(-length // 8)))
    if columns:
        wide = min(256 // groups, power_of_two(inner))
        return Tile(wide, groups, 4 if wide * groups >= 128 else 1)
    return Tile(min(32 // groups, power_of_two(lines)), groups, 1)


def share_of(blocks: int, programs: int, cores: int, *, tile: int) -> int:
    """How many blocks of a tile one program takes, where a whole one leaves cores idle."""
    share = tile
    tiles = -(-blocks // tile)
    while share > 1 and programs * tiles * (tile // share) < PROGRAMS_PER_CORE * cores:
        share //= 2
    return share


def is_walked(blocks: int, programs: int, cores: int, *, tile: int) -> bool:
    """Whether each line is scanned by one program, which needs no sums beforehand."""
    if blocks <= 1:
        return True
    return blocks <= WALKED_TILES * tile and programs >= PROGRAMS_PER_CORE * cores


def short_of(size: int, count: int, *, groups: int) -> int:
    """Up to what length a program takes several of `count` segments of `size` elements in all.

    Twice their mean length, so that most are among them, and the lanes of a program not idle. Where
    most are longer than a block, none is.
    """
    if size > count * 8 * groups:
        return 0
    return 8 * min(groups, power_of_two(-(-2 * size // (8 * count))))


def is_one_pass(blocks: int, elements: int, *, tile: int, row: int) -> bool:
    """Whether programs wait for each other rather than read everything twice.

    What they tell of lines has places for 16 times 16 rows of `row` tiles.
    """
    return elements >= ONE_PASS_ELEMENTS and blocks <= 16 * tile * tile * row


def power_of_two(n: int) -> int:
    """The least power of two that is not less than `n`."""
    return 1 << max(0, n - 1).bit_length()
