"""Folders that others may write to: what lies at a name of ours is not followed or waited for."""

import dataclasses
import json
import os
import random
import subprocess
import sys
import zlib
from pathlib import Path

import numpy as np
import pytest

import cumsum
from cumsum import files
from cumsum.cli import main
from cumsum.console import CommandError
from cumsum.files import journal, own, records
from cumsum.files.journal import MAGIC, NOTHING, Entry
from filing import enter_work, names

X = np.arange(24.0).reshape(4, 6)
SUMS = np.cumsum(X, 0)


@pytest.fixture
def work(tmp_path, monkeypatch):
    """A folder with an array, and something precious that others would like to be written to."""
    (tmp_path / "precious").write_text("precious")
    yield enter_work(tmp_path, monkeypatch, X)
    assert (tmp_path / "precious").read_text() == "precious"


def sealed(head, size=None, rest=b""):
    """A journal with any head, and a right check sum."""
    text = head if isinstance(head, bytes) else json.dumps(head).encode()
    content = MAGIC + (len(text) if size is None else size).to_bytes(8, "little") + text + rest
    return content + zlib.crc32(content).to_bytes(4, "little")


HEAD = {"fingerprint": {}, "box": [2], "done": 1, "position": 0, "seen": {}, "bytes": 0}
CRAFTED = {
    "nothing": b"",
    "magic alone": MAGIC,
    "a size of 2^60": sealed(b"{}", size=2**60),
    "a size of 2^64 - 1": sealed(b"{}", size=2**64 - 1),
    "a size before the end": sealed(HEAD, size=5),
    "no fields": sealed({}),
    "a list": sealed([1]),
    "a number": sealed(b"7"),
    "no JSON": sealed(b"{"),
    "not UTF-8": sealed(b'{"\xff": 1}'),
    "nested": sealed(b"[" * 100_000),
    "nested objects": sealed(b'{"a":' * 100_000),
    "digits": sealed(b"9" * 10_000),
    "a field more": sealed(HEAD | {"more": 1}),
    **{f"{name} is a text": sealed(HEAD | {name: "text"}) for name in HEAD},
    **{f"{name} is nothing": sealed(HEAD | {name: None}) for name in HEAD},
    **{f"{name} is -1": sealed(HEAD | {name: -1}) for name in HEAD},
    "bytes are true": sealed(HEAD | {"bytes": True}),
    "bytes that are not there": sealed(HEAD | {"bytes": 2**40}),
    "a box of texts": sealed(HEAD | {"box": ["2"]}),
    "a box of bools": sealed(HEAD | {"box": [True]}),
    "a box of 2^70": sealed(HEAD | {"box": [2**70]}),
    "done is 1.0": sealed(HEAD | {"done": 1.0}),
}


@pytest.mark.parametrize("name", CRAFTED)
def test_crafted_journals(work, name):
    assert journal.unpack(CRAFTED[name]) is None
    for place in (".other.npy.inplace", ".y.npy.0123abcd.journal", ".y.npy.made"):
        Path(place).write_bytes(CRAFTED[name])
    for resume in (False, True):
        files.cumsum("x.npy", "y.npy", 0, resume=resume, force=True)
    np.testing.assert_array_equal(np.load("y.npy"), SUMS)


def test_journals_of_any_bytes():
    """No change of a journal is read as one, and nothing but None or an entry comes of it."""
    rng = random.Random(0)
    entry = Entry({"inode": 7}, (2, 3), 1, 2, {}, np.arange(40, dtype=np.uint8))
    whole = b"".join(map(bytes, journal.pack(entry)))
    assert journal.unpack(whole) is not None
    for _ in range(3000):
        changed = bytearray(whole)
        for _ in range(rng.randint(1, 4)):
            place = rng.randrange(len(changed))
            changed[place : place + rng.randint(0, 3)] = rng.randbytes(rng.randint(0, 3))
        if rng.random() < 0.8:  # with a right check sum
            changed = changed[:-4] + zlib.crc32(changed[:-4]).to_bytes(4, "little")
        found = journal.unpack(bytes(changed))
        assert found is None or isinstance(found[0], Entry)


def fifo(path):
    os.mkfifo(path)


def link(path):
    path.symlink_to(path.parent.parent / "precious")


def loop(path):
    path.symlink_to(path.name)


def hard_link(path):
    path.hardlink_to(path.parent.parent / "precious")


def folder(path):
    path.mkdir()


def of_another(path):
    path.write_bytes(b"of another")
    if os.geteuid():
        pytest.skip("only root can make files of another user")
    os.chown(path, 12345, 12345)


FOREIGN = [fifo, link, loop, hard_link, folder, of_another]
# Names beside the output, or of another file: nothing there concerns the run.
ELSEWHERE = [
    *(".other.npy.inplace", ".y.npy.0123abcd.partial", ".y.npy.0123abcd.journal"),
    *(".y.npy.0123abcd.flushing", ".y.npy.0123abcd.old", ".y.npy.done", ".y.npy.0123abcd.made"),
]


@pytest.mark.parametrize("make", FOREIGN)
@pytest.mark.parametrize("name", ELSEWHERE)
def test_foreign_files_do_not_matter(work, make, name):
    make(work / name)
    is_abandoned = make is folder and name.endswith(".partial")  # by an output that is a folder
    argv = [sys.executable, "-m", "cumsum", "run", "x.npy", "-o", "y.npy", "--dim=0", "--resume"]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=30, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    np.testing.assert_array_equal(np.load("y.npy"), SUMS)
    assert (name in names(work)) == (not is_abandoned)


