# Sweepwatch: `make run` starts everything, `make test` proves it. Nothing but python3 and make is needed.
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
UV := $(BIN)/uv
UV_VERSION := 0.13.9
ARGS ?=
# Byte code is kept from start to start: without it each start compiles half a million lines anew.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: run test lint lint-types lint-security bench clean setup setup-dev debian docs

run: $(VENV)/.ready
	@exec $(BIN)/sweepwatch run $(ARGS)

test: $(VENV)/.ready-dev debian
	@$(BIN)/lint-imports
	@CI=$${CI:-} $(BIN)/python -m pytest -n 3 --dist loadfile --no-loadscope-reorder $(ARGS)

# Types take as long as all the rest: the two go side by side.
lint: $(VENV)/.ready-dev
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/lint-imports
	@$(MAKE) --no-print-directory --output-sync --jobs 2 lint-types lint-security

lint-types: $(VENV)/.ready-dev
	@$(BIN)/mypy

lint-security: $(VENV)/.ready-dev
	@$(BIN)/bandit -q -c pyproject.toml -r fleet storage ingest models alerts notify desk access api simulators yardsticks sweepwatch
	@git ls-files -z | xargs -0 $(BIN)/detect-secrets-hook --no-verify --baseline .secrets.baseline
	@$(BIN)/python scripts/audit

bench: $(VENV)/.ready-dev debian
	@scripts/bench $(ARGS)

docs: $(VENV)/.ready
	@$(BIN)/python -m fleet.schema docs/schema
	@$(BIN)/python -m fleet.catalogue.schema docs/schema
	@$(BIN)/python -m desk.clocks.schema docs/schema
	@$(BIN)/python -m ingest.history.schema docs/schema

setup: $(VENV)/.ready
setup-dev: $(VENV)/.ready-dev

debian:
	@scripts/debian-packages

clean:
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis

$(UV):
	@$(PYTHON) -c 'import sys; v = sys.version_info; sys.exit(None if v >= (3, 11) else f"Sweepwatch needs Python 3.11 or newer; {sys.executable} is {v.major}.{v.minor}. Try: make run PYTHON=python3.12")'
	@echo "Setting up: a virtual environment in $(VENV) ..."
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)

$(VENV)/.ready: pyproject.toml constraints.txt | $(UV)
	@echo "Setting up: Sweepwatch and its packages ..."
	@$(UV) pip install --quiet --python $(BIN)/python --constraint constraints.txt --editable .
	@touch $@

$(VENV)/.ready-dev: pyproject.toml constraints.txt | $(UV)
	@echo "Setting up: Sweepwatch, its packages and the tools of its developers ..."
	@$(UV) pip install --quiet --python $(BIN)/python --constraint constraints.txt --editable '.[dev]'
	@touch $@ $(VENV)/.ready
