# Two commands on a fresh machine: make study, make test.

PYTHON ?= python3
VENV ?= .venv
OUT ?= out/study
BIN := $(VENV)/bin

.PHONY: install study test check bench encoder docs clean

install: $(VENV)/installed

$(VENV)/installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade 'pip>=25'
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[dev,docs,azure]'
	touch $@

study: install
	$(BIN)/examwise study --out $(OUT)

test: install
	$(BIN)/python -m pytest --numprocesses auto --dist loadfile

check: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: install
	$(BIN)/python benchmarks/study.py

encoder: install
	$(BIN)/python tools/make_encoder.py

docs: install
	$(BIN)/mkdocs build --strict

clean:
	rm -rf $(VENV) out site build .pytest_cache .mypy_cache .ruff_cache .import_linter_cache
