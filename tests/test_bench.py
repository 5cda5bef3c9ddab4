"""What the benchmark measures: its cases, their inputs, its yardstick and its figures."""

import numpy as np
import pytest

from cumsum import _core, bench, processor

STRIDES = {
    "contiguous": (40, 4),
    "transposed": (4, 24),
    "sliced": (80, 8),
    "sliced across": (80, 4),
    "reversed": (40, -4),
    "flipped": (-40, -4),
    "expanded": (0, 4),
    "broadcast": (0, 4),
}
REPEATED = ("expanded", "broadcast")
BACKWARDS = ("reversed", "flipped")
DTYPES = sorted({case.dtype for case in bench.CASES})


@pytest.mark.parametrize("layout", bench.LAYOUTS)
def test_layouts(layout):
    x = bench.make_input(bench.Case("x", (6, 10), "float32", 1, layout))
    assert x.shape == (6, 10)
    assert x.strides == STRIDES[layout]
    assert bench.distinct_bytes(x) == (40 if layout in REPEATED else 240)
    assert len(np.unique(x)) > 5


def test_layouts_of_other_dims():
    def strides(layout, shape, dim):
        return bench.make_input(bench.Case("x", shape, "int8", dim, layout)).strides

    assert strides("sliced", (6, 10), 0) == (20, 1)
    assert strides("sliced across", (6, 10), 0) == (20, 2)
    assert strides("expanded", (6, 10), 0) == (1, 0)
    assert strides("expanded", (10,), 0) == (0,)
    assert strides("broadcast", (2, 6, 10), 1) == (0, 0, 1)
    assert strides("flipped", (2, 6, 10), 1) == (-60, -10, -1)


def test_unknown_layout():
    with pytest.raises(ValueError, match="layout='diagonal' is not one of contiguous, "):
        bench.Case("x", (3,), "float32", 0, "diagonal")


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("layout", bench.LAYOUTS)
def test_every_dtype_is_measured(dtype, layout):
    result = bench.run_case(bench.Case("x", (8, 30), dtype, 0, layout), threads=2, seconds=0)
    torch_can = layout not in BACKWARDS
    assert set(result.times) == {"copy", "ours", "numpy"} | ({"torch"} if torch_can else set())
    assert all(seconds > 0 for seconds in result.times.values())
    kind = bench.numpy_dtype(dtype)
    read = {"expanded": 8, "broadcast": 30}.get(layout, 240)
    assert result.nbytes == (
        read * kind.itemsize + 240 * (8 if kind.kind in "bi" else kind.itemsize)
    )
    repeated = ("NumPy", "NumPy, fill", "torch, fill")
    plain = ("NumPy", "torch")
    strided = ("NumPy, strided", "NumPy, strided, in threads", "torch, strided")
    ways = repeated if layout in REPEATED else plain if layout == "contiguous" else strided
    assert result.copy in ways


def test_in_place():
    case = bench.Case("x", (8, 30), "float32", 0, in_place=True)
    result = bench.run_case(case, threads=2, seconds=0)
    assert result.nbytes == 2 * 240 * 4
    assert set(result.times) == {"copy", "ours", "numpy", "torch"}


def test_who_refuses_is_left_out():
    def refuses():
        raise TypeError

    times = bench.measure({"works": list, "refuses": refuses}, seconds=0)
    assert set(times) == {"works"}


def test_cases_have_names_of_their_own():
    assert len({case.name for case in bench.CASES}) == len(bench.CASES)
    keys = {(c.shape, c.dtype, c.dim, c.layout, c.in_place) for c in bench.CASES}
    assert len(keys) == len(bench.CASES)
    assert {case.name for case in bench.SHORT} == set(bench.SHORT_NAMES)


@pytest.mark.parametrize("past_cache", [False, True])
@pytest.mark.parametrize("threads", [1, 2, 5])
@pytest.mark.parametrize("size", [0, 1, 63, 64, 5000, 3_000_001])
def test_copy(size, threads, past_cache):
    source = np.random.default_rng(1).integers(0, 256, size + 3, np.uint8)[3:]
    target = np.zeros(size + 2, np.uint8)
    _core.copy(target[1:], source, threads, past_cache)
    np.testing.assert_array_equal(target, np.concatenate([[0], source, [0]]))


def test_copy_refuses():
    with pytest.raises(ValueError, match="size or thread count out of range"):
        _core.copy(np.zeros(3, np.uint8), np.zeros(4, np.uint8), 1, False)
    with pytest.raises(ValueError, match="size or thread count out of range"):
        _core.copy(np.zeros(4, np.uint8), np.zeros(4, np.uint8), 0, False)


CPUINFO = """\
processor	: 0
vendor_id	: {}
cpu family	: {}
model		: {}
model name	: {}
stepping	: {}

processor	: 1
model		: 999
"""


@pytest.mark.parametrize(
    ("vendor", "family", "model", "stepping", "name"),
    [
        ("AuthenticAMD", 25, 17, 1, "Zen 4"),
        ("AuthenticAMD", 25, 1, 1, "Zen 3"),
        ("AuthenticAMD", 26, 2, 1, "Zen 5"),
        ("AuthenticAMD", 99, 2, 1, None),
        ("GenuineIntel", 6, 207, 2, "Emerald Rapids"),
        ("GenuineIntel", 6, 85, 4, "Skylake-X"),
        ("GenuineIntel", 6, 85, 7, "Cascade Lake"),
        ("GenuineIntel", 6, 1, 7, None),
        ("somebody", 6, 207, 7, None),
    ],
)
def test_microarchitecture(vendor, family, model, stepping, name):
    said = processor.fields(CPUINFO.format(vendor, family, model, "x", stepping))
    assert processor.microarchitecture(said) == name


def test_microarchitecture_of_arm():
    said = {"CPU implementer": "0x41", "CPU part": "0xd40"}
    assert processor.microarchitecture(said) == "Neoverse V1"
    assert processor.microarchitecture({}) is None


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ("AMD EPYC", "AMD EPYC"),
        ("AMD EPYC 9654 96-Core Processor", "AMD EPYC 9654"),
        ("Intel(R) Xeon(R) Processor @ 2.60GHz", "Intel Xeon"),
        ("Intel(R) Xeon(R) Platinum 8488C", "Intel Xeon Platinum 8488C"),
        ("Intel(R) Core(TM) i7-8700 CPU @ 3.20GHz", "Intel Core i7-8700"),
    ],
)
def test_names_are_tidied(given, name):
    assert processor.tidy(given) == name


def test_machines_have_names():
    zen = {"processor": "AMD EPYC", "family": 25, "model": 17, "microarchitecture": "Zen 4"}
    zen |= {"target": "avx512", "targets": ["avx512", "avx2"]}
    assert bench.name(zen) == "AMD EPYC, Zen 4"
    assert bench.slug(zen) == "amd-epyc-family-25-model-17"
    assert bench.slug(zen | {"target": "avx2"}) == "amd-epyc-family-25-model-17-avx2"
    arm = {"processor": "aarch64", "family": None, "microarchitecture": "Neoverse V1"}
    assert bench.slug(arm | {"target": "neon"}) == "aarch64-neoverse-v1"
    old = {"processor": "AMD EPYC", "target": "avx512"}
    assert (bench.name(old), bench.slug(old)) == ("AMD EPYC", "amd-epyc")


def test_this_machine():
    machine = bench.machine(2)
    assert machine["threads"] == 2
    assert machine["target"] in machine["targets"]
    assert bench.slug(machine)
    assert bench.headline(machine).startswith(bench.name(machine))
