"""precision="compensated": what takes it, what it leaves alone and what refuses it."""

import ml_dtypes
import numpy as np
import pytest
import torch
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.autograd import forward_ad
from torch.fx.experimental.proxy_tensor import make_fx
from torch.utils.flop_counter import FlopCounterMode

import cumsum
from bits import same_bits
from cases import DTYPES, as_tensor, hard, values
from cumsum.cli import main
from reference import scan

PAIRED = ("float64", "complex128")
HOW = {"precision": "compensated"}


def test_what_cancels_comes_back():
    x = np.array([1e16, 1.0, -1e16, 1e16, 1.0, -1e16])
    assert cumsum.cumsum(x, 0, **HOW).tolist() == [1e16, 1e16, 1.0, 1e16, 1e16 + 2, 2.0]
    assert cumsum.cumsum(as_tensor(x), 0, **HOW)[-1] == 2.0


@pytest.mark.parametrize("dtype", [dtype for dtype in DTYPES if dtype not in PAIRED])
def test_other_dtypes_are_unchanged(dtype):
    for shape, axis in (((9001,), 0), ((4099, 5), 0)):
        x = values(shape, dtype)
        assert same_bits(cumsum.cumsum(x, axis, **HOW), cumsum.cumsum(x, axis))
        plain = cumsum.cumsum(as_tensor(x), axis)
        assert torch.equal(cumsum.cumsum(as_tensor(x), axis, **HOW), plain)


@pytest.mark.parametrize(
    "x",
    [
        np.array([1, 2**70, 3], object),
        np.array([0.1, 1e16, -1e16], object),
        np.array([1, "NaT", 3], "m8[s]"),
        np.array(["a", "b"], np.dtypes.StringDType()),
        np.linspace(-1, 2, 9000).astype(np.longdouble) / 3,
        np.linspace(-1, 2, 9000).astype(np.clongdouble) / 3,
        np.ones(3, ml_dtypes.float8_e4m3fn),
        np.ma.array([1, 2, 3], mask=[0, 1, 0]),
        np.empty(0),
        np.empty((0, 3)),
    ],
    ids=lambda x: f"{x.dtype}{x.shape}",
)
def test_other_arrays_are_unchanged(x):
    ours, plain = cumsum.cumsum(x, 0, **HOW), cumsum.cumsum(x, 0)
    assert type(ours) is type(plain)
    assert ours.dtype == plain.dtype
    assert str(ours.tolist()) == str(plain.tolist())


@pytest.mark.parametrize("make", [np.asarray, torch.tensor], ids=["array", "tensor"])
def test_no_precision_is_the_plain_call(make):
    x = make(hard((9001,)))
    plain = np.asarray(cumsum.cumsum(x, 0))
    assert same_bits(np.asarray(cumsum.cumsum(x, 0, precision=None)), plain)
    assert same_bits(np.asarray(cumsum.cumulative_sum(x, precision=None)), plain)
    assert same_bits(np.asarray(cumsum.cumsum_(x, 0, precision=None)), plain)


@pytest.mark.parametrize("x", [np.ones(3), np.ones(()), np.ma.ones(3), torch.ones(3), np.ones(0)])
@pytest.mark.parametrize("name", ["cumsum", "cumsum_", "cumulative_sum"])
def test_what_is_no_precision(name, x):
    function = getattr(cumsum, name)
    where = {"axis": 0} if name == "cumulative_sum" else {"dim": 0}
    for unknown in ("exact", "", "Compensated"):
        expected = f"^argument 'precision' must be None or 'compensated', not {unknown!r}$"
        with pytest.raises(ValueError, match=expected):
            function(x, **where, precision=unknown)
    for odd in (1, True, b"compensated", ["compensated"], np.ones(2)):
        with pytest.raises(TypeError, match=f"'precision' .* not {type(odd).__name__}$"):
            function(x, **where, precision=odd)
    assert np.array_equal(x, np.ones(x.shape))


