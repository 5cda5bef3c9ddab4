"""The bits of every kind of call: those of the reference. test_bits_rows.py has random rows."""

import numpy as np
import pytest
import torch

import bits
import cumsum
from bits import same_bits
from cases import CASES, TORCH_LAYOUTS, Case, as_array, numpy_dtype
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
