"""How long `import cumsum` takes beside `import numpy`, each in a new interpreter."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time

ROUNDS = 15
STATEMENTS = {"python": "pass", "numpy": "import numpy", "cumsum": "import cumsum"}


def seconds(statement: str) -> float:
    """Wall time of an interpreter that runs `statement` and ends."""
    start = time.perf_counter()
    subprocess.run([sys.executable, "-c", statement], check=True)
    return time.perf_counter() - start


def measure() -> dict[str, float]:
    """Median seconds for each statement, interleaved, and ours as a multiple of NumPy's.

    `import cumsum` includes `import numpy`; starting the interpreter is taken from both.
    """
    samples: dict[str, list[float]] = {name: [] for name in STATEMENTS}
    for _ in range(ROUNDS):
        for name, statement in STATEMENTS.items():
            samples[name].append(seconds(statement))
    times = {name: statistics.median(values) for name, values in samples.items()}
    ratio = (times["cumsum"] - times["python"]) / (times["numpy"] - times["python"])
    return {**times, "ratio": ratio}


def describe(times: dict[str, float]) -> str:
    """The figures as a sentence."""
    ours, numpy = (1e3 * (times[name] - times["python"]) for name in ("cumsum", "numpy"))
    return f"cumsum {ours:.0f} ms, NumPy alone {numpy:.0f} ms, ratio {times['ratio']:.2f}"


if __name__ == "__main__":
    sys.stdout.write(describe(measure()) + "\n")
