# `make run` and `make test` set up everything that they need in .venv; nothing else is touched.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: help run test lint types tests schema golden clean

help:
	@echo "make run     simulate keyword spotting and print its report"
	@echo "make test    lint, types and tests: what CI runs"
	@echo "make schema  write configs/archsim.schema.json from the models"
	@echo "make golden  write the golden results that tests compare with"
	@echo "make clean   delete .venv and caches"

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

run: $(VENV)/installed
	$(BIN)/archsim run configs/kws.yaml

test: lint types tests

lint: $(VENV)/installed-test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/installed-test
	$(BIN)/mypy

tests: $(VENV)/installed-test
	$(BIN)/pytest
	NUMBA_DISABLE_JIT=1 $(BIN)/pytest --quiet -m interpreted

schema: $(VENV)/installed
	$(BIN)/archsim schema > configs/archsim.schema.json

golden: $(VENV)/installed-test
	$(BIN)/python tools/make_golden.py
	$(BIN)/python tools/make_golden_chips.py

clean:
	rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache build dist
