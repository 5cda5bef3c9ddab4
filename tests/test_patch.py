"""torch's own cumsum while `patch_torch` is in force: our bits wherever torch calls it."""

import pytest
import torch
from torch.autograd import forward_ad
from torch.overrides import TorchFunctionMode

import cumsum
from cases import CASES, TORCH_LAYOUTS

TENSORS = [case for case in CASES if case.layout in TORCH_LAYOUTS]
IN_PLACE = [
    case for case in TENSORS if not case.result and not case.dtype.startswith(("bool", "uint"))
]
# torch, of parts of its own that forward mode, tracing and inductor load.
LONG = torch.randn(4099, dtype=torch.float64, generator=torch.Generator().manual_seed(0))


@pytest.fixture(autouse=True)
def _patched():
    with cumsum.patch_torch():
        yield


def assert_same_bits(ours, wanted):
    assert (ours.dtype, ours.shape, ours.stride()) == (wanted.dtype, wanted.shape, wanted.stride())
    assert ours.untyped_storage().tolist() == wanted.untyped_storage().tolist()


def reverse(x):
    """The adjoint of the scan of `x`, by a function that is never torch's."""
    return cumsum.cumsum(x.flip(0), 0).flip(0)


class TestBits:
    """Every way to call torch's cumsum gives what `cumsum.cumsum` gives."""

    @pytest.mark.parametrize("case", TENSORS, ids=str)
    def test_results(self, case):
        x, dim = case.tensor(), case.dim
        options = {"dtype": getattr(torch, case.result)} if case.result else {}
        wanted = cumsum.cumsum(x, dim, **options)
        for call in (torch.cumsum, torch.Tensor.cumsum, torch.ops.aten.cumsum):
            assert torch.equal(call(x, dim, **options), wanted)
        out = torch.empty_like(wanted)
        assert torch.cumsum(x, dim, out=out, **options) is out
        assert torch.equal(out, wanted)

    @pytest.mark.parametrize("case", IN_PLACE, ids=str)
    def test_in_place(self, case):
        x, dim = case.tensor().clone(), case.dim
        wanted = cumsum.cumsum_(x.clone(), dim)
        assert x.cumsum_(dim) is x
        assert torch.equal(x, wanted)

    def test_views(self):
        """What torch resolves before it calls a kernel, and writes back after."""
        x = torch.randn(3, 200, dtype=torch.complex128)
        for view in (x.conj(), x.conj().imag, x[:, :1].expand(3, 200), x.T, x[1:, ::3]):
            for dim in (0, 1):
                assert_same_bits(torch.cumsum(view, dim), cumsum.cumsum(view, dim))
        for view in (x.clone().conj(), x.clone().conj().imag):
            wanted = cumsum.cumsum(view, 1)
            assert torch.equal(view.cumsum_(1), wanted)

    def test_out_of_another_shape(self):
        wanted = cumsum.cumsum(LONG, 0)
        assert_same_bits(torch.cumsum(LONG, 0, out=torch.empty(0, dtype=LONG.dtype)), wanted)
        with pytest.warns(UserWarning, match="was resized"):
            out = torch.cumsum(LONG, 0, out=torch.ones(7, dtype=LONG.dtype))
        assert torch.equal(out, wanted)


class TestDifferentiated:
    """Derivatives stay torch's; the scans in them are ours."""

    def test_backward(self):
        x, weights = LONG.clone().requires_grad_(), LONG.cos()
        y = torch.cumsum(x, 0)
        assert y.grad_fn.name() == "CumsumBackward0"
        assert torch.equal(y, cumsum.cumsum(LONG, 0))
        (grad,) = torch.autograd.grad(y, x, weights)
        assert torch.equal(grad, reverse(weights))

    def test_in_place(self):
        x = LONG.clone().requires_grad_()
        y = (x * 1).cumsum_(0)
        assert torch.equal(y, cumsum.cumsum(LONG, 0))
        (grad,) = torch.autograd.grad(y, x, LONG.cos())
        assert torch.equal(grad, reverse(LONG.cos()))

    @pytest.mark.parametrize("dtype", [torch.float64, torch.complex128])
    def test_orders(self, dtype):
        x = torch.randn(3, 5, dtype=dtype, requires_grad=True)
        for dim in (0, 1):
            run = lambda x, dim=dim: torch.cumsum(x * x, dim)  # noqa: E731
            assert torch.autograd.gradcheck(run, x, check_forward_ad=True, check_batched_grad=True)
            assert torch.autograd.gradgradcheck(run, x)

    def test_forward_mode(self):
        with forward_ad.dual_level():
            y = torch.cumsum(forward_ad.make_dual(LONG, LONG.cos()), 0)
            primal, tangent = forward_ad.unpack_dual(y)
            assert torch.equal(primal, cumsum.cumsum(LONG, 0))
            assert torch.equal(tangent, cumsum.cumsum(LONG.cos(), 0))

    def test_transforms(self):
        total = lambda x: (torch.cumsum(x, 0) * LONG.cos()).sum()  # noqa: E731
        assert torch.equal(torch.func.grad(total)(LONG), reverse(LONG.cos()))
        _, tangent = torch.func.jvp(lambda x: torch.cumsum(x, 0), (LONG,), (LONG.cos(),))
        assert torch.equal(tangent, cumsum.cumsum(LONG.cos(), 0))
        rows = torch.stack([LONG, LONG.cos()])
        wanted = cumsum.cumsum(rows, 1)
        assert torch.equal(torch.vmap(lambda x: torch.cumsum(x, 0))(rows), wanted)
        per_row = torch.vmap(torch.func.grad(total))(rows)
        assert torch.equal(per_row, reverse(LONG.cos()).expand(2, -1))


class TestCompiled:
    """Graphs call the operator, and the operator our kernels."""

    @pytest.mark.parametrize("backend", ["eager", "aot_eager", "inductor"])
    def test_compiled(self, backend):
        x = LONG.clone().requires_grad_()
        compiled = torch.compile(lambda x: torch.cumsum(x * 2, 0) + 1, backend=backend)
        y = compiled(x)
        assert torch.equal(y, cumsum.cumsum(LONG * 2, 0) + 1)
        (grad,) = torch.autograd.grad(y, x, LONG.cos())
        assert torch.equal(grad, reverse(LONG.cos()) * 2)

    def test_traced(self):
        traced = torch.jit.trace(lambda x: torch.cumsum(x, 0), torch.ones(4))
        assert torch.equal(traced(LONG), cumsum.cumsum(LONG, 0))


class TestUnseen:
    """The kernels call nothing that a mode or a subclass could see."""

    def test_function_mode(self):
        class Names(TorchFunctionMode):
            seen = ()

            def __torch_function__(self, function, types, args=(), kwargs=None):
                self.seen += (getattr(function, "__name__", str(function)),)
                return function(*args, **(kwargs or {}))

        x = LONG.clone().requires_grad_()
        y = torch.cumsum(x, 0)
        weights = LONG.cos()
        with Names() as names:
            y.backward(weights)
        assert names.seen == ("backward",)
        assert torch.equal(x.grad, reverse(weights))

    def test_subclass(self):
        class Named(torch.Tensor):
            pass

        y = torch.cumsum(LONG.as_subclass(Named), 0)
        assert type(y) is Named
        assert torch.equal(y.as_subclass(torch.Tensor), cumsum.cumsum(LONG, 0))
