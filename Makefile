# Each target makes what it needs: the first run fills .venv from the lock files, later runs only look at two stamps.

BIN := .venv/bin

.PHONY: demo tour test check bench clauses mutations papers format lock clean

demo: .venv/run.stamp
	$(BIN)/bancheng demo

tour: .venv/run.stamp
	$(BIN)/bancheng demo --tour-only

test: .venv/test.stamp browser
	$(BIN)/python -m pytest -n logical

check: .venv/test.stamp
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/mypy
	$(BIN)/python -m pytest -q tests/test_layers.py

bench: .venv/test.stamp
	$(BIN)/python -m bench

clauses: .venv/test.stamp browser
	$(BIN)/python -m pytest -n logical -q --clauses

mutations: .venv/test.stamp
	$(BIN)/python -m tests.mutations

papers: .venv/test.stamp
	$(BIN)/python -m tests.papers.examples

format: .venv/test.stamp
	$(BIN)/ruff format
	$(BIN)/ruff check --fix

clean:
	rm -rf .venv build *.egg-info .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -prune -exec rm -rf {} +

# --- what the targets stand on ---------------------------------------------------------------------------

INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check

.venv/bin/python:
	@python=$$(for p in $(PYTHON) python3 python3.13 python3.12 python3.11; do \
	    $$p -c 'import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; \
	done); \
	test -n "$$python" || { \
	    echo "Python 3.11 or newer, with its venv module, is needed (Debian: apt-get install python3-venv)." >&2; \
	    exit 1; \
	}; \
	"$$python" -m venv .venv

# The project itself is built by the locked setuptools, so that nothing unlocked is ever fetched.
.venv/run.stamp: requirements.lock pyproject.toml | .venv/bin/python
	$(INSTALL) --require-hashes -r requirements.lock
	$(INSTALL) --no-deps --no-build-isolation -e .
	@touch $@

.venv/test.stamp: requirements-test.lock .venv/run.stamp
	$(INSTALL) --require-hashes -r requirements-test.lock
	@touch $@

# The pages and cards are tested as a person sees them: in a browser, with Chinese letters.
.PHONY: browser
browser:
	@seen() { command -v chromium >/dev/null && test -n "$$(fc-list :lang=zh 2>/dev/null)"; }; \
	if ! seen && test "$$(id -u)" = 0 && command -v apt-get >/dev/null; then \
	    export DEBIAN_FRONTEND=noninteractive; \
	    apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium fontconfig fonts-noto-cjk; \
	fi; \
	seen || { \
	    echo "The tests need chromium and a Chinese font" \
	         "(Debian: apt-get install chromium fontconfig fonts-noto-cjk)." >&2; \
	    exit 1; \
	}

# For whoever changes a dependency: one resolution for every platform and Python, with hashes, without addresses.
UV := .venv-lock/bin/uv
COMPILE := $(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes \
    --no-emit-index-url --no-annotate --no-header pyproject.toml --group build --extra embedded

lock: $(UV)
	$(COMPILE) -o requirements.lock
	$(COMPILE) -c requirements.lock --extra test --extra bench -o requirements-test.lock

$(UV): .venv/bin/python
	$(BIN)/python -m venv .venv-lock
	.venv-lock/bin/python -m pip install --quiet uv
