"""Fail when a file reaches over or up the layers that docs/design.md describes."""

import ast
import re
import sys
from pathlib import Path

# Parts of the doors to arrays and tensors.
BELOW = ("binding", "refusals", "writing", "abilities", "missing", "segments", "overflow", "decay")
ARRAYS = ("numpy", "generic", "initial", "subclasses")
GRAPHS = ("operator", "onnx", "autograd", "distributed")
# From the top down; a module imports from layers below its own. __init__ is `import cumsum`.
LAYERS = (
    ("__main__",),
    ("cli",),
    ("run",),
    ("bench", "plot", "standard", "summary"),
    ("files",),
    ("console",),
    ("__init__",),
    ("patch", "lengths", "xarray"),
    ("dispatcher", "array_api"),
    ("fast",),
    ("traced",),
    ("dask",),
    ("chunked",),
    ("stream",),
    ("api", "several", "dlpack"),
    ("torch", "masked", "nested", "tensors", "operands", *ARRAYS, *GRAPHS, *BELOW),
    ("kernels",),
    ("config", "plan", "processor"),
    ("options",),
    ("threads", "precision", "typed", "importing"),
    ("_core",),  # whose stub names the record that it reads
    ("spec",),
    ("dtypes",),
)
RANK = {name: rank for rank, names in enumerate(LAYERS) for name in names}
# A subclass of Tensor is told which public function was called. An array of Dask is met where other
# arrays are, but stands on what is made for chunks. `cumsum.files` is imported when it is asked
# for.
ALLOWED = {("torch", "__init__"), ("api", "dask"), ("__init__", "files")}
# The files of the core that may include each of these.
ONLY = {
    "Python.h": ("views.h", "number.h", "options.h"),
    # Vectors; a register and a fence; a pause.
    "immintrin.h": ("vector.h", "float_mode.h", "pause.h"),
    "arm_neon.h": ("vector.h",),
}


def imports(tree: ast.Module) -> set[str]:
    """The modules of this package that a module imports, wherever in it."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module == "cumsum":
            names = {alias.name for alias in node.names}
            found |= {f"cumsum.{name}" if name in RANK else "cumsum" for name in names}
        elif isinstance(node, ast.ImportFrom):
            found.add(str(node.module))
    parts = [name.split(".") for name in found]
    return {p[1] if len(p) > 1 else "__init__" for p in parts if p[0] == "cumsum"}


def python_faults(package: Path) -> list[str]:
    """Imports that go up, or modules that have no layer."""
    faults = []
    for path in sorted(package.rglob("*.py")):
        name = path.relative_to(package).parts[0].removesuffix(".py")
        if name not in RANK:
            faults.append(f"{path}: {name} has no layer in {__file__}")
            continue
        faults += [
            f"{path}: {name} imports {other}, a layer above it"
            for other in sorted(imports(ast.parse(path.read_text())))
            if RANK.get(other, 0) < RANK[name] and (name, other) not in ALLOWED
        ]
    return faults


def core_faults(core: Path) -> list[str]:
    """Headers included outside the files that may."""
    return [
        f"{path}: {header} is for {', '.join(ONLY[header])}"
        for path in sorted(core.rglob("*.*"))
        for header in re.findall(r"#\s*include\s*<([^>]+)>", path.read_text())
        if path.name not in ONLY.get(header, (path.name,))
    ]


def main(src: Path) -> int:
    """Print what is wrong below `src`; the exit status is 1 when something is."""
    faults = [*python_faults(src / "cumsum"), *core_faults(src / "core")]
    print(*faults, sep="\n", end="\n" if faults else "")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
