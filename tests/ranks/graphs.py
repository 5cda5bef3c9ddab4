"""torch.compile and FSDP2 over processes."""

import pytest
import torch
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import fully_shard
from torch.distributed.tensor import Shard, distribute_tensor

import cumsum
from cumsum.distributed import cumsum as scan
from cumsum.distributed import exscan
from ranks.plain import same, values


def compiled(function, backend="aot_eager", fullgraph=True, **options):
    torch._dynamo.reset()
    return torch.compile(function, backend=backend, fullgraph=fullgraph, **options)


def gradient(function, x):
    x = x.detach().clone().requires_grad_()
    function(x).backward()
    return x.grad


def check_compiled_shards(world):
    """With the sizes given the graph has no break; else there is one, to tell them."""
    sizes = [4099, 3, 0, 700][: world.size]
    part = world.shard(values(sum(sizes), "float32"), 0, sizes)

    def given(x):
        return (scan(x.cos(), 0, sizes=sizes, exclusive=True) ** 2).sum()

    def told(x):
        return (scan(x.cos(), 0, exclusive=True) ** 2).sum()

    want = gradient(given, part)
    same(gradient(compiled(given), part), want)
    same(gradient(compiled(told, fullgraph=False), part), want)
    with pytest.raises(torch._dynamo.exc.Unsupported, match="give them as sizes="):
        compiled(told)(part)
    group = torch.distributed.new_group()
    sums = compiled(lambda x: scan(x, 0, group, sizes=sizes, reverse=True))(part)
    same(sums, scan(part, 0, reverse=True))


def check_compiled_with_inductor(world):
    """Inductor calls the operators and torch's collective; it has nothing else to compile here."""
    sizes = [4099, 3]
    part = world.shard(values(sum(sizes), "float32"), 0, sizes)
    same(compiled(lambda x: scan(x, 0, sizes=sizes), "inductor")(part), scan(part, 0))


def check_compiled_exscan(world):
    x = values((world.size, 3), "float64")[world.rank]
    same(compiled(lambda x: exscan(x * 2, check=False))(x), exscan(x * 2))


def reversed_squares(x):
    return cumsum.cumsum(x * 2, 0, reverse=True) ** 2


def check_compiled_dtensors(world):
    mesh = init_device_mesh("cpu", (2, 2) if world.size == 4 else (world.size,))
    d = distribute_tensor(values((13, 5), "float64"), mesh, [Shard(0)] * mesh.ndim)
    run = compiled(reversed_squares)
    want, got = (gradient(lambda x, f=f: f(x).sum(), d) for f in (reversed_squares, run))
    assert got.placements == want.placements
    same(got.full_tensor(), want.full_tensor())


def check_compiled_dtensors_elsewhere(world):
    """Sharded along another dim, or in place."""
    mesh = init_device_mesh("cpu", (world.size,))
    d = distribute_tensor(values((13, 5), "float64"), mesh, [Shard(1)])
    same(compiled(reversed_squares)(d).to_local(), reversed_squares(d).to_local())
    with pytest.raises(torch._dynamo.exc.Unsupported, match="not available for a DTensor"):
        compiled(lambda x: cumsum.cumsum_(x * 2, 0))(d)


def check_compiled_for_many_sizes(world):
    mesh = init_device_mesh("cpu", (world.size,))
    run = compiled(lambda x: cumsum.cumsum(x, 0) * 2, dynamic=True)
    for size in (13, 18):
        d = distribute_tensor(values((size, 2), "float64"), mesh, [Shard(0)])
        same(run(d).full_tensor(), (cumsum.cumsum(d, 0) * 2).full_tensor())


class Model(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.last = torch.nn.Linear(6, 5), torch.nn.Linear(5, 2)

    def forward(self, x):
        return self.last(cumsum.cumsum(self.first(x), 0, decay=0.9))


def check_fully_sharded_model(world):
    """Some steps of FSDP2 have the gradients of one process that sees all samples."""
    mesh = init_device_mesh("cpu", (world.size,))
    torch.manual_seed(0)
    alone, sharded = Model(), Model()
    sharded.load_state_dict(alone.state_dict())
    fully_shard(sharded.first, mesh=mesh)
    fully_shard(sharded, mesh=mesh)
    samples = values((world.size, 8, 6), "float32") / 100
    steps = [torch.optim.SGD(model.parameters(), 0.01) for model in (alone, sharded)]
    for _ in range(3):
        sum(alone(sample).pow(2).mean() for sample in samples).div(world.size).backward()
        sharded(samples[world.rank]).pow(2).mean().backward()
        for p, q in zip(alone.parameters(), sharded.parameters(), strict=True):
            torch.testing.assert_close(q.grad.full_tensor(), p.grad)
        for step in steps:
            step.step()
            step.zero_grad()


def check_sequence_sharded_model(world):
    """A layer that scans a sequence which is cut over all processes, in the middle of others."""
    mesh = init_device_mesh("cpu", (world.size,))
    torch.manual_seed(0)
    layer = torch.nn.Linear(3, 3)
    x = values((10, 3), "float32") / 100
    want = torch.autograd.grad(cumsum.cumsum(layer(x), 0).pow(2).sum(), tuple(layer.parameters()))
    part = distribute_tensor(x, mesh, [Shard(0)]).to_local()
    got = torch.autograd.grad(scan(layer(part), 0).pow(2).sum(), tuple(layer.parameters()))
    for mine, whole in zip(got, want, strict=True):
        torch.distributed.all_reduce(mine)
        torch.testing.assert_close(mine, whole)
