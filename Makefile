# What a developer and CI run. Nothing is installed outside this folder.
SHELL := /bin/sh
.DEFAULT_GOAL := help
BIN := .venv/bin
# Unit tests compute, in as many processes as there are cores. Those on the runtime wait half of
# their time; those of a file share what they have started, and the longest files come first.
UNIT := tests --ignore=tests/runtime --ignore=tests/browser --numprocesses=logical --dist=worksteal
CORES := $(shell getconf _NPROCESSORS_ONLN)
SPREAD := --numprocesses=$(shell expr $(CORES) + 1) --dist=loadfile --no-loadscope-reorder

.PHONY: help setup toolchain dev test unit runtime browser check coverage lint types lock bench figures faults fuzz soak deploy
.PHONY: clean

help: ## say what there is
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1|\2/p' Makefile | awk -F'|' '{printf "%-14s %s\n", $$1, $$2}'

setup: ## put everything into .venv, node_modules and .cache
	@python=$$(tools/python.sh) && exec "$$python" tools/setup.py

toolchain: # of that, no more than the balancer runs and is deployed with
	@python=$$(tools/python.sh) && exec "$$python" tools/setup.py toolchain

dev: toolchain ## serve the Worker, between two demo origins: http://127.0.0.1:8787
	@exec $(BIN)/evenkeel dev

test: setup unit runtime browser ## all tests

unit: setup
	@$(BIN)/python -m pytest $(UNIT)

runtime: setup
	@$(BIN)/python -m pytest tests/runtime -m 'not alone' $(SPREAD)
	@$(BIN)/python -m pytest tests/runtime -m alone

browser: setup # the status page in Chromium; left out where there is none
	@$(BIN)/python -m pytest tests/browser $(SPREAD)

check: lint types ## formatting, lint, types and lock files, then all tests: what CI runs
	@$(MAKE) --no-print-directory test

coverage: setup ## the unit tests, and which branches of src/lb and of the command they take
	@mkdir -p .cache/coverage && $(BIN)/coverage erase
	@$(BIN)/coverage run -m pytest $(UNIT)
	@$(BIN)/coverage combine --quiet
	@$(BIN)/coverage report > .cache/coverage/table.txt; ended=$$?; \
	sed -n 1,17p .cache/coverage/table.txt; echo "... (the rest: .cache/coverage/table.txt)"; \
	sed -n '/^TOTAL/,$$p' .cache/coverage/table.txt; exit $$ended

lint: setup
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/python tools/lock.py --check

types: setup
	$(BIN)/mypy

lock: setup ## compile requirements.in and requirements-dev.in into their locks
	$(BIN)/python tools/lock.py

bench: setup ## measure, beside other ways to do it (five minutes)
	@$(BIN)/python -m measure.bench

figures: setup ## measure everything, and put it into docs/performance.md (half an hour)
	@$(BIN)/python -m measure.bench --full
	@$(BIN)/python -m measure.bench --full --write-docs

faults: setup ## break origins in every way under load, and hold what was promised
	@$(BIN)/python -m measure.faults

fuzz: setup ## throw 100,000 inputs at everything that reads what others wrote: some minutes
	@$(BIN)/python tools/fuzz.py $(FUZZ)

soak: setup ## serve for an hour with an origin that flaps: memory, losses, stalls, alarms
	@$(BIN)/python -m measure.soak $(SOAK)

deploy: toolchain ## put the Worker on Cloudflare, as `npx wrangler deploy` does where Node.js is installed
	@$(BIN)/evenkeel check --for deploy && exec $(BIN)/evenkeel wrangler deploy

clean: ## remove all that the set-up and the tests made
	rm -rf .venv node_modules python_modules .cache .wrangler .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
