"""The compiled core.

Of memory that it is given it checks no more than that shapes and dtypes go together. Elements of
`dtypes.DType` may be given as its numbers.
"""

from collections.abc import Callable
from typing import Any

from cumsum.spec import Memory, Spec

def scan(
    x: Memory,
    y: Memory,
    spec: Spec,
    threads: int,
    initial: Memory | None = None,
    where: Memory | None = None,
    offsets: Memory | None = None,
    decay: Memory | None = None,
    /,
) -> tuple[int, int, int] | None:
    """Write the scan of x, cast to y's dtype, to y, by at most so many threads.

    x and y are the same elements, or share none. The operands broadcast as those of
    ``cumsum.cumsum`` do: `initial` is of y's dtype, `where` of bool, `offsets` are int64 without a
    fault, `decay` is float64, complex128 or of y's dtype. Where the spec asks for exact sums,
    `initial` is int64, the lower words of pairs that lie side by side.

    With ``overflow="raise"`` and a sum that does not fit nothing is written, and the first one is
    returned: its line in C order, its index along the dim of the result, its value. On a line the
    first in the order of the scan is told.
    """

def plan(
    x: Memory, y: Memory, spec: Spec, threads: int, initial: Memory | None = None, /
) -> dict[str, Any]:
    """What `scan` would do with the same arguments; no memory is touched."""

def resume(
    x: Memory,
    y: Memory,
    spec: Spec,
    threads: int,
    states: Any,
    after: Any,
    position: int,
    where: Memory | None = None,
    decay: Memory | None = None,
    /,
) -> None:
    """Scan x into y from states (driver/states.h) on, in C order of lines.

    They are those of lines that have had `position` elements; those of their end go to the buffer
    `after`, unless there is no element. In reverse the end is the beginning; there is no mask and
    no decay then. Sums that overflow may wrap or saturate.
    """

def totals(x: Memory, spec: Spec, threads: int, dtype: int, totals: Any, /) -> None:
    """Write the sums of the tiles that x consists of, as sums of a dtype, to a buffer.

    Tile by tile, in each those of the lines in C order, of `total_size` bytes each. In reverse the
    last tile is the first.
    """

def advance(
    states: Any, totals: Any, tiles: int, tail: Any, after: Any, dtype: int, compensated: bool, /
) -> None:
    """Write the states after so many tiles of these sums, and after those in `tail`, if any."""

def begin_records(states: Any, values: Memory, compensated: bool, /) -> None:
    """Fill a buffer with the states of lines that begin with contiguous values."""

def record_size(dtype: int, compensated: bool, exact: bool = False, decay: int = -1, /) -> int:
    """Bytes of the state of one line, for sums of this dtype, exact or with decays of another."""

def total_size(dtype: int, compensated: bool, /) -> int:
    """Bytes of the sum of one line's tile, for sums of this dtype."""

def all_within(x: Memory, least: int, most: int, threads: int, /) -> bool:
    """Whether the integers of x are all in [least, most], which contains 0."""

def find_fault(offsets: Memory, size: int, threads: int, /) -> int:
    """The index of the first number that is no offset of an axis of `size`; -1 if all are."""

def add_objects(
    x: tuple[int, int, int],
    y: tuple[int, int, int],
    kept: tuple[int, int, int],
    lines: int,
    length: int,
    exclusive: bool,
    zero: object,
    firsts: list[Any] | None,
    /,
) -> None:
    """Write the sums of lines of objects at `x` to the objects at `y`, by their own addition.

    Each place is an address, the bytes from line to line, and those from object to object. Only the
    objects count whose byte of `kept` is not 0, if that has an address; `zero` is the sum of none.
    """

def copy(target: Any, source: Any, threads: int, past_cache: bool, /) -> None:
    """Copy the bytes of a buffer to another; the benchmark compares scans with it."""

def targets() -> list[str]:
    """Instruction sets this machine can run, best first."""

def target() -> str:
    """The instruction set in use."""

def choices() -> dict[str, int]:
    """What was chosen for this processor: sizes in bytes, as src/core/plan/sizes.h describes them.

    `past_cache` says whether results of `stream` bytes and more are written past the cache even
    where as much is read.
    """

def choose_target(name: str, /) -> bool:
    """Use another instruction set; False if this machine has no such one."""

def get_threads(source: int, /) -> int:
    """The thread count set at one of `threads.Source`, or 0."""

def set_threads(source: int, threads: int, /) -> None:
    """Set the thread count at one of `threads.Source`; 0 unsets it."""

def set_main_thread(ident: int, /) -> None:
    """Name the thread whose scans signals may interrupt."""

def make_function(slow: Callable[..., Any], doc: str, in_place: bool, /) -> Callable[..., Any]:
    """The public function: takes plain calls itself and hands all others to `slow`."""

def register_numpy(
    array_type: type,
    dtype_type: type,
    empty_like: Callable[..., Any],
    result_types: tuple[Any, ...],
    dtypes: dict[Any, int],
    /,
) -> None:
    """Let plain NumPy arrays be taken; `result_types` are indexed by DType, None where unknown."""

def register_torch(
    tensor_type: type,
    exchange_api: object,
    dtypes: dict[Any, int],
    empty_like: Callable[..., Any],
    as_contiguous: dict[str, Any],
    as_int64: dict[str, Any],
    get_num_threads: Callable[[], int],
    increment_version: Callable[..., Any],
    forward_ad: dict[str, Any],
    is_neg: Callable[..., bool],
    is_conj: Callable[..., bool],
    is_inference: Callable[..., bool],
    is_grad_enabled: Callable[[], bool],
    record: Callable[..., Any],
    is_copied_on_write: Callable[..., bool],
    copied_on_write: Any,
    mode_depths: tuple[Callable[[], int], Callable[[], int], Callable[[], int]],
    states: tuple[Callable[[], object], Callable[[], object]],
    first_modes: list[Any],
    pre_dispatch: int,
    library: str | None,
    /,
) -> bool:
    """Let plain CPU tensors be taken; see core/python/torch/torch.h for what each argument guards.

    True if libtorch's own functions, in `library` and those it depends on, are asked instead.
    """

def scan_plain_tensor(x: Any, dim: int, reverse: bool, /) -> Any:
    """The scan of a tensor whose gradient the caller sees to; None if it is not a plain one."""
