# make run        opens a hall on this machine; HOST=0.0.0.0 for the whole network, PORT=…, PUBLIC_URL=… for QR codes
# make hall       makes a hall of your own, for use without the demo
# make test       everything that CI runs
# make requirements   compiles the pinned, hashed requirements from pyproject.toml
.POSIX:

PYTHON = python3
BIN = .venv/bin
UV = $(BIN)/uv
# What the first process compiled the next six need not, whatever the environment says: a second each.
CACHED = PYTHONDONTWRITEBYTECODE=
# Suites that start whole stacks: one after another, after the rest, which shares the processors.
STACKS = tests/run tests/kill tests/browser
# Whole days, thousands of rounds, waits for time limits to pass: minutes.
LONG = tests/long
SHARED = -n logical --maxprocesses 4 --dist loadfile

run: .venv/.runtime
	@HOST="$(HOST)" PORT="$(PORT)" PUBLIC_URL="$(PUBLIC_URL)" $(CACHED) exec $(BIN)/python manage.py run

hall: .venv/.runtime
	@$(BIN)/python manage.py new_hall

test: .venv/.development
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache
	find templates -name '*.html' -exec $(BIN)/djade --check --target-version 5.2 {} +
	$(BIN)/python -m tests.chromium
	$(CACHED) $(BIN)/pytest $(SHARED) --ignore tests/run --ignore tests/kill --ignore tests/browser --ignore $(LONG)
	$(CACHED) $(BIN)/pytest $(SHARED) $(LONG)
	$(CACHED) $(BIN)/pytest $(STACKS)

requirements: .venv/.uv
	$(UV) pip compile -q --universal --generate-hashes --no-emit-index-url --no-header --no-annotate pyproject.toml -o requirements.txt
	$(UV) pip compile -q --universal --generate-hashes --no-emit-index-url --no-header --no-annotate --extra dev -c requirements.txt pyproject.toml -o requirements-dev.txt

.venv/.runtime: requirements.txt .venv/.uv
	@echo "Installing Hall's packages into .venv (once)"
	@rm -f .venv/.development
	@$(UV) pip sync -q --python $(BIN)/python --require-hashes requirements.txt
	@touch $@

.venv/.development: requirements-dev.txt requirements.txt .venv/.uv
	$(UV) pip sync -q --python $(BIN)/python --require-hashes requirements-dev.txt
	touch .venv/.runtime $@

.venv/.uv: requirements-uv.txt
	@$(PYTHON) -c 'import sys; sys.exit("Hall needs Python 3.11 or newer; make PYTHON=python3.x names another one." if sys.version_info < (3, 11) else 0)'
	@$(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes --no-deps -r requirements-uv.txt
	@touch $@

.PHONY: run hall test requirements
