"""Texts byte by byte: what is not scanned comes back as it was."""

import csv as python_csv
import gzip
import io

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cumsum import files
from cumsum.console import CommandError
from cumsum.files.tables import records, text
from cumsum.files.tables.dialect import Dialect

ODD = [
    *("00123", "12345678901234567890", "+4915112345678", "1E5", "1.10", "N/A", "null", "NaN"),
    *("2025-03-30T00:30:00+02:00", '"a,b"', '"say ""no"""', '"two\nlines"', '5" pipe', ""),
    *(" x ", "true", "é", "'", "-0", "0x1F", "1_000", "#"),
]


def run(path, output="y.csv", **how):
    files.cumsum(path, path.with_name(output), force=True, **how)
    return path.with_name(output).read_bytes()


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("bom", [b"", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("last", [True, False])
def test_every_byte_comes_back(tmp_path, end, bom, last):
    lines = [f"{i},{odd},{i / 2},x{odd}" if '"' not in odd else f"{i},{odd},{i / 2},{odd}"
             for i, odd in enumerate(ODD)]  # fmt: skip
    text_ = end.join(["id,odd,v,again", *lines]) + (end if last else "")
    path = tmp_path / "x.csv"
    path.write_bytes(bom + text_.encode())
    sums = np.arange(len(ODD)) * np.arange(1, len(ODD) + 1) / 4
    wanted = ["id,odd,v,again,v_cumsum"]
    wanted += [f"{line},{s:g}" for line, s in zip(lines, sums, strict=True)]
    assert run(path, columns="v") == bom + (end.join(wanted) + (end if last else "")).encode()


def test_lines_that_are_no_records_come_back(tmp_path):
    path = tmp_path / "x.csv"
    path.write_bytes(b'# it\'s "new\n\nk,v\n#,1\n\na,1\n# 5" x\nb,2\r\n\n#"end')
    wanted = b'# it\'s "new\n\nk,v,v_cumsum\n#,1\n\na,1,1\n# 5" x\nb,2,3\r\n\n#"end'
    assert run(path, columns="v", comment="#") == wanted
    path.write_bytes(b"# one,two\n" + b"k,v\n" + b"a,1\n#b,9\nc,2\n" * 3)
    held = run(path, columns="v", comment="#")
    assert held == b"# one,two\nk,v,v_cumsum\n" + b"".join(
        b"a,1,%d\n#b,9\nc,2,%d\n" % (3 * i + 1, 3 * i + 3) for i in range(3)
    )


def test_delimiters_and_decimals(tmp_path):
    path = tmp_path / "x.csv"
    path.write_bytes(b'k;"v;w"\n"a;b";1,5\nc;2\n')
    held = run(path, columns="v;w", delimiter=";", decimal=",")
    assert held == b'k;"v;w";"v;w_cumsum"\n"a;b";1,5;1,5\nc;2;3,5\n'
    tabs = tmp_path / "x.tsv"
    tabs.write_bytes(b"k\tv\na,b\t1\nc\t2\n")
    assert run(tabs, "y.tsv", columns="v") == b"k\tv\tv_cumsum\na,b\t1\t1\nc\t2\t3\n"
    assert run(tabs, "y.csv", columns="v") == b'"k","v","v_cumsum"\n"a,b",1,1\n"c",2,3\n'


def test_packed_texts(tmp_path):
    path = tmp_path / "x.csv.gz"
    path.write_bytes(gzip.compress(b"k,v\n01,1\n02,2\n"))
    wanted = b"k,v,v_cumsum\n01,1,1\n02,2,3\n"
    assert gzip.decompress(run(path, "y.csv.gz", columns="v")) == wanted
    path.write_bytes(gzip.compress(b"k,v\n01,1\n02,2\n")[:-9])
    with pytest.raises(CommandError, match=r"cannot read .*x\.csv\.gz: "):
        run(path, columns="v")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"k,v\na,1\nb\nc,3\n", "line 3: 1 field, but the header has 2"),
        (b'k,v\n"a\nb",1\nc,3,4\n', "line 4: 3 fields, but the header has 2"),
        (b"k,v\na,1\n\nb,x\n", "line 4: column 'v' holds 'x', which is no number"),
        (b"k,v\na,1\nb,0X1f\n", "line 3: column 'v' holds '0X1f', which is no number"),
        (b"k;v\na;1,5\n", "has no column 'v'; there is k;v; is --delimiter ';' meant"),
        (b"\x1f\x8b\x08\0", "is packed by gzip: its name, or --format, must say .gz"),
        (b"k,v\na,1\nb,1.5.2\n", "line 3: column 'v' holds '1.5.2', which is no number"),
        (b"k,v\na,1\n\xe9,2\n", r"line 3: b'\\xe9' is not UTF-8; convert the file first"),
        (b"k\xff,v\na,1\n", r"line 1: b'\\xff' is not UTF-8"),
        (b'k,v\na,1\n"b,2\nc,3\n', "line 3: a quote is not closed"),
        (b'k,"v\na,1\n', "line 1: a quote is not closed"),
        (b"", "has no columns: it is empty"),
        (b"\n\n", "has no columns: it is empty"),
    ],
)
def test_faults_are_named_by_line(tmp_path, content, message):
    path = tmp_path / "x.csv"
    path.write_bytes(content)
    with pytest.raises(CommandError, match=message):
        run(path, columns="v")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["x.csv"]


