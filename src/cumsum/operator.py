"""The scan as an operator of torch, for calls that are kept, batched, differentiated or recorded.

`torch.ops.cumsum.scan(x, initial, dim, dtype, exclusive, reverse, include_initial, compensated)` is
what torch.compile, torch.export, make_fx, torch.func and fake tensors see of `cumsum.cumsum`. It is
functional; `dim` is non-negative, `initial` has the dtype of the result and one element along
`dim`. Its kernels, fakes and derivatives give the bits of the eager call.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch._C._functorch import is_legacy_batchedtensor, peek_interpreter_stack
from torch._decomp import register_decomposition
from torch._functorch.utils import enable_single_level_autograd_function
from torch.autograd import forward_ad

from cumsum.autograd import is_recording, record
from cumsum.importing import when_imported
from cumsum.kernels import gpu, tensor
from cumsum.kernels.tensor import How
from cumsum.precision import torch_cannot
from cumsum.tensors import has_memory, is_strided, is_watched

_VERSION: Any = torch.__version__  # compares with tuples
library: Any = torch.library.Library("cumsum", "DEF")  # type: ignore[no-untyped-call]
library.define(
    "scan(Tensor x, Tensor? initial, int dim, ScalarType dtype, bool exclusive, bool reverse, "
    "bool include_initial, bool compensated) -> Tensor",
    tags=(torch.Tag.pt2_compliant_tag, torch.Tag.flexible_layout),
)
scan: Any = torch.ops.cumsum.scan.default


def differentiable_scan(x: Tensor, initial: Tensor | None, *how: Any) -> Tensor:
    """The scan of `x`, cast to a dtype, as part of every graph that is being made.

    What is eager and ordinary does without the operator, whose dispatch takes longer than a short
    scan.
    """
    if torch.compiler.is_dynamo_compiling():  # a backward pass on its way into a graph
        traced: Tensor = scan(x, initial, *how)
        return traced
    manner = How(*how)
    if is_legacy_batchedtensor(x):  # is_grads_batched=True: there is no memory of ours to see
        if manner.compensated and manner.dtype in tensor.COMPENSATED:
            raise torch_cannot("for gradients with is_grads_batched=True")
        aten: Tensor = in_core_aten(x, initial, *how)
        return aten
    recording = is_recording(x, initial)
    if not recording:
        plain = tensor.plain_scan(x, initial, manner)
        if plain is not None:
            return plain
    within = initial is not None and not has_memory(initial)
    if is_watched() or within or not has_memory(x):
        result: Tensor = scan(x, initial, *how)
        return result
    if recording:
        return record(x, initial, *how, _compute, differentiable_scan)
    return _compute(x, initial, *how)


def recorded_scan(x: Tensor, dim: int) -> Tensor:
    """`differentiable_scan` of an ordinary tensor of floats that is known to be recorded."""
    return record(x, None, *How(dim, x.dtype), _compute, differentiable_scan)


def _compute(x: Tensor, initial: Tensor | None, *how: Any) -> Tensor:
    return tensor.scan(x, initial, How(*how))


def _compute_on_gpu(x: Tensor, initial: Tensor | None, *how: Any) -> Any:
    """The same on a device that may have no kernels of ours, for a graph from elsewhere."""
    return (_compute if gpu.is_served(x.device) else in_core_aten)(x, initial, *how)


def _fake(x: Tensor, initial: Tensor | None, *how: Any) -> Tensor:
    manner = How(*how)
    return torch.empty(tensor.shape_of(x, manner), dtype=manner.dtype, device=x.device)


def _has_tangent(x: Tensor | None) -> bool:
    """Whether `x` is a dual number; a level that a graph has entered is known to torch alone.

    The look is an operation, and one that masked and nested tensors do not have.
    """
    if x is None or not is_strided(x):
        return False
    return torch._VF._unpack_dual(x, level=0).tangent is not None


def under_autograd(operator: Any, record: Any) -> Any:
    """What `operator` does for torch's autograd, in every level of it.

    `record(*args, compute, operator)` applies a Function to the operator's arguments.
    """

    def differentiate(keys: Any, *given: Any) -> Any:
        tensors = [value for value in given if isinstance(value, Tensor)]
        below = keys & torch._C._after_autograd_keyset

        def compute(*args: Any) -> Any:
            with torch._C._AutoDispatchBelowAutograd():
                return operator.redispatch(below, *args)

        if peek_interpreter_stack() is None:
            if is_recording(*tensors) or any(_has_tangent(x) for x in tensors):
                return record(*given, compute, operator)
            return compute(*given)
        # One of several levels of torch.func, each of which may differentiate in either mode. The
        # others are to record as well, and a Function turns that off for what its forward calls.
        backward, forward = torch.is_grad_enabled(), torch._C._is_fwd_grad_enabled()

        def compute_recorded(*args: Any) -> Any:
            with torch.set_grad_enabled(backward), forward_ad._set_fwd_grad_enabled(forward):
                return compute(*args)

        with enable_single_level_autograd_function():
            return record(*given, compute_recorded, operator)

    return differentiate


_differentiate_scan = under_autograd(scan, record)


def _differentiate(keys: Any, x: Tensor, initial: Tensor | None, *how: Any) -> Any:
    if not (is_recording(x, initial) or _has_tangent(x) or _has_tangent(initial)):
        plain = tensor.plain_scan(x, initial, How(*how))
        if plain is not None:
            return plain
    return _differentiate_scan(keys, x, initial, *how)


def batch_first(
    info: Any, in_dims: tuple[Any, ...], x: Tensor, initial: Tensor | None
) -> tuple[Tensor, Tensor | None]:
    """`x` and `initial` with the dim of vmap in the first place, where all of it is there."""
    of_x, of_initial = in_dims[:2]
    x = x.unsqueeze(0) if of_x is None else x.movedim(of_x, 0)
    if initial is not None:
        initial = initial.unsqueeze(0) if of_initial is None else initial.movedim(of_initial, 0)
        initial = initial.expand(info.batch_size, *initial.shape[1:])
        x = x.expand(info.batch_size, *x.shape[1:])
    return x, initial


def _over_batch(
    info: Any, in_dims: tuple[Any, ...], x: Tensor, initial: Tensor | None, dim: int, *rest: Any
) -> Any:
    x, initial = batch_first(info, in_dims, x, initial)
    if x.dim() == 1:  # each sample is a number, and its own running sum
        return scan(x.unsqueeze(1), initial, 1, *rest).squeeze(1), 0
    return scan(x, initial, dim + 1, *rest), 0


library.impl("scan", _compute, "CPU")
for _key in gpu.KEYS.values():
    library.impl("scan", _compute_on_gpu, _key)
library.impl("scan", _differentiate, "Autograd", with_keyset=True)
torch.library.register_fake("cumsum::scan", _fake, lib=library)
torch.library.register_vmap("cumsum::scan", _over_batch, lib=library)


@register_decomposition(scan)
def in_core_aten(x: Tensor, initial: Tensor | None, *how: Any) -> Any:
    """For whoever wants a graph of torch's own operators alone, such as an exporter to ONNX."""
    dim, dtype, exclusive, reverse, include_initial, compensated = how
    if compensated and dtype in tensor.COMPENSATED:
        raise torch_cannot("in a graph of torch's own operators")
    sums = torch.ops.aten.cumsum.default(x.flip(dim) if reverse else x, dim, dtype=dtype)
    if initial is not None:
        sums = sums + initial
    if exclusive or include_initial:
        first = torch.zeros_like(x.sum(dim, keepdim=True), dtype=dtype)
        first = first if initial is None else first + initial
        if exclusive:
            sums = torch.cat((first, sums), dim).narrow(dim, 0, x.size(dim))
        if include_initial:
            sums = torch.cat((first, sums), dim)
    return sums.flip(dim) if reverse else sums


