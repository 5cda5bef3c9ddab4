"""Options beside out=, in place, on other devices and in wrong types: right, or one clear error."""

import os
import subprocess
import sys

import numpy as np
import pytest
import torch
from torch._subclasses.fake_tensor import FakeTensorMode

import cumsum

OPTIONS = {
    "reverse": {"reverse": True},
    "exclusive": {"exclusive": True},
    "initial": {"initial": 2.0},
    "offsets": {"offsets": [0, 1, 3]},
    "where": {"where": torch.tensor([True, False, True])},
    "decay": {"decay": 0.5},
}
every_option = pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS)


def x():
    return torch.tensor([1.0, 2.0, 3.0])


def into_out(options):
    return lambda t: cumsum.cumsum(t, 0, out=torch.empty(3), **options)


@pytest.mark.filterwarnings("ignore::torch.jit.TracerWarning")  # constants are what they are
@every_option
def test_out_in_graphs(options):
    expected = cumsum.cumsum(x(), 0, **options)

    class Model(torch.nn.Module):
        def forward(self, t):
            return into_out(options)(t)

    assert torch.equal(torch.jit.trace(into_out(options), (x(),))(x()), expected)
    assert torch.equal(torch.export.export(Model(), (x(),)).module()(x()), expected)
    with FakeTensorMode():
        assert into_out({k: v for k, v in options.items() if k != "where"})(x()).shape == (3,)


@every_option
def test_out_under_transforms(options):
    (name,) = options
    transforms = (
        torch.func.functionalize(into_out(options)),
        torch.vmap(into_out(options)),
        lambda t: torch.func.jvp(into_out(options), (t,), (t,)),
    )
    for transform in transforms:
        with pytest.raises(NotImplementedError, match=f"{name} not available with out= under"):
            transform(x() if transform is not transforms[1] else x().expand(2, 3))


def test_numbers_of_python_are_not_rounded():
    zero = torch.zeros(1, dtype=torch.float64)
    for tenth in (0.1, np.float64(0.1), [0.1], 1e300):
        expected = tenth[0] if isinstance(tenth, list) else tenth
        initial = torch.tensor(tenth[0], dtype=torch.float64) if isinstance(tenth, list) else tenth
        assert cumsum.cumsum(zero, 0, initial=initial).item() == expected
    assert cumsum.cumsum(zero.to(torch.complex128), 0, initial=0.1j).item() == 0.1j
    sums = cumsum.cumsum(torch.ones(2, dtype=torch.float64), 0, decay=[0.1, 0.1])
    assert sums[1].item() == 1.1


@pytest.mark.parametrize("name", ["initial", "decay", "offsets", "lengths", "reset"])
def test_other_devices(name):
    given = torch.empty(3, device="meta")
    for function in (cumsum.cumsum, cumsum.cumsum_):
        with pytest.raises(RuntimeError, match=f"input is on cpu and {name} on meta"):
            function(x(), 0, **{name: given})


@pytest.mark.parametrize("name", ["initial", "decay"])
def test_gradients_in_place_and_out(name):
    more = {} if name == "decay" else {"offsets": [0, 1, 3]}
    p = torch.tensor(0.5, requires_grad=True)
    expected = torch.autograd.grad(cumsum.cumsum(x(), 0, **{name: p}, **more).sum(), p)
    in_place = torch.autograd.grad(cumsum.cumsum_(x(), 0, **{name: p}, **more).sum(), p)
    assert torch.equal(in_place[0], expected[0])
    with pytest.raises(RuntimeError, match="don't support automatic differentiation"):
        cumsum.cumsum(x(), 0, **{name: p}, out=torch.empty(3))
    with torch.no_grad():
        cumsum.cumsum(x(), 0, **{name: p}, out=torch.empty(3))


