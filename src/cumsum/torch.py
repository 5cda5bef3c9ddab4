"""torch tensors, to the letter of ``torch.cumsum`` (2.13).

Our own kernels compute every result on a strided CPU tensor. `torchs_own` is called where there is
nothing of ours to run: to word the error of a call that torch refuses, and for tensors without
memory on the CPU (meta, fakes and tracers, other devices) or of another kind (sparse, quantized,
nested).
"""

from __future__ import annotations

import threading
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, overrides
from torch._C._functorch import (
    TransformType,
    is_functorch_wrapped_tensor,
    peek_interpreter_stack,
)
from torch._subclasses.fake_tensor import FakeTensor, FakeTensorMode
from torch.autograd import forward_ad
from torch.utils._python_dispatch import _get_current_dispatch_mode_stack

from cumsum import _core
from cumsum.autograd import differentiable_scan
from cumsum.kernels import tensor
from cumsum.precision import is_compensated, torch_cannot

# Python's own types that torch takes for dtypes.
_BUILTIN_DTYPES: dict[Any, torch.dtype] = {
    bool: torch.bool,
    int: torch.int64,
    float: torch.float64,
    complex: torch.complex128,
}
_HAS_NAMES = hasattr(Tensor, "names")  # before torch 2.13
# Result dtypes that torch has a scan for.
_SCANNED = set(tensor.CODES) - {torch.bool, torch.uint16, torch.uint32, torch.uint64}


class _Answering(threading.local):
    """Whether this thread is in `torchs_own`; see `cumsum.dispatcher`."""

    now = False


answering = _Answering()


class _Call(NamedTuple):
    input: Tensor
    dim: int
    dtype: torch.dtype | None
    out: Tensor | None
    compensated: bool


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
        torch.empty_like,
        contiguous,
        contiguous | {"dtype": torch.int64},
        torch.get_num_threads,
        getattr(torch._C, "_increment_version", torch.autograd.graph.increment_version),
        vars(forward_ad),
        Tensor.is_neg,
        Tensor.is_conj,
        Tensor.is_inference,
        (torch._C._len_torch_dispatch_stack, torch._C._len_torch_function_stack),
        (peek_interpreter_stack, torch._C._get_tracing_state),
        torch._C.__file__ if native else None,
    )


