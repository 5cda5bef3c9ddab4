"""where=, skipna= and missing= on tensors."""

import itertools

import pytest
import torch
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.autograd import gradcheck, gradgradcheck

import cumsum
from orientations import COMBINATIONS, name

DTYPES = [torch.bool, torch.int8, torch.int64, torch.float16, torch.bfloat16, torch.float32]
DTYPES += [torch.float64, torch.complex64, torch.complex128]
SHAPES = [((7,), 0), ((0,), 0), ((3, 20), 1), ((20, 3), 0), ((4, 0, 3), 0), ((5, 300, 6), 1)]
SHAPES += [((), 0), ((100_000,), 0)]
every_way = pytest.mark.parametrize("flags", COMBINATIONS, ids=name)
either = pytest.mark.parametrize("missing", ["carry", "nan"])


def has_nan(dtype):
    return dtype.is_floating_point or dtype.is_complex


def values(shape, dtype, seed=0):
    """Numbers, a few of which are NaN where there is such a thing, and a mask."""
    generator = torch.Generator().manual_seed(seed)
    x = (torch.randn(shape, generator=generator) * 3).to(dtype)
    if has_nan(dtype):
        x[torch.rand(shape, generator=generator) < 0.2] = float("nan")
    return x, torch.rand(shape, generator=generator) < 0.7


def reference(x, dim, where=None, *, skipna=False, missing="carry", **keywords):
    """The plain scan of the elements with zeros in the holes, and NaN put in after it."""
    kept = torch.ones(x.shape, dtype=torch.bool) if where is None else where.expand(x.shape)
    if skipna and has_nan(x.dtype):
        kept = kept & ~torch.isnan(x)
    y = cumsum.cumsum(torch.where(kept, x, torch.zeros((), dtype=x.dtype)), dim, **keywords)
    if missing == "nan":
        sums = y
        if keywords.get("include_initial") and x.dim():
            sums = y.narrow(dim, 0 if keywords.get("reverse") else 1, x.size(dim))
        elif keywords.get("include_initial"):
            sums = y[:1] if keywords.get("reverse") else y[1:]
        nan = complex("nan+nanj") if y.is_complex() else float("nan")
        sums[~kept.reshape(sums.shape)] = nan
    return y


def same(a, b):
    return (
        a.dtype == b.dtype
        and torch.equal(torch.isnan(a), torch.isnan(b))
        and bool(torch.all((a == b) | torch.isnan(a)))
    )


def doubles(shape=(3, 5), dim=1):
    """Something to scan and what to begin with, both to be differentiated, and a mask."""
    x, where = values(shape, torch.float64, 3)
    initial = torch.randn([n for d, n in enumerate(shape) if d != dim], dtype=torch.float64)
    return torch.nan_to_num(x).requires_grad_(), initial.requires_grad_(), where


@either
@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_values(dtype, missing):
    for shape, dim in SHAPES:
        x, where = values(shape, dtype)
        if missing == "nan" and not has_nan(dtype):
            with pytest.raises(ValueError, match="which sums of"):
                cumsum.cumsum(x, dim, where=where, missing="nan")
            continue
        masks = [None, where, torch.tensor(False), where[..., :1] if shape else where]
        for mask, skipna, reverse in itertools.product(masks, (False, True), (False, True)):
            given = {"skipna": skipna or mask is None, "missing": missing, "reverse": reverse}
            expected = reference(x, dim, mask, **given)
            assert same(cumsum.cumsum(x, dim, where=mask, **given), expected)
            if x.dim() == 2:
                turned = mask if mask is None or mask.dim() == 0 else mask.t()
                result = cumsum.cumsum(x.t(), 1 - dim, where=turned, **given)
                assert same(result.t(), expected)


@every_way
@either
def test_combinations(flags, missing):
    for shape, dim in SHAPES:
        for dtype in (torch.float32, torch.float64, torch.int32):
            x, where = values(shape, dtype)
            if missing == "nan" and not has_nan(dtype):
                continue
            given = flags | {"initial": 2, "skipna": True, "missing": missing}
            expected = reference(x, dim, where, **given)
            assert same(cumsum.cumsum(x, dim, where=where, **given), expected)


