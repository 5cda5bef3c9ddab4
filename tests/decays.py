"""Plain references of the decayed scan: one element after another."""

import numpy as np

from bits import same_bits

__all__ = ["decayed", "discounted_left", "discounted_right", "gated", "kinds_of", "same_bits"]


def discounted_left(x, gamma):
    """As torch-discounted-cumsum defines it: y_i = x_i + gamma * y_(i-1)."""
    y = np.zeros_like(x)
    for i in range(x.shape[-1]):
        y[..., i] = x[..., i] + (gamma * y[..., i - 1] if i else 0)
    return y


def discounted_right(x, gamma):
    """The same from the right: y_i = x_i + gamma * y_(i+1)."""
    y = np.zeros_like(x)
    for i in reversed(range(x.shape[-1])):
        y[..., i] = x[..., i] + (gamma * y[..., i + 1] if i + 1 < x.shape[-1] else 0)
    return y


def gated(gates, tokens):
    """As accelerated-scan defines it: y_t = gate_t * y_(t-1) + token_t."""
    y = np.zeros_like(tokens)
    before = np.zeros(tokens.shape[:-1], tokens.dtype)
    for t in range(tokens.shape[-1]):
        before = y[..., t] = gates[..., t] * before + tokens[..., t]
    return y


def decayed(x, decay, axis, initial=0, *, exclusive=False, reverse=False, include_initial=False):
    """All of it, in the arithmetic of `x`'s dtype."""
    rows = np.moveaxis(x, axis, 0)
    decays = np.moveaxis(np.broadcast_to(np.asarray(decay).astype(x.dtype), x.shape), axis, 0)
    total = np.broadcast_to(np.asarray(initial).astype(x.dtype), rows.shape[1:])
    results = [total] if include_initial else []
    for i in reversed(range(len(rows))) if reverse else range(len(rows)):
        before, total = total, decays[i] * total + rows[i]
        results.append(before if exclusive else total)
    y = np.array(results, x.dtype).reshape(len(results), *rows.shape[1:])
    return np.moveaxis(y[::-1] if reverse else y, 0, axis)


def kinds_of(shape, axis, rng):
    """Decays of every shape and size, by name."""
    lines, steps = list(shape), [1] * len(shape)
    lines[axis], steps[axis] = 1, shape[axis]
    each = rng.uniform(-1, 1, shape)
    return {
        "number": 0.9,
        "zero": 0,
        "one": True,
        "growing": 1.5 if shape[axis] < 100 else 1.0001,
        "tiny": 1e-40,
        "lines": rng.uniform(0, 1, lines),
        "steps": rng.uniform(0, 1, steps),
        "each": each,
        "some tiny": np.where(rng.uniform(size=shape) < 0.02, 1e-60, each),
        "some large": np.where(rng.uniform(size=shape) < 0.02, -3.0, each),
    }
