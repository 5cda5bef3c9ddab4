"""Every two options together, of arrays and of tensors."""

import itertools
from pathlib import Path

import numpy as np
import pytest
import torch

import combinations

PAGE = Path(__file__).parents[1] / "docs" / "combinations.md"
PAIRS = list(combinations.pairs())
TRIPLES = [
    names
    for names in itertools.combinations(combinations.OPTIONS, 3)
    if not combinations.WHY.keys() & set(itertools.combinations(names, 2))
]


@pytest.mark.parametrize("library", [np, torch], ids=["numpy", "torch"])
@pytest.mark.parametrize("names", PAIRS, ids="-".join)
def test_pairs(names, library):
    if names in combinations.WHY:
        with pytest.raises((ValueError, TypeError, NotImplementedError)):
            combinations.call(names, library)
    else:
        check(names, library)


@pytest.mark.parametrize("library", [np, torch], ids=["numpy", "torch"])
@pytest.mark.parametrize("names", TRIPLES, ids="-".join)
def test_triples(names, library):
    check(names, library)


def check(names, library):
    expected = combinations.call(names, np, combinations.serial)
    result = combinations.call(names, library)
    assert np.array_equal(np.asarray(result), expected, equal_nan=True)


def test_the_page_is_what_the_code_does():
    assert combinations.table() in PAGE.read_text()
