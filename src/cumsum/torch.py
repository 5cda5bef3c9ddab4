"""torch tensors, to the letter of ``torch.cumsum`` (2.13).

Our own kernels compute every result on a strided tensor of the CPU, or of a GPU that Triton
compiles for, by way of our operator where the call is traced or transformed. `torchs_own` is called
where there is nothing of ours to run: to word the error of a call that torch refuses, and for
tensors of other devices or of another kind (sparse, quantized, a subclass that dispatches by
itself).
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, overrides
from torch._C._functorch import peek_interpreter_stack
from torch.autograd import forward_ad
from torch.masked import MaskedTensor
from torch.nested._internal.nested_tensor import NestedTensor

from cumsum import _core
from cumsum.binding import (
    BUILTIN_DTYPES,
    Call,
    bind,
    check_devices,
    check_plain,
    first_values,
    how,
    is_named,
    normalized,
    result_dtype,
    torchs_own,
)
from cumsum.kernels import tensor
from cumsum.kernels.tensor import How
from cumsum.operator import recorded_scan
from cumsum.options import PLAIN
from cumsum.precision import torch_cannot
from cumsum.refusals import cannot_be_written, is_refused, is_scanned, refuse_in_place
from cumsum.tensors import (
    PRE_DISPATCH,
    has_elements,
    has_memory,
    is_distributed,
    is_strided,
    is_transformed,
    is_watched,
)
from cumsum.writing import can_take, scan, write, write_unversioned

_BUILTIN_CODES = {kind: int(tensor.CODES[dtype]) for kind, dtype in BUILTIN_DTYPES.items()}
_HAS_NAMES = hasattr(Tensor, "names")  # before torch 2.13
# Kinds of tensors that torch wraps around others and has no scan for.
_WITHIN = (MaskedTensor, NestedTensor)


def _first_modes() -> list[Any]:
    """Where torch keeps the modes that see calls before autograd, and all else, does.

    Its function that counts them takes as long as a short scan.
    """
    stack: Any = torch._ops
    kept = vars(stack.mode_stack_state_for_pre_dispatch())
    modes: list[Any] = kept.get("_ModeStackStateForPreDispatch__infra_modes", [])
    return modes


def register(*, native: bool = not _HAS_NAMES) -> bool:
    """Let the core take plain tensors itself.

    Parameters
    ----------
    native : bool
        Whether the core may ask libtorch's own functions what it else asks in Python. They know
        nothing of the named tensors that torch had before 2.13.

    Returns
    -------
    bool
        Whether it does; not if it misses one of them.

    Raises
    ------
    ImportError
        If this torch is older than 2.10, which has no table for the core to read tensors by.
    """
    exchange = getattr(Tensor, "__dlpack_c_exchange_api__", None)
    if exchange is None:
        raise ImportError(f"cumsum needs torch >= 2.10 for tensors, found {torch.__version__}")
    contiguous = {"memory_format": torch.contiguous_format}
    return _core.register_torch(
        Tensor,
        exchange,
        {dtype: int(code) for dtype, code in tensor.CODES.items()} | _BUILTIN_CODES,
        torch.empty_like,
        contiguous,
        contiguous | {"dtype": torch.int64},
        torch.get_num_threads,
        getattr(torch._C, "_increment_version", torch.autograd.graph.increment_version),
        vars(forward_ad),
        Tensor.is_neg,
        Tensor.is_conj,
        Tensor.is_inference,
        torch.is_grad_enabled,
        recorded_scan,
        vars(torch._C)["_is_cow_tensor"],
        torch._lazy_clone(torch.zeros(2)),
        (
            torch._C._len_torch_dispatch_stack,
            torch._C._len_torch_function_stack,
            torch._C._autograd._profiler_enabled,
        ),
        (peek_interpreter_stack, torch._C._get_tracing_state),
        _first_modes(),
        PRE_DISPATCH.value,
        torch._C.__file__ if native else None,
    )


def _asks_for_more(call: Call) -> bool:
    """Whether an option is a tensor that a gradient is to reach."""
    if call.options is PLAIN or not torch.is_grad_enabled():
        return False
    return any(isinstance(value, Tensor) and value.requires_grad for value in call.options)


def _check_out(call: Call) -> None:
    """Raise an error if results with options cannot be written to `out`."""
    if call.options.is_plain:
        return
    if _asks_for_more(call):
        raise RuntimeError(
            "cumsum(): functions with out=... arguments don't support automatic differentiation, "
            "but one of the arguments requires grad."
        )
    if is_transformed():
        names = ", ".join(call.options.asked())
        raise NotImplementedError(
            f"cumsum(): {names} not available with out= under a transform or forward-mode "
            "differentiation"
        )


def _torchs_own(function: Any, call: Call, args: Any, kwargs: Any) -> Any:
    """`torchs_own` for a call that we can't serve; it has the plain values alone to give."""
    options = call.options
    if not all(x is None or is_strided(x) for x in (call.input, call.out)):
        check_plain(call)
    if options.compensated and result_dtype(call) in tensor.COMPENSATED:
        for x in (call.input, call.out):
            if x is not None and not is_strided(x):
                raise torch_cannot(f"for a {type(x).__name__} of layout {x.layout} on {x.device}")
        if call.out is not None and is_transformed():
            raise torch_cannot("with out= under a transform or forward-mode differentiation")
    return torchs_own(function, args, kwargs)


