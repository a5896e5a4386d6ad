# `make run` and `make test` set up everything that they need in .venv; nothing else is touched.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

# Processes that run tests. Tests of a file stay together, so that kernels are compiled once.
WORKERS ?= 2

# PyTorch for the tests of `make test-all`, as pip is told.
TORCH ?=
PYTEST := $(BIN)/python -m pytest --numprocesses $(WORKERS) --dist loadfile --timeout 900

.PHONY: help run test test-all lint types kernels tests all-tests interpreted schema golden clean

help:
	@echo "make run       simulate keyword spotting and print its report"
	@echo "make test      lint, types and the quick tests"
	@echo "make test-all  lint, types and all tests: what CI runs"
	@echo "make schema    write configs/archsim.schema.json and docs/configuration.md from the models"
	@echo "make golden    write the golden results that tests compare with"
	@echo "make clean     delete .venv and caches"
	@echo "WORKERS=n      how many processes run tests (2)"
	@echo "TORCH=torch    what test-all installs of PyTorch, such as torch==2.13.0; nothing by default"

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "archsim needs Python 3.11 or later: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/installed: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable .
	@touch $@

$(VENV)/installed-test: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[test]'
	@touch $@ $(VENV)/installed

# What tests of readers of networks compare with. PyTorch first, where TORCH says which: a plain
# `pip install torch` takes gigabytes of CUDA. Without TORCH its tests are skipped.
$(VENV)/installed-test-all: $(VENV)/installed-test
	$(if $(TORCH),$(BIN)/python -m pip install --quiet --disable-pip-version-check '$(TORCH)')
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[test,test-import]'
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps 'silero-vad>=6.2.3,<7'
	@touch $@ $(VENV)/installed-test $(VENV)/installed

run: $(VENV)/installed
	$(BIN)/archsim run configs/kws.yaml

test: lint types tests

test-all: lint types all-tests interpreted

lint: $(VENV)/installed-test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/installed-test
	$(BIN)/mypy

# What many tests need is compiled first, so that no two workers compile the same.
kernels: $(VENV)/installed-test
	$(BIN)/python tools/compile_kernels.py

tests: kernels
	$(PYTEST) -m "not slow"

all-tests: $(VENV)/installed-test-all kernels
	$(PYTEST)

# Kernels as plain Python: mistakes that machine code hides, an index beyond the end for one.
interpreted: $(VENV)/installed-test
	NUMBA_DISABLE_JIT=1 $(PYTEST) -m interpreted

schema: $(VENV)/installed
	$(BIN)/archsim schema > configs/archsim.schema.json
	$(BIN)/archsim keys --markdown > docs/configuration.md

golden: $(VENV)/installed-test
	$(BIN)/python tools/make_golden.py
	$(BIN)/python tools/make_golden_chips.py

clean:
	rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache build dist
