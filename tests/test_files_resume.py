"""Scans of files that are stopped: what is left, and how a run goes on with it."""

import os
import random
import signal
import time

import numpy as np
import pytest

import cumsum
from cumsum import files
from cumsum.cli import main
from cumsum.console import CommandError
from filing import names, run_code, start

# Kills a run after each of its pieces, with a journal after each, and goes on.
EACH_PIECE = """
    import os, signal, sys
    import numpy as np
    from cumsum import files
    from cumsum.files import journal

    how = eval(sys.argv[1])
    journal.SECONDS, journal.PART = 0, float("inf")
    pieces = files.cumsum("x.npy", "whole.npy", **how).pieces
    with open("whole.npy", "rb") as file:
        whole = file.read()

    def child(**more):
        pid = os.fork()
        if pid == 0:
            files.cumsum("x.npy", "y.npy", **how, **more)
            os._exit(0)
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])

    def killer(count):
        def progress(done, total):
            if done >= total * count // pieces:
                os.kill(os.getpid(), signal.SIGKILL)
        return progress

    for count in range(1, pieces + 1):
        assert child(progress=killer(count)) == -signal.SIGKILL
        assert not os.path.exists("y.npy")
        report = files.cumsum("x.npy", "y.npy", **how, resume=True)
        assert report.resumed == count, (report, count)
        assert report.totals == files.cumsum("x.npy", "z.npy", **how, force=True).totals
        with open("y.npy", "rb") as file:
            assert file.read() == whole
        again = files.cumsum("x.npy", "y.npy", **how, resume=True)
        assert again.already_done and again.values == report.values
        os.unlink("y.npy")
        os.unlink(".y.npy.made")
    print(pieces, sorted(os.listdir()))
"""


@pytest.mark.parametrize(
    "how",
    [
        {"dim": 0, "memory": 300_000},  # rows with carry
        {"dim": 1, "memory": 300_000},  # whole lines
        {"dim": 0, "memory": 40_000},  # panels with carry
        {"dim": 0, "memory": 300_000, "reverse": True, "exclusive": True, "initial": 0.5},
    ],
    ids=str,
)
def test_kill_after_each_piece(tmp_path, how):
    shape = (90, 100) if how["memory"] < 100_000 else (200, 300)
    np.save(tmp_path / "x.npy", np.random.default_rng(0).standard_normal(shape))
    pieces, left = run_code(tmp_path, EACH_PIECE, how).split(" ", 1)
    assert 5 < int(pieces) < 40
    assert left == "['whole.npy', 'x.npy', 'z.npy']\n"


def wait_for_partial(process, folder, name="y.npy"):
    deadline = time.monotonic() + 60
    while not list(folder.glob(f".{name}.*.journal")):
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.001)


@pytest.fixture
def large(tmp_path):
    """A file that takes a while, and what its scan along each dim is."""
    x = np.random.default_rng(0).standard_normal((3000, 2500)).astype(np.float32)
    np.save(tmp_path / "x.npy", x)
    return x


@pytest.mark.parametrize("dim", [0, 1])
def test_kill_at_random_moments(tmp_path, large, dim):
    rng = random.Random(dim)
    argv = ["x.npy", "-o", "y.npy", f"--dim={dim}", "--memory=1MB", "--dtype=float64", "--resume"]
    for _ in range(4):
        with start(tmp_path, *argv) as process:
            wait_for_partial(process, tmp_path)
            time.sleep(rng.random() * 0.3)
            process.kill()
        if (tmp_path / "y.npy").exists():  # it was done
            break
        assert process.returncode == -signal.SIGKILL
    with start(tmp_path, *argv, "--force") as process:
        _, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (0, "")
    expected = cumsum.cumsum(large, dim, dtype=np.float64)
    np.testing.assert_array_equal(np.load(tmp_path / "y.npy"), expected, strict=True)
    assert names(tmp_path) == [".y.npy.made", "x.npy", "y.npy"]


def stopped(folder, number, *argv):
    with start(folder, *argv) as process:
        wait_for_partial(process, folder)
        process.send_signal(number)
        _, err = process.communicate(timeout=60)
    return process.returncode, err


SLOW = ("x.npy", "-o", "y.npy", "--dim=1", "--memory=100KB")


def test_interrupt_leaves_nothing(tmp_path, large):
    code, err = stopped(tmp_path, signal.SIGINT, *SLOW)
    assert (code, err) == (130, "cumsum: error: interrupted\n")
    assert names(tmp_path) == ["x.npy"]


