"""Tensors and modules that go to other processes, threads and files and come back scanned."""

import copy
import io
import pickle
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import torch
from torch import multiprocessing
from torch.package import PackageExporter, PackageImporter
from torch.utils.data import DataLoader, Dataset

import cumsum
from running import Holder, Plain, Running

# The pool's own threads live in the parent; newer Pythons warn of every fork beside threads.
pytestmark = pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")

START = pytest.mark.parametrize("start", ["fork", "spawn"])
SECONDS = 120


def item(index):
    """Many small integers: every order of additions gives their exact sums."""
    return torch.arange(index, index + 300_000, dtype=torch.float64) % 7


class Items(Dataset):
    def __len__(self):
        return 6

    def __getitem__(self, index):
        return cumsum.cumsum(item(index), 0)


def scan_in_place(x):
    cumsum.cumsum_(x, 0)


def scan_and_differentiate(x, weights):
    """Sums and a gradient; no loop of torch's, whose threads a fork may leave waiting."""
    sums = cumsum.cumsum(x, 0)
    (grad,) = torch.autograd.grad(sums, x, weights)
    return sums.tolist(), grad.tolist()


def in_child(start, function, *args):
    """What a child process returns for a call."""
    with multiprocessing.get_context(start).Pool(1) as pool:
        return pool.apply_async(function, args).get(SECONDS)


@START
def test_data_loader_workers(start):
    loader = DataLoader(
        Items(), batch_size=2, num_workers=2, timeout=SECONDS, multiprocessing_context=start
    )
    found = torch.cat(list(loader))
    assert torch.equal(found, torch.stack([item(i).cumsum(0) for i in range(6)]))


@START
def test_shared_memory_is_scanned_by_a_child(start):
    x = item(3).share_memory_()
    wanted = x.cumsum(0)
    in_child(start, scan_in_place, x)
    assert x.is_shared()
    assert torch.equal(x, wanted)
    assert torch.equal(cumsum.cumsum(x, 0), wanted.cumsum(0))


@START
def test_result_into_shared_memory(start):
    x, out = item(5), torch.zeros(300_000, dtype=torch.float64).share_memory_()
    cumsum.cumsum(x, 0, out=out)
    in_child(start, scan_in_place, out)
    assert torch.equal(out, x.cumsum(0).cumsum(0))


@START
def test_child_of_a_process_that_has_scanned(start):
    # Parent and child are new ones: torch refuses gradients to the children of a process where its
    # compiler has been at work.
    program = f"import test_torch_processes as t; t.check_child({start!r})"
    subprocess.run([sys.executable, "-c", program], check=True, cwd=Path(__file__).parent)


def check_child(start):
    x, weights = item(1).requires_grad_(), item(2)
    wanted = cumsum.cumsum(item(0), 0)  # the threads of this process are awake
    sums, grad = in_child(start, scan_and_differentiate, x, weights)
    assert sums == x.cumsum(0).tolist()
    assert grad == weights.flip(0).cumsum(0).flip(0).tolist()
    assert torch.equal(cumsum.cumsum(item(0), 0), wanted)


def test_four_threads_at_once():
    inputs = [item(i).reshape(300, 1000).requires_grad_() for i in range(4)]
    wanted = [x.detach().cumsum(1) for x in inputs]
    weights = torch.arange(1000.0, 0, -1, dtype=torch.float64).expand(300, 1000)

    def work(i):
        for _ in range(20):
            result = cumsum.cumsum(inputs[i], 1)
            (grad,) = torch.autograd.grad(result.sum(), inputs[i])
            assert torch.equal(result, wanted[i])
            assert torch.equal(grad, weights)
        return i

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(work, range(4))) == [0, 1, 2, 3]


COPIES = {
    "pickle": lambda x: pickle.loads(pickle.dumps(x)),
    "deepcopy": copy.deepcopy,
    "copy": copy.copy,
}


@pytest.mark.parametrize("way", COPIES)
def test_functions_are_copied_as_themselves(way):
    for function in (cumsum.cumsum, cumsum.cumsum_):
        assert COPIES[way](function) is function


@pytest.mark.parametrize("way", COPIES)
@pytest.mark.parametrize("kind", [Running, Holder])
def test_copied_module(kind, way):
    module, x = kind(), torch.randn(20, 70)
    assert torch.equal(COPIES[way](module)(x.clone()), module(x.clone()))


def test_saved_module(tmp_path):
    module, x = Running(), torch.randn(20, 70)
    torch.save(module, tmp_path / "module.pt")
    torch.save(module.state_dict(), tmp_path / "state.pt")
    loaded = torch.load(tmp_path / "module.pt", weights_only=False)
    same = Plain()
    same.load_state_dict(torch.load(tmp_path / "state.pt"))
    assert torch.equal(loaded(x), module(x))
    torch.testing.assert_close(same(x), module(x))


@pytest.mark.filterwarnings("ignore:TypedStorage is deprecated:UserWarning")  # torch.package's own
def test_packaged_module():
    module, x = Running(), torch.randn(20, 70)
    file = io.BytesIO()
    with PackageExporter(file) as exporter:
        exporter.intern("running")
        exporter.extern("cumsum.**")
        exporter.save_pickle("model", "model.pkl", module)
    file.seek(0)
    loaded = PackageImporter(file).load_pickle("model", "model.pkl")
    assert type(loaded) is not Running
    assert torch.equal(loaded(x), module(x))
