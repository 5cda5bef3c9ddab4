"""What processes tell each other: which scan each of them makes, and bytes from all to all."""

from __future__ import annotations

import math
import zlib
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.distributed import distributed_c10d

from cumsum.autograd import is_recording
from cumsum.kernels.tensor import How

_DTYPES = sorted((x for x in vars(torch).values() if isinstance(x, torch.dtype)), key=str)
_WORDS = 16
HEADER = 8 * _WORDS  # bytes
_FLAGS = ("exclusive", "reverse", "include_initial", "compensated")
_ARGUMENTS = ("with a gradient", "with a gradient of initial", "with initial")
_SHOWN = _WORDS - 6  # dims that there is a word for


class Ranks(NamedTuple):
    """The processes that a scan goes over.

    Attributes
    ----------
    rank : int
        The place of this one among them.
    groups : tuple of (str, int)
        The names and sizes of their process groups. Where there are several, as in a mesh, all
        processes of an inner one come before the next one of the group outside it.
    """

    rank: int
    groups: tuple[tuple[str, int], ...]

    @property
    def size(self) -> int:
        """How many processes there are."""
        return math.prod(size for _, size in self.groups)


def ranks_of(group: Any) -> Ranks:
    """The processes of a group, by default all there are."""
    if group is None:
        group = distributed_c10d._get_default_group()
    if not isinstance(group, torch.distributed.ProcessGroup):
        kind = type(group).__name__
        hint = ", which this process is not in" if isinstance(group, int) else ""
        raise TypeError(f"argument 'group' must be a ProcessGroup, not {kind}{hint}")
    return Ranks(group.rank(), ((group.group_name, group.size()),))


def gather(part: Tensor, ranks: Ranks) -> Tensor:
    """The one-dimensional tensors of all ranks, which are of one length, in a row of rows."""
    every = part
    for name, size in reversed(ranks.groups):
        gathered = torch.ops._c10d_functional.all_gather_into_tensor(every, size, name)
        every = torch.ops._c10d_functional.wait_tensor(gathered)
    return every.view(ranks.size, part.numel())


def recorded(x: Tensor, initial: Tensor | None) -> int:
    """Which of the two a gradient is to reach, and whether there is the second, as bits.

    All ranks have to take part in a gradient.
    """
    return is_recording(x) + (0 if initial is None else 4 + 2 * is_recording(initial))


def header(x: Tensor, how: How, arguments: int) -> Tensor:
    """The length of a shard, and all that is the same for every rank, as bytes."""
    flags = (how.exclusive, how.reverse, how.include_initial, how.compensated)
    lines = [-1 if d == how.dim else n for d, n in enumerate(x.shape)]
    kinds = _DTYPES.index(x.dtype), _DTYPES.index(how.dtype)
    words = [x.size(how.dim), *kinds, arguments + sum(8 * 2**i * on for i, on in enumerate(flags))]
    words += [len(lines), zlib.crc32(repr(lines).encode()), *lines[:_SHOWN]]
    words += [0] * (_WORDS - len(words))
    return torch.tensor(words, dtype=torch.int64).view(torch.uint8).to(x.device)


def lengths_told(headers: Tensor) -> list[int]:
    """The lengths of all ranks' shards; an error if they are not making the same scan."""
    told = headers.clone(memory_format=torch.contiguous_format).view(torch.int64).tolist()
    for rank, words in enumerate(told):
        if words[1:] != told[0][1:]:
            raise ValueError(
                "cumsum(): the ranks do not make the same scan: "
                f"{_described(0, told[0])}, {_described(rank, words)}"
            )
    return [words[0] for words in told]


def exchange_lengths(x: Tensor, how: How, ranks: Ranks, arguments: int) -> list[int]:
    """The lengths of all ranks' shards, from each other; not for graphs, which hold no values."""
    return lengths_told(gather(header(x, how, arguments), ranks))


def check_lengths(headers: Tensor, sizes: Any) -> None:
    """Raise an error if shards are not as long as all ranks were to know."""
    for rank, (length, size) in enumerate(zip(lengths_told(headers), sizes, strict=True)):
        if length != size:
            raise ValueError(
                f"cumsum(): the shard of rank {rank} has {length} elements along the dim of the "
                f"scan, but {size} are its share of {list(sizes)}"
            )


def _described(rank: int, words: list[int]) -> str:
    length, source, result, flags, dims, _, *lines = words
    shape = [length if n == -1 else n for n in lines[:dims]]
    dim = lines.index(-1) if -1 in lines else "?"
    more = [name for i, name in enumerate((*_ARGUMENTS, *_FLAGS)) if flags >> i & 1]
    kinds = f"{_DTYPES[source]} as {_DTYPES[result]}"
    return ", ".join([f"rank {rank} that of shape {shape} along dim {dim}, {kinds}", *more])
