"""Segments of tensors, as an operator of torch.

`torch.ops.cumsum.segmented(x, initial, cuts, name, dim, dtype, exclusive, reverse, compensated)`;
`name` is the keyword that `cuts` are the value of. Starts may differ from line to line, and then
have the shape of `x`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.autograd import forward_ad
from torch.autograd.function import _SingleLevelFunction

from cumsum.autograd import is_recording
from cumsum.kernels import gpu, tensor
from cumsum.kernels.addresses import array_of
from cumsum.kernels.tensor import How
from cumsum.operands import as_values, check_fit
from cumsum.operator import batch_first, library, under_autograd
from cumsum.options import Options
from cumsum.segments import check_kind, cuts_of, offsets_of
from cumsum.tensors import are_at_hand, share_memory
from cumsum.threads import chosen_threads

# Offsets are checked, for which the host waits for the device: a CUDA graph cannot hold that.
_TAGS = [tag for name, tag in vars(torch.Tag).items() if name == "cudagraph_unsafe"]
library.define(
    "segmented(Tensor x, Tensor? initial, Tensor cuts, str name, int dim, ScalarType dtype, "
    "bool exclusive, bool reverse, bool include_initial, bool compensated) -> Tensor",
    tags=(torch.Tag.pt2_compliant_tag, torch.Tag.flexible_layout, *_TAGS),
)
segmented: Any = torch.ops.cumsum.segmented.default


def scan(x: Tensor, initial: Tensor | None, how: How, options: Options) -> Tensor:
    """The scans of the segments of `x`, part of every graph that is being made."""
    name, cuts = read_cuts(x, how, options)
    if not are_at_hand(x, initial, cuts):
        traced: Tensor = segmented(x, initial, cuts, name, *how)
        return traced
    if is_recording(x, initial):
        recorded: Tensor = record(x, initial, cuts, name, *how, scan_segments, segmented)
        return recorded
    return scan_segments(x, initial, cuts, name, *how)


def scan_into(x: Tensor, y: Tensor, initial: Tensor | None, how: How, options: Options) -> None:
    """Write the same to `y`."""
    name, cuts = read_cuts(x, how, options)
    if share_memory(cuts, y):
        cuts = cuts.clone()
    _write(x, y, initial, cuts, name, how)


def read_cuts(x: Tensor, how: How, options: Options) -> tuple[str, Tensor]:
    """The keyword and the tensor that cut the dim; starts of one element for each line's."""
    name, given = cuts_of(options)
    if name != "reset":
        check_fit(name, given, torch.int64)
    cuts = as_values(name, given, torch.device("cpu"))
    dtype = cuts.dtype
    if dtype == torch.uint64:
        check_fit(name, cuts, torch.int64)
    if not isinstance(given, Tensor) and cuts.numel() == 0:  # of a list's dtype
        cuts = cuts.to(torch.bool if name == "reset" else torch.int64)
    else:
        floats = dtype.is_floating_point or dtype.is_complex
        check_kind(name, "b" if dtype == torch.bool else "f" if floats else "i", dtype)
    if name != "reset":
        return name, cuts.to(torch.int64)
    if cuts.dim() != 1:
        try:
            cuts = cuts.expand(x.shape)
        except RuntimeError:
            _refuse(cuts, x)
    elif len(cuts) != x.size(how.dim):
        _refuse(cuts, x)
    return name, cuts


def _refuse(starts: Tensor, x: Tensor) -> None:
    shapes = tuple(starts.shape), tuple(x.shape)
    raise ValueError("cumsum(): reset has shape {}, but input has shape {}".format(*shapes))


def scan_segments(x: Tensor, initial: Tensor | None, cuts: Tensor, name: str, *how: Any) -> Tensor:
    """The operator without torch's dispatcher: nothing is recorded."""
    manner = How(*how)
    y = torch.empty(x.shape, dtype=manner.dtype, device=x.device)
    _write(x, y, initial, cuts, name, manner)
    return y


def _write(x: Tensor, y: Tensor, initial: Tensor | None, cuts: Tensor, name: str, how: How) -> None:
    if name == "reset" and cuts.dim() > 1:
        alone = how._replace(dim=0)

        def write(x: Tensor, y: Tensor, initial: Tensor | None, starts: Tensor) -> None:
            _write(x, y, initial, starts, name, alone)

        write_lines(write, how.dim, x, y, initial, cuts)
        return
    if x.numel() and gpu.takes(x.device):
        from cumsum.segments import on_gpu  # which imports Triton

        on_gpu.scan_into(x, y, initial, name, cuts, how)
        return
    offsets = read_offsets(name, cuts, x.size(how.dim))
    if x.numel():
        tensor.scan_segments_into(x, y, initial, offsets, how)


def read_offsets(name: str, cuts: Tensor, size: int) -> np.ndarray[Any, Any]:
    """The int64 offsets of a dim of `size` elements, from any of the keywords' 1-D tensors."""
    threads = chosen_threads() or torch.get_num_threads()
    return offsets_of(name, array_of(cuts.detach().cpu().resolve_neg()), size, threads)


