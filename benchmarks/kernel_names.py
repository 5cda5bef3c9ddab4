"""The kernels whose loops are looked at: files and functions of src/core."""

from __future__ import annotations

from dataclasses import dataclass

from loops import Way


@dataclass(frozen=True)
class Kernel:
    """Where a loop is found, and how many bytes an element has in what it stores, or only loads."""

    name: str
    file: str
    function: str
    size: int
    loads: bool = False

    def elements(self, way: Way) -> float:
        """The elements of an iteration."""
        return (way.loaded if self.loads else way.stored) / self.size


def rows(name: str, file: str, types: str, size: int, channels: int = 1) -> Kernel:
    """Lines along the axis of memory; `types` are those of x and y."""
    function = rf"\bRows?<[\w: ]+, {channels}, 1\b.*>::\w+<{types}\b"
    return Kernel(f"rows, {name}", file, function, size)


def columns(name: str, file: str, types: str, size: int) -> Kernel:
    """Lines side by side."""
    return Kernel(f"columns, {name}", file, rf"\bColumns?<[\w: ]+>::\w+<{types}\b", size)


def totals(name: str, file: str, element: str, size: int) -> Kernel:
    """The sums of tiles."""
    function = rf"\bTileSums<[\w: ]+, 1, 1>::\w+<{element}\b"
    return Kernel(f"totals, {name}", file, function, size, loads=True)


# What a target that changes some rows of another has of its own.
CHANGED = {
    "avx512_256": (
        *(f"rows, {t}" for t in ("float32", "float64", "int64", "complex64")),
        *(f"totals, {t}" for t in ("float32", "float64")),
    )
}
HALF = "cumsum::Float16, cumsum::Float16"
BRAIN = "cumsum::BFloat16, cumsum::BFloat16"
INT, LONG = (f"(unsigned )?{name}, (unsigned )?{name}" for name in ("int", "long"))  # may be one
KERNELS = (
    rows("float32", "float32", "float, float", 4),
    rows("float64", "float64", "double, double", 8),
    rows("int64", "integers", LONG, 8),
    rows("int8 to int64", "integers", "signed char, long", 8),
    rows("bool to int64", "integers", "cumsum::Bool, long", 8),
    rows("int32", "narrow", INT, 4),
    rows("float16", "halves", HALF, 2),
    rows("bfloat16", "halves", BRAIN, 2),
    rows("complex64", "complex", "float, float", 8, channels=2),
    columns("float32", "float32", "float, float", 4),
    columns("float64", "float64", "double, double", 8),
    columns("int64", "integers", LONG, 8),
    columns("bfloat16", "halves", BRAIN, 2),
    totals("float32", "float32", "float", 4),
    totals("float64", "float64", "double", 8),
    Kernel("decayed rows, float32", "decays", r"\bDecayRows<float, 1, float, false>::", 4),
)


def kernels_of(target: str) -> tuple[Kernel, ...]:
    """Those that a target has of its own."""
    return tuple(k for k in KERNELS if k.name in CHANGED.get(target, (k.name,)))
