"""Launches without the work that Triton repeats for each: half of what a short scan costs.

Triton compiles a kernel for the types and constants of its arguments and for what it sees of their
values: of an address whether 16 divides it, of a number whether it is 1, and whether it needs 64
bits, as well. A key of all this tells the kernel of the launch before, which is called as Triton's
`warmup` has it called. GPUs of other vendors look at more, and are left to Triton.
"""

from __future__ import annotations

from typing import Any

import torch
from triton import JITFunction
from triton.compiler import CompiledKernel

_kernels: dict[tuple[Any, ...], tuple[Any, tuple[Any, ...]]] = {}


def launch(kernel: Any, grid: int, given: tuple[Any, ...], constants: dict[str, Any]) -> None:
    """Launch `grid` programs of a kernel.

    Parameters
    ----------
    kernel : triton.JITFunction
        Or what Triton's interpreter has in its place.
    grid : int
        How many.
    given : tuple of Tensor and int
        The first arguments, a tensor before all others.
    constants : dict of str to constants
        The other arguments, and options of the compiler.
    """
    if not (given[0].is_cuda and torch.version.hip is None and isinstance(kernel, JITFunction)):
        kernel[(grid,)](*given, **constants)
        return
    key = key_of(kernel, given[0].device.index, given, constants)
    found = _kernels.get(key)
    if found is None or kernel.pre_run_hooks:
        compiled = kernel[(grid,)](*given, **constants)
        if isinstance(compiled, CompiledKernel):
            _kernels[key] = compiled, rest_of(kernel, given, constants)
        return
    compiled, rest = found
    compiled[grid, 1, 1](*given, *rest)


def key_of(
    kernel: Any, device: int | None, given: tuple[Any, ...], constants: dict[str, Any]
) -> tuple[Any, ...]:
    """What Triton compiles a kernel for, or more than that. No number is negative."""
    seen = [
        (v == 1, v % 16 == 0, v < 2**31, v < 2**63)
        if isinstance(v, int)
        else (v.dtype, v.data_ptr() % 16 == 0)
        for v in given
    ]
    return (kernel, device, *seen, *constants, *constants.values())


def rest_of(kernel: Any, given: tuple[Any, ...], constants: dict[str, Any]) -> tuple[Any, ...]:
    """The constants in the order of the kernel's arguments; those not given are 0 by default."""
    return tuple(constants.get(name, 0) for name in kernel.arg_names[len(given) :])
