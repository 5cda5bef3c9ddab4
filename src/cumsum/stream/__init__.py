"""Running sums of data that comes in chunks."""

from __future__ import annotations

import operator
from copy import deepcopy
from types import ModuleType
from typing import TYPE_CHECKING, Any, SupportsIndex, Unpack, overload

import numpy as np

from cumsum.api import is_tensor, refuse
from cumsum.options import take
from cumsum.stream import arrays
from cumsum.stream.form import State

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, DTypeLike, NDArray
    from torch import Tensor
    from torch import dtype as TorchDType

    from cumsum.precision import Precision
    from cumsum.typed import Flag, Nothing

_AVAILABLE = {"exclusive", "include_initial", "initial"}


class RunningSum:
    """The running sum of data that comes in chunks.

    The results of its updates, put together along `dim`, have every bit of
    ``cumsum.cumsum`` of the chunks put together, wherever those are cut. An update costs what its
    chunk costs; what is remembered between two of them is some dozen bytes a line, in full width.

    Parameters
    ----------
    dim : int
        The dim that the chunks follow each other along, in [-ndim, ndim) of a chunk.
    dtype : torch.dtype or numpy.dtype, optional
        Every element is cast to it before the sum; chunks may then be of any dtype. By default all
        are of the first one's dtype, and the sums of what ``cumsum.cumsum`` makes of that.
    exclusive : bool, default False
        Whether each sum leaves out the element at its own place.
    include_initial : bool, default False
        Whether the first result is one longer along `dim` and begins with the sum of no elements.
    initial : number, torch.Tensor or array, optional
        What the sums begin with, instead of zero: one value, or one for each line. It is read when
        the first chunk comes.
    precision : {None, "compensated"}, optional
        As for ``cumsum.cumsum``.
    **others : object
        The other keywords of ``cumsum.cumsum``, none of which a stream has.

    Raises
    ------
    TypeError
        If `dim` is not an integer, or another argument has the wrong type.
    ValueError
        If `reverse` is asked for: the last chunk would have to come first.
    NotImplementedError
        If another keyword of ``cumsum.cumsum`` is.

    Notes
    -----
    A stream can be copied and pickled between two updates, and go on in another process, with
    another number of threads or another instruction set. One stream serves one thread at a time:
    of two updates at once, one would be forgotten. Different streams do not know of each other.

    Examples
    --------
    >>> import cumsum, numpy as np
    >>> stream = cumsum.RunningSum(dim=0)
    >>> stream.update(np.array([1, 2, 3]))
    array([1, 3, 6])
    >>> stream.update(np.array([4]))
    array([10])
    >>> stream.update(np.array([5, 6]))
    array([15, 21])
    >>> stream.total, stream.position
    (np.int64(21), 6)
    """

    def __init__(
        self,
        dim: SupportsIndex,
        dtype: TorchDType | DTypeLike | None = None,
        *,
        exclusive: Flag = False,
        include_initial: Flag = False,
        initial: Tensor | ArrayLike | None = None,
        precision: Precision = None,
        **others: Unpack[Nothing],
    ) -> None:
        if isinstance(dim, bool) or not hasattr(dim, "__index__"):
            raise TypeError(f"RunningSum(): argument 'dim' must be int, not {type(dim).__name__}")
        values: Any = initial
        values = values.clone() if hasattr(values, "clone") else deepcopy(values)
        given = {"exclusive": exclusive, "include_initial": include_initial}
        rest = {**others, **given, "initial": values, "precision": precision}
        options = take("RunningSum", rest)
        for name in rest:
            raise TypeError(f"RunningSum() got an unexpected keyword argument '{name}'")
        if options.reverse:
            raise ValueError("RunningSum(): in reverse the last chunk would have to come first")
        if missing := set(options.asked()) - _AVAILABLE:
            names = " and ".join(sorted(missing))
            raise NotImplementedError(f"RunningSum(): {names} not available for chunks")
        self._dim = operator.index(dim)
        self._dtype = dtype
        self._options = options
        self._state: State | None = None
        self._spare: NDArray[Any] | None = None  # memory for the records of the next state

    @overload
    def update(self, chunk: Tensor, out: Tensor | None = None) -> Tensor: ...
    @overload
    def update(self, chunk: NDArray[Any], out: NDArray[Any] | None = None) -> NDArray[Any]: ...
    def update(self, chunk: Any, out: Any = None) -> Any:
        """The running sums of the next chunk.

        Parameters
        ----------
        chunk : torch.Tensor or numpy.ndarray
            Of any strides, and any length along the dim of the stream, zero included. In its other
            dims, its library and its dtype it is like the first chunk.
        out : torch.Tensor or numpy.ndarray, optional
            Where to write the result, whose shape and dtype it has; it may be `chunk` itself.

        Returns
        -------
        torch.Tensor or numpy.ndarray
            Of the shape of `chunk`, in the first update with ``include_initial`` one longer along
            the dim of the stream; `out` if that was given.

        Raises
        ------
        TypeError
            If `chunk` is neither, or not of the library or the dtype of the first one; if sums of
            its dtype are not available; or if `out` is of another dtype than they.
        IndexError
            If the dim is out of range (``numpy.exceptions.AxisError`` for arrays).
        ValueError
            If `chunk` has no dims, or others than the first one had; or if `out` cannot take the
            result.
        RuntimeError
            If a gradient would have to be recorded.
        NotImplementedError
            For masked arrays, and for tensors that are not ordinary memory of this machine.

        After an error, or an interrupt from the keyboard, the stream is as it was before, but `out`
        may have been written in part.
        """
        library = "torch" if is_tensor(chunk) else "NumPy"
        if library == "NumPy" and not isinstance(chunk, np.ndarray):
            raise refuse("RunningSum.update", chunk)
        door = door_for(library)
        state, options, begins = self._state, self._options, self._state is None
        if state is None or not door.is_like(chunk, state.form):
            form = door.form_of(chunk, self._dim, self._dtype)
            if state is not None:
                state.form.check(form)
            else:
                state = door.begin(chunk, form, options)
        bordered = begins and options.include_initial
        spare, self._spare = self._spare, None
        if spare is None:
            spare = np.zeros_like(state.records)
        y, after = door.update(chunk, out, state, spare, bordered, options)
        self._state = after
        self._spare = spare if after.records is state.records else state.records
        return y

    @property
    def total(self) -> Any:
        """The sum of all elements so far, the last one included, for each line.

        It has the shape of a chunk without the dim of the stream, and the dtype of the results. For
        arrays of one dim it is a NumPy scalar. There is none before the first chunk: RuntimeError.
        """
        if self._state is None:
            raise RuntimeError(
                "RunningSum.total: it has a dtype and a shape from the first chunk on"
            )
        return door_for(self._state.form.library).total(self._state, self._options)

    @property
    def position(self) -> int:
        """How many elements each line has had."""
        return 0 if self._state is None else self._state.position

    def reset(self) -> None:
        """Begin anew, as if there had been no chunk; the next one may be of another kind."""
        self._state = self._spare = None

    def __getstate__(self) -> dict[str, Any]:
        """All but the memory that the next update will write to, which copies do not share."""
        state = self._state
        if state is not None:
            state = state._replace(records=state.records.copy())
        return self.__dict__ | {"_state": state, "_spare": None}

    def __repr__(self) -> str:
        dtype = self._dtype if self._state is None else self._state.form.dtype
        return f"<RunningSum dim={self._dim} dtype={dtype} position={self.position}>"


def door_for(library: str) -> ModuleType:
    """The module for chunks of this library, imported with the first one."""
    if library == "torch":
        from cumsum.stream import tensors

        return tensors
    return arrays
