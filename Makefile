# `make` prints the targets. Each installs what it needs and starts the servers that it needs.

PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
DATA_DIR ?= var
# The tests of operations that both executors must pass.
OPERATIONS := tests/execution tests/accounts/test_accounts.py tests/api_keys/test_api_keys.py tests/foundation/test_pagination.py \
	tests/server/test_graphql_http.py tests/server/test_graphql_ws.py tests/server/test_request_bodies.py tests/server/test_websocket_admission.py \
	--ignore-glob='tests/execution/test_compiled*' --ignore=tests/execution/test_executors.py

# 1.5 processes for each core: a third of their time, tests wait for servers.
PROCESSES ?= $(shell echo $$(( ($$(getconf _NPROCESSORS_ONLN) * 3 + 1) / 2 )))
# A file stays in one process, so that its shared fixtures are created once; tests/conftest.py orders the files.
TESTS := $(BIN)/python -m pytest -m "not browser and not chaos" --numprocesses $(PROCESSES) --dist loadfile --no-loadscope-reorder
# Which faults `make chaos` drives.
FAULTS ?= chaos

.DEFAULT_GOAL := help
.PHONY: help install run serve test check lint types schema access messages migration upgrade migrate bench chaos clean browser clients

help: ## print this list
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | grep -v '^help' | awk -F '\t' '{printf "make %-10s %s\n", $$1, $$2}'

$(READY): pyproject.toml constraints.txt
	@test -n "$(PYTHON)" || { echo "Python 3.11 is missing."; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or later is needed; this is $$($(PYTHON) --version)."; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "Installing the pinned Python packages into $(VENV) ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[servers,dev]'
	@touch $@

install: $(READY) ## set up the virtual environment and GraphiQL's files
	@$(BIN)/python -m app.server.graphiql.install $(DATA_DIR)

run: install ## serve with a local S3 and demo data on http://127.0.0.1:8000 (PORT= moves it)
	@$(BIN)/python -m app demo

serve: $(READY) ## serve; settings come from the environment
	@$(BIN)/python -m app serve

test: $(READY) ## run the tests in PROCESSES processes, those of operations also with the reference executor
	@failed=0; \
	$(TESTS) || failed=1; \
	COMPILED_OPERATIONS=off $(TESTS) $(OPERATIONS) || failed=1; \
	exit $$failed

check: lint types clients browser ## lint, types, generated clients, and GraphiQL in a browser
	@$(BIN)/python -m app.server.schema | diff - schema.graphql || { echo "schema.graphql is not what the code prints: make schema"; exit 1; }
	@$(BIN)/python -m tests.support.access_matrix | diff - tests/access.txt || { echo "tests/access.txt is not what runs: make access"; exit 1; }

lint: $(READY) ## ruff: rules and formatting
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(READY) ## mypy, strict
	$(BIN)/mypy

clients: $(READY) ## generate, compile and run the typed clients (needs Node.js 20)
	$(BIN)/python -m tests.clients.check

browser: install ## try GraphiQL in headless Chromium
	$(BIN)/python -m pytest -m browser

schema: $(READY) ## write schema.graphql from the code
	@$(BIN)/python -m app.server.schema > schema.graphql.new && mv schema.graphql.new schema.graphql

access: $(READY) ## write tests/access.txt, the permission matrix, by running every operation
	@$(BIN)/python -m tests.support.access_matrix > tests/access.txt.new && mv tests/access.txt.new tests/access.txt

messages: $(READY) ## write tests/*/messages.txt, the messages for users, by provoking them
	@UPDATE_MESSAGES=1 $(BIN)/python -m pytest -q -k messages_for_users tests

migration: $(READY) ## draft a migration from the models (NAME=add_something)
	@test -n "$(NAME)" || { echo "Say what it does: make migration NAME=add_something"; exit 1; }
	@$(BIN)/python -m app migration $(NAME)

upgrade: ## write constraints.txt: the newest versions that pyproject.toml allows
	@venv=$$(mktemp -d) && trap 'rm -rf "$$venv"' EXIT && $(PYTHON) -m venv "$$venv" && \
	"$$venv/bin/python" -m pip install --quiet --disable-pip-version-check -e '.[servers,dev]' && \
	"$$venv/bin/python" -m pip freeze --exclude-editable > "$$venv/frozen" && LC_ALL=C sort -f "$$venv/frozen" > constraints.txt

migrate: $(READY) ## bring the database (DATABASE_URL) to this version's schema
	@$(BIN)/python -m app migrate

chaos: $(READY) ## kill, freeze and exchange servers under load, and compare what was acknowledged (FAULTS="chaos and critical": the worst)
	$(BIN)/python -m pytest -m "$(FAULTS)" --durations=0 --durations-min=5 tests/chaos

bench: $(READY) ## measure against a hand-written handler; prints tables, writes var/bench.json
	$(BIN)/python -m tests.bench

clean: ## remove the virtual environment, caches and the local data (var/)
	rm -rf $(VENV) var .mypy_cache .ruff_cache .pytest_cache *.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
