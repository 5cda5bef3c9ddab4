"""Plain calls on tensors: what the core takes itself, both ways it knows to ask torch."""

import contextlib
import gc
import pickle
import sys
import weakref
from pathlib import Path

import pytest
import torch
from torch._subclasses.fake_tensor import FakeTensor, FakeTensorMode
from torch.autograd import forward_ad
from torch.fx.experimental.proxy_tensor import make_fx
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode

import cumsum
from cumsum import _core, api
from cumsum import torch as torch_door
from spec.results import WORKING, name, small


@pytest.fixture(params=["native", "python"], autouse=True)
def way(request):
    """How the core asks torch: libtorch's own functions, or Python."""
    assert torch_door.register(native=request.param == "native") is (request.param == "native")
    yield request.param
    torch_door.register()


def goes_slow(call):
    """Whether a call is handed on to Python, whatever becomes of it there."""
    codes = []

    def note(frame, event, _argument):
        if event == "call":
            codes.append(frame.f_code)

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        with contextlib.suppress(RuntimeError, NotImplementedError):
            call()
    finally:
        sys.setprofile(before)
    return bool({api.slow_cumsum.__code__, api.slow_cumsum_.__code__} & set(codes))


def described(x):
    """All that a caller can see of a tensor except its values and its address."""
    return {
        "type": type(x),
        "dtype": x.dtype,
        "shape": x.shape,
        "strides": x.stride(),
        "offset": x.storage_offset(),
        "storage": (x.untyped_storage().nbytes(), x.untyped_storage().resizable()),
        "device": x.device,
        "layout": x.layout,
        "version": None if x.is_inference() else x._version,
        "gradient": (x.requires_grad, x.grad_fn, x.is_leaf, x.retains_grad, x.grad),
        "lazy": (x.is_neg(), x.is_conj(), x._is_view(), x.is_pinned(), x._is_zerotensor()),
        "inference": x.is_inference(),
        "attributes": x.__dict__,
        "references": sys.getrefcount(x),
    }


LAYOUTS = {
    "vector": lambda x: x.reshape(-1),
    "matrix": lambda x: x,
    "transposed": lambda x: x.t(),
    "sliced": lambda x: x[::2, 1::2],
    "expanded": lambda x: x[:, :1].expand(-1, 3),
    "channels last": lambda x: x.reshape(1, 2, 2, -1).to(memory_format=torch.channels_last),
    "one element": lambda x: x[:1, :1],
    "of 1s": lambda x: x.reshape(1, -1, 1),
    "empty": lambda x: x[:0],
    "empty along": lambda x: x[:, :0].t(),
    "large": lambda x: x.expand(30_000, 4, 6),
}


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("dtype", WORKING, ids=name)
def test_result_is_a_tensor_like_torchs(dtype, layout):
    x = LAYOUTS[layout](small(dtype, (4, 6)))
    for dim in range(-1, x.dim() - 1):
        for context in (contextlib.nullcontext, torch.no_grad, torch.inference_mode):
            with context():
                result, wanted = cumsum.cumsum(x, dim), torch.cumsum(x, dim)
            assert described(result) == described(wanted)
            assert torch.equal(result, wanted)


def test_result_can_be_used_like_any_other():
    x = torch.ones(2, 3)
    y = cumsum.cumsum(x, 1)
    y.label = "kept"
    seen = weakref.ref(y)
    holder = [y]
    del y
    gc.collect()
    assert seen() is holder[0]
    assert seen().label == "kept"
    assert torch.equal(pickle.loads(pickle.dumps(holder[0])), torch.cumsum(x, 1))
    assert seen().resize_(50).shape == (50,)
    weights = cumsum.cumsum(x, 1).requires_grad_()
    weights.sum().backward()
    assert torch.equal(weights.grad, x)
    holder.clear()
    assert seen() is None


def test_version_counts_one_for_each_call():
    x, out = torch.ones(3), torch.ones(3)
    view = out[:2]
    assert cumsum.cumsum(x, 0, out=out) is out
    assert cumsum.cumsum_(out, 0) is out
    assert (x._version, out._version, view._version) == (0, 2, 2)


def resident_bytes():
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096


@pytest.mark.parametrize("size", [8, 20_000])
def test_nothing_leaks(size):
    x, out = torch.ones(size), torch.ones(size)
    calls = 100_000 if size == 8 else 2_000
    before, counts = 0, (sys.getrefcount(x), sys.getrefcount(out))
    for i in range(calls):
        cumsum.cumsum(x, 0)
        cumsum.cumsum(x, 0, out=out)
        if i == calls // 10:
            before = resident_bytes()
    assert resident_bytes() - before < calls * 20
    assert (sys.getrefcount(x), sys.getrefcount(out)) == counts


