"""Streamed tables beside tables in memory: the same types, the same bytes, the same refusals."""

import datetime as dt

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyarrow import csv, parquet

import cumsum
from cumsum import files
from cumsum.console import CommandError
from cumsum.files import columns, csv_types, whole
from cumsum.files.store import Choice
from cumsum.files.tables import NULLS

ROWS = 3000


@pytest.fixture(autouse=True)
def small_batches(monkeypatch):
    monkeypatch.setattr(csv_types, "BLOCK_BYTES", 5000)
    monkeypatch.setattr(columns, "BATCH_BYTES", 3000)
    monkeypatch.setattr(columns, "POOL_BYTES", 0)


def table():
    """Columns of many types, with surprises at their ends."""
    rng = np.random.default_rng(0)
    late = [*map(str, range(ROWS - 1)), "1.5"]
    first = dt.date(2020, 1, 31)
    return pa.table(
        {
            "i": np.arange(ROWS) % 77 - 30,
            "f": rng.standard_normal(ROWS).astype(np.float32),
            "b": rng.random(ROWS) > 0.5,
            "text": ["" if i < ROWS // 2 else 'a,"b' for i in range(ROWS)],
            "late": late,
            "day": [first + dt.timedelta(days=i) for i in range(ROWS)],
        }
    )


@pytest.fixture(params=[".csv", ".parquet"])
def source(tmp_path, request):
    path = tmp_path / f"x{request.param}"
    if request.param == ".csv":
        csv.write_csv(table(), path)
    else:
        late = pa.array(np.array(table()["late"].to_pylist(), np.float64))
        parquet.write_table(table().set_column(4, "late", late), path, row_group_size=700)
    return path


def in_memory(source, target, names):
    held = whole.read(source, None, names)
    with open(target, "wb") as file:
        whole.write(file, target.suffix, cumsum.cumsum(held.values, 0), held)


@pytest.mark.parametrize("names", [["i"], ["f"], ["b"], ["late"], ["i", "f"], ["b", "i"]])
@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_the_same_table(tmp_path, source, suffix, names):
    ours, theirs = tmp_path / f"ours{suffix}", tmp_path / f"theirs{suffix}"
    report = files.cumsum(
        source, ours, columns=names, memory=300_000 if suffix == ".csv" else 500_000
    )
    in_memory(source, theirs, names)
    assert report.pieces > 1
    if suffix == ".csv":
        assert ours.read_bytes() == theirs.read_bytes()
    else:
        assert parquet.read_table(ours).equals(parquet.read_table(theirs))
        assert parquet.read_schema(ours) == parquet.read_schema(theirs)


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["nothing"], "has no column 'nothing'; there is i, f, b, text, late, day"),
        (["text"], ": column 'text' holds string, not numbers"),
        ([], "has 3 numeric columns: choose --column; there is i, f, late"),
    ],
)
def test_refused_columns(tmp_path, source, names, message):
    for read in (
        files.read,
        lambda path, _, names: files.cumsum(path, tmp_path / "y.npy", columns=names),
    ):
        with pytest.raises(CommandError) as error:
            read(source, None, names)
        assert str(error.value).removeprefix(str(source)).strip() == message


def test_missing_values(tmp_path):
    path = tmp_path / "x.csv"
    path.write_text("a,b\n" + "1,2\n" * 5000 + "1,\n")
    with pytest.raises(CommandError, match=r"x.csv: column 'b' has 1 missing value; fill or drop"):
        files.cumsum(path, tmp_path / "y.csv", columns=["b"])
    held = pa.table({"a": [1, 2, None, 4], "b": [1, 2, 3, None]})
    parquet.write_table(held, tmp_path / "x.parquet")
    where = "has 1 missing value in rows 0 to 4; fill or drop them first"
    with pytest.raises(CommandError, match=where):
        files.cumsum(tmp_path / "x.parquet", tmp_path / "y.csv", columns=["a"])
    assert not (tmp_path / "y.csv").exists()


def test_a_name_that_is_taken(tmp_path):
    parquet.write_table(pa.table({"a": [1], "a_cumsum": [2]}), tmp_path / "x.parquet")
    with pytest.raises(CommandError, match=r"x.parquet already has a column 'a_cumsum'"):
        files.cumsum(tmp_path / "x.parquet", tmp_path / "y.csv", columns=["a"])


@pytest.mark.parametrize(("suffix", "content"), [(".csv", b""), (".parquet", b"PAR1 and no more")])
def test_what_is_no_table(tmp_path, suffix, content):
    (tmp_path / f"x{suffix}").write_bytes(content)
    with pytest.raises(CommandError, match=rf"x{suffix} is not a {suffix} file that can be read: "):
        files.cumsum(tmp_path / f"x{suffix}", tmp_path / "y.csv")


