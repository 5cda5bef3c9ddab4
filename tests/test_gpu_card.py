"""The kernels on a GPU that is there; tools/card.sh runs this, `make gpu` calls it."""

from dataclasses import replace

import pytest
import torch
from torch.testing import assert_close

import cumsum
import gpu_cases
from cases import as_array, as_tensor
from cumsum.kernels.gpu import policy
from cumsum.kernels.gpu import scan as gpu
from cumsum.kernels.gpu.layout import layout_of
from gpu_cases import CASES, Case
from gpu_device import DEVICE, DRY, needs_gpu

ROUNDS = 1000  # of each shape: what depends on timing does so rarely
LARGE = (
    *(Case((n,), 0) for n in (4096, 4097, 65_536, 1_000_003, 5_000_000, 20_000_000)),
    *(Case((n, 3), 0) for n in (5000, 2_000_000)),
    Case((3, 2_000_001), 1, reverse=True, exclusive=True),
    Case((4096, 1025), 0),
    Case((4096, 1025), 1, reverse=True),
    Case((20_000, 77), 1, "bfloat16", "bfloat16"),
    Case((20_000, 77), 0, "float16", "float16"),
    Case((5_000_000,), 0, "int8", "int64"),
    Case((5_000_000,), 0, "float64", "float64", compensated=True),
    Case((700_000, 2), 0, "float64", "float64", compensated=True, initial=True),
)
WAYS = {
    "as the policy has it": {},
    "walked": {"walked": True},
    "three steps": {"walked": False, "one_pass": False},
    "three steps, small shares": {"walked": False, "one_pass": False, "share": 1},
    "one pass": {"walked": False, "one_pass": True},
    "threads share columns": {"single": False},
    "columns for each thread": {"single": True, "one_pass": False},
    "more lines": {"lines": 4, "warps": 4},
}
SAMPLES = (
    *(((5, 5, 5), dim) for dim in (0, 1, -1)),
    *(((), 0), ((1,), 0), ((0, 3), 0), ((3, 0), 1), ((2, 0, 3), 2)),
)
FLOATS = (torch.float16, torch.bfloat16, torch.float32, torch.float64)
INEXACT = (*FLOATS, torch.complex64, torch.complex128)
INTEGERS = (torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64)


def check(y, case):
    fault = gpu_cases.fault(as_array(y.cpu()), gpu_cases.expected(case))
    assert not fault, fault


def launched_nowhere(case):
    """All of a case but its launches, for a GPU that is not there."""
    import gpu_launches

    case = replace(case, choices=(*case.choices, ("cores", gpu_launches.CORES)))
    with gpu_launches.device(gpu_launches.TARGETS["sm_90"]) as launches:
        gpu_cases.run(case, "meta")
    assert launches


@pytest.mark.parametrize("case", [*CASES, *LARGE], ids=str)
def test_bits(case):
    if DRY:
        launched_nowhere(case)
        pytest.skip("needs a GPU: all is done but the launches")
    check(gpu_cases.run(case, DEVICE), case)


def is_plain(case):
    """Whether the public function makes this very scan."""
    return case.sizes == (32, 16) and not case.choices and case.into == "contiguous"


@pytest.mark.parametrize("case", [case for case in [*CASES, *LARGE] if is_plain(case)], ids=str)
@needs_gpu
def test_bits_of_the_function(case):
    x = gpu_cases.placed(case.array(), DEVICE)
    initial = None
    if case.initial:
        shape = [1 if d == case.dim else n for d, n in enumerate(case.shape)]
        initial = as_tensor(case.initial_values().reshape(shape)).to(DEVICE)
    y = cumsum.cumsum(
        x,
        case.dim,
        dtype=getattr(torch, case.result),
        exclusive=case.exclusive,
        reverse=case.reverse,
        initial=initial,
        precision="compensated" if case.compensated else None,
    )
    check(y, case)


def scanned(x, dim, **choices):
    y = torch.empty_like(x)
    layout = layout_of(x.shape, dim, [x.stride(), y.stride()])
    values = gpu.Values(x, x), gpu.Values(y, y)
    gpu.scan(
        *values, None, layout, gpu.kind_of(x.dtype),
        exclusive=False, reverse=False, choices=policy.Choices(**choices),
    )  # fmt: skip
    return y


@pytest.mark.parametrize(
    ("shape", "dim"),
    [((30_000,), 0), ((3_000_000,), 0), ((5, 100_000), 1), ((100_000, 5), 0), ((9000, 64), 0)],
    ids=str,
)
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=str)
@needs_gpu
def test_every_way_gives_the_same_bits_every_time(shape, dim, dtype):
    """While another stream keeps most of the GPU busy, so that programs start when they will."""
    x = (torch.randn(shape, device=DEVICE) * torch.randn(shape, device=DEVICE).exp()).to(dtype)
    noise, beside = torch.randn(2, 4096, 4096, device=DEVICE), torch.cuda.Stream()
    right = scanned(x, dim, walked=False, one_pass=False)
    wrong = {way: torch.zeros((), dtype=torch.int64, device=DEVICE) for way in WAYS}
    for n in range(ROUNDS):
        if n % 10 == 0:
            with torch.cuda.stream(beside):
                torch.mm(*noise)  # some milliseconds
        for way, choices in WAYS.items():
            wrong[way] += (scanned(x, dim, **choices) != right).any()
    assert {way: int(count) for way, count in wrong.items() if count} == {}


def sample(shape, dtype):
    generator = torch.Generator().manual_seed(len(shape))
    if dtype in INEXACT:
        x = torch.randn(shape, generator=generator, dtype=torch.complex128)
        return (x if dtype.is_complex else x.real).to(dtype).to(DEVICE).requires_grad_()
    return torch.randint(-9, 9, shape, generator=generator).to(dtype).to(DEVICE)


@pytest.mark.parametrize("dtype", [torch.bool, *INTEGERS, *INEXACT], ids=str)
def test_samples(dtype):
    """As torch's own operator has it, and its derivative, whatever is asked of the result."""
    for shape, dim in SAMPLES:
        for result in (None, torch.complex128 if dtype.is_complex else torch.float64):
            x, found = sample(shape, dtype), []
            for function in (cumsum.cumsum, torch.cumsum):
                y = function(x, dim, dtype=result)
                grads = torch.autograd.grad(y.abs().sum(), x) if y.requires_grad else ()
                found.append((y, *grads))
            assert found[0][0].dtype == found[1][0].dtype
            eps = torch.finfo(dtype).eps if dtype in INEXACT else 0
            assert_close(*found, rtol=8 * eps, atol=64 * eps, equal_nan=True)


@needs_gpu
def test_past_two_to_the_31():
    n = 2**31 + 4097
    if torch.cuda.mem_get_info()[0] < 4 * n:
        pytest.skip("needs 9 GB of a GPU's memory")
    x = torch.ones(n, dtype=torch.int8, device=DEVICE)
    y = cumsum.cumsum(x, 0, dtype=torch.int8)
    expected = torch.arange(n - 999, n + 1, device=DEVICE).to(torch.int8)
    assert torch.equal(y[-1000:], expected)
