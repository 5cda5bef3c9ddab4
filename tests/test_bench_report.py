"""What the benchmarks make of their figures: groups, tables, drawn cases."""

import math
from pathlib import Path

import numpy as np
import pytest

from cumsum import bench

ROOT = Path(__file__).parents[1]
if not (ROOT / "benchmarks").exists():
    pytest.skip("needs the repository's benchmarks", allow_module_level=True)


def case(name, shape, layout="contiguous", copy="NumPy", dtype="float32", ours=1.0, **times):
    times = {"copy": 1.0, "ours": ours, **times}
    of = {"name": name, "shape": shape, "dtype": dtype, "dim": 0, "layout": layout}
    ratios = {key: value for key, value in times.items() if key != "copy"}
    return {"case": of, "copy": copy, "times": times, "ratios": ratios}


OLD = {
    "machine": {"processor": "AMD EPYC", "target": "avx512", "date": "2026-01-01"},
    "cases": [
        case("large", [10_000_000], ours=1.3, torch=2.0, numpy=1.0),
        case("apart", [10_000_000], layout="sliced", ours=3.0),
    ],
}
NEW = {
    "machine": OLD["machine"] | {"microarchitecture": "Zen 5", "date": "2026-02-02"},
    "cases": [
        case("large", [10_000_000], ours=1.1),
        case("half", [10_000_000], dtype="float16", ours=1.9),
        case("apart", [10_000_000], layout="sliced", copy="torch, strided", ours=1.5),
    ],
    "one_thread": [case("alone", [100_000], ours=1e-5)],
    "second_thread": [{"name": "square", "one": 2.0, "two": 1.5}],
    "drawn": [{"name": "7/0: float32", "times": {"ours": 1.0, "numpy": 2.0}}],
    "abilities": [
        {"name": "a", "ability": "where", "ours": 1.2, "plain": 1.0, "peer": 2.0, "means": "NumPy"}
    ],
}
REPORTS = {"AMD EPYC, Zen 5": NEW, "AMD EPYC": OLD}


@pytest.fixture
def modules(monkeypatch):
    pytest.importorskip("torch")
    monkeypatch.syspath_prepend(ROOT / "benchmarks")
    import drawn
    import groups
    import tables

    return {"drawn": drawn, "groups": groups, "tables": tables}


@pytest.fixture
def groups(modules):
    return modules["groups"]


@pytest.fixture
def tables(modules):
    return modules["tables"]


@pytest.fixture
def drawn(modules):
    return modules["drawn"]


def judged(groups, report):
    return {group.name: line for group in groups.GROUPS if (line := group.judge(report))}


def test_groups(groups):
    lines = judged(groups, NEW)
    large = lines["contiguous, 10 million elements or more"]
    assert large["measured"] == pytest.approx(math.sqrt(1.1 * 1.9))
    assert (large["past"], large["worst"], large["rows"]) == (True, "half", 2)
    assert lines["the same, 16-bit floats aside"]["measured"] == 1.1
    strided = lines["strided, beside a copy of the same strides"]
    assert (strided["measured"], strided["past"]) == (1.5, True)
    alone = lines["one thread, in the cache: ns an element"]
    assert (alone["measured"], alone["past"]) == (pytest.approx(0.1), False)


def test_more_may_be_better(groups):
    line = judged(groups, NEW)["speed-up by the second thread, in the cache"]
    assert (line["measured"], line["past"]) == (pytest.approx(4 / 3), True)
    assert groups.is_behind("second_thread", NEW["second_thread"][0])
    assert not groups.is_behind("second_thread", {"name": "square", "one": 2.0, "two": 1.0})


def test_a_copy_of_other_strides_is_no_yardstick(groups):
    lines = judged(groups, OLD)
    assert "strided, beside a copy of the same strides" not in lines
    assert lines["every row, beside torch and NumPy"]["measured"] == 1.3


def test_faults_name_their_rows(groups):
    faults = groups.faults(NEW)
    assert "strided, beside a copy of the same strides: 1.50 is past 1.4: apart 1.50" in faults
    assert "speed-up by the second thread, in the cache: 1.33 is past 1.5: square 1.33" in faults
    assert groups.format_table(NEW).count("!") == 3


