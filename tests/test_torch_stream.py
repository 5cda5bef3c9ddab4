"""cumsum.RunningSum on tensors."""

import copy
import pickle

import numpy as np
import pytest
import torch
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.autograd import forward_ad

import cumsum
from bits import same_bits
from cases import LAYOUTS, TORCH_LAYOUTS, as_array, as_tensor, values

DTYPES = ("bool", "uint8", "int8", "int64", "float16", "bfloat16", "float32", "float64")
DTYPES += ("complex64", "complex128", "uint16")
SHAPES = (((9100,), 0), ((9100, 2), 0), ((9100, 5), -2), ((5, 9100), 1), ((2, 9100, 3), 1))
EDGES = (0, 0, 1, 3, 8, 9, 24, 31, 4095, 4096, 4096, 4099, 8192, 8200, 9001)


def streamed(x, dim, cuts, **options):
    stream = cumsum.RunningSum(dim, **options)
    return torch.cat([stream.update(chunk) for chunk in x.tensor_split(cuts, dim)], dim)


def same(a, b):
    return a.dtype == b.dtype and same_bits(as_array(a), as_array(b))


@pytest.mark.parametrize("dtype", DTYPES)
def test_bits_of_one_scan(dtype):
    for shape, dim in SHAPES:
        x = as_tensor(values(shape, dtype))
        for flags in ({}, {"exclusive": True}, {"include_initial": True, "initial": 2}):
            assert same(streamed(x, dim, EDGES, **flags), cumsum.cumsum(x, dim, **flags))


@pytest.mark.parametrize("layout", TORCH_LAYOUTS)
def test_layouts(layout):
    for shape, dim in (((4200,), 0), ((7, 4200), 1), ((4200, 7), 0), ((2, 4200, 3), 1)):
        x = as_tensor(LAYOUTS[layout](values(shape, "float32")))
        assert same(streamed(x, dim, (5, 13, 4090)), cumsum.cumsum(x, dim))


def test_casts_and_precision():
    for source, dtype in (("float64", torch.float32), ("int8", torch.int8), ("bool", float)):
        x = as_tensor(values((9100, 2), source))
        assert same(streamed(x, 0, EDGES, dtype=dtype), cumsum.cumsum(x, 0, dtype=dtype))
    x = as_tensor(values((9100,), "float64"))
    options = {"precision": "compensated"}
    assert same(streamed(x, 0, EDGES, **options), cumsum.cumsum(x, 0, **options))
    x = torch.ones(9).to(torch.float8_e4m3fn)
    assert same(streamed(x, 0, (3,), dtype=torch.float32), torch.arange(1.0, 10))


def test_views_that_torch_has_not_carried_out():
    x = as_tensor(values((50,), "complex64"))
    for view in (x.conj(), x.conj().imag, torch._efficientzerotensor(50)):
        assert same(streamed(view, 0, (3, 20)), cumsum.cumsum(view, 0))


def test_many_dims():
    x = torch.arange(12.0).reshape(*[1] * 35, 4, *[1] * 35, 3)
    assert torch.equal(streamed(x, 35, (1, 2)), cumsum.cumsum(x, 35))


def test_initial_of_each_line():
    x = torch.arange(12.0).reshape(3, 4)
    for initial in (torch.tensor([1.0, 2, 3]), torch.ones(1), torch.tensor([[1j], [2], [3]]).imag):
        assert same(streamed(x, 1, (1, 3), initial=initial), cumsum.cumsum(x, 1, initial=initial))


def test_total_and_position():
    x = torch.arange(24).reshape(2, 4, 3)
    stream = cumsum.RunningSum(1)
    stream.update(x[:, :3])
    assert torch.equal(stream.total, x[:, :3].sum(1))
    stream.update(x[:, 3:])
    assert torch.equal(stream.total, x.sum(1))
    assert stream.position == 4
    stream = cumsum.RunningSum(0)
    stream.update(torch.ones(3))
    assert stream.total.shape == ()


@pytest.mark.parametrize("way", [copy.deepcopy, lambda s: pickle.loads(pickle.dumps(s))])
def test_copies(way):
    x = as_tensor(values((9000,), "bfloat16"))
    stream = cumsum.RunningSum(0)
    stream.update(x[:4099])
    second = way(stream)
    stream.update(x[:50])
    assert same(second.update(x[4099:]), cumsum.cumsum(x, 0)[4099:])


