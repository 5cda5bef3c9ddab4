"""What a table keeps: metadata, types, row groups, compression; and what missing numbers become."""

import datetime as dt
import decimal

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from pyarrow import parquet

import cumsum
from cumsum import files
from cumsum.console import CommandError
from tabling import read, small_batches, write

__all__ = ["small_batches"]


def wide():
    """Columns of every kind that a .parquet has."""
    rows = range(500)
    moment = dt.datetime(2020, 1, 1)
    columns = {
        "v": pa.array([None if i % 7 == 3 else i for i in rows], pa.int32()),
        "decimal": pa.array([decimal.Decimal(i) / 100 for i in rows], pa.decimal128(9, 2)),
        "words": pa.array([f"w{i % 3}" for i in rows]).dictionary_encode(),
        "zoned": pa.array(
            [moment + dt.timedelta(hours=i) for i in rows], pa.timestamp("us", "Asia/Tokyo")
        ),
        "list": pa.array([[i, None] if i % 5 else None for i in rows]),
        "struct": pa.array([{"a": i, "b": str(i)} for i in rows]),
        "map": pa.array([[("k", i)] for i in rows], pa.map_("string", "int64")),
        "nothing": pa.nulls(500),
        "bytes": pa.array([bytes([i % 256]) for i in rows]),
        "half": pa.array(np.arange(500).astype(np.float16)),
        "time": pa.array([dt.time(i % 24) for i in rows]),
        "view": pa.array([str(i) for i in rows], pa.string_view()),
        "big": pa.array([2**63 + i for i in rows], pa.uint64()),
        "v.x": pa.array(np.arange(500.0)),
    }
    return pa.table(columns)


@pytest.mark.parametrize("by", [(), ("words",)])
@pytest.mark.parametrize("suffix", [".parquet", ".feather", ".arrow"])
def test_every_type_comes_back(tmp_path, suffix, by):
    held = wide()
    fields = [f.with_metadata({"unit": "mm"}) if f.name == "v" else f for f in held.schema]
    fields = [f.with_nullable(f.name != "big") for f in fields]
    schema = pa.schema(fields, metadata={"geo": "{}", "owner": "us"})
    held = pa.Table.from_arrays(held.columns, schema=schema)
    path, output = tmp_path / f"x{suffix}", tmp_path / f"y{suffix}"
    if suffix == ".parquet":
        parquet.write_table(held, path, row_group_size=120)
    else:
        write(held, path)
    for name in ("v", "v.x"):
        files.cumsum(path, output, columns=name, skipna=True, by=by, force=True)
        found = read(output)
        assert found.drop_columns([f"{name}_cumsum"]).combine_chunks().equals(held.combine_chunks())
        assert found.schema.metadata == schema.metadata
        for i, field in enumerate(schema):
            assert found.schema.field(i).equals(field)
            kept = dict(found.schema.field(i).metadata or {})
            kept.pop(b"PARQUET:field_id", None)
            assert kept == (field.metadata or {})


def test_row_groups_and_packing_come_back(tmp_path):
    held = wide().select(["v", "words", "half"])
    packing = {"v": "zstd", "words": "snappy", "half": "none"}
    with parquet.ParquetWriter(
        tmp_path / "x.parquet", held.schema, compression=packing, use_dictionary=["words"]
    ) as writer:
        for start, rows in ((0, 100), (100, 7), (107, 393)):
            writer.write_table(held.slice(start, rows))
    files.cumsum(tmp_path / "x.parquet", tmp_path / "y.parquet", columns="v", skipna=True)
    before, after = (parquet.ParquetFile(tmp_path / f"{n}.parquet").metadata for n in "xy")
    assert after.num_row_groups == 3
    for group in range(3):
        old, new = before.row_group(group), after.row_group(group)
        assert new.num_rows == old.num_rows
        for i in range(3):
            assert new.column(i).compression == old.column(i).compression
            assert new.column(i).has_dictionary_page == old.column(i).has_dictionary_page
        assert new.column(3).compression == "ZSTD"


def test_the_index_of_pandas_comes_back(tmp_path):
    frame = pd.DataFrame(
        {"v": pd.array([1, None, 3], "Int64"), "w": pd.Categorical(["a", "b", "a"])},
        index=pd.date_range("2020", periods=3, name="day"),
    )
    frame.to_parquet(tmp_path / "x.parquet")
    files.cumsum(tmp_path / "x.parquet", tmp_path / "y.parquet", columns="v", skipna=True)
    found = pd.read_parquet(tmp_path / "y.parquet")
    pd.testing.assert_frame_equal(found.drop(columns="v_cumsum"), frame, check_freq=False)
    assert found["v_cumsum"].tolist() == [1, 1, 4]


