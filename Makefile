# One command for each thing, on a machine with python3 (>= 3.11), g++ and make. Everything else is
# installed into .venv. What is done is remembered there, so a second run starts at once.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
DONE := $(VENV)/done
PIP := $(BIN)/python -m pip --disable-pip-version-check
DEMO := build/demo
CORE := $(BIN)/cmake -S . -G Ninja -DCMAKE_MAKE_PROGRAM=$(abspath $(BIN)/ninja) -DCUMSUM_CORE_ONLY=ON
QEMU := qemu-aarch64 -L /usr/aarch64-linux-gnu
DIGESTS := tests/core/digests.txt
OPTIONS := tests/core/options.txt
TORCHES := 2.10.0 2.11.0 2.12.0 2.14.1
TORCH_TESTS := $(wildcard tests/test_torch_*.py tests/test_patch*.py) \
	$(addprefix tests/test_,opinfo.py calls.py derivatives.py graphs.py compile.py distributed.py)

# A file of tests is one worker's: its tests share what they start.
SIDE_BY_SIDE := -n logical --maxprocesses 8 --dist loadfile --no-loadscope-reorder

export PIP_NO_WARN_SCRIPT_LOCATION := 1

SOURCES := pyproject.toml CMakeLists.txt README.md LICENSE \
	$(shell find src -name '*.py' -o -name '*.pyi' -o -name py.typed -o -name '*.cpp' -o -name '*.h')
CPP := $(shell find src/core tests/core -name '*.cpp' -o -name '*.h')

.PHONY: demo test test-matrix bench bench-drawn bench-files bench-stores dask ranks gpu card gpu-table model support scaling \
	accuracy report lint \
	fuzz fuzz-all headers mutants sanitize core bits neon counts cycles docs package \
	tools install clean
.DELETE_ON_ERROR:

install: $(DONE)/package

$(DONE)/venv:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "$(PYTHON) is older than 3.11: set PYTHON=/path/to/python3.11" >&2; exit 1; }
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(PIP) install -qq --upgrade 'pip>=25.1' # the first pip that knows --group
	@mkdir -p $(DONE) && touch $@

# A group of tools from pyproject.toml: build, demo, test, lint, docs.
$(DONE)/group-%: pyproject.toml $(DONE)/venv
	$(PIP) install -qq --group $*
	@touch $@

# The package itself, again after any change of its sources; the build folder makes that quick.
$(DONE)/package: $(SOURCES) $(DONE)/group-build
	$(PIP) install -qq --no-build-isolation -Cbuild-dir=build/package '.[cli]'
	@touch $@

# All that the other goals install: they can then be made side by side.
tools: $(DONE)/package $(DONE)/group-test $(DONE)/group-lint $(DONE)/group-docs

demo: $(DONE)/package $(DONE)/group-demo
	@mkdir -p $(DEMO)
	@$(BIN)/python -c 'from vega_datasets import data; print(data.seattle_weather.filepath)' > $(DEMO)/data
	$(BIN)/cumsum run "$$(cat $(DEMO)/data)" --column precipitation --by date:year \
		-o $(DEMO)/rain.csv --plot $(DEMO)/rain.png --force \
		--title 'Rain in Seattle since the first of January, in mm'
	$(BIN)/cumsum bench --short
	@echo; echo 'the picture: $(DEMO)/rain.png'

# All tests: on all processors, then those that want the machine for themselves. With PYTEST, those
# that it names, one after the other.
test: $(DONE)/package $(DONE)/group-test
ifdef PYTEST
	$(BIN)/python -m pytest $(PYTEST)
else
	$(BIN)/python -m pytest $(SIDE_BY_SIDE) -m 'not alone'
	$(BIN)/python -m pytest -m alone $$(grep -l 'mark\.alone' tests/test_*.py)
endif

# The tests of PyTorch with other versions of it, each in an environment of its own.
test-matrix: $(addprefix test-torch-,$(TORCHES))

test-torch-%: $(DONE)/group-build
	test -x build/torch-$*/bin/python || $(PYTHON) -m venv build/torch-$*
	build/torch-$*/bin/python -m pip install -qq --upgrade 'pip>=25.1'
	build/torch-$*/bin/python -m pip install -qq --group test-any-torch 'torch==$*' .
	build/torch-$*/bin/python -m pytest -q $(TORCH_TESTS)

bench: $(DONE)/package $(DONE)/group-test
	$(BIN)/python benchmarks/run.py $(BENCH)