@pytest.mark.parametrize("arguments", [(2,), (-3,), (1.0,), (), (0, 1)])
@pytest.mark.parametrize("name", ["cumsum", "cumsum_"])
def test_other_errors_keep_their_words(name, arguments):
    for x in (torch.ones(2, 3, dtype=torch.float64), np.ones((2, 3))):
        function = getattr(cumsum, name)
        with pytest.raises((IndexError, TypeError)) as plain:
            function(x, *arguments)
        with pytest.raises(plain.type) as ours:
            function(x, *arguments, **HOW)
        assert str(ours.value) == str(plain.value)


def run(x, **kwargs):
    return cumsum.cumsum(x, 0, **HOW, **kwargs)


def batched(x):
    x = x.requires_grad_()
    return torch.autograd.grad(run(x), x, torch.eye(3, dtype=x.dtype), is_grads_batched=True)


def out_in_forward_mode(x):
    with forward_ad.dual_level():
        return run(x, out=torch.empty_like(x))


def seen_by_a_mode(x):
    with FlopCounterMode(display=False):
        return run(x)


def compiled(x):
    return torch.compile(run, backend="eager")(x)


class Module(torch.nn.Module):
    """A module to export."""

    forward = staticmethod(run)


GRAPHS = {
    "make_fx": lambda x: make_fx(run)(x)(x),
    "make_fx of fakes": lambda x: make_fx(run, tracing_mode="fake")(x)(x),
    "in place": lambda x: make_fx(lambda t: cumsum.cumsum_(t * 1, 0, **HOW))(x)(x),
    "jit.trace": lambda x: torch.jit.trace(run, (x,))(x),
    "export": lambda x: torch.export.export(Module(), (x,)).module()(x),
    "compile": compiled,
    "functionalize": torch.func.functionalize(run),
    "mode": seen_by_a_mode,
}


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("graph", GRAPHS)
def test_kept_in_graphs(graph):
    x = torch.tensor([1e16, 1.0, -1e16, 1.0], dtype=torch.float64)
    assert GRAPHS[graph](x).tolist() == [1e16, 1e16, 1.0, 2.0]


SITUATIONS = {
    "sparse": (lambda x: run(x.to_sparse()), "for a Tensor of layout torch.sparse_coo on cpu"),
    "sparse out": (lambda x: run(x, out=x.to_sparse()), "layout torch.sparse_coo"),
    "forward mode": (out_in_forward_mode, "with out= under"),
    "batched gradients": (batched, "is_grads_batched=True"),
}


@pytest.mark.parametrize("situation", SITUATIONS)
def test_where_torch_answers(situation):
    function, words = SITUATIONS[situation]
    with pytest.raises(NotImplementedError, match=f"'compensated' is not available .*{words}"):
        function(torch.ones(3, dtype=torch.float64))


def test_dtypes_that_it_does_not_change_are_traced():
    x = torch.arange(5.0)
    assert torch.equal(make_fx(run)(x)(x), torch.cumsum(x, 0))


@pytest.mark.parametrize("dtype", [torch.float64, torch.complex128], ids=str)
def test_shapes_without_values(dtype):
    fakes = FakeTensorMode()
    inside = FakeTensorMode(allow_non_fake_inputs=True)
    x = torch.ones(2, 3, dtype=dtype)
    for empty in (x.to("meta"), fakes.from_tensor(x)):
        result = run(empty)
        assert (result.shape, result.dtype, result.device) == (x.shape, dtype, empty.device)
        assert cumsum.cumsum_(empty, 1, **HOW) is empty
    assert run(x.to("meta"), out=torch.empty_like(x, device="meta")).is_meta
    with inside:
        assert run(x).shape == x.shape


def test_command_line(tmp_path, capsys):
    x = hard((9001,))
    np.save(tmp_path / "x.npy", x)
    for more in ([], ["--dtype", "float64"]):
        argv = ["run", f"{tmp_path}/x.npy", "-o", f"{tmp_path}/y.npy", "--force", *more]
        assert main([*argv, "--precision", "compensated"]) == 0
        assert same_bits(np.load(tmp_path / "y.npy"), scan(x, **HOW))
    assert main([*argv, "--precision", "exact"]) == 2
    assert "invalid choice: 'exact'" in capsys.readouterr().err
