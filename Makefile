# The two commands are `make demo` and `make test`; each does all the set-up it needs. `make check` is what CI runs.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
# What installs packages.
PIP    ?= $(BIN)/pip --disable-pip-version-check
# Two more than there are cores: many tests wait for a process or a browser.
JOBS   ?= $(shell expr $$(nproc) + 2)
ARGS   ?=
# Where tests write databases: in memory if there is room, so that they do not wait for a disk.
TEMP   ?= $(shell df -Pk /dev/shm 2>/dev/null | awk 'NR == 2 && $$4 > 4000000 { print "/dev/shm" }')
# Which tests by their marks, as pytest's -m takes it.
MARKS  ?= not slow

.DEFAULT_GOAL := help
.PHONY: help demo test test-slow test-deployment test-all test-quickstarts test-apps check docs screenshots pictures format bench bench-at-size round-trips kill-rounds soak migration api-documents references translations constraints sbom clean

help:  ## List these commands
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 14

demo: $(VENV)/run  ## Run everything in one process, to look around
	$(BIN)/signet demo $(ARGS)

test: $(VENV)/test  ## Run the tests, except those marked slow; ARGS go to pytest
	@tests/set_up $(BIN)
	@# Compiled once for all processes that tests start, and tests for the next run: also where PYTHONDONTWRITEBYTECODE is set.
	@$(BIN)/python -m compileall -q provider
	PYTHONDONTWRITEBYTECODE= $(if $(TEMP),TMPDIR=$(TEMP)) $(BIN)/pytest -n $(JOBS) --dist worksteal -m "$(MARKS)" $(ARGS)

test-slow: $(VENV)/test  ## Run the tests marked slow, which CI runs too
	$(MAKE) test MARKS="slow and not nightly and not deployment and not load"

test-deployment: $(VENV)/test  ## Run the tests of the Helm chart, the bill of materials and, with Docker or Podman, the images; it builds helm with Go once
	@tests/set_up $(BIN) --helm
	$(MAKE) test MARKS=deployment

test-all: export THOROUGH := 1
test-all: $(VENV)/test  ## Run all tests, each on both databases, with more examples and longer walks and races
	@tests/set_up $(BIN) --all
	$(MAKE) test MARKS= ARGS="--all-databases $(ARGS)"

test-apps: $(VENV)/test  ## Follow the guides of docs/connect/apps with the real apps; ARGS="jupyterhub pgadmin" for some
	@tests/set_up $(BIN)
	$(BIN)/python -m tests.interop.apps.run $(ARGS)

test-quickstarts: $(VENV)/test  ## Follow every quickstart as printed; it installs from package registries
	@tests/set_up $(BIN)
	$(BIN)/pytest -n 0 tests/interop/quickstarts/every_page.py $(ARGS)

check: $(VENV)/test  ## Run the formatter, linter, type checker, import contracts, migrations and tests
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	@folder=$$(mktemp -d) && export SIGNET_DATABASE_URL="sqlite:///$$folder/check.db" \
	  && $(BIN)/alembic upgrade head && $(BIN)/alembic check; status=$$?; rm -rf "$$folder"; exit $$status
	$(MAKE) test

docs: $(VENV)/docs docs/assets/mermaid.min.js  ## Build the documentation site in build/docs; a dead link or a page without a way to it fails
	$(BIN)/pytest -q -m "not slow" tests/docs
	$(BIN)/zensical build --clean --strict

# Draws the diagrams. The theme would load it from another site.
docs/assets/mermaid.min.js:
	npm install --prefix build/mermaid --no-save --ignore-scripts --no-audit --no-fund --loglevel=error mermaid@12.3.0
	@mkdir -p docs/assets && cp build/mermaid/node_modules/mermaid/dist/mermaid.min.js $@

screenshots: $(VENV)/test  ## Take a picture of every page and email, light, dark and 320 px wide, in build/screenshots
	@tests/set_up $(BIN)
	KEEP_SCREENSHOTS=1 $(BIN)/pytest -q tests/journeys/test_accessibility.py tests/journeys/test_accessibility_of_actions.py

pictures: $(VENV)/test  ## Take the pictures in README.md and docs again, after the pages they show have changed
	@tests/set_up $(BIN)
	KEEP_PICTURES=1 $(BIN)/pytest -q tests/docs/test_pictures.py

format: $(VENV)/test  ## Format the code and fix what the linter can fix
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: $(VENV)/test  ## Run the workloads of docs/development/performance.md; ARGS go to the driver
	$(BIN)/python benchmarks/run.py $(ARGS)

bench-at-size: $(VENV)/test  ## Measure every route with a million users in the database; ARGS="--people 20000" for a first look
	$(BIN)/python benchmarks/at_size.py $(ARGS)

