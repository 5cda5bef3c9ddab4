"""What a processor says of itself, and the microarchitecture that goes by its numbers."""

from __future__ import annotations

import contextlib
import platform
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

CPUINFO = Path("/proc/cpuinfo")
CACHES = Path("/sys/devices/system/cpu/cpu0/cache")

# Family, first and last model, as the Linux kernel (amd.c) has them.
AMD = (
    *((23, 0x00, 0x2F, "Zen"), (23, 0x50, 0x5F, "Zen")),
    *((23, 0x30, 0x4F, "Zen 2"), (23, 0x60, 0x7F, "Zen 2"), (23, 0x90, 0xAF, "Zen 2")),
    *((25, 0x00, 0x0F, "Zen 3"), (25, 0x20, 0x5F, "Zen 3")),
    *((25, 0x10, 0x1F, "Zen 4"), (25, 0x60, 0xAF, "Zen 4")),
    *((26, 0x00, 0x2F, "Zen 5"), (26, 0x40, 0x4F, "Zen 5"), (26, 0x60, 0x7F, "Zen 5")),
)
# Models of family 6 (intel-family.h of the kernel).
INTEL = {
    "Haswell": (63,),
    "Broadwell": (79, 86),
    "Skylake": (78, 94),
    "Ice Lake": (106, 108, 125, 126),
    "Tiger Lake": (140, 141),
    "Alder Lake": (151, 154),
    "Raptor Lake": (183, 186, 191),
    "Sapphire Rapids": (143,),
    "Emerald Rapids": (207,),
    "Granite Rapids": (173, 174),
}
# Steppings of model 85 from which on another name is meant.
SKYLAKE_SERVERS = ((10, "Cooper Lake"), (5, "Cascade Lake"), (0, "Skylake-X"))
ARM = {"0xd0c": "Neoverse N1", "0xd40": "Neoverse V1", "0xd49": "Neoverse N2"}
ARM |= {"0xd4f": "Neoverse V2"}


def fields(text: str) -> dict[str, str]:
    """What /proc/cpuinfo says of the first processor."""
    lines = (line.partition(":") for line in text.partition("\n\n")[0].splitlines())
    return {key.strip(): value.strip() for key, _, value in lines}


def microarchitecture(said: Mapping[str, str]) -> str | None:
    """The name of the design; None where it is not in the tables."""
    if said.get("CPU implementer") == "0x41":
        return ARM.get(said.get("CPU part", ""))
    family, model, stepping = (int(said.get(k, -1)) for k in ("cpu family", "model", "stepping"))
    if said.get("vendor_id") == "AuthenticAMD":
        found = (name for at, low, high, name in AMD if at == family and low <= model <= high)
        return next(found, None)
    if said.get("vendor_id") != "GenuineIntel" or family != 6:
        return None
    if model == 85:
        return next(name for first, name in SKYLAKE_SERVERS if stepping >= first)
    return next((name for name, models in INTEL.items() if model in models), None)


def caches(folder: Path = CACHES) -> dict[str, str]:
    """The sizes of the caches of data of the first processor, as the system reports them."""
    found = {}
    for index in sorted(folder.glob("index*")):
        level, kind, size = ((index / n).read_text().strip() for n in ("level", "type", "size"))
        if kind != "Instruction":
            found[f"L{level}"] = size
    return found


def tidy(name: str) -> str:
    """A processor's name without what all of them have in theirs."""
    name = re.sub(r"\((R|TM)\)|\b(CPU|Processor|\d+-Core)\b|@.*", " ", name, flags=re.IGNORECASE)
    return " ".join(name.split())


def identify() -> dict[str, Any]:
    """The name that the maker gave, the numbers, the microarchitecture and the caches."""
    said: dict[str, str] = {}
    with contextlib.suppress(OSError):
        said = fields(CPUINFO.read_text())
    return {
        "processor": said.get("model name") or platform.processor() or platform.machine(),
        "family": int(said["cpu family"]) if "cpu family" in said else None,
        "model": int(said["model"]) if "model" in said else None,
        "microarchitecture": microarchitecture(said),
        "caches": caches(),
    }


def describe() -> str:
    """The processor in one line."""
    found = identify()
    parts = [tidy(found["processor"]), found["microarchitecture"]]
    parts += [f"{k} {found[k]}" for k in ("family", "model") if found[k] is not None]
    parts += [f"{level} {size}" for level, size in found["caches"].items()]
    return ", ".join(filter(None, parts))
