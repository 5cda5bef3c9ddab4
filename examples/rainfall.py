"""Four years of rain in Seattle: the day by which half of each year's rain had fallen.

pip install cumsum vega_datasets
"""

import importlib.util
from pathlib import Path

import numpy as np

import cumsum

(package,) = importlib.util.find_spec("vega_datasets").submodule_search_locations
table = np.genfromtxt(
    Path(package) / "_data" / "seattle-weather.csv",
    delimiter=",",
    names=True,
    dtype=None,
    encoding="utf-8",
)
day = np.array([text.replace("/", "-") for text in table["date"]], dtype="datetime64[D]")
year = day.astype("datetime64[Y]")

for one in np.unique(year):
    rows = year == one
    total = cumsum.cumsum(table["precipitation"][rows], 0)
    half = day[rows][np.searchsorted(total, total[-1] / 2)]
    print(f"{one}: {total[-1]:7.1f} mm, half of it by {half}")
