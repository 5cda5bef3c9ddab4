"""`patch_torch` beside torch as it is: its manners kept, seen by every thread, undone exactly."""

import os
import subprocess
import sys
import threading

import pytest
import torch

import cumsum
from spec import CASES, compare, observe

TABLE = torch._C._dispatch_dump_table
OVERLOADS = ("aten::cumsum", "aten::cumsum_", "aten::cumsum.out")
LONG = torch.randn(4099, dtype=torch.float64, generator=torch.Generator().manual_seed(0))


def is_routed():
    """Whether torch gives our bits, which for these numbers are not its own."""
    return torch.equal(torch.cumsum(LONG, 0), cumsum.cumsum(LONG, 0))


def kernels():
    return [TABLE(name) + torch._C._dispatch_dump(name) for name in OVERLOADS]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_same_as_torch(case):
    """Errors, warnings, versions, gradients and kinds of tensors: the specification once more.

    `cumsum.cumsum` beside it asks torch what it has no kernel for, and torch asks our kernels.
    """
    theirs = observe(case, "torch")
    with cumsum.patch_torch():
        for implementation in ("torch", "cumsum"):
            differences = compare(case, observe(case, implementation), theirs)
            assert not differences, "\n".join(differences)


class TestUndo:
    """torch is itself again, to the entries of its tables."""

    def test_block(self):
        before = kernels()
        assert not is_routed()
        with cumsum.patch_torch():
            assert is_routed()
            assert kernels() != before
        assert not is_routed()
        assert kernels() == before

    def test_handle(self):
        before = kernels()
        patch = cumsum.patch_torch()
        assert is_routed()
        for _ in range(2):
            patch.undo()
            assert not is_routed()
        assert kernels() == before

    def test_forgotten_handle(self):
        """The patch does not hang on the handle; another one does not end it."""
        patch = cumsum.patch_torch()
        with cumsum.patch_torch():
            assert is_routed()
        assert is_routed()
        patch.undo()
        assert not is_routed()

    def test_nested(self):
        before = kernels()
        outer, inner = cumsum.patch_torch(), cumsum.patch_torch()
        for _ in range(2):
            outer.undo()
            assert is_routed()
        inner.undo()
        assert kernels() == before

    def test_undone_within_the_block(self):
        with cumsum.patch_torch() as patch, cumsum.patch_torch():
            patch.undo()
            assert is_routed()
        assert not is_routed()

    def test_exception(self):
        before = kernels()
        with pytest.raises(IndexError, match="Dimension out of range"), cumsum.patch_torch():
            torch.cumsum(LONG, 5)
        assert kernels() == before

    def test_again_and_again(self):
        for _ in range(20):
            with cumsum.patch_torch():
                assert is_routed()
            assert not is_routed()


class TestProcess:
    """A patch is the whole process's."""

    def test_thread_started_before(self):
        """A thread and this one take turns: before the patch, within, and after."""
        turns, seen = threading.Barrier(2, timeout=60), []

        def look():
            for _ in range(3):
                turns.wait()
                seen.append(is_routed())
                turns.wait()

        def one_turn():
            turns.wait()
            turns.wait()

        thread = threading.Thread(target=look)
        thread.start()
        one_turn()
        with cumsum.patch_torch():
            one_turn()
        one_turn()
        thread.join()
        assert seen == [False, True, False]

    def test_threads_at_once(self):
        x = torch.randn(300_001)
        wanted, wrong = cumsum.cumsum(x, 0), []

        def call():
            wrong.extend(1 for _ in range(20) if not torch.equal(torch.cumsum(x, 0), wanted))

        with cumsum.patch_torch():
            threads = [threading.Thread(target=call) for _ in range(4)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        assert wrong == []

    @pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
    def test_fork(self):
        """The child has the patch, and may undo its own."""
        with cumsum.patch_torch() as patch:
            child = os.fork()
            if child == 0:
                inherited = is_routed()
                patch.undo()
                os._exit(0 if inherited and not is_routed() else 1)
            assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
            assert is_routed()

    def test_import(self):
        """torch is loaded by the patch, not by the import; nothing is patched before."""
        code = """
            import sys, cumsum
            assert "torch" not in sys.modules
            patch = cumsum.patch_torch()
            torch = sys.modules["torch"]
            dump = lambda: torch._C._dispatch_dump("aten::cumsum")
            assert "dispatcher.py" in dump()
            patch.undo()
            assert "dispatcher.py" not in dump()
        """
        lines = "\n".join(line.strip() for line in code.splitlines())
        subprocess.run([sys.executable, "-W", "error", "-c", lines], check=True, timeout=120)