@pytest.mark.parametrize("size", [2**50, 2**60 + 1])
def test_torch_says_that_memory_ran_out(size, capfd):
    with pytest.raises(RuntimeError, match=r"(?i)memory|overflow"):
        cumsum.cumsum(torch.ones(1, dtype=torch.complex128).expand(size), 0)
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("library", [_core.__file__, "/nowhere/libtorch.so"])
def test_python_is_asked_if_libtorch_is_not_as_expected(library, monkeypatch):
    monkeypatch.setattr(torch._C, "__file__", library)
    assert torch_door.register() is False
    x = torch.ones(2, 3)
    assert not goes_slow(lambda: cumsum.cumsum(x, 1))
    assert torch.equal(cumsum.cumsum(x, 1), torch.cumsum(x, 1))


class Subclass(torch.Tensor):
    pass


class Watched(torch.Tensor):
    @classmethod
    def __torch_function__(cls, function, types, args=(), kwargs=None):
        return function


def lazily_negated(dtype):
    return torch._neg_view(torch.ones(3, 2, dtype=dtype))


NOT_PLAIN = {
    "parameter": lambda: torch.nn.Parameter(torch.ones(3)),
    "frozen parameter": lambda: torch.nn.Parameter(torch.ones(3), requires_grad=False),
    "subclass": lambda: torch.ones(3).as_subclass(Subclass),
    "conjugated": lambda: torch.ones(3, dtype=torch.complex64).conj(),
    "imaginary part": lambda: torch.ones(3, dtype=torch.complex64).conj().imag,
    "negated float32": lambda: lazily_negated(torch.float32),
    "negated bfloat16": lambda: lazily_negated(torch.bfloat16),
    "negated int8": lambda: lazily_negated(torch.int8),
    "zero tensor": lambda: torch._efficientzerotensor(3),
    "meta": lambda: torch.ones(3, device="meta"),
    "sparse": lambda: torch.eye(3).to_sparse(),
    "mkldnn": lambda: torch.eye(3).to_mkldnn(),
    "functional": lambda: torch._to_functional_tensor(torch.ones(3)),
}


@pytest.mark.parametrize("kind", NOT_PLAIN)
def test_tensor_that_is_not_plain_goes_slow(kind):
    assert goes_slow(lambda: cumsum.cumsum(NOT_PLAIN[kind](), 0))
    assert goes_slow(lambda: cumsum.cumsum_(NOT_PLAIN[kind](), 0))


@torch.inference_mode()
def inference_tensor():
    return torch.ones(3)


@pytest.mark.parametrize(
    "make", [*NOT_PLAIN.values(), inference_tensor], ids=[*NOT_PLAIN, "inference"]
)
def test_out_that_is_not_plain_goes_slow(make):
    out = make()
    x = torch.ones(out.shape, dtype=out.dtype)
    assert goes_slow(lambda: cumsum.cumsum(x, 0, out=out))


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.int8, torch.float32], ids=name)
def test_lazily_negated_values(dtype):
    x = lazily_negated(dtype)
    assert torch.equal(cumsum.cumsum(x, 0), torch.cumsum(x, 0))


def test_types_of_results():
    frozen = torch.nn.Parameter(torch.ones(3), requires_grad=False)
    assert type(cumsum.cumsum(frozen, 0)) is type(torch.cumsum(frozen, 0))
    assert type(cumsum.cumsum(torch.ones(3).as_subclass(Subclass), 0)) is Subclass
    assert cumsum.cumsum(torch.ones(3).as_subclass(Watched), 0) is cumsum.cumsum


class Functions(TorchFunctionMode):
    def __torch_function__(self, function, types, args=(), kwargs=None):
        return function(*args, **(kwargs or {}))


class Operators(TorchDispatchMode):
    def __torch_dispatch__(self, operator, types, args=(), kwargs=None):
        return operator(*args, **(kwargs or {}))


def inside(context):
    """A way to run a call inside a context manager."""

    def run(call):
        with context():
            call()

    return run


def inside_function(transform):
    """A way to run a call while a transformed function of one tensor runs."""

    def run(call):
        def function(x):
            call()
            return x.sum()

        transform(function)(torch.ones(3))

    return run


def traced(function):
    return lambda x: torch.jit.trace(function, x, check_trace=False)  # which would call it again


def jvp(function):
    return lambda x: torch.func.jvp(function, (x,), (x,))


