"""Tensors of .safetensors files, beside the library that defines the format."""

import json

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from cumsum.console import CommandError
from storing import SHAPE, example, read, write_like

DTYPES = [
    *("bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"),
    *("float16", "float32", "float64"),
]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("step", [SHAPE, (5, 4, 2)])
def test_read_and_write(tmp_path, dtype, step):
    x = example(dtype)
    held = {"first": np.ones(3, np.uint8), "weights": x}
    save_file(held, tmp_path / "x.safetensors", metadata={"by": "me"})
    path = tmp_path / "x.safetensors"
    np.testing.assert_array_equal(read(path, step, member="weights"), x, strict=True)
    write_like(path, tmp_path / "y.safetensors", x, step, member="weights")
    (tensor,) = load_file(tmp_path / "y.safetensors").items()
    assert tensor[0] == "weights"
    np.testing.assert_array_equal(tensor[1], x, strict=True)
    assert b'"by": "me"' in (tmp_path / "y.safetensors").read_bytes()


def test_one_tensor_needs_no_name(tmp_path):
    save_file({"x": example("float32")}, tmp_path / "x.safetensors")
    np.testing.assert_array_equal(read(tmp_path / "x.safetensors"), example("float32"))


def written(path, header, data=b"", length=None):
    text = json.dumps(header).encode() if isinstance(header, dict) else header
    path.write_bytes((length or len(text)).to_bytes(8, "little") + text + data)


def entry(dtype="F32", shape=(2, 3), offsets=(0, 24)):
    return {"dtype": dtype, "shape": shape, "data_offsets": offsets}


PROBLEMS = {
    "two": ({"a": entry(), "b": entry()}, "holds 2 tensors: choose --member; there is a, b"),
    "none": ({}, "holds 0 tensors: choose --member; there is none"),
    "short": ({"a": entry(shape=(7, 3), offsets=(0, 84))}, "is truncated: 168 bytes"),
    "type": ({"a": entry("F8_E4M3")}, "'a' holds F8_E4M3, of which there are no sums"),
    "offsets": ({"a": entry(offsets=(0, 20))}, r"gives 'a' 20 bytes for shape \(2, 3\)"),
    "entry": ({"a": {"dtype": "F32"}}, "does not say where 'a' is"),
    "json": (b"{nothing", "is not a .safetensors file that can be read: "),
    "list": (b"[1, 2]", "its header is no object"),
}


@pytest.mark.parametrize("name", PROBLEMS)
def test_what_cannot_be_read(tmp_path, name):
    header, message = PROBLEMS[name]
    written(tmp_path / "x.safetensors", header, bytes(24))
    if name == "short":
        size = (tmp_path / "x.safetensors").stat().st_size
        message = f"is truncated: {size} bytes, {size - 24 + 84} with 'a'"
    with pytest.raises(CommandError, match=message):
        read(tmp_path / "x.safetensors")


def test_headers_that_are_cut(tmp_path):
    written(tmp_path / "x.safetensors", b"{}", length=500)
    with pytest.raises(CommandError, match="it is truncated within its header"):
        read(tmp_path / "x.safetensors")
    written(tmp_path / "x.safetensors", b"{}", length=1 << 40)
    with pytest.raises(CommandError, match="a header of 1,099,511,627,776 bytes"):
        read(tmp_path / "x.safetensors")
    with pytest.raises(CommandError, match=r"y\.safetensors: no such file"):
        read(tmp_path / "y.safetensors")


def test_a_name_that_is_not_there(tmp_path):
    save_file({"a": np.ones(3)}, tmp_path / "x.safetensors")
    with pytest.raises(CommandError, match=r"has no tensor 'b'; there is a$"):
        read(tmp_path / "x.safetensors", member="b")


def test_dtypes_that_the_format_lacks(tmp_path):
    np.save(tmp_path / "x.npy", np.zeros(3))
    with pytest.raises(CommandError, match=r"y.safetensors: .safetensors holds no complex128"):
        write_like(tmp_path / "x.npy", tmp_path / "y.safetensors", np.zeros(3, np.complex128))
    assert not (tmp_path / "y.safetensors").exists()
