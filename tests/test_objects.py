"""Arrays of objects, texts and durations: holes, what sums begin with, and what does not fit."""

import datetime as dt
import gc
import time
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest

import cumsum
from orientations import COMBINATIONS, loop, name

A, B, C = Decimal("1.1"), Decimal("2.2"), Decimal("4.4")
DAY = dt.timedelta(1)
TEXTS = np.dtypes.StringDType()


def objects(*values):
    x = np.empty(len(values), object)
    for i, value in enumerate(values):
        x[i] = value
    return x


HOLES = {
    "None": (objects(A, None, B), [A, A, A + B]),
    "Decimal NaN": (objects(A, Decimal("NaN"), B), [A, A, A + B]),
    "Decimal sNaN": (objects(A, Decimal("sNaN"), B), [A, A, A + B]),
    "float nan": (objects(Fraction(1), float("nan"), Fraction(2)), [1, 1, 3]),
    "NaT": (objects(DAY, pd.NaT, 2 * DAY), [DAY, DAY, 3 * DAY]),
    "NumPy's NaT": (objects(DAY, np.timedelta64("NaT"), 2 * DAY), [DAY, DAY, 3 * DAY]),
    "NA": (objects(1, pd.NA, 2), [1, 1, 3]),
    "leading": (objects(None, None, "a", "b"), [0, 0, "a", "ab"]),
    "none but holes": (objects(None, None), [0, 0]),
}


@pytest.mark.parametrize("case", HOLES)
def test_what_stands_for_nothing(case):
    x, wanted = HOLES[case]
    assert cumsum.cumsum(x, 0, skipna=True).tolist() == wanted
    grid = np.stack([x] * 9, axis=1)  # as many lines as are added all at once
    assert cumsum.cumsum(grid, 0, skipna=True).tolist() == [[sum_] * 9 for sum_ in wanted]


def test_texts_with_holes():
    where = [True, False, True]
    for x in (objects("A", "B", "C"), np.array(list("ABC"), TEXTS)):
        assert cumsum.cumsum(x, 0, where=where).tolist() == ["A", "A", "AC"]
        assert cumsum.cumsum(x, 0, where=where, lengths=[1, 2]).tolist()[::2] == ["A", "C"]


def test_holes_and_other_options():
    x = objects(A, None, B, C)
    assert cumsum.cumsum(x, 0, skipna=True, exclusive=True).tolist() == [0, A, A, A + B]
    assert cumsum.cumsum(x, 0, skipna=True, reverse=True).tolist() == [A + B + C, B + C, B + C, C]
    assert cumsum.cumsum(x, 0, skipna=True, initial=A).tolist()[1] == 2 * A
    assert cumsum.cumsum(x, 0, skipna=True, include_initial=True).tolist()[:3] == [0, A, A]
    assert cumsum.cumsum(x, 0, skipna=True, lengths=[2, 2]).tolist() == [A, A, B, B + C]
    shown = cumsum.cumsum(x, 0, skipna=True, missing="nan").tolist()
    assert shown[1] != shown[1]
    assert [shown[0], *shown[2:]] == [A, A + B, A + B + C]
    grid = np.stack([x, x[::-1]])
    reset = [[True, False, True, False], [True, False, False, True]]
    sums = cumsum.cumsum(grid, 1, skipna=True, reset=reset).tolist()
    assert sums == [[A, A, B, B + C], [C, C + B, C + B, A]]


def test_masked_objects():
    x = np.ma.array(objects(A, "nothing", B), mask=[0, 1, 0])
    assert cumsum.cumsum(x, 0).tolist() == [A, None, A + B]


