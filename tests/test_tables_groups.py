"""Sums of groups: the bits of a stable sort and `lengths=`, whatever the keys and the memory."""

import datetime as dt

import numpy as np
import pyarrow as pa
import pytest

import cumsum
from cumsum import files
from cumsum.console import CommandError
from cumsum.files import way
from cumsum.files.tables import grouped
from cumsum.files.tables.periods import period_of
from tabling import read, small_batches, write

__all__ = ["small_batches"]

ROWS = 20_000
KEYS = {
    "one": np.zeros(ROWS, np.int64),
    "few": np.random.default_rng(1).integers(0, 5, ROWS),
    "sorted": np.sort(np.random.default_rng(2).integers(0, 300, ROWS)),
    "many": np.random.default_rng(3).integers(0, 9000, ROWS),
    "uneven": np.random.default_rng(4).geometric(0.3, ROWS),
    "each": np.arange(ROWS)[::-1],
}


def by_sorting(x, keys, **how):
    """The sums of each key's rows, in their places."""
    order = np.argsort(keys, kind="stable")
    lengths = np.unique(keys, return_counts=True)[1]
    y = np.empty(x.shape, cumsum.cumsum(x[:1], 0, **how).dtype)
    y[order] = cumsum.cumsum(x[order], 0, lengths=lengths, **how)
    return y


HOW = {
    "plain": {},
    "exclusive": {"exclusive": True, "initial": 2.5},
    "compensated": {"precision": "compensated"},
    "cast": {"dtype": "float32", "initial": 0.1},
    "to integers": {"dtype": "int16"},
    "exclusive float32": {"dtype": "float32", "exclusive": True},
    "complex": {"dtype": "complex64", "exclusive": True},
    "float16": {"dtype": "float16"},
    "reverse": {"reverse": True},
}


@pytest.mark.parametrize("how", HOW)
@pytest.mark.parametrize("name", KEYS)
@pytest.mark.parametrize("few", [16, grouped.FEW])
def test_bits_are_those_of_a_sort(tmp_path, monkeypatch, name, how, few):
    monkeypatch.setattr(grouped, "FEW", few)
    monkeypatch.setattr(way, "GROUP_BYTES", 10)
    keys = KEYS[name]
    x = np.random.default_rng(5).standard_normal((ROWS, 2)) * 1e3
    held = pa.table({"k": keys, "a": x[:, 0], "b": x[:, 1]})
    path, output = write(held, tmp_path / "x.parquet"), tmp_path / "y.npy"
    memory = None if how == "reverse" else 2_500_000
    report = files.cumsum(path, output, columns=["a", "b"], by="k", memory=memory, **HOW[how])
    assert (report.pieces > 1) == (how != "reverse")
    wanted = by_sorting(x, keys, **HOW[how])
    assert np.load(output).tobytes() == wanted.tobytes()
    totals = by_sorting(x, keys, **{**HOW[how], "exclusive": False})
    if HOW[how].get("dtype") not in ("complex64", "float32", "float16"):
        last = 0 if how == "reverse" else -1
        ends = [totals[np.flatnonzero(keys == key)[last]] for key in dict.fromkeys(keys.tolist())]
        assert report.totals == tuple(np.concatenate(ends))
        assert report.span == (np.min(ends), np.max(ends))
    assert report.groups == len(set(keys.tolist()))


@pytest.mark.parametrize("kind", [".csv", ".parquet"])
def test_several_columns(tmp_path, kind):
    held = pa.table({"s": ["B", "A", "B", "B"], "d": [1, 1, 2, 1], "v": [1, 2, 4, 8]})
    path = write(held, tmp_path / f"x{kind}")
    report = files.cumsum(path, tmp_path / f"y{kind}", columns="v", by=["s", "d"])
    assert read(tmp_path / f"y{kind}")["v_cumsum"].to_pylist() == [1, 2, 4, 9]
    assert report.labels == ("B, 1", "A, 1", "B, 2")
    assert report.totals == (9, 2, 4)
    with pytest.raises(CommandError, match="--by 's' is given twice"):
        files.cumsum(path, columns="v", by=["s", "s"])


