"""Columns of tables: their types, their sums, and what is refused."""

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import csv, feather, parquet

import cumsum
from cumsum import files
from cumsum.console import CommandError
from cumsum.files import tables
from cumsum.files.store import Choice
from cumsum.files.tables import arrow_table
from tabling import ROWS, read, small_batches, table, write

KINDS = [".csv", ".tsv", ".csv.gz", ".tsv.zst", ".csv.bz2", ".parquet", ".feather", ".arrow"]

__all__ = ["small_batches"]  # in use by every test here


@pytest.fixture(params=[".csv", ".parquet"])
def source(tmp_path, request):
    return write(table(), tmp_path / f"x{request.param}")


TEXTS = {kind for kind in KINDS if ".csv" in kind or ".tsv" in kind}


def texts(column):
    """Values as they are in any kind of file."""
    return list(map(str, column.to_pylist()))


@pytest.mark.parametrize("names", [["i"], ["b", "f"], ["late", "i"]])
@pytest.mark.parametrize("target", KINDS)
@pytest.mark.parametrize("kind", [".csv", ".tsv.zst", ".parquet", ".feather"])
def test_sums_follow_all_other_columns(tmp_path, kind, target, names):
    source, output = write(table(), tmp_path / f"x{kind}"), tmp_path / f"y{target}"
    report = files.cumsum(source, output, columns=names, memory=600_000)
    assert report.pieces > 1
    held, given = read(output), read(source)
    sums = [f"{name}_cumsum" for name in names]
    assert held.column_names == [*given.column_names, *sums]
    for name in set(given.column_names) - set(names):
        if kind in TEXTS and target not in TEXTS:
            assert held[name].type == "string"
        else:
            assert texts(held[name]) == texts(given[name])
    columns = [np.array(table()[name].to_pylist()) for name in names]
    columns = [c.astype(np.float64) if c.dtype.kind == "U" else c for c in columns]
    for name, sum_ in zip(sums, cumsum.cumsum(np.stack(columns, 1), 0).T, strict=True):
        assert np.array_equal(np.array(held[name].to_pylist(), sum_.dtype), sum_)


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["nothing"], "has no column 'nothing'; there is i, f, b, text, late, day"),
        (["i", "i"], ": --column 'i' is given twice"),
    ],
)
def test_refused_columns(tmp_path, source, names, message):
    with pytest.raises(CommandError) as error:
        files.cumsum(source, tmp_path / "y.npy", columns=names)
    assert str(error.value).removeprefix(str(source)).strip() == message


def test_columns_that_hold_no_numbers(tmp_path):
    path = write(table(), tmp_path / "x.csv")
    message = r"x.csv, line 2: column 'text' holds 'a, \"b\"', which is no number"
    with pytest.raises(CommandError, match=message.replace(r"\"", '"')):
        files.cumsum(path, columns="text")
    with pytest.raises(CommandError, match="has 3 numeric columns: choose --column; there is i, f"):
        files.cumsum(path)
    path = write(table(), tmp_path / "x.parquet")
    with pytest.raises(CommandError, match="column 'text' holds string, not numbers"):
        files.cumsum(path, columns="text")


def test_one_column_of_numbers_needs_no_name(tmp_path):
    for kind in KINDS:
        held = pa.table({"k": ["a", "b"], "v": [1, 2], "ok": [True, False]})
        path = write(held, tmp_path / f"x{kind}")
        assert files.cumsum(path).columns == ("v",)


def test_a_name_that_is_taken(tmp_path):
    for kind in (".csv", ".parquet"):
        path = write(pa.table({"a": [1], "a_cumsum": [2]}), tmp_path / f"x{kind}")
        message = f"x{kind} already has a column 'a_cumsum'; --suffix names it otherwise"
        for target in ("y.csv", "y.parquet"):
            with pytest.raises(CommandError, match=message):
                files.cumsum(path, tmp_path / target, columns="a", force=True)
            files.cumsum(path, tmp_path / target, columns="a", suffix="_total", force=True)
            assert read(tmp_path / target)["a_total"].to_pylist() == [1]
        assert sorted(p.name for p in tmp_path.iterdir() if p.name.startswith(".")) == []