def test_out_and_in_place():
    x = as_tensor(values((9000,), "float32"))
    whole, y, z = cumsum.cumsum(x, 0), torch.empty(9000), x.clone()
    out_of, inside = cumsum.RunningSum(0), cumsum.RunningSum(0)
    for begin, end in ((0, 7), (7, 4100), (4100, 9000)):
        out = y[begin:end]
        version = out._version
        assert out_of.update(x[begin:end], out) is out
        assert out._version > version
        inside.update(z[begin:end], out=z[begin:end])
    assert same(y, whole)
    assert same(z, whole)
    memory = torch.arange(40.0)
    stream = cumsum.RunningSum(0)
    assert torch.equal(stream.update(memory[:39], memory[1:]), torch.arange(39.0).cumsum(0))
    with torch.inference_mode():
        x = torch.ones(3)
        assert torch.equal(cumsum.RunningSum(0).update(x, x), torch.arange(1.0, 4))


def test_gradients_are_not_recorded():
    x = torch.ones(3, requires_grad=True)
    stream = cumsum.RunningSum(0)
    for chunk, out in ((x, None), (torch.ones(3), torch.ones(3).requires_grad_())):
        with pytest.raises(RuntimeError, match="requires a gradient, and a stream records none"):
            stream.update(chunk, out)
    with pytest.raises(RuntimeError, match="initial requires a gradient"):
        cumsum.RunningSum(0, initial=x[0]).update(torch.ones(3))
    assert stream.position == 0
    with torch.no_grad():
        y = stream.update(x)
    assert not y.requires_grad
    assert torch.equal(stream.update(x.detach()), torch.tensor([4.0, 5, 6]))


class Labelled(torch.Tensor):
    """A subclass whose results torch would make of its kind."""

    @classmethod
    def __torch_function__(cls, function, types, args=(), kwargs=None):
        return super().__torch_function__(function, types, args, kwargs or {})


def test_kinds_without_streams():
    stream = cumsum.RunningSum(0)
    x = torch.ones(3)
    others = [torch.ones(3, device="meta"), x.to_sparse(), x.as_subclass(Labelled)]
    for chunk in others:
        with pytest.raises(NotImplementedError, match="plain tensors on the CPU alone"):
            stream.update(chunk)
    with FakeTensorMode(), pytest.raises(NotImplementedError, match="plain tensors"):
        stream.update(torch.ones(3))
    with pytest.raises(NotImplementedError, match="plain tensors"):
        torch.func.vmap(stream.update)(torch.ones(2, 3))
    with forward_ad.dual_level(), pytest.raises(NotImplementedError, match="plain tensors"):
        stream.update(forward_ad.make_dual(x, x))
    assert stream.position == 0


def test_errors():
    stream = cumsum.RunningSum(0)
    stream.update(torch.ones(3))
    cases = [
        (TypeError, "got a chunk of NumPy, the first one was of torch", np.ones(3), None),
        (TypeError, "got a chunk of torch.float64", torch.ones(3, dtype=torch.float64), None),
        (ValueError, "got a chunk of shape nx2, the first one had n", torch.ones(3, 2), None),
        (ValueError, "one dim or more", torch.ones(()), None),
        (TypeError, "must be Tensor, not list", torch.ones(3), [1.0]),
        (TypeError, "out is of torch.float64", torch.ones(3), torch.ones(3, dtype=torch.float64)),
        (ValueError, r"out has shape \(4,\)", torch.ones(3), torch.ones(4)),
        (ValueError, "a place in", torch.ones(3), torch.ones(1).expand(3)),
    ]
    for error, message, chunk, out in cases:
        with pytest.raises(error, match=message):
            stream.update(chunk, out)
    assert torch.equal(stream.update(torch.ones(2)), torch.tensor([4.0, 5]))
    with pytest.raises(IndexError, match=r"Dimension out of range \(expected to be in range of"):
        cumsum.RunningSum(1).update(torch.ones(3))
    with pytest.raises(TypeError, match=r"sums of .* as .*bool are not available"):
        cumsum.RunningSum(0, torch.bool).update(torch.arange(3))
    with pytest.raises(TypeError, match=r"argument 'dtype' must be .*, not str"):
        cumsum.RunningSum(0, "float32").update(torch.arange(3))
    stream = cumsum.RunningSum(0)
    stream.update(np.ones(3))
    with pytest.raises(TypeError, match="got a chunk of torch, the first one was of NumPy"):
        stream.update(torch.ones(3))
