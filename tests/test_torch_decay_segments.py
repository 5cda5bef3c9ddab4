"""decay= beside offsets=, lengths= and reset= on tensors: values and derivatives."""

import itertools

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.autograd import gradcheck, gradgradcheck

import cumsum
from cumsum import api
from cumsum.decay import kernel, starts
from segments import random_offsets, starts_of
from test_segments import FLAGS

OFFSETS = torch.tensor([0, 2, 2, 3, 7, 7])
STARTS = torch.from_numpy(starts_of(OFFSETS.numpy(), 7))
CUTS = {"offsets": OFFSETS, "lengths": OFFSETS.diff(), "reset": STARTS}
SHAPES = [((0,), 0), ((9000,), 0), ((3, 400), 1), ((400, 3), 0), ((5, 60, 6), 1), ((2, 0, 5), 2)]
DTYPES = ["float16", "bfloat16", "float32", "float64", "complex64", "complex128"]
DECAY_SHAPES = ((), (3, 1), (7,), (3, 7))

every_way = pytest.mark.parametrize("flags", FLAGS, ids=str)
every_cut = pytest.mark.parametrize("cuts", ["one", "each"])


def noise(shape, dtype=torch.float64, seed=1, **options):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(shape, dtype=dtype, generator=generator, **options)


def starts_of_lines(shape, seed=2):
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed)) < 0.4


EACH = starts_of_lines((3, 7))
# Ways to cut the last dim of an input of (3, 7).
CUT = {"one": {"offsets": OFFSETS}, "each": {"reset": EACH}}


def three(decay_shape=(3, 7), dtype=torch.float64, decay_dtype=None):
    """Something to scan, decays and initial values, all to be differentiated."""
    x, first = (noise(shape, dtype, requires_grad=True) for shape in ((3, 7), 3))
    return x, noise(decay_shape, decay_dtype or dtype, 3, requires_grad=True), first


def parts_of(x, dim, lengths, decay, initial=None, **flags):
    """The reference: each part scanned as if there were no others."""
    decay = torch.as_tensor(decay).expand(x.shape)
    pairs = zip(x.split(lengths, dim), decay.split(lengths, dim), strict=True)
    parts = [cumsum.cumsum(p, dim, decay=a, initial=initial, **flags) for p, a in pairs]
    return torch.cat(parts, dim)


def lines_of(x, starts, decay, initial=None, **flags):
    """The same of the last dim where starts differ from line to line."""
    decay, starts = (torch.as_tensor(t).expand(x.shape) for t in (decay, starts))
    y = torch.empty_like(x)
    for at in np.ndindex(x.shape[:-1]):
        ends = [0, *(starts[at][1:].nonzero().flatten() + 1).tolist(), x.shape[-1]]
        first = None if initial is None else initial[at]
        lengths = np.diff(ends).tolist()
        y[at] = parts_of(x[at], 0, lengths, decay[at], first, **flags)
    return y


def every_result(x, dim, **options):
    """What all ways to ask for one scan give: the core's own, Python's, in graphs, and in place."""
    yield cumsum.cumsum(x, dim, **options)
    yield api.slow_cumsum(x, dim, **options)
    yield cumsum.cumsum(x.clone().requires_grad_(), dim, **options).detach()
    for function in (cumsum.cumsum, api.slow_cumsum):
        out = torch.empty(0, dtype=x.dtype)
        assert function(x, dim, out=out, **options) is out
        yield out
        across = x.transpose(0, -1).contiguous().transpose(0, -1)
        yield function(across, dim, **options)
    for function in (cumsum.cumsum_, api.slow_cumsum_):
        own = x.clone()
        assert function(own, dim, **options) is own
        yield own


@every_way
@pytest.mark.parametrize("dtype", DTYPES)
def test_bits_are_those_of_the_parts(dtype, flags):
    rng, dtype = np.random.default_rng(1), getattr(torch, dtype)
    for shape, dim in SHAPES:
        x = noise(shape, dtype)
        lines, steps = list(shape), [1] * len(shape)
        lines[dim], steps[dim] = 1, shape[dim]
        for mean, of in zip((3, 60, 3, 2000), (shape, lines, steps, ()), strict=True):
            decay, first = torch.rand(of) * 1.1, noise(lines, dtype)
            ends = torch.from_numpy(random_offsets(rng, shape[dim], mean))
            lengths = ends.diff()
            expected = parts_of(x, dim, lengths.tolist(), decay, first, **flags)
            options = {"decay": decay, "initial": first, **flags}
            for name, cuts in (("offsets", ends), ("lengths", lengths.tolist())):
                for result in every_result(x, dim, **{name: cuts}, **options):
                    assert torch.equal(result, expected)


