"""`patch_torch`: torch's own cumsum answered by our kernels, for as long as it is wanted."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from types import TracebackType

_lock = threading.Lock()
_patches: set[Patch] = set()  # those not undone yet
_libraries: list[Any] = []  # what they share: one torch.library.Library, while there are any


class Patch:
    """What `patch_torch` returns: undone by `undo`, or by the end of its ``with`` block."""

    def __init__(self) -> None:
        from cumsum import dispatcher

        with _lock:
            if not _libraries:
                _libraries.append(dispatcher.register(dispatcher.makers()))
            _patches.add(self)

    def undo(self) -> None:
        """Give torch its own kernels back, if no other patch wants ours; once is enough."""
        with _lock:
            _patches.discard(self)
            if not _patches and _libraries:
                _libraries.pop()._destroy()

    def __enter__(self) -> Self:
        if self not in _patches:
            raise RuntimeError("this patch has been undone: call cumsum.patch_torch() again")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.undo()


def patch_torch() -> Patch:
    """Let our kernels answer ``torch.cumsum``, wherever it is called from.

    ``torch.cumsum``, ``Tensor.cumsum``, ``Tensor.cumsum_``, ``out=`` and ``torch.ops.aten.cumsum``
    of tensors of the CPU, or of a GPU that has kernels of ours, then give the bits of
    `cumsum.cumsum`, in libraries that know nothing of it too. Gradients, the transforms of
    torch.func and ``torch.compile`` stay torch's own and compute with our kernels. Errors stay
    torch's, and so does every tensor of another device or layout.

    Returns
    -------
    Patch
        A context manager whose end undoes the patch; so does its method ``undo()``, however often
        it is called. Patches may be nested: torch is itself again when all have been undone.

    Raises
    ------
    ImportError
        If there is no torch, or one older than 2.10.

    Notes
    -----
    A patch counts for the whole process: threads that are running see it, and a forked child
    inherits it. Patching and undoing may be done by any thread, but at a moment when no other
    thread calls torch's cumsum: torch changes its table of kernels without stopping its readers.

    Examples
    --------
    >>> import cumsum, torch
    >>> with cumsum.patch_torch():
    ...     torch.ones(4).cumsum(0)
    tensor([1., 2., 3., 4.])
    >>> patch = cumsum.patch_torch()
    >>> torch.arange(4).cumsum(0)
    tensor([0, 1, 3, 6])
    >>> patch.undo()
    """
    return Patch()