@every_way
@either
@pytest.mark.parametrize("dim", [0, 1])
def test_gradients(dim, missing, flags):
    x, initial, where = doubles(dim=dim)
    shown = 0 if missing == "nan" else None

    def scan(x, initial):
        y = cumsum.cumsum(x, dim, initial=initial, where=where, missing=missing, **flags)
        return y if shown is None else torch.nan_to_num(y)  # NaN differs from itself

    assert gradcheck(scan, (x, initial), check_forward_ad=True, check_batched_grad=True)
    assert gradgradcheck(scan, (x, initial), check_fwd_over_rev=True, check_rev_over_rev=True)


@every_way
@either
def test_no_gradient_at_holes(missing, flags):
    x, initial, where = doubles()
    plain = x.detach().clone()
    x = plain.clone()
    x[0, 1] = x[2, 3] = float("nan")
    x.requires_grad_()
    kept = where & ~torch.isnan(x)
    y = cumsum.cumsum(x, 1, initial=initial, where=where, skipna=True, missing=missing, **flags)
    weights = torch.randn(y.shape, dtype=torch.float64)
    ours = torch.autograd.grad(y, (x, initial), weights)
    filled = torch.where(kept, plain, 0).requires_grad_()
    z = cumsum.cumsum(filled, 1, initial=initial, **flags)
    if missing == "nan":
        sums = weights
        if flags["include_initial"]:
            sums = weights.narrow(1, 0 if flags["reverse"] else 1, 5)
        sums[~kept] = 0
    theirs = torch.autograd.grad(z, (filled, initial), weights)
    assert torch.equal(ours[0], torch.where(kept, theirs[0], 0))
    assert torch.allclose(ours[1], theirs[1])


@either
def test_forward_mode_and_func(missing):
    x, _, where = doubles()
    x = x.detach()
    given = {"where": where, "missing": missing}
    tangent = torch.randn(x.shape, dtype=torch.float64)
    y, t = torch.func.jvp(lambda x: cumsum.cumsum(x, 1, **given), (x,), (tangent,))
    assert same(y, reference(x, 1, where, missing=missing))
    expected = reference(tangent, 1, where)
    assert torch.equal(t, torch.where(where, expected, 0) if missing == "nan" else expected)
    gradient = torch.func.grad(lambda x: torch.nansum(cumsum.cumsum(x, 1, **given)))(x)
    assert torch.equal(gradient == 0, ~where | (gradient == 0))


@either
@pytest.mark.parametrize("in_dims", [(0, None), (None, 0), (0, 0), (1, 2)])
def test_vmap(in_dims, missing):
    x, where = values((4, 4, 4), torch.float64)

    def scan(x, where):
        return cumsum.cumsum(x, -1, where=where, skipna=True, missing=missing)

    taken = [t if d is not None else t[0] for t, d in zip((x, where), in_dims, strict=True)]
    result = torch.func.vmap(scan, in_dims=in_dims)(*taken)
    for i in range(4):
        sample = [t if d is None else t.select(d, i) for t, d in zip(taken, in_dims, strict=True)]
        assert same(result[i], scan(*sample))


COMPILED = [("aot_eager", flags) for flags in COMBINATIONS]
COMPILED += [("inductor", COMBINATIONS[0]), ("inductor", COMBINATIONS[-1])]


@either
@pytest.mark.parametrize(("backend", "flags"), COMPILED)
def test_compiled(backend, flags, missing):
    def function(x, initial, where):
        given = flags | {"where": where, "skipna": True, "missing": missing}
        return torch.nan_to_num(cumsum.cumsum(x * 2, 1, initial=initial, **given), nan=-1.0) + 1

    torch._dynamo.reset()
    x, initial, where = doubles((6, 40))
    compiled = torch.compile(function, backend=backend, fullgraph=True)
    expected, result = function(x, initial, where), compiled(x, initial, where)
    assert torch.equal(result, expected)
    weights = torch.randn(expected.shape, dtype=torch.float64)
    ours = torch.autograd.grad(result, (x, initial), weights)
    theirs = torch.autograd.grad(expected, (x, initial), weights)
    assert torch.equal(ours[0], theirs[0])
    assert torch.allclose(ours[1], theirs[1])


class Scan(torch.nn.Module):
    """What is exported."""

    def forward(self, x, where):
        return cumsum.cumsum(x, 1, where=where, skipna=True, missing="nan", include_initial=True)


