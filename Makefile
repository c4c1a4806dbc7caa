# Everything sets itself up: python3.11+, make and git are all that a fresh machine needs.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
DATA ?= ../shared/data
# Options of `make bench`: --small, --limit SECONDS, --resume, --missing, --lanes N, names.
BENCH ?=

.PHONY: setup demo test test-newest test-browser lint bench docs clean

setup: $(VENV)/.ready

$(VENV)/.ready: pyproject.toml constraints.txt
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[local]' \
	  || echo "No wheel of the local engine for this machine: what needs it runs simulated and says so."
	@touch $@

demo: setup
	@$(BIN)/agentmem local install || echo "Without the local engine: the demo's cache numbers will be simulated."
	@$(BIN)/agentmem demo

lint: setup
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy

test: lint
	@$(BIN)/agentmem local install || echo "Without the local engine: its tests are skipped."
	@$(BIN)/python -m pytest -n 3

# A smoke part of the suite with the newest versions that pyproject.toml allows, on each Python that this machine has.
test-newest:
	@bash .ci/newest

# The page in a real browser; its screenshots are left in build/browser/pictures0.
test-browser: setup
	@bash .ci/chromium
	@mkdir -p build
	@$(BIN)/python -m pytest tests/browser -n0 --basetemp=build/browser

# The site of docs/, in build/site/site; nothing is fetched but, once, the packages that build it.
docs: setup
	@$(BIN)/python -c "import zensical, mkdocstrings" 2>/dev/null \
	  || $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[docs]'
	@$(BIN)/python -m tests.site

bench: setup
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[bench]'
	@$(BIN)/python -m tests.benchmarks --data $(DATA) $(BENCH)

clean:
	rm -rf $(VENV) dist build
