"""Exact sums of tensors, by way of NumPy's view of their memory.

Graphs see the operator `torch.ops.cumsum.exact_scan(x, initial, cuts, dim, dtype, exclusive,
reverse, include_initial, overflow, name)`. Its arguments are those of `cumsum::scan`, but `initial`
is of int64 or uint64, or has a dim more at the end: the two int64 words of each value. `name` is
the keyword that `cuts` are the value of. Integers have no derivatives. Where it is batched, the
index in an error is that of the whole batch, whose dim is the first.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
import torch
from torch import Tensor

from cumsum import abilities
from cumsum.kernels import tensor
from cumsum.kernels.addresses import array_of
from cumsum.kernels.tensor import How
from cumsum.options import Options, has_cuts, with_cuts
from cumsum.overflow import check
from cumsum.segments import tensors as segments
from cumsum.tensors import has_memory, is_watched
from cumsum.threads import chosen_threads, num_threads

Array = np.ndarray[Any, Any]

_library: Any = torch.library.Library("cumsum", "FRAGMENT")  # type: ignore[no-untyped-call]
_library.define(
    "exact_scan(Tensor x, Tensor? initial, Tensor? cuts, int dim, ScalarType dtype, "
    "bool exclusive, bool reverse, bool include_initial, str overflow, str name) -> Tensor",
    tags=(torch.Tag.pt2_compliant_tag, torch.Tag.flexible_layout),
)
exact_scan: Any = torch.ops.cumsum.exact_scan.default


def scan(x: Tensor, initial: Tensor | None, how: How, options: Options) -> Tensor:
    """The exact sums of `x` as a new tensor, part of every graph that is being made."""
    _check(x, options, how.dtype)
    name, cuts = segments.read_cuts(x, how, options) if has_cuts(options) else ("", None)
    call = x, initial, cuts, *how[:5], options.overflow, name
    traced = torch.compiler.is_dynamo_compiling() or is_watched()
    if traced or not all(t is None or has_memory(t) for t in call[:3]):
        result: Tensor = exact_scan(*call)
        return result
    short = x.dim() > 0 and x.size(how.dim) <= _safe_length(x.dtype, how.dtype)
    if short and initial is None and cuts is None:
        return tensor.scan(x, None, how)
    return _compute(*call)


def scan_into(x: Tensor, y: Tensor, initial: Tensor | None, how: How, options: Options) -> None:
    """Write the exact sums of `x` to `y`; or raise OverflowError and write nothing."""
    _check(x, options, how.dtype)
    if y.is_neg():
        sums = torch.empty(y.shape, dtype=y.dtype)
        scan_into(x, sums, initial, how, options)
        y.copy_(sums)
        return
    if has_cuts(options):
        name, cuts = segments.read_cuts(x, how, options)
        options = with_cuts(options, name, array_of(cuts))
    first = None if initial is None else array_of(initial.resolve_neg())
    scan = abilities.for_arrays(options).scan_into
    with num_threads(chosen_threads() or torch.get_num_threads()):
        scan(_readable(x), y.numpy(), how.dim, options, first)


@lru_cache
def _safe_length(of: torch.dtype, to: torch.dtype) -> int:
    """How long a line of one dtype may be, whatever its elements, for sums of the other."""
    if tensor.has_gradient(of) or torch.bool in (of, to):
        return 0
    elements, sums = torch.iinfo(of), torch.iinfo(to)
    below = sums.min // elements.min if elements.min else sums.max
    return min(below, sums.max // elements.max)


def _check(x: Tensor, options: Options, dtype: torch.dtype) -> None:
    if x.device.type not in {"cpu", "meta"}:
        message = f"cumsum(): overflow={options.overflow!r} is not available on {x.device}"
        raise NotImplementedError(message)
    check(options, dtype, not tensor.has_gradient(dtype))


def _readable(x: Tensor) -> Any:
    """The elements as an array, floats in a dtype that NumPy has."""
    x = x.detach().resolve_conj().resolve_neg()
    if x.is_floating_point():
        x = x.double()
    return array_of(torch.zeros_like(x) if x._is_zerotensor() else x)


def _compute(x: Tensor, initial: Tensor | None, cuts: Tensor | None, *rest: Any) -> Tensor:
    *manner, overflow, name = rest
    how = How(*manner)
    y = torch.empty(tensor.shape_of(x, how), dtype=how.dtype)
    options = Options(
        exclusive=how.exclusive,
        reverse=how.reverse,
        include_initial=how.include_initial,
        overflow=overflow,
    )
    scan_into(x, y, initial, how, with_cuts(options, name, cuts) if name else options)
    return y


def _fake(x: Tensor, initial: Tensor | None, cuts: Tensor | None, *rest: Any) -> Tensor:
    how = How(*rest[:-2])
    return torch.empty(tensor.shape_of(x, how), dtype=how.dtype, device=x.device)


def _over_batch(
    info: Any,
    in_dims: tuple[Any, ...],
    x: Tensor,
    initial: Tensor | None,
    cuts: Tensor | None,
    dim: int,
    *rest: Any,
) -> tuple[Tensor, int]:
    def in_batch(t: Tensor, at: int | None) -> Tensor:
        return t.expand(info.batch_size, *t.shape) if at is None else t.movedim(at, 0)

    x = in_batch(x, in_dims[0])
    initial = None if initial is None else in_batch(initial, in_dims[1])
    if cuts is not None:
        x, cuts = segments.cuts_first(info, in_dims[2], x, cuts, rest[-1], dim)
    if x.dim() == 1:  # each sample is a number, and its own sum
        return exact_scan(x.unsqueeze(1), initial, cuts, 1, *rest).squeeze(1), 0
    return exact_scan(x, initial, cuts, dim + 1, *rest), 0


_library.impl("exact_scan", _compute, "CPU")
torch.library.register_fake("cumsum::exact_scan", _fake, lib=_library)
torch.library.register_vmap("cumsum::exact_scan", _over_batch, lib=_library)
