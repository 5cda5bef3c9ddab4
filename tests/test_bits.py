"""The bits of a result: those of the reference, on every schedule and for every memory layout."""

import numpy as np
import pytest
import torch

import bits
import cumsum
from bits import same_bits
from cases import CASES, FLOATS, INEXACT, TORCH_LAYOUTS, Case, as_array, numpy_dtype, values
from reference import scan

THREADS = (1, 2, 3, 7)
TENSOR_CASES = [case for case in CASES if case.layout in TORCH_LAYOUTS]
LARGE_CASES = [
    Case(shape, dim, dtype)
    for shape, dim in bits.LARGE
    for dtype in ("float32", "float64", "bfloat16", "int8", "complex64")
]


def expected(case, default):
    """The reference of a case, `default` giving the result dtype where the case does not."""
    x = case.array()
    dtype = numpy_dtype(case.result) if case.result else default(x.dtype)
    return scan(x, case.dim, dtype) if x.ndim else scan(x.reshape(1), 0, dtype)


def torch_default(dtype):
    """Torch sums every integer in int64, the unsigned ones too."""
    return np.dtype(np.int64) if dtype.kind in "biu" else dtype


@pytest.mark.parametrize("case", CASES, ids=str)
def test_array_has_the_bits_of_the_reference(case):
    dtype = numpy_dtype(case.result) if case.result else None
    result = cumsum.cumsum(case.array(), case.dim, dtype=dtype)
    assert same_bits(result, expected(case, lambda dtype: None))


@pytest.mark.parametrize("case", TENSOR_CASES, ids=str)
def test_tensor_has_the_bits_of_the_reference(case):
    dtype = getattr(torch, case.result) if case.result else None
    result = cumsum.cumsum(case.tensor(), case.dim, dtype=dtype)
    assert result.is_contiguous()
    wanted = expected(case, torch_default)
    assert same_bits(as_array(result), wanted if case.shape else wanted.reshape(()))


@pytest.mark.parametrize("case", LARGE_CASES, ids=str)
def test_any_number_of_threads(case):
    x, wanted = case.array(), expected(case, lambda dtype: None)
    for threads in THREADS:
        with cumsum.num_threads(threads):
            assert same_bits(cumsum.cumsum(x, case.dim), wanted), threads


@pytest.mark.parametrize("case", LARGE_CASES, ids=str)
def test_any_number_of_threads_on_tensors(case):
    x, wanted = case.tensor(), expected(case, torch_default)
    for threads in THREADS:
        with cumsum.num_threads(threads):
            assert same_bits(as_array(cumsum.cumsum(x, case.dim)), wanted), threads


def test_every_instruction_set(targets):
    here = bits.digests()
    assert len(here) == len(set(map(str, bits.DIGESTED)))
    for target in targets:
        there = bits.digests_of(CUMSUM_TARGET=target)
        assert there["target"] == target
        assert there["digests"] == here


def test_unknown_instruction_set_is_an_error(targets):
    with pytest.raises(bits.subprocess.CalledProcessError):
        bits.digests_of(CUMSUM_TARGET="abacus")


@pytest.mark.parametrize("dtype", INEXACT)
class TestInvariance:
    """What a lane's bits do not depend on."""

    def test_dim(self, dtype):
        x = values((37, 9001), dtype)
        rows = cumsum.cumsum(x, 1)
        assert same_bits(cumsum.cumsum(np.ascontiguousarray(x.T), 0), rows.T)
        assert same_bits(cumsum.cumsum(x.T, 0), rows.T)
        assert same_bits(cumsum.cumsum(x.reshape(37, 9001, 1), 1)[..., 0], rows)

    def test_batch(self, dtype):
        x = values((19, 9001), dtype)
        together = cumsum.cumsum(x, 1)
        for row in (0, 1, 7, 8, 18):
            assert same_bits(cumsum.cumsum(x[row], 0), together[row])
        columns = cumsum.cumsum(np.ascontiguousarray(x.T), 0)
        for column in (0, 5, 16, 18):
            assert same_bits(cumsum.cumsum(x[column], 0), columns[:, column])

    def test_length(self, dtype):
        x = values((20_011,), dtype)
        whole = cumsum.cumsum(x, 0)
        for k in (1, 2, 7, 8, 9, 100, 4095, 4096, 4097, 8192, 8195, 20_010):
            assert same_bits(cumsum.cumsum(x[:k], 0), whole[:k]), k

    def test_length_of_columns(self, dtype):
        x = values((9_003, 5), dtype)
        whole = cumsum.cumsum(x, 0)
        for k in (1, 8, 9, 4096, 4097, 8193):
            assert same_bits(cumsum.cumsum(x[:k], 0), whole[:k]), k

    def test_strides(self, dtype):
        x = values((41, 9001), dtype)
        view = x[::2, 5::3]
        assert same_bits(cumsum.cumsum(view, 1), cumsum.cumsum(np.ascontiguousarray(view), 1))
        assert same_bits(cumsum.cumsum(view, 0), cumsum.cumsum(np.ascontiguousarray(view), 0))

    def test_where_the_result_goes(self, dtype):
        for shape, dim in (((5, 9001), 1), ((9001, 5), 0), ((9001,), 0)):
            x = values(shape, dtype)
            wanted = scan(x, dim)
            strided = np.zeros([2 * n for n in shape], x.dtype)[(slice(None, None, 2),) * x.ndim]
            for out in (np.empty_like(x), np.zeros(shape, x.dtype, order="F"), strided):
                assert cumsum.cumsum(x, dim, out=out) is out
                assert same_bits(out, wanted)
            y = x.copy()
            assert cumsum.cumsum(y, dim, out=y) is y
            assert same_bits(y, wanted)
            assert cumsum.cumsum_(x, dim) is x
            assert same_bits(x, wanted)

    def test_where_the_tensor_goes(self, dtype):
        for shape, dim in (((5, 9001), 1), ((9001, 5), 0), ((9001,), 0)):
            case = Case(shape, dim, dtype)
            x, wanted = case.tensor(), scan(case.array(), dim)
            strided = torch.zeros([2 * n for n in shape], dtype=x.dtype)
            strided = strided[(slice(None, None, 2),) * x.ndim]
            turned = torch.empty(shape[::-1], dtype=x.dtype).permute(*reversed(range(x.ndim)))
            for out in (torch.empty_like(x), turned, strided):
                assert cumsum.cumsum(x, dim, out=out) is out
                assert same_bits(as_array(out), wanted)
            assert cumsum.cumsum_(x, dim) is x
            assert same_bits(as_array(x), wanted)


