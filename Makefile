# `make demo` and `make test` are all that a fresh clone needs: Linux, git, Python 3.11 or newer, and what pip fetches.
# Set up in .venv; PYTHON=... names an interpreter, DEMO=... the folder of the demonstration.

SHELL := /bin/sh
VENV := .venv
BIN := $(VENV)/bin
DEMO ?= demo-quasars
PYTEST ?= -n 2
BENCH ?=
INSTALL = $(BIN)/python -m pip install --quiet --disable-pip-version-check

.DELETE_ON_ERROR:
.PHONY: help demo test lint format docs tutorial screenshots bench clean

help:
	@echo 'make demo    play the tutorial on the example archive, in the folder $(DEMO)'
	@echo 'make test    ruff, mypy and all tests'
	@echo 'make lint    ruff and mypy alone'
	@echo 'make format  let ruff mend what it can'
	@echo 'make docs    command reference and HTML pages, in docs/_build/html'
	@echo 'make tutorial  play the demonstration and put what it prints into docs/tutorial.md and the picture'
	@echo 'make screenshots  take the pictures of every page of the dashboard that docs/dashboard.md shows'
	@echo 'make bench   measure what a run costs a target beside xargs'
	@echo 'make clean   remove .venv and what tools left behind; demonstrations stay'

$(VENV)/pyvenv.cfg: .ci/make-venv
	@.ci/make-venv $(VENV)

$(VENV)/.stamp: pyproject.toml $(VENV)/pyvenv.cfg
	@echo 'installing STOA into $(VENV)'
	@$(INSTALL) --editable .
	@touch $@

$(VENV)/.stamp-%: pyproject.toml $(VENV)/.stamp
	@echo "installing what '$*' needs into $(VENV)"
	@$(INSTALL) --editable '.[$*]'
	@touch $@

demo: $(VENV)/.stamp
	@$(BIN)/stoa demo $(DEMO)

# Aegean breaks with the numpy that STOA takes, so that it lives in an environment of its own. Where it cannot be
# installed its tests are skipped, and fail under STOA_REQUIRE_SERVICES=1.
$(VENV)-aegean/bin/aegean: .ci/make-venv
	@echo 'installing AegeanTools into $(VENV)-aegean'
	@.ci/make-venv $(VENV)-aegean && $(VENV)-aegean/bin/python -m pip install --quiet --disable-pip-version-check \
		AegeanTools 'numpy<2.4' || echo 'not installed: AegeanTools'

test: lint $(VENV)-aegean/bin/aegean
	@.ci/apt-packages tests/apt-packages.txt
	.ci/run-tests $(BIN)/python $(PYTEST)

lint: $(VENV)/.stamp-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(VENV)/.stamp-dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

docs: $(VENV)/.stamp-docs
	$(BIN)/python docs/make_cli_reference.py
	$(BIN)/sphinx-build --quiet --fail-on-warning --builder html docs docs/_build/html
	@echo 'docs/_build/html/index.html'

tutorial: $(VENV)/.stamp
	@log=$$(mktemp) && $(BIN)/python docs/make_tutorial.py --keep "$$log" && \
		$(BIN)/python docs/make_terminal_picture.py --log "$$log"; end=$$?; rm -f "$$log"; exit $$end

screenshots: $(VENV)/.stamp-dev
	@.ci/apt-packages tests/apt-packages.txt
	$(BIN)/python docs/make_screenshots.py

bench: $(VENV)/.stamp
	$(BIN)/python benchmarks/run_overhead.py $(BENCH)

clean:
	rm -rf $(VENV) .nox build dist docs/_build .hypothesis .mypy_cache .pytest_cache .ruff_cache
	find stoa tests docs benchmarks -name __pycache__ -type d -prune -exec rm -rf {} +
