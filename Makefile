# Each target is one line that calls a script. `make demo` and `make test` do all set-up.
PYTHON := .venv/bin/python
# Where scripts/setup puts what the machine lacks.
export PATH := $(PATH):$(CURDIR)/.tools/bin

.PHONY: demo test unit synth modules bench load nightly security up status down setup clean

demo: setup ## push and pull an image through a registry on this machine
	$(PYTHON) -m integration.demo

test: setup ## linters, types, unit tests, integration suite
	scripts/test

unit: setup ## the same without the integration suite
	scripts/test --unit

bench: setup ## measure the proxy, and what it is compared with: build/bench.html, docs/benchmarks.md
	$(PYTHON) -m integration.bench

WORKLOAD := mixed
load: setup ## load a registry, judge it, report: WORKLOAD=storm OPTIONS="--users 50"
	$(PYTHON) -m integration.load $(WORKLOAD) $(OPTIONS)

WHERE := local
nightly: setup ## deploy, test, load, report, destroy, sweep: WHERE=account OPTIONS=…
	$(PYTHON) -m scripts.nightly $(WHERE) $(OPTIONS)

security: setup ## check the synthesized stack with checkov
	$(PYTHON) -m scripts.security

synth: setup ## write the stack's Terraform JSON to cdktf.out/
	$(PYTHON) main.py

modules: setup ## write the stack as Terraform modules to dist/
	$(PYTHON) -m scripts.modules

up: setup ## run the registry on this machine, and leave it running
	$(PYTHON) -m integration.local up

status: ## where that registry is, and how its hosts are
	$(PYTHON) -m integration.local status

down: ## end that registry
	$(PYTHON) -m integration.local down

setup: ## install what all of this needs
	scripts/setup

clean: ## remove everything that can be made again
	rm -rf build dist cdktf.out .venv .tools node_modules .mypy_cache .pytest_cache .ruff_cache