@every_way
@pytest.mark.parametrize("with_initial", [False, True])
def test_starts_of_each_line(with_initial, flags):
    for shape, dim in (((4, 30), 1), ((30, 4), 0), ((2, 30, 3), 1)):
        for dtype in (torch.float16, torch.float64, torch.complex64):
            x, reset = noise(shape, dtype), starts_of_lines(shape)
            lines = [1 if d == dim else n for d, n in enumerate(shape)]
            first = noise(lines, dtype) if with_initial else None
            for of in ((), lines, shape):
                decay = torch.rand(of, dtype=torch.float64)
                turned = [t.expand(shape).movedim(dim, -1) for t in (x, reset, decay)]
                edge = None if first is None else first.movedim(dim, -1)
                expected = lines_of(*turned, edge, **flags).movedim(-1, dim)
                options = {"decay": decay, "initial": first, "reset": reset, **flags}
                for result in every_result(x, dim, **options):
                    assert torch.equal(result, expected)


def test_conjugate_and_negative_views():
    x, decay = noise(7, torch.complex128), noise(7, torch.complex128, 2)
    for view in (x.conj(), torch._neg_view(x), x.conj().imag):
        factor = decay.conj() if view.is_complex() else decay.conj().imag
        plain, known = (t.resolve_conj().resolve_neg() for t in (view, factor))
        expected = parts_of(plain, 0, OFFSETS.diff().tolist(), known)
        assert torch.equal(cumsum.cumsum(view, 0, decay=factor, reset=STARTS), expected)
        for flags in ({}, {"exclusive": True}):
            expected = parts_of(plain, 0, OFFSETS.diff().tolist(), known, **flags)
            out = torch.zeros_like(view.resolve_conj())
            out = out.conj() if view.is_complex() else torch._neg_view(out)
            cumsum.cumsum(view, 0, decay=factor, offsets=OFFSETS, out=out, **flags)
            assert torch.equal(out, expected)


@every_way
@every_cut
def test_what_is_no_number_ends_with_its_segment(cuts, flags):
    """A decay of zero would not do: zero times infinity is NaN."""
    inf, nan = torch.inf, torch.nan
    x = torch.tensor([1.0, inf, 1, 1, nan, 1, 1], requires_grad=True)
    decay = torch.full((7,), 0.5, requires_grad=True)
    reset = torch.tensor([False, False, True, False, True, True, False])
    given = x, decay, torch.ones(())
    if cuts == "each":
        reset = reset.expand(2, 7).clone()
        given = [t.expand(2, *t.shape) for t in given]
    y = cumsum.cumsum(given[0], -1, decay=given[1], initial=given[2], reset=reset, **flags)
    assert y[..., 2:4].isfinite().all()
    assert y[..., 5:].isfinite().all()
    (y * torch.tensor([0.0, 0, 1, 1, 0, 1, 1])).sum().backward()
    for t in (x, decay):
        assert t.grad[2:4].isfinite().all()
        assert t.grad[5:].isfinite().all()


@pytest.mark.parametrize("reverse", [False, True])
def test_a_decay_that_is_no_number_does_not_lead_out_of_its_segment(reverse):
    x, decay = (t.detach()[0].requires_grad_() for t in three()[:2])
    with torch.no_grad():
        decay[2], decay[4] = torch.inf, torch.nan
    y = cumsum.cumsum(x, 0, decay=decay, offsets=[0, 2, 3, 5, 7], reverse=reverse)
    found = torch.autograd.grad(y[[0, 1, 5, 6]].sum(), (x, decay))
    for t in (y, *found):
        assert t[[0, 1, 5, 6]].isfinite().all()


@every_way
@every_cut
@pytest.mark.parametrize("decay_shape", DECAY_SHAPES, ids=str)
def test_derivatives(flags, cuts, decay_shape):
    def function(x, decay, initial):
        return cumsum.cumsum(x, 1, decay=decay, initial=initial, **CUT[cuts], **flags)

    inputs = three(decay_shape)
    checks = {"check_forward_ad": True, "check_batched_grad": True}
    assert gradcheck(function, inputs, check_batched_forward_grad=True, **checks)
    assert gradgradcheck(function, inputs, check_fwd_over_rev=True, check_rev_over_rev=True)