@pytest.mark.parametrize("kind", [".csv", ".parquet", ".feather"])
def test_rows_without_a_key_are_a_group(tmp_path, kind):
    keys = ["a", "", "a", "", "NA"] if kind == ".csv" else ["a", None, "a", None, ""]
    path = write(pa.table({"k": keys, "v": [1, 2, 4, 8, 16]}), tmp_path / f"x{kind}")
    report = files.cumsum(path, tmp_path / "y.npy", columns="v", by="k")
    assert np.load(tmp_path / "y.npy").tolist() == [1, 2, 5, 10, 16]
    assert report.labels == (("a", "(none)", "NA") if kind == ".csv" else ("a", "(none)", ""))
    days = ["2020-01-31", "", "2020-02-01", "", "2020-02-02"]
    days = days if kind == ".csv" else [day or None for day in days]
    path = write(pa.table({"k": days, "v": [1, 2, 4, 8, 16]}), tmp_path / f"x{kind}")
    report = files.cumsum(path, tmp_path / "y.npy", columns="v", by="k:month", force=True)
    assert np.load(tmp_path / "y.npy").tolist() == [1, 2, 4, 10, 20]
    assert report.labels == ("2020-01", "(none)", "2020-02")


TIMES = [dt.datetime(2019, 12, 29, 22, 15) + dt.timedelta(hours=7 * i) for i in range(900)]
LABELS = {
    "hour": lambda t: f"{t:%Y-%m-%d %H}:00",
    "day": lambda t: f"{t:%Y-%m-%d}",
    "week": lambda t: "{}-W{:02}".format(*t.isocalendar()[:2]),
    "month": lambda t: f"{t:%Y-%m}",
    "quarter": lambda t: f"{t:%Y}-Q{(t.month + 2) // 3}",
    "year": lambda t: f"{t:%Y}",
    "year:10": lambda t: str(t.year + (t.month >= 10)),
    "year:4": lambda t: str(t.year + (t.month >= 4)),
}


def forms(times):
    """Times as they stand in files."""
    yield from (
        [f"{t:{form}}" for t in times]
        for form in ("%Y-%m-%dT%H:%M:%S", "%Y/%m/%d %H:%M", "%Y-%m-%d %H:%M:%S.123456+0530")
    )
    offsets = ["-05:00", "Z", "+02", " +0100"]
    yield [f"{t:%Y-%m-%dT%H:%M:%S}{offsets[i % 4]}" for i, t in enumerate(times)]
    yield pa.array(times, pa.timestamp("us"))
    zone = pa.compute.assume_timezone(
        pa.array(times, pa.timestamp("s")), "Europe/Berlin",
        ambiguous="earliest", nonexistent="earliest",
    )  # fmt: skip
    yield zone


@pytest.mark.parametrize("period", LABELS)
def test_periods_are_those_that_are_written(tmp_path, period):
    times = [t for t in TIMES if not (t.month == 3 and t.day > 24)]  # no hour that does not exist
    wanted = [LABELS[period](t) for t in times]
    numbers = {label: i for i, label in enumerate(dict.fromkeys(wanted))}
    x = np.arange(len(times))
    sums = by_sorting(x, np.array([numbers[label] for label in wanted]))
    for form in forms(times):
        kinds = [".csv", ".parquet"] if isinstance(form, list) else [".parquet", ".feather"]
        for kind in kinds:
            path = write(pa.table({"t": form, "v": x}), tmp_path / f"x{kind}")
            how = {"columns": "v", "by": f"t:{period}", "force": True}
            report = files.cumsum(path, tmp_path / "y.npy", **how)
            np.testing.assert_array_equal(np.load(tmp_path / "y.npy"), sums)
            assert report.groups == len(numbers)
            assert report.by == (f"t:{period}",)


def test_days_before_1970_and_leap_days():
    days = [dt.date(1900, 1, 1) + dt.timedelta(days=37 * i) for i in range(1500)]
    column = pa.array(days)
    for period, label in LABELS.items():
        found, since = period_of("", period).of(("", "", 0), column, days=True)
        labels = [period_of("", period).label(value) for value in found.to_pylist()]
        at = [dt.datetime(d.year, d.month, d.day) for d in days]
        assert labels == list(map(label, at))
        if period in ("month", "year"):
            first = [d.replace(day=1) if period == "month" else dt.date(d.year, 1, 1) for d in days]
            assert since.tolist() == [(d - f).days for d, f in zip(days, first, strict=True)]


