"""NumPy arrays, by NumPy's conventions."""

from __future__ import annotations

import operator
import warnings
from typing import Any

import numpy as np

from cumsum import _core, abilities, generic, overflow, subclasses
from cumsum.dtypes import BY_NAME, DType
from cumsum.initial import first_values
from cumsum.options import Options, take
from cumsum.spec import Memory, Spec
from cumsum.threads import get_num_threads

Array = np.ndarray[Any, Any]

_CODES = {
    np.dtype(name): BY_NAME[name]
    for name in BY_NAME
    if name not in ("bfloat16", "longdouble", "clongdouble")
} | {np.dtype(np.longdouble): DType.longdouble, np.dtype(np.clongdouble): DType.clongdouble}
if np.dtype(np.longdouble).itemsize != 16:  # it is float64 there, or a type the core lacks
    _CODES = {d: c for d, c in _CODES.items() if c not in (DType.longdouble, DType.clongdouble)}


def register() -> None:
    """Let the core take plain arrays itself."""
    types: list[Any] = [None] * len(DType)
    for dtype, code in _CODES.items():
        types[code] = dtype
    names = {name: int(code) for dtype, code in _CODES.items() for name in (dtype, dtype.type)}
    _core.register_numpy(np.ndarray, np.dtype, np.empty_like, tuple(types), names)


def code_of(dtype: np.dtype[Any]) -> DType | None:
    """The core's number for a dtype in native byte order, None if it has no kernels for it."""
    code = _CODES.get(dtype)
    if code is None and dtype.name == "bfloat16" and dtype.isnative:
        return DType.bfloat16
    return code


