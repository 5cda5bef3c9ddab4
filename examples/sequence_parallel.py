"""A sequence cut over three processes: its running sum, with one exchange of totals."""

import tempfile

import torch
from torch import distributed, multiprocessing
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.tensor import Shard, distribute_tensor

import cumsum


def live(rank: int, folder: str) -> None:
    """Be one of the processes."""
    distributed.init_process_group("gloo", f"file://{folder}/meet", rank=rank, world_size=3)
    torch.manual_seed(0)
    whole = torch.randn(3 * 8192)  # on every process, to compare with

    mesh = init_device_mesh("cpu", (3,))
    x = distribute_tensor(whole, mesh, [Shard(0)]).requires_grad_()
    y = cumsum.cumsum(x, 0)
    same = torch.equal(y.full_tensor(), cumsum.cumsum(whole, 0))
    y.sum().backward()
    gradient = x.grad.full_tensor()[[0, -1]].tolist()  # a call for all processes, not one alone

    tokens = torch.tensor([5, 7, 4][rank])  # how many this process has
    first = cumsum.distributed.exscan(tokens)
    if rank == 2:
        print("placed as", *y.placements, "with the bits of one scan:", same)
        print("gradients at the ends:", gradient)
        print("the first token of process 2 is number", first.item())
    distributed.destroy_process_group()


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        multiprocessing.start_processes(live, (folder,), nprocs=3, start_method="fork")