def test_in_place_has_no_border():
    y = x()
    with pytest.raises(TypeError, match="unexpected keyword argument 'include_initial'"):
        cumsum.cumsum_(y, 0, include_initial=True)
    assert torch.equal(y, x())


@pytest.mark.parametrize(
    "wrong", [{"offsets": [0, 9]}, {"where": torch.ones(7, dtype=torch.bool)}, {"decay": "x"}]
)
def test_out_is_not_resized_for_an_error(wrong):
    out = torch.full((2,), 7.0)
    with pytest.raises((ValueError, TypeError, RuntimeError)):
        cumsum.cumsum(torch.ones(4), 0, out=out, **wrong)
    assert out.tolist() == [7, 7]


@pytest.mark.filterwarnings("ignore:An output with one or more elements was resized")
def test_table_resizes_out():
    table = torch.arange(6).view(2, 3)
    expected = cumsum.cumsum(table, (0, 1), include_initial=True)
    for shape in [(0,), (2, 3), (5, 6)]:
        out = torch.full(shape, 9)
        assert cumsum.cumsum(table, (0, 1), include_initial=True, out=out) is out
        assert torch.equal(out, expected)
    with pytest.raises(ValueError, match=r"out has shape \(2, 3\), but the result has shape"):
        cumsum.cumsum(table.numpy(), (0, 1), include_initial=True, out=np.zeros((2, 3), int))


def test_unsigned_tables_and_negated_sums():
    unsigned = cumsum.cumsum(torch.ones(2, 2).int(), (0, 1), dtype=torch.uint16, overflow="wrap")
    assert unsigned.dtype == torch.uint16
    assert unsigned.tolist() == [[1, 2], [2, 4]]
    negated = torch._neg_view(torch.tensor([100, 100]))
    sums = cumsum.cumsum(negated, 0, dtype=torch.int8, overflow="saturate")
    assert sums.tolist() == [-100, -128]


def test_signed_initial_of_unsigned_sums():
    small = np.arange(4, dtype=np.uint8)
    assert cumsum.cumsum(small, 0, initial=np.int64(1)).tolist() == [1, 2, 4, 7]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"initial": "a"}, "initial must be numbers, got str"),
        ({"decay": "x"}, "decay must be numbers"),
        ({"offsets": [0, None, 3]}, "offsets must be numbers, got list"),
    ],
)
def test_what_is_no_number(options, message):
    with pytest.raises(TypeError, match=message):
        cumsum.cumsum(x(), 0, **options)


def test_numbers_that_no_word_holds():
    with pytest.raises(OverflowError, match=f"offsets is {2**70}, but int64 holds -9"):
        cumsum.cumsum(x(), 0, offsets=[0, 2**70])


def test_the_operator_checks_by_itself():
    how = (0, torch.float32, False, False, False, False)
    for cuts, name in (
        (torch.ones(2, dtype=torch.bool), "reset"),
        (torch.tensor([0, 9]), "offsets"),
        (torch.tensor([0, 6]), "bogus"),
    ):
        cumsum.cumsum(torch.ones(6), 0, offsets=[0, 6])
        with pytest.raises(ValueError, match=r"reset has shape|must be 6|bogus"):
            torch.ops.cumsum.segmented(torch.ones(6), None, cuts, name, *how)


def test_saved_graphs_in_another_process(tmp_path):
    class Model(torch.nn.Module):
        def forward(self, t):
            whole = cumsum.cumsum(t.long(), 0, overflow="saturate")
            return cumsum.cumsum(t, 0, offsets=[0, 1, 3]) + cumsum.cumsum(t, 0, decay=0.5) + whole

    path = tmp_path / "model.pt2"
    torch.export.save(torch.export.export(Model(), (x(),)), path)
    code = f"""
import torch, cumsum
print(torch.export.load({str(path)!r}).module()(torch.tensor([1.0, 2.0, 3.0])).tolist())
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=os.environ
    )
    assert done.stdout.strip() == str(Model()(x()).tolist())
