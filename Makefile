# Redress. `make` lists what there is; each target sets up what it needs.
#   make run PORT=5001              another port
#   make run PYTHON=python3.13      another Python
#   make migrate m="add wards"      a migration from the change in models.py

PYTHON ?= python3
RUN = .venv/bin/python -m
SIDE_BY_SIDE = -n auto --maxprocesses 4
.DEFAULT_GOAL := help
.PHONY: help run test check fuzz proofs fix migrate demo bench screenshots translations requirements \
	packages dev-packages

help:  ## List these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' Makefile

run: packages  ## Install, make the database, load the demo, serve: http://127.0.0.1:5000
	@.venv/bin/python server.py

test: dev-packages  ## Run the tests (only some: make test t="tests/rules -k deadline")
	@$(RUN) pytest $(or $(t),$(SIDE_BY_SIDE))

check: dev-packages  ## What CI runs: lint, types, tests
	@$(RUN) ruff check .
	@$(RUN) ruff format --check .
	@$(RUN) mypy
	@$(RUN) pytest $(SIDE_BY_SIDE)

proofs: dev-packages  ## Run the proofs of promises at full size: an hour (some: t="-k import")
	@PROOFS=1 $(RUN) pytest -m proof -s $(t)

fuzz: dev-packages  ## Send 150,000 inputs that nobody should send (FUZZ_SEED, FUZZ_INPUTS)
	@FUZZ_INPUTS=$${FUZZ_INPUTS:-150000} $(RUN) pytest tests/fuzzing

fix: dev-packages  ## Put right what ruff can: order of imports, layout
	@$(RUN) ruff check --fix .
	@$(RUN) ruff format .

migrate: dev-packages  ## Write a migration from models.py: make migrate m="add wards"
	@test -n "$(m)" || { echo 'Say what it does: make migrate m="add wards"'; exit 2; }
	@$(RUN) flask db upgrade
	@$(RUN) flask db migrate -m "$(m)"

demo: packages  ## Load the demo into an empty database
	@$(RUN) flask db upgrade
	@$(RUN) flask demo

bench: dev-packages  ## Measure lists, search and CSV against stock Flask-Admin and psql
	@$(RUN) benchmarks

screenshots: dev-packages  ## Take the pictures in docs/screenshots anew
	@$(RUN) docs.screenshots

translations: dev-packages  ## Collect the sentences and compile their translations
	@$(RUN) translations.extract

requirements: dev-packages  ## Pin the newest versions of requirements*.in, with hashes
	@$(RUN) pip install --quiet uv
	@for file in requirements requirements-dev; do \
	  .venv/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	    --no-header --upgrade $$file.in --output-file $$file.txt || exit 1; done

packages:
	@$(PYTHON) install.py

dev-packages:
	@$(PYTHON) install.py dev browser
