"""Scans in place: no crash loses an element or takes a sum for one."""

import signal
import subprocess
import sys

import numpy as np
import pytest

import cumsum
from cumsum import files
from cumsum.cli import main
from cumsum.console import CommandError
from filing import names, run_code, start

# Kills a scan in place wherever it writes or syncs, and goes on.
EACH_STEP = """
    import itertools, os, signal, sys
    import numpy as np
    from cumsum import files
    from cumsum.console import CommandError

    how = eval(sys.argv[1])
    with open("x.npy", "rb") as file:
        elements = file.read()
    files.cumsum("x.npy", "whole.npy", **how)
    with open("whole.npy", "rb") as file:
        whole = file.read()

    def killed(count):
        # a child that is killed at its count-th call of a function that changes files
        pid = os.fork()
        if pid:
            return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        left = [count]
        for name in CHANGING:
            def step(*args, call=getattr(os, name)):
                left[0] -= 1
                if left[0] == 0:
                    os.kill(os.getpid(), signal.SIGKILL)
                return call(*args)
            setattr(os, name, step)
        files.cumsum("x.npy", in_place=True, **how)
        os._exit(0)

    CHANGING = ("open", "pwritev", "write", "fsync", "ftruncate", "rename", "replace", "unlink")
    resumed = refused = 0
    for count in itertools.count(1):
        with open("x.npy", "wb") as file:
            file.write(elements)
        if os.path.exists(".x.npy.done"):
            os.unlink(".x.npy.done")
        if killed(count) == 0:
            break
        if os.path.exists(".x.npy.inplace"):
            try:
                files.cumsum("x.npy", in_place=True, **how)
            except CommandError as error:
                assert "is half scanned in place: go on with --in-place --resume" in str(error)
            else:
                raise AssertionError
            refused += 1
            report = files.cumsum("x.npy", in_place=True, resume=True, **how)
            resumed += report.resumed > 0
        for _ in range(2):
            with open("x.npy", "rb") as file:
                assert file.read() == (whole if refused else elements), count
            if not refused:
                break
            assert files.cumsum("x.npy", in_place=True, resume=True, **how).already_done
    assert not os.path.exists(".x.npy.inplace")
    print(count, refused, resumed, sorted(os.listdir()))
"""


@pytest.mark.parametrize(
    "how",
    [{"dim": 0, "memory": 400_000}, {"dim": 1, "memory": 400_000, "reverse": True}],
    ids=str,
)
def test_kill_at_each_step(tmp_path, how):
    np.save(tmp_path / "x.npy", np.random.default_rng(0).standard_normal((200, 300)))
    count, refused, resumed, left = run_code(tmp_path, EACH_STEP, how).split(" ", 3)
    assert int(count) > int(refused) >= int(resumed) > 20
    assert left == "['.x.npy.done', 'whole.npy', 'x.npy']\n"


@pytest.mark.parametrize("dtype", ["float32", ">f8", "int64"])
@pytest.mark.parametrize("order", ["C", "F"])
def test_every_dim(tmp_path, dtype, order):
    x = np.asarray((np.random.default_rng(0).random((7, 50, 30)) * 99).astype(dtype), order=order)
    for dim in range(3):
        np.save(tmp_path / "x.npy", x)
        report = files.cumsum(tmp_path / "x.npy", dim=dim, in_place=True, memory=30_000)
        assert report.pieces > 2
        y = np.load(tmp_path / "x.npy")
        assert (y.dtype, y.flags.f_contiguous) == (x.dtype, x.flags.f_contiguous)
        np.testing.assert_array_equal(y, cumsum.cumsum(x, dim))
    assert names(tmp_path) == [".x.npy.done", "x.npy"]


def test_raw(tmp_path):
    x = np.arange(10_000, dtype=np.int64)
    (tmp_path / "x.raw").write_bytes(b"head" + x.tobytes())
    argv = ["run", f"{tmp_path}/x.raw", "--in-place", "--raw-dtype=int64", "--raw-offset=4"]
    assert main([*argv, "--memory=50KB"]) == 0
    assert (tmp_path / "x.raw").read_bytes() == b"head" + cumsum.cumsum(x, 0).tobytes()


