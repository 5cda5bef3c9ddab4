"""Result dtypes, layouts and values."""

import torch

from spec.harness import Case, call

INTEGERS = (torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64)
FLOATS = (torch.float16, torch.bfloat16, torch.float32, torch.float64)
COMPLEX = (torch.complex64, torch.complex128)
WORKING = (*INTEGERS, *FLOATS, *COMPLEX)
REFUSED = (
    torch.bool,
    torch.uint16,
    torch.uint32,
    torch.uint64,
    torch.complex32,
    torch.float8_e4m3fn,
    torch.float8_e5m2,
    torch.float8_e4m3fnuz,
    torch.float8_e5m2fnuz,
    torch.float8_e8m0fnu,
)
DTYPES = (*WORKING, *REFUSED)
INF, NAN = float("inf"), float("nan")


def name(dtype):
    return str(dtype).removeprefix("torch.")


def small(dtype, shape=(3, 11)):
    """Small non-negative integers, which every order of additions sums to the same float."""
    numbers = torch.arange(torch.Size(shape).numel()).remainder(5).view(shape)
    return numbers.to(torch.float32).to(dtype)


def dtype_cases():
    for source in DTYPES:
        for op in ("cumsum", "cumsum_"):
            for dim in (0, 1):
                yield Case(
                    f"{op} {name(source)} dim={dim}",
                    lambda source=source, dim=dim: call(small(source), dim),
                    op,
                )
            for shape in ((), (0,), (1,), (3, 0)):
                yield Case(
                    f"{op} {name(source)} {shape}",
                    lambda source=source, shape=shape: call(small(source, shape), 0),
                    op,
                )
        for target in DTYPES:
            for shape in ((3, 11), ()):
                yield Case(
                    f"{name(source)} -> {name(target)} {shape}",
                    lambda s=source, t=target, h=shape: call(small(s, h), 0, dtype=t),
                )


VALUES = {
    "nan goes on": ([1, NAN, 2, 3], FLOATS),
    "inf then -inf": ([1, INF, 2, -INF, 3], FLOATS),
    "inf stays": ([1, INF, 2, -3], FLOATS),
    "-inf stays": ([1, -INF, 2, -3], FLOATS),
    "leading -0.0": ([-0.0, -0.0, 0.0, -1.0, 1.0], FLOATS),
    "only -0.0": ([-0.0] * 20, FLOATS),
    "sum cancels to zero": ([-1.0, 1.0, -0.0], FLOATS),
    "float16 rounds on store": ([60000, 60000, -60000], (torch.float16,)),
    "bfloat16 sums past 256": ([1.0] * 600, (torch.bfloat16,)),
    "float16 sums past 2048": ([1.0] * 4500, (torch.float16,)),
    "float32 sums past 2**24": ([2.0**24, 1.0, 1.0, 1.0], (torch.float32,)),
    "float32 overflow is not sticky": ([3e38, 3e38, -3e38, -3e38], (torch.float32,)),
    "bfloat16 sums past float32's range": ([3e38, 3e38, -3e38, -3e38], (torch.bfloat16,)),
    "float64 overflow": ([1e308, 1e308, 1.0], (torch.float64,)),
    "float64 pairs past the range": ([1.7e308, 1.7e308, -1.7e308, -1.7e308], (torch.float64,)),
    "denormals": ([1e-45, 1e-45, 2e-45], (torch.float32,)),
    "float64 denormals": ([5e-324, 5e-324, 1e-323], (torch.float64,)),
    "float16 denormals": ([6e-8, 6e-8, 1.2e-7], (torch.float16,)),
    "uint8 wraps": ([200, 100, 255, 1], (torch.uint8,)),
    "int32 holds": ([2**31 - 1, 1, 1], (torch.int32,)),
    "int64 wraps": ([2**63 - 1, 1, -(2**63)], (torch.int64,)),
    "uint64 wraps to int64": ([2**64 - 1, 1], (torch.uint64,)),
}
CASTS = {
    "float truncates first": ([0.9, 0.9, -1.9], torch.float32, torch.int64),
    "float64 truncates to int8": ([1.9, -1.9, 120.5, 9.0], torch.float64, torch.int8),
    "nan and inf to int64": ([NAN, 0.0, INF, -INF], torch.float32, torch.int64),
    "int8 wraps in int8": ([100, 100, 100], torch.int8, torch.int8),
    "int32 wraps in uint8": ([300, 300, -1], torch.int32, torch.uint8),
    "int64 rounds to float32 first": ([2**24 + 1, -(2**24)], torch.int64, torch.float32),
    "float32 rounds to float16 first": ([1 + 2**-11, 2**-11], torch.float32, torch.float16),
    "float64 rounds to bfloat16 first": ([1 + 2**-8, 2**-8], torch.float64, torch.bfloat16),
    "float32 overflows float16": ([1e5, 1.0, -1e5], torch.float32, torch.float16),
    "float64 overflows float32": ([1e39, 1.0], torch.float64, torch.float32),
    "complex to real": ([1 + 2j, 3 - 1j], torch.complex64, torch.float32),
    "complex to int": ([1.5 + 2j, 3 - 1j], torch.complex128, torch.int32),
    "real to complex": ([1.0, -2.0], torch.float32, torch.complex128),
    "real -0.0 to complex": ([-0.0, -0.0], torch.float32, torch.complex64),
}
LAYOUTS = {
    "transposed": lambda dtype: small(dtype).t(),
    "permuted": lambda dtype: small(dtype, (2, 3, 4)).permute(2, 0, 1),
    "expanded": lambda dtype: small(dtype, (3, 1)).expand(3, 9),
    "expanded rows": lambda dtype: small(dtype, (1, 9)).expand(4, 9),
    "sliced": lambda dtype: small(dtype, (6, 20))[::2, 1::3],
    "offset": lambda dtype: small(dtype, (34,))[1:].view(3, 11),
    "unfolded windows": lambda dtype: small(dtype, (12,)).unfold(0, 5, 2),
    "channels last": lambda dtype: small(dtype, (2, 3, 4, 5)).to(memory_format=torch.channels_last),
    "squeezed dim": lambda dtype: small(dtype, (3, 1, 4)).transpose(0, 1),
}