@pytest.mark.parametrize("make", FOREIGN)
@pytest.mark.parametrize("name", [".x.npy.inplace", ".x.npy.done"])
@pytest.mark.parametrize("resume", [False, True])
def test_foreign_files_at_names_that_are_needed(work, make, name, resume, capsys):
    make(work / name)
    argv = ["run", "x.npy", "--in-place", "--dim=0", *["--resume"] * resume]
    assert main(argv) == 2
    err = capsys.readouterr().err
    assert f"{name} is in the way, it is " in err
    assert err.count("\n") == 1
    np.testing.assert_array_equal(np.load("x.npy"), X)


@pytest.mark.parametrize("make", [fifo, link, loop, hard_link])
@pytest.mark.parametrize("name", [".x.npy.inplace.new", ".x.npy.redo0", ".x.npy.done.new"])
def test_foreign_files_that_are_removed(work, make, name):
    """They are not followed, whatever they are."""
    make(work / name)
    files.cumsum("x.npy", dim=0, in_place=True, memory=50_000)
    np.testing.assert_array_equal(np.load("x.npy"), SUMS)
    assert names(work) == [".x.npy.done", "x.npy"]


@pytest.mark.parametrize("name", [".x.npy.inplace.new", ".x.npy.redo1", ".x.npy.done.new"])
def test_folders_at_names_that_are_needed(work, name):
    (work / name).mkdir()
    with pytest.raises(CommandError, match=rf"{name} is in the way, it is a directory"):
        files.cumsum("x.npy", dim=0, in_place=True)


@pytest.mark.parametrize("make", FOREIGN)
def test_foreign_records_make_no_output(work, make):
    files.cumsum("x.npy", "y.npy", 0)
    make(work / ".y.npy.made")
    with pytest.raises(CommandError, match=r"y\.npy exists; give --force"):
        files.cumsum("x.npy", "y.npy", 0, resume=True)


def test_redo_files_of_another(work):
    """A scan that was stopped does not go on with what another put in the place of its results."""
    big = np.random.default_rng(0).standard_normal(20_000)
    np.save("x.npy", big)

    def stop(done, total):
        if done >= total // 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        files.cumsum("x.npy", in_place=True, memory=50_000, progress=stop)
    for index in (0, 1):
        os.link(f".x.npy.redo{index}", f"kept{index}")
    with pytest.raises(CommandError, match=r"redo. is in the way, it is a file with several names"):
        files.cumsum("x.npy", in_place=True, resume=True)
    for index in (0, 1):
        Path(f"kept{index}").unlink()
    files.cumsum("x.npy", in_place=True, resume=True)
    np.testing.assert_array_equal(np.load("x.npy"), cumsum.cumsum(big, 0))


def test_damaged_journal_is_not_begun_anew(work):
    Path(".x.npy.inplace").write_bytes(CRAFTED["no fields"])
    with pytest.raises(CommandError, match=r"\.x\.npy\.inplace is damaged; restore the file and"):
        files.cumsum("x.npy", dim=0, in_place=True, resume=True)


@pytest.mark.parametrize("name", CRAFTED)
def test_crafted_records(work, name):
    Path(".x.npy.done").write_bytes(CRAFTED[name])
    assert records.read(Path(".x.npy.done")) is None
    with pytest.raises(CommandError, match=r"\.x\.npy\.done is damaged; remove"):
        files.cumsum("x.npy", dim=0, in_place=True, resume=True)
    np.testing.assert_array_equal(np.load("x.npy"), X)
    files.cumsum("x.npy", dim=0, in_place=True)
    np.testing.assert_array_equal(np.load("x.npy"), SUMS)


@pytest.mark.parametrize(
    "change",
    [
        {"box": (4, 7)},
        {"box": (4,)},
        {"box": (0, 6)},
        {"done": 9},
        {"seen": {"line": 1}},
        {"seen": {"line": {"0": "zz"}, "count": 0, "few": "", "range": ""}},
        {"seen": {"line": {"a": ""}, "count": 0, "few": "", "range": ""}},
        {"seen": {"line": {}, "count": "1", "few": "", "range": ""}},
        {"seen": {"line": {}, "count": 0, "few": "00", "range": ""}},
        {"position": 5},
        {"records": np.zeros(8, np.uint8)},
    ],
    ids=str,
)
def test_entries_of_other_sizes(work, change):
    """A journal with the right fingerprint and wrong sizes is not gone on with."""
    files.cumsum("x.npy", dim=0, in_place=True)
    record = records.read(Path(".x.npy.done"))
    job = dataclasses.replace(record.jobs[0], **change)
    np.save("x.npy", X)
    names_of_runs = {"inode": Path("x.npy").stat().st_ino, "size": Path("x.npy").stat().st_size}
    job.fingerprint.update(names_of_runs)
    journal.write(Path(".x.npy.inplace"), job)
    with pytest.raises(CommandError, match=r"\.x\.npy\.inplace is damaged"):
        files.cumsum("x.npy", dim=0, in_place=True, resume=True)
    np.testing.assert_array_equal(np.load("x.npy"), X)


def test_what_is_written_is_private(work):
    own.replace(work / "record", [b"text"])
    assert (work / "record").stat().st_mode & 0o777 == 0o600
    assert own.read(work / "record", 4) == b"text"
    assert own.read(work / "record", 3) is None
    assert NOTHING.size == 0
