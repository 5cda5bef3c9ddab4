"""Faults made on purpose, on a GPU, to see that they are found.

python tests/gpu_planted.py memcheck     our own scan of 5000 elements to memory for 300
python tests/gpu_planted.py racecheck    a read of shared memory before the write by another warp
"""

import sys

import torch

RACE = """
extern "C" __global__ void race(int *out) {
    __shared__ int shared[64];
    shared[threadIdx.x] = threadIdx.x;
    out[threadIdx.x] = shared[63 - threadIdx.x];
}
"""


def memcheck():
    from cumsum.kernels.gpu import scan as gpu
    from cumsum.kernels.gpu.layout import layout_of

    x, y = torch.ones(5000, device="cuda"), torch.empty(300, device="cuda")
    values = gpu.Values(x, x), gpu.Values(y, y)
    layout = layout_of(x.shape, 0, [x.stride(), y.stride()])
    gpu.scan(*values, None, layout, gpu.kind_of(x.dtype), exclusive=False, reverse=False)
    torch.cuda.synchronize()


def racecheck():
    out = torch.empty(64, dtype=torch.int32, device="cuda")
    kernel = torch.cuda._compile_kernel(RACE, "race")
    kernel(grid=(1, 1, 1), block=(64, 1, 1), args=[out])
    torch.cuda.synchronize()


if __name__ == "__main__":
    {"memcheck": memcheck, "racecheck": racecheck}[sys.argv[1]]()