@pytest.mark.parametrize(
    ("cells", "message"),
    [
        (["2025-02-29", "2025-03-01"], "no date in row 1: '2025-02-29'; dates are such as"),
        (["2025-02-28", "2025-02-30T10:00"], "no date in row 2: '2025-02-30T10:00'"),
        (["2025-02-28", "2025-02-28T24:30"], "no date in row 2"),
        (["2025-02-28", "28.02.2025"], "no date in row 2: '28.02.2025'"),
        (["2025-02-28", "02/28/2025"], "no date in row 2: '02/28/2025'"),
        (["2025-02-28", "2025-02-28 noon"], "no date in row 2: '2025-02-28 noon'"),
        (["2025-02-28", "2025/02-28"], "no date in row 2: '2025/02-28'"),
        (["2025-02-28", "2025-2-8"], "no date in row 2"),
    ],
)
def test_days_that_do_not_exist(tmp_path, cells, message):
    for before in (0, 3000):
        rows = ["2025-01-01"] * before + cells
        held = pa.table({"t": rows, "v": np.ones(len(rows))})
        row = int(message[message.index("row") + 4]) + before
        for kind in (".csv", ".parquet"):
            path = write(held, tmp_path / f"x{kind}")
            with pytest.raises(CommandError, match="no date in row") as error:
                files.cumsum(path, columns="v", by="t:day")
            wanted = message.replace(f"row {row - before}", f"row {row:,}")
            assert f"column 't' holds {wanted}" in str(error.value)


@pytest.mark.parametrize(
    ("by", "message"),
    [
        ("snow", r"has no column 'snow' to group by; there is t, v; a column of dates can be"),
        ("t:fortnight", "--by t:fortnight: 'fortnight' is no period; there is year, quarter"),
        ("t:month:3", "'month:3' is no period"),
        ("t:year:13", "a year begins with a month from 1 to 12, not '13'"),
        ("t:", "has no column 't:' to group by"),
        ("v:year", "column 'v' holds int64, no dates"),
    ],
)
def test_refused_groups(tmp_path, by, message):
    path = write(pa.table({"t": ["2020-01-01"], "v": [1]}), tmp_path / "x.parquet")
    with pytest.raises(CommandError, match=message):
        files.cumsum(path, columns="v", by=by)


def test_a_colon_in_a_name(tmp_path):
    path = write(pa.table({"t:year": ["x", "y", "x"], "v": [1, 2, 4]}), tmp_path / "x.csv")
    files.cumsum(path, tmp_path / "y.npy", columns="v", by="t:year")
    assert np.load(tmp_path / "y.npy").tolist() == [1, 2, 5]


def test_keys_of_many_types(tmp_path):
    moment = dt.datetime(2020, 1, 1)
    columns = {
        "bool": [True, False, True],
        "float": [0.5, float("nan"), 0.5],
        "zero": pa.array([0.0, 1.0, -0.0], "float32"),
        "date": [moment.date(), None, moment.date()],
        "decimal": pa.array(["1.10", "2.20", "1.10"]).cast(pa.decimal128(5, 2)),
        "words": pa.array(["a", "b", "a"]).dictionary_encode(),
        "large": pa.array(["a", "b", "a"], "large_string"),
        "view": pa.array(["a", "b", "a"], pa.string_view()),
        "far": pa.array([2**62, -(2**62), 2**62], pa.timestamp("us")),
        "bytes": pa.array([b"a", b"b", b"a"]),
    }
    path = write(pa.table({**columns, "v": [1, 2, 4]}), tmp_path / "x.parquet")
    for name in columns:
        files.cumsum(path, tmp_path / "y.npy", columns="v", by=name, force=True)
        assert np.load(tmp_path / "y.npy").tolist() == [1, 2, 5], name
    nowhere = pa.array([0, 1, 0], pa.timestamp("s", "No/where"))
    for name, value in (("list", [[1], [2], [1]]), ("zone", nowhere)):
        path = write(pa.table({name: value, "v": [1, 2, 4]}), tmp_path / "x.parquet")
        for by in (name, f"{name}:day"):
            with pytest.raises(CommandError, match=rf"column '{name}' ") as error:
                files.cumsum(path, columns="v", by=by)
            assert "\n" not in str(error.value)


def test_more_groups_than_memory_has_room_for(tmp_path):
    keys = np.arange(30_000)
    path = write(pa.table({"k": keys, "v": keys}), tmp_path / "x.parquet")
    with pytest.raises(CommandError, match=r"'k' has more than [\d,]+ different values"):
        files.cumsum(path, columns="v", by="k", memory=2_500_000)
    assert files.cumsum(path, columns="v", by="k").groups == 30_000
