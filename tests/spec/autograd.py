"""Gradients, double backward, forward mode, batching."""

import torch
from torch.autograd import forward_ad

from spec.harness import Case, call
from spec.results import name, small

DTYPES = (torch.float64, torch.float32, torch.float16, torch.bfloat16, torch.complex64)


def leaf(dtype=torch.float64, shape=(3, 4)):
    return small(dtype, shape).requires_grad_()


def weights(result):
    """Small integers as the incoming gradient, so that no order of additions shows."""
    return small(result.dtype, result.shape) + 1


def gradient(result, args, kwargs):
    """The gradient of the input, and that the result can be differentiated once only."""
    (grad,) = torch.autograd.grad(result, args[0], weights(result))
    return grad, _second_backward(result, args[0])


def _second_backward(result, source):
    """Nothing is saved by a sum, so a second backward through it works as well."""
    (grad,) = torch.autograd.grad(result, source, weights(result))
    return grad


def double_backward(result, args, kwargs):
    incoming = weights(result).requires_grad_()
    (grad,) = torch.autograd.grad(result, args[0], incoming, create_graph=True)
    (second,) = torch.autograd.grad(grad, incoming, weights(grad))
    return grad, second


def accumulated(result, args, kwargs):
    result.backward(weights(result))
    return args[0].grad


def with_nan(result, args, kwargs):
    incoming = weights(result)
    incoming[1] = float("nan")
    return torch.autograd.grad(result, args[0], incoming)


def batched(result, args, kwargs):
    incoming = torch.stack([weights(result), 2 * weights(result)])
    return torch.autograd.grad(result, args[0], incoming, is_grads_batched=True)


def gradcheck(op, x, dim):
    return torch.autograd.gradcheck(
        lambda t: op(t, dim),
        x,
        check_forward_ad=True,
        check_backward_ad=True,
        check_batched_grad=True,
        check_batched_forward_grad=True,
    )


def gradgradcheck(op, x, dim):
    return torch.autograd.gradgradcheck(lambda t: op(t, dim), x, check_fwd_over_rev=True)


def dual(op, x, dim, **kwargs):
    with forward_ad.dual_level():
        result = op(forward_ad.make_dual(x, x * 2 + 1), dim, **kwargs)
        return tuple(forward_ad.unpack_dual(result))


def jvp(op, x, dim):
    return torch.func.jvp(lambda t: op(t, dim), (x,), (x * 2 + 1,))


def functional(transform):
    return lambda op, x, dim: transform(lambda t: op(t, dim).square().sum())(x)


def vmap(in_dims=0, **kwargs):
    return lambda op, x, dim: torch.vmap(lambda t: op(t, dim), in_dims=in_dims, **kwargs)(x)


def nested_vmap(op, x, dim):
    return torch.vmap(torch.vmap(lambda t: op(t, dim)), in_dims=1)(x)


def vmap_grad(op, x, dim):
    return torch.vmap(torch.func.grad(lambda t: op(t, dim).square().sum()))(x)


def vmap_out(op, x, dim):
    return torch.vmap(lambda t: op(t, dim, out=torch.empty(4, dtype=t.dtype)))(x)


def hooked(op, x, dim):
    seen = []
    result = op(x, dim)
    result.register_hook(seen.append)
    result.sum().backward()
    return result, x.grad, seen


def saved(op, x, dim):
    """How many tensors the graph keeps alive."""
    kept = []
    with torch.autograd.graph.saved_tensors_hooks(lambda t: kept.append(t) or t, lambda t: t):
        op(x, dim)
    return len(kept)


def plain(dtype=torch.float64, shape=(3, 4)):
    return small(dtype, shape)


RUNS = {
    "dual": dual,
    "jvp": jvp,
    "grad": functional(torch.func.grad),
    "hessian": functional(torch.func.hessian),
    "jacrev": lambda op, x, dim: torch.func.jacrev(lambda t: op(t, dim))(x),
    "jacfwd": lambda op, x, dim: torch.func.jacfwd(lambda t: op(t, dim))(x),
    "vmap": vmap(),
    "vmap of columns": vmap(1),
    "vmap out_dims": vmap(out_dims=1),
    "nested vmap": nested_vmap,
    "vmap of grad": vmap_grad,
    "vmap out=": vmap_out,
    "functionalize": lambda op, x, dim: torch.func.functionalize(lambda t: op(t, dim))(x),
}
BOTH = ("cumsum", "cumsum_")


