"""What a stream remembers between two chunks."""

from __future__ import annotations

from typing import Any, NamedTuple

from numpy.typing import NDArray


class Form(NamedTuple):
    """What all chunks of a stream have in common.

    Attributes
    ----------
    library : str
        "NumPy" or "torch".
    axis : int
        The dim that they follow each other along, non-negative.
    lines : tuple of int
        Their other dims.
    source : dtype
        Theirs; None where they are cast to another.
    dtype : dtype
        That of the sums.
    """

    library: str
    axis: int
    lines: tuple[int, ...]
    source: Any
    dtype: Any

    def check(self, other: Form) -> None:
        """Raise an error if a chunk is of another form than this one, the first one's."""
        if other == self:
            return
        if other.library != self.library:
            message = f"got a chunk of {other.library}, the first one was of {self.library}"
            raise TypeError(f"RunningSum.update(): {message}")
        if (other.axis, other.lines) != (self.axis, self.lines):
            shape, first = ("x".join(map(str, form.shape("n"))) for form in (other, self))
            message = f"got a chunk of shape {shape}, the first one had {first}"
            raise ValueError(f"RunningSum.update(): {message}")
        message = f"got a chunk of {other.source}, the first one was of {self.source}"
        raise TypeError(f"RunningSum.update(): {message}; a stream with dtype= takes any")

    def shape(self, length: Any) -> tuple[Any, ...]:
        """The shape of a chunk of so many elements a line."""
        return (*self.lines[: self.axis], length, *self.lines[self.axis :])


class State(NamedTuple):
    """Where a stream stands; the next update puts another one in its place.

    Attributes
    ----------
    form : Form
        Of its chunks.
    records : numpy.ndarray
        What the core remembers of the lines, in C order: bytes.
    position : int
        How many elements each line has had.
    """

    form: Form
    records: NDArray[Any]
    position: int