@pytest.mark.parametrize("dtypes", ["int64 float64", "int64 uint64", "int8 float16"])
def test_integers_keep_their_digits_beside_others(tmp_path, dtypes):
    kind, other = dtypes.split()
    n = np.array([127] * 40 if kind == "int8" else [2**53, 1, 1, 1], kind)
    path = write(pa.table({"n": n, "f": np.ones(len(n), other)}), tmp_path / "x.parquet")
    message = r"x.parquet: sums of column 'n' could lose digits as float.*; run them one by one$"
    with pytest.raises(CommandError, match=message):
        files.cumsum(path, tmp_path / "y.npy", columns=["n", "f"])
    files.cumsum(path, tmp_path / "y.npy", columns=["n"])
    np.testing.assert_array_equal(np.load(tmp_path / "y.npy"), cumsum.cumsum(n, 0))


@pytest.mark.parametrize("encoded", [False, True])
def test_texts_that_are_packed_once_take_their_room(tmp_path, encoded):
    texts = pa.array([str(i % 10) * 1000 for i in range(ROWS)])
    held = pa.table({"v": np.ones(ROWS), "s": texts.dictionary_encode() if encoded else texts})
    parquet.write_table(held, tmp_path / "x.parquet", row_group_size=1000)
    assert (tmp_path / "x.parquet").stat().st_size < 20 * ROWS
    store = tables.open_input(str(tmp_path / "x.parquet"), Choice(columns=["v"]))
    store.keep("table")
    assert 1000 <= store.beside < 2000
    store.limit(200_000)
    assert store._batch == arrow_table.LEAST_BATCH
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
    np.save(tmp_path / "e.npy", np.ones((1, 70_000), np.int8))
    with pytest.raises(CommandError, match="70,000 columns of sums are more than a table"):
        files.cumsum(tmp_path / "e.npy", tmp_path / "z.csv", 0)


@pytest.mark.parametrize("target", ["y.npy", "y.csv", "y.parquet"])
@pytest.mark.parametrize("exclusive", [False, True])
def test_reverse(tmp_path, source, target, exclusive):
    how = {"reverse": True, "exclusive": exclusive}
    report = files.cumsum(source, tmp_path / target, columns="i", **how)
    x = table()["i"].to_numpy()
    wanted = cumsum.cumsum(x, 0, **how)
    output = tmp_path / target
    sums = np.load(output) if target == "y.npy" else read(output)["i_cumsum"].to_numpy()
    np.testing.assert_array_equal(sums, wanted)
    assert report.totals == (x.sum(),)
    with pytest.raises(CommandError, match="memory of 20 KB is too small: a piece needs"):
        files.cumsum(source, output, columns="i", memory=20_000, force=True, **how)


@pytest.mark.parametrize("suffix", [".csv", ".parquet", ".feather"])
def test_other_columns_may_have_one_name(tmp_path, suffix):
    held = pa.table([[1, 2], ["x", "y"], [3, 4]], ["a", "a", "b"])
    source, output = write(held, tmp_path / f"x{suffix}"), tmp_path / f"y{suffix}"
    files.cumsum(source, output, columns=["b"])
    wanted = pa.table([*held.columns, pa.array([3, 7])], [*held.column_names, "b_cumsum"])
    assert read(output).equals(wanted)
    with pytest.raises(CommandError, match=r"has several columns 'a'; there is a, a, b$"):
        files.cumsum(source, tmp_path / "y.npy", columns=["a"])


def test_an_input_is_read_in_any_order(source):
    store = tables.open_input(str(source), Choice(columns=["i"]))
    wanted = table()["i"].to_numpy()
    for start, stop in ((0, 100), (100, 1500), (2000, 2100), (50, 60), (2999, 3000), (0, 3000)):
        out = np.empty(stop - start, np.int64)
        store.read((slice(start, stop),), out)
        np.testing.assert_array_equal(out, wanted[start:stop])
    store.close()