# Sixty cases drawn by a seed, the day's, beside torch and NumPy: make bench-drawn SEED=1 CASE=7
bench-drawn: $(DONE)/package $(DONE)/group-test
	$(BIN)/python benchmarks/drawn.py --seed $(SEED) $(addprefix --case ,$(CASE))

# The table of docs/pytorch.md, from what the tests of PyTorch give.
support: $(DONE)/package $(DONE)/group-test
	$(BIN)/python -m pytest -q --junitxml build/support.xml $(TORCH_TESTS)
	$(BIN)/python tools/support.py build/support.xml docs/pytorch.md

# Errors against exact sums: the table and the picture of docs/accuracy.md.
accuracy: $(DONE)/package $(DONE)/group-test
	PYTHONPATH=tests $(BIN)/python benchmarks/accuracy.py $(LENGTH)

# Ours beside Dask's own two methods: the table of docs/dask.md.
dask: $(DONE)/package $(DONE)/group-test
	$(BIN)/python benchmarks/dask_methods.py $(DASK)

# A scan and a copy at 1, 2, 4, ... threads, on arrays of 400 million elements.
scaling: $(DONE)/package $(DONE)/group-test
	$(BIN)/python benchmarks/scaling.py $(SCALING)

# DTensors sharded along the dim of the scan, by us and by torch, on processes of this machine.
ranks: $(DONE)/package $(DONE)/group-test
	$(BIN)/python benchmarks/ranks.py $(RANKS)

# On a machine with a GPU: tests, times, the numbers of the policy, the tables of docs/gpu.md.
# GPU='probe times' for some slices.
gpu: $(DONE)/package $(DONE)/group-test
	PYTHON=$(BIN)/python WHEELS= LIMIT=7200 tools/card.sh $(GPU)
	$(BIN)/python benchmarks/gpu.py --report card/results

