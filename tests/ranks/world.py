"""A world of processes: start one, have it make checks, and collect what became of each.

Run as a program, ``python -m ranks.world SIZE FOLDER SECONDS CHECKS ...``, it imports torch once
and forks the processes. Each makes every check of the modules, the functions ``check_*(world)``,
and writes to FOLDER/RANK.json what is wrong with each: nothing, or a traceback. After an error it
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
import time
import traceback
import warnings
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import torch
from torch import distributed

SECONDS = 20  # until a process that waits for another one gives up


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


def start(size, folder, *wanted, seconds=SECONDS):
    """The outcomes of all checks for each rank, as dicts, and the exit status of each process."""
    command = [sys.executable, "-m", "ranks.world", str(size), str(folder), str(seconds), *wanted]
    path = os.pathsep.join(filter(None, sys.path))
    environment = os.environ | {"PYTHONPATH": path, "OMP_NUM_THREADS": "1"}
    ended = subprocess.run(command, env=environment, text=True, stdout=subprocess.PIPE, check=True)
    return [
        json.loads(file.read_text()) if file.exists() else {}
        for file in (Path(folder, f"{rank}.json") for rank in range(size))
    ], json.loads(ended.stdout.splitlines()[-1])


def _quiet():
    """Let warnings be errors, but for torch's own that pyproject.toml names."""
    warnings.simplefilter("error")
    warnings.filterwarnings("ignore", "`isinstance.treespec, LeafSpec", FutureWarning)
    warnings.filterwarnings("ignore", r".*torch.jit.* is deprecated")
    warnings.filterwarnings("ignore", "The .grad attribute of a Tensor that is not a leaf")
    logging.getLogger("torch.distributed.tensor").setLevel(logging.ERROR)  # advice for speed


def _live(rank, size, folder, seconds, wanted):
    _quiet()
    torch.set_num_threads(1)
    distributed.init_process_group(
        "gloo",
        init_method=f"file://{folder}/meeting",
        rank=rank,
        world_size=size,
        timeout=timedelta(seconds=seconds),
    )
    outcomes = {}
    for name, check in checks_of(*wanted):
        began = time.perf_counter()
        try:
            check(World(rank, size, seconds))
        except BaseException:  # noqa: BLE001 - it is told
            outcomes[name] = traceback.format_exc()
        else:
            outcomes[name] = None
        Path(folder, f"{rank}.json").write_text(json.dumps(outcomes))
        if os.environ.get("RANKS_TIMES"):
            sys.stderr.write(f"{rank} {name} {time.perf_counter() - began:.2f}\n")
        if outcomes[name] is not None:
            os._exit(1)
    distributed.destroy_process_group()


def _main(size, folder, seconds, *wanted):
    dict(checks_of(*wanted))  # imports them
    fork = multiprocessing.get_context("fork")
    size, seconds = int(size), float(seconds)
    processes = [
        fork.Process(target=_live, args=(rank, size, folder, seconds, wanted))
        for rank in range(size)
    ]
    for process in processes:
        process.start()
    for process in processes:
        process.join(200)
        if process.is_alive():
            process.kill()
            process.join()
    sys.stdout.write(json.dumps([process.exitcode for process in processes]) + "\n")


if __name__ == "__main__":
    _main(*sys.argv[1:])
