"""What else can be asked of scans on a GPU that is there, beside the same on NumPy's arrays.

Integers have the same bits. Floats are added up in another order, in float64 as there, and none
here is negative, so that nothing cancels: float32 may differ in its last place.
"""

import os
import threading

import numpy as np
import pytest
import torch
from torch.testing import assert_close

import cumsum
from gpu_device import DEVICE, DRY, needs_gpu

LENGTH = 800 if DRY else 300_000
LONG = 800 if DRY else 5_000_000  # in one pass
DTYPES = (np.int8, np.int64, np.float32, np.float64)
FORWARD, BACK = {}, {"exclusive": True, "reverse": True}
every_way = pytest.mark.parametrize("flags", [FORWARD, BACK], ids=["forward", "back"])
every_dtype = pytest.mark.parametrize("dtype", DTYPES, ids=lambda dtype: dtype.__name__)
shapes = pytest.mark.parametrize(
    ("shape", "dim"), [((LENGTH,), 0), ((3, LENGTH), 1), ((LENGTH, 5), 0)], ids=str
)


def drawn(shape, dtype=np.float32, seed=0):
    rng = np.random.default_rng(seed)
    if np.dtype(dtype).kind == "i":
        return rng.integers(-100, 100, shape).astype(dtype)
    return rng.random(shape).astype(dtype)


def on_device(x):
    """A contiguous tensor, in memory of its own."""
    return torch.from_numpy(np.array(x, order="C")).to(DEVICE)


def check(y, expected):
    """Whether a tensor of the device is what NumPy's arrays give."""
    y, expected = y.detach().cpu().resolve_conj(), torch.from_numpy(np.ascontiguousarray(expected))
    if not y.dtype.is_floating_point:
        assert torch.equal(y, expected)
    else:
        places = 1 if y.dtype == torch.float32 else 200
        rtol = places * torch.finfo(y.dtype).eps
        assert_close(y, expected, rtol=rtol, atol=0, equal_nan=True)