@pytest.mark.parametrize("dtypes", ["int64 float64", "int64 uint64", "int8 float16"])
def test_integers_keep_their_digits_beside_others(tmp_path, dtypes):
    kind, other = dtypes.split()
    n = np.array([127] * 40 if kind == "int8" else [2**53, 1, 1, 1], kind)
    held = pa.table({"n": n, "f": np.ones(len(n), other)})
    parquet.write_table(held, tmp_path / "x.parquet")
    message = r"x.parquet: sums of column 'n' could lose digits as float.*; run them one by one$"
    with pytest.raises(CommandError, match=message):
        files.cumsum(tmp_path / "x.parquet", tmp_path / "y.npy", columns=["n", "f"])
    with pytest.raises(CommandError, match=message):
        whole.read(tmp_path / "x.parquet", None, ["n", "f"])
    files.cumsum(tmp_path / "x.parquet", tmp_path / "y.npy", columns=["n"])
    np.testing.assert_array_equal(np.load(tmp_path / "y.npy"), cumsum.cumsum(n, 0))


@pytest.mark.parametrize("encoded", [False, True])
def test_texts_that_are_packed_once_take_their_room(tmp_path, encoded):
    texts = pa.array([str(i % 10) * 1000 for i in range(ROWS)])
    held = pa.table({"v": np.ones(ROWS), "s": texts.dictionary_encode() if encoded else texts})
    parquet.write_table(held, tmp_path / "x.parquet", row_group_size=1000)
    assert (tmp_path / "x.parquet").stat().st_size < 20 * ROWS
    store = columns.open_input(str(tmp_path / "x.parquet"), Choice(columns=["v"]))
    store.keep()
    assert 1000 <= store.beside < 2000
    store.limit(200_000)
    assert store._batch == columns.LEAST_BATCH
    assert all(len(batch) <= 16 for batch in store._stream())
    store.close()


def test_arrays_as_tables(tmp_path):
    x = np.arange(6.0).reshape(3, 2)
    np.save(tmp_path / "x.npy", x)
    files.cumsum(tmp_path / "x.npy", tmp_path / "y.csv", 0)
    assert (tmp_path / "y.csv").read_text() == '"cumsum_0","cumsum_1"\n0,1\n2,4\n6,9\n'
    np.save(tmp_path / "c.npy", x.astype(complex))
    with pytest.raises(CommandError, match=r".parquet cannot hold complex128: "):
        files.cumsum(tmp_path / "c.npy", tmp_path / "y.parquet", 0)
    np.save(tmp_path / "d.npy", np.ones((2, 3, 4)))
    with pytest.raises(CommandError, match=r"a .csv file holds 1-D and 2-D arrays"):
        files.cumsum(tmp_path / "d.npy", tmp_path / "z.csv", 0)


def test_reverse_from_parquet_to_an_array(tmp_path, source):
    files.cumsum(source, tmp_path / "y.npy", reverse=True, columns=["i"], memory=300_000)
    wanted = cumsum.cumsum(table()["i"].to_numpy(), 0, reverse=True)
    np.testing.assert_array_equal(np.load(tmp_path / "y.npy"), wanted)


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_other_columns_may_have_one_name(tmp_path, suffix):
    held = pa.table([[1, 2], ["x", "y"], [3, 4]], ["a", "a", "b"])
    source, ours, theirs = (tmp_path / f"{name}{suffix}" for name in ("x", "y", "z"))
    if suffix == ".csv":
        csv.write_csv(held, source)
    else:
        parquet.write_table(held, source)
    files.cumsum(source, ours, columns=["b"])
    in_memory(source, theirs, ["b"])
    wanted = pa.table([*held.columns, pa.array([3, 7])], [*held.column_names, "b_cumsum"])
    for path in (ours, theirs):
        table = csv.read_csv(path) if suffix == ".csv" else parquet.ParquetFile(path).read()
        assert table.equals(wanted)
    with pytest.raises(CommandError, match=r"has several columns 'a'; there is a, a, b$"):
        files.cumsum(source, tmp_path / "y.npy", columns=["a"])


ZONED = ["2020-01-31T10:30:00Z", "2020-01-31T10:30:00.5Z", "2020-01-31T10:30:00"]
CELLS = st.sampled_from(["1", "0", "true", "1.5", "2020-01-31", "10:30:00", "", "nan", "x", *ZONED])


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(cells=st.lists(CELLS, min_size=1, max_size=8), early=CELLS)
def test_types_are_those_of_the_whole_file(tmp_path, cells, early):
    path = tmp_path / "x.csv"
    path.write_text("key,value\n" + f"k,{early}\n" * 2000 + "".join(f"k,{c}\n" for c in cells))
    schema, rows, nulls = csv_types.infer(str(path))
    wanted = csv.read_csv(path, convert_options=csv.ConvertOptions(null_values=NULLS))
    assert schema == wanted.schema
    assert rows == wanted.num_rows
    assert nulls == {name: wanted[name].null_count for name in wanted.column_names}


def test_an_input_is_read_in_any_order(source):
    store = columns.open_input(str(source), Choice(columns=["i"]))
    wanted = table()["i"].to_numpy()
    for start, stop in ((0, 100), (100, 1500), (2000, 2100), (50, 60), (2999, 3000), (0, 3000)):
        out = np.empty(stop - start, np.int64)
        store.read((slice(start, stop),), out)
        np.testing.assert_array_equal(out, wanted[start:stop])
    store.close()
