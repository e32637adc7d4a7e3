# Everything here needs Python >= 3.11, make and the package index, and nothing else:
# the first target that needs it builds .venv. `make PYTHON=...` picks another Python.

VENV := .venv
BIN  := $(VENV)/bin
PIP  := -m pip --disable-pip-version-check --quiet

# The first Python on the path that is new enough.
PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11 python; do \
	"$$p" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 && echo "$$p" && break; done)

PROTOCOL := anlotinib_fulvestrant
PATIENTS := demo/patients

# The tests start the command hundreds of times: without compiled modules each start takes twice as long.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo test test-bare test-spark install-spark lint format bench clean

help: ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

demo: $(VENV)/.stamp-bare ## screen the demo patients for the seed trial
	@echo '$$ protocol-logic screen $(PROTOCOL) $(PATIENTS)'
	@$(BIN)/protocol-logic screen $(PROTOCOL) $(PATIENTS)
	@echo
	@echo 'What to try next:'
	@echo '  $(BIN)/protocol-logic screen  $(PROTOCOL) $(PATIENTS) --format json'
	@echo '  $(BIN)/protocol-logic explain $(PROTOCOL) $(PATIENTS) --patient hanne'
	@echo '  $(BIN)/protocol-logic what-if $(PROTOCOL) $(PATIENTS) --patient hanne'
	@echo '  $(BIN)/protocol-logic cohort  $(PROTOCOL) $(PATIENTS) --by age'
	@echo '  $(BIN)/protocol-logic compile $(PROTOCOL) --to asp'
	@echo '  $(BIN)/protocol-logic --help'

test: lint ## all checks, then all tests (ARGS="-k name" picks some)
	@$(BIN)/python -m pytest -n auto --dist worksteal $(ARGS)

lint: $(VENV)/.stamp-dev ## style, format, types and the import stair
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-logo

format: $(VENV)/.stamp-dev ## write the canonical format, with the fixes that are safe
	@$(BIN)/ruff check --fix-only .
	@$(BIN)/ruff format .

test-spark: $(VENV)/.stamp-spark ## screen with Apache Spark on this machine (needs Java 17)
	@NEED_SPARK=1 $(BIN)/python -m pytest -n0 tests/contracts/test_spark.py

install-spark: $(VENV)/.stamp-spark

# sdist -> wheel -> an empty venv without extras; then the main job, far from this checkout.
test-bare: $(VENV)/bin/python ## build the wheel, install it bare elsewhere, screen with it
	@set -eu; \
	tmp=$$(mktemp -d); trap 'rm -rf "$$tmp"' EXIT; trap 'exit 130' INT TERM; \
	echo "test-bare: building sdist and wheel"; \
	$(BIN)/python -m venv "$$tmp/build"; \
	"$$tmp/build/bin/python" $(PIP) install 'hatchling>=1.27'; \
	"$$tmp/build/bin/python" -m hatchling build -t sdist -d "$$tmp/dist" >/dev/null; \
	mkdir "$$tmp/away"; tar -xzf "$$tmp"/dist/*.tar.gz --strip-components 1 -C "$$tmp/away"; \
	"$$tmp/build/bin/python" $(PIP) wheel --no-deps -w "$$tmp/dist" "$$tmp"/dist/*.tar.gz; \
	mv "$$tmp/away/$(PATIENTS)" "$$tmp/patients"; rm -rf "$$tmp/away"; \
	echo "test-bare: installing $$(basename "$$tmp"/dist/*.whl) without extras"; \
	$(BIN)/python -m venv "$$tmp/bare"; \
	"$$tmp/bare/bin/python" $(PIP) install "$$tmp"/dist/*.whl; \
	"$$tmp/bare/bin/python" $(PIP) check; \
	cd "$$tmp"; \
	echo "test-bare: screening the demo patients"; \
	bare/bin/protocol-logic screen $(PROTOCOL) patients; \
	bare/bin/protocol-logic screen $(PROTOCOL) patients --format json -o out.json; \
	bare/bin/protocol-logic fit $(PROTOCOL) patients --format html -o fit.html; \
	bare/bin/protocol-logic explain $(PROTOCOL) patients --patient hanne --format html -o why.html; \
	bare/bin/protocol-logic problem wrong-unit >/dev/null; \
	bare/bin/python -I -c "$$BARE_CHECK"

# The answer is looked at too: an empty list is no answer, and the code must not come from the checkout.
define BARE_CHECK
import json, pathlib, sys
import protocol_logic
code = pathlib.Path(protocol_logic.__file__).resolve()
home = pathlib.Path(sys.prefix).resolve()
assert code.is_relative_to(home), f"protocol_logic came from {code}, not from the wheel"
rows = json.loads(pathlib.Path("out.json").read_text("utf-8"))
assert rows, "no patient was screened"
bad = [r for r in rows if r["eligibility"] not in ("eligible", "ineligible", "undetermined")]
assert not bad, f"not an eligibility: {bad}"
print(f"test-bare: {len(rows)} patients screened with protocol-logic {protocol_logic.__version__}")
endef
export BARE_CHECK

bench: $(VENV)/.stamp-dev ## run every bench/bench_*.py
	@set -eu; for f in bench/bench_*.py; do \
		[ -e "$$f" ] || { echo 'no bench/bench_*.py yet' >&2; exit 1; }; \
		echo "== $$f"; $(BIN)/python "$$f"; done

clean: ## remove .venv and every cache
	@rm -rf $(VENV) dist build .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

# ---------------------------------------------------------------- the venv

$(VENV)/bin/python:
	@[ -n "$(PYTHON)" ] || { echo 'no Python >= 3.11 found; try make PYTHON=/path/to/python3' >&2; exit 1; }
	@echo "making $(VENV) with $$($(PYTHON) --version)"
	@$(PYTHON) -m venv --clear $(VENV) || { rm -rf $(VENV); \
		echo 'this Python has no venv module; on Debian: apt-get install python3-venv' >&2; exit 1; }

$(VENV)/.stamp-bare: pyproject.toml | $(VENV)/bin/python
	@echo 'installing protocol-logic into $(VENV)'
	@$(BIN)/python $(PIP) install -e .
	@touch $@

# Whoever has the dev tools has the bare install too.
$(VENV)/.stamp-dev: pyproject.toml | $(VENV)/bin/python
	@echo 'installing protocol-logic and its dev tools into $(VENV)'
	@$(BIN)/python $(PIP) install -e '.[dev]'
	@touch $(VENV)/.stamp-bare $@

# 0.5 GB, so it is no part of the dev tools.
$(VENV)/.stamp-spark: $(VENV)/.stamp-dev
	@echo 'installing PySpark into $(VENV)'
	@$(BIN)/python $(PIP) install -e '.[spark]'
	@touch $@
