"""Tensors that are not plain CPU memory, and the modes a call can run under."""

import contextlib

import torch
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.fx.experimental.proxy_tensor import make_fx
from torch.masked import masked_tensor

from spec.harness import Case, call
from spec.results import DTYPES, name, small


def meta(dtype=torch.float32, shape=(3, 4)):
    return torch.empty(shape, dtype=dtype, device="meta")


def fake(dtype=torch.float32, shape=(3, 4)):
    return FakeTensorMode().from_tensor(torch.zeros(shape, dtype=dtype))


def quantized():
    return torch.quantize_per_tensor(torch.ones(3), 0.1, 0, torch.quint8)


def jagged():
    return torch.nested.nested_tensor([torch.ones(2), torch.ones(3)], layout=torch.jagged)


SPECIAL = {
    "sparse COO": lambda: torch.eye(3).to_sparse(),
    "sparse CSR": lambda: torch.eye(3).to_sparse_csr(),
    "sparse CSC": lambda: torch.eye(3).to_sparse_csc(),
    "sparse BSR": lambda: torch.eye(4).to_sparse_bsr((2, 2)),
    "mkldnn": lambda: torch.eye(3).to_mkldnn(),
    "quantized": quantized,
    "quint8 0-d": lambda: quantized()[0],
    "nested": lambda: torch.nested.nested_tensor([torch.ones(2), torch.ones(3)]),
    "jagged": jagged,
    "masked": lambda: masked_tensor(torch.ones(3), torch.tensor([True, False, True])),
}


def under(context):
    """Run inside a context manager."""

    def run(op, *args, **kwargs):
        with context():
            return op(*args, **kwargs)

    return run


@contextlib.contextmanager
def deterministic():
    torch.use_deterministic_algorithms(True)
    assert torch.utils.deterministic.fill_uninitialized_memory
    yield
    torch.use_deterministic_algorithms(False)


@contextlib.contextmanager
def default_double():
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


def traced(op, x, dim, **kwargs):
    return make_fx(lambda t: op(t, dim, **kwargs))(x)(x)


CONTEXTS = {
    "autocast": lambda: torch.autocast("cpu", dtype=torch.bfloat16),
    "deterministic": deterministic,
    "default double": default_double,
    "default device meta": lambda: torch.device("meta"),
    "fake mode": lambda: FakeTensorMode(allow_non_fake_inputs=True),
    "inference mode": torch.inference_mode,
}


def plain_kind_cases(kind, make):
    for dtype in DTYPES:
        yield Case(f"{kind} {name(dtype)}", lambda d=dtype: call(make(d), 0))
        yield Case(f"{kind} dtype={name(dtype)}", lambda d=dtype: call(make(), 1, dtype=d))
        yield Case(f"{kind} in place {name(dtype)}", lambda d=dtype: call(make(d), -1), "cumsum_")
    for shape in ((), (0,), (2, 0, 3)):
        for dim in (0, -1, 3):
            yield Case(f"{kind} {shape} dim={dim}", lambda s=shape, n=dim: call(make(shape=s), n))
    yield Case(f"{kind} transposed", lambda: call(make().t(), 0))
    yield Case(f"{kind} expanded", lambda: call(make()[:1].expand(5, 4), 0))
    yield Case(f"{kind} expanded in place", lambda: call(make()[:1].expand(5, 4), 0), "cumsum_")
    yield Case(f"{kind} requires grad", lambda: call(make().requires_grad_(), 0))


CASES = [
    *plain_kind_cases("meta", meta),
    *plain_kind_cases("fake", fake),
    Case("meta of 2**40 elements", lambda: call(meta(shape=(2**20, 2**20)), 1)),
    Case("meta input and out", lambda: call(meta(), 0, out=meta())),
    Case("meta out of a wrong dtype", lambda: call(meta(), 0, dtype=torch.int8, out=meta())),
    Case("meta out of a wrong shape", lambda: call(meta(), 0, out=meta(shape=(2,)))),
    Case("fake input, real out", lambda: call(fake(), 0, out=torch.zeros(3, 4))),
    *(
        Case(f"{op} {what} {rest}", lambda make=make, k=kwargs: call(make(), 0, **k), op)
        for what, make in SPECIAL.items()
        for op in ("cumsum", "cumsum_")
        for rest, kwargs in (("plain", {}), ("dtype", {"dtype": torch.float32}))
    ),
    *(
        Case(f"{op} jagged dim={dim}", lambda d=dim: call(jagged(), d), op)
        for op in ("cumsum", "cumsum_")
        for dim in (1, -1, 2, 5)
    ),
    *(
        Case(f"{what} as out", lambda make=make: call(torch.ones(3), 0, out=make()))
        for what, make in SPECIAL.items()
    ),
    *(
        Case(
            f"{op} {name(dtype)} under {what}",
            lambda d=dtype: call(small(d), 0),
            op,
            under(context),
        )
        for what, context in CONTEXTS.items()
        for op in ("cumsum", "cumsum_")
        for dtype in (torch.bfloat16, torch.float32, torch.int8)
    ),
    Case(
        "out under autocast",
        lambda: call(small(torch.bfloat16), 0, out=small(torch.float32)),
        run=under(CONTEXTS["autocast"]),
    ),
    *(
        Case(f"make_fx {op}", lambda: call(small(torch.float32), 0), op, traced)
        for op in ("cumsum", "cumsum_")
    ),
    Case("make_fx dtype=", lambda: call(small(torch.int8), 0, dtype=torch.float64), run=traced),
]
