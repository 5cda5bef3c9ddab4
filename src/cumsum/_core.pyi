"""The compiled core.

Addresses are integers, strides are in bytes, dtypes are numbers of `dtypes.DType`.
"""

from collections.abc import Callable
from typing import Any

def scan(
    x: int,
    x_dtype: int,
    y: int,
    y_dtype: int,
    shape: tuple[int, ...],
    x_strides: tuple[int, ...],
    y_strides: tuple[int, ...],
    axis: int,
    exclusive: bool,
    reverse: bool,
    compensated: bool,
    threads: int,
    initial: int,
    initial_strides: tuple[int, ...],
    /,
) -> None:
    """Scan the memory at `x` into the memory at `y`, without any check of either."""

def scan_segments(scan: tuple[Any, ...], offsets: int, count: int, /) -> None:
    """`scan`, with its arguments, of each segment that int64 `offsets` cut the axis into."""

def find_fault(offsets: int, count: int, size: int, threads: int, /) -> int:
    """The first of `count` + 1 numbers that is no offset of an axis of `size`; -1 if all are."""

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

def resume(arguments: tuple[Any, ...], position: int, records: Any, after: Any, /) -> None:
    """Scan with the arguments of `scan` from records (driver/states.h) on, in C order of lines.

    They are those of lines that have had `position` elements; those of their end go to the buffer
    `after`, unless there is no element.
    """

def add_up(
    x: int,
    x_dtype: int,
    shape: tuple[int, ...],
    strides: tuple[int, ...],
    axis: int,
    dtype: int,
    compensated: bool,
    threads: int,
    totals: Any,
    /,
) -> None:
    """Write the sums of the tiles of x, as `dtype`, to a buffer (src/core/aggregate.h)."""

def advance(
    records: Any,
    totals: Any,
    tiles: int,
    tail: Any,
    after: Any,
    dtype: int,
    compensated: bool,
    /,
) -> None:
    """Write the records after so many tiles of these sums, and after those in `tail`, if any."""

def total_size(dtype: int, compensated: bool, /) -> int:
    """Bytes of the sum of one line's tile, for sums of this dtype."""

def record_size(dtype: int, compensated: bool, /) -> int:
    """Bytes of one line's record, for sums of this dtype."""

def begin_records(records: Any, values: int, dtype: int, compensated: bool, /) -> None:
    """Fill a buffer with records of lines that begin with the values at an address, in order."""

def scan_with_holes(
    x: int,
    x_dtype: int,
    y: int,
    y_dtype: int,
    shape: tuple[int, ...],
    x_strides: tuple[int, ...],
    y_strides: tuple[int, ...],
    axis: int,
    exclusive: bool,
    reverse: bool,
    compensated: bool,
    threads: int,
    initial: int,
    initial_strides: tuple[int, ...],
    mask: int,
    mask_strides: tuple[int, ...],
    skipna: bool,
    nan: bool,
    /,
) -> None:
    """The same with nothing added where the bytes at `mask`, if that is not 0, are zero."""

def plan(
    x: int,
    x_dtype: int,
    y: int,
    y_dtype: int,
    shape: tuple[int, ...],
    x_strides: tuple[int, ...],
    y_strides: tuple[int, ...],
    axis: int,
    exclusive: bool,
    reverse: bool,
    compensated: bool,
    threads: int,
    initial: int,
    initial_strides: tuple[int, ...],
    /,
) -> dict[str, Any]:
    """What `scan` would do with the same arguments; no memory is touched."""

def all_within(
    x: int,
    dtype: int,
    shape: tuple[int, ...],
    strides: tuple[int, ...],
    least: int,
    most: int,
    threads: int,
    /,
) -> bool:
    """Whether the integers at `x` are all in [least, most], which contains 0."""

def find_excess(
    x: int,
    x_dtype: int,
    y: int,
    y_dtype: int,
    shape: tuple[int, ...],
    x_strides: tuple[int, ...],
    y_strides: tuple[int, ...],
    axis: int,
    exclusive: bool,
    reverse: bool,
    compensated: bool,
    threads: int,
    initial: int,
    initial_strides: tuple[int, ...],
    /,
) -> tuple[int, int, int] | None:
    """The first exact sum that `y_dtype` cannot hold: its line, its place on the line, its value.

    Lines are counted in C order; on a line the first in the order of the scan is told. Nothing is
    written. Initial values are pairs of 64-bit words, the lower first.
    """

def saturate(
    x: int,
    x_dtype: int,
    y: int,
    y_dtype: int,
    shape: tuple[int, ...],
    x_strides: tuple[int, ...],
    y_strides: tuple[int, ...],
    axis: int,
    exclusive: bool,
    reverse: bool,
    compensated: bool,
    threads: int,
    initial: int,
    initial_strides: tuple[int, ...],
    /,
) -> None:
    """Write the exact sums to `y`, each that `y_dtype` cannot hold as the nearest that it can."""

def scan_decayed(
    scan: tuple[Any, ...], decay: int, decay_dtype: int, decay_strides: tuple[int, ...], /
) -> None:
    """Scan x into y, of one dtype, with a decay before each addition.

    `scan` are the arguments of `scan`; the decays, float64, complex128 or of y's dtype, lie at the
    address `decay`. Where their stride along the axis is zero each line has one.
    """

def copy(target: Any, source: Any, threads: int, past_cache: bool, /) -> None:
    """Copy the bytes of a buffer to another; the benchmark compares scans with it."""

def targets() -> list[str]:
    """Instruction sets this machine can run, best first."""

def target() -> str:
    """The instruction set in use."""

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
    """Let plain CPU tensors be taken; see src/core/python/torch.h for what each argument guards.

    True if libtorch's own functions, in `library` and those it depends on, are asked instead.
    """

def scan_plain_tensor(x: Any, dim: int, reverse: bool, /) -> Any:
    """The scan of a tensor whose gradient the caller sees to; None if it is not a plain one."""
