"""Where calls with a GPU's tensors go, told by fakes of them: no GPU is needed."""

from types import SimpleNamespace

import pytest
import torch
from torch._subclasses.fake_tensor import FakeTensorMode

import cumsum
from cumsum import operands
from cumsum.kernels import gpu
from cumsum.kernels.gpu import has_kernels

FAKES = FakeTensorMode()


def fake(shape=(4, 5), dtype=torch.float32, device="cuda:1"):
    with FAKES:
        return torch.empty(shape, dtype=dtype, device=device)


def description(x):
    return tuple(x.shape), x.dtype, str(x.device)


@pytest.fixture
def forgetful():
    """Nothing is known of GPUs, before and after."""
    gpu._has_kernels.cache_clear()
    yield
    gpu._has_kernels.cache_clear()


@pytest.fixture
def served(monkeypatch):
    """There is Triton."""
    monkeypatch.setattr(gpu, "_has_kernels", lambda kind, index: True)


@pytest.mark.usefixtures("served")
class TestServed:
    @pytest.mark.parametrize(
        ("options", "shape", "dtype"),
        [
            ({}, (4, 5), torch.float32),
            ({"dtype": torch.float64, "precision": "compensated"}, (4, 5), torch.float64),
            ({"exclusive": True, "reverse": True, "initial": 2.5}, (4, 5), torch.float32),
            ({"include_initial": True}, (4, 6), torch.float32),
            ({"dtype": torch.uint8, "overflow": "wrap"}, (4, 5), torch.uint8),
        ],
        ids=str,
    )
    def test_results(self, options, shape, dtype):
        x = fake()
        with FAKES:
            assert description(cumsum.cumsum(x, 1, **options)) == (shape, dtype, "cuda:1")
            batched = torch.vmap(lambda x: cumsum.cumsum(x, 0, **options))(x)
            assert description(batched) == (shape, dtype, "cuda:1")

    def test_graphs(self):
        graphs = []

        def keep(graph, _):
            graphs.append(graph.print_readable(print_output=False))
            return graph.forward

        def scan(x):
            return cumsum.cumsum(x * 2, 1, include_initial=True, initial=3)

        torch._dynamo.reset()
        x = fake()
        with FAKES:
            y = torch.compile(scan, backend=keep, fullgraph=True)(x)
        assert description(y) == ((4, 6), torch.float32, "cuda:1")
        assert "torch.ops.cumsum.scan.default(" in graphs[0]

        class Module(torch.nn.Module):
            def forward(self, x):
                return scan(x)

        with FAKES:
            program = torch.export.export(Module(), (x,))
        assert "cumsum.scan" in str(program.graph)

    @pytest.mark.parametrize("dtype", ["float16", "float32", "float64", "int32"])
    @pytest.mark.parametrize("wanted", [None, torch.float16])
    def test_autocast(self, dtype, wanted):
        x = fake(dtype=getattr(torch, dtype))
        torch.set_autocast_enabled("cuda", True)
        try:
            with FAKES:
                theirs = torch.cumsum(x, 0, dtype=wanted).dtype
                assert cumsum.cumsum(x, 0, dtype=wanted).dtype == theirs
                torch._dynamo.reset()
                compiled = torch.compile(cumsum.cumsum, backend="eager", fullgraph=True)
                assert compiled(x, 0, dtype=wanted).dtype == theirs
        finally:
            torch.set_autocast_enabled("cuda", False)

    def test_what_has_no_kernel(self):
        x = fake(dtype=torch.int8)
        for overflow in ("raise", "saturate"):
            with FAKES, pytest.raises(NotImplementedError, match=f"{overflow}.* on cuda:1"):
                cumsum.cumsum(x, 0, overflow=overflow)
        with pytest.raises(NotImplementedError, match="on the CPU alone"):
            cumsum.RunningSum(0).update(x)

    @pytest.mark.parametrize("device", ["cpu", "cuda:0"])
    def test_options_on_another_device(self, device):
        x, other = fake(), fake((5,), device=device)
        with FAKES, pytest.raises(RuntimeError, match=f"on cuda:1 and initial on {device}"):
            cumsum.cumsum(x, 0, initial=other)


class TestNotServed:
    @pytest.fixture(autouse=True)
    def _without(self, monkeypatch):
        monkeypatch.setattr(gpu, "_has_kernels", lambda kind, index: False)

    def test_torch_answers(self):
        x = fake()
        with FAKES:
            assert description(cumsum.cumsum(x, 1)) == ((4, 5), torch.float32, "cuda:1")
            for name, value in [("exclusive", True), ("initial", 1), ("skipna", True)]:
                with pytest.raises(NotImplementedError, match=f"{name} not available .*cuda:1"):
                    cumsum.cumsum(x, 1, **{name: value})
            with pytest.raises(NotImplementedError, match="compensated"):
                cumsum.cumsum(x.double(), 1, precision="compensated")

    def test_in_graphs(self):
        torch._dynamo.reset()
        compiled = torch.compile(cumsum.cumsum, backend="eager", fullgraph=True)
        x = fake()
        with FAKES:
            assert description(compiled(x, 1)) == ((4, 5), torch.float32, "cuda:1")


@pytest.mark.usefixtures("forgetful")
class TestDecision:
    """Which GPUs have kernels."""

    def module(self, monkeypatch, *, triton=True, **module):
        usual = {"is_available": lambda: True, "device_count": lambda: 1}
        monkeypatch.setattr(gpu, "find_spec", lambda name: triton or None)
        found = SimpleNamespace(**usual | module)
        monkeypatch.setattr(torch, "get_device_module", lambda kind: found)

    @pytest.mark.parametrize(("capability", "served"), [((7, 5), False), ((9, 0), True)])
    def test_nvidia(self, monkeypatch, capability, served):
        self.module(monkeypatch, get_device_capability=lambda index: capability)
        assert has_kernels("cuda", 0) is served

    def test_amd(self, monkeypatch):
        self.module(monkeypatch)
        monkeypatch.setattr(torch.version, "hip", "6.4")
        assert has_kernels("cuda", 0)

    @pytest.mark.parametrize("has_fp64", [False, True])
    def test_intel(self, monkeypatch, has_fp64):
        properties = SimpleNamespace(has_fp64=has_fp64)
        self.module(monkeypatch, get_device_properties=lambda index: properties)
        assert has_kernels("xpu", 0) is has_fp64

    def test_others(self, monkeypatch):
        self.module(monkeypatch)
        assert has_kernels("cuda", 7)  # of which there is a fake at most
        assert not has_kernels("mps", 0)
        assert not has_kernels("cpu", None)
        gpu._has_kernels.cache_clear()
        self.module(monkeypatch, triton=False)
        assert not has_kernels("cuda", 0)


def test_numbers_need_no_copy_to_the_device():
    """What waits for the device cannot be in a CUDA graph."""
    for number, dtype in [
        (True, torch.bool),
        (-3, torch.int64),
        (2**63, torch.uint64),
        (2.5, torch.float64),
        (1j, torch.complex128),
    ]:
        here = operands.as_values("initial", number, torch.device("cpu"))
        there = operands._filled(number, torch.full, torch.device("cpu"))
        assert there.dtype == here.dtype == dtype
        assert there.item() == here.item() == number