WATCHED = {
    "function mode": inside(Functions),
    "default device": inside(lambda: torch.device("meta")),
    "dispatch mode": inside(Operators),
    "fake mode": inside(lambda: FakeTensorMode(allow_non_fake_inputs=True)),
    "dual level": inside(forward_ad.dual_level),
    "vmap": inside_function(torch.func.vmap),
    "grad": inside_function(torch.func.grad),
    "jvp": inside_function(jvp),
    "functionalize": inside_function(torch.func.functionalize),
    "make_fx": inside_function(make_fx),
    "jit.trace": inside_function(traced),
}
UNSEEN = {
    "nothing": contextlib.nullcontext,
    "no grad": torch.no_grad,
    "inference mode": torch.inference_mode,
    "autocast": lambda: torch.autocast("cpu", dtype=torch.bfloat16),
    "detected anomalies": lambda: torch.autograd.set_detect_anomaly(True, check_nan=True),
}


@pytest.mark.parametrize("run", WATCHED.values(), ids=WATCHED)
def test_watched_call_goes_slow(run):
    x, out = torch.ones(3), torch.ones(3)
    calls = {
        "new": lambda: cumsum.cumsum(x, 0),
        "out": lambda: cumsum.cumsum(x, 0, out=out),
        "in place": lambda: cumsum.cumsum_(out, 0),
    }
    slow = {}
    for what, call in calls.items():
        run(lambda call=call, what=what: slow.update({what: goes_slow(call)}))
    assert slow == dict.fromkeys(calls, True)
    assert not any(goes_slow(call) for call in calls.values())  # now that it is over


@pytest.mark.parametrize("context", UNSEEN.values(), ids=UNSEEN)
def test_plain_call_does_not(context):
    x = torch.ones(3)
    with context():
        assert not goes_slow(lambda: cumsum.cumsum(x, 0))


def test_default_device_and_dtype_do_not_matter():
    x = torch.ones(3)
    torch.set_default_device("meta")
    torch.set_default_dtype(torch.float64)
    try:
        result = cumsum.cumsum(x, 0)
    finally:
        torch.set_default_device(None)
        torch.set_default_dtype(torch.float32)
    assert (result.device.type, result.dtype) == ("cpu", torch.float32)
    assert torch.equal(result, torch.cumsum(x, 0))


def test_fake_mode_gives_fakes():
    with FakeTensorMode(allow_non_fake_inputs=True):
        assert type(cumsum.cumsum(torch.ones(3), 0)) is FakeTensor


def test_traced_call_is_recorded():
    traced = torch.jit.trace(lambda x: cumsum.cumsum(x, 0), torch.ones(3))
    x = torch.arange(5.0)
    assert torch.equal(traced(x), torch.cumsum(x, 0))


@pytest.mark.parametrize("graded", [False, True])
def test_graph_from_before_autograd_is_recorded(graded):
    calls = {
        "new": lambda x: cumsum.cumsum(x, 0),
        "out": lambda x: cumsum.cumsum(x, 0, out=torch.empty(3)),
        "in place": lambda x: cumsum.cumsum_(2 * x, 0) / 2,
    }
    for what in ["new", "in place"] if graded else calls:
        example = torch.ones(3, requires_grad=graded)
        graph = make_fx(calls[what], pre_dispatch=True)(example)
        assert "cumsum.scan.default" in {str(node.target) for node in graph.graph.nodes}
        x = torch.arange(3.0)
        assert torch.equal(graph(x), torch.cumsum(x, 0))
        assert not goes_slow(lambda x=x: cumsum.cumsum(x, 0))  # now that it is over


def test_version_of_the_scan_of_a_number():
    for x in (torch.tensor(2.0), torch.tensor(2), torch.tensor(2.0, requires_grad=True)):
        for how in ({}, {"dtype": torch.float64}, {"reverse": True}, {"include_initial": True}):
            assert cumsum.cumsum(x, 0, **how)._version == 0
        assert cumsum.cumsum(x, 0, dtype=torch.float8_e5m2)._version == 0
        given = cumsum.cumsum(x.detach(), 0, out=torch.empty_like(x.detach()))
        assert given._version == 1


def test_profile_shows_our_work():
    x, out = torch.ones(9), torch.empty(9)
    weights = torch.ones(9, requires_grad=True)
    calls = {
        "new": lambda: cumsum.cumsum(x, 0),
        "out=": lambda: cumsum.cumsum(x, 0, out=out),
        "in place": lambda: cumsum.cumsum_(out, 0),
        "forward": lambda: cumsum.cumsum(weights, 0),
        "backward": lambda: cumsum.cumsum(weights, 0).backward(x),
        "vmap": lambda: torch.vmap(lambda t: cumsum.cumsum(t, 0))(x.expand(2, 9)),
    }
    for kind, call in calls.items():
        with torch.autograd.profiler.profile() as profile:
            call()
        counts = {event.key: event.count for event in profile.key_averages()}
        assert counts["cumsum::scan_into"] == (2 if kind == "backward" else 1), kind
    assert counts["cumsum::scan"] >= 1
    assert cumsum.cumsum(weights, 0).grad_fn.name() == "CumsumBackward"
