# Two commands matter: `make demo` shows cvlab at work, `make test` proves it. Both make the environment they need.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
DEMO := tests/submissions/right.py tests/submissions/added_after_relu.py tests/submissions/hostile.py

.PHONY: demo test coverage lint bench verify wheel clean

$(READY): pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --editable '.[dev]'
	$(BIN)/python -m compileall -q cvlab graders
	touch $(READY)

# A failing submission ends cvlab with 1, which is what the demo is to show; 2 and above would be our failure.
demo: $(READY)
	$(BIN)/cvlab check 01 $(DEMO) || [ $$? -eq 1 ]

test: $(READY)
	$(BIN)/python -m pytest --numprocesses 2 --dist worksteal

coverage: $(READY)
	$(BIN)/python -m pytest --cov --cov-report=term

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(READY)
	$(BIN)/python bench/bench.py
	$(BIN)/python bench/warm.py
	$(BIN)/python bench/classes.py
	$(BIN)/python bench/peers.py

verify: $(READY)
	$(BIN)/cvlab verify --all

wheel: $(READY)
	$(BIN)/python -m build

clean:
	rm -rf $(VENV) build dist .coverage* .mypy_cache .ruff_cache .hypothesis .pytest_cache
