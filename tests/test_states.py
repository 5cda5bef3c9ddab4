"""Lines that go on from states: the bits of one scan, wherever they are cut."""

import itertools

import numpy as np
import pytest

import cumsum
from bits import same_bits
from cumsum import _core
from cumsum.dtypes import DType
from cumsum.numpy import code_of, memory_of
from cumsum.spec import Spec

LENGTH = 9000
CUTS = (
    [0, LENGTH],
    [0, 1, 2, 9, 4096, 4097, LENGTH],
    [0, 7, 8, 16, 4100, 8192, LENGTH],
    [0, 4095, 4096, 5000, 8191, LENGTH],
    [0, *range(5, 60, 5), LENGTH],
)
KINDS = {
    "float32": ("float32", {}),
    "float16": ("float16", {}),
    "complex64": ("complex64", {}),
    "compensated": ("float64", {"precision": "compensated"}),
    "int8": ("int8", {"dtype": np.int8}),
    "exact": ("int64", {"overflow": "saturate"}),
    "exact int8": ("int8", {"overflow": "saturate", "dtype": np.int8}),
    "decay": ("float32", {"decay": 0.9}),
    "decays": ("float64", {"decay": "float64"}),
    "own decays": ("float32", {"decay": "float32"}),
    "decays of halves": ("float16", {"decay": "float64"}),
    "complex decays": ("complex64", {"decay": "complex128"}),
    "real decays of complex numbers": ("complex128", {"decay": "float64"}),
}
RNG = np.random.default_rng(3)
MASK = RNG.random((3, LENGTH)) < 0.7


def make(kind):
    """Elements and options of a kind."""
    dtype, options = KINDS[kind]
    if dtype.startswith("int"):
        info = np.iinfo(dtype)
        x = RNG.integers(info.min, info.max, (3, LENGTH), dtype)
    else:
        x = RNG.normal(size=(3, LENGTH)).astype(dtype)
        x = x + (1j * x[:, ::-1] if dtype.startswith("complex") else 0)
    options = dict(options)
    if isinstance(options.get("decay"), str):
        decays = RNG.uniform(0.5, 1.2, x.shape).astype(options["decay"])
        decays[RNG.random(x.shape) < 0.01] = 0
        options["decay"] = decays
    return x.astype(dtype), options


def resumed(x, y, cuts, options):
    """Write the scan of x to y piece by piece, each from the state after the one before."""
    decay, where = options.get("decay"), options.get("where")
    decays = None if decay is None else np.broadcast_to(decay, x.shape)
    spec = Spec(
        1,
        options.get("exclusive", False),
        overflow=options.get("overflow"),
        compensated="precision" in options,
    )
    kind = -1 if decays is None else code_of(decays.dtype)
    exact = "overflow" in options
    size = _core.record_size(code_of(y.dtype), spec.compensated, exact, kind)
    states = np.zeros(3 * size, np.uint8)
    for begin, end in itertools.pairwise(cuts):
        part = (slice(None), slice(begin, end))
        beside = (None if v is None else memory_of(v[part]) for v in (where, decays))
        after = np.zeros_like(states)
        memories = memory_of(x[part]), memory_of(y[part])
        _core.resume(*memories, spec, 2, states, after, begin, *beside)
        states = after


@pytest.mark.parametrize("layout", ["rows", "columns"])
@pytest.mark.parametrize("flags", [{}, {"exclusive": True}, {"where": MASK}], ids="-".join)
@pytest.mark.parametrize("kind", KINDS)
def test_bits(kind, flags, layout):
    x, options = make(kind)
    options |= flags
    whole = cumsum.cumsum(x, 1, **options)
    for cuts in CUTS:
        given, y = x, np.empty_like(whole)
        if layout == "columns":
            given, y = np.asfortranarray(x), np.asfortranarray(y)
        resumed(given, y, cuts, options)
        assert same_bits(np.ascontiguousarray(y), whole), cuts


def test_what_the_core_refuses():
    x = np.ones((3, 8))
    states = bytearray(3 * _core.record_size(DType.float64, False)), bytearray(72)
    memory = memory_of(x)
    for spec in (Spec(1, overflow="raise"), Spec(1, include_initial=True)):
        with pytest.raises(ValueError, match=r"raised|out of range"):
            _core.resume(memory, memory, spec, 1, *states, 0)
    mask = memory_of(np.ones(x.shape, bool))
    with pytest.raises(ValueError, match="forward"):
        _core.resume(memory, memory, Spec(1, reverse=True), 1, *states, 0, mask)