FLOATS = np.array([1.5, np.nan, 2.0, -0.0, np.nan])
CASES = {
    "floats": pa.array(FLOATS),
    "floats and nulls": pa.array([1.5, None, 2.0, np.nan, 1.0]),
    "float32": pa.array([1.5, None, 2.0, np.nan, 1.0], pa.float32()),
    "integers": pa.array([1, None, 3, None, 2]),
    "int8": pa.array([None, 100, 100, None, 1], pa.int8()),
    "bools": pa.array([True, None, True, False, None]),
    "nulls": pa.array([None] * 5, pa.int64()),
}


@pytest.mark.parametrize("suffix", [".csv", ".parquet", ".feather"])
@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("how", [{}, {"exclusive": True}, {"by": "k"}, {"reverse": True}])
def test_missing_numbers_add_nothing(tmp_path, name, suffix, how):
    column = CASES[name]
    held = pa.table({"k": [1, 1, 1, 1, 1], "v": column, "n": [1, 2, 3, 4, 5]})
    path = write(held, tmp_path / f"x{suffix}")
    missing = [v is None or v != v for v in column.to_pylist()]  # noqa: PLR0124
    if suffix == ".csv" and name in ("float32", "int8"):
        column = column.cast("float64" if name == "float32" else "int64")
    dtype = {"double": "float64", "float": "float32"}.get(str(column.type), str(column.type))
    x = np.array(
        [0 if gone else v for gone, v in zip(missing, column.to_pylist(), strict=True)], dtype
    )
    flags = {key: value for key, value in how.items() if key != "by"}
    wanted = cumsum.cumsum(x, 0, **flags)
    output = tmp_path / f"y{suffix}"
    files.cumsum(path, output, columns="v", skipna=True, **how)
    sums = read(output)["v_cumsum"].to_pylist()
    assert sums == wanted.tolist()
    files.cumsum(path, output, columns="v", skipna=True, missing="nan", force=True, **how)
    sums = read(output)["v_cumsum"]
    shown = [None if gone else w for gone, w in zip(missing, wanted.tolist(), strict=True)]
    assert sums.to_pylist() == shown
    if wanted.dtype.kind == "f":
        array = tmp_path / "y.npy"
        files.cumsum(path, array, columns="v", skipna=True, missing="nan", **how)
        np.testing.assert_array_equal(np.load(array), np.where(missing, np.nan, wanted))
    else:
        with pytest.raises(CommandError, match="missing is 'nan', which sums of int64 in"):
            files.cumsum(path, tmp_path / "z.npy", columns="v", skipna=True, missing="nan", **how)


def test_missing_numbers_of_several_columns(tmp_path):
    held = pa.table({"a": [1, None, 3], "b": [None, 2.5, np.nan]})
    path = write(held, tmp_path / "x.parquet")
    files.cumsum(path, tmp_path / "y.parquet", columns=["a", "b"], skipna=True, missing="nan")
    found = read(tmp_path / "y.parquet")
    assert found["a_cumsum"].to_pylist() == [1.0, None, 4.0]
    assert found["b_cumsum"].to_pylist() == [None, 2.5, None]


def test_missing_numbers_without_skipna(tmp_path):
    path = write(pa.table({"a": [1.0, None, 3.0], "b": [1.0, np.nan, 2.0]}), tmp_path / "x.parquet")
    message = "column 'a' has 1 missing value in rows 1 to 3; --skipna lets them add nothing"
    with pytest.raises(CommandError, match=message):
        files.cumsum(path, columns="a")
    files.cumsum(path, tmp_path / "y.npy", columns="b")  # nan is a number
    np.testing.assert_array_equal(np.load(tmp_path / "y.npy"), [1, np.nan, np.nan])
    with pytest.raises(ValueError, match=r"missing says nothing without skipna"):
        files.cumsum(path, columns="a", missing="nan")
    with pytest.raises(ValueError, match=r"missing is 'hold', but must be 'carry' or 'nan'"):
        files.cumsum(path, columns="a", skipna=True, missing="hold")


def test_a_column_that_cannot_be_null(tmp_path):
    schema = pa.schema([pa.field("v", pa.float64(), nullable=False)])
    held = pa.table({"v": [1.0, np.nan, 2.0]}, schema=schema)
    path = write(held, tmp_path / "x.parquet")
    files.cumsum(path, tmp_path / "y.parquet", columns="v", skipna=True, missing="nan")
    found = read(tmp_path / "y.parquet")["v_cumsum"]
    assert found.null_count == 0
    np.testing.assert_array_equal(found.to_numpy(), [1.0, np.nan, 3.0])