# What tools/card.sh takes along to a machine with a GPU and no package registry.
card: $(DONE)/group-build
	@mkdir -p card && rm -f card/*.whl
	$(PIP) wheel -qq --no-build-isolation --no-deps -Cbuild-dir=build/package -w card .

# The GPU kernels compiled for five GPUs, none of which need be here: registers and instructions.
gpu-table: $(DONE)/package $(DONE)/group-test
	PYTHONPATH=tests $(BIN)/python tools/gpu_table.py docs/gpu.md

# Scans of files beside cp: BENCH='--size 20GB --memory 1GB --folder /somewhere --kills 10'.
bench-files: $(DONE)/package
	$(BIN)/python benchmarks/files.py $(BENCH)

# Scans of zarr, HDF5 and tables beside copies: BENCH='--gb 20 --memory 1GB --folder /somewhere'.
bench-stores: $(DONE)/package $(DONE)/group-test
	$(BIN)/python benchmarks/stores.py $(BENCH)

# The cost of 10^12 elements and more on many workers: docs/scaling.md.
model: $(DONE)/package $(DONE)/group-test
	$(BIN)/python benchmarks/model.py --measure --draw

# The README's table and picture, and docs/performance.md, from the results of all processors.
report: $(DONE)/package $(DONE)/group-test
	$(BIN)/python benchmarks/report.py

lint: $(DONE)/package $(DONE)/group-lint $(DONE)/group-test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/clang-format --dry-run -Werror $(CPP)
	$(BIN)/python tools/check_symbols.py build/package
	$(BIN)/python tools/check_layers.py src

sanitize: sanitize-address sanitize-thread

ROUNDS_thread := 8 # of the default 40: every access is looked at, some hundred times slower

sanitize-%:
	$(MAKE) --no-print-directory fuzz-$* FUZZ=$*
	build/fuzz-$*-$(firstword $(TARGETS))/core_test $(ROUNDS_$*)

# Random calls of the public functions, in a build with a sanitizer for one target, or in the plain one
# with libc's own checks of the heap: make fuzz SECONDS=600 SEED=1 FUZZ=thread TARGET=baseline
FUZZ := address
SECONDS := 60
SEED := $(shell date +%Y%m%d)
TARGETS = $(shell $(BIN)/python -c 'import cumsum; print(*cumsum.show_config().targets)')
FUZZED = build/fuzz-$(FUZZ)-$(or $(TARGET),$(firstword $(TARGETS)))

fuzz: fuzz-$(FUZZ)
	PYTHONPATH=$(FUZZED):tests $(BIN)/python -m fuzz --kind $(FUZZ) --seed $(SEED) --seconds $(SECONDS) \
		$(addprefix --target ,$(TARGET))
	$(MAKE) --no-print-directory headers SECONDS=$$(($(SECONDS) / 10)) SEED=$(SEED)

# Files with changed headers: `cumsum run` must refuse them in one line.
headers: $(DONE)/package $(DONE)/group-test
	PYTHONPATH=tests $(BIN)/python -m fuzz.headers --seed $(SEED) --seconds $(SECONDS)

fuzz-plain: $(DONE)/package $(DONE)/group-test

fuzz-address fuzz-thread: $(DONE)/package $(DONE)/group-test
	$(BIN)/cmake -S . -G Ninja -DCMAKE_MAKE_PROGRAM=$(abspath $(BIN)/ninja) -B $(FUZZED) \
		-DCMAKE_CXX_FLAGS=-O1 -DCUMSUM_SANITIZE=$(FUZZ) -DPython_EXECUTABLE=$(abspath $(BIN)/python) \
		-DCUMSUM_TARGETS=$(or $(TARGET),$(firstword $(TARGETS)))
	$(BIN)/cmake --build $(FUZZED) --target _core core_test
	rm -rf $(FUZZED)/cumsum && cp -R src/cumsum $(FUZZED)/ && cp $(FUZZED)/_core.abi3.so $(FUZZED)/cumsum/

# Every target of this machine in every build.
fuzz-all: $(DONE)/package
	for target in $(TARGETS); do for kind in plain address thread; do \
		$(MAKE) fuzz FUZZ=$$kind TARGET=$$target SECONDS=$(SECONDS) SEED=$(SEED) || exit; done; done

# Faults planted in a copy of the sources: how soon the fuzzer finds each.
mutants: $(DONE)/package $(DONE)/group-test
	$(BIN)/python tools/mutants.py build/mutants $(MUTANTS)

core: $(DONE)/group-build
	$(CORE) -B build/core -DCMAKE_BUILD_TYPE=Release
	$(BIN)/cmake --build build/core --target core_bits core_counts

# The results of every target, layout and number of threads, plain and with every option, as digests
# that are the same on every machine. UPDATE=1 takes this machine's for right, after a change of the
# order of additions.
bits: core $(DONE)/package $(DONE)/group-test
	build/core/core_bits > build/core/digests.txt
	$(if $(UPDATE),cp build/core/digests.txt $(DIGESTS),diff $(DIGESTS) build/core/digests.txt)
	$(if $(UPDATE),$(BIN)/python tests/option_bits.py > $(OPTIONS))
	for target in $(TARGETS); do $(BIN)/python tests/option_bits.py $$target | diff $(OPTIONS) - || exit; done

# The same digests on ARM, by emulation.
neon: bits
	tools/need.sh aarch64-linux-gnu-g++ g++-aarch64-linux-gnu
	tools/need.sh qemu-aarch64 qemu-user
	$(CORE) -B build/neon -DCMAKE_BUILD_TYPE=Release -DCMAKE_TOOLCHAIN_FILE=tools/aarch64.cmake
	$(BIN)/cmake --build build/neon --target core_test core_bits
	$(QEMU) build/neon/core_test 8
	$(QEMU) build/neon/core_bits > build/neon/digests.txt
	diff $(DIGESTS) build/neon/digests.txt

# The instructions of some calls; more than before is an error. UPDATE=1 records those of today.
counts: core
	tools/need.sh valgrind valgrind
	$(BIN)/python benchmarks/counts.py build/core/core_counts $(if $(UPDATE),--update)

# The cycles an element that LLVM's models of processors predict; more than before is an error. Those
# of ARM too where `make neon` has been here.
cycles: core
	tools/need.sh llvm-mca-19 llvm-19
	$(if $(wildcard build/neon),$(BIN)/cmake --build build/neon --target kernels_neon)
	$(BIN)/python benchmarks/cycles.py build/core $(wildcard build/neon) $(if $(UPDATE),--update)

docs: $(DONE)/package $(DONE)/group-docs
	$(BIN)/python -m sphinx --quiet -E -W --keep-going -b html docs build/docs
	@echo build/docs/index.html

# A source archive, the wheel made from it, and a visit to both in an environment of their own.
package: $(DONE)/group-build
	tools/check_package.sh $(BIN)/python

clean:
	rm -rf build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis $(VENV)
	find src tests benchmarks tools docs -name __pycache__ -prune -exec rm -rf {} +
