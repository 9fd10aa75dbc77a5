# make demo | test | lint | setup | clean
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.PHONY: demo test lint setup web screenshots clean

setup: $(READY)

$(READY): pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "Installing what constraints.txt pins into $(VENV), once: about 3 GB, some minutes"
	$(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev,bench]'
	touch $(READY)

demo: $(READY)  ## the main job on embedded defaults
	$(BIN)/iota demo

test: $(READY)  ## every test
	$(BIN)/pytest

lint: $(READY)  ## style, types, floors
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

web: $(READY)  ## the dashboard's page from its sources; needs Node 20
	$(BIN)/python -m tests.dashboard.typescript > src/iotapretrain/dashboard/web/src/answers.ts
	cd src/iotapretrain/dashboard/web && npm ci --no-audit --no-fund && npm run build

screenshots: $(READY)  ## docs/img/ anew; needs Chromium
	$(BIN)/python -m tests.dashboard.screenshots

clean:
	rm -rf $(VENV) build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache
	find src tests bench -name __pycache__ -type d -prune -exec rm -rf {} +
