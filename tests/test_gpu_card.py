"""The kernels on a GPU that is there; `make gpu` runs this and measures them."""

import shutil
import subprocess
import sys
from math import prod
from pathlib import Path

import pytest
import torch
from torch.testing import assert_close
from torch.testing._internal.common_methods_invocations import op_db

if not torch.cuda.is_available():
    pytest.skip("needs a GPU", allow_module_level=True)

import cumsum
import gpu_cases
from cases import as_array, as_tensor
from cumsum.kernels.gpu import policy
from cumsum.kernels.gpu import scan as gpu
from cumsum.kernels.gpu.layout import layout_of
from gpu_cases import CASES, Case

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
(OPINFO,) = (op for op in op_db if op.name == "cumsum")


def check(y, case):
    fault = gpu_cases.fault(as_array(y.cpu()), gpu_cases.expected(case))
    assert not fault, fault


@pytest.mark.parametrize("case", [*CASES, *LARGE], ids=str)
def test_bits(case):
    check(gpu_cases.run(case, "cuda"), case)


def is_plain(case):
    """Whether the public function makes this very scan."""
    return case.sizes == (32, 16) and not case.choices and case.into == "contiguous"


@pytest.mark.parametrize("case", [case for case in [*CASES, *LARGE] if is_plain(case)], ids=str)
def test_bits_of_the_function(case):
    x = gpu_cases.placed(case.array(), "cuda")
    initial = None
    if case.initial:
        shape = [1 if d == case.dim else n for d, n in enumerate(case.shape)]
        initial = as_tensor(case.initial_values().reshape(shape)).to("cuda")
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
def test_every_way_gives_the_same_bits_every_time(shape, dim, dtype):
    """With another stream at work beside it, so that programs start when they will."""
    x = (torch.randn(shape, device="cuda") * torch.randn(shape, device="cuda").exp()).to(dtype)
    noise, beside = torch.randn(1 << 22, device="cuda"), torch.cuda.Stream()
    right = scanned(x, dim, walked=False, one_pass=False)
    for n in range(ROUNDS):
        if n % 10 == 0:
            with torch.cuda.stream(beside):
                noise = noise * 1.0001
        for choices in WAYS.values():
            y = scanned(x, dim, **choices)
            if n % 50 == 0:
                assert torch.equal(y, right), (n, choices)
        assert torch.equal(y, right), n
        assert torch.equal(scanned(x, dim, walked=False, one_pass=True), right), n


@pytest.mark.parametrize("dtype", sorted(OPINFO.supported_dtypes("cuda"), key=str), ids=str)
def test_samples(dtype):
    """What torch tests its own cumsum with, and its derivative."""
    inexact = dtype.is_floating_point or dtype.is_complex
    for sample in OPINFO.sample_inputs("cuda", dtype, requires_grad=inexact):
        results = []
        for function in (cumsum.cumsum, torch.cumsum):
            y = function(sample.input, *sample.args, **sample.kwargs)
            grads = torch.autograd.grad(y.abs().sum(), sample.input) if y.requires_grad else ()
            results.append((y, *grads))
        assert results[0][0].dtype == results[1][0].dtype
        eps = torch.finfo(results[1][0].dtype).eps if inexact else 0
        assert_close(*results, rtol=8 * eps, atol=64 * eps, equal_nan=True)


def test_past_two_to_the_31():
    n = 2**31 + 4097
    if torch.cuda.mem_get_info()[0] < 4 * n:
        pytest.skip("needs 9 GB of a GPU's memory")
    x = torch.ones(n, dtype=torch.int8, device="cuda")
    y = cumsum.cumsum(x, 0, dtype=torch.int8)
    expected = torch.arange(n - 999, n + 1, device="cuda").to(torch.int8)
    assert torch.equal(y[-1000:], expected)


def test_no_access_outside():
    """A few cases of each kind under compute-sanitizer."""
    sanitizer = shutil.which("compute-sanitizer")
    if sanitizer is None:
        pytest.skip("needs compute-sanitizer")
    worker = Path(__file__).with_name("gpu_worker.py")
    small = [n for n, case in enumerate(CASES) if prod(case.shape) < 1000]
    for tool in ("memcheck", "racecheck"):
        done = subprocess.run(
            [sanitizer, "--tool", tool, "--error-exitcode", "9", sys.executable, worker, "cuda"],
            input="\n".join(map(str, small[::8])),
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
