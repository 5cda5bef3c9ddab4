"""Draw the pictures of docs/decay.md and docs/missing.md: `python tools/draw.py docs/_static`."""

import sys
from pathlib import Path

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
from vega_datasets import data

import cumsum

mpl.use("svg")
mpl.rcParams["svg.hashsalt"] = "cumsum"  # the same file every time


def axes_of(title: str):
    """A figure with one pair of axes, of the width of a page."""
    figure, axes = plt.subplots(figsize=(7, 2.8), layout="constrained")
    axes.set_title(title, fontsize=10)
    axes.spines[["top", "right"]].set_visible(False)
    return figure, axes


def draw_returns(path: Path) -> None:
    """Rewards, and what is still to come of them, discounted."""
    rewards = np.zeros(120)
    rewards[[30, 70, 75, 110]] = [1, -0.6, 1, 1.5]
    figure, axes = axes_of("cumsum(rewards, 0, decay=gamma, reverse=True)")
    axes.bar(range(len(rewards)), rewards, color="0.75", width=1.2, label="rewards")
    for gamma, colour in ((0.9, "tab:blue"), (0.97, "tab:orange")):
        returns = cumsum.cumsum(rewards, 0, decay=gamma, reverse=True)
        axes.plot(returns, color=colour, label=f"gamma = {gamma}")
    axes.set_xlabel("step")
    axes.legend(frameon=False, fontsize=8)
    figure.savefig(path, metadata={"Date": None})


def draw_gaps(path: Path) -> None:
    """A year of rain, of which some weeks are lost."""
    rain = np.loadtxt(data.seattle_weather.filepath, delimiter=",", skiprows=1, usecols=1)[:366]
    seen = rain.copy()
    for start, days in ((40, 25), (150, 30), (310, 12)):
        seen[start : start + days] = np.nan
    figure, axes = axes_of("Rain in Seattle in 2012, in mm, from a gauge that failed three times")
    axes.plot(cumsum.cumsum(rain, 0), color="0.75", label="nothing lost")
    held = cumsum.cumsum(seen, 0, skipna=True)
    axes.plot(held, color="tab:blue", linestyle=":", label='skipna=True, missing="carry"')
    shown = cumsum.cumsum(seen, 0, skipna=True, missing="nan")
    axes.plot(shown, color="tab:blue", label='skipna=True, missing="nan"')
    axes.set_xlabel("day")
    axes.legend(frameon=False, fontsize=8)
    figure.savefig(path, metadata={"Date": None})


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    draw_returns(folder / "decay.svg")
    draw_gaps(folder / "missing.svg")
