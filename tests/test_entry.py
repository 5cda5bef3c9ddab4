"""Calls with options: the core takes them as Python code does, or leaves them to it."""

import gc
import sys
import threading
import tracemalloc
import warnings

import numpy as np
import pytest
import torch

import cumsum
from cumsum import api
from entries import NUMBERS, Maker
from test_calls import goes_slow


def bits(x):
    """All that tells one result from another."""
    if isinstance(x, torch.Tensor):
        raw = torch.empty(x.numel(), dtype=x.dtype).copy_(x.detach().reshape(-1))
        return type(x), x.dtype, tuple(x.shape), x.stride(), raw.view(torch.uint8).tolist()
    if isinstance(x, np.ndarray):
        flat = x.reshape(-1)
        if x.dtype.kind == "O" or x.dtype.char in "gG":  # of which not all bytes count
            flat = (
                [repr(v) for v in flat.tolist()] if x.dtype.kind == "O" else [repr(v) for v in flat]
            )
            return type(x), x.dtype, x.shape, x.strides, flat
        return type(x), x.dtype, x.shape, x.strides, flat.tobytes()
    return repr(x)


def outcome(function, maker):
    """What becomes of a call, of whom it warns, and what is in its memory then."""
    (x, dim), keywords, in_place = maker.call()
    answer = function[in_place]
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        try:
            result = answer(x, dim, **keywords)
            found = bits(result), result is x, result is keywords.get("out")
        except Exception as error:  # noqa: BLE001
            found = type(error), str(error)
    words = [(w.category, str(w.message)) for w in told]
    versions = [m._version for m in maker.made if isinstance(m, torch.Tensor)]
    return found, words, [bits(m) for m in maker.made], versions, (x, dim, keywords, in_place)


PUBLIC, TWINS = (cumsum.cumsum, cumsum.cumsum_), (api.slow_cumsum, api.slow_cumsum_)


@pytest.fixture(autouse=True)
def always():
    """torch tells each time, rather than once, what it warns of."""
    before = torch.is_warn_always_enabled()
    torch.set_warn_always(True)
    yield
    torch.set_warn_always(before)


@pytest.mark.parametrize("library", [np, torch], ids=["numpy", "torch"])
@pytest.mark.parametrize("seed", range(20))
def test_a_call_is_what_python_code_makes_of_it(library, seed):
    for number in range(100):
        made = [Maker(np.random.default_rng((seed, number)), library) for _ in range(2)]
        ours, twins = outcome(PUBLIC, made[0]), outcome(TWINS, made[1])
        assert ours[:4] == twins[:4], ours[4]


def values(library, count=24):
    x = np.random.default_rng(3).normal(size=count).reshape(4, -1)
    return torch.from_numpy(x) if library is torch else x


def as_own(library, array):
    return torch.from_numpy(array) if library is torch else array


# What most calls look like: each is answered without Python code.
SHORT = {
    "exclusive": lambda of: {"exclusive": True},
    "reverse": lambda of: {"reverse": True},
    "not reverse": lambda of: {"reverse": False, "exclusive": False, "initial": None},
    "include_initial": lambda of: {"include_initial": True},
    "include_initial in reverse": lambda of: {"include_initial": True, "reverse": True},
    "initial float": lambda of: {"initial": 0.1},
    "initial int": lambda of: {"initial": 3},
    "initial for each line": lambda of: {"initial": as_own(of, np.arange(4.0))},
    "initial with the dim": lambda of: {"initial": as_own(of, np.arange(4.0)[:, None])},
    "initial at the border": lambda of: {"initial": -0.0, "include_initial": True},
    "where": lambda of: {"where": as_own(of, np.arange(24).reshape(4, 6) % 3 > 0)},
    "where for all lines": lambda of: {"where": as_own(of, np.arange(6) % 3 > 0)},
    "where and nan": lambda of: {"where": as_own(of, np.arange(6) > 2), "missing": "nan"},
    "skipna": lambda of: {"skipna": True},
    "skipna and nan": lambda of: {"skipna": True, "missing": "nan"},
    "offsets": lambda of: {"offsets": as_own(of, np.array([0, 2, 2, 6]))},
    "lengths": lambda of: {"lengths": as_own(of, np.array([2, 0, 4]))},
    "offsets as a list": lambda of: {"offsets": [0, 2, 2, 6]},
    "lengths of int32": lambda of: {"lengths": as_own(of, np.array([2, 0, 4], np.int32))},
    "reset": lambda of: {"reset": as_own(of, np.arange(6) % 2 > 0)},
    "overflow": lambda of: {"overflow": "wrap"},
    "precision": lambda of: {"precision": "compensated"},
    "decay": lambda of: {"decay": 0.9},
    "decay, exclusive": lambda of: {"decay": 0.9, "exclusive": True, "initial": 1},
    "decay for each line": lambda of: {"decay": as_own(of, np.linspace(0.5, 1, 4)[:, None])},
    "decay for each element": lambda of: {"decay": as_own(of, np.linspace(0.5, 1, 6))},
    "several": lambda of: {"reverse": True, "exclusive": True, "initial": 2.0, "skipna": True},
}