@every_cut
@pytest.mark.parametrize("of", range(3), ids=["x", "decay", "initial"])
@pytest.mark.parametrize("reverse", [False, True])
def test_derivatives_one_by_one(of, reverse, cuts):
    inputs = three()

    def function(t):
        x, decay, first = (t if i == of else s.detach() for i, s in enumerate(inputs))
        return cumsum.cumsum(x, 1, decay=decay, initial=first, reverse=reverse, **CUT[cuts])

    assert gradcheck(function, (inputs[of],), check_forward_ad=True, check_batched_grad=True)
    assert gradgradcheck(function, (inputs[of],), check_fwd_over_rev=True)


@every_cut
@pytest.mark.parametrize("decay_dtype", [torch.complex128, torch.float64], ids=str)
@pytest.mark.parametrize("decay_shape", [(), (3, 7)], ids=str)
def test_complex_derivatives(decay_shape, decay_dtype, cuts):
    inputs = three(decay_shape, torch.complex128, decay_dtype)
    for flags in ({}, {"reverse": True, "exclusive": True}):

        def function(x, decay, initial, flags=flags):
            return cumsum.cumsum(x, 1, decay=decay, initial=initial, **CUT[cuts], **flags)

        assert gradcheck(function, inputs, check_forward_ad=True)
        assert gradgradcheck(function, inputs)


def test_derivatives_in_place():
    def function(x, decay, initial):
        return cumsum.cumsum_(x.clone(), 1, decay=decay, initial=initial, offsets=OFFSETS)

    assert gradcheck(function, three(), check_forward_ad=True)
    assert gradgradcheck(function, three())


def test_gradients_of_numbers():
    x = torch.ones(5, requires_grad=True)
    gamma, start = (torch.tensor(v, requires_grad=True) for v in (0.5, 1.0))
    y = cumsum.cumsum(x, 0, decay=gamma, initial=start, lengths=[3, 0, 2])
    assert y.tolist() == [1.5, 1.75, 1.875, 1.5, 1.75]
    of_x, of_gamma, of_start = torch.autograd.grad(y.sum(), (x, gamma, start))
    assert of_x.tolist() == [1.75, 1.5, 1, 1.5, 1]
    assert of_gamma.item() == (1.75 + 1.5 * 1.5 + 1.75) + (1.5 + 1.5)
    assert of_start.item() == 0.875 + 0.75


@settings(max_examples=50)
@given(
    st.lists(st.integers(0, 6), min_size=1, max_size=6).filter(any),
    st.sampled_from(FLAGS),
    st.sampled_from([(), (1, 4), (-1, 1), (-1, 4)]),
    st.booleans(),
    st.integers(0, 2**31 - 1),
)
def test_gradients_are_those_of_the_parts(lengths, flags, decay_shape, with_initial, seed):
    size = sum(lengths)
    of_decay = [size if n == -1 else n for n in decay_shape]
    shapes = ((size, 4), of_decay, (4,)) if with_initial else ((size, 4), of_decay)
    inputs = [noise(s, seed=seed) for s in shapes]
    weights = noise((size, 4), seed=seed + 1)

    def ours(x, decay, initial=None):
        return cumsum.cumsum(x, 0, decay=decay, initial=initial, lengths=lengths, **flags)

    def parts(x, decay, initial=None):
        return parts_of(x, 0, lengths, decay, initial, **flags)

    found = []
    for function in (ours, parts):
        leaves = [t.clone().requires_grad_() for t in inputs]
        y = function(*leaves)
        gradients = torch.autograd.grad((y * weights).sum(), leaves, materialize_grads=True)
        found.append((y.detach(), *gradients))
    assert torch.equal(found[0][0], found[1][0])
    for mine, expected in zip(*found, strict=True):
        torch.testing.assert_close(mine, expected, rtol=1e-9, atol=1e-9)