def test_faults_far_down_are_named_by_line(tmp_path, monkeypatch):
    monkeypatch.setattr(text, "BLOCK_BYTES", 4096)
    path = tmp_path / "x.csv"
    for fault, message in (("x,1,2", "3 fields"), ("x,y", "'y', which is no"), ("\xe9,1", "UTF-8")):
        lines = ["k,v", *[f'"a\nb{i}",1' for i in range(3000)], fault, "z,1"]
        path.write_bytes("\n".join(lines).encode("latin1"))
        with pytest.raises(CommandError, match=rf"line 6,002: .*{message}"):
            run(path, columns="v")


def test_a_record_without_an_end(tmp_path, monkeypatch):
    monkeypatch.setattr(text, "BLOCK_BYTES", 1000)
    monkeypatch.setattr(text, "RECORD_BYTES", 100_000)
    path = tmp_path / "x.csv"
    path.write_bytes(b"k,v\na,1\nb" + b"x" * 200_000)
    with pytest.raises(CommandError, match="line 3: it is longer than"):
        run(path, columns="v")


@pytest.mark.parametrize(
    ("cells", "wanted"),
    [
        (["1", "2"], ["1", "3"]),
        (["1", "1.5"], ["1", "2.5"]),
        (["true", "false", "true"], ["1", "1", "2"]),
        (["18446744073709551615", "0"], ["18446744073709551615"] * 2),
        (["9007199254740993", "1"], ["9007199254740993", "9007199254740994"]),
        (["nan", "1"], ["nan", "nan"]),
        (["inf", "-inf"], ["inf", "nan"]),
        (["1e5", "-1"], ["100000", "99999"]),
    ],
)
def test_types_of_numbers(tmp_path, cells, wanted):
    path = tmp_path / "x.csv"
    for before in (0, 4000):  # within one block, and in a later one than it began with
        zeros = ["0"] * before
        if "true" in cells:
            zeros = ["false"] * before
        path.write_text("\n".join(["v", *zeros, *cells]) + "\n")
        held = run(path, columns="v").decode().splitlines()[1 + before :]
        assert [line.split(",")[1] for line in held] == wanted


CELL = st.text(alphabet='ab,"\n #é\t', max_size=6)


@settings(
    max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    st.lists(st.lists(CELL, min_size=2, max_size=2), min_size=1, max_size=12),
    st.sampled_from(["\n", "\r\n"]),
    st.sampled_from([python_csv.QUOTE_MINIMAL, python_csv.QUOTE_ALL]),
    st.integers(3, 40),
)
def test_what_pythons_csv_writes(tmp_path, rows, end, quoting, block):
    made = io.StringIO(newline="")
    writer = python_csv.writer(made, lineterminator=end, quoting=quoting)
    writer.writerow(["a", "b", "v"])
    for i, row in enumerate(rows):
        writer.writerow([*row, i])
    path = tmp_path / "x.csv"
    path.write_bytes(made.getvalue().encode())
    before, text.BLOCK_BYTES = text.BLOCK_BYTES, block
    try:
        held = run(path, columns="v").decode()
    finally:
        text.BLOCK_BYTES = before
    read = list(python_csv.reader(io.StringIO(held, newline="")))
    given_ = list(python_csv.reader(io.StringIO(made.getvalue(), newline="")))
    assert [line[:-1] for line in read] == given_
    assert [line[-1] for line in read] == ["v_cumsum", *map(str, np.arange(len(rows)).cumsum())]


@settings(max_examples=2000, deadline=None)
@given(st.text(alphabet='a,"\n\r#', max_size=14), st.sampled_from(["", "#"]))
def test_records_are_those_of_a_plain_reader(content, comment):
    block = content.encode()
    found = records.split(block, Dialect(",", ".", comment), last=True)
    wanted, is_open = plainly(block, comment.encode())
    assert found.open == is_open
    if not is_open:
        got = zip(found.starts.tolist(), found.ends.tolist(), found.nexts.tolist(), strict=True)
        assert list(got) == wanted


def plainly(block, comment):
    """The records of a text, and whether it ends within quotes: letter by letter."""
    found, start = [], 0
    while start < len(block):
        place, within, begins, closed = start, False, True, -5
        remark = bool(comment) and block.startswith(comment, start)
        while place < len(block):
            letter = block[place : place + 1]
            if within:
                within = letter != b'"'
                closed = closed if within else place
            elif letter in b"\r\n":
                break
            elif letter == b'"' and not remark and (begins or closed == place - 1):
                within = True
            begins = not within and letter == b","
            place += 1
        if within:
            return found, True
        after = min(len(block), place + (2 if block[place : place + 2] == b"\r\n" else 1))
        if place > start and not remark:
            found.append((start, place, after))
        start = after
    return found, False
