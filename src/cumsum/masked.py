"""The scan of masked tensors, which torch itself has none for: what is masked out adds nothing.

The mask of the result is that of the input, and a gradient reaches the elements that it shows.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.masked import as_masked_tensor, is_masked_tensor

from cumsum import binding as door
from cumsum.kernels.tensor import How
from cumsum.operator import differentiable_scan
from cumsum.refusals import is_refused
from cumsum.tensors import is_strided


def cumsum(call: door.Call) -> Any:
    """`cumsum.cumsum` for a masked tensor."""
    x: Any = call.input
    data = x.get_data()
    if data.layout is not torch.strided:
        raise ValueError(f"masked cumsum expects strided tensor (got {data.layout} tensor)")
    dim, dtype = door.normalized(call.dim, x), door.result_dtype(call)
    if dim is None or is_refused(call, dtype):
        return door.torchs_own(torch.cumsum, (data, call.dim), {"dtype": dtype})
    if not is_strided(data):
        return door.torchs_own(torch.cumsum, (x, call.dim), {"dtype": dtype})
    return _masked_scan(x, x.get_mask(), door.how(call, dim, dtype))


def _masked_scan(x: Tensor, mask: Tensor, how: How) -> Tensor:
    sums: Tensor = MaskedScan.apply(x, mask, how)  # type: ignore[no-untyped-call]
    return sums


class MaskedScan(torch.autograd.Function):
    """The scan of what both `mask` and the mask of `x` show, as a tensor with that `mask`.

    Like the plain scan it is its own adjoint from the other end. A gradient may have a mask of its
    own: that of the operation it comes from.
    """

    @staticmethod
    def forward(ctx: Any, x: Any, mask: Tensor, how: How) -> Tensor:
        ctx.set_materialize_grads(False)
        ctx.save_for_backward(mask)
        ctx.how = how._replace(dtype=x.dtype, reverse=not how.reverse)
        data = x.get_data()
        shown = torch.where(mask & x.get_mask(), data, data.new_zeros(()))
        return as_masked_tensor(differentiable_scan(shown, None, *how), mask)

    @staticmethod
    def backward(ctx: Any, grad: Any) -> tuple[Tensor | None, ...]:
        if grad is None:
            return None, None, None
        (mask,) = ctx.saved_tensors
        grad = grad if is_masked_tensor(grad) else as_masked_tensor(grad, mask)
        return _masked_scan(grad, mask, ctx.how), None, None
