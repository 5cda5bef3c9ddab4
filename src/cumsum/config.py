"""What this installation is made of."""

from __future__ import annotations

import os
from typing import NamedTuple

from cumsum import _core
from cumsum.threads import get_num_threads

OPTIONAL = (
    *("torch", "triton", "ml_dtypes", "dask", "xarray", "zarr", "h5py", "pyarrow", "matplotlib"),
    "rich",
)


class Config(NamedTuple):
    """The answer of `show_config`; as a string, a report of a line each.

    Attributes
    ----------
    version : str
        Of this package.
    target : str
        The instruction set in use.
    targets : tuple of str
        Those that this machine can run, best first.
    threads : int
        What `get_num_threads` answers.
    processor : str
        Its name, its numbers and the sizes of its caches, as far as the system tells.
    choices : dict of str to int
        What the kernels go by on this processor: bytes that a thread takes at a time (``claim``),
        of a row of columns (``panel``), and of results that are written past the cache
        (``stream``); and whether that is so where as much is read (``past_cache``).
    libraries : dict of str to str or None
        Versions of the libraries this package can work with; None where one is not installed.
    """

    version: str
    target: str
    targets: tuple[str, ...]
    threads: int
    processor: str
    choices: dict[str, int]
    libraries: dict[str, str | None]

    def __str__(self) -> str:
        rows = [
            ("cumsum", self.version),
            ("target", f"{self.target} (of {', '.join(self.targets)})"),
            ("threads", str(self.threads)),
            ("processor", self.processor),
            ("choices", ", ".join(f"{name} {value}" for name, value in self.choices.items())),
            *((name, version or "not installed") for name, version in self.libraries.items()),
        ]
        return "\n".join(f"{name:<12}{value}" for name, value in rows)


def installed(name: str) -> str | None:
    """The version of an installed distribution, without importing it."""
    from importlib import metadata  # takes longer to import than this package

    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def show_config() -> Config:
    """What is installed and in use: version, instruction set, threads, processor, libraries.

    Returns
    -------
    Config
        Print it, or read its attributes. No library is imported to find its version.

    Examples
    --------
    >>> import cumsum
    >>> cumsum.show_config().target in cumsum.show_config().targets
    True
    """
    from cumsum.processor import describe  # reads files of the system

    libraries = {name: installed(name) for name in ("numpy", *OPTIONAL)}
    version = installed("cumsum") or "unknown"
    return Config(
        version,
        _core.target(),
        tuple(_core.targets()),
        get_num_threads(),
        describe(),
        _core.choices(),
        libraries,
    )


def choose_target() -> None:
    """Use the instruction set that the variable CUMSUM_TARGET names, if it does.

    Raises
    ------
    ValueError
        If this machine cannot run it.
    """
    name = os.environ.get("CUMSUM_TARGET", "")
    if name and not _core.choose_target(name):
        raise ValueError(f"CUMSUM_TARGET is {name!r}, but this machine runs {_core.targets()}")
