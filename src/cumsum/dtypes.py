"""The element types of the core, by the names that NumPy and torch have for them."""

from __future__ import annotations

from enum import IntEnum


class DType(IntEnum):
    """Element types of the core; the numbers are those of `src/core/types/element.h`."""

    bool = 0
    uint8 = 1
    int8 = 2
    uint16 = 3
    int16 = 4
    uint32 = 5
    int32 = 6
    uint64 = 7
    int64 = 8
    float16 = 9
    bfloat16 = 10
    float32 = 11
    float64 = 12
    longdouble = 13
    complex64 = 14
    complex128 = 15
    clongdouble = 16


BY_NAME = {dtype.name: dtype for dtype in DType}
