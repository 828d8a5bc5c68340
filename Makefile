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

.PHONY: help setup models build demo test test-crash lint clean

help: ## Show the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  %-12s %s\n", $$1, $$2}'

setup: ## Install the Debian packages that the build needs (with sudo unless root)
	@Scripts/setup.sh

models: setup ## Fetch the two real models and check their SHA-256
	@Scripts/fetch-models.sh "$(MODELS)"

build: setup ## Build everything in release
	$(SWIFT) build -c $(CONFIG)

demo: build models ## Teach a real model, make it forget over HTTP, measure
	$(LETHE) demo --model "$(MODELS)/smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"

test: build models ## Run all tests, on the real models too
	$(SWIFT) test -c $(CONFIG) --disable-testable-imports

test-crash: build ## Kill the real daemon over and over and check what it left
	LETHE_CRASH_ROUNDS=$${LETHE_CRASH_ROUNDS:-200} $(SWIFT) test -c $(CONFIG) --disable-testable-imports --filter CrashTests

lint: ## Check the formatting; changes nothing
	$(SWIFT) format lint --strict --recursive Sources Tests Migrations Package.swift

clean: ## Remove what builds made
	rm -rf .build
