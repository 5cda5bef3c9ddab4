"""The GPU that tests are for. A module that imports this is skipped where there is none.

CARD_DRY in the environment has its tests run all the same, as far as they can, with tensors of the
CPU in place of a GPU's: that shows that they can be imported and collected, and are right
themselves.
"""

import os

import pytest
import torch

DRY = not torch.cuda.is_available()
if DRY and "CARD_DRY" not in os.environ:
    pytest.skip("needs a GPU", allow_module_level=True)
DEVICE = "cpu" if DRY else "cuda"
needs_gpu = pytest.mark.skipif(DRY, reason="needs a GPU")
