"""Chunks that are tensors on the CPU; no gradient is recorded."""

from __future__ import annotations

import math
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


def is_like(_chunk: Tensor, _form: Form) -> bool:
    """Whether a chunk is one of a stream of this form without a look at the rest of it."""
    return False


def form_of(chunk: Tensor, dim: int, dtype: Any) -> Form:
    """The form of a stream that this is a chunk of."""
    _check_kind(chunk)
    if chunk.dim() == 0:
        raise ValueError("RunningSum.update(): a chunk has one dim or more, this one has none")
    axis = binding.normalized(dim, chunk)
    if axis is None:
        dims = chunk.dim()
        message = f"expected to be in range of [{-dims}, {dims - 1}], but got {dim}"
        raise IndexError(f"Dimension out of range ({message})")
    wanted = binding.BUILTIN_DTYPES.get(dtype, dtype) if isinstance(dtype, type) else dtype
    if not (wanted is None or isinstance(wanted, torch.dtype)):
        message = f"argument 'dtype' must be torch.dtype, not {type(dtype).__name__}"
        raise TypeError(f"RunningSum(): {message}")
    result = tensor.default_dtype(chunk.dtype) if wanted is None else wanted
    if result not in SCANNED:
        raise TypeError(f"RunningSum.update(): sums of {chunk.dtype} as {result} are not available")
    _check_gradient(chunk, "the chunk")
    lines = (*chunk.shape[:axis], *chunk.shape[axis + 1 :])
    return Form("torch", axis, lines, chunk.dtype if wanted is None else None, result)


def _check_kind(x: Any) -> None:
    plain = not overrides.has_torch_function((x,)) and not is_watched()
    here = x.device.type == "cpu" and is_strided(x) and has_memory(x)
    if not (plain and here and not binding.is_named(x)):
        message = f"got a {type(x).__name__}, or a transform or a mode is to see it"
        raise NotImplementedError(
            f"RunningSum.update(): a stream takes plain tensors on the CPU alone; {message}"
        )


def _check_gradient(x: Tensor, name: str) -> None:
    if x.requires_grad and torch.is_grad_enabled():
        raise RuntimeError(
            f"RunningSum.update(): {name} requires a gradient, and a stream records none; "
            "detach it, or call within torch.no_grad()"
        )


def begin(chunk: Tensor, form: Form, options: Options) -> State:
    """A stream of this form before its first chunk."""
    code = tensor.CODES[form.dtype]
    size = math.prod(form.lines) * _core.record_size(code, options.compensated)
    records: NDArray[Any] = np.zeros(size, np.uint8)
    call = binding.Call(chunk, form.axis, form.dtype, None, options)
    values = binding.first_values(call, form.axis, form.dtype)
    if values is not None:
        _check_gradient(values, "initial")
        values = values.detach().contiguous().resolve_conj().resolve_neg()
        _core.begin_records(records, tensor.memory_of(values), options.compensated)
    return State(form, records, 0)


def update(
    chunk: Tensor, out: Any, state: State, spare: NDArray[Any], bordered: bool, options: Options
) -> tuple[Any, State]:
    """The sums of a chunk, and where the stream stands after it: its records are in `spare`."""
    form = state.form
    how = How(
        form.axis,
        form.dtype,
        options.exclusive,
        options.reverse,
        bordered,
        options.compensated,
    )
    shape = tensor.shape_of(chunk, how)
    if out is None:
        y = torch.empty(shape, dtype=form.dtype)
    else:
        _check_out(out, tuple(shape), form.dtype)
        y = out
    with torch.no_grad():
        after = _write(chunk, y, state, spare, how, options)
    if out is not None and not y.is_inference():
        torch.autograd.graph.increment_version(y)
    return y, after


def _write(
    x: Tensor, y: Tensor, state: State, spare: NDArray[Any], how: How, options: Options
) -> State:
    """Write the sums to `y`; nothing is recorded."""
    sums = y
    if how.include_initial:
        sums, border = tensor.at_border(y, how)
    if x.numel() and share_memory(x, y) and not same_elements(x, sums):
        x = x.clone()
    if how.include_initial:
        border.copy_(_one_more(state, spare, options))
    tensor.resume_into(x, sums, how, (state.records, spare), state.position)
    position = state.position + x.size(how.dim)
    return State(state.form, spare if x.numel() else state.records, position)


def total(state: State, options: Options) -> Tensor:
    """The sums of all elements so far."""
    return _one_more(state, np.empty_like(state.records), options).squeeze(state.form.axis)


def _one_more(state: State, spare: NDArray[Any], options: Options) -> Tensor:
    """The sums before an element more of each line; `spare` is written to."""
    form = state.form
    how = How(form.axis, form.dtype, exclusive=True, compensated=options.compensated)
    x = torch.zeros(form.shape(1), dtype=form.dtype)
    tensor.resume_into(x, x, how, (state.records, spare), state.position)
    return x


def add_up(x: Tensor, form: Form, totals: NDArray[Any], options: Options) -> None:
    """Write the sums of the tiles that a chunk consists of to `totals`."""
    how = How(form.axis, form.dtype, reverse=options.reverse, compensated=options.compensated)
    tensor.add_up(x.detach(), how, totals)


def part(chunk: Tensor, axis: int, begin: int, end: int) -> Tensor:
    """Elements of a chunk."""
    return chunk.narrow(axis, begin, end - begin)


def keep(chunk: Tensor) -> Tensor:
    """A copy that no other chunk lies in."""
    return chunk.detach().clone(memory_format=torch.contiguous_format)


def joined(chunks: list[Tensor], axis: int) -> Tensor:
    """Chunks, one after the other."""
    return torch.cat(chunks, axis)


def none_of(form: Form) -> Tensor:
    """A chunk of one element a line that has no memory, for its shape and its dtype."""
    return torch.zeros((), dtype=form.source or form.dtype).expand(form.shape(1))


def code_of(form: Form) -> int:
    """The core's number of the dtype of the sums."""
    return tensor.CODES[form.dtype]


def _check_out(out: Any, shape: tuple[int, ...], dtype: torch.dtype) -> None:
    if not isinstance(out, Tensor):
        message = f"argument 'out' must be Tensor, not {type(out).__name__}"
        raise TypeError(f"RunningSum.update(): {message}")
    _check_kind(out)
    _check_gradient(out, "out")
    if out.dtype != dtype:
        raise TypeError(f"RunningSum.update(): out is of {out.dtype}, but the sums are of {dtype}")
    if tuple(out.shape) != shape:
        message = f"out has shape {tuple(out.shape)}, but the result has shape {shape}"
        raise ValueError(f"RunningSum.update(): {message}")
    if cannot_be_written(out) or out.is_conj() or out.is_neg():
        raise ValueError("RunningSum.update(): out is not memory that each result has a place in")
