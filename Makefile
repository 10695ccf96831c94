# Two commands do everything: `make demo` and `make test`. Both set up what they need.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

ON_CUDA := -m cuda tests/test_cuda_device.py tests/test_triton.py
DEVICE := import sys; from gatewright.runtime.cuda_driver import device_architectures as found; \
  sys.exit(None if found() else "no CUDA device here: libcuda.so.1 cannot be opened or finds none")

.PHONY: demo test test-cuda sanitize-cuda lint bench clean help

help:
	@echo "make demo   train, compile, verify, time and emit a network on real digits"
	@echo "make test   all checks and tests"
	@echo "make test-cuda  what needs a CUDA device"
	@echo "make sanitize-cuda  every CUDA kernel under compute-sanitizer"
	@echo "make lint   ruff, type checker, import contracts"
	@echo "make bench  a quick one of the benchmarks behind the README's figures"
	@echo "make clean  remove the environment and outputs"

demo: $(READY)
	$(BIN)/gatewright demo -o out/demo

test: $(READY) lint
	$(BIN)/python -m pytest -q -n auto

test-cuda: $(READY)
	@$(BIN)/python -c '$(DEVICE)'
	$(BIN)/python -m pytest -q -rs $(ON_CUDA)

# By itself compute-sanitizer ends with the status of the tests, whatever it found.
sanitize-cuda: $(READY)
	@$(BIN)/python -c '$(DEVICE)'
	for tool in "memcheck --track-stream-ordered-races all" racecheck synccheck initcheck; do \
	  compute-sanitizer --tool $$tool --target-processes all --error-exitcode 9 \
	    $(BIN)/python -m pytest -q -k every_kernel tests/test_cuda_device.py || exit 1; done

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports --no-cache
	$(BIN)/basedpyright

bench: $(READY)
	$(BIN)/python benchmarks/compile_time.py

$(READY): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))' || \
	  { echo "Python 3.10 or newer is needed; name one: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' || \
	  { echo "Python's venv module is missing; for example: apt-get install python3-venv"; exit 1; }
	@command -v $${CC:-cc} >/dev/null || \
	  { echo "a C compiler is missing; for example: apt-get install gcc, or name one: CC=clang make"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	PIP_CONSTRAINT=constraints.txt $(BIN)/python -m pip install --quiet --editable '.[train,prove,rewrite,cross,cocotb,dev]'
	@touch $@

clean:
	rm -rf $(VENV) out build *.egg-info
