"""Run a case on an implementation, note down all that can be seen, and compare two notes."""

import re
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from fnmatch import fnmatch

import torch
from torch._subclasses.fake_tensor import FakeTensor
from torch.masked import MaskedTensor

import cumsum

IMPLEMENTATIONS = {
    "torch": {"cumsum": torch.cumsum, "cumsum_": torch.Tensor.cumsum_},
    "cumsum": {"cumsum": cumsum.cumsum, "cumsum_": cumsum.cumsum_},
}

# What can be seen of a call that is answered, and of torch that refuses it.
ANSWER = ("exception", "result", "warnings", "is", "shares memory with", "then", "versions")
# What differs from torch on purpose: pattern of cases -> (fields that may differ, why).
DELIBERATE = {
    "input is a *": (("exception",), "the message names torch tensors and NumPy arrays"),
    "input is missing": (("exception",), "no tensor to tell torch's rules from NumPy's"),
    "input= is self=": (("exception",), "no tensor to tell torch's rules from NumPy's"),
    "*bfloat16 sums past float32's range": (
        ("result", "args"),
        "neighbours are added before the carry: overflows of both signs meet as nan",
    ),
    "*float64 pairs past the range": (
        ("result", "args"),
        "neighbours are added first: inf and -inf meet where torch stays at inf",
    ),
    "out crossing rows": (("result", "args"), "torch misses this overlap and reads what it wrote"),
    "out other strides": (("result", "args"), "torch misses this overlap and reads what it wrote"),
    "cumsum_ *vmap*": (("warnings", "versions"), "torch loops over the batch, with a warning"),
    "cumsum masked *": (ANSWER, "torch has no scan of masked tensors"),
    "cumsum jagged *": (ANSWER, "torch has no scan of nested tensors"),
    "in place on what is saved": (("exception",), "the message names the node of the graph"),
}


# Warnings of other parts of torch, given while a case is built, traced or looked at.
NOISE = re.compile(r"torch\.jit\.script|ComplexHalf support|in prototype stage")


@dataclass(frozen=True)
class Case:
    """One row: `build` makes fresh ``(args, kwargs)``, `run` calls the operator on them.

    `then` computes more to look at from ``(result, args, kwargs)``: gradients, for example.
    `ulps` is 0 where the order of additions cannot show, 1 where it can.
    """

    id: str
    build: Callable
    op: str = "cumsum"
    run: Callable = lambda op, *args, **kwargs: op(*args, **kwargs)
    then: Callable = lambda result, args, kwargs: ()
    ulps: int = 0


def call(*args, **kwargs):
    """Spell the arguments of a call as they will be passed."""
    return args, kwargs


def observe(case, implementation):
    """Everything one implementation lets a caller see when it runs a case."""
    args, kwargs = _build(case)
    tensors = [t for t in (*args, *kwargs.values()) if isinstance(t, torch.Tensor)]
    versions = [_version(t) for t in tensors]
    seen = {"exception": None, "result": None, "then": None}
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        torch.set_warn_always(True)
        try:
            result = case.run(IMPLEMENTATIONS[implementation][case.op], *args, **kwargs)
            seen["result"] = describe(result)
            seen["is"] = [result is t for t in tensors]
            seen["shares memory with"] = [_shares(result, t) for t in tensors]
            seen["versions"] = [_version(t) - v for t, v in zip(tensors, versions, strict=True)]
            seen["then"] = describe(case.then(result, args, kwargs))
        except Exception as error:  # noqa: BLE001 - the exception is what is compared
            seen["exception"] = (type(error), _text(error))
        finally:
            torch.set_warn_always(False)
        seen["args"] = describe(tensors)
    said = [(w.category, _text(w.message)) for w in caught]
    seen["warnings"] = [*dict.fromkeys(w for w in said if not NOISE.search(w[1]))]
    return seen


