# Two commands on a fresh machine: `make train` and `make test`.  Both set up what they need, once.
#   make train ARGS="optimizer=sgd optimizer.lr=0.05"     make test ARGS="-k cosine"
PYTHON ?= python3
VENV ?= .venv
ARGS ?=

AUDIT := pip-audit==2.10.1

BIN := $(VENV)/bin
READY := $(VENV)/.ready
MAKEFLAGS += --no-print-directory
.PHONY: install train test fix check format lint types layers quick docs demos site gallery chaos bench audit ci clean

install: $(READY) ## set up $(VENV), again only when the requirements change

$(READY): requirements.txt pyproject.toml
	@command -v $(PYTHON) >/dev/null || { echo "seedbed needs Python 3.11, 3.12 or 3.13: there is no $(PYTHON); choose one: PYTHON=python3.12 make train" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' || { echo "seedbed needs Python 3.11, 3.12 or 3.13: $(PYTHON) is $$($(PYTHON) -c 'import platform; print(platform.python_version())'); choose another: PYTHON=python3.12 make train" >&2; exit 1; }
	@echo "setting up $(VENV): the pinned packages of requirements.txt, some minutes, only now ..."
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install -qq --disable-pip-version-check -r requirements.txt
	@touch $@

train: install ## one run; ARGS go to train.py
	@$(BIN)/python train.py $(ARGS)

test: install ## all tests; ARGS go to pytest
	@OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n auto --dist worksteal $(ARGS)

fix: install ## what a machine can correct
	@$(BIN)/ruff format
	@$(BIN)/ruff check --fix

check: format lint types layers quick ## everything but the slow tests

format: install
	@$(BIN)/ruff format --check

lint: install
	@$(BIN)/ruff check

types: install
	@$(BIN)/pyright --pythonpath $(BIN)/python

layers: install
	@$(BIN)/lint-imports

quick: install
	@OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n auto --dist worksteal -m 'not slow' $(ARGS)

docs: install ## the generated parts of README.md and docs/
	@$(BIN)/python docs/generate.py

site: install ## the documentation as a site, in site/; broken links are errors
	@NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet
	@echo "open site/index.html"

demos: install ## demonstrations again: their figures drawn, their claims checked; ARGS="demo_l1"
	@$(BIN)/python benchmarks/gallery.py $(or $(ARGS),'demo_*')

gallery: install ## run experiments again and compare with what they promise; ARGS="digits_cnn"
	@$(BIN)/python benchmarks/gallery.py $(ARGS)

chaos: install ## kill runs at random moments; ARGS="--kills 200"
	@OMP_NUM_THREADS=1 PYTHONPATH=tests:tests/faults $(BIN)/python tests/faults/chaos.py $(ARGS)

bench: install ## speed and memory, as ratios, into docs/benchmarks.md; ARGS="tax startup" for some
	@OMP_NUM_THREADS=1 $(BIN)/python benchmarks/record.py $(ARGS)

audit: ## pins against the advisory databases; what cannot be looked up fails, too
	@test -x .venv-audit/bin/pip-audit || { $(PYTHON) -m venv .venv-audit && .venv-audit/bin/pip install -qq --disable-pip-version-check $(AUDIT); }
	@grep -Ev '^(-e|#)' requirements.txt > .venv-audit/pins.txt
	@.venv-audit/bin/pip-audit --strict --no-deps --disable-pip --progress-spinner off -r .venv-audit/pins.txt

ci: ## everything, in a fresh environment of its own
	@rm -rf .venv-ci
	@$(MAKE) VENV=.venv-ci format lint types layers
	@$(MAKE) VENV=.venv-ci test

clean: ## environments and caches; runs in logs/ stay
	rm -rf site .venv .venv-ci .venv-audit .pytest_cache .ruff_cache .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
