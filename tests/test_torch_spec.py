"""Every row of the specification of torch.cumsum, beside torch itself."""

import pytest

from spec import CASES, DELIBERATE, compare, observe


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_same_as_torch(case, spec_report):
    spec_report.cases += 1
    differences = compare(case, observe(case, "cumsum"), observe(case, "torch"))
    spec_report.differences += bool(differences)
    assert not differences, "\n".join(differences)


def test_every_case_has_its_own_name():
    names = [case.id for case in CASES]
    assert sorted(set(names)) == sorted(names)


def test_deliberate_differences_are_of_known_cases():
    assert DELIBERATE.keys() <= {case.id for case in CASES}