def cumsum(*args: Any, **kwargs: Any) -> Any:
    """`cumsum.cumsum` for a tensor."""
    call = bind(args, kwargs, in_place=False)
    if call is None:
        return torchs_own(torch.cumsum, args, kwargs)
    x, out = call.input, call.out
    if overrides.has_torch_function((x, out)):
        from cumsum import cumsum as public

        return overrides.handle_torch_function(public, (x, out), *args, **kwargs)
    if out is None and isinstance(x, _WITHIN):
        return _scan_within(call)
    if is_distributed(x):
        return _scan_distributed(call)
    dim, dtype = normalized(call.dim, x), result_dtype(call)
    check_devices(call)
    ours = is_strided(x) and (out is None or can_take(x, out, call.options))
    if dim is None or not ours or is_refused(call, dtype):
        return _torchs_own(torch.cumsum, call, args, kwargs)
    if out is not None:
        _check_out(call)
    if x.dim() == 0 and not call.options.is_plain:
        return _scan_number(call)
    initial, manner = first_values(call, dim, dtype), how(call, dim, dtype)
    if out is None:
        return scan(x, initial, manner, call.options)
    return write(x, out, initial, manner, call.options)


def _scan_number(call: Call) -> Any:
    """The scan of a 0-d tensor as a line of one element; also where torch scans no line of such."""
    dtype, line = result_dtype(call), call.input.reshape(1)
    if is_scanned(dtype, call.options):
        sums = cumsum(line, 0, dtype=dtype, **call.options.keywords())
    else:
        sums = cumsum(line.to(dtype), 0, dtype=torch.int64, **call.options.keywords()).to(dtype)
    if not call.options.include_initial:
        sums = sums.reshape(())
    return sums if call.out is None else call.out.resize_(sums.shape).copy_(sums)


def _scan_within(call: Call) -> Any:
    """The scan of the tensors within a masked or a nested one."""
    from cumsum import masked, nested

    senseless = set(call.options.asked()) - {"exclusive", "reverse"}
    if senseless:
        kind, names = type(call.input).__name__, " and ".join(sorted(senseless))
        raise NotImplementedError(f"cumsum(): {names} not available for a {kind}")
    return (nested if isinstance(call.input, NestedTensor) else masked).cumsum(call)


def _scan_distributed(call: Call) -> Any:
    from cumsum.distributed import dtensor

    return dtensor.cumsum(call)


def cumsum_(*args: Any, **kwargs: Any) -> Any:
    """`cumsum.cumsum_` for a tensor."""
    call = bind(args, kwargs, in_place=True)
    if call is None:
        return torchs_own(Tensor.cumsum_, args, kwargs)
    x = call.input
    if overrides.has_torch_function((x,)):
        from cumsum import cumsum_ as public

        return overrides.handle_torch_function(public, (x,), *args, **kwargs)
    refuse_in_place(x)
    check_devices(call)
    dim = normalized(call.dim, x)
    whole = has_elements(x)
    tracked = x.requires_grad and torch.is_grad_enabled()
    if (
        dim is None
        or not is_strided(x)
        or (call.dtype is not None and call.dtype != x.dtype)
        or (whole and not is_scanned(x.dtype, call.options))
        or cannot_be_written(x)
        or (tracked and x.is_leaf)
    ):
        return _torchs_own(Tensor.cumsum_, call, args, kwargs)
    if x.dim() == 0 and not call.options.is_plain:
        return x.copy_(cumsum(x, 0, dtype=x.dtype, **call.options.keywords()))
    initial, manner = first_values(call, dim, x.dtype), how(call, dim, x.dtype)
    if tracked or is_watched() or not has_memory(x) or _asks_for_more(call):
        return x.copy_(scan(x, initial, manner, call.options))
    return write(x, x, initial, manner, call.options)


@torch.no_grad()
def below_autograd(
    x: Tensor, dim: int, dtype: torch.dtype | None, out: Tensor | None
) -> Tensor | None:
    """The scan of memory, with nothing recorded; None where torch has to answer.

    For torch's dispatcher, which has dealt with gradients, transforms and versions by now.
    """
    with torch._C.DisableTorchFunction():  # nobody is to see what follows
        call = Call(x, dim, dtype, out)
        axis, result = normalized(dim, x), result_dtype(call)
        if axis is None or is_refused(call, result) or is_named(x):
            return None
        if out is None:
            return tensor.scan(x, None, How(axis, result))
        return write_unversioned(x, out, None, How(axis, out.dtype))


register()
