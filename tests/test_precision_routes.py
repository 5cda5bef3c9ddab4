"""precision="compensated": the reference's bits on every route from an array to its sums."""

import array_api_strict
import numpy as np
import pytest
import torch
from torch.autograd import forward_ad

import cumsum
from bits import same_bits
from cases import as_tensor, hard, values
from reference import scan
from test_dlpack import Foreign

PAIRED = ("float64", "complex128")
SHAPES = (((9001,), 0), ((3, 4099), 1), ((4099, 5), 0), ((3, 60, 7), 1), ((20_000, 2), 0))
HOW = {"precision": "compensated"}


def compensated(x, axis=0, dtype=None):
    return scan(x, axis, dtype, precision="compensated")


@pytest.mark.parametrize("dtype", PAIRED)
def test_the_data_tells_the_two_precisions_apart(dtype):
    for shape, axis in SHAPES:
        x = hard(shape, dtype)
        assert not same_bits(compensated(x, axis), scan(x, axis))


class Subclass(np.ndarray):
    """An array subclass that changes nothing."""


def into(make_out):
    """The route through an `out` made for the input."""

    def route(x, axis):
        out = make_out(x)
        assert cumsum.cumsum(x, axis, out=out, **HOW) is out
        return out

    return route


def in_place(x, axis):
    x = x.copy()
    assert cumsum.cumsum_(x, axis, **HOW) is x
    return x


def with_initial(x, axis):
    sums = cumsum.cumulative_sum(x, axis=axis, include_initial=True, **HOW)
    return np.take(sums, range(1, sums.shape[axis]), axis)


def standard(x, axis):
    """By an array of the strict implementation of the Array API."""
    return np.asarray(cumsum.cumulative_sum(array_api_strict.asarray(x), axis=axis, **HOW))


def foreign(x, axis):
    return np.from_dlpack(cumsum.cumulative_sum(Foreign(x), axis=axis, **HOW))


ARRAY_ROUTES = {
    "plain": lambda x, axis: cumsum.cumsum(x, axis, **HOW),
    "axis=": lambda x, axis: cumsum.cumsum(x, axis=axis - x.ndim, **HOW),
    "strided": lambda x, axis: cumsum.cumsum(np.repeat(x, 2, -1)[..., ::2], axis, **HOW),
    "transposed": lambda x, axis: cumsum.cumsum(np.asfortranarray(x), axis, **HOW),
    "byte-swapped": lambda x, axis: cumsum.cumsum(x.astype(x.dtype.newbyteorder()), axis, **HOW),
    "subclass": lambda x, axis: np.asarray(cumsum.cumsum(x.view(Subclass), axis, **HOW)),
    "masked": lambda x, axis: cumsum.cumsum(np.ma.array(x), axis, **HOW).data,
    "out": into(np.empty_like),
    "out of other strides": into(lambda x: np.repeat(x, 2, -1)[..., ::2]),
    "out that overlaps": into(np.flip),
    "in place": in_place,
    "cumulative_sum": lambda x, axis: cumsum.cumulative_sum(x, axis=axis, **HOW),
    "include_initial": with_initial,
    "array_api_strict": standard,
    "DLPack": foreign,
}


@pytest.mark.parametrize("route", ARRAY_ROUTES)
@pytest.mark.parametrize("dtype", PAIRED)
def test_array_routes(route, dtype):
    for shape, axis in SHAPES:
        x = hard(shape, dtype)
        wanted = compensated(x, axis)
        assert same_bits(ARRAY_ROUTES[route](x, axis), wanted), shape


def test_flattened():
    x = hard((30, 400))
    assert same_bits(cumsum.cumsum(x, axis=None, **HOW), compensated(x.reshape(-1)))


@pytest.mark.parametrize("source", ["float32", "float16", "int64", "bool"])
def test_dtype_is_given(source):
    x = values((9001,), source)
    wanted = compensated(x, dtype=np.float64)
    assert same_bits(cumsum.cumsum(x, 0, dtype=np.float64, **HOW), wanted)
    assert same_bits(cumsum.cumsum(as_tensor(x), 0, dtype=torch.float64, **HOW).numpy(), wanted)
    assert same_bits(cumsum.cumulative_sum(x, dtype=np.float64, **HOW), wanted)


def tensor_into(make_out):
    def route(x, dim):
        out = make_out(x)
        assert cumsum.cumsum(x, dim, out=out, **HOW) is out
        return out

    return route


def tensor_in_place(x, dim):
    x = x.clone()
    assert cumsum.cumsum_(x, dim, **HOW) is x
    return x


def tensor_in_place_in_a_graph(x, dim):
    y = x.clone().requires_grad_() * 1
    return cumsum.cumsum_(y, dim, **HOW).detach()


def dual(x, dim):
    with forward_ad.dual_level():
        result = cumsum.cumsum(forward_ad.make_dual(x, x.flip(0)), dim, **HOW)
        return forward_ad.unpack_dual(result).primal


def mapped(x, dim):
    """Each of two samples that lie side by side."""
    sums = torch.vmap(lambda sample: cumsum.cumsum(sample, dim, **HOW), -1)
    return sums(torch.stack([x, -x], -1))[0]


TENSOR_ROUTES = {
    "plain": lambda x, dim: cumsum.cumsum(x, dim, **HOW),
    "axis=": lambda x, dim: cumsum.cumsum(x, axis=dim - x.dim(), **HOW),
    "strided": lambda x, dim: cumsum.cumsum(x.repeat_interleave(2, -1)[..., ::2], dim, **HOW),
    "negated": lambda x, dim: cumsum.cumsum(torch._neg_view(-x), dim, **HOW),
    "conjugated": lambda x, dim: cumsum.cumsum(x.conj().resolve_conj().conj(), dim, **HOW),
    "out": tensor_into(torch.empty_like),
    "out of other strides": tensor_into(lambda x: torch.empty_like(x.mT).mT if x.dim() > 1 else x),
    "out is negated": tensor_into(lambda x: torch._neg_view(torch.empty_like(x))),
    "in place": tensor_in_place,
    "in place in a graph": tensor_in_place_in_a_graph,
    "requires grad": lambda x, dim: cumsum.cumsum(x.requires_grad_(), dim, **HOW).detach(),
    "forward mode": dual,
    "vmap": mapped,
    "subclass": lambda x, dim: cumsum.cumsum(torch.nn.Parameter(x), dim, **HOW).detach(),
    "cumulative_sum": lambda x, dim: cumsum.cumulative_sum(x, axis=dim, **HOW),
}


@pytest.mark.parametrize("route", TENSOR_ROUTES)
@pytest.mark.parametrize("dtype", PAIRED)
def test_tensor_routes(route, dtype):
    for shape, dim in SHAPES:
        x = hard(shape, dtype)
        wanted = compensated(x, dim)
        result = TENSOR_ROUTES[route](as_tensor(x), dim).resolve_neg().resolve_conj()
        assert same_bits(result.numpy(), wanted), shape


@pytest.mark.parametrize("threads", [1, 2, 3, 7])
def test_threads_do_not_matter(threads):
    for shape, axis in (((300_007,), 0), ((50_000, 3), 0), ((64, 300, 20), 1)):
        x = hard(shape)
        with cumsum.num_threads(threads):
            assert same_bits(cumsum.cumsum(x, axis, **HOW), compensated(x, axis))
