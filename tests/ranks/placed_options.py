"""DTensors: options, and what is not available."""

import pytest
import torch
from torch.distributed.device_mesh import DeviceMesh, init_device_mesh
from torch.distributed.tensor import DTensor, Replicate, Shard, distribute_tensor
from torch.distributed.tensor.placement_types import _StridedShard

import cumsum
from ranks.placed import meshes
from ranks.plain import same, values


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
                {"where": where, "missing": "nan"},
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
    mesh = DeviceMesh("cpu", list(range(1, world.size)))
    d = DTensor.from_local(
        torch.ones(2), mesh, [Shard(0)], run_check=False, shape=(2 * (world.size - 1),), stride=(1,)
    )
    y = cumsum.cumsum(d, 0)
    local = y.to_local()
    expected = [] if world.rank == 0 else [2 * world.rank - 1, 2 * world.rank]
    assert local.tolist() == expected
