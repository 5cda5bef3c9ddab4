"""What the package exports, how it is called, what its pages say, and that no peer is called."""

import ast
import doctest
import inspect
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import cumsum

PACKAGE = Path(cumsum.__file__).parent
SOURCES = sorted(PACKAGE.rglob("*.py"))
SIGNATURES = {
    "cumsum": "(input, dim, *, dtype=None, out=None, exclusive=False, reverse=False, "
    "include_initial=False, initial=None, offsets=None, lengths=None, reset=None, where=None, "
    "skipna=False, missing='carry', overflow=None, decay=None, precision=None)",
    "cumsum_": "(input, dim, *, dtype=None, exclusive=False, reverse=False, "
    "initial=None, offsets=None, lengths=None, reset=None, where=None, "
    "skipna=False, missing='carry', overflow=None, decay=None, precision=None)",
    "cumulative_sum": "(x, /, *, axis=None, dtype=None, include_initial=False, out=None, precision=None)",
    "offsets": "(lengths, *, dtype=None)",
    "RunningSum": "(dim, dtype=None, *, exclusive=False, include_initial=False, initial=None, "
    "precision=None, **others)",
    "set_num_threads": "(n)",
    "get_num_threads": "()",
    "num_threads": "(n)",
    "show_config": "()",
    "patch_torch": "()",
}
# The benchmark measures the peers; nothing else may call them.
PEERS_ALLOWED = ("contest.py",)
PEERS = ("np", "numpy", "torch", "xp", "itertools", "aten")


def bare(signature):
    """A signature without its annotations."""
    parameters = [p.replace(annotation=p.empty) for p in signature.parameters.values()]
    return str(signature.replace(parameters=parameters, return_annotation=signature.empty))


def test_all_is_what_is_there():
    assert set(SIGNATURES) <= set(cumsum.__all__)
    assert sorted(set(cumsum.__all__)) == sorted(cumsum.__all__)
    for name in cumsum.__all__:
        assert hasattr(cumsum, name), name
    public = {n for n, v in vars(cumsum).items() if not n.startswith("_") and callable(v)}
    assert public <= set(cumsum.__all__)


def test_dir_is_what_resolves():
    public = {name for name in dir(cumsum) if name[:1] != "_"}
    assert public == {*cumsum.__all__, "distributed", "files", "xarray"}
    code = "import cumsum; cumsum.files.cumsum; cumsum.xarray.cumsum; cumsum.distributed.exscan"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_dir_without_optional_libraries():
    code = """if 1:
        import sys
        sys.modules["torch"] = sys.modules["xarray"] = None
        import cumsum
        assert not hasattr(cumsum, "distributed") and not hasattr(cumsum, "xarray")
        assert "distributed" not in dir(cumsum) and "files" in dir(cumsum)
        try:
            cumsum.xarray
        except AttributeError as error:
            assert "cumsum.xarray needs xarray, which is not installed" in str(error)
    """
    subprocess.run([sys.executable, "-c", code], check=True)


def test_missing_without_a_mask_is_an_error():
    for given in ({}, {"where": None}, {"skipna": False}):
        with pytest.raises(ValueError, match="missing needs where= or skipna=True"):
            cumsum.cumsum(np.ones(3), 0, missing="nan", **given)
    assert cumsum.cumsum(np.ones(3), 0, missing="carry")[2] == 3


@pytest.mark.parametrize("name", SIGNATURES)
def test_signature(name):
    assert bare(inspect.signature(getattr(cumsum, name))) == SIGNATURES[name]


def test_version():
    assert re.fullmatch(r"\d+\.\d+\.\d+.*", cumsum.__version__)


@pytest.mark.parametrize("name", SIGNATURES)
def test_documentation(name):
    function = getattr(cumsum, name)
    page = inspect.getdoc(function)
    assert re.match(r"\S.*\.\n?", page)
    parameters = inspect.signature(function).parameters
    headings = set(re.findall(r"^(\w+)\n-+$", page, re.MULTILINE))
    assert "Examples" in headings
    assert {"Returns", "Yields"} & headings or name in (
        "RunningSum",
        "set_num_threads",
        "num_threads",
    )
    if parameters:
        assert {"Parameters", "Raises"} <= headings
        described = re.split(r"^Parameters\n-+$", page, flags=re.MULTILINE)[1]
        for parameter in parameters:
            assert re.search(rf"^(\w+, |\*\*)*{parameter}(, \w+)* ?:", described, re.MULTILINE), (
                parameter
            )


@pytest.mark.parametrize("name", SIGNATURES)
def test_examples(name):
    finder, runner = (
        doctest.DocTestFinder(recurse=False),
        doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS),
    )
    (found,) = finder.find(getattr(cumsum, name), name, globs={})
    assert found.examples
    assert runner.run(found).failed == 0


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_no_peer_computes_a_result(path):
    """No source calls numpy's, torch's or itertools' own scan."""
    calls = [
        ast.unparse(node.func)
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
    ]
    scans = [call for call in calls if is_a_scan(call)]
    assert scans == [] or path.name in PEERS_ALLOWED


def is_a_scan(call):
    """Whether a dotted call is a peer's scan, as a function or as a method."""
    *owner, name = call.split(".")
    if name == "accumulate":
        return True
    return name in {"cumsum", "cumsum_", "cumulative_sum", "nancumsum"} and owner[0] in PEERS


def test_scans_are_recognised():
    for call in ("np.cumsum", "torch.ops.aten.cumsum", "np.add.accumulate", "xp.cumulative_sum"):
        assert is_a_scan(call)
    for call in ("cumsum.cumsum", "np.sum", "_core.scan"):
        assert not is_a_scan(call)
