"""Tables for tests: of many types, in many kinds of files."""

import datetime as dt

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import csv, feather, parquet

from cumsum.files.tables import arrow_table, text, text_table

ROWS = 3000
PACKED = {".gz": "gzip", ".zst": "zstd", ".bz2": "bz2"}


@pytest.fixture(autouse=True)
def small_batches(monkeypatch):
    """Pieces of few rows."""
    for module in (text, text_table):
        monkeypatch.setattr(module, "BLOCK_BYTES", 5000)
    monkeypatch.setattr(arrow_table, "BATCH_BYTES", 3000)
    for module in (arrow_table, text_table):
        monkeypatch.setattr(module, "POOL_BYTES", 0)


def table():
    """Columns of many types, with surprises at their ends."""
    rng = np.random.default_rng(0)
    late = [*map(str, range(ROWS - 1)), "1.5"]
    first = dt.date(2020, 1, 31)
    return pa.table(
        {
            "i": np.arange(ROWS) % 77 - 30,
            "f": rng.standard_normal(ROWS),
            "b": rng.random(ROWS) > 0.5,
            "text": ['a, "b"' if i % 3 else "" for i in range(1, ROWS + 1)],
            "late": late,
            "day": [first + dt.timedelta(days=i) for i in range(ROWS)],
        }
    )


def write(held, path):
    """Write a table to a file of the kind that its name says."""
    if path.suffix == ".parquet":
        if "late" in held.column_names:
            late = pa.array(np.array(held["late"].to_pylist(), np.float64))
            held = held.set_column(held.column_names.index("late"), "late", late)
        parquet.write_table(held, path, row_group_size=700)
    elif path.suffix in {".feather", ".arrow"}:
        if "late" in held.column_names:
            late = pa.array(np.array(held["late"].to_pylist(), np.float64))
            held = held.set_column(held.column_names.index("late"), "late", late)
        feather.write_feather(held, path, chunksize=700)
    else:
        options = csv.WriteOptions(delimiter="\t" if ".tsv" in path.name else ",")
        with pa.output_stream(path, compression=PACKED.get(path.suffix)) as file:
            csv.write_csv(held, file, write_options=options)
    return path


def read(path):
    """The table of a file, with all texts as they are."""
    if path.suffix == ".parquet":
        return parquet.ParquetFile(path).read()
    if path.suffix in {".feather", ".arrow"}:
        with pa.memory_map(str(path)) as source:
            return pa.ipc.open_file(source).read_all()
    parse = csv.ParseOptions(
        delimiter="\t" if ".tsv" in path.name else ",", newlines_in_values=True
    )
    kinds = csv.ConvertOptions(strings_can_be_null=False)
    with pa.input_stream(str(path), compression=PACKED.get(path.suffix)) as file:
        return csv.read_csv(file, parse_options=parse, convert_options=kinds)
