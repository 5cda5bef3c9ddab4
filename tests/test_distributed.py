"""Scans over processes of torch.distributed, by gloo: one world of each size makes all checks."""

import signal

import pytest

from ranks import world

CHECKS = {
    2: ("plain", "placed", "graphs"),
    3: ("plain", "placed"),
    4: ("plain", "placed", "graphs.check_compiled_dtensors"),
}
CASES = [(size, name) for size, wanted in CHECKS.items() for name, _ in world.checks_of(*wanted)]
LOSSES = [name for name, _ in world.checks_of("losses")]


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


@pytest.mark.parametrize("check", LOSSES)
def test_when_one_is_lost(tmp_path, check):
    """The others get torch's error, within the timeout of their group, and can end."""
    told, ended = world.start(3, tmp_path, check, seconds=2)
    dies = "death" in check
    assert [outcome.get(check, "no more") for outcome in told] == [
        None,
        "no more" if dies else None,
        None,
    ]
    assert ended == [0, -signal.SIGKILL if dies else 0, 0]
