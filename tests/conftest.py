"""Fixtures, and what a run says at its end."""

import os
import subprocess
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import pytest

if "PYTEST_XDIST_WORKER" in os.environ:  # before torch is imported
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # its threads do not wait at work
    os.environ.setdefault("TORCHINDUCTOR_COMPILE_THREADS", "1")

import cumsum
from cumsum import _core
from cumsum.threads import Source


@dataclass
class SpecReport:
    """How the specification of torch.cumsum was met."""

    cases: int = 0
    differences: int = 0


@dataclass
class BitsReport:
    """How many scans of random rows had the bits of the reference."""

    rows: int = 0


# What takes longest, in this order before all others, so that no worker is left with it at the end.
LONGEST = (
    "distributed", "compile", "process_limits", "gpu_abilities", "gpu_compiled",
    "gpu_abilities_compiled", "bits_rows", "gpu_tensor", "gpu_scans", "dask", "examples",
    "gpu_chain",
)  # fmt: skip
REPORT = pytest.StashKey[SpecReport]()
BITS = pytest.StashKey[BitsReport]()


class WithoutTriton:
    """What cannot be imported where there is no Triton is not looked into for examples."""

    HELPERS = (
        *("gpu_abilities_checks.py", "gpu_ability_launches.py", "gpu_chain_worker.py"),
        *("gpu_launches.py", "gpu_tensor_checks.py", "interpreter.py", "on_gpu.py"),
    )

    def pytest_ignore_collect(self, collection_path):
        inside = collection_path.parent.name == "gpu" and collection_path.name != "__init__.py"
        code = "gpu" in collection_path.parts[-3:-1] and collection_path.parent.name == "code"
        return True if inside or code or collection_path.name in self.HELPERS else None


def pytest_configure(config):
    if find_spec("triton") is None:
        config.pluginmanager.register(WithoutTriton())
    config.stash[REPORT] = SpecReport()
    config.stash[BITS] = BitsReport()
    config.addinivalue_line("markers", "huge(gib): needs that many GiB of free memory")
    config.addinivalue_line("markers", "alone: measures time, or needs the memory of the machine")


def pytest_collection_modifyitems(config, items):
    """Begin with the longest files where others can be tested beside them."""
    if hasattr(config, "workerinput"):
        order = {f"test_{name}.py": at for at, name in enumerate(LONGEST)}
        items.sort(key=lambda item: order.get(item.path.name, len(order)))


def pytest_sessionfinish(session):
    """What a worker has counted goes to the process that prints it."""
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["counts"] = [
            vars(session.config.stash[key]) for key in (REPORT, BITS)
        ]


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node):
    """Add up what workers have counted."""
    for key, counts in zip((REPORT, BITS), node.workeroutput.get("counts", ()), strict=False):
        for name, count in counts.items():
            total = node.config.stash[key]
            setattr(total, name, getattr(total, name) + count)


def pytest_terminal_summary(terminalreporter, config):
    report = config.stash[REPORT]
    if report.cases:
        terminalreporter.write_line(
            f"torch.cumsum specification: {report.cases} cases, {report.differences} differences"
        )
    if rows := config.stash[BITS].rows:
        terminalreporter.write_line(f"equal bits: {rows:,} scans of random rows, no difference")


def pytest_runtest_setup(item):
    """Skip a huge test that the free memory does not allow, and say how much it needs."""
    mark = item.get_closest_marker("huge")
    if mark is None:
        return
    needed, available = mark.args[0], available_gib()
    if available < needed:
        pytest.skip(f"needs {needed} GiB of free memory, {available:.1f} GiB are available")


def available_gib():
    """The memory that can be had without swapping, in GiB."""
    meminfo = Path("/proc/meminfo")
    if not meminfo.exists():
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    lines = (line.split(":") for line in meminfo.read_text().splitlines())
    return int(dict(lines)["MemAvailable"].split()[0]) / 2**20


@pytest.fixture
def spec_report(request):
    """The counts that the end of the run prints."""
    return request.config.stash[REPORT]


@pytest.fixture
def bits_report(request):
    """The count of rows compared bit by bit, printed at the end of the run."""
    return request.config.stash[BITS]


@pytest.fixture(scope="session")
def targets():
    """The instruction sets this machine can run."""
    return tuple(cumsum.show_config().targets)


@pytest.fixture(autouse=True)
def threads_as_found():
    """No test changes the thread count of the next."""
    yield
    _core.set_threads(Source.set, 0)


@pytest.fixture
def small_disk(tmp_path):
    """A disk of 256 KiB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(folder)]
    if os.geteuid() or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("needs the right to mount a small disk")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)
