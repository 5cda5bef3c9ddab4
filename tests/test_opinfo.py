"""The samples that torch tests its own cumsum with, on every dtype it lists."""

import pytest
import torch
from torch.testing import assert_close
from torch.testing._internal.common_methods_invocations import op_db

import cumsum

(OPINFO,) = (op for op in op_db if op.name == "cumsum")
DTYPES = sorted(OPINFO.dtypes, key=str)
CARRIED_WIDE = (torch.float32, torch.complex64)


def samples(dtype, requires_grad):
    return list(OPINFO.sample_inputs("cpu", dtype, requires_grad=requires_grad))


def assert_same(ours, theirs):
    """Equal bit for bit, except where torch adds in another order or carries less."""
    assert ours.dtype == theirs.dtype
    assert ours.stride() == theirs.stride()
    assert ours.requires_grad == theirs.requires_grad
    exact = not (theirs.is_floating_point() or theirs.is_complex()) or theirs.dtype in CARRIED_WIDE
    eps = 0 if exact else 4 * torch.finfo(theirs.dtype).eps
    assert_close(ours, theirs, rtol=eps, atol=32 * eps, equal_nan=True)


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_samples(dtype):
    found = samples(dtype, requires_grad=False)
    assert found
    for sample in found:
        theirs = torch.cumsum(sample.input, *sample.args, **sample.kwargs)
        assert_same(cumsum.cumsum(sample.input, *sample.args, **sample.kwargs), theirs)
        out = torch.empty_like(theirs)
        cumsum.cumsum(sample.input, *sample.args, out=out, **sample.kwargs)
        assert_same(out, theirs)
        transposed = sample.input.mT if sample.input.dim() > 1 else sample.input
        theirs = torch.cumsum(transposed, *sample.args, **sample.kwargs)
        assert_same(cumsum.cumsum(transposed, *sample.args, **sample.kwargs), theirs)


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_samples_in_place(dtype):
    for sample in samples(dtype, requires_grad=False):
        if sample.kwargs.get("dtype", dtype) == dtype:
            ours, theirs = sample.input.clone(), sample.input.clone()
            theirs.cumsum_(*sample.args, **sample.kwargs)
            assert cumsum.cumsum_(ours, *sample.args, **sample.kwargs) is ours
            assert_same(ours, theirs)


@pytest.mark.parametrize(
    "dtype", [d for d in DTYPES if d.is_floating_point or d.is_complex], ids=str
)
def test_gradients(dtype):
    found = samples(dtype, requires_grad=True)
    assert found
    for sample in found:
        grads = []
        for function in (cumsum.cumsum, torch.cumsum):
            result = function(sample.input, *sample.args, **sample.kwargs)
            weights = torch.arange(result.numel(), dtype=torch.float32).sin().view(result.shape)
            grads += torch.autograd.grad(result, sample.input, weights.to(result.dtype))
        assert_same(*grads)


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_error_inputs(dtype):
    """OpInfo lists no error inputs for cumsum in this version; the ones of its class are ours."""
    x = torch.ones(2, 3, dtype=dtype)
    for arguments in ((x, 2), (x, -3), (x, 1.0), (x,), (x[0, 0], 1)):
        with pytest.raises((IndexError, TypeError)) as theirs:
            torch.cumsum(*arguments)
        with pytest.raises(theirs.type) as ours:
            cumsum.cumsum(*arguments)
        assert str(ours.value) == str(theirs.value)
