"""The plan: arithmetic on shapes and strides, without any array."""

import numpy as np
import pytest

from cumsum.dtypes import DType
from cumsum.plan import make_plan
from cumsum.spec import Memory, Spec

F32, I64 = DType.float32, DType.int64


def contiguous(shape, itemsize):
    steps = np.cumprod((1, *shape[:0:-1]), dtype=object)[::-1]
    return tuple(int(step) * itemsize for step in steps)


def plan_of(shape, axis, x_dtype=F32, y_dtype=F32, strides=None, threads=2, **flags):
    sizes = {DType.float32: 4, DType.int64: 8, DType.int8: 1, DType.float64: 8}
    x = Memory(0, x_dtype, shape, strides or contiguous(shape, sizes[x_dtype]))
    y = Memory(1 << 40, y_dtype, shape, contiguous(shape, sizes[y_dtype]))
    return make_plan(x, y, Spec(axis, **flags), threads=threads)


@pytest.mark.parametrize(
    ("shape", "axis", "family"),
    [
        ((1000,), 0, "rows"),
        ((4096, 4096), 1, "rows"),
        ((4096, 4096), 0, "columns"),
        ((64, 512, 512), 1, "columns"),
        ((10_000_000,), 0, "long"),
        ((1_000_000, 8), 0, "long"),
        ((1_000_000, 8), 1, "rows"),
        ((8, 1_000_000), 0, "columns"),
    ],
)
def test_family(shape, axis, family):
    assert plan_of(shape, axis).family == family


def test_lines_are_folded():
    plan = plan_of((2, 3, 5, 7, 11), 2)
    assert (plan.outer, plan.length, plan.inner) == (6, 5, 77)


def test_axes_of_one_element_do_not_count():
    assert plan_of((1, 300, 1, 40, 1), 1) == plan_of((300, 40), 0)


def test_two_columns_are_scanned_as_complex_numbers():
    plan = plan_of((1000, 2), 0)
    assert (plan.family, plan.inner, plan.pack_input) == ("rows", 1, False)


def test_short_scans_stay_on_the_calling_thread():
    assert plan_of((1000,), 0, threads=64).workers == 1
    assert plan_of((100_000_000,), 0, threads=64).workers == 64


def test_few_lines_are_split_only_for_several_workers():
    assert plan_of((10_000_000,), 0, threads=1).units == 1
    assert plan_of((2, 5_000_000), 1, threads=16).family == "long"


def test_blocks_are_whole_tiles():
    for length in (4097, 100_000, 10_000_000):
        plan = plan_of((length, 3), 0, threads=8)
        assert plan.block == length or plan.block % plan.tile == 0


@pytest.mark.parametrize(
    ("x_dtype", "y_dtype", "packed"),
    [(F32, F32, False), (DType.int8, I64, False), (DType.float64, F32, True)],
)
def test_only_unusual_casts_pass_through_a_buffer(x_dtype, y_dtype, packed):
    assert plan_of((4096, 4096), 1, x_dtype, y_dtype).pack_input is packed


def test_strided_input_passes_through_a_buffer():
    assert plan_of((1000,), 0, strides=(8,)).pack_input
    assert not plan_of((512, 512), 0, strides=(8192, 4)).pack_input
    assert plan_of((512, 512), 0, strides=(8192, 8)).pack_input


def test_reversed_rows_need_no_buffer():
    plan = plan_of((1000,), 0, reverse=True)
    assert not plan.pack_input
    assert not plan.pack_output


@pytest.mark.parametrize("dtype", DType)
def test_compensated_is_planned_where_it_differs(dtype):
    x = Memory(0, dtype, (10,), (16,))
    chosen = make_plan(x, x, Spec(0, compensated=True), threads=1).precision
    differs = dtype in (DType.float64, DType.complex128)
    assert chosen == ("compensated" if differs else "standard")
    assert make_plan(x, x, Spec(0), threads=1).precision == "standard"


def test_results_larger_than_the_cache_are_streamed_unless_in_place():
    x = Memory(0, F32, (10_000_000,), (4,))
    assert make_plan(x, x._replace(address=1 << 40), Spec(0), threads=2).stream
    assert not make_plan(x, x, Spec(0), threads=2).stream


def test_nothing_to_do():
    assert plan_of((0, 5), 0).units == 0
    assert plan_of((5, 0), 0).units == 0


def test_huge_shapes_do_not_overflow():
    plan = plan_of((1 << 20, 1 << 20, 1 << 10), 1, threads=8)
    assert plan.outer * plan.length * plan.inner == 1 << 50


def test_a_plan_is_frozen_cached_and_printable():
    plan = plan_of((300, 40), 0)
    assert plan_of((300, 40), 0) is plan
    with pytest.raises(AttributeError):
        plan.workers = 3
    assert "family       columns" in str(plan)


def test_bad_arguments():
    x = Memory(0, F32, (3, 4), (16, 4))
    with pytest.raises(IndexError, match=r"dim 2 is not in \[-2, 2\)"):
        make_plan(x, x, Spec(2), threads=1)
    with pytest.raises(ValueError, match="shape"):
        make_plan(x, x._replace(shape=(4, 3)), Spec(0), threads=1)
    with pytest.raises(ValueError, match="thread"):
        make_plan(x, x, Spec(0), threads=0)
