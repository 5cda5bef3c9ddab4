"""DTensors: placements, meshes, and what goes over the wire."""

import itertools

import pytest
import torch
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.tensor import DTensor, Partial, Replicate, Shard, distribute_tensor
from torch.distributed.tensor.placement_types import _StridedShard
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


def check_options(world):
    for mesh in meshes(world):
        x = values((12, 5), "float32")
        first, where = values(5, "float32", 1), values((12, 5), "float32", 2) > 0
        for placements in ([Shard(0)] * mesh.ndim, [Shard(1)] * mesh.ndim):
            d = distribute_tensor(x, mesh, placements)
            for options in (
                {"initial": 3},
                {"initial": first, "exclusive": True, "dtype": torch.float64},
                {"initial": first[None], "reverse": True},
                {"where": where, "holes": "nan"},
                {"where": where[:, :1], "initial": first},
                {"where": where[0], "skipna": True},
            ):
                y = cumsum.cumsum(d, 0, **options)
                want = cumsum.cumsum(x, 0, **options)
                torch.testing.assert_close(y.full_tensor(), want, equal_nan=True)
                placed_too = {
                    name: distribute_tensor(value, mesh, [Replicate()] * mesh.ndim)
                    if isinstance(value, torch.Tensor)
                    else value
                    for name, value in options.items()
                }
                same(cumsum.cumsum(d, 0, **placed_too).to_local(), y.to_local())


def check_options_of_whole_lines(world):
    for mesh in meshes(world):
        x = values((4, 6), "float64")
        d = distribute_tensor(x, mesh, [Shard(0)] * mesh.ndim)
        for options in (
            {"include_initial": True},
            {"lengths": torch.tensor([2, 4])},
            {"reset": torch.tensor([1, 0, 0, 1, 0, 0], dtype=torch.bool)},
            {"decay": 0.5},
        ):
            want = cumsum.cumsum(x, 1, **options)
            y = cumsum.cumsum(d, 1, **options)
            assert y.shape == want.shape
            same(y.full_tensor(), want)
            with pytest.raises(NotImplementedError, match="along a sharded dim of a DTensor"):
                cumsum.cumsum(d, 0, **options)


def check_gradient_of_initial(world):
    for mesh in meshes(world):
        x, first = values((12, 5), "float64"), values(5, "float64", 1)
        for placements in ([Shard(0)] * mesh.ndim, [Shard(1)] * mesh.ndim):
            for shape in ((5,), (1,), ()):
                begin = first[: shape[0]] if shape else first[0]
                begin = begin.clone().requires_grad_()
                (cumsum.cumsum(x, 0, initial=begin) ** 2).sum().backward()
                held = distribute_tensor(begin.detach(), mesh, [Replicate()] * mesh.ndim)
                held.requires_grad_()
                d = distribute_tensor(x, mesh, placements)
                (cumsum.cumsum(d, 0, initial=held) ** 2).sum().backward()
                torch.testing.assert_close(held.grad.full_tensor(), begin.grad)
        with pytest.raises(RuntimeError, match="initial has to be a DTensor to get a gradient"):
            cumsum.cumsum(d, 0, initial=begin)


def check_numbers(world):
    """DTensors without a dim."""
    (mesh, *_) = meshes(world)
    d = DTensor.from_local(torch.tensor(3.0), mesh, [Replicate()])
    assert cumsum.cumsum(d, 0).full_tensor().item() == 3
    y = cumsum.cumsum(d, 0, include_initial=True)
    assert y.full_tensor().tolist() == [0, 3]


def check_what_is_not_available(world):
    (mesh, *_) = meshes(world)
    d = distribute_tensor(torch.ones(8, 8), mesh, [Shard(0)])
    with pytest.raises(NotImplementedError, match="out= not available for a DTensor"):
        cumsum.cumsum(d, 0, out=torch.empty_like(d))
    with pytest.raises(ValueError, match="Cannot find device mesh"):  # torch's
        cumsum.cumsum(torch.ones(8, 8), 0, out=d)
    with pytest.raises(NotImplementedError, match=r"cumsum_\(\): not available for a DTensor"):
        cumsum.cumsum_(d, 0)
    with pytest.raises(NotImplementedError, match="several dims not available"):
        cumsum.cumsum(d, (0, 1))
    with pytest.raises(NotImplementedError, match="overflow='raise' not available for a DTensor"):
        cumsum.cumsum(d.to(torch.int64), 1, overflow="raise")
    with pytest.raises(NotImplementedError, match="decay not available as a Tensor of 1 dims"):
        cumsum.cumsum(d, 1, decay=torch.ones(8))
    with pytest.raises(IndexError, match="Dimension out of range"):
        cumsum.cumsum(d, 2)
    with pytest.raises(ValueError, match=r"initial has shape \(3,\), but the input \(8, 8\)"):
        cumsum.cumsum(d, 0, initial=torch.ones(3))
    with pytest.raises(TypeError, match=r"cumsum\.cumsum takes a DTensor"):
        cumsum.distributed.cumsum(d, 0)
    with pytest.raises(RuntimeError, match="not implemented for"):
        cumsum.cumsum(d, 1, dtype=torch.bool)
    if world.size == 4:
        mesh = init_device_mesh("cpu", (2, 2))
        strided = [_StridedShard(0, split_factor=2), Shard(0)]
        s = DTensor.from_local(torch.ones(2, 8), mesh, strided, run_check=False)
        with pytest.raises(NotImplementedError, match="shards do not follow each other"):
            cumsum.cumsum(s, 0)
        assert cumsum.cumsum(s, 1, initial=1).to_local()[0].tolist() == list(range(2, 10))
        with pytest.raises(NotImplementedError, match="where not available for a DTensor with"):
            cumsum.cumsum(s, 1, where=torch.ones(8, 8, dtype=torch.bool))


def check_shards_of_other_sizes(world):
    """torch cuts a dim in one way alone; a rank whose part is another is told to all."""
    (mesh, *_) = meshes(world)
    length = 3 if world.rank == 1 else 4
    d = DTensor.from_local(
        torch.ones(length),
        mesh,
        [Shard(0)],
        run_check=False,
        shape=torch.Size([4 * world.size]),
        stride=(1,),
    )
    with pytest.raises(ValueError, match=r"the shard of rank 1 has 3 elements .* but 4 are its"):
        cumsum.cumsum(d, 0)


def check_mesh_of_some(world):
    """A process outside the mesh makes the call, too, and has nothing."""
    from torch.distributed.device_mesh import DeviceMesh

    mesh = DeviceMesh("cpu", list(range(1, world.size)))
    d = DTensor.from_local(
        torch.ones(2), mesh, [Shard(0)], run_check=False, shape=(2 * (world.size - 1),), stride=(1,)
    )
    y = cumsum.cumsum(d, 0)
    local = y.to_local()
    expected = [] if world.rank == 0 else [2 * world.rank - 1, 2 * world.rank]
    assert local.tolist() == expected
