"""Every row of the specification of torch.cumsum, beside torch itself."""

from fnmatch import fnmatch

import pytest

from spec import CASES, DELIBERATE, compare, observe, same


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_same_as_torch(case, spec_report):
    spec_report.cases += 1
    differences = compare(case, observe(case, "cumsum"), observe(case, "torch"))
    spec_report.differences += bool(differences)
    assert not differences, "\n".join(differences)


def test_every_case_has_its_own_name():
    names = [case.id for case in CASES]
    assert sorted(set(names)) == sorted(names)


@pytest.mark.parametrize("pattern", DELIBERATE)
def test_deliberate_differences_are_real(pattern):
    """A pattern no case differs in any more is to be taken off the list."""
    cases = [case for case in CASES if fnmatch(case.id, pattern)]
    fields = DELIBERATE[pattern][0]
    seen = [(observe(case, "cumsum"), observe(case, "torch")) for case in cases]
    assert any(not same(a.get(f), b.get(f), 0) for a, b in seen for f in fields)
