"""Write the table of docs/pytorch.md from the results of the tests.

python tools/support.py RESULTS.xml docs/pytorch.md   (RESULTS.xml: pytest --junitxml)

A row that no test stands for, or for which one fails, is an error.
"""

import re
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

BEGIN, END = "<!-- support:start -->\n", "<!-- support:end -->\n"
# Subsystem, the tests that stand for it (file, and a pattern for the rest of the name), what to
# know of it.
ROWS = (
    ("eager calls, 2,421 of them beside torch's", "test_torch_spec", "same_as_torch", ""),
    ("OpInfo samples, every dtype, `out=`, transposed", "test_opinfo", r"samples\[", ""),
    ("OpInfo samples in place", "test_opinfo", "samples_in_place", ""),
    ("OpInfo error inputs", "test_opinfo", "error_inputs", "the same type and text"),
    ("conjugated and negated views", "test_calls", "negated", ""),
    ("backward, every dtype", "test_opinfo", "gradients", "one reverse scan, nothing saved"),
    ("gradcheck, forward AD, batched gradients", "test_derivatives", "test_gradcheck", ""),
    ("gradgradcheck, forward over reverse", "test_derivatives", "gradgradcheck", ""),
    ("nothing is saved for backward", "test_derivatives", "nothing_is_saved", ""),
    ("vmap over every dim, nested, in place", "test_derivatives", "vmap_over", ""),
    (
        "torch.func: grad, vjp, jvp, jacobians, hessian",
        "test_torch_spec",
        "(grad|jvp|jac|hess)",
        "",
    ),
    ("compositions of transforms, linearize", "test_derivatives", "compositions", ""),
    ("functionalize", "test_graphs", "functionalize", ""),
    ("torch.compile, eager backend", "test_compile", r"test_call\[.*-eager", "no graph break"),
    ("torch.compile, aot_eager", "test_compile", r"test_call\[.*-aot_eager", "no graph break"),
    ("torch.compile, inductor", "test_compile", r"test_call\[.*-inductor", "no graph break"),
    (
        "torch.compile, static and dynamic sizes",
        "test_compile",
        "(sizes|few_elements)",
        "eager bits",
    ),
    ("torch.compile, `out=` and in place", "test_compile", "(out_given|in place)", ""),
    ("torch.compile, backward", "test_compile", "backward", "eager bits"),
    ("torch.export, saved and loaded", "test_graphs", "export", ""),
    (
        "core ATen decompositions",
        "test_graphs",
        "(core_aten|decomposition)",
        "torch's kernels there",
    ),
    ("ONNX, run by onnxruntime", "test_graphs", "onnx", "its CumSum"),
    ("ONNX with `dynamo=False`", "test_torch_onnx", "", "its CumSum"),
    ("AOTInductor", "test_graphs", "aot_inductor", "in a process that imports cumsum"),
    ("torch.jit.trace", "test_graphs", "jit_trace", "in a process that imports cumsum.torch"),
    ("make_fx: real, fake, symbolic", "test_graphs", "make_fx", ""),
    ("make_fx before autograd", "test_calls", "before_autograd", ""),
    ("opcheck of the operator", "test_graphs", "opcheck", ""),
    ("meta and fake tensors", "test_graphs", "shapes_without", "torch's shapes and strides"),
    ("nn.Parameter", "test_torch_kinds", "parameter", ""),
    ("subclasses, which keep their type", "test_torch_kinds", "subclass", ""),
    ("`__torch_function__` and dispatch modes", "test_torch_kinds", "mode", ""),
    ("wrapper subclasses", "test_torch_kinds", "wrapper", "they see torch's own operator"),
    ("MaskedTensor", "test_torch_masked", "", "[kinds](tensor_kinds.md)"),
    ("NestedTensor, jagged", "test_torch_nested", "", "[kinds](tensor_kinds.md)"),
    ("sparse, quantized", "test_torch_kinds", "torch_words", "torch's own errors"),
    ("autocast, deterministic mode, defaults", "test_torch_settings", "result", "untouched on CPU"),
    ("inference mode, no_grad", "test_torch_settings", "nothing_is_recorded", ""),
    ("anomaly mode", "test_torch_settings", "anomaly", ""),
    ("hooks of tensors and modules", "test_torch_settings", "hooks", ""),
    ("checkpoint", "test_torch_settings", "checkpoint", ""),
    ("DataLoader workers, fork and spawn", "test_torch_processes", "data_loader", ""),
    ("shared memory, multiprocessing", "test_torch_processes", "(shared|child)", ""),
    ("threads", "test_torch_processes", "threads", ""),
    ("pickle, deepcopy, torch.save", "test_torch_processes", "(copied|saved)", ""),
    ("torch.package", "test_torch_processes", "package", "cumsum as an extern"),
    ("torch.profiler", "test_calls", "profile_shows", "by name"),
    ("execution traces", "test_torch_corners", "execution_traces", "within torch.profiler"),
    ("torch.jit.script", "test_torch_corners", "script", "the operator by its name"),
    ("saved graphs in another process", "test_torch_corners", "another_process", ""),
    ("compiled autograd", "test_torch_corners", "compiled_autograd", ""),
    ("forward mode within a graph", "test_torch_corners", "forward_mode", ""),
    ("export of sizes that depend on values", "test_torch_corners", "sizes_that_depend", ""),
    ("`cumulative_sum` in a graph", "test_torch_corners", r"cumulative_sum_in_a_graph", ""),
    ("keywords: `exclusive`, `reverse` and the like", "test_torch_orientation", "", ""),
    ("segments", "test_torch_segments", "", "[segments](segments.md)"),
    ("`where`, `skipna`", "test_torch_missing", "", "[missing data](missing.md)"),
    ("`decay`", "test_torch_decay", "", "[decay](decay.md)"),
    ("`overflow`, unsigned results", "test_torch_overflow", "", "[overflow](overflow.md)"),
    ("streams", "test_torch_stream", "", "[streams](streaming.md)"),
    ("DTensor and process groups", "test_distributed", "in_a_world", "[processes](distributed.md)"),
    ("processes that die", "test_distributed", "lost", "torch's error, in time"),
    ("`patch_torch`", "test_patch", "", "[patching](patching.md)"),
)


def results(path: Path) -> dict[str, bool]:
    """Whether each test passed, by file and name."""
    bad = {"failure", "error", "skipped"}
    return {
        f"{case.get('classname')}::{case.get('name')}": not bad & {part.tag for part in case}
        for case in ET.parse(path).iter("testcase")
    }


def row(found: dict[str, bool], subsystem: str, file: str, pattern: str, note: str) -> str:
    """One line of the table."""
    place = re.compile(rf"(^|\.){file}(\.\w+)*::.*{pattern}")
    outcomes = [passed for name, passed in found.items() if place.search(name)]
    if not outcomes or not all(outcomes):
        sys.exit(f"{subsystem}: {sum(outcomes)} of {len(outcomes)} tests pass")
    return f"| {subsystem} | yes | {len(outcomes):,} in `{file}.py` | {note} |"


def main(xml: Path, page: Path) -> None:
    """Replace what stands between the marks."""
    found = results(xml)
    table = ["| what | supported | tests | |", "|---|---|---|---|"]
    table += [row(found, *fields) for fields in ROWS]
    before, rest = page.read_text().split(BEGIN)
    after = rest.split(END)[1]
    page.write_text(f"{before}{BEGIN}{chr(10).join(table)}\n{END}{after}")


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
