"""Scans on GPUs, by kernels in Triton; nothing here imports it before a GPU's memory arrives."""

from __future__ import annotations

from functools import lru_cache
from importlib.util import find_spec

import torch

# The devices that Triton compiles for, as torch names them and as its dispatcher does. Those of AMD
# are "cuda" to torch.
KEYS = {"cuda": "CUDA", "xpu": "XPU"}
_CAPABILITY = (8, 0)  # of the oldest GPUs of NVIDIA that Triton compiles for


def takes(device: torch.device) -> bool:
    """Whether memory of a device that has kernels goes to those of GPUs."""
    return device.type != "cpu"


def is_served(device: torch.device) -> bool:
    """Whether there are kernels for memory of a device."""
    return device.type == "cpu" or has_kernels(device.type, device.index)


def has_kernels(kind: str, index: int | None) -> bool:
    """Whether there are kernels for a GPU, or for any; a fake tensor may only speak of it."""
    return kind in KEYS and _has_kernels(kind, index)


@lru_cache
def _has_kernels(kind: str, index: int | None) -> bool:
    if find_spec("triton") is None:
        return False
    module = torch.get_device_module(kind)
    if not module.is_available() or (index or 0) >= module.device_count():
        return True
    which = range(module.device_count()) if index is None else (index,)
    if kind == "xpu":  # sums are carried in float64
        return any(module.get_device_properties(n).has_fp64 for n in which)
    if torch.version.hip is not None:
        return True
    return any(module.get_device_capability(n) >= _CAPABILITY for n in which)