def copied(op):
    """An in-place operator needs a fresh tensor, which a leaf is not."""
    return lambda x, dim, **kwargs: op(x * 1, dim, **kwargs)


def on_product(op, x, dim, **kwargs):
    return op(x * 2, dim, **kwargs)


def on_view(op, x, dim):
    product = x * 2
    op(product[1], dim)
    return product


def on_saved(op, x, dim):
    product = x * 2
    square = product.square()
    op(product, dim)
    return square


def first_gradient(result, args, kwargs):
    return torch.autograd.grad(result.sum(), args[0])


CASES = [
    *(
        Case(
            f"grad {name(dtype)} {shape} dim={dim}",
            lambda d=dtype, s=shape, n=dim: call(leaf(d, s), n),
            then=gradient,
        )
        for dtype in DTYPES
        for shape, dim in (
            ((3, 4), 0),
            ((3, 4), -1),
            ((), 0),
            ((0,), 0),
            ((1,), 0),
            ((2, 0), 0),
            ((9, 1), 1),
        )
    ),
    *(
        Case(f"double backward dim={dim}", lambda n=dim: call(leaf(), n), then=double_backward)
        for dim in (0, 1)
    ),
    *(
        Case(
            f"grad {name(source)} dtype={name(target)}",
            lambda s=source, t=target: call(leaf(s), 0, dtype=t),
            then=gradient,
        )
        for source in DTYPES
        for target in (*DTYPES, torch.int64, torch.int8, torch.bool)
    ),
    *(
        Case(
            f"{op} {what} {shape} dim={dim}",
            lambda s=shape, n=dim: call(plain(shape=s), n),
            op,
            run=run,
        )
        for what, run in RUNS.items()
        for op in BOTH
        for shape, dim in (((3, 4), 0), ((3, 4), -1), ((3, 4), 2))
        if op == "cumsum" or what != "vmap out="
    ),
    *(
        Case(
            f"{op} checks {name(dtype)} dim={dim} {run.__name__}",
            lambda d=dtype, n=dim: call(leaf(d, (2, 3)), n),
            op,
            run=lambda f, x, n, op=op, run=run: run(copied(f) if op == "cumsum_" else f, x, n),
        )
        for op in BOTH
        for dtype in (torch.float64, torch.complex128)
        for dim in (0, 1)
        for run in (gradcheck, gradgradcheck)
    ),
    Case("backward accumulates", lambda: call(leaf(), 0), then=accumulated),
    Case("nan in grad", lambda: call(leaf(), 0), then=with_nan),
    Case("batched grad", lambda: call(leaf(), 1), then=batched),
    Case("grad of transposed", lambda: call(leaf().t(), 0), then=gradient),
    Case("grad of expanded", lambda: call(leaf(shape=(3, 1)).expand(3, 5), 1), then=gradient),
    Case("grad of a conj view", lambda: call(leaf(torch.complex64).conj(), 1), then=gradient),
    Case("dual with dtype=", lambda: call(plain(torch.float32), 0, dtype=torch.float64), run=dual),
    Case("hooks", lambda: call(leaf(), 0), run=hooked),
    Case("nothing is saved", lambda: call(leaf(), 0), run=saved),
    Case("in place on a non-leaf", lambda: call(leaf(), 0), "cumsum_", on_product, gradient),
    Case("in place on a view", lambda: call(leaf(), 0), "cumsum_", on_view, gradient),
    Case("in place on what is saved", lambda: call(leaf(), 0), "cumsum_", on_saved, first_gradient),
    Case(
        "in place, integer dtype=",
        lambda: call(leaf(), 0, dtype=torch.int64),
        "cumsum_",
        on_product,
    ),
]
