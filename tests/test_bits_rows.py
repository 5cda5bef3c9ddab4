"""Random rows, scanned in every way there is: equal bits, those of the reference."""

from functools import cache

import numpy as np
import pytest

import cumsum
from bits import same_bits
from cumsum import _core
from ways import DIRECTED, PUBLIC, READING, TENSOR, WRITING, rows

SHAPES = ((800, 29), (240, 259), (40, 4105), (10, 9011))
FEW = {name: READING[name] for name in ("alone", "columns", "step2", "columns step3")}


@pytest.fixture
def check(bits_report):
    """Compare the scans of some rows with the reference, and count them."""

    def compare(mode, way, shapes=SHAPES):
        for shape in shapes:
            x, wanted = problem(mode, shape)
            assert same_bits(np.ascontiguousarray(way(mode, x.copy())), wanted), shape
            bits_report.rows += shape[0]

    return compare


@cache
def problem(mode, shape):
    """Rows and the reference's scans of them."""
    x = rows(shape, mode.dtype)
    return x, np.ascontiguousarray(mode.reference(x))


@pytest.mark.parametrize("mode", PUBLIC, ids=str)
@pytest.mark.parametrize("way", READING | WRITING)
def test_arrays(check, mode, way):
    check(mode, (READING | WRITING)[way])


@pytest.mark.parametrize("mode", [m for m in PUBLIC if "long" not in m.dtype], ids=str)
@pytest.mark.parametrize("way", TENSOR)
def test_tensors(check, mode, way):
    check(mode, TENSOR[way])


@pytest.mark.parametrize("mode", DIRECTED, ids=str)
@pytest.mark.parametrize("way", READING)
def test_exclusive_and_reverse(check, mode, way):
    check(mode, READING[way], SHAPES[1:])


@pytest.fixture
def on_target(targets):
    """Run something with each instruction set in turn."""

    def run(function):
        before = _core.target()
        try:
            for target in targets:
                assert _core.choose_target(target)
                function()
        finally:
            _core.choose_target(before)

    return run


@pytest.mark.parametrize("mode", PUBLIC + DIRECTED, ids=str)
def test_every_instruction_set(check, on_target, mode):
    for way in FEW.values():
        on_target(lambda way=way: check(mode, way, SHAPES[1:]))


@pytest.mark.parametrize("mode", PUBLIC + DIRECTED[1::3], ids=str)
def test_1_to_16_threads(bits_report, mode):
    """Shapes with work for 16 threads: half a MiB read and written for each of them."""
    n = (1 << 22) // rows((1, 1), mode.dtype).itemsize
    for shape, dim in (((n + 3,), 0), ((3, n // 3), 1), ((3, n // 3), 0), ((999, n // 999), 0)):
        x = rows(shape, mode.dtype)
        x = x if dim else np.ascontiguousarray(x.T)
        wanted = mode.reference(x, dim)
        for threads in range(1, 17):
            with cumsum.num_threads(threads):
                assert same_bits(mode(x, dim), wanted), (shape, threads)
            bits_report.rows += x.size // shape[-1]
