"""One call made: the same in a plain layout on one thread first, then as it was drawn."""

import threading
import warnings
from itertools import pairwise

import numpy as np

import cumsum
from bits import same_bits
from cases import as_tensor, numpy_dtype
from cumsum import _core
from fuzz import draw, expected, gradients
from fuzz.draw import pick

ERRORS = (TypeError, ValueError, IndexError, OverflowError, RuntimeError, NotImplementedError)


class Wrong(Exception):  # noqa: N818 - no fault of the program's own
    """What a call did that it must not."""


def run(call, races=True):
    """Make a call; `Wrong` says what is wrong with what it did."""
    if call.how == "race" and not races:
        return
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        if call.how == "gradient":
            settle(call)
            gradients.check(call)
        else:
            compare(call)


def warm_up():
    """Load what calls load when they are first made: processes that are forked have it then."""
    import torch

    cumsum.set_num_threads(1)
    lengths = np.array([1, 2])
    for options in ({}, {"skipna": True}, {"decay": 0.5}, {"lengths": lengths}):
        cumsum.cumsum(np.ones(3), 0, **options)
        given = options | ({"lengths": as_tensor(lengths)} if "lengths" in options else {})
        cumsum.cumsum(torch.ones(3, requires_grad=True), 0, **given).sum().backward()
    for x in (np.array([1]), torch.tensor([1])):
        cumsum.cumsum(x, 0, overflow="raise")
        cumsum.RunningSum(0).update(x)


def settle(call, plain=False):
    """The target and the threads of a call, or the plainest."""
    _core.choose_target(_core.targets()[0] if plain else call.target)
    cumsum.set_num_threads(1 if plain else call.threads)


def give(call, value):
    """An argument as its library has it."""
    if not isinstance(value, np.ndarray) or call.library == "numpy":
        return value
    return call.tensors.get(id(value), as_tensor(value))


def as_array(result):
    """A result as NumPy's, whosever it is."""
    if isinstance(result, np.ndarray):
        return result
    import torch

    if result.dtype == torch.bfloat16:
        return result.contiguous().view(torch.int16).numpy().view(numpy_dtype("bfloat16"))
    return result.numpy()


def keywords(call, copied=False):
    """The keywords of a call, arrays copied to a plain layout if wanted."""
    given = dict(call.options)
    if copied:
        given = {
            n: np.array(v, order="C") if isinstance(v, np.ndarray) else v for n, v in given.items()
        }
    given = {name: give(call, value) for name, value in given.items()}
    dtype = call.dtype
    if call.how in ("in place", "same"):
        dtype = call.x.dtype.name
    if dtype is not None:
        if call.library == "numpy":
            given["dtype"] = numpy_dtype(dtype)
        else:
            import torch

            given["dtype"] = getattr(torch, dtype)
    return given


def attempt(function, *args, **given):
    """The result of a function, or its error."""
    try:
        return function(*args, **given)
    except ERRORS as error:
        return error


def compare(call):
    """Make the call twice, and compare results, errors and what was written."""
    settle(call, plain=True)
    plain = np.array(call.x, order="C")
    want = attempt(cumsum.cumsum, give(call, plain.copy()), call.dim, **keywords(call, copied=True))
    if not isinstance(want, Exception):
        want = as_array(want)
        if call.how != "race" and (problem := expected.problem(call, plain, want)):
            raise Wrong(f"wrong sums: {problem}")
    settle(call)
    kept = {name: array.copy() for name, array in call.arrays().items()}
    got = WAYS[call.how](call, want)
    if call.how != "race":
        judge(call, want, got)
    for name, array in call.arrays().items():
        written = call.how in ("same", "in place") and name == "input"
        if written or call.overlaps or call.how == "race":
            continue
        if not same_bits(np.ascontiguousarray(array), np.ascontiguousarray(kept[name])):
            raise Wrong(f"{name} was changed")


def judge(call, want, got):
    """Whether a result, or an error, is that of the plain call."""
    if isinstance(want, Exception) or isinstance(got, Exception):
        if type(want) is not type(got) and not refuses_overlap(call, got):
            raise Wrong(f"plain: {say(want)}; as drawn: {say(got)}")
        return
    got = as_array(got)
    if call.x.ndim == 0:  # NumPy's result has one dim, what is written in place none
        got = got.reshape(want.shape)
    if not same_bits(got, want):
        raise Wrong(f"bits differ: {difference(got, want)}")


def refuses_overlap(call, got):
    """Whether it is torch's refusal of memory that is written to and read."""
    return call.library == "torch" and isinstance(got, RuntimeError) and "memory" in str(got)


def say(result):
    """An error in a line."""
    if not isinstance(result, Exception):
        return "a result"
    return f"{type(result).__name__}: {str(result)[:150]}"


def difference(got, want):
    """How two arrays differ."""
    if got.dtype != want.dtype or got.shape != want.shape:
        return f"{got.dtype} {got.shape} is not {want.dtype} {want.shape}"
    at = np.argwhere((got != want) & ~((got != got) & (want != want)))  # noqa: PLR0124
    if not len(at):
        return "in the sign of a zero, or bits of no meaning"
    first = tuple(map(int, at[0]))
    return f"{len(at)} of {got.size}, at {first} {got[first]!r}, plain {want[first]!r}"