round-trips: $(VENV)/test  ## Count the round trips to a PostgreSQL that is 80 ms away; ARGS="--milliseconds 20" for another distance
	$(BIN)/python benchmarks/round_trips.py $(ARGS)

sbom: $(VENV)/sbom  ## Write build/sbom.json: what the container image installs, in the CycloneDX format
	@rm -rf build/image build/image.build && mkdir -p build
	PYTHON="$(PYTHON)" deploy/image/install "$(CURDIR)/build/image"
	deploy/image/write_sbom $(BIN)/cyclonedx-py build/image build/sbom.json

kill-rounds: $(VENV)/test  ## Kill the service and the database under load, and look for lost writes; ARGS="--rounds 200 --seed 1"
	@tests/set_up $(BIN)
	$(BIN)/python benchmarks/kill_rounds.py $(ARGS)

soak: $(VENV)/test  ## Load the service for hours, and check memory, descriptors, tables and p99; ARGS="--hours 2 --database postgresql"
	@tests/set_up $(BIN)
	$(BIN)/python benchmarks/soak.py $(ARGS)

migration: $(VENV)/test  ## Write a migration for changed tables: make migration m="What it changes"
	@test -n "$(m)" || { echo 'say what it changes: make migration m="..."' >&2; exit 2; }
	@folder=$$(mktemp -d) && export SIGNET_DATABASE_URL="sqlite:///$$folder/before.db" \
	  && $(BIN)/alembic upgrade head && $(BIN)/alembic revision --autogenerate -m "$(m)" \
	  && $(BIN)/ruff check -q --fix migrations; status=$$?; $(BIN)/ruff format -q migrations; rm -rf "$$folder"; exit $$status

api-documents: $(VENV)/test  ## Write docs/reference/account-api.json and docs/reference/admin-api.json from the code
	@for api in account admin; do $(BIN)/python -c "from provider.api.openapi import $$(echo $$api | tr a-z A-Z)_API as api, text; \
	  from provider.routes import routes; from provider.config.settings import Settings; \
	  print(text(Settings(), routes(Settings()), api), end='')" > docs/reference/$$api-api.json || exit 1; done

references: $(VENV)/test api-documents  ## Write the generated parts of docs/reference from the code
	$(BIN)/python -m tests.docs.generate

translations: $(VENV)/test  ## Update the catalogs in provider/languages from code and templates
	@folder=$$(mktemp -d) && $(BIN)/pybabel -q extract -F pyproject.toml -k Text:1 -k counted:1,2 --no-location --omit-header \
	  --ignore-dirs "cli demo" -o "$$folder/messages.pot" provider templates \
	  && for each in provider/languages/*.po; do $(BIN)/pybabel -q update -N --no-wrap --omit-header --ignore-obsolete \
	    -l "$$(basename "$$each" .po)" -i "$$folder/messages.pot" -o "$$each"; done; status=$$?; rm -rf "$$folder"; exit $$status

constraints:  ## Pin the versions that pyproject.toml resolves to now, also those of the container image
	@folder=$$(mktemp -d) && $(PYTHON) -m venv "$$folder" \
	  && "$$folder/bin/pip" install -q -e '.[test,dev,proxies,docs,sbom]' \
	  && "$$folder/bin/pip" freeze --exclude-editable | sort -f > constraints.txt \
	  && "$$folder/bin/pip" install -q uv==0.13.9 && deploy/image/lock "$$folder/bin/uv"; status=$$?; rm -rf "$$folder"; exit $$status

clean:  ## Remove the virtual environment and the files of the demo
	rm -rf $(VENV) signet-demo

# Set-up, done once and again when the pins change.

$(VENV)/bin/pip:
	@$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or later is needed, this is " + sys.version.split()[0] if sys.version_info < (3, 11) else 0)'
	@# Debian keeps the standard library's ensurepip in a package of its own.
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || tests/set_up --python
	$(PYTHON) -m venv $(VENV)

$(VENV)/run: pyproject.toml constraints.txt | $(VENV)/bin/pip
	$(PIP) install -q -c constraints.txt -e .
	@touch $@

$(VENV)/test: pyproject.toml constraints.txt | $(VENV)/bin/pip
	@# Where a proxy has no package for this machine, its tests are skipped.
	$(PIP) install -q -c constraints.txt -e '.[test,dev,proxies]' || $(PIP) install -q -c constraints.txt -e '.[test,dev]'
	@touch $(VENV)/run $@

$(VENV)/docs: pyproject.toml constraints.txt | $(VENV)/test
	$(PIP) install -q -c constraints.txt -e '.[docs]'
	@touch $@

$(VENV)/sbom: pyproject.toml constraints.txt | $(VENV)/test
	$(PIP) install -q -c constraints.txt -e '.[sbom]'
	@touch $@
