"""DTensors: placements, meshes, and what goes over the wire."""

import itertools

import torch
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.tensor import DTensor, Partial, Replicate, Shard, distribute_tensor
from torch.utils._python_dispatch import TorchDispatchMode

import cumsum
from ranks.plain import same, values

SHAPE = (13, 7)
PLACEMENTS = (Shard(0), Shard(1), Replicate(), Partial(), Partial("avg"), Partial("max"))
SENDS = ("all_", "redu", "broa", "scat")  # the other operators wait, or wrap what came
CALLS = (
    (0, "float32", {}),
    (1, "float64", {"reverse": True, "exclusive": True}),
    (0, "int64", {"reverse": True}),
    (0, "int32", {}),
    (1, "bfloat16", {"exclusive": True}),
    (0, "complex64", {}),
)


class Wire(TorchDispatchMode):
    """What this process hands to collectives: how often, and how many bytes."""

    def __init__(self):
        super().__init__()
        self.calls, self.bytes = 0, 0

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        if any(issubclass(kind, DTensor) for kind in types):
            return NotImplemented  # once more with the shards
        if function.namespace == "_c10d_functional" and function.name().split(":")[-1][:4] in SENDS:
            self.calls += 1
            self.bytes += args[0].numel() * args[0].element_size()
        return function(*args, **(kwargs or {}))


def meshes(world):
    """A mesh of all processes, and with four of them one of two dims."""
    yield init_device_mesh("cpu", (world.size,))
    if world.size == 4:
        yield init_device_mesh("cpu", (2, 2), mesh_dim_names=("outer", "inner"))


def placed(x, mesh, placements):
    """A DTensor; each of its parts, if there are any, is small and whole."""
    held = [Replicate() if p.is_partial() else p for p in placements]
    local = distribute_tensor(x, mesh, held).to_local()
    return DTensor.from_local(
        local, mesh, placements, run_check=False, shape=x.shape, stride=x.stride()
    )


def every_placement(mesh, dtype):
    """All combinations that torch has; it has no averages of integers."""
    for placements in itertools.product(PLACEMENTS, repeat=mesh.ndim):
        kinds = {p.reduce_op for p in placements if p.is_partial()}
        lacking = ("avg" in kinds and "int" in dtype) or ("max" in kinds and "complex" in dtype)
        if len(kinds) < 2 and not lacking:
            yield placements


def check_every_placement(world):
    """Small integers, so that every order of additions gives the same sums."""
    for mesh in meshes(world):
        for dim, dtype, options in CALLS:
            x = (values(SHAPE, "float64") / 30).round().to(getattr(torch, dtype))
            for placements in every_placement(mesh, dtype):
                d = placed(x, mesh, placements)
                y = cumsum.cumsum(d, dim, **options)
                same(y.full_tensor(), cumsum.cumsum(d.full_tensor(), dim, **options))
                for before, after in zip(placements, y.placements, strict=True):
                    assert before == after or (before.is_partial() and after.is_replicate())


def check_gradients_of_every_placement(world):
    for mesh in meshes(world):
        everywhere = [Replicate()] * mesh.ndim
        for dim, dtype, options in CALLS[:2]:
            x, w = values(SHAPE, dtype) / 30, values(SHAPE, dtype, 1) / 30
            weights = distribute_tensor(w, mesh, everywhere)
            for placements in every_placement(mesh, dtype):
                d = placed(x, mesh, placements).requires_grad_()
                whole = d.detach().full_tensor().requires_grad_()
                want = (cumsum.cumsum(whole, dim, **options) ** 2 * w).sum()
                got = cumsum.cumsum(d, dim, **options).redistribute(mesh, everywhere)
                got = (got**2 * weights).sum()
                got.backward()
                want.backward()
                torch.testing.assert_close(d.grad.full_tensor(), whole.grad)


def check_double_backward(world):
    for mesh in meshes(world):
        x = values((9, 2), "float64") / 100

        def second(x, gathered):
            (first,) = torch.autograd.grad((scanned(x, gathered) ** 3).sum(), x, create_graph=True)
            (again,) = torch.autograd.grad((first**2).sum(), x)
            return again

        def scanned(x, gathered, mesh=mesh):
            y = cumsum.cumsum(x, 0)
            return y.redistribute(mesh, [Replicate()] * mesh.ndim) if gathered else y

        d = distribute_tensor(x, mesh, [Shard(0)] * mesh.ndim)
        want = second(x.clone().requires_grad_(), gathered=False)
        for gathered in {False, torch.__version__ >= (2, 13)}:  # torch's before is not
            got = second(d.detach().requires_grad_(), gathered).full_tensor()
            torch.testing.assert_close(got, want)


def check_bits_and_uneven_shards(world):
    """Shards of whole tiles have the bits of the scan in memory, the last ones may be short."""
    for mesh in meshes(world):
        for length in (4 * 8192 * world.size, 4096 * world.size - 100, 1, 2, 5, 0):
            x = values((length, 2), "float32")
            d = distribute_tensor(x, mesh, [Shard(0)] * mesh.ndim)
            y = cumsum.cumsum(d, 0)
            assert y.placements == d.placements
            assert y.to_local().shape == d.to_local().shape
            if length > 10:
                same(y.full_tensor(), cumsum.cumsum(x, 0))
            else:
                torch.testing.assert_close(y.full_tensor(), cumsum.cumsum(x, 0))


def check_both_dims_sharded(world):
    """Each row of the mesh scans lines of its own."""
    if world.size < 4:
        return
    mesh = init_device_mesh("cpu", (2, 2))
    x = values((9, 11), "float64")
    for placements in ((Shard(0), Shard(1)), (Shard(1), Shard(0))):
        d = distribute_tensor(x, mesh, placements)
        for dim in (0, 1):
            y = cumsum.cumsum(d, dim)
            assert y.placements == placements
            torch.testing.assert_close(y.full_tensor(), cumsum.cumsum(x, dim))


def check_only_totals_on_the_wire(world):
    """Forward and backward: 8 bytes for 4096 elements; torch sends each of them."""
    (mesh, *_) = meshes(world)
    x = values((world.size * 3 * 4096, 5), "float32")
    d = distribute_tensor(x, mesh, [Shard(0)])
    totals = 3 * 5 * 8
    with Wire() as wire:
        cumsum.cumsum(d, 0)
    assert (wire.calls, wire.bytes) == (1, 128 + totals)
    with Wire() as wire:
        torch.cumsum(d, 0)
    assert wire.bytes >= d.to_local().numel() * 4
    leaf = d.detach().requires_grad_()
    y = cumsum.cumsum(leaf, 0)
    with Wire() as wire:
        torch.autograd.grad(y, leaf, d)
    assert (wire.calls, wire.bytes) == (1, 128 + totals)
    local = d.to_local()
    with Wire() as wire:
        cumsum.distributed.cumsum(local, 0)
    assert (wire.calls, wire.bytes) == (2, 128 + 128 + totals)
    with Wire() as wire:
        cumsum.distributed.exscan(local[0], check=False)
    assert (wire.calls, wire.bytes) == (1, 128 + 5 * 8)
    half = d.to(torch.bfloat16)
    with Wire() as wire:
        cumsum.cumsum(half, 0)
    assert (wire.calls, wire.bytes) == (1, 128 + totals // 2)
    for placements in ([Shard(1)], [Replicate()], [Partial()]):
        other = placed(x, mesh, placements)
        with Wire() as wire:
            assert cumsum.cumsum(other, 0).placements == other.placements
        assert wire.calls == 0
