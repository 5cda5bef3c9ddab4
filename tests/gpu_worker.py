"""A process in which Triton interprets cases of the GPU kernels, and says what is wrong.

python tests/gpu_worker.py < numbers of cases, one a line: prints a line of JSON for each.
"""

import json
import os
import signal
import sys
import time
import traceback

os.environ["TRITON_INTERPRET"] = "1"  # before Triton is imported

import gpu_cases
import interpreter
from cases import as_array

SECONDS = 60  # of a processor for one case; each takes less than one


def out_of_time(number, frame):
    raise TimeoutError(f"not done after {SECONDS} s of a processor")


def outcome(case):
    """What is wrong with a case; nothing if all is right."""
    signal.setitimer(signal.ITIMER_PROF, SECONDS)
    try:
        y = as_array(gpu_cases.run(case, "cpu"))
        return gpu_cases.fault(y, gpu_cases.expected(case, cut=True))
    except Exception:  # noqa: BLE001 - the test that asked for the case fails with it
        return traceback.format_exc()
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)


def main():
    interpreter.hasten()
    signal.signal(signal.SIGPROF, out_of_time)
    for number in map(int, sys.stdin.read().split()):
        start = time.process_time()
        fault = outcome(gpu_cases.CASES[number])
        seconds = time.process_time() - start
        sys.stdout.write(json.dumps({"case": number, "fault": fault, "seconds": seconds}) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
