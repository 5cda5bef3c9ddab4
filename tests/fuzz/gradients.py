"""Gradients of float64: <J v, g> = <v, J' g> of what is linear, else finite differences."""

import numpy as np

import cumsum
from cases import as_tensor
from fuzz import draw
from fuzz.draw import pick

TOLERANCE = 1e-11  # of sums of 10^5 terms at most, relative to their absolute values
STEP, TOLERANCE_OF_STEPS = 1e-6, 1e-5  # of differences


def check(call):
    """Make the call with gradients."""
    import torch

    from fuzz.run import ERRORS, Wrong

    options = {
        name: as_tensor(v) if isinstance(v, np.ndarray) else v for name, v in call.options.items()
    }
    roots = {"input": as_tensor(call.x).detach().requires_grad_()}
    for name in ("initial", "decay"):
        if isinstance(options.get(name), torch.Tensor):
            roots[name] = options[name] = options[name].double().detach().requires_grad_()

    def scan(**changed):
        given = options | changed
        x = given.pop("input", roots["input"])
        return cumsum.cumsum(x, call.dim, **given)

    try:
        y = scan()
    except ERRORS:
        return  # the comparison of bits compares errors
    whole = call.rng.integers(-9, 10, tuple(y.shape)).astype(float)
    layouts = draw.TENSOR_LAYOUTS
    g = as_tensor(draw.lay(call.rng, whole, pick(call.rng, layouts))[0])
    if not y.requires_grad:
        return
    found = dict(zip(roots, torch.autograd.grad(y, list(roots.values()), g), strict=True))
    with torch.no_grad():
        for name, root in roots.items():
            direction = as_tensor(call.rng.integers(-3, 4, tuple(root.shape)).astype(float))
            change, tolerance = changed(scan, roots, name, direction, options)
            left, right = (change * g).sum(), (direction * found[name]).sum()
            scale = (change * g).abs().sum() + (direction * found[name]).abs().sum() + 1
            if not abs(left - right) <= tolerance * scale:
                raise Wrong(f"the gradient of {name}: {right!r}, but sums change by {left!r}")


def changed(scan, roots, name, direction, options):
    """What the sums change by in a direction, and how exact that is."""
    if name == "decay":
        at = roots[name].detach()
        ends = [scan(**{name: at + sign * STEP * direction}) for sign in (1, -1)]
        return (ends[0] - ends[1]) / (2 * STEP), TOLERANCE_OF_STEPS
    zeros = {"initial": 0} if "initial" in options else {}
    zeros |= {other: root.detach() * 0 for other, root in roots.items() if other != "decay"}
    return scan(**(zeros | {name: direction})), TOLERANCE if "decay" in options else 0
