"""Arrays that are more than their memory: those that answer for themselves, and masked ones."""

import dask.array as da
import numpy as np
import pytest
import torch
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.masked import masked_tensor

import cumsum


class Plain(np.ndarray):
    """A subclass with no say in anything."""


class Functions(np.ndarray):
    """One that answers NumPy's functions."""

    def __array_function__(self, function, types, args, kwargs):
        return function.__name__, kwargs


class Metres(np.ndarray):
    """One with a rule for NumPy's ufuncs alone."""

    def __array_ufunc__(self, ufunc, method, *inputs, out=None, **kwargs):
        bare = [np.asarray(x) for x in inputs]
        if out is not None:
            kwargs["out"] = tuple(np.asarray(y) for y in out)
        return f"{ufunc.__name__}.{method}", getattr(ufunc, method)(*bare, **kwargs).tolist()


class Weighted(np.ndarray):
    """A structured one that knows how to be added."""

    def __array_ufunc__(self, ufunc, method, *inputs, **kwargs):
        bare = np.asarray(self)
        sums = {name: getattr(ufunc, method)(bare[name], **kwargs) for name in bare.dtype.names}
        return np.rec.fromarrays(list(sums.values()), names=list(sums))


class Refusing(np.ndarray):
    """One that wants no part in NumPy's ufuncs."""

    __array_ufunc__ = None


class Duck:
    """No array of NumPy's, but NumPy asks it."""

    ndim = 1

    def __array_function__(self, function, types, args, kwargs):
        return function.__name__, kwargs


X = np.array([3.0, 1.0, 2.0])
OWN = {"functions": Functions, "ufuncs": Metres}
every_own = pytest.mark.parametrize("kind", OWN.values(), ids=OWN)


def test_functions_are_asked_as_numpy_asks():
    x = X.view(Functions)
    assert cumsum.cumsum(x, 0) == np.cumsum(x, axis=0)
    assert cumsum.cumsum(x, None, dtype="f4") == np.cumsum(x, axis=None, dtype="f4")
    assert cumsum.cumulative_sum(x) == np.cumsum(x, axis=0)
    assert cumsum.cumsum(X, 0, out=x) == np.cumsum(X, axis=0, out=x)
    assert cumsum.cumsum(Duck(), 0) == cumsum.cumulative_sum(Duck()) == ("cumsum", {"axis": 0})


def test_ufuncs_are_asked_as_numpy_asks():
    x = X.copy().view(Metres)
    asked = ("add.accumulate", [3.0, 4.0, 6.0])
    assert cumsum.cumsum(x, 0) == np.cumsum(x, 0) == asked
    assert cumsum.cumsum(x.reshape(3, 1), None) == asked
    assert cumsum.cumsum(X, 0, out=np.zeros(3).view(Metres)) == asked
    assert cumsum.cumsum_(x, 0) == asked
    assert np.asarray(x).tolist() == [3, 4, 6]


def test_structured_arrays_with_a_sum():
    x = np.array([(1.0, 2.0), (3.0, 4.0)], [("value", "f8"), ("variance", "f8")]).view(Weighted)
    assert cumsum.cumsum(x, 0).tolist() == [(1, 2), (4, 6)]


def test_no_answer():
    with pytest.raises(TypeError, match=r"Refusing has no running sum; np.asarray\(x\)"):
        cumsum.cumsum(X.view(Refusing), 0)


WAYS = {
    "initial": lambda a: {"initial": a(2.0)},
    "where": lambda a: {"where": a([True, True, False])},
    "offsets": lambda a: {"offsets": a([0, 1, 3])},
    "lengths": lambda a: {"lengths": a([1, 2])},
    "reset": lambda a: {"reset": a([True, False, True])},
    "decay": lambda a: {"decay": a([0.5, 1.0, 2.0])},
}
every_argument = pytest.mark.parametrize("name", WAYS)


@every_own
@every_argument
def test_arguments_are_refused(kind, name):
    for x in (X, X.view(kind)):
        with pytest.raises(TypeError, match=r"has rules of its own .* np\.asarray\(\w+\)"):
            cumsum.cumsum(x, 0, **WAYS[name](lambda v: np.asarray(v).view(kind)))
    with pytest.raises(TypeError, match=f"{name} is a test_subclasses.Duck, which has rules"):
        cumsum.cumsum(X, 0, **{name: Duck()})


