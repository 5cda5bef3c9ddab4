"""The fuzzer: workers make calls, and what ends a worker is a finding as well."""

import ctypes
import json
import os
import re
import signal
import sys
import tempfile
import time
import traceback
from collections import Counter
from pathlib import Path

import numpy as np
import torch

import cumsum
from cumsum import _core
from fuzz import builds, calls, run

HANG = 120  # seconds; the sanitizers are slow
SHOWN = 3  # of failures of one kind


def main(arguments):
    torch.set_num_threads(1)
    targets = tuple(arguments.target or _core.targets())
    if arguments.call is not None:
        sys.exit(one(arguments.seed, arguments.call, targets, arguments.kind))
    run.warm_up()
    where = Path(cumsum.__file__).parent
    say(f"seed {arguments.seed}, {arguments.kind} build {where}, targets {' '.join(targets)}")
    sys.exit(Fuzzer(arguments, targets).run())


def say(text):
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def one(seed, number, targets, kind):
    """Make one call, here."""
    call = calls.make(seed, number, targets)
    say(str(call))
    try:
        run.run(call, races=kind != "thread")
    except Exception:  # noqa: BLE001 - whatever it is, it is what was looked for
        traceback.print_exc()
        return 1
    return 0


class Worker:
    """A forked process, the call that it makes, and what it writes."""

    def __init__(self, index, jobs):
        self.index = index
        self.next = index
        self.jobs = jobs
        self.pid = 0
        self.began = 0.0
        self.seen = -1
        self.lines = 0  # of the log that have been read
        self.log = tempfile.TemporaryFile()  # noqa: SIM115 - as long as the worker
        self.at = np.memmap(tempfile.TemporaryFile(), np.int64, "w+", shape=2)  # noqa: SIM115


class Fuzzer:
    """Workers that are begun again after whatever ends them."""

    def __init__(self, arguments, targets):
        self.arguments = arguments
        self.targets = targets
        self.findings = Counter()
        self.calls = 0
        self.began = time.monotonic()
        self.done = False

    def run(self):
        workers = [Worker(i, self.arguments.jobs) for i in range(self.arguments.jobs)]
        for worker in workers:
            self.start(worker)
        while not self.done and time.monotonic() < self.began + self.arguments.seconds:
            time.sleep(0.05)
            for worker in workers:
                self.look_after(worker)
        for worker in workers:
            os.kill(worker.pid, signal.SIGKILL)
            os.waitpid(worker.pid, 0)
            self.calls += int(worker.at[1])
            self.read(worker)
        spent = time.monotonic() - self.began
        say(f"{self.calls} calls in {spent:.0f} s, {sum(self.findings.values())} failures")
        for what, count in self.findings.most_common():
            say(f"{count:6} {what}")
        return 1 if self.findings else 0

    def start(self, worker):
        """Fork a process that makes calls from the worker's next on."""
        worker.at[:] = worker.next, 0
        worker.seen, worker.began = -1, time.monotonic()
        worker.log.seek(0)
        worker.log.truncate()
        worker.lines = 0
        worker.pid = os.fork()
        if worker.pid:
            return
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # to end when its parent does
        os.dup2(worker.log.fileno(), 2)
        try:
            self.work(worker)
        finally:
            os._exit(3)

    def work(self, worker):
        """Make calls for ever."""
        number = worker.next
        while True:
            worker.at[0] = number
            call = None
            try:
                call = calls.make(self.arguments.seed, number, self.targets)
                run.run(call, races=self.arguments.kind != "thread")
            except Exception as error:  # noqa: BLE001 whatever it is, it is told
                self.tell(number, call, error)
            worker.at[1] += 1
            number += worker.jobs

    def tell(self, number, call, error):
        """Hand a failure to the parent, as a line among what is written."""
        topics = call.topics() if call else ["no call"]
        trace = "" if isinstance(error, run.Wrong) else traceback.format_exc()
        found = {"number": number, "topics": topics, "call": str(call), "what": str(error)}
        found |= {"kind": type(error).__name__, "trace": trace}
        os.write(2, f"\n@{json.dumps(found)}\n".encode())

    def look_after(self, worker):
        """Read what a worker says; start it again if it has ended or hangs."""
        self.read(worker)
        number = int(worker.at[0])
        if number != worker.seen:
            worker.seen, worker.began = number, time.monotonic()
        elif time.monotonic() > worker.began + HANG:
            os.kill(worker.pid, signal.SIGKILL)
        pid, status = os.waitpid(worker.pid, os.WNOHANG)
        if not pid:
            return
        report = builds.symbolised(self.read(worker))
        number = int(worker.at[0])
        self.calls += int(worker.at[1]) + 1
        code = os.waitstatus_to_exitcode(status)
        what = "hangs" if code == -signal.SIGKILL else f"ends with {code}"
        call = calls.make(self.arguments.seed, number, self.targets)
        self.found(number, call.topics(), str(call), builds.summary(report) or what, report)
        worker.next = number + worker.jobs
        self.start(worker)

    def read(self, worker):
        """What a worker has written, but for failures, which are counted."""
        worker.log.seek(0)
        text = worker.log.read().decode(errors="replace")
        lines = text.splitlines()
        for line in lines[worker.lines :]:
            if line.startswith("@") and line.endswith("}"):
                found = json.loads(line[1:])
                what = f"{found['kind']}: {found['what']}"
                self.found(found["number"], found["topics"], found["call"], what, found["trace"])
        worker.lines = len(lines)
        return "\n".join(line for line in lines if not line.startswith("@"))

    def found(self, number, topics, call, what, report):
        """Count a failure, and show the first ones of its kind."""
        said = re.split(": |, ", re.sub(" 0x[0-9a-f]+", "", what))
        kind = f"{': '.join(said[:2])} [{', '.join(topics)}]"
        self.findings[kind] += 1
        if self.findings[kind] > SHOWN:
            return
        spent = time.monotonic() - self.began
        kind_of_build = self.arguments.kind
        say(f"\n{what}\n    {call}\n    {report[-2500:]}" if report else f"\n{what}\n    {call}")
        say(
            f"    after {spent:.0f} s: python -m fuzz --kind {kind_of_build} "
            f"--seed {self.arguments.seed} --call {number}"
        )
        if self.arguments.until and re.search(self.arguments.until, f"{what} {topics}"):
            self.done = True