def test_export_and_fakes():
    x, where = values((3, 5), torch.float32)
    length = torch.export.Dim("length", min=2)
    program = torch.export.export(
        Scan(), (x, where), dynamic_shapes=({1: length}, {1: length}), strict=False
    )
    longer = values((3, 9), torch.float32)
    assert same(program.module()(*longer), Scan()(*longer))
    with FakeTensorMode() as mode:
        fake = Scan()(mode.from_tensor(x), mode.from_tensor(where))
    assert fake.shape == (3, 6)
    assert Scan()(x.to("meta"), where.to("meta")).shape == (3, 6)


@every_way
@either
def test_out_and_in_place(flags, missing):
    x, where = values((3, 5), torch.float64)
    given = flags | {"where": where, "skipna": True, "missing": missing}
    expected = cumsum.cumsum(x, 1, **given)
    out = torch.empty(0, dtype=torch.float64)
    assert cumsum.cumsum(x, 1, out=out, **given) is out
    assert same(out, expected)
    if not flags["include_initial"]:
        version = x._version
        assert cumsum.cumsum_(x, 1, **given) is x
        assert same(x, expected)
        assert x._version == version + 1


def test_in_place_where_it_is_its_own_mask():
    x = torch.tensor([1, 0, 1], dtype=torch.int8)
    assert cumsum.cumsum_(x, 0, where=x.view(torch.bool)).tolist() == [1, 1, 2]
    y, out = torch.tensor([1, 2, 3], dtype=torch.uint8), torch.tensor([0, 1, 1], dtype=torch.int8)
    cumsum.cumsum(y, 0, dtype=torch.int8, out=out, where=out.view(torch.bool))
    assert out.tolist() == [0, 2, 5]
    number = torch.tensor(3.0)
    assert cumsum.cumsum_(number, 0, where=torch.tensor(False)).item() == 0


def test_same_bits_as_for_arrays():
    x, where = values((4, 9000), torch.float32)
    for given in ({"missing": "carry"}, {"missing": "nan"}):
        ours = cumsum.cumsum(x, 1, where=where, skipna=True, **given).numpy()
        theirs = cumsum.cumsum(x.numpy(), 1, where=where.numpy(), skipna=True, **given)
        assert ours.tobytes() == theirs.tobytes()


def test_conjugates_and_float8():
    x, where = values((4, 50), torch.complex64)
    assert same(
        cumsum.cumsum(x.conj(), 1, where=where, skipna=True),
        reference(x.conj().resolve_conj(), 1, where, skipna=True),
    )
    y = torch.empty(4, 50, dtype=torch.complex64)
    cumsum.cumsum(x, 1, where=where, out=y.conj(), skipna=True)
    assert same(y.conj().resolve_conj(), reference(x, 1, where, skipna=True))
    small = torch.tensor([1.0, float("nan"), 2.0]).to(torch.float8_e4m3fn)
    assert cumsum.cumsum(small, 0, dtype=torch.float32, skipna=True).tolist() == [1, 1, 3]
    assert cumsum.cumsum(small, 0, dtype=torch.int64, skipna=True).tolist() == [1, 1, 3]


BAD = {
    "bytes": ({"where": torch.ones(2, 3, dtype=torch.uint8)}, TypeError, "torch.bool, not torch.u"),
    "integers": ({"where": [[1, 0, 1]]}, TypeError, "'where' must be of torch.bool, not int64"),
    "no numbers": ({"where": "all"}, TypeError, "where must be bool, got str 'all'"),
    "shape": ({"where": torch.ones(4, dtype=torch.bool)}, ValueError, r"where has shape \(4,\)"),
    "missing": ({"skipna": True, "missing": "nan"}, ValueError, "missing is 'nan'"),
}


@pytest.mark.parametrize("case", BAD)
def test_errors(case):
    keywords, error, message = BAD[case]
    x = torch.ones(2, 3, dtype=torch.int64)
    with pytest.raises(error, match=message):
        cumsum.cumsum(x, 1, **keywords)
    with pytest.raises(error, match=message):
        cumsum.cumsum_(x, 1, **keywords)
    assert x.tolist() == [[1, 1, 1], [1, 1, 1]]


def test_a_result_of_no_elements_has_the_shape_asked_for():
    x = torch.zeros(3, 0, 1)
    out = torch.zeros(1).expand(3, 2)[:, None][:, :0].expand(3, 0, 2)
    for given in ({"skipna": True}, {"where": torch.zeros(3, 0, 1, dtype=torch.bool)}, {}):
        y = cumsum.cumsum(x, 2, include_initial=True, out=out, **given)
        assert y is out
        assert y.shape == (3, 0, 2)
