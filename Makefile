# Everything a user or a developer does with the checkout. `make help` lists it.

PYTHON ?= $(shell for each in python3 python3.13 python3.12 python3.11 python; do \
	"$$each" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo "$$each" && break; done)
VENV ?= .venv
ARGS ?=

BIN := $(VENV)/bin
PROVE_VENV ?= $(VENV)-prove
PROVE_BIN := $(abspath $(PROVE_VENV))/bin
# The environment's own pip; where Python comes without ensurepip, the pip beside that Python works on the environment.
PIP_OF = $$(test -x $(1)/pip && echo $(1)/python -m pip || echo $(PYTHON) -m pip --python $(1)/python) \
	--quiet --quiet --disable-pip-version-check --no-input
PIP = $(call PIP_OF,$(BIN))
NPM := $(shell command -v npm 2>/dev/null)
NODE_MODULES := $(if $(NPM),contracts/node_modules/.package-lock.json)
DASHBOARD := api/dashboard
BUNDLE_MODULES := $(DASHBOARD)/bundle/node_modules/.package-lock.json
# anvil itself: npm's own wrapper leaves orphans behind.
ANVIL = $$(echo $(CURDIR)/contracts/node_modules/@foundry-rs/anvil-*/bin)
LOCK = $(BIN)/uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	--no-emit-find-links --custom-compile-command 'make lock' --quiet

# Debian keeps servers where the PATH of a user without root does not look.
export PATH := $(PATH):/usr/sbin:/usr/local/sbin
MAKEFLAGS += --no-builtin-rules --no-print-directory
.DELETE_ON_ERROR:
.NOTPARALLEL:
.DEFAULT_GOAL := help
.PHONY: help demo test check format build lock clean servers assets contracts-test contracts-check
.PHONY: contracts-coverage contracts-audit contracts-prove contracts-mutate contracts-intense

help: ## list the targets
	@echo 'make TARGET [PYTHON=python3.12] [VENV=.venv]'
	@echo
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1	\2/p' $(MAKEFILE_LIST) | expand -t 28
	@echo
	@echo '  make demo ARGS="--once --days 2 --plants 12 --json demo.json"'

demo: $(VENV)/.installed assets ## run the whole system on this machine: needs Python 3.11 or newer, make and pip
	@$(BIN)/heliograph demo $(ARGS)

test: $(VENV)/.dev servers assets contracts-test ## set everything up and run all tests
	@echo '==> Python tests' >&2
	@PATH="$(ANVIL):$$PATH" $(BIN)/python -m pytest $(ARGS)

check: $(VENV)/.dev contracts-check contracts-audit ## linters, types, import rules, lock files; contracts: artifacts, gas, Slither
	@echo '==> ruff, mypy, import-linter, lock files' >&2
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-logo
	@$(BIN)/python -m pytest --quiet tests/unit/test_lock_files.py

format: $(VENV)/.dev $(NODE_MODULES) ## format the sources, Python and Solidity
	@$(BIN)/ruff check --fix-only --quiet
	@$(BIN)/ruff format
	$(if $(NPM),@contracts/forge fmt)

build: $(VENV)/.installed assets ## build the wheel into dist/
	@$(BIN)/hatchling build --target wheel

lock: $(VENV)/.dev ## pin the newest dependencies that pyproject.toml allows: requirements*.lock
	@$(LOCK) pyproject.toml --upgrade --group build --output-file requirements.lock
	@$(LOCK) pyproject.toml --upgrade --group dev --constraint requirements.lock --output-file requirements-dev.lock
	@$(LOCK) --upgrade --group pyproject.toml:prove --output-file requirements-prove.lock

clean: ## remove what these targets made
	rm -rf $(VENV) $(PROVE_VENV) dist contracts/node_modules contracts/out contracts/cache
	rm -rf $(DASHBOARD)/bundle/node_modules $(DASHBOARD)/vendor
	rm -rf .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find api contracts devices oracle tests -name __pycache__ -type d -prune -exec rm -rf {} +

servers:
	@tests/install-servers