@every_way
@pytest.mark.parametrize(
    "in_dims",
    [
        (0, None, None, None),
        (None, None, None, 0),
        (1, None, 0, 1),
        (None, 0, None, 0),
        (0, 1, 0, None),
    ],
    ids=str,
)
@pytest.mark.parametrize("name", ["offsets", "lengths", "reset"])
def test_vmap(name, in_dims, flags):
    several = [torch.tensor(v) for v in ([3, 0, 4], [1, 6, 0], [0, 0, 7], [2, 3, 2])]
    if name == "offsets":
        several = [torch.cat((lengths.new_zeros(1), lengths.cumsum(0))) for lengths in several]
    cuts = torch.stack(several) if name != "reset" else starts_of_lines((4, 7))
    tensors = [noise((4, 7)), noise((4, 7), seed=2), noise(4), cuts]
    batched = [
        t.select(0, 0) if at is None else t.movedim(0, at)
        for t, at in zip(tensors, in_dims, strict=True)
    ]

    def function(x, decay, initial, cuts):
        return cumsum.cumsum(x, 0, decay=decay, initial=initial, **{name: cuts}, **flags)

    result = torch.vmap(function, in_dims)(*batched)
    for i in range(4):
        sample = [
            t if at is None else t.select(at, i) for t, at in zip(batched, in_dims, strict=True)
        ]
        assert torch.equal(result[i], function(*sample))


@every_way
def test_vmap_of_lines(flags):
    """Samples that have lines, with starts of their own or without."""
    x, decay = noise((4, 3, 7)), noise((7,), seed=2)
    for starts_shape in ((4, 7), (4, 3, 7)):
        reset = starts_of_lines(starts_shape)

        def function(x, reset):
            return cumsum.cumsum(x, 1, decay=decay, reset=reset, **flags)

        result = torch.vmap(function)(x, reset)
        twice = torch.vmap(torch.vmap(function, (0, None)), (None, 0))(x, reset)
        for i, j in itertools.product(range(4), repeat=2):
            assert torch.equal(twice[i, j], function(x[j], reset[i]))
        for i in range(4):
            assert torch.equal(result[i], function(x[i], reset[i]))


@every_cut
def test_compositions(cuts):
    inputs = [t.detach() for t in three()]

    def loss(x, decay, initial):
        return cumsum.cumsum(x, 1, decay=decay, initial=initial, **CUT[cuts]).pow(3).sum()

    every = (0, 1, 2)
    forward, reverse = torch.func.jacfwd, torch.func.jacrev
    found = [
        a(b(loss, every), every)(*inputs) for a in (forward, reverse) for b in (forward, reverse)
    ]
    for i, j in itertools.product(every, every):
        for other in found[1:]:
            torch.testing.assert_close(found[0][i][j], other[i][j])


def test_gradients_of_samples():
    x, decay, reset = noise((4, 7)), noise((4, 7), seed=2), starts_of_lines((4, 7))

    def loss(x, decay, reset):
        return cumsum.cumsum(x, 0, decay=decay, reset=reset, initial=2.0).pow(2).sum()

    gradients = torch.vmap(torch.func.grad(loss, (0, 1)))(x, decay, reset)
    for i in range(4):
        single = torch.func.grad(loss, (0, 1))(x[i], decay[i], reset[i])
        for batched, one in zip(gradients, single, strict=True):
            torch.testing.assert_close(batched[i], one)


def test_holes_beside_them():
    x = noise((3, 7))
    mask = starts_of_lines((3, 7))
    options = {"decay": 0.5, "offsets": OFFSETS, "initial": 3.0}
    filled = cumsum.cumsum(torch.where(mask, x, 0), 1, **options)
    assert torch.equal(cumsum.cumsum(x, 1, where=mask, **options), filled)
    holed = torch.where(mask, x, torch.nan)
    for holes in ({"skipna": True}, {"skipna": True, "missing": "nan"}):
        expected = torch.where(mask, filled, torch.nan) if "missing" in holes else filled
        found = cumsum.cumsum(holed, 1, **holes, **options)
        torch.testing.assert_close(found, expected, rtol=0, atol=0, equal_nan=True)
        out = torch.empty_like(x)
        cumsum.cumsum(holed, 1, out=out, **holes, **options)
        torch.testing.assert_close(out, expected, rtol=0, atol=0, equal_nan=True)