def test_what_is_behind_is_measured_again(groups):
    seconds = []

    def measure(given):
        seconds.append(given)
        return {"name": "x", "times": {"ours": 2.0 / len(seconds), "numpy": 1.0}}

    assert groups.twice("drawn", measure, 1.0)["times"]["ours"] == 1.0
    assert groups.twice("drawn", measure, 1.0)["times"]["ours"] < 1
    assert seconds == [1.0, 3.0, 1.0]


def test_tables_have_a_column_for_each_processor(tables):
    table = tables.group_table(REPORTS, brief=True)
    assert "| group |  | aim | bound | AMD EPYC, Zen 5 | AMD EPYC |" in table
    assert "| the same, 16-bit floats aside | worst | 1.40 | 1.60 | 1.10 | 1.30 |" in table
    assert "| least | ≥ 1.80 | ≥ 1.50 | **1.33** | – |" in table
    assert "skipna" in table
    assert "many short rows" not in table
    assert "many short rows" in tables.group_table(REPORTS, brief=False)
    cases = tables.case_table(REPORTS)
    assert "| large | 1.10 | – | 1.30 | 1.30 |" in cases
    assert "| apart | 1.50 | – | – | – |" in cases
    assert "| half | 1.90 | – | – | – |" in cases
    alone = tables.side_by_side("input", REPORTS, "one_thread", tables.alone_cell)
    assert "| alone | 0.100 (10000.000) |" in alone
    assert "| a | 1.2 s (1.20); NumPy 2 s |" in tables.side_by_side(
        "ability", REPORTS, "abilities", tables.ability_cell
    )


def test_kept_results_have_names_of_their_own(modules, monkeypatch):
    import report

    reports = report.read()
    assert reports
    for kept in reports.values():
        assert bench.name(kept["machine"])
        assert {case.name for case in bench.CASES} & set(report.tables.by_name(kept["cases"]))
    page = report.performance_page(reports)
    assert page == report.PAGE.read_text(), "make report"
    assert report.readme_part(reports) in (ROOT / "README.md").read_text(), "make report"


def test_draws(drawn):
    cases = [drawn.draw(20, number) for number in range(300)]
    assert cases == [drawn.draw(20, number) for number in range(300)]
    assert cases[0] != drawn.draw(21, 0)
    sizes = [one.case.elements for one in cases]
    assert drawn.FEWEST / 2 < min(sizes) < max(sizes) < 2 * drawn.MOST
    assert {one.case.dtype for one in cases} == set(drawn.DTYPES)
    assert {one.case.layout for one in cases} == set(drawn.LAYOUTS)
    assert {one.option for one in cases} == set(drawn.OPTIONS)


@pytest.mark.parametrize("layout", ["contiguous", "transposed", "sliced", "reversed", "expanded"])
@pytest.mark.parametrize("option", ["", "exclusive", "reverse"])
@pytest.mark.parametrize("dtype", ["int64", "int8", "bool", "float64"])
def test_all_contestants_do_the_same(drawn, layout, option, dtype):
    case = bench.Case("x", (3, 5, 4), dtype, drawn.AXIS, layout)
    x, out, ours = drawn.arrays(drawn.Drawn(case, option))
    ours()
    expected = out.copy()
    assert not np.array_equal(expected, np.cumsum(x, 1)) or not option
    calls = drawn.contestants(x, out, option)
    assert set(calls) == {"numpy"} | ({"torch"} if layout != "reversed" else set())
    for name, call in calls.items():
        out[...] = 99
        result = call()
        allocates = (name, option) == ("torch", "reverse")
        np.testing.assert_allclose(result.numpy() if allocates else out, expected)


def test_measuring_a_drawn_case(drawn):
    row = drawn.measure(drawn.Drawn(bench.Case("x", (2, 9, 3), "int32", 1), "reverse"), 0)
    assert set(row["times"]) == {"ours", "numpy", "torch"}
    assert row["name"] in drawn.format_row(row)