@pytest.mark.parametrize("kind", KINDS)
def test_tables_without_rows(tmp_path, kind):
    schema = pa.schema([("k", "string"), ("v", "int64")])
    path, output = write(schema.empty_table(), tmp_path / f"x{kind}"), tmp_path / f"y{kind}"
    for how in ({}, {"by": "k"}, {"reverse": True}):
        report = files.cumsum(path, output, columns="v", force=True, **how)
        assert (report.shape, report.totals) == ((0,), ())
        assert read(output).column_names == ["k", "v", "v_cumsum"]
        assert read(output).num_rows == 0


@pytest.mark.parametrize("kind", [".csv", ".parquet", ".csv.gz", ".feather"])
def test_several_tables_are_one(tmp_path, kind):
    whole = table()
    parts = [
        write(part, tmp_path / f"{i}{kind}")
        for i, part in enumerate((whole.slice(0, 700), whole.slice(700, 0), whole.slice(700)))
    ]
    one = write(whole, tmp_path / f"x{kind}")
    for how in ({}, {"by": "text", "exclusive": True}):
        files.cumsum(parts, tmp_path / f"y{kind}", columns="i", force=True, memory=600_000, **how)
        files.cumsum(one, tmp_path / f"z{kind}", columns="i", force=True, **how)
        assert read(tmp_path / f"y{kind}").equals(read(tmp_path / f"z{kind}"))
    if kind == ".csv":
        assert (tmp_path / "y.csv").read_bytes() == (tmp_path / "z.csv").read_bytes()
    other = write(pa.table({"i": [1]}), tmp_path / f"o{kind}")
    with pytest.raises(CommandError, match="has other columns than"):
        files.cumsum([one, other], columns="i")
    with pytest.raises(CommandError, match="is the input"):
        files.cumsum(parts, parts[2], columns="i", force=True)


def test_several_inputs_are_tables(tmp_path):
    np.save(tmp_path / "x.npy", np.ones(3))
    with pytest.raises(CommandError, match="several inputs are for tables"):
        files.cumsum([tmp_path / "x.npy"] * 2)
    path = write(table(), tmp_path / "x.csv")
    with pytest.raises(CommandError, match="is not of the same kind as"):
        files.cumsum([path, tmp_path / "x.npy"], columns="i")


def test_feather_that_is_packed(tmp_path):
    for packing in ("zstd", "lz4", "uncompressed"):
        feather.write_feather(table(), tmp_path / "x.feather", compression=packing, chunksize=500)
        files.cumsum(tmp_path / "x.feather", tmp_path / "y.feather", columns="i", force=True)
        held = feather.read_table(tmp_path / "y.feather")
        assert held["i_cumsum"].to_pylist() == cumsum.cumsum(table()["i"].to_numpy(), 0).tolist()


@pytest.mark.parametrize("kind", [".csv", ".parquet"])
def test_options_of_texts(tmp_path, kind):
    path = write(table(), tmp_path / f"x{kind}")
    for how in ({"delimiter": ";"}, {"decimal": ",", "delimiter": ";"}, {"comment": "#"}):
        if kind == ".parquet":
            with pytest.raises(CommandError, match=r"is for texts such as .csv, not for"):
                files.cumsum(path, columns="i", **how)
    for how, message in (
        ({"delimiter": ";;"}, "delimiter is ';;', it must be one ASCII character"),
        ({"delimiter": '"'}, "it must be one ASCII character"),
        ({"decimal": ";"}, "decimal is ';', it must be"),
        ({"decimal": ","}, "decimal ',' needs another delimiter"),
        ({"delimiter": "#", "comment": "#"}, "delimiter and comment are both '#'"),
    ):
        if kind == ".csv":
            with pytest.raises(CommandError, match=message):
                files.cumsum(path, columns="i", **how)


def test_csv_of_other_programs(tmp_path):
    csv.write_csv(table(), tmp_path / "x.csv")  # quotes round every text
    files.cumsum(tmp_path / "x.csv", tmp_path / "y.csv", columns="i")
    given, held = ((tmp_path / name).read_bytes().splitlines() for name in ("x.csv", "y.csv"))
    assert [line.rpartition(b",")[0] for line in held] == given
