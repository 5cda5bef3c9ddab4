"""The builds that are fuzzed, and what a process needs for their extension to be loaded."""

import os
import re
import subprocess
import sys
from pathlib import Path

KINDS = ("plain", "address", "thread")
HERE = Path(__file__).parent
LIBRARIES = {"plain": "libc_malloc_debug.so.0", "address": "libasan.so", "thread": "libtsan.so"}
OPTIONS = {
    "plain": {"MALLOC_CHECK_": "3", "MALLOC_PERTURB_": "165"},
    "address": {
        "ASAN_OPTIONS": "symbolize=0:detect_leaks=0:abort_on_error=0:exitcode=66"
        ":allocator_may_return_null=1"
        ":detect_stack_use_after_return=0:malloc_context_size=2:quarantine_size_mb=16"
        ":thread_local_quarantine_size_kb=64",
        "UBSAN_OPTIONS": "symbolize=0",
    },
    "thread": {
        "TSAN_OPTIONS": "halt_on_error=1:exitcode=66:die_after_fork=0"
        f":suppressions={HERE / 'thread.suppressions'}",
        "PYTHONMALLOC": "malloc",
    },
}


def enter(kind):
    """Go on in a process that has a build's library from its first moment on."""
    if os.environ.get("CUMSUM_FUZZ_KIND") == kind:
        return
    wanted = {"CUMSUM_FUZZ_KIND": kind, "LD_PRELOAD": library(kind), **OPTIONS[kind]}
    os.execve(sys.executable, [sys.executable, "-m", "fuzz", *sys.argv[1:]], os.environ | wanted)


def library(kind):
    """Where the library lies."""
    if kind == "plain":
        return LIBRARIES[kind]
    ask = ["g++", f"-print-file-name={LIBRARIES[kind]}"]
    found = subprocess.run(ask, capture_output=True, text=True, check=True)
    also = subprocess.run(
        ["g++", "-print-file-name=libstdc++.so"], capture_output=True, text=True, check=True
    )
    return f"{found.stdout.strip()} {also.stdout.strip()}"


def symbolised(report):
    """A report with the source of our own frames; the sanitizer would read all of torch for it."""
    frames = re.findall(r"\(?(\S*/_core[^+\s]*\.so)\+0x([0-9a-f]+)", report)[:12]
    if not frames:
        return report
    command = ["addr2line", "-e", frames[0][0], *(address for _, address in frames)]
    lines = subprocess.run(command, capture_output=True, text=True, check=False).stdout.split()
    return "\n".join([report.split("\n    #")[0], *lines, *re.findall("SUMMARY: .*", report)])


def summary(report):
    """The line of a sanitizer's report that says what it found, and in which function of ours."""
    for pattern in (r"SUMMARY: (\w+: [\w-]+) .*", r"(runtime error: .*)"):
        if found := re.search(pattern, report):
            place = re.search(r"src/core/(?:\w+/)?(\w+\.\w+):\d+", report)
            return f"{found[1]} in {place[1] if place else '?'}"
    return None