def _build(case):
    """Make the arguments; torch warns of prototypes here, which is not the operator's doing."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return case.build()


def compare(case, ours, theirs):
    """Name the fields in which two observations of a case differ, and how."""
    allowed = {
        f for pattern, (fs, _) in DELIBERATE.items() if fnmatch(case.id, pattern) for f in fs
    }
    return [
        f"{case.id}: {field}\n  ours:   {ours.get(field)}\n  torch:  {theirs.get(field)}"
        for field in sorted({*ours, *theirs})
        if field not in allowed and not same(ours.get(field), theirs.get(field), case.ulps)
    ]


def describe(value):
    """A comparable note of a tensor, or of nested tuples of them."""
    if isinstance(value, (tuple, list)):
        return [describe(item) for item in value]
    if not isinstance(value, torch.Tensor):
        return value
    strided = value.layout is torch.strided and not value.is_nested
    return {
        "type": type(value).__name__,
        "dtype": value.dtype,
        "shape": tuple(value.shape) if not value.is_nested else "nested",
        "strides": value.stride() if strided else value.layout,
        "device": str(value.device),
        "requires_grad": value.requires_grad,
        "grad_fn": value.grad_fn is not None,
        "leaf": value.is_leaf,
        "conj": value.is_conj(),
        "neg": value.is_neg(),
        "inference": value.is_inference(),
        "values": _Values(value) if _readable(value) else None,
    }


class _Values:
    """The numbers of a tensor, equal to others by NaN places, signs and ulps."""

    def __init__(self, tensor):
        plain = tensor.detach().as_subclass(torch.Tensor).resolve_conj().resolve_neg().clone()
        if plain.dtype == torch.complex32:
            plain = plain.to(torch.complex64)
        plain = torch.view_as_real(plain) if plain.is_complex() else plain
        small = plain.is_floating_point() and plain.element_size() == 1
        self.tensor = plain.to(torch.float32) if small else plain

    def __repr__(self):
        return str(self.tensor.tolist())

    def same(self, other, ulps):
        a, b = self.tensor, other.tensor
        if a.dtype != b.dtype or a.shape != b.shape:
            return False
        if not a.is_floating_point():
            return torch.equal(a, b)
        nan = a.isnan()
        number = ~nan & ~b.isnan()
        if not torch.equal(nan, b.isnan()):
            return False
        a, b = a[number], b[number]
        if not torch.equal(a.signbit(), b.signbit()):
            return False
        ulp = torch.finfo(a.dtype).eps * torch.maximum(a.abs(), b.abs()).double()
        return bool(((a == b) | ((a.double() - b.double()).abs() <= ulps * ulp)).all())


def same(a, b, ulps):
    """Whether two notes agree."""
    if isinstance(a, _Values) and isinstance(b, _Values):
        return a.same(b, ulps)
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(same(a[key], b[key], ulps) for key in a)
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(same(x, y, ulps) for x, y in zip(a, b, strict=True))
    return a == b


def _readable(tensor):
    strided = tensor.layout is torch.strided and not tensor.is_nested
    plain = strided and not tensor.is_quantized and tensor.device.type == "cpu"
    return plain and not isinstance(tensor, (FakeTensor, MaskedTensor))


def _version(tensor):
    return 0 if tensor.is_inference() else tensor._version


def _shares(result, tensor):
    if not isinstance(result, torch.Tensor) or not (_readable(result) and _readable(tensor)):
        return None
    mine = result.untyped_storage().data_ptr()
    return mine != 0 and mine == tensor.untyped_storage().data_ptr()


def _text(message):
    """The message without the places in the sources that raised it, or registered a kernel."""
    text = re.sub(r" ?\(Triggered internally at .*?\)", "", str(message), flags=re.DOTALL)
    text = re.sub(r"\n\n\w+: (fallthrough )?registered at .*", "", text, flags=re.DOTALL)
    return re.sub(r"(Exception raised from|C\+\+ CapturedTraceback).*", "", text, flags=re.DOTALL)