@every_way
def test_operands_in_the_memory_of_the_result(flags):
    x, decay = noise((3, 7), torch.float32), torch.rand(3, 7)
    expected = cumsum.cumsum(x, 1, decay=decay, offsets=OFFSETS, **flags)
    assert torch.equal(
        cumsum.cumsum(x, 1, decay=decay, offsets=OFFSETS, out=decay, **flags), expected
    )
    held = torch.zeros(84, dtype=torch.uint8)
    out, reset = held.view(torch.float32).view(3, 7), held[:21].view(torch.bool).view(3, 7)
    for cuts in (STARTS, EACH):
        options = {"decay": 0.5, "initial": 1.0, **flags}
        expected = cumsum.cumsum(x, 1, reset=cuts, **options)
        reset.copy_(cuts)
        cumsum.cumsum(x, 1, reset=reset if cuts is EACH else reset[0], out=out, **options)
        assert torch.equal(out, expected)


def test_no_elements_have_a_graph_of_all_arguments():
    roots = [torch.ones(sizes, requires_grad=True) for sizes in ((0, 2), (0, 2), (2,))]
    x, decay, initial = roots
    for cuts in ({"offsets": [0, 0]}, {"lengths": []}, {"reset": torch.ones(0, dtype=torch.bool)}):
        y = cumsum.cumsum(x, 0, decay=decay, initial=initial, **cuts)
        found = torch.autograd.grad(y.sum(), roots)
        assert [g.shape for g in found] == [root.shape for root in roots]


def test_numbers():
    x = torch.tensor(3.0)
    for cuts in ({"offsets": [0, 1]}, {"lengths": [1]}, {"reset": [True]}):
        assert cumsum.cumsum(x, 0, decay=0.5, **cuts).shape == ()
        assert cumsum.cumsum(x, 0, decay=0.5, initial=2, **cuts).item() == 4
    with pytest.raises(ValueError, match=r"offsets\[1\] is 2"):
        cumsum.cumsum(x, 0, decay=0.5, offsets=[0, 2])


BAD = [
    ({"offsets": torch.tensor([1, 7])}, ValueError, r"offsets\[0\] is 1, but must be 0"),
    ({"offsets": torch.tensor([0.0, 7])}, TypeError, "integers, got dtype torch.float32"),
    ({"offsets": torch.tensor([[0, 7]])}, ValueError, "1-D and not empty"),
    ({"lengths": torch.tensor([8, -1])}, ValueError, r"lengths\[1\] is -1"),
    ({"lengths": torch.tensor([6])}, ValueError, "lengths add up to 6"),
    ({"reset": torch.ones(7)}, TypeError, "reset must be bool, got dtype torch.float32"),
    ({"reset": torch.ones(6, dtype=torch.bool)}, ValueError, r"reset has shape \(6,\)"),
    ({"reset": torch.ones(2, 7, dtype=torch.bool)}, ValueError, r"reset has shape \(2, 7\)"),
    ({"offsets": OFFSETS, "include_initial": True}, ValueError, "include_initial cannot"),
    ({"offsets": OFFSETS, "reset": STARTS}, ValueError, "one of offsets"),
    ({"offsets": OFFSETS, "precision": "compensated"}, NotImplementedError, "with decay"),
    ({"offsets": OFFSETS, "decay": torch.ones(2)}, ValueError, r"decay has shape \(2,\)"),
]


@pytest.mark.parametrize(("options", "kind", "message"), BAD)
def test_errors(options, kind, message):
    x = torch.ones(7)
    out = torch.full((7,), 5.0)
    for function in (cumsum.cumsum, api.slow_cumsum):
        for values in (x, x.clone().requires_grad_()):
            with pytest.raises(kind, match=message):
                function(values, 0, **{"decay": 0.5} | options)
        with pytest.raises(kind, match=message):
            function(x, 0, out=out, **{"decay": 0.5} | options)
    assert out.tolist() == [5] * 7


def test_gpus_have_no_kernels_for_it(monkeypatch):
    monkeypatch.setattr(kernel.gpu, "takes", lambda device: True)
    x = torch.ones(7)
    with pytest.raises(NotImplementedError, match="scan the segments one by one, or on the CPU"):
        kernel.scan(x, x, None, STARTS, 0, False)


def test_a_line_begins_whatever_its_first_start_says():
    x = torch.ones(3)
    for first in (False, True):
        reset = torch.tensor([first, False, True])
        for reverse in (False, True):
            y = cumsum.cumsum(x, 0, decay=0.5, initial=4, reset=reset, reverse=reverse)
            assert y.tolist() == ([2.5, 3, 3] if reverse else [3, 2.5, 3])
        assert starts.begins(reset, 1, 0, False).tolist() == [True, False, True]
        assert starts.begins(reset, 1, 0, True).tolist() == [False, True, True]