def test_interrupt_with_resume_keeps_what_is_done(tmp_path, large, capsys):
    code, err = stopped(tmp_path, signal.SIGINT, *SLOW, "--resume")
    assert code == 130
    assert err == "cumsum: error: interrupted; --resume goes on from what is done\n"
    assert len(names(tmp_path)) == 3
    argv = [*SLOW, "--resume"]
    argv[0], argv[2] = tmp_path / "x.npy", tmp_path / "y.npy"
    assert main(["run", *map(str, argv)]) == 0
    np.testing.assert_array_equal(np.load(tmp_path / "y.npy"), cumsum.cumsum(large, 1))
    assert names(tmp_path) == [".y.npy.made", "x.npy", "y.npy"]


def test_run_without_resume_begins_anew(tmp_path, large):
    assert stopped(tmp_path, signal.SIGKILL, *SLOW)[0] == -signal.SIGKILL
    report = files.cumsum(tmp_path / "x.npy", tmp_path / "y.npy", 1)
    assert report.resumed == 0
    np.testing.assert_array_equal(np.load(tmp_path / "y.npy"), cumsum.cumsum(large, 1))
    assert names(tmp_path) == ["x.npy", "y.npy"]


def test_resume_refuses_another_job(tmp_path, large):
    assert stopped(tmp_path, signal.SIGKILL, *SLOW)[0] == -signal.SIGKILL
    left = names(tmp_path)
    resume = {"input": tmp_path / "x.npy", "output": tmp_path / "y.npy", "resume": True}
    for message, how in (
        ("dim was 1, is 0", {"dim": 0}),
        ("dtype of the sums was float32, is float64", {"dim": 1, "dtype": "float64"}),
        ("exclusive was False, is True", {"dim": 1, "exclusive": True}),
        ("initial was None, is ", {"dim": 1, "initial": 1}),
        ("cannot resume with 10 KB: the run that was stopped needs", {"dim": 1, "memory": 10_000}),
    ):
        with pytest.raises(CommandError, match=message):
            files.cumsum(**resume, **how)
        assert names(tmp_path) == left
    os.utime(tmp_path / "x.npy")
    with pytest.raises(CommandError, match=r"input's time was .* run without --resume to begin"):
        files.cumsum(**resume, dim=1)


def test_resume_with_nothing_to_go_on_with(tmp_path):
    np.save(tmp_path / "x.npy", np.ones(5))
    (tmp_path / ".y.npy.0123abcd.partial").write_text("")
    (tmp_path / ".y.npy.0123abcd.journal").write_text("torn")
    report = files.cumsum(tmp_path / "x.npy", tmp_path / "y.npy", resume=True)
    assert (report.resumed, report.totals) == (0, (5,))
    assert names(tmp_path) == [".y.npy.made", "x.npy", "y.npy"]


@pytest.mark.parametrize("resume", [False, True])
def test_full_disk_is_known_at_once(tmp_path, small_disk, resume):
    np.save(tmp_path / "x.npy", np.ones(100_000))
    (small_disk / "other").write_bytes(bytes(100_000))
    calls = []
    with pytest.raises(CommandError, match=f"^cannot write {small_disk}/y.npy: No space left on"):
        files.cumsum(
            tmp_path / "x.npy",
            small_disk / "y.npy",
            memory=100_000,
            resume=resume,
            progress=lambda *done: calls.append(done),
        )
    assert not any(done for done, total in calls)
    assert names(small_disk) == ["other"]


def test_disk_that_fails_later(tmp_path, small_disk, monkeypatch):
    """Without the claim, as on file systems that have none: the pieces before are kept."""
    x = np.arange(30_000.0)
    np.save(tmp_path / "x.npy", x)
    (small_disk / "other").write_bytes(bytes(100_000))
    monkeypatch.setattr("cumsum.files.plain.claim", os.ftruncate)
    job = {"input": tmp_path / "x.npy", "output": small_disk / "y.npy", "memory": 100_000}
    with pytest.raises(CommandError) as full:
        files.cumsum(**job)
    assert str(full.value) == f"cannot write {small_disk}/y.npy: No space left on device"
    assert names(small_disk) == ["other"]
    with pytest.raises(CommandError, match=r"left on device; --resume goes on from what is done$"):
        files.cumsum(**job, resume=True)
    (small_disk / "other").unlink()
    report = files.cumsum(**job, resume=True)
    np.testing.assert_array_equal(np.load(small_disk / "y.npy"), cumsum.cumsum(x, 0))
    assert names(small_disk) == [".y.npy.made", "y.npy"]
    assert report.pieces > 5
