"""Files scanned piece by piece: the bits of one scan in memory, however they are cut."""

import os

import ml_dtypes
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import cumsum
from cumsum import files
from cumsum.cli import main
from cumsum.console import CommandError
from filing import names, run_code

SHAPES = [(9001,), (3, 4100), (4100, 3), (130, 61), (7, 11, 90), (5, 600, 4), (2, 3, 4, 50)]


def values(shape, dtype, order="C", seed=0):
    x = np.random.default_rng(seed).standard_normal(shape) * 9
    return np.asarray(x.astype(dtype), order=order)


def scanned(folder, x, dim, memory, **how):
    """What `files.cumsum` makes of an array, and its report."""
    np.save(folder / "x.npy", x)
    report = files.cumsum(folder / "x.npy", folder / "y.npy", dim, memory=memory, force=True, **how)
    y = np.load(folder / "y.npy")
    assert names(folder) == ["x.npy", "y.npy"]
    return y, report


def same(y, expected):
    np.testing.assert_array_equal(y, expected, strict=True)
    assert np.signbit(y.real).tobytes() == np.signbit(expected.real).tobytes()


def budgets(x):
    """Little memory, so that there are many pieces; and enough."""
    return [max(x.nbytes // 20, 2000), max(x.nbytes, 2000), 10**8]


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_every_dim(tmp_path, shape, order):
    x = values(shape, np.float32, order)
    for dim in range(-1, len(shape) - 1):
        expected = cumsum.cumsum(x, dim)
        for memory in budgets(x):
            y, report = scanned(tmp_path, x, dim, memory)
            same(y, expected)
            np.save(tmp_path / "expected.npy", np.asarray(expected, order=order))
            assert (tmp_path / "y.npy").read_bytes() == (tmp_path / "expected.npy").read_bytes()
            (tmp_path / "expected.npy").unlink()
            assert report.pieces > (5 if memory < x.nbytes / 2 else 0)


DTYPES = ["bool", "int8", "uint16", "int32", "int64", "float16", "float32", "float64", "longdouble"]
DTYPES += ["complex64", "complex128", "clongdouble", ">i2", ">f8", ">c8"]


@pytest.mark.parametrize("dtype", DTYPES)
def test_every_dtype(tmp_path, dtype):
    x = values((40, 300), dtype)
    for dim in (0, 1):
        y, _ = scanned(tmp_path, x, dim, 12_000)
        same(y, cumsum.cumsum(x, dim))


@pytest.mark.parametrize(
    ("given", "asked"), [("int8", "float32"), ("float32", "float64"), ("int64", "int8")]
)
def test_asked_dtype(tmp_path, given, asked):
    x = values((40, 300), given)
    y, report = scanned(tmp_path, x, 0, 12_000, dtype=asked)
    same(y, cumsum.cumsum(x, 0, dtype=np.dtype(asked)))
    assert (report.source, report.dtype) == (x.dtype, y.dtype)


@pytest.mark.parametrize("dim", [0, 1, 2])
@pytest.mark.parametrize("memory", [4000, 10**7])
def test_options(tmp_path, dim, memory):
    x = values((6, 70, 11), np.float64)
    lines = [n for d, n in enumerate(x.shape) if d != dim]
    first = np.random.default_rng(1).standard_normal(lines)
    for how in (
        {"exclusive": True},
        {"reverse": True},
        {"initial": 2.5},
        {"initial": first, "reverse": True, "exclusive": True},
        {"precision": "compensated", "reverse": True},
    ):
        y, _ = scanned(tmp_path, x, dim, memory, **how)
        same(y, cumsum.cumsum(x, dim, **how))


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_anything(tmp_path, data):
    shape = data.draw(st.lists(st.integers(1, 40), min_size=1, max_size=3).map(tuple))
    longer = data.draw(st.sampled_from([1, 1, 100]))
    shape = (*shape[:-1], shape[-1] * longer)
    dim = data.draw(st.integers(-len(shape), len(shape) - 1))
    dtype = data.draw(st.sampled_from(["float32", "int8", "complex64"]))
    x = values(shape, dtype, data.draw(st.sampled_from("CF")))
    how = {name: data.draw(st.booleans()) for name in ("exclusive", "reverse")}
    memory = max(x.nbytes * 8 // data.draw(st.integers(1, 150)), 2500)
    y, _ = scanned(tmp_path, x, dim, memory, **how)
    same(y, cumsum.cumsum(x, dim, **how))


def test_report(tmp_path):
    x = np.arange(12).reshape(3, 4)
    y, report = scanned(tmp_path, x, 1, 3000)
    assert (report.shape, report.dim, report.lines) == ((3, 4), 1, 3)
    assert report.values == (0, 1, 3, 6)
    assert report.totals == (6, 22, 38)
    assert report.span == (6, 38)
    assert (report.nbytes, report.resumed) == (x.nbytes + y.nbytes, 0)
    y, report = scanned(tmp_path, x.repeat(10, 0), 1, 3000, reverse=True)
    assert report.totals == ()
    assert (report.values, report.span) == ((6, 6, 5, 3), (6, 38))


def test_progress(tmp_path):
    calls = []
    x = values((300, 40), np.float32)
    scanned(tmp_path, x, 0, 10_000, progress=lambda *done: calls.append(done))
    assert calls == sorted(calls)
    assert calls[-1] == (2 * x.nbytes, 2 * x.nbytes)
    assert len(calls) > 10


def test_raw(tmp_path):
    x = values((50, 70), np.float32)
    (tmp_path / "x.f32").write_bytes(b"head" + x.tobytes())
    raw = {"raw_dtype": "float32", "raw_offset": 4}
    files.cumsum(tmp_path / "x.f32", tmp_path / "y.raw", 0, raw_shape=(50, 70), memory=9000, **raw)
    y = np.fromfile(tmp_path / "y.raw", np.float32).reshape(50, 70)
    same(y, cumsum.cumsum(x, 0))
    files.cumsum(tmp_path / "x.f32", tmp_path / "y.npy", memory=9000, **raw)
    same(np.load(tmp_path / "y.npy"), cumsum.cumsum(x.ravel(), 0))


def test_bfloat16(tmp_path):
    x = values((50, 70), ml_dtypes.bfloat16)
    (tmp_path / "x.raw").write_bytes(x.tobytes())
    expected = cumsum.cumsum(x, 1)
    raw = {"raw_dtype": "bfloat16", "raw_shape": (50, 70), "memory": 9000}
    files.cumsum(tmp_path / "x.raw", tmp_path / "y.raw", 1, **raw)
    assert (tmp_path / "y.raw").read_bytes() == expected.tobytes()
    np.save(tmp_path / "x.npy", x)  # NumPy has no name for it: two bytes of anything
    report = files.cumsum(tmp_path / "x.npy", tmp_path / "y.npy", 1, raw_dtype="bfloat16")
    assert np.load(tmp_path / "y.npy").tobytes() == expected.tobytes()
    assert report.dtype == expected.dtype
    files.cumsum(tmp_path / "x.raw", tmp_path / "z.npy", 1, **raw, dtype="float32")
    same(np.load(tmp_path / "z.npy"), cumsum.cumsum(x, 1, dtype=np.float32))


REFUSED = {
    "holds <U1, which has no sum": (np.array(["a"]), {}),
    "holds a single value": (np.float64(3), {}),
    "has shape (2, 3): choose a dim from -2 to 1": (np.ones((2, 3)), {}),
    "dim 2 is out of range: -2 to 1 for 2-D input": (np.ones((2, 3)), {"dim": 2}),
    "cannot hold the complex values": (np.ones(3, complex), {"dtype": "float64"}),
    "memory of 10 bytes is too small: a piece needs": (np.ones(3), {"memory": 10}),
    "give either an output or --in-place, not both": (np.ones(3), {"in_place": True}),
    "holds float64, not float32": (np.ones(3), {"raw_dtype": "float32"}),
    "float23 is not the name of a dtype": (np.ones(3), {"raw_dtype": "float23"}),
    "sums of float64 as object are not available": (np.ones(3), {"dtype": object}),
    "holds one array: there is no member": (np.ones(3), {"member": "a"}),
    "initial of float64 cannot be a sum": (np.ones(3, int), {"initial": 0.5}),
    "initial has shape (2,), but there are lines of (3,)": (
        np.ones((3, 4)),
        {"dim": 1, "initial": [1, 2]},
    ),
}


@pytest.mark.parametrize("message", REFUSED)
def test_refused(tmp_path, message):
    x, how = REFUSED[message]
    np.save(tmp_path / "x.npy", x)
    with pytest.raises(CommandError) as refused:
        files.cumsum(tmp_path / "x.npy", tmp_path / "y.npy", **how)
    assert message in str(refused.value)
    assert names(tmp_path) == ["x.npy"]


def test_refused_raw_files(tmp_path):
    path = tmp_path / "x.raw"
    path.write_bytes(bytes(30))
    for message, how in (
        ("needs --raw-dtype", {}),
        ("are not a whole number of float64", {"raw_dtype": "float64"}),
        ("is truncated", {"raw_dtype": "float64", "raw_shape": (2, 2)}),
        ("--raw-offset 31 is not within", {"raw_dtype": "int8", "raw_offset": 31}),
    ):
        with pytest.raises(CommandError, match=message):
            files.cumsum(path, tmp_path / "y.npy", 0, **how)


TRUNCATED = """
    import os, sys
    import numpy as np
    from cumsum import files
    from cumsum.console import CommandError

    def progress(done, total):
        os.truncate("x.npy", 100_000)

    np.save("x.npy", np.ones(1_000_000))
    try:
        files.cumsum("x.npy", "y.npy", memory=200_000, progress=progress)
    except CommandError as error:
        print(error)
    print(os.listdir())
"""


def test_file_that_becomes_shorter(tmp_path):
    assert run_code(tmp_path, TRUNCATED) == (
        "x.npy became shorter while it was read: 100,000 bytes are left\n['x.npy']\n"
    )


CHANGED = """
    import os
    import numpy as np
    from cumsum import files
    from cumsum.console import CommandError

    np.save("x.npy", np.ones(1_000_000))
    try:
        files.cumsum("x.npy", "y.npy", memory=900_000, progress=lambda *done: os.utime("x.npy"))
    except CommandError as error:
        print(error)
    print(os.listdir())
"""


def test_file_that_changes(tmp_path):
    assert run_code(tmp_path, CHANGED) == "x.npy was changed while it was read\n['x.npy']\n"


MEMORY = """
    import resource
    import numpy as np
    from cumsum import files

    with open("x.npy", "wb") as file:
        np.lib.format.write_array_header_1_0(
            file, {"descr": "<f8", "fortran_order": False, "shape": (200, 100_000)}
        )
        file.truncate(file.tell() + 160_000_000)
    files.cumsum("x.npy", "y.npy", 0, memory=3_000_000)  # all that is imported later
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for dim in (0, 1):
        files.cumsum("x.npy", "y.npy", dim, memory=40_000_000, force=True)
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


def test_memory_is_bounded(tmp_path):
    assert int(run_code(tmp_path, MEMORY)) * 1024 < 40_000_000


BAR = """
    import numpy as np
    from cumsum import console
    from cumsum.cli import main

    console.LONG_WORK_BYTES = 0
    np.save("x.npy", np.ones((2000, 500)))
    main(["run", "x.npy", "-o", "y.npy", "--dim", "0", "--memory", "1MB"])
"""


def test_bar_on_a_terminal(tmp_path):
    terminal, far_end = os.openpty()
    out = run_code(tmp_path, BAR, stderr=far_end)
    os.close(far_end)
    seen = os.read(terminal, 1 << 20).decode()
    os.close(terminal)
    assert "scanning x.npy" in seen
    assert "16.0 MB" in seen
    assert "/s" in seen
    assert "totals  2000 to 2000 over 500 lines" in out


def test_options_of_the_command_line(tmp_path, capsys):
    np.save(tmp_path / "x.npy", np.arange(12).reshape(3, 4))
    argv = ["run", tmp_path / "x.npy", "-o", tmp_path / "y.npy", "--dim=1", "--memory=1MB"]
    argv += ["--reverse", "--exclusive", "--initial=10", "--dtype=float32"]
    assert main([*map(str, argv)]) == 0
    x = np.arange(12, dtype=np.float32).reshape(3, 4)
    expected = cumsum.cumsum(x, 1, reverse=True, exclusive=True, initial=10)
    same(np.load(tmp_path / "y.npy"), expected)
    out = capsys.readouterr().out.splitlines()
    assert out[1:5] == [
        "  shape   (3, 4), dim 1",
        "  dtype   int64 -> float32",
        "  values  16, 15, 13, ..., 10",
        "  total   16, 32, 48",
    ]
    for options, message in (
        (["--dim=1"], "argument --dim: given twice"),
        (["--memory", "much"], "'much' is not a size such as 1GB"),
        (["--raw-shape", "3,x"], "'3,x' is not a shape such as 100,200"),
        (["--initial", "x"], "'x' is not a number"),
    ):
        assert main([*map(str, argv[:5]), "--force", *map(str, options)]) == 2
        assert message in capsys.readouterr().err
