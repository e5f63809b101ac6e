# Each target is one line that calls a script, after the set-up that the script needs.
WHARF := .venv/bin/wharf
# Where scripts/setup puts what the machine lacks.
export PATH := $(PATH):$(CURDIR)/.tools/bin

.PHONY: demo test check unit synth modules bench bench-synth mutants security up status faults floods storms load nightly down setup setup-local setup-tests clean

demo: setup-local ## push and pull an image through a registry on this machine
	$(WHARF) demo

test: setup-tests ## linters, types, unit tests, integration suite; TESTS=FILE… runs these only
	scripts/test $(TESTS)

check: setup-tests ## linters, types, and the unit tests that are not slow
	scripts/test --check

unit: setup-tests ## the same without the integration suite
	scripts/test --unit

bench: setup-local ## measure the proxy, and what it is compared with: build/bench.html, docs/benchmarks.md
	$(WHARF) bench

bench-synth: setup-local ## measure how long synthesis takes: build/bench-synth.json
	$(WHARF) bench-synth

mutants: setup-tests ## try deliberate defects, each of which a test has to catch: build/mutants.json
	$(WHARF) mutants

faults: setup-local ## break things for MINUTES (10) while clients push and pull: build/faults.json
	$(WHARF) faults $(if $(MINUTES),--minutes $(MINUTES)) $(if $(SEED),--seed $(SEED))

floods: setup-local ## flood a registry, measure good clients meanwhile: BALANCER=classic, build/floods.json
	$(WHARF) floods $(if $(BALANCER),--balancer $(BALANCER))

storms: setup-local ## measure storms, fail if they are far from the model: docs/capacity.md
	$(WHARF) storms

WORKLOAD := mixed
load: setup-local ## load a registry, judge it, report: WORKLOAD=storm OPTIONS="--users 50"
	$(WHARF) load $(WORKLOAD) $(OPTIONS)

WHERE := local
nightly: setup-tests ## deploy, test, load, report, destroy, sweep: WHERE=account OPTIONS=…
	$(WHARF) nightly $(WHERE) $(OPTIONS)

security: setup ## check the synthesized stack and its modules with checkov
	$(WHARF) security

synth: setup ## write the stack's Terraform JSON to cdktf.out/
	.venv/bin/python main.py

modules: setup ## write the stack as Terraform modules to dist/
	$(WHARF) modules

up: setup-local ## run the registry on this machine, and leave it running
	$(WHARF) local up

status: ## where that registry is, and how its hosts are
	$(WHARF) local status

down: ## end that registry
	$(WHARF) local down

setup: ## install what a deployment needs, without root
	scripts/setup

setup-local: ## install what the local cloud needs, too: Debian or Ubuntu, as root
	scripts/setup-local

setup-tests: ## install what the tests need, too
	scripts/setup-local --tests

clean: ## remove everything that can be made again
	rm -rf build dist cdktf.out .venv .tools node_modules .mypy_cache .pytest_cache .ruff_cache