@every_own
def test_what_is_more_than_a_plain_sum_is_refused(kind):
    x = X.reshape(3, 1).view(kind)
    for options in (
        {"exclusive": True},
        {"reverse": True},
        {"include_initial": True},
        {"initial": 1},
        {"decay": 0.5},
        {"precision": "compensated"},
    ):
        with pytest.raises(TypeError, match=r"input is a .* rules of its own"):
            cumsum.cumsum(x, 0, **options)
    with pytest.raises(TypeError, match="input is a"):
        cumsum.cumsum(x, (0, 1))
    with pytest.raises(TypeError, match="out is a"):
        cumsum.cumsum(X.reshape(3, 1), (0, 1), out=x)
    with pytest.raises(TypeError, match="out is a"):
        cumsum.cumsum(X, 0, exclusive=True, out=X.copy().view(kind))


@every_own
def test_other_routes_refuse_as_well(kind):
    with pytest.raises(TypeError, match=r"offsets\(\): lengths is a"):
        cumsum.offsets(np.array([1, 2]).view(kind))
    with pytest.raises(TypeError, match=r"RunningSum.update\(\): chunk is a"):
        cumsum.RunningSum(0).update(X.view(kind))
    with pytest.raises(TypeError, match=r"RunningSum.update\(\): out is a"):
        cumsum.RunningSum(0).update(X, out=np.empty(3).view(kind))
    with pytest.raises(TypeError, match="initial is a"):
        cumsum.RunningSum(0, initial=np.array(1.0).view(kind)).update(X)
    lazy = da.from_array(X, chunks=2)
    with pytest.raises(TypeError, match="initial is a"):
        cumsum.cumsum(lazy, 0, initial=np.array(1.0).view(kind))
    with pytest.raises(TypeError, match="where is a"):
        cumsum.cumsum(lazy, 0, where=np.ones(3, bool).view(kind))
    with pytest.raises(TypeError, match="offsets is a"):
        cumsum.cumsum(lazy, 0, offsets=np.array([0, 1, 3]).view(kind))


@every_argument
def test_plain_subclasses_are_read(name):
    wanted = cumsum.cumsum(X, 0, **WAYS[name](np.asarray))
    given = WAYS[name](lambda v: np.asarray(v).view(Plain))
    assert cumsum.cumsum(X, 0, **given).tolist() == wanted.tolist()
    given = WAYS[name](lambda v: np.ma.array(v, mask=False))
    assert cumsum.cumsum(X, 0, **given).tolist() == wanted.tolist()


@every_argument
def test_masks_of_arguments_count(name):
    given = WAYS[name](
        lambda v: np.ma.array(v, mask=np.arange(np.size(v)).reshape(np.shape(v)) == 0)
    )
    for x in (X, np.ma.array(X), da.from_array(X, chunks=2)):
        with pytest.raises(ValueError, match=rf"{name} has masked elements.*{name}\.filled"):
            cumsum.cumsum(x, 0, **given)


def test_masks_of_lengths_and_chunks_count():
    with pytest.raises(ValueError, match=r"offsets\(\): lengths has masked elements"):
        cumsum.offsets(np.ma.array([1, 999, 2], mask=[0, 1, 0]))
    with pytest.raises(ValueError, match="initial has masked elements"):
        cumsum.RunningSum(0, initial=np.ma.masked).update(X)
    for name, held in (("lengths", 1), ("where", True), ("initial", 1.0)):
        with pytest.raises(ValueError, match=rf"{name} has masked elements.*{name}\.filled"):
            cumsum.cumsum(X, 0, **{name: [held, np.ma.masked, held]})
    masked = da.ma.masked_greater(da.from_array(X, chunks=2), 2)
    with pytest.raises(NotImplementedError, match="initial must not have masked chunks"):
        cumsum.cumsum(da.ones((2, 3), chunks=2), 0, initial=masked)


def zeros_in(x):
    return x.filled(0)


@pytest.mark.parametrize("dims", [(0, 1), (1, 0), (0,), (-1,)])
@pytest.mark.parametrize(
    "flags", [{}, {"reverse": True}, {"include_initial": True}, {"exclusive": True}], ids=str
)
def test_masked_arrays_along_several_dims(dims, flags):
    numbers = np.random.default_rng(0).integers(-9, 9, (50, 60))
    x = np.ma.masked_greater(numbers, 4)
    y = cumsum.cumsum(x, dims, **flags)
    assert np.array_equal(y.data, cumsum.cumsum(zeros_in(x), dims, **flags))
    mask = x.mask
    for d in {dim % 2 for dim in dims} if "include_initial" in flags else ():
        mask = np.insert(mask, 0, False, axis=d)
    assert np.array_equal(y.mask, mask)
    assert y.dtype == np.int64


