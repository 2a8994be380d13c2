# `make` lists what there is. Everything installs into ./.venv; data of `make up` lies in ./.switchboard.
.DEFAULT_GOAL := help
SHELL := /bin/bash
PYTHON_BIN := .venv/bin/python
PORT ?= 8000
DOCUMENTS ?= 5000
WORLDS ?= 10000
SIZES ?= 1000 10000 50000
CORPUS ?= examples/handbook
GOLDEN ?= examples/handbook/golden.yaml
CLAIMS ?= examples/handbook/claims.yaml

.PHONY: help setup setup-dev up demo test test-full test-worlds lint format eval eval-retrieval bench bench-ingest bench-gateway bench-search generate lock clean

help: ## This list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-14s %s\n", $$1, $$2}'

setup: ## Install what running needs
	@scripts/setup.sh run

setup-dev: ## Install what testing needs
	@scripts/setup.sh dev

up: setup ## Start the all-in-one on http://localhost:8000 (PORT=…)
	@.venv/bin/switchboard up --port $(PORT)

demo: setup ## Ingest a folder and ask about it in the terminal (CORPUS=folder)
	@.venv/bin/switchboard demo $(CORPUS)

test: setup-dev lint ## Lint, types and tests, in some 11 minutes
	@$(PYTHON_BIN) -m tests

test-full: setup-dev lint ## All of it: crash runs, large property runs, foreign clients
	@scripts/install_node_tools.sh && scripts/install_foreign_servers.sh && scripts/install_teams_tools.sh && $(PYTHON_BIN) -m tests --full

test-worlds: setup-dev ## Random worlds against the rules of access (WORLDS=10000), in batches of 100
	@SWITCHBOARD_TEST_WORLDS=$(WORLDS) $(PYTHON_BIN) -m pytest -x -q tests/platform_api/library/test_worlds.py

lint: setup-dev ## Style, types, layers
	@.venv/bin/ruff check . && .venv/bin/ruff format --check -q . && .venv/bin/pyright --warnings && .venv/bin/lint-imports

format: setup-dev ## Put the code into the house's style
	@.venv/bin/ruff check -q --fix . ; .venv/bin/ruff format .

eval: setup-dev ## Measure answers and citations (CORPUS= GOLDEN= CLAIMS=)
	@$(PYTHON_BIN) -m tests.evals --corpus $(CORPUS) --golden $(GOLDEN) --claims $(CLAIMS)

eval-retrieval: setup-dev ## Measure retrieval alone on judged sets (BEIR="folder …": corpus.jsonl, queries.jsonl, qrels)
	@$(PYTHON_BIN) -m tests.evals.retrieval --beir $(BEIR)

bench: setup-dev ## Measure what SPEC 14 promises, as ratios
	@$(PYTHON_BIN) -m tests.bench

bench-ingest: setup-dev ## Measure ingestion on many documents (DOCUMENTS=5000)
	@$(PYTHON_BIN) -m tests.bench.ingest_bench $(DOCUMENTS)

bench-search: setup-dev ## Measure search and verification at several sizes (SIZES="1000 10000 50000")
	@$(PYTHON_BIN) -m tests.bench.search_bench $(SIZES)

bench-gateway: setup-dev ## Measure what a tool call costs in the gateway, against doing without
	@$(PYTHON_BIN) -m tests.bench.gateway_bench

generate: setup-dev ## Write again what is generated: reference, settings, tool definitions
	@$(PYTHON_BIN) -m tools.servers.generate && $(PYTHON_BIN) scripts/generate_reference.py

lock: setup-dev ## Resolve the dependencies anew
	@scripts/lock.sh --upgrade

clean: ## Remove the environment and the data of `make up` and `make demo`
	@rm -rf .venv .switchboard test-output
