"""The scan of segments of a GPU's tensors; no gradient is recorded here."""

from __future__ import annotations

import torch
from torch import Tensor

from cumsum.kernels.gpu.layout import Layout, Strides, layout_of
from cumsum.kernels.gpu.scan import TYPES, Kind, Values, kind_of
from cumsum.kernels.gpu.scan import scan as scan_lines
from cumsum.kernels.gpu.segments import Cuts, at_most, measured, scan, told
from cumsum.kernels.gpu.tensor import on
from cumsum.kernels.tensor import How, readable
from cumsum.segments import offsets_of


def scan_into(
    x: Tensor, y: Tensor, initial: Tensor | None, name: str, cuts: Tensor, how: How
) -> None:
    """Write the scans of the segments of `x`, cast to `y`'s dtype, to `y`.

    Parameters
    ----------
    x, y : Tensor
        Of one shape, with elements; the same elements, or none in common.
    initial : Tensor or None
        What the segments of a line begin with, of `y`'s dtype and with one element along the dim.
    name, cuts : str and Tensor
        The keyword that cuts the dim, and its value, the same for all lines.
    how : How
        How the tensor is scanned.
    """
    if y.is_conj() or y.is_neg():
        plain = torch.empty(y.shape, dtype=y.dtype, device=y.device)
        scan_into(x, plain, initial, name, cuts, how)
        y.copy_(plain)
        return
    first = None if initial is None else readable(initial, y.dtype)
    with on(x.device):
        _scan_into(readable(x, y.dtype), y, first, name, cuts, how)


def _scan_into(
    x: Tensor, y: Tensor, initial: Tensor | None, name: str, cuts: Tensor, how: How
) -> None:
    kind = kind_of(y.dtype.to_real(), compensated=how.compensated)
    given = cuts_of(name, cuts, x.device, x.size(how.dim), kind)
    if x.is_complex() != y.is_complex() or x.dtype not in TYPES:
        x = x.to(y.dtype)
    if y.is_complex():  # both parts are lines
        x, y = torch.view_as_real(x), torch.view_as_real(y)
        initial = None if initial is None else torch.view_as_real(initial)
    layout = layout_of(x.shape, how.dim, (x.stride(), y.stride()))
    sums = y
    if layout is None:  # three dims or more besides the scanned one that are in disorder
        x, sums = x.contiguous(), torch.empty(y.shape, dtype=y.dtype, device=y.device)
        layout = layout_of(x.shape, how.dim, (x.stride(), sums.stride()))
        assert layout is not None
    first = None if initial is None else initial.reshape(-1).contiguous()
    pairs = (Values(x, x), Values(sums, sums))
    scan(*pairs, given, first, layout, kind, exclusive=how.exclusive, reverse=how.reverse)
    if sums is not y:
        y.copy_(sums)


def cuts_of(name: str, cuts: Tensor, device: torch.device, size: int, kind: Kind) -> Cuts:
    """The segments of a dim of `size` elements, not 0, from the value of any of the keywords.

    It waits for the device, to find and to word errors. While a CUDA graph is captured nothing can:
    offsets and lengths that lie on the device are taken as they are then.
    """
    least = 2 if name == "offsets" else 1
    strange = cuts.dim() != 1 or len(cuts) < least or (name == "reset" and len(cuts) != size)
    if cuts.device != device and device.type == "cuda" and torch.cuda.is_current_stream_capturing():
        message = f"cumsum(): {name} must lie on {device} while a CUDA graph is captured"
        raise NotImplementedError(message)
    if strange or cuts.device != device:
        known = offsets_of(name, cuts.numpy(force=True), size, 1)
        return Cuts(torch.from_numpy(known).to(device), told(known, size, kind))
    capturing = device.type == "cuda" and torch.cuda.is_current_stream_capturing()
    if name == "reset":
        if capturing:
            raise NotImplementedError(
                "cumsum(): reset is not available while a CUDA graph is captured; give offsets"
            )
        offsets = _of_starts(cuts)
    else:  # a copy, which nobody else changes between check and scan
        offsets = _of_lengths(cuts) if name == "lengths" else cuts.clone()
    if capturing:  # nothing is checked, so nothing may lead out of the dim
        return Cuts(within(offsets, size), at_most(len(offsets) - 1, size, size, kind))
    facts = measured(offsets, size, kind)
    if facts.faults:
        offsets_of(name, cuts.numpy(force=True), size, 1)  # raises the error
    return Cuts(offsets, facts)


def within(offsets: Tensor, size: int) -> Tensor:
    """Offsets of a dim of `size` elements: the same numbers if they have no fault."""
    inside = offsets.clamp(0, size).cummax(0).values
    inside[0], inside[-1] = 0, size
    return inside


def _of_lengths(lengths: Tensor) -> Tensor:
    """The offsets, which fall somewhere if a length is negative, or their sum no int64."""
    offsets = torch.zeros(len(lengths) + 1, dtype=torch.int64, device=lengths.device)
    row = Layout(
        1,
        1,
        len(lengths),
        columns=False,
        strides=(Strides(0, 0, lengths.stride(0)), Strides(0, 0, 1)),
    )
    sums = offsets[1:]
    pairs = (Values(lengths, lengths), Values(sums, sums))
    scan_lines(*pairs, None, row, kind_of(torch.int64), exclusive=False, reverse=False)
    return offsets


def _of_starts(starts: Tensor) -> Tensor:
    """The offsets of segments that begin where `starts` is set, and at the first element."""
    within = starts[1:].nonzero().flatten() + 1
    return torch.cat((within.new_zeros(1), within, within.new_full((1,), len(starts))))
