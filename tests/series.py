"""Long float64 series of known difficulty, for the tests of accuracy and their picture."""

import numpy as np


def _random():
    return np.random.default_rng(20_260_101)


def _signs(n):
    return np.resize([1.0, -1.0], n)


KINDS = {
    "uniform": lambda n: _random().random(n),
    "normal": lambda n: _random().standard_normal(n),
    "ill-conditioned": lambda n: np.resize([1e16, 1.0, -1e16], n),
    "increasing": lambda n: np.sqrt(np.arange(1, n + 1)),
    "alternating": lambda n: _signs(n) / np.arange(1, n + 1),
}


def nearly_cancelling(n, condition):
    """2 n numbers whose sum is that many times smaller than the sum of their absolute values.

    Large terms come first, each of them is taken away again among the n small ones that follow.
    """
    rng = _random()
    large = rng.standard_normal(n // 2) * condition
    small = rng.random(n)
    return np.concatenate((large, small, -rng.permutation(large)))
