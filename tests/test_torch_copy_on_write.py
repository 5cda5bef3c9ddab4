"""Copy-on-write tensors: reading copies nothing, writing leaves the other owners alone."""

import pytest
import torch

import cumsum
import cumsum.torch as door

LINES = torch.tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
CALLS = {
    "plain": ({}, LINES),
    "long": ({}, torch.ones(300_000)),
    "dtype": ({"dtype": torch.float64}, LINES),
    "cast": ({"dtype": torch.int64}, LINES),
    "reverse": ({"reverse": True}, LINES),
    "exclusive": ({"exclusive": True, "include_initial": True}, LINES),
    "initial": ({"initial": torch.tensor([1.0, 2.0, 3.0])}, LINES),
    "where": ({"where": torch.tensor([[True, False, True]])}, LINES),
    "where, skipna": ({"where": torch.tensor([[True]]), "skipna": True}, LINES),
    "offsets": ({"offsets": torch.tensor([0, 1, 2])}, LINES),
    "lengths": ({"lengths": torch.tensor([1, 1], dtype=torch.int32)}, LINES),
    "reset": ({"reset": torch.tensor([True, True])}, LINES),
    "reset of lines": ({"reset": torch.tensor([[True] * 3, [False] * 3])}, LINES),
    "decay": ({"decay": torch.full((2, 3), 0.5)}, LINES),
    "decay, initial": ({"decay": 0.5, "initial": torch.ones(3, dtype=torch.float64)}, LINES),
    "raise": ({"overflow": "raise", "initial": torch.ones(3, dtype=torch.int64)}, LINES.int()),
    "saturate": ({"overflow": "saturate", "dtype": torch.uint8}, LINES.short()),
    "compensated": ({"precision": "compensated"}, LINES.double()),
    "strided": ({}, LINES.T),
    "complex": ({}, LINES.to(torch.complex64)),
}


@pytest.fixture(params=[True, False], ids=["native", "in Python"], autouse=True)
def questions(request):
    """Both ways in which the core asks torch."""
    door.register(native=request.param)
    yield
    door.register()


def lazy(value):
    return torch._lazy_clone(value) if isinstance(value, torch.Tensor) else value


def is_lazy(value):
    return not isinstance(value, torch.Tensor) or torch._C._is_cow_tensor(value)


@pytest.mark.parametrize("call", CALLS)
def test_reading_copies_nothing(call):
    options, source = CALLS[call]
    x = lazy(source)
    given = {name: lazy(value) for name, value in options.items()}
    expected = cumsum.cumsum(source.clone(), 0, **options)
    out = torch.empty_like(expected)
    assert torch.equal(cumsum.cumsum(x, 0, **given), expected)
    assert torch.equal(cumsum.cumsum(x, 0, **given, out=out), expected)
    assert all(map(is_lazy, (x, *given.values())))


@pytest.mark.parametrize("options", [{}, {"exclusive": True}, {"decay": 0.5}], ids=str)
def test_gradients_copy_nothing(options):
    x = lazy(LINES).requires_grad_()
    y = cumsum.cumsum(x, 0, **options)
    gradient = lazy(torch.ones(2, 3))
    y.backward(gradient)
    assert is_lazy(x)
    assert is_lazy(gradient)
    plain = LINES.clone().requires_grad_()
    cumsum.cumsum(plain, 0, **options).sum().backward()
    assert torch.equal(x.grad, plain.grad)


def test_patched_torch_copies_nothing():
    x = lazy(LINES)
    with cumsum.patch_torch():
        assert torch.equal(torch.cumsum(x, 0), cumsum.cumsum(LINES, 0))
    assert is_lazy(x)


def test_a_stream_copies_nothing():
    x, initial = lazy(LINES), lazy(torch.ones(3))
    stream = cumsum.RunningSum(0, initial=initial)
    assert torch.equal(stream.update(x), cumsum.cumsum(LINES, 0, initial=1.0))
    assert is_lazy(x)


@pytest.mark.parametrize("options", [{}, {"exclusive": True}, {"lengths": [1, 1]}], ids=str)
def test_writing_leaves_the_others_alone(options):
    source = torch.tensor([[1.0, 2.0], [3.0, 4.0]])
    before = source.clone()
    expected = cumsum.cumsum(before, 0, **options)
    x, out = lazy(source), lazy(source)  # one memory, so far
    assert torch.equal(cumsum.cumsum(x, 0, out=out, **options), expected)
    assert not is_lazy(out)
    assert is_lazy(x)
    same = lazy(source)
    assert torch.equal(cumsum.cumsum_(same, 0, **options), expected)
    for other in (source, x):
        assert torch.equal(other, before)