class TestValues:
    """The written promises about values."""

    @pytest.mark.parametrize("dtype", FLOATS)
    def test_non_negative_in_non_decreasing_out(self, dtype):
        for seed, spread in enumerate((0, 1, 7)):
            x = np.abs(values((300_001,), "float64", seed)) * np.exp2(
                spread * np.minimum(values((300_001,), "float64"), 1)
            )
            y = cumsum.cumsum(x.astype(numpy_dtype(dtype)), 0).astype(np.float64)
            assert (y[1:] >= y[:-1]).all()

    def test_float32_is_within_one_ulp_of_the_float64_answer(self):
        x = values((2_000_003,), "float32")
        exact = np.add.accumulate(x.astype(np.longdouble))
        error = np.abs(cumsum.cumsum(x, 0) - exact)
        assert (error <= np.spacing(np.abs(exact).astype(np.float32))).all()

    def test_float64_error_is_bounded(self):
        x = values((1_000_003,), "float64")
        exact = np.add.accumulate(x.astype(np.longdouble))
        magnitude = np.add.accumulate(np.abs(x).astype(np.longdouble))
        error = np.abs(cumsum.cumsum(x, 0) - exact)
        depth = 3 + 4096 // 8 + x.size // 4096 + 1  # additions an element can pass through
        assert (error <= depth * np.finfo(np.float64).eps / 2 * magnitude).all()

    @pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
    def test_16_bit_errors_are_those_of_float32_sums_rounded_once(self, dtype):
        x = values((300_003,), dtype) if dtype == "bfloat16" else values((20_003,), dtype)
        wide = x.astype(np.float64)
        exact, magnitude = np.add.accumulate(wide), np.add.accumulate(np.abs(wide))
        y = cumsum.cumsum(x, 0).astype(np.float64)
        digits = 11 if dtype == "float16" else 8
        half_ulp = np.exp2(np.floor(np.log2(np.maximum(np.abs(exact), 2.0**-14))) - digits)
        depth = 3 + 4096 // 8 + x.size // 4096 + 1
        assert (np.abs(y - exact) <= half_ulp + depth * 2.0**-24 * magnitude).all()

    def test_float32_is_rounded_once(self):
        x = np.array([2.0**24, 1, 2.0**-20], np.float32)
        last = 2.0**24 + 2
        for shape in ((3,), (3, 1), (3, 40)):
            lanes = np.broadcast_to(x.reshape([3] + [1] * (len(shape) - 1)), shape)
            assert (cumsum.cumsum(lanes, 0)[-1] == last).all()

    def test_a_float32_sum_past_the_range_comes_back(self):
        x = np.array([3e38, 3e38, -3e38, -3e38], np.float32)
        y = cumsum.cumsum(x, 0).astype(np.float64)
        assert y[1] == np.inf
        assert y[2] == float(x[0])
        assert y[3] == 0

    @pytest.mark.parametrize("dtype", INEXACT)
    @pytest.mark.parametrize("at", [0, 1, 7, 8, 4095, 4096, 9000])
    def test_nothing_before_a_nan_or_inf_is_touched(self, dtype, at):
        x = values((9_500,), dtype)
        before = cumsum.cumsum(x, 0)[:at]
        for special, holds in ((np.nan, np.isnan), (np.inf, np.isposinf)):
            x[at] = special
            y = cumsum.cumsum(x, 0)
            assert same_bits(y[:at], before)
            assert holds(y[at:].real.astype(np.float64)).all()

    @pytest.mark.parametrize("dtype", FLOATS)
    def test_no_negative_zero(self, dtype):
        for shape in ((9_001,), (5, 4099), (4099, 5)):
            x = np.full(shape, -0.0, numpy_dtype(dtype))
            for dim in range(len(shape)):
                assert not np.signbit(cumsum.cumsum(x, dim)).any()
