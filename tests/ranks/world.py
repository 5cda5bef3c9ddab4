"""Worlds of processes: start some, have them make checks, and collect what became of each.

Run as a program, ``python -m ranks.world FOLDER PLAN``, it imports torch once and forks the
processes of each world of the plan. Each of them makes the checks of its world, functions
``check_*(world)``, and writes what is wrong with each: nothing, or a traceback. After an error it
ends, so that the others get an error, too, instead of waiting.
"""

import importlib
import inspect
import json
import logging
import multiprocessing
import os
import subprocess
import sys
import traceback
import warnings
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import torch
from torch import distributed

SECONDS = 20  # until a process that waits for another one gives up
LONGEST = 200  # that a process lives


@dataclass
class World:
    """What a check knows of its processes."""

    rank: int
    size: int
    seconds: float = SECONDS

    def shard(self, x, dim, sizes):
        """This process's part of a tensor that is cut in parts of these sizes."""
        return x.split(sizes, dim)[self.rank]

    def whole(self, part, dim=0):
        """The tensors of all processes, put together."""
        parts = [None] * self.size
        distributed.all_gather_object(parts, part.detach())
        return torch.cat(parts, dim)


def checks_of(*wanted):
    """The names and functions of the checks of some modules; ``module.check`` is one of them."""
    for name, _, one in (name.partition(".") for name in wanted):
        module = importlib.import_module(f"ranks.{name}")
        for check, function in inspect.getmembers(module, inspect.isfunction):
            own = check.startswith("check_") and function.__module__ == module.__name__
            if own and one in {"", check}:
                yield f"{name}.{check}", function


def start(folder, plan):
    """What became of each world of a plan, of dicts with `size`, `checks` and perhaps `seconds`.

    For each of its ranks the outcomes of the checks, and the exit status.
    """
    command = [sys.executable, "-m", "ranks.world", str(folder), json.dumps(plan)]
    path = os.pathsep.join(filter(None, sys.path))
    environment = os.environ | {"PYTHONPATH": path, "OMP_NUM_THREADS": "1"}
    ended = subprocess.run(command, env=environment, text=True, stdout=subprocess.PIPE, check=True)
    statuses = json.loads(ended.stdout.splitlines()[-1])
    return [
        [(_told(folder, number, rank), status) for rank, status in enumerate(each)]
        for number, each in enumerate(statuses)
    ]


def _told(folder, number, rank):
    file = Path(folder, f"{number}-{rank}.json")
    return json.loads(file.read_text()) if file.exists() else {}


def _quiet():
    """Let warnings be errors, but for torch's own that pyproject.toml names."""
    warnings.simplefilter("error")
    warnings.filterwarnings("ignore", "`isinstance.treespec, LeafSpec", FutureWarning)
    warnings.filterwarnings("ignore", r".*torch.jit.* is deprecated")
    warnings.filterwarnings("ignore", "The .grad attribute of a Tensor that is not a leaf")
    logging.getLogger("torch.distributed.tensor").setLevel(logging.ERROR)  # advice for speed


def _live(folder, number, rank, size, checks, seconds=SECONDS):
    _quiet()
    torch.set_num_threads(1)
    distributed.init_process_group(
        "gloo",
        init_method=f"file://{folder}/{number}-meeting",
        rank=rank,
        world_size=size,
        timeout=timedelta(seconds=seconds),
    )
    outcomes = {}
    for name, check in checks_of(*checks):
        try:
            check(World(rank, size, seconds))
        except BaseException:  # noqa: BLE001 - it is told
            outcomes[name] = traceback.format_exc()
        else:
            outcomes[name] = None
        Path(folder, f"{number}-{rank}.json").write_text(json.dumps(outcomes))
        if outcomes[name] is not None:
            os._exit(1)
    distributed.destroy_process_group()


def _ended(processes):
    """The exit statuses of processes, which are killed if they take too long."""
    for process in processes:
        process.join(LONGEST)
        if process.is_alive():
            process.kill()
            process.join()
    return [process.exitcode for process in processes]


def _main(folder, plan):
    """Worlds that are to lose processes wait most of the time: they live side by side."""
    plan = json.loads(plan)
    for world in plan:
        dict(checks_of(*world["checks"]))  # imports them
    fork = multiprocessing.get_context("fork")
    together = []
    for number, world in enumerate(plan):
        processes = [
            fork.Process(target=_live, args=(folder, number, rank), kwargs=world)
            for rank in range(world["size"])
        ]
        for process in processes:
            process.start()
        together.append(processes)
        if "seconds" not in world:
            _ended(processes)
    statuses = [_ended(processes) for processes in together]
    sys.stdout.write(json.dumps(statuses) + "\n")


if __name__ == "__main__":
    _main(*sys.argv[1:])
