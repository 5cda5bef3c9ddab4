"""The specification of torch.cumsum as data: every row is a case run on torch and on cumsum."""

from spec import arguments, autograd, kinds, outputs, results
from spec.harness import DELIBERATE, compare, observe, same

CASES = (
    *arguments.CASES,
    *results.CASES,
    *outputs.CASES,
    *autograd.CASES,
    *kinds.CASES,
)

__all__ = ["CASES", "DELIBERATE", "compare", "observe", "same"]
