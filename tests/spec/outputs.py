"""out= and in place: resizing, dtype rules, overlap, version counters."""

import torch

from spec.harness import Case, call
from spec.results import DTYPES, name, small


def grid(dtype=torch.float32):
    return small(dtype, (2, 3))


def into(out, source=None, dim=0, **kwargs):
    source = grid() if source is None else source
    return call(source, dim, out=out, **kwargs)


def overlapping(source, out, size=40, dtype=torch.float32, **kwargs):
    """A call whose input and out are both views of one buffer."""
    buffer = small(dtype, (size,))
    return call(source(buffer), 0, out=out(buffer), **kwargs)


def dtype_cases():
    for target in DTYPES:
        for source in (torch.float32, torch.int32, torch.bool, torch.complex64, torch.bfloat16):
            yield Case(
                f"{name(source)} out {name(target)}",
                lambda s=source, t=target: into(torch.zeros(2, 3).to(t), grid(s)),
            )
        yield Case(
            f"0-d out {name(target)}",
            lambda t=target: into(torch.ones(()).to(t), torch.tensor(2.5)),
        )
        yield Case(
            f"dtype=float64 out {name(target)}",
            lambda t=target: into(torch.zeros(2, 3).to(t), dtype=torch.float64),
        )
        yield Case(
            f"dtype= out {name(target)}",
            lambda t=target: into(torch.zeros(2, 3).to(t), dtype=t),
        )
        yield Case(
            f"cumsum_ float32 dtype={name(target)}",
            lambda t=target: call(grid(), 0, dtype=t),
            "cumsum_",
        )
        yield Case(
            f"cumsum_ dtype={name(target)} of its own",
            lambda t=target: call(grid(t), 0, dtype=t),
            "cumsum_",
        )


SHAPES = ((), (0,), (5,), (6,), (3, 2), (2, 2), (2, 3, 1), (1, 2, 3), (0, 3))
OUTS = {
    "transposed out": lambda: torch.zeros(3, 2).t(),
    "strided out": lambda: torch.zeros(4, 9)[::2, ::3],
    "offset out": lambda: torch.zeros(20)[7:13].view(2, 3),
    "expanded out": lambda: torch.zeros(1, 3).expand(2, 3),
    "self-overlapping out": lambda: torch.zeros(20).as_strided((2, 3), (1, 1)),
    "out of a wrong shape, strided": lambda: torch.zeros(8, 9)[::2],
    "expanded out of a wrong shape": lambda: torch.zeros(1, 4).expand(2, 4),
    "conj out": lambda: torch.zeros(2, 3, dtype=torch.complex64).conj(),
    "neg out": lambda: torch._neg_view(torch.zeros(2, 3)),
    "zero tensor out": lambda: torch._efficientzerotensor(2, 3),
    "meta out": lambda: torch.zeros(2, 3, device="meta"),
    "out requires grad": lambda: torch.zeros(2, 3, requires_grad=True),
    "int out": lambda: torch.zeros(2, 3, dtype=torch.int32),
}
OVERLAPS = {
    "out is input": (lambda b: b, lambda b: b),
    "out is a twin view": (lambda b: b[3:9], lambda b: b[3:9]),
    "out one later": (lambda b: b[:-1], lambda b: b[1:]),
    "out one earlier": (lambda b: b[1:], lambda b: b[:-1]),
    "out disjoint": (lambda b: b[:10], lambda b: b[10:20]),
    "out interleaved": (lambda b: b[0::2], lambda b: b[1::2]),
    "out interleaved rows": (lambda b: b.view(8, 5)[:, :2], lambda b: b.view(8, 5)[:, 2:4]),
    "out crossing rows": (lambda b: b.view(8, 5)[:, :3], lambda b: b.view(8, 5)[:, 1:4]),
    "out transposed": (lambda b: b[:36].view(6, 6), lambda b: b[:36].view(6, 6).t()),
    "out other strides": (lambda b: b[:10], lambda b: b[:20:2]),
    "out resized over input": (lambda b: b[:10], lambda b: b[:4]),
    "input expanded over out": (lambda b: b[:1].expand(5), lambda b: b[:5]),
}
IN_PLACE = {
    "leaf that requires grad": lambda: grid().requires_grad_(),
    "non-leaf": lambda: grid().requires_grad_() * 1,
    "view of a leaf": lambda: grid().requires_grad_()[0],
    "expanded": lambda: grid()[:1].expand(4, 3),
    "self-overlapping": lambda: torch.ones(20).as_strided((2, 3), (1, 1)),
    "meta": lambda: grid().to("meta"),
    "transposed": lambda: grid().t(),
    "int8 wraps": lambda: torch.full((3, 2), 100, dtype=torch.int8),
}


def inference(build):
    def made():
        with torch.inference_mode():
            return build()

    return made


def without_grad(op, *args, **kwargs):
    with torch.no_grad():
        return op(*args, **kwargs)


def in_inference_mode(op, *args, **kwargs):
    with torch.inference_mode():
        return op(*args, **kwargs)


CASES = [
    *dtype_cases(),
    *(Case(f"out of shape {shape}", lambda s=shape: into(torch.zeros(s))) for shape in SHAPES),
    *(
        Case(f"out of shape {shape} for 0-d", lambda s=shape: into(torch.zeros(s), torch.ones(())))
        for shape in SHAPES
    ),
    *(
        Case(
            f"out of shape {shape} for empty",
            lambda s=shape: into(torch.zeros(s), torch.ones(0, 3)),
        )
        for shape in SHAPES
    ),
    *(Case(what, lambda out=out: into(out())) for what, out in OUTS.items()),
    *(
        Case(f"{what}, complex input", lambda out=out: into(out(), grid(torch.complex64)))
        for what, out in OUTS.items()
    ),
    *(
        Case(what, lambda s=source, o=out: overlapping(s, o))
        for what, (source, out) in OVERLAPS.items()
    ),
    *(
        Case(
            f"{what}, cast",
            lambda s=source, o=out: overlapping(
                s, lambda b: o(b).view(torch.int32), dtype=torch.float32
            ),
        )
        for what, (source, out) in OVERLAPS.items()
    ),
    Case("meta input, cpu out", lambda: into(torch.zeros(2, 3), grid().to("meta"))),
    Case("input requires grad, out", lambda: into(grid(), grid().requires_grad_())),
    Case("out under no_grad", lambda: into(grid(), grid().requires_grad_()), run=without_grad),
    Case("grad out under no_grad", lambda: into(grid().requires_grad_()), run=without_grad),
    Case("inference out", lambda: into(inference(grid)())),
    Case("inference out, inference mode", lambda: into(inference(grid)()), run=in_inference_mode),
    Case("inference input", lambda: call(inference(grid)(), 0)),
    Case("inference input, plain out", lambda: into(grid(), inference(grid)())),
    Case("plain input, inference mode", lambda: call(grid(), 0), run=in_inference_mode),
    Case("cumsum_ inference", lambda: call(inference(grid)(), 0), "cumsum_"),
    Case("cumsum_ inference mode", lambda: call(grid(), 0), "cumsum_", run=in_inference_mode),
    Case(
        "cumsum_ leaf, no_grad", lambda: call(grid().requires_grad_(), 0), "cumsum_", without_grad
    ),
    *(
        Case(f"cumsum_ {what}", lambda make=make: call(make(), 0), "cumsum_")
        for what, make in IN_PLACE.items()
    ),
]
