"""Signature and argument parsing, and the shapes that are accepted."""

import numpy as np
import torch

from spec.harness import Case, call


class Subclass(torch.Tensor):
    """A tensor subclass that changes nothing."""


class Recorder:
    """An object that answers for any torch function with the arguments it was given."""

    @classmethod
    def __torch_function__(cls, function, types, args=(), kwargs=None):
        return ("taken over", len(args), sorted(kwargs or {}))


def grid():
    return torch.arange(6, dtype=torch.float32).view(2, 3)


# Without tuples and lists: torch refuses them, ours are several dims (test_several.py).
DIMS = {
    "float": 1.0,
    "None": None,
    "True": True,
    "str": "N",
    "0-d tensor": torch.tensor(1),
    "0-d int32 tensor": torch.tensor(1, dtype=torch.int32),
    "0-d float tensor": torch.tensor(1.0),
    "1-element tensor": torch.tensor([1]),
    "0-d bool tensor": torch.tensor(True),
    "numpy int64": np.int64(1),
    "numpy uint8": np.uint8(1),
    "numpy float64": np.float64(1),
    "numpy 0-d": np.array(1),
    "numpy bool": np.bool_(True),
    "0": 0,
    "1": 1,
    "-1": -1,
    "-2": -2,
    "2": 2,
    "-3": -3,
    "2**31": 2**31,
    "2**62": 2**62,
    "2**63": 2**63,
    "-2**63": -(2**63),
    "-2**63 - 1": -(2**63) - 1,
}


def dim_cases(op):
    for name, dim in DIMS.items():
        yield Case(f"{op} dim={name}", lambda dim=dim: call(grid(), dim), op)
        yield Case(f"{op} axis={name}", lambda dim=dim: call(grid(), axis=dim), op)
    for dim in (0, -1, 1, -2):
        yield Case(f"{op} 0-d dim={dim}", lambda dim=dim: call(torch.tensor(2.5), dim), op)
    for shape in ((0,), (3, 0), (2, 0, 3)):
        for dim in (0, -1, 3, -4):
            yield Case(
                f"{op} {shape} dim={dim}",
                lambda shape=shape, dim=dim: call(torch.empty(shape), dim),
                op,
            )
    yield Case(f"{op} dim before dtype", lambda: call(grid().bool(), 2, dtype=torch.bool), op)
    yield Case(f"{op} dim= keyword", lambda: call(grid(), dim=1), op)
    yield Case(f"{op} dim and axis", lambda: call(grid(), dim=1, axis=1), op)
    yield Case(f"{op} positional dim and axis", lambda: call(grid(), 1, axis=1), op)
    yield Case(f"{op} positional and dim=", lambda: call(grid(), 1, dim=1), op)
    yield Case(f"{op} without dim", lambda: call(grid()), op)
    yield Case(f"{op} positional dtype", lambda: call(grid(), 0, torch.float32), op)
    yield Case(f"{op} four positional", lambda: call(grid(), 0, torch.float32, 1), op)
    yield Case(f"{op} unknown keyword", lambda: call(grid(), 0, keepdims=True), op)
    yield Case(f"{op} dtype=None", lambda: call(grid(), 0, dtype=None), op)
    for dtype in (float, int, bool, complex, "float32", 1, np.float32, np.dtype("f4")):
        yield Case(f"{op} dtype={dtype!r}", lambda dtype=dtype: call(grid(), 0, dtype=dtype), op)
    yield Case(f"{op} 65 dims", lambda: call(torch.ones([1] * 64 + [3]), 64), op)


CASES = [
    *dim_cases("cumsum"),
    *dim_cases("cumsum_"),
    Case("input=", lambda: call(input=grid(), dim=0)),
    Case("a=", lambda: call(a=grid(), dim=0)),
    Case("x=", lambda: call(x=grid(), dim=0)),
    Case("x= axis=", lambda: call(x=grid(), axis=0)),
    Case("input= is self=", lambda: call(self=grid(), dim=0)),
    Case("input and input=", lambda: call(grid(), input=grid(), dim=0)),
    Case("input and x=", lambda: call(grid(), x=grid(), dim=0)),
    Case("input is missing", lambda: call(dim=0)),
    Case("input is a list", lambda: call([1, 2], 0)),
    Case("input is a number", lambda: call(1.5, 0)),
    Case("out=None", lambda: call(grid(), 0, out=None)),
    Case("out is a list", lambda: call(grid(), 0, out=[1])),
    Case("out is an array", lambda: call(grid(), 0, out=np.zeros((2, 3)))),
    Case("out is a tuple", lambda: call(grid(), 0, out=(grid(),))),
    Case("cumsum_ out=", lambda: call(grid(), 0, out=grid()), "cumsum_"),
    Case("dtype and out positional", lambda: call(grid(), 0, None, grid())),
    Case("subclass", lambda: call(grid().as_subclass(Subclass), 0)),
    Case("subclass in place", lambda: call(grid().as_subclass(Subclass), 0), "cumsum_"),
    Case("subclass as out", lambda: call(grid(), 0, out=grid().as_subclass(Subclass))),
    Case("subclass with plain out", lambda: call(grid().as_subclass(Subclass), 0, out=grid())),
    Case("parameter", lambda: call(torch.nn.Parameter(grid()), 0)),
    Case("buffer", lambda: call(torch.nn.Buffer(grid()), 0)),
    Case("__torch_function__ of input", lambda: call(Recorder(), 0)),
    Case("__torch_function__ of out", lambda: call(grid(), 0, out=Recorder())),
]
