"""Headers that anyone may have written: whatever they say, one line and the exit code 2."""

import json
import os
import struct
import subprocess
import sys
import zipfile
import zlib
from pathlib import Path

import h5py
import numpy as np
import pytest
import zarr

from cumsum.cli import main

X = np.arange(12.0).reshape(3, 4)
DEEP = 100_000


def npy(text, data=bytes(96), version=(1, 0), length=None):
    """A .npy file with a header of any text."""
    head = text if isinstance(text, bytes) else text.encode()
    form = "<H" if version == (1, 0) else "<I"
    size = struct.pack(form, len(head) if length is None else length)
    return b"\x93NUMPY" + bytes(version) + size + head + data


def said(descr="'<f8'", order="False", shape="(3, 4)"):
    """The text of the header of a .npy file."""
    return f"{{'descr': {descr}, 'fortran_order': {order}, 'shape': {shape}, }}\n"


NPY = {
    "nothing": b"",
    "magic alone": b"\x93NUMPY",
    "no magic": b"NUMPY" * 20,
    "version 9": npy(said(), version=(9, 9)),
    "length past the end": npy(said(), length=60_000),
    "length of 4 GB": npy(said(), version=(2, 0), length=2**32 - 1),
    "header of 1 MB": npy(said() + " " * (1 << 20), version=(2, 0)),
    "no literal": npy("{'descr': f(), }"),
    "a list": npy("[1, 2]"),
    "unhashable": npy("{[]: 1}"),
    "fields are missing": npy("{'descr': '<f8'}"),
    "fields are added": npy(said().replace("}", "'more': 1}")),
    "zero bytes": npy(b"\0" * 64),
    "not UTF-8": npy(b"\xff\xfe" * 32, version=(3, 0)),
    "nested": npy("(" * 4000),
    "signs": npy("-" * 9000 + "1"),
    "digits": npy(said(shape=f"({'9' * 5000},)")),
    "10^26 elements": npy(said(shape=f"({10**26},)")),
    "2^66 bytes": npy(said(shape=f"({2**62}, 16)")),
    "zero of many": npy(said(shape=f"(0, {2**63})")),
    "negative extents": npy(said(shape="(-3, -4)")),
    "one negative extent": npy(said(shape="(3, -4)")),
    "a bool as extent": npy(said(shape="(True, 4)")),
    "a float as extent": npy(said(shape="(3.0, 4)")),
    "a text as shape": npy(said(shape="'34'")),
    "no shape": npy(said(shape="None")),
    "70 dims": npy(said(shape=f"({'1, ' * 70})")),
    "an order that is a text": npy(said(order="'C'")),
    "objects": npy(said(descr="'|O'")),
    "pickled": npy(said(descr="'|O'"), b"\x80\x04cos\nsystem\n(S'true'\ntR."),
    "structured": npy(said(descr="[('a', '<f8'), ('b', '<i4')]")),
    "structured in itself": npy(said(descr="[('a', " * 40 + "'<f8'" + ")]" * 40)),
    "subarrays": npy(said(descr="('<f8', (1 << 40,))")),
    "durations": npy(said(descr="'<m8[s]'")),
    "texts of 2 GB": npy(said(descr="'|S2147483647'")),
    "no dtype": npy(said(descr="'<q9'")),
    "a number as dtype": npy(said(descr="7")),
    "truncated": npy(said(), bytes(95)),
    "one value": npy(said(shape="()")),
    "of Python 2": npy(said(shape="(3L, 4000L)")),
}


def tensors(header, data=bytes(96), length=None):
    """A .safetensors file with any header."""
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text) if length is None else length) + text + data


def entry(shape=(3, 4), offsets=(0, 96), dtype="F64", **more):
    return {"x": {"dtype": dtype, "shape": shape, "data_offsets": offsets} | more}


