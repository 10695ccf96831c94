# Two commands do everything: `make demo` and `make test`. Both set up what they need.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

# In front of the tests on a CUDA device, such as "compute-sanitizer --tool racecheck".
SANITIZER ?=

.PHONY: demo test test-cuda lint bench clean help

help:
	@echo "make demo   train, compile, verify, time and emit a network on real digits"
	@echo "make test   all checks and tests"
	@echo "make test-cuda  what needs a CUDA device"
	@echo "make lint   ruff, type checker, import contracts"
	@echo "make bench  the benchmarks behind the README's figures"
	@echo "make clean  remove the environment and outputs"

demo: $(READY)
	$(BIN)/gatewright demo -o out/demo

test: $(READY) lint
	$(BIN)/python -m pytest -q -n auto

test-cuda: $(READY)
	$(SANITIZER) $(BIN)/python -m pytest -q -m cuda

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