@pytest.mark.parametrize("library", [np, torch], ids=["numpy", "torch"])
@pytest.mark.parametrize("option", SHORT)
def test_plain_forms_go_the_short_way(library, option):
    x, keywords = values(library), SHORT[option](library)
    assert not goes_slow(lambda: cumsum.cumsum(x, 1, **keywords))
    expected = api.slow_cumsum(x, 1, **keywords)
    assert bits(cumsum.cumsum(x, 1, **keywords)) == bits(expected)
    if not keywords.get("include_initial"):
        written = x.clone() if library is torch else x.copy()
        assert not goes_slow(lambda: cumsum.cumsum_(written, 1, **keywords))
        assert bits(written) == bits(expected)


def of_length(value, size):
    """What SHORT has for lines of six elements, for longer ones."""
    if isinstance(value, list):
        return [number * (size // 6) for number in value]
    if not hasattr(value, "dtype") or value.shape[-1:] not in {(6,), (4,), (3,)}:
        return value
    if value.dtype in (np.int64, np.int32, torch.int64, torch.int32):
        return value * (size // 6)
    if value.shape[-1] != 6:
        return value
    return value.tile(size // 6) if isinstance(value, torch.Tensor) else np.tile(value, size // 6)


@pytest.mark.parametrize("library", [np, torch], ids=["numpy", "torch"])
@pytest.mark.parametrize("option", SHORT)
def test_long_lines_have_the_same_bits(library, option):
    size = 6 * 1600
    keywords = {name: of_length(v, size) for name, v in SHORT[option](library).items()}
    for dtype in ("float64", "float32", "int32", "complex64"):
        x = values(np, 4 * size) * 100
        x[:, ::7] = np.nan if "int" not in dtype else 0
        x = as_own(library, x.astype(dtype))
        for line in (x, x[::-1] if library is np else x.flip(0)):
            ours, twins = (result_of(f, line, 1, keywords) for f in (PUBLIC[0], TWINS[0]))
            assert ours == twins


def result_of(function, x, dim, keywords):
    try:
        return bits(function(x, dim, **keywords))
    except (TypeError, ValueError) as error:
        return type(error), str(error)


@pytest.mark.parametrize("library", [np, torch], ids=["numpy", "torch"])
@pytest.mark.parametrize("overflow", ["saturate", "raise"])
def test_exact_sums_go_the_short_way(library, overflow):
    x = as_own(library, np.array([[100, 20, -128], [-100, -20, 127]], np.int8))
    for keywords in ({}, {"initial": -3}, {"initial": 5, "include_initial": True}):
        known = {"dtype": x.dtype, "overflow": overflow, **keywords}
        assert not goes_slow(lambda: cumsum.cumsum(x, 1, **known))  # noqa: B023
        assert bits(cumsum.cumsum(x, 1, **known)) == bits(api.slow_cumsum(x, 1, **known))


@pytest.mark.parametrize("library", [np, torch], ids=["numpy", "torch"])
def test_nothing_is_written_where_a_sum_does_not_fit(library):
    x = as_own(library, np.array([100, 100, -128], np.int8))
    for name in ("cumsum", "cumsum_"):
        before = bits(x), getattr(x, "_version", None)
        out = {"out": x} if name == "cumsum" else {}
        with pytest.raises(OverflowError, match="the sum at index"):
            getattr(cumsum, name)(x, 0, overflow="raise", **out)
        assert (bits(x), getattr(x, "_version", None)) == before


def test_numbers_of_numpy_are_read():
    x = values(np)
    for name in ("initial", "decay", "where"):
        given = {name: np.True_ if name == "where" else x[1, 1]}
        assert not goes_slow(lambda: cumsum.cumsum(x, 1, **given))  # noqa: B023
        assert bits(cumsum.cumsum(x, 1, **given)) == bits(api.slow_cumsum(x, 1, **given))


@pytest.mark.parametrize("name", ["where", "initial"])
def test_a_gradient_that_is_asked_for_is_recorded(name):
    x = torch.rand(4, 6, dtype=torch.float64)
    leaf = torch.rand(4, dtype=torch.float64, requires_grad=True)
    if name == "where":
        x.requires_grad_()
    given = {"where": torch.rand(4, 6) < 0.5, "initial": leaf}[name]
    y = cumsum.cumsum(x, 1, **{name: given})
    assert y.requires_grad
    with torch.no_grad():
        assert not goes_slow(lambda: cumsum.cumsum(x, 1, **{name: given}))
        assert not cumsum.cumsum(x, 1, **{name: given}).requires_grad


OVERLAPPING = {
    "initial": lambda raw: raw[1:2],
    "where": lambda raw: raw.view(np.bool)[8:16],
    "decay": lambda raw: raw[1:2],
}


@pytest.mark.parametrize("name", OVERLAPPING)
def test_an_operand_may_lie_in_the_result(name):
    outcomes = []
    for function in (cumsum.cumsum, api.slow_cumsum):
        raw = np.arange(16.0)
        operand = OVERLAPPING[name](raw)
        function(np.ones(8), 0, out=raw[:8], **{name: operand})
        outcomes.append(bits(raw))
        tensor = torch.arange(16.0, dtype=torch.float64)
        operand = torch.from_numpy(OVERLAPPING[name](tensor.numpy()))
        function(torch.ones(8, dtype=torch.float64), 0, out=tensor[:8], **{name: operand})
        outcomes.append(bits(tensor))
    assert outcomes[:2] == outcomes[2:]


def test_offsets_that_another_thread_changes_are_read_once():
    x, offsets = np.ones(1000), np.array([0, 10, 500, 1000])
    done = threading.Event()

    def change():
        while not done.is_set():
            offsets[1] = 2**40
            offsets[1] = 10

    thread = threading.Thread(target=change)
    thread.start()
    try:
        for _ in range(2000):
            try:
                sums = cumsum.cumsum(x, 0, offsets=offsets)
            except ValueError:
                continue
            assert sums[-1] == 500
            assert sums[9] == 10
    finally:
        done.set()
        thread.join()


def test_arguments_are_let_go_of():
    x, where, offsets = np.ones(100), np.ones(100, bool), np.array([0, 100])
    first, out = np.zeros(1), np.empty(100)
    kept = (x, where, offsets, first, out)
    tensors = tuple(torch.from_numpy(a) for a in kept)

    def call():
        for x, where, offsets, first, out in (kept, tensors):
            cumsum.cumsum(x, 0, where=where, initial=first, missing="nan", reverse=True)
            cumsum.cumsum(x, 0, offsets=offsets, initial=first, out=out)
            cumsum.cumsum(x, 0, include_initial=True, initial=first)
            for wrong in ({"offsets": offsets[:1]}, {"where": offsets}, {"initial": x}):
                with pytest.raises((ValueError, TypeError)):
                    cumsum.cumsum(x, 0, **wrong)

    call()
    gc.collect()
    before = [sys.getrefcount(a) for a in (*kept, *tensors)]
    for _ in range(20):
        call()
    gc.collect()
    assert [sys.getrefcount(a) for a in (*kept, *tensors)] == before
    for a in kept:
        a.resize((2, *a.shape), refcheck=False)  # no buffer is held on to


def test_a_scan_with_options_takes_no_memory_for_good():
    x, where = np.ones((50, 40)), np.ones(40, bool)

    def run():
        for _ in range(200):
            cumsum.cumsum(x, 1, where=where, include_initial=True, initial=1.5)
            cumsum.cumsum(x, 1, lengths=np.array([10, 30]))

    run()
    tracemalloc.start()
    try:
        run()
        before = tracemalloc.get_traced_memory()[0]
        run()
        assert tracemalloc.get_traced_memory()[0] - before < 10_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("library", [np, torch], ids=["numpy", "torch"])
@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", "int8", "int64", "complex64"])
@pytest.mark.parametrize("number", NUMBERS)
def test_every_number_begins_sums_as_it_did(library, dtype, number):
    x = (
        as_own(library, np.ones(3)).to(getattr(torch, dtype))
        if library is torch
        else np.ones(3, dtype)
    )

    def outcome(function, **options):
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always")
            try:
                found = bits(function(x, 0, initial=number, dtype=x.dtype, **options))
            except Exception as error:  # noqa: BLE001
                found = type(error), str(error)
        return found, [str(w.message) for w in told]

    for options in ({}, {"include_initial": True}, {"exclusive": True}):
        ours, twins = (outcome(f, **options) for f in (cumsum.cumsum, api.slow_cumsum))
        assert ours == twins


@pytest.mark.filterwarnings("ignore:An output with one or more elements was resized")
def test_a_tensor_may_become_its_own_longer_result():
    x = torch.arange(1, 5)
    assert cumsum.cumsum(x, 0, out=x, include_initial=True) is x
    assert x.tolist() == [0, 1, 3, 6, 10]
