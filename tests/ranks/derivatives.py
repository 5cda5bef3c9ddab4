"""Process groups: gradients of every order."""

import torch

import cumsum
from cumsum.distributed import cumsum as scan
from cumsum.distributed import exscan
from ranks.plain import UNEVEN, aligned, same, values


def check_gradients(world):
    for sizes, reverse, exclusive in (
        (aligned(world), False, False),
        (list(UNEVEN[1][: world.size]), True, True),
        (list(UNEVEN[2][: world.size]), True, False),
    ):
        x, w = values((2, sum(sizes)), "float64"), values((2, sum(sizes)), "float64", 1)
        first = values(2, "float64", 2)
        options = {"reverse": reverse, "exclusive": exclusive}
        whole, begin = x.clone().requires_grad_(), first.clone().requires_grad_()
        y = cumsum.cumsum(whole, 1, initial=begin, **options)
        want = torch.autograd.grad((w * y).sum(), (whole, begin))
        part, begin = (
            world.shard(x, 1, sizes).clone().requires_grad_(),
            first.clone().requires_grad_(),
        )
        y = scan(part, 1, initial=begin, **options)
        got = torch.autograd.grad((world.shard(w, 1, sizes) * y).sum(), (part, begin))
        torch.testing.assert_close(got[0], world.shard(want[0], 1, sizes))
        torch.testing.assert_close(got[1], want[1])


def check_gradient_bits(world):
    """Forward and backward, where the shards begin tiles from either end."""
    sizes = [8192] * world.size
    x = values(sum(sizes), "float32").requires_grad_()
    w = values(sum(sizes), "float32", 1)
    (want,) = torch.autograd.grad(cumsum.cumsum(x, 0), x, w)
    part = world.shard(x.detach(), 0, sizes).requires_grad_()
    (got,) = torch.autograd.grad(scan(part, 0), part, world.shard(w, 0, sizes))
    same(got, world.shard(want, 0, sizes))


def check_double_backward_and_forward_mode(world):
    sizes = [3, 0, 2, 4][: world.size]
    x = values(sum(sizes), "float64") / 100

    def second(function, x):
        x = x.clone().requires_grad_()
        (first,) = torch.autograd.grad((function(x) ** 3).sum(), x, create_graph=True)
        (again,) = torch.autograd.grad((first**2).sum(), x)
        return again

    want = second(lambda x: cumsum.cumsum(x, 0), x)
    got = second(lambda x: scan(x, 0), world.shard(x, 0, sizes))
    torch.testing.assert_close(got, world.shard(want, 0, sizes))
    with torch.autograd.forward_ad.dual_level():
        part = world.shard(x, 0, sizes)
        dual = torch.autograd.forward_ad.make_dual(part, part.clone())
        y, tangent = torch.autograd.forward_ad.unpack_dual(scan(dual, 0))
    torch.testing.assert_close(tangent, y)


def check_several_scans_in_one_graph(world):
    """Collectives of several backward passes meet in the same order on every rank."""
    x = values((world.size, 5), "float64")
    y = x.clone().requires_grad_()
    a, b = cumsum.cumsum(y, 0), cumsum.cumsum(y.sin(), 0, reverse=True)
    ((a * b).cumsum(0) ** 2).sum().backward()
    part = x[world.rank : world.rank + 1].clone().requires_grad_()
    a, b = scan(part, 0), scan(part.sin(), 0, reverse=True)
    (scan(a * b, 0) ** 2).sum().backward()
    torch.testing.assert_close(part.grad, y.grad[world.rank : world.rank + 1])


def check_exscan_differentiates(world):
    every = values((world.size, 3), "float64").requires_grad_()
    weights = values((world.size, 3), "float64", 1)
    (cumsum.cumsum(every, 0, exclusive=True) * weights).sum().backward()
    mine = every[world.rank].detach().clone().requires_grad_()
    (exscan(mine) * weights[world.rank]).sum().backward()
    torch.testing.assert_close(mine.grad, every.grad[world.rank])
