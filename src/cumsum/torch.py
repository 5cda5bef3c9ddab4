"""torch tensors, to the letter of ``torch.cumsum`` (2.13).

Our own kernels compute every result on a strided CPU tensor, by way of our operator where the call
is traced or transformed. `torchs_own` is called where there is nothing of ours to run: to word the
error of a call that torch refuses, and for tensors of other devices or of another kind (sparse,
quantized, a subclass that dispatches by itself).
"""

from __future__ import annotations

import threading
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, overrides
from torch._C._functorch import peek_interpreter_stack
from torch.autograd import forward_ad
from torch.masked import MaskedTensor
from torch.nested._internal.nested_tensor import NestedTensor

from cumsum import _core
from cumsum.kernels import tensor
from cumsum.kernels.tensor import How
from cumsum.operator import differentiable_scan, recorded_scan
from cumsum.options import NAMES, PLAIN, Options, take
from cumsum.precision import torch_cannot
from cumsum.tensors import (
    has_elements,
    has_memory,
    is_dense,
    is_strided,
    is_transformed,
    is_watched,
    overlaps_itself,
    same_elements,
    share_memory,
)

# Python's own types that torch takes for dtypes.
_BUILTIN_DTYPES: dict[Any, torch.dtype] = {
    bool: torch.bool,
    int: torch.int64,
    float: torch.float64,
    complex: torch.complex128,
}
_BUILTIN_CODES = {kind: int(tensor.CODES[dtype]) for kind, dtype in _BUILTIN_DTYPES.items()}
_HAS_NAMES = hasattr(Tensor, "names")  # before torch 2.13
# Result dtypes that torch has a scan for.
_SCANNED = set(tensor.CODES) - {torch.bool, torch.uint16, torch.uint32, torch.uint64}
# Kinds of tensors that torch wraps around others and has no scan for.
_WITHIN = (MaskedTensor, NestedTensor)


class _Answering(threading.local):
    """Whether this thread is in `torchs_own`; see `cumsum.dispatcher`."""

    now = False


answering = _Answering()


class Call(NamedTuple):
    """The arguments of a call."""

    input: Tensor
    dim: int
    dtype: torch.dtype | None
    out: Tensor | None
    options: Options = PLAIN


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
        (
            torch._C._len_torch_dispatch_stack,
            torch._C._len_torch_function_stack,
            torch._C._autograd._profiler_enabled,
        ),
        (peek_interpreter_stack, torch._C._get_tracing_state),
        torch._C.__file__ if native else None,
    )


