"""How many threads a scan may use, and who decides."""

import os
import subprocess
import sys
import threading

import pytest

import cumsum


def test_set_and_get():
    cumsum.set_num_threads(3)
    assert cumsum.get_num_threads() == 3


def test_context_counts_before_set():
    cumsum.set_num_threads(3)
    with cumsum.num_threads(1):
        assert cumsum.get_num_threads() == 1
        with cumsum.num_threads(2):
            assert cumsum.get_num_threads() == 2
        assert cumsum.get_num_threads() == 1
    assert cumsum.get_num_threads() == 3


def test_context_ends_with_an_exception():
    before = cumsum.get_num_threads()
    with pytest.raises(KeyError), cumsum.num_threads(before + 1):
        raise KeyError
    assert cumsum.get_num_threads() == before


def test_context_belongs_to_its_thread():
    before = cumsum.get_num_threads()
    seen = []
    with cumsum.num_threads(before + 5):
        other = threading.Thread(target=lambda: seen.append(cumsum.get_num_threads()))
        other.start()
        other.join()
    assert seen == [before]


@pytest.mark.parametrize("function", [cumsum.set_num_threads, cumsum.num_threads])
class TestBadCounts:
    @pytest.mark.parametrize("n", [0, -1, 4097])
    def test_range(self, function, n):
        with pytest.raises(ValueError, match=rf"\[1, 4096\], not {n}"), function(n):
            pass

    @pytest.mark.parametrize("n", [1.0, "2", None, True])
    def test_type(self, function, n):
        with pytest.raises(TypeError, match="n must be an integer, not"), function(n):
            pass


@pytest.mark.parametrize(
    ("variables", "count"),
    [
        ({"CUMSUM_NUM_THREADS": "3"}, 3),
        ({"OMP_NUM_THREADS": "5"}, 5),
        ({"OMP_NUM_THREADS": "5,2"}, 5),
        ({"CUMSUM_NUM_THREADS": "3", "OMP_NUM_THREADS": "5"}, 3),
    ],
)
def test_environment(variables, count):
    code = "import cumsum; print(cumsum.get_num_threads())"
    environment = os.environ | variables
    argv = [sys.executable, "-c", code]
    run = subprocess.run(argv, env=environment, capture_output=True, text=True, check=True)
    assert int(run.stdout) == count


def test_bad_environment_is_named():
    environment = os.environ | {"CUMSUM_NUM_THREADS": "many"}
    argv = [sys.executable, "-c", "import cumsum"]
    run = subprocess.run(argv, env=environment, capture_output=True, text=True, check=False)
    assert "CUMSUM_NUM_THREADS is 'many'" in run.stderr
