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

# Packages without compiled bytecode start several times slower.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help demo lab test test-containers soak check format bench clean

help:
	@echo 'make demo    run the first example as a pipeline'
	@echo 'make lab     open JupyterLab on the examples'
	@echo 'make test    everything that must pass: make check, then all tests'
	@echo 'make test-containers  build the example as an image and run it in containers, where podman works'
	@echo 'make soak    the tests of what may break, as long as it takes: every failpoint, 200 kills'
	@echo 'make check   ruff, mypy, import-linter'
	@echo 'make format  let ruff put the sources in order'
	@echo 'make bench   measure the budgets, write benchmarks/results.md'
	@echo 'make clean   remove what these commands made'

demo: $(VENV)/.examples
	@mkdir -p $(DEMO)
	@$(BIN)/jupyter mlops run examples/breast_cancer.ipynb $(DEMO)/breast_cancer.ipynb --report $(DEMO)/breast_cancer.html

lab: $(VENV)/.examples
	$(BIN)/jupyter lab --notebook-dir=examples $(LAB_ARGS)

test: check
	@.ci/system-packages
	$(PYTEST) -n $(WORKERS) --dist loadgroup -m 'not containers' $(PYTEST_ARGS) || $(NONE_CHOSEN)

# 3 is the answer of a machine that can't have containers: said, and no failure even where nothing may be skipped.
test-containers: $(VENV)/.test
	@.ci/containers; code=$$?; \
	if [ $$code -eq 3 ]; then exit 0; fi; \
	if [ $$code -ne 0 ] && [ -z "$$MLOPS_NO_SKIP" ]; then exit 0; fi; \
	[ $$code -eq 0 ] || exit $$code; \
	$(PYTEST) -m containers tests/containers $(PYTEST_ARGS)

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
	rm -rf $(VENV) build dist .mlops .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
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
	@[ ! -f labextension/package.json ] || command -v npm >/dev/null 2>&1 || \
		echo 'JupyterLab panel left out: npm (Node.js) is not installed.'
	@touch $@

$(VENV)/.test: $(VENV)/.created pyproject.toml hatch_build.py
	@echo 'Installing into $(VENV); the first time takes a minute or two ...'
	@$(PIP) --editable '.[test]'
	@touch $(VENV)/.examples $@
