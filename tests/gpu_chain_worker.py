"""One-pass scans by several processes at once, in Triton's interpreter; run by a test.

python tests/gpu_chain_worker.py < cases, one a line of JSON: a line for each, whether it is right.

Programs of a grid run one after the other in the interpreter, so none of them would ever wait.
Here processes share memory and take tiles from the same ticket: the atomic operations are real.
It is on where TRITON_INTERPRET is set before Triton is imported.
"""

import json
import sys

import numpy as np
import torch
import torch.multiprocessing as mp
from triton.runtime.interpreter import GridExecutor

import gpu_reference
import interpreter
from cumsum.kernels.gpu import scan as gpu
from cumsum.kernels.gpu.code.chain import chain
from cumsum.kernels.gpu.layout import layout_of

PROCESSES = 3


def work(count, given, constants):
    torch.set_num_threads(1)
    # It copies results back from a device, here from shared memory onto itself.
    GridExecutor._restore_args_dev = lambda *args: None
    chain[(count,)](*given, **constants)


def bits(shape, dim, reverse, sizes):
    """Whether the results are those of the reference, bit for bit."""
    rng = np.random.default_rng(0)
    x = torch.from_numpy(rng.standard_normal(shape) * 10 ** rng.standard_normal(shape)).float()
    y = torch.full(shape, float("nan")).share_memory_()
    x.share_memory_()
    kind = gpu.kind_of(torch.float32)._replace(groups=sizes[0], blocks=sizes[1])
    layout = layout_of(shape, dim, [x.stride(), y.stride()])
    call = gpu.launch_of(layout, kind, gpu.TYPES[y.dtype], reverse=reverse, cores=4)
    values = gpu.Values(x, x), gpu.Values(y, y)
    grid, given, constants = gpu.chain_call(call, *values, None, exclusive=False)
    for tensor in given[4:7]:
        tensor.share_memory_()
    shares = [grid // PROCESSES + (k < grid % PROCESSES) for k in range(PROCESSES)]
    children = [mp.Process(target=work, args=(n, given, constants)) for n in shares if n]
    for child in children:
        child.start()
    for child in children:
        child.join(60)
    hung = [child for child in children if child.is_alive()]
    for child in hung:
        child.kill()
    assert not hung, "a program waits for ever"
    lines = x.movedim(dim, -1)
    lines = (lines.flip(-1) if reverse else lines).reshape(-1, shape[dim]).double().numpy()
    begin = (np.zeros(len(lines)),)
    sums = gpu_reference.scan((lines,), begin, np.float64, sizes=sizes)[0]
    expected = torch.from_numpy(sums).float()
    result = y.movedim(dim, -1)
    result = (result.flip(-1) if reverse else result).reshape(-1, shape[dim])
    return torch.equal(result, expected)


if __name__ == "__main__":
    mp.set_start_method("fork")
    interpreter.hasten()
    for line in sys.stdin:
        sys.stdout.write(json.dumps(bits(**json.loads(line))) + "\n")
        sys.stdout.flush()
