# Everything a developer runs. `make help` lists the targets.
.DEFAULT_GOAL := help
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
CODE := reconciler tests lab bench
JOBS ?= 2
ROUNDS ?= 5
COVERAGE := 94

help: ## list the targets
	@sed -n 's/^\([a-z0-9-]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 20

venv: $(STAMP) ## a virtual environment with the locked packages

$(STAMP): requirements/dev.txt pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --require-hashes --no-deps -r requirements/dev.txt
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

format: $(STAMP) ## rewrite the code in the project's format
	$(BIN)/ruff format $(CODE)
	$(BIN)/ruff check --fix $(CODE)

lint: $(STAMP) ## format, lint, types and import contracts, changing nothing
	$(BIN)/ruff format --check $(CODE)
	$(BIN)/ruff check $(CODE)
	$(BIN)/mypy
	$(BIN)/lint-imports

lab-packages: ## install the Debian packages that some tests need, if any is missing (needs root)
	@sh lab/install-packages.sh

lab-build: ## build the lab's programs (8 minutes the first time, then cached)
	$(PYTHON) -m lab.build
	$(PYTHON) -m bench.stand_in

image: ## build the container image on a Debian of the lab's (needs root; 2 minutes the first time)
	$(PYTHON) -m lab.container

lab: $(STAMP) lab-build ## start a control plane, a registry and a Git server; until Ctrl-C
	$(BIN)/python -m lab

demo: $(STAMP) ## the story on real parts: v3 becomes v4 in Git and in the cluster
	$(BIN)/python -m lab.demo

test: $(STAMP) lab-build ## all tests, against the lab's real parts
	$(BIN)/python -m pytest -n $(JOBS) --dist worksteal --cov --cov-report=term:skip-covered \
		--cov-fail-under=$(COVERAGE) $(PYTEST_FLAGS)

soak: $(STAMP) lab-build ## eight writers, 200 kills, 10,000 cycles (an hour and a half; SOAK_FLAGS="race --seed 1")
	$(BIN)/python -m tests.soak $(SOAK_FLAGS)

bench: $(STAMP) lab-build ## measure on work of stated size, into bench/results.md (half an hour)
	$(BIN)/python -m bench --rounds $(ROUNDS) --out bench/results.md

package: $(STAMP) ## build the wheel and try it in an empty environment with the locked packages
	rm -rf build/package && mkdir -p build/package
	$(BIN)/hatchling build --target wheel --directory build/package
	$(PYTHON) -m venv build/package/venv
	build/package/venv/bin/pip install --quiet --require-hashes --no-deps -r requirements/runtime.txt
	build/package/venv/bin/pip install --quiet --no-deps build/package/*.whl
	build/package/venv/bin/reconcile --version
	cd build/package && venv/bin/reconcile --once --no-sync --git-url nowhere; test $$? -eq 3
	cd build/package && venv/bin/reconcile install --image a/b:1 --git-url https://a/b --export > install.yaml

check: lint package test ## everything that a commit must pass

lock: ## write requirements/*.txt anew (needs uv)
	sh requirements/build-lock.sh

.PHONY: help venv format lint lab-packages lab-build image lab demo test soak bench package check lock
