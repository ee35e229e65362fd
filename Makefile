# What there is to run; `make` alone lists it. Everything is installed into .venv, nothing elsewhere.

PYTHON ?= python3.13 python3.12 python3.11 python3
JOBS ?= 2
UV_VERSION := 0.13.9

SHELL := /bin/sh
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
PIP := PIP_USER=0 PIP_NO_INPUT=1 PIP_DISABLE_PIP_VERSION_CHECK=1

.DEFAULT_GOAL := help
.PHONY: help install demo test check types style fix snapshots picture coverage bench lock clean

help: ## list what there is to run
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

install: $(STAMP) ## install Leeboard and its tools into .venv (Python 3.11 or newer; PYTHON=… names one)

demo: $(STAMP) ## show the whole loop on real data (HEADLESS=1: no screen, a report in JSON)
	@if [ "$(HEADLESS)" = 1 ] || ! [ -t 1 ]; then exec $(BIN)/leeboard demo --headless --json; \
	else exec $(BIN)/leeboard demo; fi

test: check ## check, then every test (JOBS=2 at a time)
	$(BIN)/pytest -n $(JOBS) --dist worksteal

check: $(STAMP) ## formatting, lint, types, who imports whom, dead code, dependencies, spelling, sizes
	@$(MAKE) --no-print-directory -j 2 types style    # types alone take as long as all the rest

types: $(STAMP)
	$(BIN)/mypy

style: $(STAMP)
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/lint-imports
	! { $(BIN)/vulture 2>&1 || true; } | grep -v "unused variable"    # fields and members: read by name from outside
	$(BIN)/deptry .
	$(BIN)/codespell *.md docs
	$(BIN)/pytest -q -p no:cacheprovider tests/architecture/test_sizes.py

fix: $(STAMP) ## format, and mend what the linter can mend by itself
	$(BIN)/ruff format
	$(BIN)/ruff check --fix

snapshots: $(STAMP) ## take the dashboard's pictures anew, to be looked at before they are committed
	LEEBOARD_SNAPSHOTS=write $(BIN)/pytest tests/tui

picture: $(STAMP) ## take the docs' picture anew from the demonstration (some minutes), to be looked at as well
	$(BIN)/python tests/tui/docs_picture.py

coverage: $(STAMP) ## run the tests and list the lines that none of them reaches
	$(BIN)/coverage run -m pytest
	$(BIN)/coverage report

bench: $(STAMP) ## run the benchmarks, one after the other
	@for program in benchmarks/*.py; do echo "$$program"; $(BIN)/python "$$program" || exit 1; done

lock: ## pin every dependency in requirements.lock (UPGRADE=1: to the newest versions)
	@$(MAKE) --no-print-directory .tools/uv-$(UV_VERSION)
	.tools/bin/uv --no-config pip compile pyproject.toml --extra dev --output-file requirements.lock \
	    --universal --python-version 3.11 --fork-strategy fewest --generate-hashes \
	    --no-emit-index-url --no-annotate --custom-compile-command "make lock" \
	    --quiet $(if $(UPGRADE),--upgrade)

clean: ## remove .venv and everything that the tools have left
	rm -rf $(VENV) .tools build dist htmlcov .coverage .hypothesis .import_linter_cache \
	    .mypy_cache .pytest_cache .ruff_cache .schemathesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# The first of $(PYTHON) that is new enough and can make a virtual environment.
define FIND_PYTHON
python=; for name in $(PYTHON); do \
    if "$$name" -c 'import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; \
    then python=$$name; break; fi; \
done; \
if [ -z "$$python" ]; then \
    echo "Leeboard needs Python 3.11 or newer with its venv module; none of these is: $(PYTHON)." >&2; \
    echo "Install one (on Debian and Ubuntu: python3 and python3-venv), or name it: make install PYTHON=/path/to/python3" >&2; \
    exit 1; \
fi
endef

$(STAMP): requirements.lock pyproject.toml
	@if ! $(BIN)/python -m pip --version >/dev/null 2>&1; then \
	    $(FIND_PYTHON); \
	    echo "Making $(VENV) with $$("$$python" --version)" >&2; \
	    "$$python" -m venv --clear $(VENV); \
	fi
	@echo "Installing what requirements.lock names into $(VENV); the first time takes a minute or two" >&2
	@$(PIP) $(BIN)/python -m pip install --quiet --require-hashes --requirement requirements.lock >&2
	@$(PIP) $(BIN)/python -m pip install --quiet --no-build-isolation --no-deps --editable . >&2
	@touch $(STAMP)

.tools/uv-$(UV_VERSION):
	@$(FIND_PYTHON); "$$python" -m venv --clear .tools
	@$(PIP) .tools/bin/python -m pip install --quiet uv==$(UV_VERSION)
	@touch $@