def random(dtype, shape, positive=False):
    generator = torch.Generator().manual_seed(0)
    numbers = torch.randn(shape, generator=generator, dtype=torch.complex128)
    numbers = numbers if dtype.is_complex else numbers.real
    return (numbers.abs() if positive else numbers).to(dtype)


def value_cases():
    for op in ("cumsum", "cumsum_"):
        for what, (numbers, dtypes) in VALUES.items():
            for dtype in dtypes:
                suffix = f" {name(dtype)}" if len(dtypes) > 1 else ""
                yield Case(
                    ("" if op == "cumsum" else "cumsum_ ") + what + suffix,
                    lambda numbers=numbers, dtype=dtype: call(
                        torch.tensor(numbers, dtype=dtype), 0
                    ),
                    op,
                )
        for dtype in (torch.float32, torch.complex64):
            for shape, dim in (((3, 10_000), 1), ((10_000, 3), 0), ((20_000,), 0)):
                yield Case(
                    f"{op} random {name(dtype)} {shape}",
                    lambda dtype=dtype, shape=shape, dim=dim: call(random(dtype, shape), dim),
                    op,
                )
        for dtype, ulps in ((torch.float64, 4), (torch.float16, 1), (torch.bfloat16, 1)):
            yield Case(
                f"{op} random {name(dtype)}",
                lambda dtype=dtype: call(random(dtype, (50, 40), positive=True), 1),
                op,
                ulps=ulps,
            )
    for dtype in WORKING:
        for shape, dim in (((9000,), 0), ((2, 9000), 1), ((9000, 3), 0), ((2, 500, 20), 1)):
            yield Case(
                f"long {name(dtype)} {shape}",
                lambda dtype=dtype, shape=shape, dim=dim: call(small(dtype, shape), dim),
            )


def layout_cases():
    for what, make in LAYOUTS.items():
        # Windows share memory in a way that torch does not notice when it writes to them.
        for op in ("cumsum",) if "windows" in what else ("cumsum", "cumsum_"):
            for dtype in (torch.float32, torch.int8, torch.bool, torch.bfloat16, torch.complex64):
                for dim in (0, -1):
                    yield Case(
                        f"{op} {what} {name(dtype)} dim={dim}",
                        lambda make=make, dtype=dtype, dim=dim: call(make(dtype), dim),
                        op,
                    )


SPECIAL = [-0.0 + 1j, complex(NAN, 1), complex(1, INF), complex(1, -INF), complex(INF, NAN)]
LAZY = {
    "conj view": lambda x: x.conj(),
    "neg view": lambda x: x.conj().imag,
    "conj neg view": lambda x: torch._neg_view(x.conj()),
    "conj slice": lambda x: x.conj()[1:3],
    "imag": lambda x: x.imag,
    "real of conj": lambda x: x.conj().real,
    "zero tensor": lambda x: torch._efficientzerotensor(3, dtype=torch.float32),
}

CASES = [
    *dtype_cases(),
    *value_cases(),
    *layout_cases(),
    *(
        Case(what, lambda n=numbers, s=source, t=target: call(torch.tensor(n, dtype=s), 0, dtype=t))
        for what, (numbers, source, target) in CASTS.items()
    ),
    *(
        Case(
            f"{op} complex specials {name(dtype)}",
            lambda d=dtype: call(torch.tensor(SPECIAL, dtype=d), 0),
            op,
        )
        for dtype in COMPLEX
        for op in ("cumsum", "cumsum_")
    ),
    *(
        Case(
            f"{op} {what}",
            lambda make=make: call(make(torch.tensor([1 + 1j, 2 - 1j, -3 + 4j])), 0),
            op,
        )
        for what, make in LAZY.items()
        for op in ("cumsum", "cumsum_")
    ),
]
