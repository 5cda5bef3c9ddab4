"""Programs that scan files, and what they leave in a folder."""

import signal
import subprocess
import sys
import textwrap

import numpy as np


def names(folder):
    """What a folder holds."""
    return sorted(path.name for path in folder.iterdir())


def enter_work(tmp_path, monkeypatch, x):
    """A folder to work in, with an array, in one that holds it alone."""
    folder = tmp_path / "work"
    folder.mkdir()
    monkeypatch.chdir(folder)
    np.save("x.npy", x)
    return folder


def run_code(folder, code, *argv, stderr=subprocess.PIPE):
    """Run a program in a folder and return what it wrote."""
    argv = [sys.executable, "-c", textwrap.dedent(code), *map(str, argv)]
    pipes = {"stdout": subprocess.PIPE, "stderr": stderr, "text": True}
    done = subprocess.run(argv, cwd=folder, check=False, timeout=60, **pipes)
    assert done.returncode == 0, done.stderr
    return done.stdout


def hear_interrupts():
    """Undo what a shell does to the jobs it starts in the background."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def start(folder, *argv, **how):
    """Start `cumsum run` in a folder."""
    argv = [sys.executable, "-m", "cumsum", "run", *map(str, argv)]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    return subprocess.Popen(argv, cwd=folder, preexec_fn=hear_interrupts, **pipes, **how)  # noqa: PLW1509