def cuts(length, kind):
    """Offsets of segments."""
    rng = np.random.default_rng(5)
    if kind == "many short":
        return np.unique([0, *rng.integers(0, length, length // 7), length])
    if kind == "one huge":
        return np.array([0, 1, 1, 4, length - 200, *range(length - 199, length + 1)])
    return np.array([0, *np.sort(rng.integers(0, length, 40)), length])


@every_way
@every_dtype
@shapes
@pytest.mark.parametrize("kind", ["random", "many short", "one huge"])
def test_segments(kind, shape, dim, dtype, flags):
    x, offsets = drawn(shape, dtype), cuts(shape[dim], kind)
    expected = cumsum.cumsum(x, dim, offsets=offsets, **flags)
    check(cumsum.cumsum(on_device(x), dim, offsets=on_device(offsets), **flags), expected)
    if kind == "random":
        lengths = on_device(np.diff(offsets))
        check(cumsum.cumsum(on_device(x), dim, lengths=lengths, **flags), expected)
        starts = np.zeros(shape[dim], bool)
        starts[offsets[offsets < shape[dim]]] = True
        check(cumsum.cumsum(on_device(x), dim, reset=on_device(starts), **flags), expected)


def test_offsets_that_are_wrong():
    with pytest.raises(ValueError, match=r"offsets\[2\] is 20, but must not be less"):
        cumsum.cumsum(on_device(drawn(60)), 0, offsets=on_device(np.array([0, 40, 20, 60])))


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("dtype", [np.float32, np.float64], ids=lambda dtype: dtype.__name__)
@shapes
def test_decays(shape, dim, dtype, reverse):
    x = drawn(shape, dtype)
    line = tuple(n if d == dim else 1 for d, n in enumerate(shape))
    lines = tuple(1 if d == dim else n for d, n in enumerate(shape))
    for of in ((), shape, line, lines):
        decay = drawn(of, dtype, seed=2) / 2 + np.array(0.499, dtype)
        found = cumsum.cumsum(on_device(x), dim, decay=on_device(decay).view(of), reverse=reverse)
        expected = cumsum.cumsum(x, dim, decay=decay, reverse=reverse)
        assert_close(found.cpu(), torch.from_numpy(expected), rtol=3e-7, atol=0)


@every_way
@every_dtype
@shapes
def test_holes(shape, dim, dtype, flags):
    x, kept = drawn(shape, dtype), drawn(shape, seed=3) < 0.7
    check(
        cumsum.cumsum(on_device(x), dim, where=on_device(kept), **flags),
        cumsum.cumsum(x, dim, where=kept, **flags),
    )
    if np.dtype(dtype).kind == "f":
        x[~kept] = np.nan
        for missing in ("carry", "nan"):
            options = {"skipna": True, "missing": missing, **flags}
            expected = cumsum.cumsum(x, dim, **options)
            check(cumsum.cumsum(on_device(x), dim, **options), expected)


@every_way
@every_dtype
@shapes
def test_out(shape, dim, dtype, flags):
    """Into memory that lies otherwise and has another dtype, or is the input's."""
    x = drawn(shape, dtype)
    expected = cumsum.cumsum(x, dim, dtype=np.float64, **flags)
    y = torch.full((*shape, 2), -1, dtype=torch.float64, device=DEVICE)
    out = y[..., 0]
    assert cumsum.cumsum(on_device(x), dim, out=out, dtype=torch.float64, **flags) is out
    check(out, expected)
    assert (y[..., 1] == -1).all()
    given = on_device(x)
    cumsum.cumsum(given, dim, out=given, dtype=given.dtype, **flags)
    check(given, cumsum.cumsum(x, dim, dtype=dtype, **flags))
    if len(shape) == 1:
        with pytest.raises(RuntimeError, match="single memory location"):
            cumsum.cumsum(given[1:], dim, out=given[:-1], dtype=given.dtype, **flags)


@every_way
@every_dtype
@shapes
def test_in_place(shape, dim, dtype, flags):
    x = drawn(shape, dtype)
    expected = cumsum.cumsum(x, dim, dtype=dtype, **flags)
    for y in (on_device(x), on_device(x.T).T):
        assert cumsum.cumsum_(y, dim, **flags) is y
        check(y, expected)


def test_one_kernel_after_another():
    """Launches that are found again, when memory lies otherwise than for the first."""
    x = drawn(LENGTH + 8)
    memory = on_device(x)
    for _ in range(2):
        for skip in (0, 1, 4, 3, 0):
            expected = cumsum.cumsum(x[skip : skip + LENGTH], 0)
            check(cumsum.cumsum(memory[skip : skip + LENGTH], 0), expected)


GRAPHS = {
    "short": ((200,), 0, {}),
    "steps": ((LENGTH,), 0, {}),
    "one pass": ((LONG,), 0, {}),
    "columns": ((LENGTH, 20), 0, BACK),
    "segments": ((LENGTH,), 0, {"offsets": cuts(LENGTH, "one huge")}),
    "decay": ((LENGTH,), 0, {"decay": 0.875}),
    "holes": ((LENGTH,), 0, {"where": drawn(LENGTH, seed=3) < 0.7}),
}


@needs_gpu
@pytest.mark.parametrize("case", GRAPHS)
def test_replays_of_a_graph(case):
    shape, dim, options = GRAPHS[case]
    given = {k: on_device(v) if isinstance(v, np.ndarray) else v for k, v in options.items()}
    x = on_device(drawn(shape))
    cumsum.cumsum(x, dim, **given)  # compiles
    torch.cuda.synchronize()
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        y = cumsum.cumsum(x, dim, **given)
    for seed in range(3):
        other = drawn(shape, seed=seed)
        x.copy_(on_device(other))
        graph.replay()
        torch.cuda.synchronize()
        expected = cumsum.cumsum(other, dim, **options)
        rtol = 3e-7 if case == "decay" else torch.finfo(torch.float32).eps
        assert_close(y.cpu(), torch.from_numpy(expected), rtol=rtol, atol=0)


@needs_gpu
@pytest.mark.parametrize("shape", [(LENGTH,), (LONG,)], ids=str)
def test_streams(shape):
    """A scan waits for its own stream, and for no other."""
    x, busy = drawn(shape), torch.randn(2, 4096, 4096, device=DEVICE)
    given, late = on_device(x), torch.zeros(shape, device=DEVICE)
    expected = cumsum.cumsum(x, 0)
    cumsum.cumsum(given, 0)  # compiles
    torch.cuda.synchronize()
    stream = torch.cuda.Stream()
    with torch.cuda.stream(stream):
        for _ in range(20):
            torch.mm(*busy)
        late.copy_(given, non_blocking=True)
        y = cumsum.cumsum(late, 0)
        assert not stream.query(), "the call has waited"
    check(cumsum.cumsum(given, 0), expected)
    stream.synchronize()
    check(y, expected)


def test_threads():
    """Calls by several threads at a time, each on a stream of its own."""
    x = drawn(LENGTH)
    given, expected, found = on_device(x), cumsum.cumsum(x, 0), {}

    def work(number):
        stream = None if DRY else torch.cuda.Stream()
        with torch.cuda.stream(stream):
            found[number] = [cumsum.cumsum(given, 0) for _ in range(20)]

    if not DRY:
        torch.cuda.synchronize()
    threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if not DRY:
        torch.cuda.synchronize()
    for results in (found[n] for n in range(4)):
        for y in results:
            check(y, expected)


@every_way
def test_inductor(flags):
    """Compiled by inductor; in a dry run, without its code."""

    def scan(x, initial):
        return cumsum.cumsum(x * 2, 1, initial=initial, **flags) + 1

    x = torch.rand(3, LENGTH, dtype=torch.float64, device=DEVICE, requires_grad=True)
    initial = torch.rand(3, dtype=torch.float64, device=DEVICE, requires_grad=True)
    wanted = scan(x, initial)
    torch._dynamo.reset()
    backend = "aot_eager" if DRY else "inductor"
    got = torch.compile(scan, backend=backend, fullgraph=True)(x, initial)
    assert_close(got, wanted, rtol=1e-14, atol=0)
    assert_close(*(torch.autograd.grad(y.sum(), (x, initial)) for y in (got, wanted)))


@needs_gpu
@pytest.mark.parametrize("library", ["cupy", "jax"])
def test_arrays_of_other_libraries(library):
    os.environ["XLA_PYTHON_CLIENT_PREALLOCATE"] = "false"  # or JAX takes most of the memory
    if library == "cupy":
        make = pytest.importorskip("cupy").asarray
    else:
        make = pytest.importorskip("jax.numpy").asarray
    for shape, dim, flags in (((LENGTH,), 0, FORWARD), ((LENGTH, 5), 0, BACK)):
        given = make(drawn(shape))
        y = cumsum.cumsum(given, dim, **flags)
        assert type(y) is type(given)
        check(torch.from_dlpack(y), cumsum.cumsum(drawn(shape), dim, **flags))
