# Developer commands. The virtual environment is the one that "sh tests/run" makes.
VENV ?= $(or $(FORKTRACE_VENV),.venv)
BIN := $(VENV)/bin

.PHONY: help check format test golden gallery bench machines

help: ## list these commands
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/'

check: ## lint, types, layers: all that CI checks beside the tests
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	sh tests/check-page

format: ## format the code
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

test: ## run all tests
	sh tests/run

golden: ## write the golden files anew: read the diff before you commit it
	FORKTRACE_UPDATE_GOLDEN=1 $(BIN)/python -m pytest -q tests/unit

gallery: ## draw the pictures in examples/ from their traces anew
	sh examples/redraw $(BIN)/forktrace

bench: ## compare the cost of tracing with strace's fastest mode
	$(BIN)/python benchmarks/overhead.py

machines: ## run the tests in whole emulated machines (docs/machines.md)
	$(BIN)/python -m tests.machines all
