"""The main loop of a kernel: of all loops that add, the one that moves most bytes in an iteration.

A loop is a set of blocks that go round. Its way round leaves out its inner loops, and where it may
branch it calls least, then stores most, then is shortest: the ways of elements that need more care
and of stores past the cache are not taken. A call is followed, once, within the object.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from itertools import pairwise

from assembly import Instruction, Object

GROUP = 8  # elements; the kernels add no less at a time
Blocks = frozenset[int]  # by the addresses at which they begin


@dataclass(frozen=True)
class Way:
    """Instructions that follow one another."""

    instructions: tuple[Instruction, ...]

    def __add__(self, other: Way) -> Way:
        return Way(self.instructions + other.instructions)

    def __len__(self) -> int:
        return len(self.instructions)

    @property
    def stored(self) -> int:
        """The bytes it stores."""
        return sum(i.stored for i in self.instructions)

    @property
    def loaded(self) -> int:
        """The bytes it loads."""
        return sum(i.loaded for i in self.instructions)

    @property
    def masks(self) -> bool:
        """Whether it asks for each element if it counts."""
        return any(i.mnemonic.startswith("vptestm") for i in self.instructions)

    @property
    def branches(self) -> int:
        """The conditional jumps in it."""
        return sum(i.jumps and not i.ends for i in self.instructions)

    @property
    def calls(self) -> int:
        """The calls in it."""
        return sum(i.calls for i in self.instructions)

    @property
    def cost(self) -> tuple[int, ...]:
        """Of several ways that with the least of it is taken."""
        streams = sum(i.streams for i in self.instructions)
        return self.calls, -self.stored, streams, len(self)


class Function:
    """The blocks of a function, and where each may go on."""

    def __init__(self, code: Object, name: str) -> None:
        lines = code.instructions(name)
        starts = {lines[0].address, *(i.target for i in lines if i.jumps)}
        starts |= {b.address for a, b in pairwise(lines) if a.jumps or a.ends}
        parts: dict[int, list[Instruction]] = {}
        for line in lines:
            if line.address in starts:
                part = parts[line.address] = []
            part.append(line)
        self.entry = lines[0].address
        self.blocks = {start: Way(tuple(part)) for start, part in parts.items()}
        following = dict(pairwise(parts))
        self.next: dict[int, Blocks] = {}
        for start, part in parts.items():
            after = {part[-1].target if part[-1].jumps else None}
            after |= {None if part[-1].ends else following.get(start)}
            self.next[start] = frozenset(a for a in after if a in parts)

    def rings(self, blocks: Blocks) -> set[Blocks]:
        """The largest sets of `blocks` of which each can be reached from each, without others."""
        bit = {block: 1 << i for i, block in enumerate(blocks)}
        reached = {block: sum(bit[a] for a in self.next[block] & blocks) for block in blocks}
        for via in blocks:
            for block in blocks:
                if reached[block] & bit[via]:
                    reached[block] |= reached[via]
        going_round = [block for block in blocks if reached[block] & bit[block]]
        return {
            frozenset(b for b in going_round if reached[a] & bit[b] and reached[b] & bit[a])
            for a in going_round
        }

    def loops(self, blocks: Blocks) -> Iterator[tuple[bool, Way]]:
        """The best way round each loop of `blocks`, then of those within; and if there are none."""
        for ring in self.rings(blocks):
            outside = [self.next[block] for block in self.blocks.keys() - ring]
            head = min((b for b in ring if any(b in after for after in outside)), default=min(ring))
            inner = ring - {head}
            way = self.best(head, inner, {block for block in ring if head in self.next[block]})
            if way:
                yield not self.rings(inner), way
            yield from self.loops(inner)

    def through(self) -> Way | None:
        """The best way from the first instruction to a return; none if there are loops."""
        ends = {b for b, way in self.blocks.items() if way.instructions[-1].mnemonic == "ret"}
        blocks = frozenset(self.blocks)
        return None if self.rings(blocks) else self.best(self.entry, blocks, ends)

    def best(self, start: int, blocks: Blocks, ends: set[int]) -> Way | None:
        """The way of least cost from `start` to one of `ends`, through `blocks` outside loops."""
        passable = blocks.difference(*self.rings(blocks))

        @cache
        def onward(block: int) -> Way | None:
            ways = [onward(after) for after in self.next[block] & passable]
            known = [self.blocks[block] + way for way in ways if way]
            if block in ends:
                known.append(self.blocks[block])
            return min(known, key=lambda way: way.cost, default=None)

        return onward(start)


def follow(code: Object, way: Way) -> Way:
    """The same with the instructions of what it calls, of functions here that have no loops."""
    followed: list[Instruction] = []
    for instruction in way.instructions:
        inside = None
        if instruction.calls and instruction.target in code.at:
            inside = Function(code, code.at[instruction.target]).through()
        followed += inside.instructions[:-1] if inside else [instruction]
    return Way(tuple(followed))


def main_loop(code: Object, pattern: str, elements: Callable[[Way], float]) -> Way:
    """Of the loops in functions with such names that which has most `elements` in an iteration.

    Those without inner loops come first: what an outer loop does by itself is to begin and to end.
    """
    found = []
    for name in filter(re.compile(pattern).search, code.functions):
        function = Function(code, name)
        for innermost, way in function.loops(frozenset(function.blocks)):
            whole = follow(code, way)
            count = elements(whole)
            if count > 0 and count % GROUP == 0 and any(i.adds for i in whole.instructions):
                plain = not whole.calls and not whole.masks
                rank = (plain, innermost, count, -whole.branches, -len(whole))
                found.append((rank, whole))
    if not found:
        raise LookupError(f"no function like {pattern} has a loop that adds whole groups")
    best = max(found, key=lambda entry: entry[0])[1]
    if best.calls:
        raise LookupError(f"the loops of functions like {pattern} call others")
    return best
