"""Scans over processes of torch.distributed, by gloo: one world of each size makes all checks."""

import signal

import pytest

from ranks import world

ALWAYS = ("plain", "derivatives", "agreement", "placed", "placed_options")
CHECKS = {
    1: (
        "plain.check_dtypes",
        "plain.check_half_is_carried_wide",
        "plain.check_any_number_of_bytes",
    ),
    2: (*ALWAYS, "graphs"),
    3: ALWAYS,
    4: (*ALWAYS, "graphs.check_compiled_dtensors"),
}
CASES = [(size, name) for size, wanted in CHECKS.items() for name, _ in world.checks_of(*wanted)]
LOSSES = [name for name, _ in world.checks_of("losses")]


def wanted(request, test):
    """The parameters of a test in this run."""
    items = request.session.items
    return [item.callspec.params for item in items if getattr(item, "originalname", "") == test]


@pytest.fixture(scope="module")
def outcomes(request, tmp_path_factory):
    """What became of the checks of this run, for each size of a world."""
    plan = {}
    for case in wanted(request, "test_in_a_world"):
        plan.setdefault(case["size"], []).append(case["check"])
    worlds = [{"size": size, "checks": checks} for size, checks in plan.items()]
    return dict(zip(plan, world.start(tmp_path_factory.mktemp("worlds"), worlds), strict=True))


@pytest.fixture(scope="module")
def losses(request, tmp_path_factory):
    """What became of worlds that lost a process."""
    plan = [case["check"] for case in wanted(request, "test_when_one_is_lost")]
    worlds = [{"size": 3, "checks": [check], "seconds": 2} for check in plan]
    return dict(zip(plan, world.start(tmp_path_factory.mktemp("losses"), worlds), strict=True))


@pytest.mark.parametrize(("size", "check"), CASES)
def test_in_a_world(outcomes, size, check):
    for rank, (outcome, _) in enumerate(outcomes[size]):
        assert check in outcome, f"rank {rank} ended before this check"
        assert outcome[check] is None, f"rank {rank}\n{outcome[check]}"


@pytest.mark.parametrize("check", LOSSES)
def test_when_one_is_lost(losses, check):
    """The others get torch's error, within the timeout of their group, and can end."""
    fate = ({}, -signal.SIGKILL) if "death" in check else ({check: None}, 0)
    assert losses[check] == [({check: None}, 0), fate, ({check: None}, 0)]
