"""Processes that die or stay away: the others get an error in time. One check for each world."""

import os
import signal
import time

import pytest
import torch
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.tensor import Shard, distribute_tensor

import cumsum
from cumsum.distributed import cumsum as scan

SLACK = 10  # seconds, of a busy machine


def die():
    os.kill(os.getpid(), signal.SIGKILL)


def loses(world, call, *args):
    """Whether a call that another rank does not make ends in time, with torch's error."""
    began = time.monotonic()
    with pytest.raises(RuntimeError, match=r"[Cc]onnection|[Tt]imed out|gloo"):
        call(*args)
    assert time.monotonic() - began < world.seconds + SLACK


def check_death_before_a_scan(world):
    x = torch.ones(5000)
    scan(x, 0)
    if world.rank == 1:
        die()
    loses(world, scan, x, 0)


def check_death_before_a_backward_pass(world):
    mesh = init_device_mesh("cpu", (world.size,))
    x = distribute_tensor(torch.ones(5000), mesh, [Shard(0)]).requires_grad_()
    y = cumsum.cumsum(x, 0)
    if world.rank == 1:
        die()
    loses(world, y.to_local().sum().backward)


def check_rank_that_stays_away(world):
    x = torch.ones(3)
    scan(x, 0)
    if world.rank == 1:
        time.sleep(world.seconds + 2)
    else:
        loses(world, scan, x, 0)


def check_rank_whose_call_is_wrong(world):
    """It has an error of its own, and the others wait for it no longer than that."""
    x = torch.ones(3)
    if world.rank == 1:
        with pytest.raises(IndexError):
            scan(x, 1)
        time.sleep(world.seconds + 2)
    else:
        loses(world, scan, x, 0)