def new(call, want):
    """A new result."""
    return attempt(cumsum.cumsum, give(call, call.x), call.dim, **keywords(call))


def out(call, want):
    """Into memory of any layout, beside which nothing may change."""
    if isinstance(want, Exception):
        return new(call, want)
    layouts = draw.LAYOUTS if call.library == "numpy" else draw.TENSOR_LAYOUTS
    view, memory = draw.lay(call.rng, np.zeros_like(want), pick(call.rng, layouts[:-1]))
    return into(call, view, memory)


def into(call, view, memory):
    """The call with an `out`."""
    before = memory.copy()
    target = give(call, view)
    got = attempt(cumsum.cumsum, give(call, call.x), call.dim, **keywords(call), out=target)
    if not isinstance(got, Exception) and got is not target:
        raise Wrong("the result is not out")
    if not draw.bytes_outside_kept(view, memory, before):
        raise Wrong("memory outside of out was changed")
    return got


def same(call, want):
    """Over the input, by `out`."""
    if isinstance(want, Exception) or call.layout == "zero" or want.shape != call.x.shape:
        return new(call, want)
    target = give(call, call.x)
    return attempt(cumsum.cumsum, target, call.dim, **keywords(call), out=target)


def in_place(call, want):
    """Over the input, by `cumsum_`."""
    return attempt(cumsum.cumsum_, give(call, call.x), call.dim, **keywords(call))


def overlap(call, want):
    """Into memory that an argument lies in as well, in part or all of it."""
    if isinstance(want, Exception) or want.size == 0:
        return new(call, want)
    rng, name = call.rng, call.overlaps
    array = np.array(call.arrays()[name], order="C")
    if array.size == 0:
        return new(call, want)
    room, unit = array.nbytes, array.itemsize
    memory = np.full(want.nbytes + 2 * room + 128, draw.MARK, np.uint8)
    start = -(-room // 64) * 64
    view = draw.raw(memory, want.shape, want.itemsize, start, _packed(want)).view(want.dtype)
    place = start + int(rng.integers(-room // unit + 1, want.nbytes // unit + 1)) * unit
    if rng.random() < 0.4:
        place = start
    place = min(place, memory.size - room)
    moved = draw.raw(memory, array.shape, unit, place, array.strides).view(array.dtype)
    moved[...] = array
    if name == "input":
        call.x = moved
    else:
        call.options[name] = moved
    if call.library == "torch":
        storage = as_tensor(memory)
        for shared, begin in ((view, start), (moved, place)):
            call.tensors[id(shared)] = part_of(storage, shared, begin)
    target = give(call, view)
    return attempt(cumsum.cumsum, give(call, call.x), call.dim, **keywords(call), out=target)


def part_of(memory, array, start):
    """A tensor of an array's elements in the storage of `memory`: torch tells by the storage."""
    part = memory[start : start + array.nbytes].view(as_tensor(array).dtype)
    return part.view(array.shape)


def _packed(array):
    return np.empty(array.shape, array.dtype).strides


def stream(call, want):
    """In chunks."""
    if isinstance(want, Exception) or isinstance(call.dim, tuple) or call.x.size * call.x.ndim == 0:
        return new(call, want)  # torch has empty results of dtypes that no stream has sums of
    given, rng = keywords(call), call.rng
    length = call.x.shape[call.axis]
    cuts = [0, *sorted(map(int, rng.integers(0, length + 1, rng.integers(0, 6)))), length]
    running = cumsum.RunningSum(call.dim, **given)
    found = []
    for begin, end in pairwise(cuts):
        chunk = call.x[(slice(None),) * call.axis + (slice(begin, end),)]
        found.append(as_array(running.update(give(call, chunk))))
    return np.concatenate(found, call.axis)


def standard(call, want):
    """By the array API's function, which knows arrays of one dim and more."""
    if call.x.ndim == 0 or call.library == "torch":
        return new(call, want)
    given = keywords(call)
    if call.x.ndim > 1 or call.rng.random() < 0.5:
        given["axis"] = call.dim
    return attempt(cumsum.cumulative_sum, call.x, **given)


def race(call, want):
    """With offsets that another thread changes meanwhile: nothing outside may be touched."""
    name = "offsets" if "offsets" in call.options else "lengths"
    good = np.array(call.options.get(name, 0), np.int64)
    if isinstance(want, Exception) or good.ndim == 0:
        return new(call, want)
    moving = good.copy()
    call.options[name] = moving
    bad = good.copy()
    bad[call.rng.integers(0, len(bad), 3)] = [-(2**40), 2**40, 2**62]
    done = threading.Event()

    def disturb():
        while not done.is_set():
            moving[...] = bad
            moving[...] = good

    thread = threading.Thread(target=disturb)
    thread.start()
    try:
        for _ in range(20):
            view, memory = draw.lay(call.rng, np.zeros_like(want), "C", guard=64)
            into(call, view, memory)
    finally:
        done.set()
        thread.join()
    return want


WAYS = {
    "new": new,
    "out": out,
    "same": same,
    "in place": in_place,
    "overlap": overlap,
    "stream": stream,
    "standard": standard,
    "race": race,
}
