"""Chunks that are tensors on the CPU; no gradient is recorded."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, overrides

from cumsum import _core, binding
from cumsum.kernels import tensor
from cumsum.kernels.tensor import How
from cumsum.options import Options
from cumsum.refusals import SCANNED, cannot_be_written
from cumsum.stream.form import Form, State
from cumsum.tensors import has_memory, is_strided, is_watched, same_elements, share_memory


def form_of(chunk: Tensor, dim: int, dtype: Any, options: Options) -> Form:
    """The form of a stream that this is a chunk of."""
    _check_kind(chunk)
    if chunk.dim() == 0:
        raise ValueError("Cumsum.update(): a chunk has a dim at least, this one has none")
    axis = binding.normalized(dim, chunk)
    if axis is None:
        dims = chunk.dim()
        message = f"expected to be in range of [{-dims}, {dims - 1}], but got {dim}"
        raise IndexError(f"Dimension out of range ({message})")
    wanted = binding.BUILTIN_DTYPES.get(dtype, dtype) if isinstance(dtype, type) else dtype
    if not isinstance(wanted, torch.dtype | None):
        message = f"argument 'dtype' must be torch.dtype, not {type(dtype).__name__}"
        raise TypeError(f"Cumsum(): {message}")
    result = tensor.default_dtype(chunk.dtype) if wanted is None else wanted
    if result not in SCANNED:
        raise TypeError(f"Cumsum.update(): sums of {chunk.dtype} as {result} are not available")
    _check_gradient(chunk, "the chunk")
    lines = (*chunk.shape[:axis], *chunk.shape[axis + 1 :])
    return Form("torch", axis, lines, chunk.dtype if wanted is None else None, result)


def _check_kind(x: Any) -> None:
    with torch._C.DisableTorchFunction():
        plain = not overrides.has_torch_function((x,)) and not is_watched()
        ours = plain and is_strided(x) and has_memory(x) and not binding.is_named(x)
    if not ours:
        message = f"got a {type(x).__name__}, or a transform or a mode is to see it"
        raise NotImplementedError(
            f"Cumsum.update(): a stream takes plain tensors on the CPU alone; {message}"
        )


def _check_gradient(x: Tensor, name: str) -> None:
    if x.requires_grad and torch.is_grad_enabled():
        raise RuntimeError(
            f"Cumsum.update(): {name} requires a gradient, and a stream records none; "
            "detach it, or call within torch.no_grad()"
        )


def begin(chunk: Tensor, form: Form, options: Options) -> tuple[State, Tensor]:
    """A stream before its first chunk, and what its sums begin with: one element of each line."""
    call = binding.Call(chunk, form.axis, form.dtype, None, options)
    values = binding.first_values(call, form.axis, form.dtype)
    if values is None:
        values = torch.zeros(form.shape(1), dtype=form.dtype)
    _check_gradient(values, "initial")
    values = values.detach().clone(memory_format=torch.contiguous_format)
    values = values.resolve_conj().resolve_neg()
    code = tensor.CODES[form.dtype]
    size = values.numel() * _core.record_size(code, options.compensated)
    records: NDArray[Any] = np.zeros(size, np.uint8)
    if options.initial is not None:
        _core.begin_records(records, values.data_ptr(), code, options.compensated)
    return State(form, records, 0), values


def update(
    chunk: Tensor, out: Any, form: Form, before: State | None, options: Options
) -> tuple[Any, State]:
    """The sums of a chunk, and where the stream stands after it."""
    bordered = before is None and options.include_initial
    how = How(form.axis, form.dtype, options.exclusive, False, bordered, options.compensated)
    shape = tensor.shape_of(chunk, how)
    if out is not None:
        _check_out(out, tuple(shape), form.dtype)
    with torch.no_grad():
        y = torch.empty(shape, dtype=form.dtype) if out is None else out
        sums, x = y, chunk
        if before is None:
            before, values = begin(chunk, form, options)
            if bordered:
                sums, border = tensor.at_border(y, how)
        if share_memory(x, sums) and not same_elements(x, sums):
            x = x.clone()
        after = State(form, before.records.copy(), before.position + x.size(form.axis))
        tensor.resume_into(x, sums, how, _address(after), before.position)
        if bordered:
            border.copy_(values)
    if out is not None and not out.is_inference():
        torch.autograd.graph.increment_version(out)
    return y, after


def total(state: State, options: Options) -> Tensor:
    """The sums of all elements so far: what an element more would have before it."""
    form = state.form
    how = How(form.axis, form.dtype, exclusive=True, compensated=options.compensated)
    x = torch.zeros(form.shape(1), dtype=form.dtype)
    after = state._replace(records=state.records.copy())
    tensor.resume_into(x, x, how, _address(after), state.position)
    return x.squeeze(form.axis)


def _address(state: State) -> int:
    address: int = state.records.__array_interface__["data"][0]
    return address


def _check_out(out: Any, shape: tuple[int, ...], dtype: torch.dtype) -> None:
    if not isinstance(out, Tensor):
        message = f"argument 'out' must be Tensor, not {type(out).__name__}"
        raise TypeError(f"Cumsum.update(): {message}")
    _check_kind(out)
    _check_gradient(out, "out")
    if out.dtype != dtype:
        raise TypeError(f"Cumsum.update(): out is of {out.dtype}, but the sums are of {dtype}")
    if tuple(out.shape) != shape:
        message = f"out has shape {tuple(out.shape)}, but the result has shape {shape}"
        raise ValueError(f"Cumsum.update(): {message}")
    if cannot_be_written(out) or out.is_conj() or out.is_neg():
        raise ValueError("Cumsum.update(): out is not memory that each result has a place in")
