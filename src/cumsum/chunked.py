"""One scan of data that lies in chunks: in a file, on workers, on ranks.

    aggregate -> exclusive scan of the aggregates -> scan with carry

`Scan.aggregate` says what a chunk adds, `Scan.advance` takes the lines' state past it, and
`Scan.scan` has the results from the state before it. All three have the bits of one scan of all,
wherever the chunks are cut: an aggregate is not one number but the sum of each tile, and what is
needed of the tiles that are cut. States and aggregates are small, and can be pickled.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from types import ModuleType
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from cumsum import _core
from cumsum.dtypes import DType
from cumsum.options import PLAIN, Options
from cumsum.spec import TILE
from cumsum.stream import door_for
from cumsum.stream.form import Form, State

Chunk = Any  # an array or a tensor


class Aggregate(NamedTuple):
    """What a chunk adds to its lines.

    Attributes
    ----------
    position : int
        How many elements each line has before it.
    length : int
        How many it has of each line.
    head : array or tensor
        Its elements up to the first one of a tile, or all of them.
    totals : numpy.ndarray
        The sums of its tiles: bytes, as the core has them.
    tail : numpy.ndarray, optional
        The records of its elements from the last edge of tiles on, where it ends within a tile.
    """

    position: int
    length: int
    head: Any
    totals: NDArray[Any]
    tail: NDArray[Any] | None

    @property
    def has_edge(self) -> bool:
        """Whether a tile begins in the chunk or where it ends."""
        return -self.position % TILE <= self.length


@dataclass(frozen=True)
class Scan:
    """What is the same for all chunks of a scan.

    Of the options it has ``exclusive``, ``reverse``, ``initial`` and the precision. In reverse the
    last chunk is the first one; each lies as it is, and so do its results.

    Examples
    --------
    >>> import numpy as np
    >>> from cumsum.chunked import Scan
    >>> from cumsum.stream.form import Form
    >>> x = np.arange(10_000.0)
    >>> scan = Scan(Form("NumPy", 0, (), x.dtype, x.dtype))
    >>> state = scan.begin()
    >>> state = scan.advance(state, scan.aggregate(x[:9000], 0))
    >>> scan.scan(x[9000:9003], state)[0]
    array([40504500., 40513501., 40522503.])
    """

    form: Form
    options: Options = PLAIN

    def begin(self, initial: Any = None) -> State:
        """The state before the first element; `initial` takes the place of the option."""
        door = self._door
        options = self.options if initial is None else self.options._replace(initial=initial)
        state: State = door.begin(door.none_of(self.form), self.form, options)
        return state

    def scan(
        self, chunk: Chunk, state: State, out: Any = None, spare: NDArray[Any] | None = None
    ) -> tuple[Chunk, State]:
        """The results of the chunk that follows, and the state after it.

        Its records are written to `spare`, those of a state that is no longer needed, if given.
        """
        self._check(chunk)
        if spare is None:
            spare = np.zeros_like(state.records)
        y, after = self._door.update(chunk, out, state, spare, False, self.options)
        return y, after

    def total(self, state: State) -> Any:
        """The sums of all elements up to a state."""
        return self._door.total(state, self.options)

    def aggregate(self, chunk: Chunk, position: int) -> Aggregate:
        """What a chunk adds, which has so many elements of each line before it."""
        self._check(chunk)
        length = int(chunk.shape[self.form.axis])
        first = min(-position % TILE, length)
        tiles = (length - first) // TILE
        end = first + tiles * TILE
        totals = np.empty(tiles * self._total_bytes, np.uint8)
        if totals.size:
            self._door.add_up(self._part(chunk, first, end), self.form, totals, self.options)
        tail = None
        if end < length:
            tail = self._after(self._part(chunk, end, length), self._zero(0)).records
        head = self._door.keep(self._part(chunk, 0, first))
        return Aggregate(position, length, head, totals, tail)

    def advance(self, state: State, aggregate: Aggregate) -> State:
        """The state after a chunk that follows."""
        position, length, head, totals, tail = aggregate
        if position != state.position:
            message = f"an aggregate at {position} does not follow a state at {state.position}"
            raise ValueError(message)
        state = self._after(head, state)
        records = state.records
        if totals.size or tail is not None:  # else there is no tile, or no line
            records = np.empty_like(records)
            tiles = (length - head.shape[self.form.axis]) // TILE
            _core.advance(state.records, totals, tiles, tail, records, *self._manner)
        return State(self.form, records, position + length)

    def join(self, first: Aggregate, second: Aggregate) -> Aggregate:
        """What two neighbours add together."""
        position, length = first.position, first.length + second.length
        if second.position != position + first.length:
            message = f"an aggregate at {second.position} does not follow {position} elements"
            raise ValueError(message)
        axis, totals = self.form.axis, second.totals
        if not first.has_edge:
            heads = [first.head, second.head]
            head = self._door.joined(heads[::-1] if self.options.reverse else heads, axis)
            return Aggregate(position, length, head, totals, second.tail)
        tail = second.tail
        if first.tail is not None:
            within = second.position % TILE
            middle = self._after(second.head, State(self.form, first.tail, within))
            if second.has_edge:
                totals = np.concatenate([self._total_of(middle), totals])
            else:
                tail = middle.records
        return Aggregate(position, length, first.head, np.concatenate([first.totals, totals]), tail)

    @property
    def _door(self) -> ModuleType:
        return door_for(self.form.library)

    @property
    def _manner(self) -> tuple[int, bool]:
        return self._door.code_of(self.form), self.options.compensated

    @property
    def _total_bytes(self) -> int:
        """Of one tile of all lines."""
        return math.prod(self.form.lines) * _core.total_size(*self._manner)

    def _zero(self, position: int) -> State:
        size = math.prod(self.form.lines) * _core.record_size(*self._manner)
        return State(self.form, np.zeros(size, np.uint8), position)

    def _after(self, chunk: Chunk, state: State) -> State:
        """The state after a few elements, whose results nobody wants."""
        return self.scan(chunk, state)[1] if chunk.shape[self.form.axis] else state

    def _total_of(self, state: State) -> NDArray[Any]:
        """The sum of the one tile that the lines have had: their carry, in its leading part."""
        code, compensated = self._manner
        width = _core.total_size(code, compensated)
        channels = 2 if code >= DType.complex64 else 1
        lines = math.prod(self.form.lines) * channels
        size = _core.record_size(code, compensated)
        records = state.records.reshape(lines, size // channels)
        return np.ascontiguousarray(records[:, : width // channels]).reshape(-1)

    def _part(self, chunk: Chunk, begin: int, end: int) -> Chunk:
        """Elements of a chunk, counted in the order of the scan."""
        axis = self.form.axis
        if self.options.reverse:
            length = chunk.shape[axis]
            begin, end = length - end, length - begin
        return self._door.part(chunk, axis, begin, end)

    def _check(self, chunk: Chunk) -> None:
        self.form.check(self._door.form_of(chunk, self.form.axis, self._asked_dtype))

    @property
    def _asked_dtype(self) -> Any:
        return self.form.dtype if self.form.source is None else None


def scan_of(chunk: Chunk, dim: int, dtype: Any = None, options: Options = PLAIN) -> Scan:
    """The scan that a chunk, of any length, is one of."""
    from cumsum.api import is_tensor

    door = door_for("torch" if is_tensor(chunk) else "NumPy")
    return Scan(door.form_of(chunk, dim, dtype), options)
