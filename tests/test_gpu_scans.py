"""The GPU kernels in Triton's interpreter, bit for bit; layouts and the policy, which are Python.

The interpreter has a process of its own: nothing else here may know that it is on.
"""

import json
import subprocess
import sys
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import gpu_reference as reference
from cumsum.kernels.gpu import policy
from cumsum.kernels.gpu.layout import layout_of
from gpu_cases import CASES

WORKER = Path(__file__).with_name("gpu_worker.py")
SECONDS = 1200  # for all cases, on a busy machine; each has a limit of its own


@cache
def interpreted(numbers):
    """The faults of these cases, by number."""
    done = subprocess.run(
        [sys.executable, WORKER],
        input="\n".join(map(str, numbers)),
        stdout=subprocess.PIPE,
        text=True,
        timeout=SECONDS,
        check=True,
    )
    lines = map(json.loads, done.stdout.splitlines())
    return {line["case"]: line["fault"] for line in lines}


@pytest.fixture(scope="module")
def wanted(request):
    """The numbers of the cases that this run asks for."""
    here = [item for item in request.session.items if item.path == Path(__file__)]
    found = [getattr(item, "callspec", None) for item in here]
    return tuple(spec.params["number"] for spec in found if spec and "number" in spec.params)


@pytest.mark.parametrize("number", range(len(CASES)), ids=[str(case) for case in CASES])
def test_bits(number, wanted):
    pytest.importorskip("triton")
    fault = interpreted(wanted)[number]
    assert not fault, fault


@given(st.integers(1, 700), st.integers(1, 700), st.booleans(), st.booleans())
def test_a_shorter_line_is_the_beginning_of_a_longer_one(length, shorter, exclusive, compensated):
    rng = np.random.default_rng(length)
    x = (rng.standard_normal((1, length)) * np.exp2(rng.integers(-9, 9, length)),)
    begin, more = (np.ones(1),), {"sizes": (4, 2), "exclusive": exclusive}
    if compensated:
        x, begin = (*x, np.zeros_like(x[0])), (*begin, np.zeros(1))
        more |= {"plus": reference.pair_plus, "fill": (0, 0)}
    whole = reference.scan(x, begin, np.float64, **more)
    part = reference.scan(tuple(v[:, :shorter] for v in x), begin, np.float64, **more)
    for long, short in zip(whole, part, strict=True):
        assert np.array_equal(long[:, :shorter], short)


@given(st.integers(1, 2000), st.booleans())
def test_the_reference_adds_up(length, exclusive):
    x = np.random.default_rng(length).integers(-1000, 1000, (2, length))
    (y,) = reference.scan((x,), (np.array([5, -7]),), np.int64, exclusive=exclusive, sizes=(4, 2))
    sums = np.cumsum(x, 1) + np.array([[5], [-7]])
    assert np.array_equal(y, sums - x if exclusive else sums)


def strides_of(shape):
    return tuple(int(n) for n in np.cumprod((1, *shape[:0:-1]))[::-1])


@pytest.mark.parametrize(
    ("shape", "dim", "lines"),
    [
        ((5,), 0, (1, 1, 5, False)),
        ((3, 5), 1, (3, 1, 5, False)),
        ((3, 5), 0, (1, 5, 3, True)),
        ((2, 3, 4, 5), 3, (24, 1, 5, False)),
        ((2, 3, 4, 5), 2, (6, 5, 4, True)),
        ((2, 3, 4, 5), 0, (1, 60, 2, True)),
        ((4, 1), 1, (1, 4, 1, True)),
        ((1, 4), 0, (1, 4, 1, True)),
        ((9, 1), 0, (1, 1, 9, False)),
        ((1, 1, 9, 1), 2, (1, 1, 9, False)),
    ],
)
def test_layout(shape, dim, lines):
    layout = layout_of(shape, dim, [strides_of(shape)])
    assert (layout.outer, layout.inner, layout.length, layout.columns) == lines
    assert layout.lines == layout.outer * layout.inner


def test_layout_of_memory_that_lies_otherwise():
    transposed = layout_of((5, 700), 1, [(1, 5), (700, 1)])
    assert (transposed.outer, transposed.inner, transposed.columns) == (1, 5, True)
    assert transposed.strides == ((0, 1, 5), (0, 700, 1))
    assert not layout_of((5, 700), 1, [(1400, 2)]).columns
    assert layout_of((5, 700), 1, [(0, 1)]).strides[0] == (0, 0, 1)


def test_dims_that_two_numbers_cannot_count():
    assert layout_of((2, 3, 4, 5), 3, [(600, 100, 10, 1)]) is None
    assert layout_of((2, 3, 4, 5), 3, [(60, 20, 5, 1), (600, 100, 10, 1)]) is None
    assert layout_of((2, 3, 4, 5), 3, [(600, 100, 5, 1)]) is None
    assert layout_of((2, 3, 4, 5), 3, [(600, 20, 5, 1)]).outer == 2


@given(st.data())
def test_layouts_number_every_element(data):
    shape = tuple(data.draw(st.lists(st.integers(1, 4), min_size=1, max_size=5)))
    dim = data.draw(st.integers(0, len(shape) - 1))
    order = data.draw(st.permutations(range(len(shape))))
    x = np.arange(np.prod(shape)).reshape([shape[d] for d in order])
    x = x.transpose(np.argsort(order))
    strides = [tuple(step // x.itemsize for step in x.strides), strides_of(shape)]
    layout = layout_of(shape, dim, strides)
    if layout is None:
        assert sum(n > 1 for d, n in enumerate(shape) if d != dim) > 2
        return
    o, i, at = np.ogrid[: layout.outer, : layout.inner, : layout.length]
    contiguous = np.arange(x.size).reshape(shape)
    for memory, steps in zip((x, contiguous), layout.strides, strict=True):
        places = o * steps.outer + i * steps.inner + at * steps.along
        lines = np.moveaxis(memory, dim, -1).reshape(places.shape)
        assert np.array_equal(places, lines)


@given(st.integers(1, 10**7), st.integers(1, 10**6), st.integers(1, 5000), st.booleans())
def test_tiles_are_powers_of_two(length, lines, inner, columns):
    tile = policy.tile_of(length, lines, inner, columns=columns, groups=32, cores=132)
    for number in tile[:3]:
        assert number == policy.power_of_two(number)
    assert tile.groups * 8 >= min(length, 256)


@given(st.integers(1, 10**6), st.integers(1, 10**5), st.integers(1, 200))
def test_shares_keep_cores_busy(blocks, programs, cores):
    share = policy.share_of(blocks, programs, cores, tile=16)
    assert 16 % share == 0
    if share > 1:
        tiles = -(-blocks // 16)
        assert programs * tiles * (16 // share) >= policy.WARPS_PER_CORE * cores


def test_walking():
    assert policy.is_walked(1, 1, 132, tile=16)
    assert not policy.is_walked(2, 1, 132, tile=16)
    assert policy.is_walked(128, 10**6, 132, tile=16)
    assert not policy.is_walked(129, 10**6, 132, tile=16)
    assert policy.is_walked(2, 1, 132, tile=16, wanted=True)
    assert not policy.is_walked(129, 1, 132, tile=16, wanted=True)
    assert not policy.is_walked(128, 10**6, 132, tile=16, wanted=False)