ifdef NPM
assets: $(DASHBOARD)/vendor/MANIFEST.json ## charts, the verifier in the page and fonts for the dashboard, from pinned npm packages
else
assets:
	@test -e $(DASHBOARD)/vendor/MANIFEST.json || { echo '==> no npm: the dashboard shows tables without charts, proofs are' \
		'not checked in the page, certificates have no Chinese letters. make assets needs Node.js 20 and npm.' >&2; \
		test "$$CI" != true; }
endif

ifdef NPM
contracts-test: $(NODE_MODULES)
	@echo '==> contract tests' >&2
	@contracts/forge test

contracts-check: $(NODE_MODULES)
	@echo '==> contracts: format, artifacts, gas' >&2
	@contracts/forge fmt --check
	@contracts/build --check
	@contracts/gas --check

contracts-coverage: $(NODE_MODULES) ## lines and branches that the contract tests reach: at least 98 % of each
	@contracts/coverage

contracts-audit: $(NODE_MODULES) $(PROVE_VENV)/.locked ## Slither over the contracts: nothing found
	@echo '==> contracts: Slither' >&2
	@SLITHER=$(PROVE_BIN)/slither contracts/audit

contracts-prove: $(NODE_MODULES) $(PROVE_VENV)/.locked ## Halmos: quorum and marks, for all inputs; planted bugs are found
	@HALMOS=$(PROVE_BIN)/halmos contracts/prove $(ARGS)

contracts-mutate: $(NODE_MODULES) ## break the contracts in a thousand places and see a test fail for each: an hour
	@contracts/mutate $(ARGS)

contracts-intense: $(NODE_MODULES) ## a million random calls against the contracts' invariants
	@contracts/intense $(ARGS)
else
contracts-test contracts-check contracts-coverage contracts-audit contracts-prove contracts-mutate contracts-intense:
	@echo '==> skipped: contracts. Their compiler and tests need Node.js 20 and npm; the shipped artifacts are used as they are.' >&2
	@test "$$CI" != true
endif

contracts/node_modules/.package-lock.json: contracts/package.json contracts/package-lock.json
	@echo '==> npm ci in contracts/' >&2
	@cd contracts && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
	@touch $@

$(BUNDLE_MODULES): $(DASHBOARD)/bundle/package.json $(DASHBOARD)/bundle/package-lock.json
	@echo '==> npm ci in $(DASHBOARD)/bundle/' >&2
	@cd $(DASHBOARD)/bundle && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
	@touch $@

$(DASHBOARD)/vendor/MANIFEST.json: $(BUNDLE_MODULES) $(DASHBOARD)/bundle/build.mjs $(DASHBOARD)/bundle/echarts.js \
		$(wildcard $(DASHBOARD)/verifier/*.js)
	@node $(DASHBOARD)/bundle/build.mjs $(if $(filter true,$(CI)),--check)

# An environment is made anew when its locked packages change.
$(VENV)/.locked: requirements.lock
$(PROVE_VENV)/.locked: requirements-prove.lock
%/.locked:
	@test -n '$(PYTHON)' || { echo 'make: Python 3.11 or newer is needed; name one with make PYTHON=...' >&2; exit 3; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo 'make: $(PYTHON) is not Python 3.11 or newer' >&2; exit 3; }
	@echo '==> environment in $*: '"$$($(PYTHON) --version), $$(grep -c '^[a-z].*==' $<) packages (a minute or two, once)" >&2
	@$(PYTHON) -m venv --clear $* >/dev/null 2>&1 || $(PYTHON) -m venv --clear --without-pip $*
	@$(call PIP_OF,$*/bin) install --require-hashes --requirement $<
	@touch $@

$(VENV)/.installed: $(VENV)/.locked pyproject.toml
	@echo '==> heliograph, from this folder' >&2
	@$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.dev: $(VENV)/.installed requirements-dev.lock
	@echo '==> packages for tests and checks' >&2
	@$(PIP) install --require-hashes --requirement requirements-dev.lock
	@touch $@