@pytest.mark.parametrize("flags", COMBINATIONS, ids=name)
@pytest.mark.parametrize("shape", [(0,), (1,), (30,), (3, 5), (20, 2), (2, 20), (4, 0), (0, 4)])
def test_objects_of_every_shape(shape, flags):
    x = np.arange(np.prod(shape, dtype=int)).astype(object).reshape(shape)
    for axis in range(len(shape)):
        for initial in (None, 7):
            result = cumsum.cumsum(x, axis, initial=initial, **flags)
            assert result.tolist() == loop(x, axis, initial or 0, **flags).tolist()


def test_texts_without_a_value():
    x = np.array(["a", "b", np.nan, "c"], np.dtypes.StringDType(na_object=np.nan))
    sums = cumsum.cumsum(x, 0)
    assert sums[:2].tolist() == ["a", "ab"]
    assert np.isnan(sums[2:]).all()


def test_elements_that_are_sequences():
    x = objects([1], [2], [3])
    assert cumsum.cumsum(x, 0).tolist() == [[1], [1, 2], [1, 2, 3]]
    assert cumsum.cumsum(np.stack([x] * 9, 1), 0)[2, 8] == [1, 2, 3]


def test_a_long_line_of_objects_takes_no_time():
    """An addition of NumPy's for each element would take some twenty times as long."""
    x = np.arange(200_000).astype(object)

    def seconds(function):
        begin = time.process_time()
        function()
        return time.process_time() - begin

    ours = min(seconds(lambda: cumsum.cumsum(x, 0)) for _ in range(3))
    assert ours < 30 * min(seconds(lambda: np.cumsum(x)) for _ in range(3))


TICKS = np.array([1000, 2000], "m8[ms]")
GOOD = {
    "ticks": (5, [1005, 3005]),
    "a NumPy integer": (np.int8(5), [1005, 3005]),
    "seconds": (np.timedelta64(2, "s"), [3000, 5000]),
    "a whole number of them": (np.timedelta64(3000, "us"), [1003, 3003]),
    "no unit": (np.timedelta64(3), [1003, 3003]),
    "datetime's": (dt.timedelta(seconds=1), [2000, 4000]),
}
BAD = {
    "a fraction of the unit": (np.timedelta64(1500, "us"), TypeError, "a fraction of the unit"),
    "datetime's fraction": (dt.timedelta(microseconds=1), TypeError, "a fraction of the unit"),
    "months": (np.timedelta64(1, "M"), TypeError, "initial of timedelta64"),
    "a float": (1.5, TypeError, "initial of float64"),
    "a date": (np.datetime64("2026-01-01"), TypeError, "initial of datetime64"),
    "a text": ("5", TypeError, "initial of <U1"),
    "a complex number": (1 + 2j, TypeError, "initial of complex128"),
    "None in a list": ([None], TypeError, "initial of object"),
    "too many seconds": (np.timedelta64(2**61, "s"), OverflowError, "initial is .* more than"),
    "too many ticks": (2**63, OverflowError, "initial is 9223372036854775808, but timedelta64"),
    "NaT's number": (-(2**63), OverflowError, "initial is -9223372036854775808, but timedelta64"),
}


@pytest.mark.parametrize("case", GOOD)
def test_initial_of_durations(case):
    initial, wanted = GOOD[case]
    sums = cumsum.cumsum(TICKS, 0, initial=initial)
    assert (sums.dtype, sums.astype(int).tolist()) == (TICKS.dtype, wanted)


@pytest.mark.parametrize("case", BAD)
def test_what_durations_cannot_begin_with(case):
    initial, error, message = BAD[case]
    for overflow in (None, "saturate"):
        with pytest.raises(error, match=message):
            cumsum.cumsum(TICKS, 0, initial=initial, overflow=overflow)


def test_durations_begin_with_nat():
    for overflow in ("wrap", "saturate", "raise"):
        sums = cumsum.cumsum(TICKS, 0, initial=np.timedelta64("NaT"), overflow=overflow)
        assert np.isnat(sums).all()


MOST = 2**63 - 1


def durations(*ticks, unit="ns"):
    return np.array(ticks, f"m8[{unit}]")


