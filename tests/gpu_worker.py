"""A process in which Triton interprets cases of the GPU kernels, and says what is wrong.

python tests/gpu_worker.py < numbers of cases, one a line: prints a line of JSON for each.
"""

import faulthandler
import json
import os
import sys
import time
import traceback

os.environ["TRITON_INTERPRET"] = "1"  # before Triton is imported

import gpu_cases
from cases import as_array

SECONDS = 60  # for one case; each takes less than one


def outcome(case):
    """What is wrong with a case; nothing if all is right."""
    faulthandler.dump_traceback_later(SECONDS, exit=True)  # whatever is waited for then
    try:
        y = as_array(gpu_cases.run(case, "cpu"))
        return gpu_cases.fault(y, gpu_cases.expected(case, cut=True))
    except Exception:  # noqa: BLE001 - the test that asked for the case fails with it
        return traceback.format_exc()
    finally:
        faulthandler.cancel_dump_traceback_later()


def main():
    for number in map(int, sys.stdin.read().split()):
        start = time.process_time()
        fault = outcome(gpu_cases.CASES[number])
        seconds = time.process_time() - start
        sys.stdout.write(json.dumps({"case": number, "fault": fault, "seconds": seconds}) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
