"""A plugin of pytest: tensors of the CPU go to the GPU's kernels, which Triton interprets.

Whatever tests call then takes the way of a GPU's tensors, but for the compiled core's first look
at plain ones. TRITON_INTERPRET=1 must be in the environment.
"""

import importlib

import cumsum
import interpreter
from cumsum import api
from cumsum.kernels import gpu, tensor


def scan(*args, **kwargs):
    """`cumsum.cumsum` without the core's short way."""
    return api.slow_cumsum(*args, **kwargs)


def scan_(*args, **kwargs):
    """`cumsum.cumsum_` without the core's short way."""
    return api.slow_cumsum_(*args, **kwargs)


def pytest_configure(config):
    """Put it in place, for good."""
    interpreter.hasten()
    gpu.takes = lambda device: True
    tensor.plain_scan = lambda *args: None
    importlib.import_module("torch._dynamo")  # by which comes the next
    importlib.import_module("cumsum.traced").register(scan, scan_)
    cumsum.cumsum, cumsum.cumsum_ = scan, scan_
