# Lethe. `make` shows what there is.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

MODELS ?= .models
CONFIG ?= release
SWIFT ?= swift
LETHE := .build/$(CONFIG)/lethe
# Idle OpenMP threads sleep instead of spinning: the tests run several engines at once.
export OMP_WAIT_POLICY ?= passive
export LETHE_MODELS := $(abspath $(MODELS))

.PHONY: help setup models build demo test test-api test-crash test-power-loss bench bench-service pch-quick check-packaging \
    man lint clean

help: ## Show the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  %-16s %s\n", $$1, $$2}'

setup: ## Install the Debian packages that the build needs (with sudo unless root)
	@Scripts/setup.sh

models: setup ## Fetch the two real models and check their SHA-256
	@Scripts/fetch-models.sh "$(MODELS)"

build: setup ## Build everything in release
	$(SWIFT) build -c $(CONFIG)

demo: build models ## Teach a real model, make it forget over HTTP, measure
	$(LETHE) demo --model "$(MODELS)/smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"

# Tests with deadlines of their own run apart from those that keep every core busy.
TIMED_TESTS := LetheServiceTests|LetheStoreTests CommandTests CrashTests
empty :=
space := $(empty) $(empty)

test: build models ## Run all tests, on the real models too
	$(SWIFT) test -c $(CONFIG) --disable-testable-imports --skip '$(subst $(space),|,$(TIMED_TESTS))'
	@for group in $(foreach group,$(TIMED_TESTS),'$(group)'); do \
	    (set -x; $(SWIFT) test -c $(CONFIG) --disable-testable-imports --skip-build --filter "$$group"); \
	done

test-api: build ## Run schemathesis against the daemon (needs PyPI)
	@Scripts/test-api.sh $(LETHE)

test-crash: build ## Kill the real daemon over and over and check what it left
	LETHE_CRASH_ROUNDS=$${LETHE_CRASH_ROUNDS:-200} $(SWIFT) test -c $(CONFIG) --disable-testable-imports --filter 'CrashTests\.(FailPoint|Kill)Tests|LetheStoreTests\.CrashTests'

test-power-loss: build ## Lose what was not synced, let the disk fail and fill up, and check what is left
	LETHE_POWER_STATES=$${LETHE_POWER_STATES:-500} $(SWIFT) test -c $(CONFIG) --disable-testable-imports --filter 'CrashTests\.(PowerLoss|DiskFault)Tests'

bench: build models ## Measure the engine against PyTorch, side by side (needs PyPI; about half an hour)
	$(SWIFT) build -c release --package-path Benchmarks
	test -d .venv || python3 -m venv .venv
	.venv/bin/pip install --quiet --disable-pip-version-check -r Benchmarks/pytorch/requirements.txt
	test -d bench-output/smollm2 || $(LETHE) model export --model "$(MODELS)/smollm2/SmolLM2-135M-Instruct.Q4_1.gguf" --out bench-output/smollm2
	.venv/bin/python Benchmarks/run.py --bench Benchmarks/.build/release/lethe-bench --model bench-output/smollm2 --encoder "$(MODELS)/minilm"

bench-service: build models ## Measure the daemon: submissions, a large store, memory, latency (about a quarter of an hour)
	python3 Benchmarks/service/bench.py --lethe $(LETHE) --model "$(MODELS)/smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"

check-packaging: ## Check the alert rules and the unit (needs promtool and systemd-analyze)
	promtool check rules Packaging/prometheus/lethe.rules.yml
	promtool test rules Packaging/prometheus/lethe.rules.test.yml
	systemd-analyze security --offline=true --threshold=20 Packaging/lethe.service

man: build ## Write manual pages and shell completions to man/
	python3 Scripts/man.py $(LETHE) man
	for shell in bash zsh fish; do $(LETHE) --generate-completion-script $$shell >man/lethe.$$shell; done

pch-quick: build ## Run the PCH benchmark on a tiny model made on the spot
	$(LETHE) bench pch --preset quick

lint: ## Check the formatting; changes nothing
	$(SWIFT) format lint --strict --recursive Sources Tests Migrations Package.swift

clean: ## Remove what builds made
	rm -rf .build
