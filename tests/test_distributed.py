"""Scans over processes of torch.distributed, by gloo: one world of each size makes all checks."""

import pytest

from ranks import world

CHECKS = dict.fromkeys((2, 3, 4), ("plain", "placed", "graphs"))
CASES = [(size, name) for size, modules in CHECKS.items() for name, _ in world.checks_of(*modules)]


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory):
    """What became of the checks in a world of a size, which starts when first asked for."""
    known = {}

    def of(size):
        if size not in known:
            known[size] = world.start(size, tmp_path_factory.mktemp("world"), *CHECKS[size])[0]
        return known[size]

    return of


@pytest.mark.parametrize(("size", "check"), CASES)
def test_in_a_world(outcomes, size, check):
    for rank, outcome in enumerate(outcomes(size)):
        assert check in outcome, f"rank {rank} ended before this check"
        assert outcome[check] is None, f"rank {rank}\n{outcome[check]}"