def test_a_masked_table_holds_every_sum():
    x = np.ma.array([[1, 2], [0, 4]], mask=[[0, 0], [1, 0]])
    assert cumsum.cumsum(x, (0, 1))[1, 1] == 7
    assert cumsum.cumsum(x, (0, 1), include_initial=True)[2, 2] == 7
    assert cumsum.cumsum(x, (0, 1), where=[[True, False]]).tolist() == [[1, 1], [None, 1]]
    out = np.ma.zeros((2, 2), int)
    assert cumsum.cumsum(x, (1, 0), out=out) is out
    assert out.tolist() == [[1, 3], [None, 7]]
    assert cumsum.cumsum_(x, (0, 1)) is x
    assert x.tolist() == [[1, 3], [None, 7]]


def test_masked_arrays_with_other_options():
    x = np.ma.array([1.0, 99.0, 3.0, 4.0], mask=[0, 1, 0, 0])
    cases = [
        ({"lengths": [3, 1]}, [1, None, 4, 4]),
        ({"where": [True, True, False, True]}, [1, None, 1, 5]),
        ({"decay": 0.5}, [1, None, 3.25, 5.625]),
        ({"reverse": True, "initial": 1}, [9, None, 8, 5]),
    ]
    for options, wanted in cases:
        assert cumsum.cumsum(x, 0, **options).tolist() == wanted
    whole = x.astype(np.int8)
    assert cumsum.cumsum(whole, 0, dtype=np.int8, overflow="saturate", initial=125).tolist() == [
        126,
        None,
        127,
        127,
    ]
    assert cumsum.cumsum_(x, 0) is x
    assert x.tolist() == [1, None, 4, 8]


def test_out_of_masked_input_is_checked():
    x = np.ma.array([1.0, 2.0, 3.0], mask=[0, 1, 0])
    for out in (np.zeros((2, 3)), np.ma.zeros((2, 3)), np.zeros((3, 1))):
        with pytest.raises(ValueError, match="out has shape"):
            cumsum.cumsum(x, 0, out=out)
    with pytest.raises(TypeError, match="'out' must be an array, not list"):
        cumsum.cumsum(x, 0, out=[0, 0, 0])


def test_a_masked_out_takes_the_mask_of_the_result():
    out = np.ma.array(np.zeros(3), mask=[1, 1, 1])
    assert cumsum.cumsum(X, 0, out=out) is out
    assert out.tolist() == [3, 4, 6]
    cumsum.cumsum(np.ma.array(X, mask=[0, 0, 1]), 0, out=out)
    assert out.tolist() == [3, 4, None]


TENSORS = {
    "masked": lambda value: masked_tensor(value, value > -1),
    "fake": lambda value: FakeTensorMode().from_tensor(value),
    "meta": lambda value: value.to("meta"),
    "with gradient": lambda value: value.double().requires_grad_(),
}


@pytest.mark.parametrize("name", ["initial", "decay", "where", "offsets", "lengths", "reset"])
@pytest.mark.parametrize("kind", TENSORS)
def test_tensors_without_elements_to_read_are_refused(kind, name):
    with pytest.raises(TypeError, match=f"{name} is a torch"):
        cumsum.cumsum(X, 0, **{name: TENSORS[kind](torch.tensor([0, 1, 3]))})


@pytest.mark.parametrize("name", ["initial", "decay"])
def test_conjugated_and_negated_tensors_are_read_as_what_they_stand_for(name):
    for value in (torch.tensor(1 + 2j).conj(), torch.tensor(1 + 2j).conj().imag):
        found = cumsum.cumsum(X.astype(complex), 0, **{name: value})
        assert (
            found.tolist() == cumsum.cumsum(X.astype(complex), 0, **{name: value.item()}).tolist()
        )


def test_arguments_are_made_arrays_before_memory_is_looked_at():
    class Shrinks:
        def __array__(self, *args, **kwargs):
            out.resize(1, refcheck=False)
            return np.array(1.0)

    out = np.ones(10**6)
    with pytest.raises(ValueError, match=r"out has shape \(1,\)"):
        cumsum.cumsum(np.ones(10**6), 0, decay=Shrinks(), out=out)