SAFETENSORS = {
    "nothing": b"",
    "a length alone": bytes(8),
    "length of 2^63": tensors(entry(), length=2**63),
    "length past the end": tensors(entry(), length=99_000_000),
    "no JSON": tensors(b"{nothing"),
    "not UTF-8": tensors(b'{"\xff": 1}'),
    "no object": tensors([1]),
    "nested lists": tensors(b"[" * DEEP),
    "nested objects": tensors(b'{"a":' * DEEP),
    "no tensor": tensors({}),
    "a text as tensor": tensors({"x": "F64"}),
    "nothing as tensor": tensors({"x": None}),
    "a name twice": tensors(b'{"x": 1, "x": 2}'),
    "floats as shape": tensors(entry([3.0, 4.0])),
    "bools as shape": tensors(entry([True, 12])),
    "a text as shape": tensors(entry("34")),
    "negative extents": tensors(entry([-3, -4])),
    "71 dims": tensors(entry([1] * 69 + [3, 4])),
    "many dims": tensors(entry([10**4000] * 1000)),
    "2^63 of none": tensors(entry([0, 2**63], [0, 0])),
    "2^66 bytes": tensors(entry([2**62, 16], [0, 2**69])),
    "digits": tensors(b'{"x": {"shape": [' + b"9" * 5000 + b"]}}"),
    "no numbers": tensors(b'{"x": {"shape": [NaN, Infinity]}}'),
    "floats as offsets": tensors(entry(offsets=[0.0, 96.0])),
    "texts as offsets": tensors(entry(offsets=["0", "96"])),
    "negative offsets": tensors(entry(offsets=[-96, 0])),
    "offsets the wrong way": tensors(entry(offsets=[96, 0])),
    "three offsets": tensors(entry(offsets=[0, 48, 96])),
    "offsets past the end": tensors(entry(offsets=[2**60, 2**60 + 96])),
    "a list as dtype": tensors(entry(dtype=["F64"])),
    "another dtype": tensors(entry(dtype="F8_E5M2")),
    "a long dtype": tensors(entry(dtype="F" * DEEP)),
    "metadata that are no texts": tensors(entry() | {"__metadata__": {"a": [1]}}),
    "metadata that are a list": tensors(entry() | {"__metadata__": [1]}),
    "many tensors": tensors({f"x{i}": entry()["x"] for i in range(5000)}),
}

ARRAY = {
    "zarr_format": 3, "node_type": "array", "shape": [3, 4], "data_type": "float64",
    "chunk_grid": {"name": "regular", "configuration": {"chunk_shape": [3, 4]}},
    "chunk_key_encoding": {"name": "default"}, "fill_value": 0.0,
    "codecs": [{"name": "bytes", "configuration": {"endian": "little"}}], "attributes": {},
}  # fmt: skip
OLDER = {
    "zarr_format": 2, "shape": [3, 4], "chunks": [3, 4], "dtype": "<f8", "compressor": None,
    "fill_value": 0.0, "order": "C", "filters": None,
}  # fmt: skip


def grid(chunk):
    return {"chunk_grid": {"name": "regular", "configuration": {"chunk_shape": chunk}}}


ZARR = {
    "nothing": b"",
    "no JSON": b"{",
    "no object": [1],
    "nested": b"[" * DEEP,
    "no format": {},
    "format 9": ARRAY | {"zarr_format": 9},
    "no array": ARRAY | {"node_type": "thing"},
    "no shape": ARRAY | {"shape": None},
    "negative extents": ARRAY | {"shape": [-3, -4]},
    "floats as shape": ARRAY | {"shape": [3.5, 4]},
    "2^70 elements": ARRAY | {"shape": [2**70, 4]},
    "2^66 bytes": ARRAY | {"shape": [2**62, 16]},
    "70 dims": ARRAY | {"shape": [1] * 70} | grid([1] * 70),
    "chunks of nothing": ARRAY | grid([0, 0]),
    "negative chunks": ARRAY | grid([-1, 4]),
    "chunks of 2^80": ARRAY | grid([2**80, 4]),
    "chunks of 2^50": ARRAY | {"shape": [2**50, 4]} | grid([2**50, 4]),
    "chunks of other dims": ARRAY | grid([3]),
    "no dtype": ARRAY | {"data_type": "float65"},
    "texts": ARRAY | {"data_type": "string", "fill_value": ""},
    "no codec": ARRAY | {"codecs": [{"name": "none such"}]},
    "no codecs": ARRAY | {"codecs": []},
    "a text as codecs": ARRAY | {"codecs": "bytes"},
    "packed": ARRAY | {"attributes": {"add_offset": 7}},
    "packed by what is no number": ARRAY | {"attributes": {"add_offset": [[1], [1, 2]]}},
    "a list as attributes": ARRAY | {"attributes": [1]},
}
ZARRAY = {
    "no JSON": b"{",
    "chunks of nothing": OLDER | {"chunks": [0, 4]},
    "2^70 elements": OLDER | {"shape": [2**70, 4]},
    "objects": OLDER | {"dtype": "|O"},
    "structured": OLDER | {"dtype": [["a", "<f8"]]},
    "no compressor": OLDER | {"compressor": {"id": "none such"}},
}