def torchs_own(function: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """torch's answer to a call that our kernels have none for; as a rule, its error."""
    known = {name: value for name, value in kwargs.items() if name != "precision"}
    before, answering.now = answering.now, True
    try:
        return function(*args, **known)
    finally:
        answering.now = before


def _bind(args: tuple[Any, ...], kwargs: dict[str, Any], *, in_place: bool) -> _Call | None:
    """The arguments by name; None if torch's parser would refuse them."""
    rest = dict(kwargs)
    compensated = is_compensated(rest.pop("precision", None))
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
    return _Call(values[0], dim, dtype, out, compensated)


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


def _has_kernel(x: Tensor) -> bool:
    """Whether `x` is memory on this machine, to be read now."""
    return (
        x.layout is torch.strided
        and x.device.type == "cpu"
        and not x.is_quantized
        and not x.is_nested
        and not torch._is_functional_tensor(x)
        and not (is_functorch_wrapped_tensor(x) and peek_interpreter_stack() is None)
        and type(x).__torch_dispatch__ is Tensor.__torch_dispatch__
    )


def _is_traced() -> bool:
    """Whether the call is to be recorded, or to be seen by a mode, rather than computed."""
    return torch._C._len_torch_dispatch_stack() > 0 or _is_recorded()


def _is_recorded() -> bool:
    """Whether a call that is traced is traced for more than the shape of its result."""
    return (
        any(not isinstance(mode, FakeTensorMode) for mode in _get_current_dispatch_mode_stack())
        or torch._C._get_tracing_state() is not None
        or torch.compiler.is_compiling()
        or _is_functionalized()
    )


def _is_functionalized() -> bool:
    level: Any = peek_interpreter_stack()
    return level is not None and level.key() == TransformType.Functionalize


def _is_transformed() -> bool:
    """Whether a transform of torch.func or forward-mode differentiation is to see the call."""
    return peek_interpreter_stack() is not None or forward_ad._current_level >= 0


def _result_dtype(call: _Call) -> torch.dtype:
    if call.dtype is not None:
        return call.dtype
    if call.out is not None:
        return call.out.dtype
    dtype = call.input.dtype
    return dtype if dtype.is_floating_point or dtype.is_complex else torch.int64


def _normalized(dim: int, x: Tensor) -> int | None:
    """`dim` made non-negative, None if it is out of range; a 0-d tensor has the one dim 0."""
    dims = max(x.dim(), 1)
    return dim % dims if -dims <= dim < dims else None


def _overlaps_itself(x: Tensor) -> bool:
    return any(s == 0 and n > 1 for n, s in zip(x.shape, x.stride(), strict=True))


def _is_dense(x: Tensor) -> bool:
    """Whether the elements fill one range of memory, each at a place of its own."""
    expected = 1
    for stride, size in sorted(zip(x.stride(), x.shape, strict=True)):
        if size != 1:
            if stride != expected:
                return False
            expected *= size
    return True


def _share_memory(x: Tensor, y: Tensor) -> bool:
    """Whether the ranges of memory that two tensors reach over have a byte in common."""

    def end(t: Tensor) -> int:
        reach = sum((n - 1) * s for n, s in zip(t.shape, t.stride(), strict=True))
        return t.data_ptr() + (reach + 1) * t.itemsize

    return x.data_ptr() < end(y) and y.data_ptr() < end(x)


def _same_elements(x: Tensor, y: Tensor) -> bool:
    return (x.data_ptr(), x.dtype, x.shape, x.stride()) == (
        y.data_ptr(),
        y.dtype,
        y.shape,
        y.stride(),
    )


def _cannot_be_written(y: Tensor) -> bool:
    """Whether torch refuses to write a result to `y`, whatever the result."""
    if y.is_inference() and not torch.is_inference_mode_enabled():
        return True
    return _overlaps_itself(y) or y._is_zerotensor()


def _is_refused(call: _Call, dtype: torch.dtype) -> bool:
    """Whether torch raises for this call with `out=`, or for its dtype."""
    x, _, given, out, _ = call
    whole = x.dim() > 0 and x.numel() > 0  # others never reach torch's kernel, nor its checks
    if whole and dtype not in _SCANNED:
        return True
    if torch.is_grad_enabled():
        differentiable = dtype.is_floating_point or dtype.is_complex
        if x.requires_grad and (out is not None or not differentiable):
            return True
        if out is not None and out.requires_grad:
            return True
    if out is None:
        return False
    if (given is not None and given != out.dtype) or _cannot_be_written(out):
        return True
    clash = whole and x.dtype == out.dtype and x.shape == out.shape and _share_memory(x, out)
    return clash and not _same_elements(x, out) and _is_dense(x) and _is_dense(out)


def _refuse_compensated(call: _Call, dtype: torch.dtype) -> None:
    """Raise if `call` wants compensated values and torch's own operator would compute them."""
    if not call.compensated or dtype not in tensor.COMPENSATED:
        return
    if _is_recorded():
        raise torch_cannot("in a call that is traced, compiled or seen by a dispatch mode")
    for x in (call.input, call.out):
        if x is not None and not (_has_kernel(x) or x.is_meta or isinstance(x, FakeTensor)):
            raise torch_cannot(f"for a {type(x).__name__} of layout {x.layout} on {x.device}")
    if call.out is not None and _is_transformed():
        raise torch_cannot("with out= under a transform or forward-mode differentiation")


def cumsum(*args: Any, **kwargs: Any) -> Any:
    """`cumsum.cumsum` for a tensor."""
    call = _bind(args, kwargs, in_place=False)
    if call is None:
        return torchs_own(torch.cumsum, args, kwargs)
    x, out = call.input, call.out
    if overrides.has_torch_function((x, out)):
        from cumsum import cumsum as public

        return overrides.handle_torch_function(public, (x, out), *args, **kwargs)
    dim, dtype = _normalized(call.dim, x), _result_dtype(call)
    transformed = _is_transformed()
    ours = _has_kernel(x) and (out is None or (_has_kernel(out) and not transformed))
    if dim is None or not ours or _is_traced() or _is_refused(call, dtype):
        _refuse_compensated(call, dtype)
        return torchs_own(torch.cumsum, args, kwargs)
    if out is not None:
        return _write(x, out, dim, call.compensated)
    if transformed or (x.requires_grad and torch.is_grad_enabled()):
        return differentiable_scan(x, dim, dtype, compensated=call.compensated)
    return tensor.scan(x, dim, dtype, compensated=call.compensated)


def _resize(out: Tensor, shape: torch.Size) -> None:
    """Give `out` another shape, with torch's warning unless it is empty."""
    if out.numel():
        zero = torch.zeros((), dtype=torch.uint8)
        torch.add(zero.expand(shape), zero, out=zero.expand(out.shape).clone())
    out.resize_(shape)


def _write(x: Tensor, out: Tensor, dim: int, compensated: bool) -> Tensor:
    if out.is_inference():  # such a tensor has no version
        return _write_unversioned(x, out, dim, compensated)
    with torch.autograd.grad_mode._unsafe_preserve_version_counter(out):
        _write_unversioned(x, out, dim, compensated)
    torch.autograd.graph.increment_version(out)
    return out


@torch.no_grad()
def _write_unversioned(x: Tensor, out: Tensor, dim: int, compensated: bool) -> Tensor:
    if out.shape != x.shape:
        _resize(out, x.shape)
    if x.numel() and _share_memory(x, out) and not _same_elements(x, out):
        x = x.clone()
    tensor.scan_into(x, out, dim, compensated=compensated)
    return out


def cumsum_(*args: Any, **kwargs: Any) -> Any:
    """`cumsum.cumsum_` for a tensor."""
    call = _bind(args, kwargs, in_place=True)
    if call is None:
        return torchs_own(Tensor.cumsum_, args, kwargs)
    x = call.input
    if overrides.has_torch_function((x,)):
        from cumsum import cumsum_ as public

        return overrides.handle_torch_function(public, (x,), *args, **kwargs)
    dim = _normalized(call.dim, x)
    whole = x.dim() > 0 and x.numel() > 0
    tracked = x.requires_grad and torch.is_grad_enabled()
    if (
        dim is None
        or not _has_kernel(x)
        or _is_traced()
        or (call.dtype is not None and call.dtype != x.dtype)
        or (whole and x.dtype not in _SCANNED)
        or _cannot_be_written(x)
        or (tracked and x.is_leaf)
    ):
        _refuse_compensated(call, x.dtype)
        return torchs_own(Tensor.cumsum_, args, kwargs)
    if tracked or _is_transformed():
        return x.copy_(differentiable_scan(x, dim, x.dtype, compensated=call.compensated))
    return _write(x, x, dim, call.compensated)


@torch.no_grad()
def below_autograd(
    x: Tensor, dim: int, dtype: torch.dtype | None, out: Tensor | None
) -> Tensor | None:
    """The scan of memory on the CPU, with nothing recorded; None where torch has to answer.

    For torch's dispatcher, which has dealt with gradients, transforms and versions by now.
    """
    with torch._C.DisableTorchFunction():  # nobody is to see what follows
        call = _Call(x, dim, dtype, out, compensated=False)
        axis, result = _normalized(dim, x), _result_dtype(call)
        if axis is None or _is_refused(call, result) or is_named(x):
            return None
        if out is None:
            return tensor.scan(x, axis, result)
        return _write_unversioned(x, out, axis, compensated=False)


register()