def _called(x: Tensor, initial: Tensor | None, *how: Any) -> Tensor:
    """The scan as code of Inductor's calls it: without the dispatcher, if nobody is to notice."""
    plain = tensor.plain_scan(x, initial, How(*how))
    if plain is not None:
        return plain
    result: Tensor = scan(x, initial, *how)
    return result


def _lower() -> None:
    """Have Inductor call the scan, in Python by another name.

    It would call the operator by itself, but not where CI is set, as one that has a decomposition.
    """
    from torch._inductor.ir import FallbackKernel
    from torch._inductor.lowering import lowerings, make_fallback
    from torch._inductor.virtualized import V

    make_fallback(scan, warn=False)  # type: ignore[no-untyped-call]
    call = lowerings[scan]

    def call_by_name(*args: Any) -> Any:
        if V.graph.aot_mode and _VERSION < (2, 12):  # it hands on the wrong dtypes
            message = f"AOTInductor can call cumsum from torch 2.12 on, this is {torch.__version__}"
            raise NotImplementedError(message)
        y = call(*args)
        result = y.data.data
        kernel = result if isinstance(result, FallbackKernel) else result.inputs[0]
        if not V.graph.cpp_wrapper:
            kernel.set_python_kernel_name("torch.ops.cumsum.called")
        return y

    lowerings[scan] = call_by_name


def _tell_onnx() -> None:
    from cumsum import onnx

    onnx.register()


def _tell_nested() -> None:
    from cumsum import nested

    nested.register()


torch.ops.cumsum.called = _called  # type: ignore[attr-defined]
when_imported("torch._inductor.lowering", _lower)
when_imported("torch.onnx", _tell_onnx)
when_imported("torch.nested._internal.ops", _tell_nested)