def test_refused(tmp_path):
    np.save(tmp_path / "x.npy", np.ones(5, np.int32))
    with pytest.raises(CommandError, match="its elements are of int32, the sums of int64"):
        files.cumsum(tmp_path / "x.npy", in_place=True)
    files.cumsum(tmp_path / "x.npy", in_place=True, dtype="int32")
    np.testing.assert_array_equal(np.load(tmp_path / "x.npy"), [1, 2, 3, 4, 5])
    with pytest.raises(CommandError, match="give either an output or --in-place, not both"):
        files.cumsum(tmp_path / "x.npy", tmp_path / "y.npy", in_place=True)


def test_interrupt(tmp_path):
    x = np.random.default_rng(0).standard_normal(2_000_000)
    np.save(tmp_path / "x.npy", x)
    with start(tmp_path, "x.npy", "--in-place", "--memory=200KB") as process:
        while not (tmp_path / ".x.npy.redo1").exists():
            assert process.poll() is None, process.communicate()
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert err == (
        "cumsum: error: interrupted; x.npy is half scanned: go on with --in-place --resume\n"
    )
    argv = [sys.executable, "-m", "cumsum", "run", "x.npy"]
    half = subprocess.run([*argv, "-o", "y.npy"], cwd=tmp_path, capture_output=True, check=False)
    assert b"x.npy is half scanned in place" in half.stderr
    subprocess.run([*argv, "--in-place", "--resume"], cwd=tmp_path, check=True, capture_output=True)
    np.testing.assert_array_equal(np.load(tmp_path / "x.npy"), cumsum.cumsum(x, 0))
    assert names(tmp_path) == [".x.npy.done", "x.npy"]


@pytest.fixture
def half(tmp_path):
    """A file of which some pieces are sums, and what it was."""
    x = np.random.default_rng(0).standard_normal(100_000)
    np.save(tmp_path / "x.npy", x)
    np.save(tmp_path / "before.npy", x)

    def stop(done, total):
        if done >= total // 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt, match="half scanned"):
        files.cumsum(tmp_path / "x.npy", in_place=True, memory=100_000, progress=stop)
    return x


def test_half_done_is_refused_everywhere(tmp_path, half, capsys):
    path = tmp_path / "x.npy"
    (tmp_path / "y.npy").hardlink_to(path)
    np.save(tmp_path / "z.npy", half)
    for argv in (
        [path],
        [path, "--plot", tmp_path / "x.png"],
        [path, "-o", tmp_path / "x.npz"],
        [path, "--in-place"],
        [tmp_path / "y.npy", "-o", tmp_path / "w.npy"],
        [tmp_path / "z.npy", "-o", path, "--force"],
        [tmp_path / "before.npy", "--plot", tmp_path / "b.png", "-o", path, "--force"],
    ):
        assert main(["run", *map(str, argv)]) == 2
        assert "npy is half scanned in place: go on with" in capsys.readouterr().err
    assert main(["run", str(path), "--in-place", "--resume"]) == 0
    np.testing.assert_array_equal(np.load(path), cumsum.cumsum(half, 0))


def test_resume_refuses_a_file_that_was_restored(tmp_path, half):
    path = tmp_path / "x.npy"
    left = path.read_bytes()
    path.write_bytes((tmp_path / "before.npy").read_bytes())
    with pytest.raises(CommandError, match=r"not as the scan left it, .* remove .*\.x\.npy\.inpl"):
        files.cumsum(path, in_place=True, resume=True)
    np.testing.assert_array_equal(np.load(path), half)
    path.write_bytes(left)
    files.cumsum(path, in_place=True, resume=True)
    np.testing.assert_array_equal(np.load(path), cumsum.cumsum(half, 0))


def test_resume_refuses_another_job(tmp_path, half):
    path = tmp_path / "x.npy"
    with pytest.raises(CommandError, match=r"reverse was False.* give what was given before"):
        files.cumsum(path, in_place=True, resume=True, reverse=True)
    path.rename(tmp_path / "x.raw")
    (tmp_path / ".x.npy.inplace").rename(tmp_path / ".x.raw.inplace")
    how = {"raw_dtype": "float64", "raw_shape": (100_000,), "in_place": True, "resume": True}
    with pytest.raises(CommandError, match="offset was 0, is 64"):
        files.cumsum(tmp_path / "x.raw", raw_offset=64, **how)


def test_full_disk_leaves_nothing(small_disk, monkeypatch):
    np.save(small_disk / "x.npy", np.ones(1000))

    def full(fd):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("cumsum.files.journal.os.fsync", full)
    with pytest.raises(CommandError, match="No space left on device"):
        files.cumsum(small_disk / "x.npy", in_place=True)
    assert names(small_disk) == ["x.npy"]