def make_hdf5(path, how):
    with h5py.File(path, "w") as file:
        how(file)


HDF5 = {
    "no dataset": lambda file: file.create_group("g"),
    "2^63 bytes in a chunk": lambda file: file.create_dataset(
        "x", (2**40, 2**10), "f8", chunks=(2**20, 2**9 - 1)
    ),
    "texts": lambda file: file.create_dataset("x", (3,), "S5"),
    "structured": lambda file: file.create_dataset("x", (3,), [("a", "f8")]),
    "nothing in it": lambda file: file.create_dataset("x", data=h5py.Empty("f8")),
    "a single value": lambda file: file.create_dataset("x", data=1.0),
    "packed by what is no number": lambda file: file.create_dataset(
        "x", (3,), "f8"
    ).attrs.__setitem__("add_offset", ["a", "b"]),
    "links in a circle": lambda file: file.__setitem__("x", h5py.SoftLink("/x")),
    "another file": lambda file: file.__setitem__("x", h5py.ExternalLink("none.h5", "/x")),
}


def cut(content, at):
    return content[:at] + b"\xff" * 8 + content[at + 8 :]


def zipped(name, content):
    with zipfile.ZipFile("x.npz", "w") as archive:
        archive.writestr(name, content)


@pytest.fixture
def work(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def refused(capfd, *argv):
    """Whether it is refused with one line."""
    assert main(["run", *argv, "-o", "y.npy", "--memory=50MB"]) == 2
    out, err = capfd.readouterr()
    assert not out
    assert err.startswith("cumsum: error: "), err
    assert err.count("\n") == 1, err
    assert len(err) < 2000
    assert not Path("y.npy").exists()


@pytest.mark.parametrize("name", NPY)
def test_npy(work, capfd, name):
    Path("x.npy").write_bytes(NPY[name])
    refused(capfd, "x.npy", "--dim=0")


@pytest.mark.parametrize("name", SAFETENSORS)
def test_safetensors(work, capfd, name):
    Path("x.safetensors").write_bytes(SAFETENSORS[name])
    refused(capfd, "x.safetensors", "--dim=0")


@pytest.mark.parametrize(("root", "name"), [
    *(("zarr.json", name) for name in ZARR), *((".zarray", name) for name in ZARRAY)
])  # fmt: skip
def test_zarr(work, capfd, root, name):
    content = (ZARR if root == "zarr.json" else ZARRAY)[name]
    Path("x.zarr").mkdir()
    text = content if isinstance(content, bytes) else json.dumps(content).encode()
    Path("x.zarr", root).write_bytes(text)
    refused(capfd, "x.zarr", "--dim=0")


def test_zarr_whose_metadata_is_a_pipe(work, capfd):
    Path("x.zarr").mkdir()
    os.mkfifo("x.zarr/zarr.json")
    refused(capfd, "x.zarr", "--dim=0")


@pytest.mark.parametrize("name", HDF5)
def test_hdf5(work, capfd, name):
    make_hdf5("x.h5", HDF5[name])
    refused(capfd, "x.h5", "--dim=0")


@pytest.mark.parametrize("at", [0, 8, 16, 24, 40, 64, 96, 136])
def test_hdf5_that_is_damaged(work, capfd, at):
    make_hdf5("x.h5", lambda file: file.create_dataset("x", data=X))
    Path("x.h5").write_bytes(cut(Path("x.h5").read_bytes(), at))
    refused(capfd, "x.h5", "--dim=0")


def test_hdf5_chunks_that_unpack_to_more(work, capfd):
    with h5py.File("x.h5", "w") as file:
        made = file.create_dataset("x", (1000,), "f8", chunks=(1000,), compression="gzip")
        made.id.write_direct_chunk((0,), zlib.compress(bytes(100_000_000)))
    refused(capfd, "x.h5", "--dim=0")


@pytest.mark.parametrize("name", ["loop", "loops"])
def test_outputs_whose_links_lead_in_a_circle(work, capfd, name):
    np.save("x.npy", X)
    for kind in ("npy", "zarr", "h5"):
        Path(f"a.{kind}").symlink_to(f"b.{kind}" if name == "loops" else f"a.{kind}")
        Path(f"b.{kind}").symlink_to(f"a.{kind}")
        assert main(["run", "x.npy", "-o", f"a.{kind}", "--dim=0", "--force"]) == 2
        assert "its links lead in a circle" in capfd.readouterr().err


def test_tree_of_a_valid_file(work):
    """What the attacks begin with is read."""
    Path("x.npy").write_bytes(npy(said()))
    Path("x.safetensors").write_bytes(tensors(entry()))
    for folder, root, content in (("x.zarr", "zarr.json", ARRAY), ("z.zarr", ".zarray", OLDER)):
        Path(folder).mkdir()
        Path(folder, root).write_text(json.dumps(content))
        assert zarr.open(folder, mode="r").shape == (3, 4)
    for name in ("x.npy", "x.safetensors", "x.zarr", "z.zarr"):
        assert main(["run", name, "-o", "y.npy", "--dim=0", "--force"]) == 0


NPZ = {
    "nothing": lambda: Path("x.npz").write_bytes(b""),
    "no archive": lambda: Path("x.npz").write_bytes(b"PK" * 50),
    "another member": lambda: zipped("x.txt", b"text"),
    "an empty member": lambda: zipped("x.npy", b""),
    **{
        name: lambda name=name: zipped("x.npy", NPY[name])
        for name in (
            *("version 9", "nested", "signs", "unhashable", "10^26 elements", "2^66 bytes"),
            *("negative extents", "a bool as extent", "70 dims", "objects", "structured"),
            *("of Python 2", "zero bytes", "a number as dtype", "digits", "truncated"),
        )
    },
}


@pytest.mark.parametrize("name", NPZ)
def test_npz(work, capfd, name):
    NPZ[name]()
    refused(capfd, "x.npz", "--dim=0")


def parquet():
    """A valid .parquet."""
    arrow = pytest.importorskip("pyarrow")
    import pyarrow.parquet as pq

    pq.write_table(arrow.table({"a": list(range(100))}), "x.parquet")
    return Path("x.parquet").read_bytes()


PARQUET = {
    "nothing": lambda _: b"",
    "magic alone": lambda _: b"PAR1",
    "magic twice": lambda _: b"PAR1PAR1",
    "a footer of 4 GB": lambda held: held[:-8] + b"\xff\xff\xff\xff" + held[-4:],
    "a footer of nothing": lambda held: held[:-8] + bytes(4) + held[-4:],
    "half a footer": lambda held: held[: len(held) // 2] + held[-8:],
    "a footer of zeros": lambda held: held[:-400] + bytes(392) + held[-8:],
    "pages of zeros": lambda held: held[:4] + bytes(60) + held[64:],
    "encrypted": lambda held: b"PARE" + held[4:-4] + b"PARE",
}


@pytest.mark.parametrize("output", [[], ["-o", "y.npy", "--memory=200MB"]], ids=["whole", "pieces"])
@pytest.mark.parametrize("name", PARQUET)
def test_parquet(work, capfd, name, output):
    Path("x.parquet").write_bytes(PARQUET[name](parquet()))
    assert main(["run", "x.parquet", *output]) == 2
    out, err = capfd.readouterr()
    assert (out, err.count("\n")) == ("", 1), err


CSV = {
    "nothing": b"",
    "a line break": b"\n",
    "zero bytes": b"\0" * 100,
    "a header alone": b"a,b",
    "not UTF-8": b"\xff\xfe\n1\n",
    "rows of other widths": b"a\n1\n1,2\n",
    "an open quotation": b'"a\n1\n' + b"2\n" * 100,
    "a line of 3 MB": b"a\n" + b"1" * 3_000_000,
    "texts": b"a\nb\n",
    "UTF-16": "a\n1\n".encode("utf-16"),
}


@pytest.mark.parametrize("output", [[], ["-o", "y.npy", "--memory=200MB"]], ids=["whole", "pieces"])
@pytest.mark.parametrize("name", CSV)
def test_csv(work, capfd, name, output):
    pytest.importorskip("pyarrow")
    Path("x.csv").write_bytes(CSV[name])
    assert main(["run", "x.csv", *output]) == 2
    out, err = capfd.readouterr()
    assert (out, err.count("\n")) == ("", 1), err


def test_no_warning_before_the_line(work):
    """In a process of its own, where warnings are shown."""
    for name in ("2^66 bytes", "of Python 2"):
        Path("x.npy").write_bytes(NPY[name])
        argv = [sys.executable, "-W", "always", "-m", "cumsum", "run", "x.npy", "-o", "y.npy"]
        done = subprocess.run([*argv, "--dim=0"], capture_output=True, text=True, check=False)
        assert (done.returncode, done.stderr.count("\n")) == (2, 1), done.stderr
