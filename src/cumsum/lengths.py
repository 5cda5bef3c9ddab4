"""Where segments begin and end, from how long each is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, overload

import numpy as np

from cumsum.api import is_tensor
from cumsum.fast import cumsum
from cumsum.subclasses import array_of

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, DTypeLike, NDArray
    from torch import Tensor
    from torch import dtype as TorchDType


@overload
def offsets(lengths: Tensor, *, dtype: TorchDType | None = None) -> Tensor: ...
@overload
def offsets(lengths: ArrayLike, *, dtype: DTypeLike | None = None) -> NDArray[Any]: ...
def offsets(lengths: Any, *, dtype: Any = None) -> Any:
    """The offsets of segments of the given lengths: 0, and the sum of the first, two, three ...

    Parameters
    ----------
    lengths : torch.Tensor or array_like
        Integers, none of them negative, of shape (..., n): the segments of each line along the last
        dim.
    dtype : torch.dtype or numpy.dtype, optional
        int64 by default, or int32.

    Returns
    -------
    torch.Tensor or numpy.ndarray
        Of shape (..., n + 1).

    Raises
    ------
    TypeError
        If `lengths` are no integers, or `dtype` is neither int32 nor int64.
    ValueError
        If a length is negative, or `lengths` has no dim.
    OverflowError
        If an offset is more than `dtype` can hold.

    See Also
    --------
    cumsum : takes offsets as ``offsets=``.

    Notes
    -----
    A graph that torch.compile or torch.export makes holds the sums alone: nothing is checked there.

    Examples
    --------
    >>> import cumsum, numpy as np
    >>> cumsum.offsets([3, 0, 4])
    array([0, 3, 3, 7])
    >>> cumsum.offsets(np.array([3, 0, 4]), dtype=np.int32)
    array([0, 3, 3, 7], dtype=int32)
    """
    if is_tensor(lengths):
        return _of_tensor(lengths, dtype)
    values = array_of("lengths", lengths, "offsets")
    if values.size == 0 and not isinstance(lengths, np.ndarray):
        values = values.astype(np.int64)
    wanted = np.dtype(np.int64 if dtype is None else dtype)
    _check(values.dtype.kind in "iu", values.dtype, wanted in (np.int32, np.int64), wanted)
    _check_dims(values)
    sums = cumsum(values, values.ndim - 1, dtype=np.int64, include_initial=True)
    if values.size:
        _check_sums(values, sums, np.iinfo(wanted))
    return sums.astype(wanted, copy=False)


def _of_tensor(lengths: Tensor, dtype: TorchDType | None) -> Tensor:
    import torch

    from cumsum.tensors import are_at_hand

    integers = not (
        lengths.is_floating_point() or lengths.is_complex() or lengths.dtype == torch.bool
    )
    wanted = torch.int64 if dtype is None else dtype
    _check(integers, lengths.dtype, wanted in (torch.int32, torch.int64), wanted)
    _check_dims(lengths)
    sums: Tensor = cumsum(lengths, lengths.dim() - 1, dtype=torch.int64, include_initial=True)
    if lengths.device.type == "cpu" and are_at_hand(lengths) and lengths.numel():
        _check_sums(lengths.numpy(), sums.numpy(), torch.iinfo(wanted))
    return sums.to(wanted)


def _check(integers: bool, given: object, known: bool, wanted: object) -> None:
    if not integers:
        raise TypeError(f"offsets(): lengths must be integers, got dtype {given}")
    if not known:
        raise TypeError(f"offsets(): dtype must be int32 or int64, got {wanted}")


def _check_dims(lengths: Any) -> None:
    if lengths.ndim == 0:
        raise ValueError("offsets(): lengths must have at least one dim")


def _check_sums(lengths: np.ndarray[Any, Any], sums: np.ndarray[Any, Any], limits: Any) -> None:
    """Raise an error if a length is negative, or a sum more than it may be."""
    if (sums[..., 1:] >= sums[..., :-1]).all() and sums[..., -1].max() <= limits.max:
        return
    negative = np.argwhere(lengths < 0)
    if len(negative):
        at = tuple(negative[0].tolist())
        raise ValueError(f"offsets(): lengths{list(at)} is {lengths[at]}, but must not be negative")
    for line in np.ndindex(lengths.shape[:-1]):
        total = 0
        for i, length in enumerate(lengths[line].tolist()):
            total += length
            if total > limits.max:
                raise OverflowError(
                    f"offsets(): the lengths up to lengths{[*line, i]} add up to {total}, but "
                    f"{limits.dtype} holds {limits.max} at most"
                )
