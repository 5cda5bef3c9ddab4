"""Scans over the processes of ``torch.distributed``, each of which holds a part of the elements."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Unpack

import torch
from torch import Tensor

from cumsum import binding as door
from cumsum.distributed import wire
from cumsum.distributed.scan import scan_over_ranks, scan_with_holes
from cumsum.kernels.tensor import How
from cumsum.options import Options, take
from cumsum.refusals import is_refused
from cumsum.tensors import is_distributed

if TYPE_CHECKING:
    from numpy.typing import ArrayLike
    from torch.distributed import ProcessGroup

    from cumsum.precision import Precision
    from cumsum.typed import Flag, Missing, Nothing

__all__ = ["cumsum", "exscan"]
_ORIENTED = {"exclusive", "reverse", "initial"}
_AVAILABLE = {*_ORIENTED, "where", "skipna", "missing"}


def cumsum(
    local: Tensor,
    dim: int,
    group: ProcessGroup | None = None,
    *,
    sizes: Sequence[int] | None = None,
    dtype: torch.dtype | None = None,
    exclusive: Flag = False,
    reverse: Flag = False,
    initial: Tensor | ArrayLike | None = None,
    precision: Precision = None,
    **others: Unpack[Missing],
) -> Tensor:
    """The part of this process of the running sum of all processes' tensors, put together.

    The tensors of a group's processes are shards of a whole: one after the other along `dim`, in
    the order of ranks. What goes over the wire is a number of full width for each line and each
    4096 elements of it, not the elements.

    Parameters
    ----------
    local : torch.Tensor
        The shard of this process. Its size along `dim` may differ from the others', and be zero;
        its other dims and its dtype may not.
    dim : int
        The dim that the shards follow each other along, in [-ndim, ndim).
    group : torch.distributed.ProcessGroup, optional
        The processes, by default all there are.
    sizes : sequence of int, optional
        The sizes of all shards along `dim`. By default the processes tell each other, and check
        that all ask for the same scan, which takes one more exchange of 128 bytes.
    dtype, exclusive, reverse, precision : optional
        As for ``cumsum.cumsum``, of the whole.
    initial : number or torch.Tensor, optional
        What the sums of the whole begin with; the same on every process. Its gradient is that of
        the whole, too.
    where, skipna, missing : optional
        As for ``cumsum.cumsum``, of the shard.
    **others : object
        The other keywords of ``cumsum.cumsum``, none of which is available.

    Returns
    -------
    torch.Tensor
        Of the shape of `local`.

    Raises
    ------
    ValueError
        On every process, if they do not ask for the same scan.
    TypeError, IndexError, NotImplementedError
        As ``cumsum.cumsum`` does. The other processes wait for this one then, until the timeout of
        the group.
    RuntimeError
        From torch, if a process does not take part.

    See Also
    --------
    exscan : the same of one element for each process.

    Notes
    -----
    Every process of the group has to make the call, and the backward pass through it if there is
    one, in the same order as all other collectives.
    """
    options = _options("cumsum", others, exclusive, reverse, initial, precision, _AVAILABLE)
    _check_kind(local)
    if not hasattr(dim, "__index__"):
        message = f"argument 'dim' (position 2) must be int, not {type(dim).__name__}"
        raise TypeError(f"cumsum(): {message}")
    how, first = _read(door.Call(local, dim, dtype, None, options))
    ranks = wire.ranks_of(group)
    if sizes is None:
        sizes = wire.exchange_lengths(local, how, ranks, wire.recorded(local, first))
    elif len(sizes) != ranks.size:
        message = f"{len(sizes)} sizes are given, but the group has {ranks.size} processes"
        raise ValueError(f"cumsum(): {message}")
    return scan_with_holes(local, first, how, sizes, ranks, options)


def exscan(
    total: Tensor,
    group: ProcessGroup | None = None,
    *,
    check: bool = True,
    dtype: torch.dtype | None = None,
    exclusive: Flag = True,
    reverse: Flag = False,
    initial: Tensor | ArrayLike | None = None,
    precision: Precision = None,
    **others: Unpack[Nothing],
) -> Tensor:
    """The sum of the tensors of all processes before this one, as MPI's ``Exscan``.

    Parameters
    ----------
    total : torch.Tensor
        The tensor of this process, of the same shape and dtype as those of the others.
    group : torch.distributed.ProcessGroup, optional
        The processes, by default all there are.
    check : bool, default True
        Whether the processes check first that all ask for the same, by one more exchange of 128
        bytes. Without it a difference is an error of the backend, which may end the process.
    dtype : torch.dtype, optional
        As for ``cumsum.cumsum``: integers become int64.
    exclusive : bool, default True
        False for the sum that has this process's tensor in it.
    reverse : bool, default False
        Whether it is the sum over the processes after this one.
    initial : number or torch.Tensor, optional
        What the sums begin with; of the shape of `total`, or one value for all.
    precision : {None, "compensated"}, optional
        As for ``cumsum.cumsum``.
    **others : object
        The other keywords of ``cumsum.cumsum``, none of which is available.

    Returns
    -------
    torch.Tensor
        Of the shape of `total`; on the first process, zero or `initial`.

    Raises
    ------
    ValueError, TypeError, NotImplementedError, RuntimeError
        As ``cumsum.distributed.cumsum`` does.

    Notes
    -----
    Sums are made in full width, rank by rank, and rounded once: the same bits every time. The
    result can be differentiated, and every process has to take part in that as well.
    """
    options = _options("exscan", others, exclusive, reverse, initial, precision, _ORIENTED)
    _check_kind(total)
    x = total.unsqueeze(0)
    how, first = _read(door.Call(x, 0, dtype, None, options))
    ranks = wire.ranks_of(group)
    if check:
        wire.exchange_lengths(x, how, ranks, wire.recorded(x, first))
    return scan_over_ranks(x, first, how, [1] * ranks.size, ranks).squeeze(0)


def _options(
    function: str,
    others: Mapping[str, Any],
    exclusive: Flag,
    reverse: Flag,
    initial: Any,
    precision: Precision,
    available: set[str],
) -> Options:
    given = {"exclusive": exclusive, "reverse": reverse, "initial": initial}
    rest = {**others, **given, "precision": precision}
    options = take(function, rest)
    for name in rest:
        raise TypeError(f"{function}() got an unexpected keyword argument '{name}'")
    if missing := set(options.asked()) - available:
        names = " and ".join(sorted(missing))
        raise NotImplementedError(f"{function}(): {names} not available over processes")
    return options


def _check_kind(x: Tensor) -> None:
    if not isinstance(x, Tensor):
        raise TypeError(f"a shard must be a Tensor, not {type(x).__name__}")
    if is_distributed(x):
        raise TypeError("a shard must be a local tensor; cumsum.cumsum takes a DTensor")
    if x.layout is not torch.strided or x.is_quantized or x.is_nested:
        raise NotImplementedError(f"a shard must be strided, but its layout is {x.layout}")


def _read(call: door.Call) -> tuple[How, Tensor | None]:
    """How the whole is scanned, and what its sums begin with; or torch's error."""
    x = call.input
    axis, result = door.normalized(call.dim, x), door.result_dtype(call)
    if axis is None or x.dim() == 0 or is_refused(call, result):
        if x.dim() == 0 and axis is not None:
            raise ValueError("cumsum(): a shard has one dim or more, this one has none")
        door.torchs_own(torch.cumsum, (x, call.dim), {"dtype": call.dtype})
    assert axis is not None
    door.check_devices(call)
    return door.how(call, axis, result), door.first_values(call, axis, result)