def write_lines(
    write: Callable[..., None],
    dim: int,
    x: Tensor,
    y: Tensor,
    initial: Tensor | None,
    starts: Tensor,
    *more: Tensor,
) -> None:
    """Write the scans of lines that each have `starts` of their own to `y`.

    `write(x, y, initial, starts, *more)` does it for one line. All tensors but `initial` are of the
    shape of `x`.
    """
    lines, sums, cuts, *rest = (t.movedim(dim, -1) for t in (x, y, starts, *more))
    shared = initial is not None and not any(initial.stride())
    if initial is not None and not shared:
        firsts = initial.movedim(dim, -1)
        for at in np.ndindex(lines.shape[:-1]):
            write(*(t[at] for t in (lines, sums, firsts, cuts, *rest)))
        return
    cuts = cuts.clone(memory_format=torch.contiguous_format)  # all lines are one
    cuts[..., :1] = True
    whole = torch.empty(x.numel(), dtype=y.dtype, device=y.device)
    first = initial.reshape(-1)[:1] if initial is not None and initial.numel() else None
    write(lines.reshape(-1), whole, first, cuts.view(-1), *(t.reshape(-1) for t in rest))
    sums.copy_(whole.view(lines.shape))


def _fake(x: Tensor, initial: Tensor | None, cuts: Tensor, name: str, *how: Any) -> Tensor:
    return torch.empty(x.shape, dtype=How(*how).dtype, device=x.device)


class Segmented(_SingleLevelFunction):
    """`Segmented.apply(x, initial, cuts, name, *how, compute, again)`, as `cumsum.autograd` has it.

    The adjoint of each segment's scan is its own from the other end.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor, initial: Tensor | None, cuts: Tensor, *rest: Any) -> Tensor:
        name, *how, compute, ctx.again = rest
        ctx.name, ctx.how, ctx.like = name, How(*how), (x.shape, x.dtype)
        ctx.save_for_backward(cuts)
        ctx.save_for_forward(cuts)
        result: Tensor = compute(x, initial, cuts, name, *how)
        return result

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        how, (_, dtype) = ctx.how, ctx.like
        (cuts,) = ctx.saved_tensors
        of_x = of_initial = None
        if ctx.needs_input_grad[0]:
            back = how._replace(dtype=dtype, reverse=not how.reverse)
            of_x = ctx.again(grad, None, cuts, ctx.name, *back)
        if ctx.needs_input_grad[1]:
            of_initial = grad.sum(how.dim, keepdim=True)
        return of_x, of_initial, *(None,) * (len(how) + 4)

    @staticmethod
    def _compiled_autograd_key(ctx: Any) -> tuple[int]:
        return (ctx._autograd_function_id,)

    @staticmethod
    def jvp(ctx: Any, tangent: Tensor | None, first: Tensor | None, *rest: None) -> Any:
        if tangent is None:
            assert first is not None
            tangent = first.new_zeros(ctx.like[0])
        with forward_ad._set_fwd_grad_enabled(True):  # of the levels further out
            return ctx.again(tangent, first, *ctx.saved_tensors, ctx.name, *ctx.how)


record: Any = Segmented.apply  # type: ignore[attr-defined]


def _over_batch(
    info: Any,
    in_dims: tuple[Any, ...],
    x: Tensor,
    initial: Tensor | None,
    cuts: Tensor,
    name: str,
    dim: int,
    *rest: Any,
) -> Any:
    x, initial = batch_first(info, in_dims, x, initial)
    x, cuts = cuts_first(info, in_dims[2], x, cuts, name, dim)
    return segmented(x, initial, cuts, name, dim + 1, *rest), 0


def cuts_first(
    info: Any, of_cuts: int | None, x: Tensor, cuts: Tensor, name: str, dim: int
) -> tuple[Tensor, Tensor]:
    """`x`, with the dim of vmap in the first place, and cuts for it: for each line or for all."""
    if of_cuts is not None and name != "reset":
        raise NotImplementedError(f"cumsum(): {name} that differ within vmap are not available")
    if of_cuts is None and cuts.dim() == 1:
        return x, cuts
    cuts = cuts.unsqueeze(0) if of_cuts is None else cuts.movedim(of_cuts, 0)
    if cuts.dim() == 2:  # one for each sample, the same for its lines
        cuts = cuts.view(len(cuts), *(-1 if d == dim else 1 for d in range(x.dim() - 1)))
    x = x.expand(info.batch_size, *x.shape[1:])
    return x, cuts.expand(x.shape)


for _key in ("CPU", *gpu.KEYS.values()):
    library.impl("segmented", scan_segments, _key)
library.impl("segmented", under_autograd(segmented, record), "Autograd", with_keyset=True)
torch.library.register_fake("cumsum::segmented", _fake, lib=library)
torch.library.register_vmap("cumsum::segmented", _over_batch, lib=library)