def native(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """The dtype in this machine's byte order."""
    return dtype if dtype.isnative else dtype.newbyteorder("=")


def default_dtype(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """The dtype of a result: booleans and short integers widen to 64 bits, in native byte order."""
    if dtype.kind in "bi" and dtype.itemsize < 8:
        return np.dtype(np.int64)
    if dtype.kind == "u" and dtype.itemsize < 8:
        return np.dtype(np.uint64)
    return native(dtype)


def memory_of(x: Array) -> Memory:
    """Where an array lies whose dtype the core knows."""
    code = code_of(x.dtype)
    assert code is not None
    return Memory(x.__array_interface__["data"][0], code, x.shape, x.strides)


def axis_of(axis: Any, ndim: int) -> int:
    """A dim as NumPy takes it, made non-negative."""
    if isinstance(axis, bool | np.bool):
        raise TypeError("cumsum(): an integer is required for the axis, not bool")
    try:
        index = operator.index(axis)
    except TypeError:
        message = f"cumsum(): argument 'dim' must be int, not {type(axis).__name__}"
        raise TypeError(message) from None
    if not -ndim <= index < ndim:
        raise np.exceptions.AxisError(index, ndim)
    return index % ndim


def result_dtype(x: Array, dtype: Any, out: Array | None = None) -> np.dtype[Any]:
    """The dtype that `x` is summed in, with a warning if it has no room for what `x` holds."""
    result = dtype_of_sums(x, dtype, out)
    if discards(x, result):
        message = "Casting complex values to real discards the imaginary part"
        warnings.warn(message, np.exceptions.ComplexWarning, stacklevel=5)
    return result


def discards(x: Array, dtype: np.dtype[Any]) -> bool:
    """Whether sums of `dtype` are those of the real parts of `x` alone."""
    return x.dtype.kind == "c" and dtype.kind in "iuf"


def dtype_of_sums(x: Array, dtype: Any, out: Array | None = None) -> np.dtype[Any]:
    """The dtype that `x` is summed in: the one asked for, one that holds `out` too, or its own."""
    if dtype is not None:
        result = native(np.dtype(dtype))
    elif out is not None and x.dtype.kind in "biufc" and out.dtype.kind in "biufc":
        result = np.result_type(x.dtype, out.dtype)
    else:
        result = default_dtype(x.dtype)
    for d in (x.dtype, result):
        if d.kind == "M":
            raise TypeError(f"cumsum(): dates cannot be added, got dtype {d}; use timedelta64")
        if d.kind in "SU":
            raise TypeError(f"cumsum(): strings of fixed width cannot be summed, got dtype {d}")
        if d.names is not None or d.subdtype is not None or d.type is np.void:
            raise TypeError(f"cumsum(): structured elements cannot be added, got dtype {d}")
    if x.dtype.kind == "m" and dtype is not None and result.kind not in "mO":
        result = native(x.dtype)  # as NumPy: a duration stays one
    durations = [d.kind == "m" for d in (result, result if out is None else out.dtype)]
    if out is not None and out.dtype.kind != "O" and durations[0] != durations[1]:
        raise TypeError(f"cumsum(): sums of dtype {result} cannot be written to out of {out.dtype}")
    return result


def scan_into(x: Array, y: Array, spec: Spec, initial: Array | None = None) -> None:
    """Write the scan of `x`, cast to `y`'s dtype, to `y`, by whichever way knows the dtypes.

    `x` has at least one dimension, and `y` its shape, with an element more along the dim if that is
    asked for; they are the same elements or share none. `initial` has one element along the dim,
    and `y`'s dtype.
    """
    durations = x.dtype.kind == "m" and y.dtype.kind == "m"
    if code_of(y.dtype) is not None and x.dtype.kind not in "mOT":
        scan_in_core(readable(x, y.dtype), y, spec, initial)
        return
    sums = y
    if spec.include_initial:
        sums, border = at_border(y, spec.dim, spec.reverse)
        border[...] = np.zeros((), y.dtype) if initial is None else initial
        spec = spec._replace(include_initial=False)
    (generic.scan_durations if durations else generic.scan_any)(x, sums, spec, initial)


def scan_in_core(
    x: Array, y: Array, spec: Spec, *operands: Array | None, threads: int | None = None
) -> tuple[int, int, int] | None:
    """The core's scan of dtypes that it knows; `operands` are those of `_core.scan`."""
    given = [None if operand is None else memory_of(operand) for operand in operands]
    return _core.scan(memory_of(x), memory_of(y), spec, threads or get_num_threads(), *given)


def readable(x: Array, dtype: np.dtype[Any]) -> Array:
    """`x` as the core reads it on its way to `dtype`, of which the core has a code.

    The core goes from float64 to 16 bits by way of float32, as torch does; NumPy rounds once.
    """
    is_wide = x.dtype.itemsize > {"f": 4, "c": 8}.get(x.dtype.kind, 16)
    if is_wide and code_of(dtype) in {DType.float16, DType.bfloat16}:
        return x.real.astype(dtype)
    if code_of(x.dtype) is not None:
        return x
    plain = native(x.dtype)  # another byte order, or a type the core cannot read
    return x.astype(dtype if code_of(plain) is None else plain)


def cast_into(x: Array, y: Array) -> None:
    """Write `x`, cast to `y`'s dtype by the core's rule, to `y`: a scan of lines of one element."""
    scan_into(x[..., np.newaxis], y[..., np.newaxis], Spec(x.ndim))


def _is_plain_target(out: Array, x: Array, dtype: np.dtype[Any], initial: Array | None) -> bool:
    """Whether a result of `dtype` can be written straight into `out`."""
    if initial is not None and np.may_share_memory(initial, out):
        return False
    if out.dtype != dtype or not out.dtype.isnative:
        return False
    if any(stride == 0 and size > 1 for size, stride in zip(out.shape, out.strides, strict=True)):
        return False
    if not np.may_share_memory(x, out):
        return True
    same_place = x.__array_interface__["data"][0] == out.__array_interface__["data"][0]
    same_elements = same_place and x.shape == out.shape and x.strides == out.strides
    return same_elements and x.dtype == out.dtype


def _checked_out(out: Any, shape: tuple[int, ...]) -> Array:
    if not isinstance(out, np.ndarray):
        raise TypeError(f"cumsum(): argument 'out' must be an array, not {type(out).__name__}")
    if out.shape != shape:
        raise ValueError(f"cumsum(): out has shape {out.shape}, but the result has shape {shape}")
    if not out.flags.writeable:
        raise ValueError("cumsum(): output array is read-only")
    return out


def at_border(y: Array, axis: int, reverse: bool) -> tuple[Array, Array]:
    """The sums in `y` of some elements, and the sum of none, at their beginning."""
    ends = (slice(None, -1), slice(-1, None)) if reverse else (slice(1, None), slice(None, 1))
    sums, border = (y[(slice(None),) * axis + (end,)] for end in ends)
    return sums, border


def _scan(x: Array, y: Array, axis: int, options: Options, initial: Array | None) -> None:
    """Write the scan that has nothing but flags and initial values to `y`."""
    scan_into(x, y, options.spec(axis), initial)


def _flattened(input: Any, dim: Any) -> tuple[Array, int]:
    """The array to scan and its axis: all elements in one line if `dim` is None."""
    x = np.asarray(input)
    if dim is None or x.ndim == 0:
        x = x.reshape(-1)
    return x, 0 if dim is None else axis_of(dim, x.ndim)


def cumsum(input: Any, dim: Any, *, dtype: Any = None, out: Any = None, **keywords: Any) -> Any:
    """`cumsum.cumsum` for a NumPy array or any subclass; `dim=None` scans the flattened array."""
    options = take("cumsum", keywords)
    if subclasses.answers(input) or subclasses.answers(out):
        return subclasses.ask("cumsum", input, dim, dtype, out, options)
    if not (isinstance(input, np.ma.MaskedArray) or isinstance(out, np.ma.MaskedArray)):
        return scan_array(input, dim, dtype, out, options)

    def scan(x: Array, kept: Any, target: Any) -> Any:
        return scan_array(x, dim, dtype, target, options._replace(where=kept))

    return subclasses.scan_masked(scan, input, None if dim is None else [dim], out, options)


def _made_arrays(options: Options, input: Any, dim: Any) -> Options:
    """The options with arrays where their owners make those, before any memory is looked at."""
    if options.decay is not None:
        options = options._replace(decay=subclasses.array_of("decay", options.decay))
    if dim is None and options.where is not None:
        from cumsum.missing.arrays import mask_of

        options = options._replace(where=mask_of(options.where, np.shape(input)).reshape(-1))
    return options


def scan_array(input: Any, dim: Any, dtype: Any, out: Any, options: Options) -> Any:
    """The same with the keywords as `Options`."""
    options = _made_arrays(options, input, dim)
    x, axis = _flattened(input, dim)
    bordered = options.include_initial
    shape = (*x.shape[:axis], x.shape[axis] + bordered, *x.shape[axis + 1 :])
    target = None if out is None else np.asarray(_checked_out(out, shape))
    exact = overflow.is_exact(options)
    if exact and target is not None:
        dtype = overflow.dtype_for(target, dtype)
    wanted = result_dtype(x, dtype, target)
    if discards(x, wanted) and not exact:
        if options.skipna:  # what is missing may be the imaginary part
            options = options._replace(where=_numbers(x, options.where), skipna=False)
        x = x.real
    initial = None
    if options.initial is not None:
        first = overflow.dtype_of_first(options.initial, wanted) if exact else wanted
        initial = first_values(options.initial, x, axis, first)
    ability = abilities.for_arrays(options)
    scan_to = _scan if ability is None else ability.scan_into
    if target is not None and _is_plain_target(target, x, wanted, initial):
        scan_to(x, target, axis, options, initial)
        return out
    result = np.empty_like(x, dtype=wanted, subok=False, shape=shape if bordered else None)
    scan_to(x, result, axis, options, initial)
    if target is None:
        return result if type(input) is np.ndarray else input.__array_wrap__(result, None, False)
    if wanted.kind in "fc" and target.dtype.kind in "iu" and code_of(target.dtype) is not None:
        cast_into(result, target)
    else:
        np.copyto(target, result, casting="unsafe")
    return out


def _numbers(x: Array, where: Any) -> Array:
    """Where `x` is not NaN, of what counts by `where`."""
    from cumsum.missing.arrays import mask_of

    kept: Array = ~np.isnan(x)
    return kept if where is None else kept & mask_of(where, x.shape)


def cumsum_(input: Any, dim: Any, *, dtype: Any = None, **keywords: Any) -> Any:
    """`cumsum.cumsum_` for a NumPy array: the dtype stays what it is."""
    options = take("cumsum_", keywords)
    if subclasses.answers(input):
        return subclasses.ask("cumsum_", input, dim, dtype or input.dtype, input, options)
    if dtype is not None and np.dtype(dtype) != input.dtype:
        message = f"cumsum_(): dtype is {np.dtype(dtype)}, but the array's own is {input.dtype}"
        raise TypeError(message)
    if dim is None:
        raise TypeError("cumsum_(): argument 'dim' must be int, not NoneType")
    x: Array = input
    if isinstance(input, np.ma.MaskedArray):  # what is masked stays so
        options = options._replace(where=subclasses.kept_of(input, options.where))
        x = np.ma.getdata(input, subok=False)
    if x.ndim == 0:
        axis_of(dim, 1)
        x = x.reshape(1)
    scan_array(x, dim, x.dtype, x, options)
    return input