def torchs_own(function: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """torch's answer to a call that our kernels have none for; as a rule, its error."""
    before, answering.now = answering.now, True
    try:
        return function(*args, **without_options(kwargs))
    finally:
        answering.now = before


def without_options(kwargs: dict[str, Any]) -> dict[str, Any]:
    """The keywords that torch's own function knows."""
    return {name: value for name, value in kwargs.items() if name not in NAMES}


def bind(args: tuple[Any, ...], kwargs: dict[str, Any], *, in_place: bool) -> Call | None:
    """The arguments by name; None if torch's parser would refuse them."""
    rest = dict(kwargs)
    options = take("cumsum_" if in_place else "cumsum", rest)
    positional = list(args)
    values = []
    for names in (("input", "a", "x"), ("dim", "axis")):
        given = [rest.pop(name) for name in names if name in rest]
        given += [positional.pop(0)] if positional else []
        if len(given) != 1:
            return None
        values += given
    dtype = rest.pop("dtype", None)
    out = None if in_place else rest.pop("out", None)
    dim = _as_dim(values[1])
    if positional or rest or dim is None or not _is_tensor_like(values[0]):
        return None
    dtype = _BUILTIN_DTYPES.get(dtype, dtype) if isinstance(dtype, type) else dtype
    if not isinstance(dtype, torch.dtype | None) or not (out is None or _is_tensor_like(out)):
        return None
    return Call(values[0], dim, dtype, out, options)


def _is_tensor_like(x: Any) -> bool:
    return isinstance(x, Tensor) or hasattr(type(x), "__torch_function__")


def _as_dim(value: Any) -> int | None:
    if isinstance(value, bool) or not isinstance(value, int | np.integer | Tensor | torch.SymInt):
        return None
    if isinstance(value, Tensor):
        integer = not (value.dtype == torch.bool or value.is_floating_point() or value.is_complex())
        return int(value) if integer and value.dim() == 0 else None
    return int(value)


def is_named(x: Any) -> bool:
    """Whether a dim of `x` has a name, which torch would hand on to the result."""
    return _HAS_NAMES and x.has_names()


def result_dtype(call: Call) -> torch.dtype:
    """The dtype that the elements are cast to, before they are added up."""
    if call.dtype is not None:
        return call.dtype
    if call.out is not None:
        return call.out.dtype
    return tensor.default_dtype(call.input.dtype)


def can_trace(x: Tensor, dtype: torch.dtype) -> bool:
    """Whether the scan of `x` may stand in a graph; torch words the errors of others."""
    graded = x.requires_grad and torch.is_grad_enabled()
    scanned = x.device.type == "cpu" and dtype in _SCANNED
    return scanned and (tensor.has_gradient(dtype) or not graded)


def normalized(dim: int, x: Tensor) -> int | None:
    """`dim` made non-negative, None if it is out of range; a 0-d tensor has the one dim 0."""
    dims = max(x.dim(), 1)
    return dim % dims if -dims <= dim < dims else None


def _cannot_be_written(y: Tensor) -> bool:
    """Whether torch refuses to write a result to `y`, whatever the result."""
    if y.is_inference() and not torch.is_inference_mode_enabled():
        return True
    return overlaps_itself(y) or y._is_zerotensor()


def is_refused(call: Call, dtype: torch.dtype) -> bool:
    """Whether torch raises for this call with `out=`, or for its dtype."""
    x, given, out = call.input, call.dtype, call.out
    whole = has_elements(x)  # others never reach torch's kernel, nor its checks
    if whole and dtype not in _SCANNED:
        return True
    if torch.is_grad_enabled():
        if x.requires_grad and (out is not None or not tensor.has_gradient(dtype)):
            return True
        if out is not None and out.requires_grad:
            return True
    if out is None:
        return False
    if (given is not None and given != out.dtype) or _cannot_be_written(out):
        return True
    if not (whole and has_memory(x) and has_memory(out)):
        return False
    clash = x.dtype == out.dtype and x.shape == out.shape and share_memory(x, out)
    return clash and not same_elements(x, out) and is_dense(x) and is_dense(out)


def check_plain(call: Call) -> None:
    """Raise an error if anything is asked for that torch's own function does not have."""
    if not call.options.is_plain:
        raise NotImplementedError(
            "cumsum(): exclusive, reverse, include_initial and initial are not available for a "
            f"{type(call.input).__name__} of layout {call.input.layout} on {call.input.device}"
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
    dim, dtype = normalized(call.dim, x), result_dtype(call)
    ours = is_strided(x) and (out is None or _can_take(x, out))
    if dim is None or not ours or is_refused(call, dtype):
        return _torchs_own(torch.cumsum, call, args, kwargs)
    if x.dim() == 0 and not call.options.is_plain:
        return _scan_number(call)
    initial, manner = first_values(call, dim, dtype), how(call, dim, dtype)
    if out is None:
        return differentiable_scan(x, initial, *manner)
    if is_watched():
        return _write_traced(x, out, initial, manner)
    return _write(x, out, initial, manner)


def how(call: Call, dim: int, dtype: torch.dtype) -> How:
    """The manner of a call whose `dim` is non-negative and whose sums are of `dtype`."""
    options = call.options
    orientation = options.exclusive, options.reverse, options.include_initial
    return How(dim, dtype, *orientation, options.compensated)


def _category(dtype: torch.dtype) -> int:
    """Integers, floats, complex numbers: each hold those before them."""
    return 2 * dtype.is_complex + dtype.is_floating_point


def first_values(call: Call, dim: int, dtype: torch.dtype) -> Tensor | None:
    """What the sums begin with, of `dtype`, for every line; with one element along `dim`."""
    x, initial = call.input, call.options.initial
    if initial is None:
        return None
    values = torch.as_tensor(initial, device=x.device)
    if _category(values.dtype) > _category(dtype):
        raise TypeError(f"cumsum(): initial of {values.dtype} cannot be a sum of dtype {dtype}")
    lines = (*x.shape[:dim], *x.shape[dim + 1 :])
    if values.dim() == x.dim() and values.size(dim) == 1:
        values = values.squeeze(dim)
    try:
        return values.to(dtype).expand(lines).unsqueeze(dim)
    except RuntimeError:
        message = (
            f"cumsum(): initial has shape {tuple(values.shape)}, but there are lines of {lines}"
        )
        raise ValueError(message) from None


def _scan_number(call: Call) -> Any:
    """The scan of a 0-d tensor as a line of one element."""
    line = call._replace(input=call.input.reshape(1), dim=0, out=None)
    sums = cumsum(*line[:2], dtype=result_dtype(call), **call.options.keywords())
    if not call.options.include_initial:
        sums = sums.reshape(())
    return sums if call.out is None else call.out.resize_(sums.shape).copy_(sums)


def _scan_within(call: Call) -> Any:
    """The scan of the tensors within a masked or a nested one."""
    from cumsum import masked, nested

    if call.options.include_initial or call.options.initial is not None:
        kind = type(call.input).__name__
        raise NotImplementedError(
            f"cumsum(): include_initial and initial have no meaning for a {kind}"
        )
    return (nested if isinstance(call.input, NestedTensor) else masked).cumsum(call)


def _can_take(x: Tensor, out: Tensor) -> bool:
    """Whether `out` is memory for a result of ours; fakes are none, transforms have none."""
    hidden = is_transformed() or torch._C._get_tracing_state() is not None
    return is_strided(out) and has_memory(x) and has_memory(out) and not hidden


def _write_traced(x: Tensor, out: Tensor, initial: Tensor | None, how: How) -> Tensor:
    _fit(out, x, how)
    return out.copy_(differentiable_scan(x, initial, *how))


def _fit(out: Tensor, x: Tensor, how: How) -> None:
    shape = torch.Size(tensor.shape_of(x, how))
    if out.shape != shape:
        _resize(out, shape)


def _resize(out: Tensor, shape: torch.Size) -> None:
    """Give `out` another shape, with torch's warning unless it is empty."""
    if out.numel():
        zero = torch.zeros((), dtype=torch.uint8)
        torch.add(zero.expand(shape), zero, out=zero.expand(out.shape).clone())
    out.resize_(shape)


def _write(x: Tensor, out: Tensor, initial: Tensor | None, how: How) -> Tensor:
    if out.is_inference():  # such a tensor has no version
        return _write_unversioned(x, out, initial, how)
    with torch.autograd.grad_mode._unsafe_preserve_version_counter(out):
        _write_unversioned(x, out, initial, how)
    torch.autograd.graph.increment_version(out)
    return out


@torch.no_grad()
def _write_unversioned(x: Tensor, out: Tensor, initial: Tensor | None, how: How) -> Tensor:
    _fit(out, x, how)
    sums = tensor.at_border(out, how)[0] if how.include_initial else out
    if x.numel() and share_memory(x, out) and not same_elements(x, sums):
        x = x.clone()
    if initial is not None and share_memory(initial, out):
        initial = initial.clone()
    tensor.scan_into(x, out, initial, how)
    return out


def cumsum_(*args: Any, **kwargs: Any) -> Any:
    """`cumsum.cumsum_` for a tensor."""
    call = bind(args, kwargs, in_place=True)
    if call is None:
        return torchs_own(Tensor.cumsum_, args, kwargs)
    x = call.input
    if overrides.has_torch_function((x,)):
        from cumsum import cumsum_ as public

        return overrides.handle_torch_function(public, (x,), *args, **kwargs)
    dim = normalized(call.dim, x)
    whole = has_elements(x)
    tracked = x.requires_grad and torch.is_grad_enabled()
    if (
        dim is None
        or not is_strided(x)
        or (call.dtype is not None and call.dtype != x.dtype)
        or (whole and x.dtype not in _SCANNED)
        or _cannot_be_written(x)
        or (tracked and x.is_leaf)
    ):
        return _torchs_own(Tensor.cumsum_, call, args, kwargs)
    initial, manner = first_values(call, dim, x.dtype), how(call, dim, x.dtype)
    if x.dim() == 0 and not call.options.is_plain:
        return x.copy_(cumsum(x, 0, **call.options.keywords()))
    if tracked or is_watched() or not has_memory(x):
        return x.copy_(differentiable_scan(x, initial, *manner))
    return _write(x, x, initial, manner)


@torch.no_grad()
def below_autograd(
    x: Tensor, dim: int, dtype: torch.dtype | None, out: Tensor | None
) -> Tensor | None:
    """The scan of memory on the CPU, with nothing recorded; None where torch has to answer.

    For torch's dispatcher, which has dealt with gradients, transforms and versions by now.
    """
    with torch._C.DisableTorchFunction():  # nobody is to see what follows
        call = Call(x, dim, dtype, out)
        axis, result = normalized(dim, x), result_dtype(call)
        if axis is None or is_refused(call, result) or is_named(x):
            return None
        if out is None:
            return tensor.scan(x, None, How(axis, result))
        return _write_unversioned(x, out, None, How(axis, out.dtype))


register()
