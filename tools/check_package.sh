#!/usr/bin/env bash
# Build the source archive and the wheel from it, install the wheel into an empty environment, use it.
#     tools/check_package.sh PYTHON        PYTHON has the tools of the group `build`
set -euo pipefail
python=$1
rm -rf dist build/empty

# The build folder lies as deep as that of `make install`, so that a compiler's cache knows its files.
"$python" -m build --quiet --no-isolation -Cbuild-dir=build/package .
sdist=$(echo dist/*.tar.gz)
wheel=$(echo dist/*.whl)
case $wheel in
    *-cp311-abi3-*) ;;
    *) echo "$wheel: the tag is not cp311-abi3" >&2; exit 1 ;;
esac

"$python" -m venv build/empty
build/empty/bin/python -m pip install -qq "$wheel[cli]"
cd build/empty # away from the sources
bin/python - <<'END'
import sys

import numpy as np

import cumsum

assert cumsum.cumsum(np.arange(5, dtype=np.int8), 0).tolist() == [0, 1, 3, 6, 10]
assert "torch" not in sys.modules
np.save("x.npy", np.ones((3, 4)))
END
bin/cumsum run x.npy -o y.npy --dim 0
bin/cumsum info
echo "$sdist and $wheel are well"