def same(x, ticks):
    return x.view(np.int64).tolist() == durations(*ticks).view(np.int64).tolist()


def test_durations_wrap_as_in_numpy():
    x = durations(MOST, 1, 5)
    assert np.array_equal(cumsum.cumsum(x, 0).view("i8"), np.cumsum(x).view("i8"))


@pytest.mark.parametrize("long", [False, True])
def test_durations_that_do_not_fit(long):
    pad = [0] * 9000 * long
    x = durations(*pad, MOST, 1, -1, -5)
    assert same(cumsum.cumsum(x, 0, overflow="saturate")[-4:], [MOST, MOST, MOST, MOST - 5])
    at = len(pad) + 1
    with pytest.raises(OverflowError, match=rf"index \({at},\) is {2**63}, but timedelta64\[ns\]"):
        cumsum.cumsum(x, 0, overflow="raise")
    least = durations(*pad, -MOST, -1, 2)  # a sum that would be NaT's number
    assert same(cumsum.cumsum(least, 0, overflow="saturate")[-3:], [-MOST, -MOST, 1 - MOST])
    with pytest.raises(
        OverflowError, match=rf"index \({at},\) is {-(2**63)}, but timedelta64\[ns\]"
    ):
        cumsum.cumsum_(least, 0, overflow="raise")
    assert same(least[-3:], [-MOST, -1, 2])


def test_durations_after_nat_cannot_overflow():
    x = np.array([[MOST, "NaT", 5, 5], [1, 2, 3, 4]], "m8[ns]")
    for overflow in ("raise", "saturate"):
        sums = cumsum.cumsum(x, 1, overflow=overflow)
        assert np.isnat(sums).tolist() == [[False, True, True, True], [False] * 4]
        assert same(sums[1], [1, 3, 6, 10])
        sums = cumsum.cumsum(x, 1, exclusive=True, include_initial=True, overflow=overflow)
        assert np.isnat(sums[0]).tolist() == [False, False, False, True, True]
        assert same(cumsum.cumsum(x, 1, skipna=True, overflow="saturate")[0], [MOST] * 4)
    with pytest.raises(OverflowError, match=r"index \(0, 2\) is"):
        cumsum.cumsum(x, 1, skipna=True, overflow="raise")
    with pytest.raises(OverflowError, match=r"index \(1,\) is"):
        cumsum.cumsum(durations(1, -MOST, -1), 0, reverse=True, overflow="raise")


def test_elements_of_a_coarser_unit():
    x = np.array([2**62], "m8[s]")
    for overflow in ("raise", "saturate"):
        with pytest.raises(OverflowError, match=r"an element is .* more than timedelta64\[ns\]"):
            cumsum.cumsum(x, 0, dtype="m8[ns]", overflow=overflow)
        small = cumsum.cumsum(durations(1, 2, unit="s"), 0, dtype="m8[ms]", overflow=overflow)
        assert small.astype(int).tolist() == [1000, 3000]
    assert cumsum.cumsum(durations(1, 2), 0, overflow="raise", initial=3).astype(int)[1] == 6


@pytest.mark.parametrize("options", [{}, {"exclusive": True}, {"where": True}], ids=str)
def test_objects_are_let_go(options):
    class Number:
        """Adds up to five."""

        living = 0

        def __init__(self, value):
            Number.living += 1
            self.value = value

        def __del__(self):
            Number.living -= 1

        def __add__(self, other):
            if self.value == 5:
                raise ArithmeticError("more than five")
            return Number(self.value + other.value)

    x = np.array([Number(1) for _ in range(9)], object)
    sums = cumsum.cumsum(x[:5], 0, **options)
    assert sums[-1].value == (4 if "exclusive" in options else 5)
    with pytest.raises(ArithmeticError, match="five"):
        cumsum.cumsum(x, 0, **options)
    del x, sums
    gc.collect()
    assert Number.living == 0
