"""Process groups: who takes part, and calls that are not the same or not available."""

import pytest
import torch
from torch import distributed
from torch.distributed._functional_collectives import all_reduce
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.tensor import Replicate, distribute_tensor

from cumsum.distributed import cumsum as scan
from cumsum.distributed import exscan


def check_groups(world):
    """A group of some processes, in which others take no part."""
    members = list(range(1, world.size))
    group = distributed.new_group(members)
    if world.rank in members:
        got = scan(torch.ones(2), 0, group)
        assert got.tolist() == [2 * world.rank - 1, 2 * world.rank]
        assert exscan(torch.tensor(1), group).item() == world.rank - 1
    else:
        with pytest.raises(TypeError, match="group' must be a ProcessGroup"):
            scan(torch.ones(2), 0, group)


def check_tensors_that_are_on_their_way(world):
    """The result of a collective that nobody has waited for yet."""
    x = all_reduce(torch.ones(2), "sum", distributed.group.WORLD)
    assert scan(x, 0)[1].item() == world.size * 2 * (world.rank + 1)


def check_differences_are_told(world):
    """Ranks that do not make the same call all get the same error, and can go on."""
    rank = world.rank
    for part, options in (
        (torch.zeros(3 + rank, 2), {}),
        (torch.zeros(3, 2, dtype=(torch.float32, torch.float64)[rank % 2]), {}),
        (torch.zeros(3, 2), {"reverse": rank == 0}),
        (torch.zeros(3, 2, requires_grad=rank == 0), {}),
        (torch.zeros(3, 2), {"initial": torch.tensor(1.0, requires_grad=rank == 1)}),
        (torch.zeros(3, 2), {"initial": 1} if rank == 1 else {}),
    ):
        with pytest.raises(ValueError, match=r"do not make the same scan: rank 0 .* rank 1 "):
            scan(part, 1, **options)
        with pytest.raises(ValueError, match="do not make the same scan"):
            exscan(part, **options)
    with pytest.raises(ValueError, match="the shard of rank 1 has 3 elements"):
        scan(torch.zeros(3), 0, sizes=[3, 5, 3, 3][: world.size])
    with pytest.raises(ValueError, match="the shard of rank 1 has 3 elements"):
        scan(torch.zeros(3), 0, sizes=[3, 1, 3, 3][: world.size])
    with pytest.raises(ValueError, match="1 sizes are given"):
        scan(torch.zeros(3), 0, sizes=[3])
    assert scan(torch.ones(1), 0).item() == rank + 1


def check_arguments(world):
    x = torch.zeros(3)
    for name in ("decay", "offsets", "include_initial", "overflow"):
        value = {"include_initial": True, "overflow": "raise"}.get(name, torch.ones(()))
        with pytest.raises(NotImplementedError, match=f"{name} not available over processes"):
            scan(x, 0, **{name: value})
    with pytest.raises(TypeError, match="unexpected keyword argument 'out'"):
        scan(x, 0, out=x)
    with pytest.raises(TypeError, match="must be a Tensor, not ndarray"):
        scan(x.numpy(), 0)
    with pytest.raises(ValueError, match="this one has none"):
        scan(torch.tensor(1.0), 0)
    with pytest.raises(NotImplementedError, match="must be strided"):
        scan(x.to_sparse(), 0)
    placed = distribute_tensor(x, init_device_mesh("cpu", (world.size,)), [Replicate()])
    with pytest.raises(TypeError, match="initial is a DTensor, but the input is none"):
        scan(x, 0, initial=placed)
    with torch.inference_mode():
        assert scan(torch.ones(1), 0).item() == world.rank + 1
