# Two commands for a newcomer: `make demo` and `make test`. All else is for those who work on it.
# Needs Rust, Python 3.10 or newer, a C compiler and make; everything else is installed into .venv, pinned.

PYTHON ?= python3
PREFIX ?= /usr/local
DESTDIR ?=
VENV := .venv
BIN := $(VENV)/bin
CARGO ?= cargo

.PHONY: demo test test-rust test-python test-pythons bench soak lint pictures wheel install develop docs clean

## The main job on the embedded sandbox.
demo: develop
	$(BIN)/python -m isymphony demo

## Every test: Rust, C, C++, Python, the drift of the headers, the stubs and the reference page.
test: test-rust test-python

test-rust:
	$(CARGO) build -p isymphony-c
	$(CARGO) test

test-python: develop
	$(BIN)/python -m pytest tests/python
	$(BIN)/python -m pytest --parallel-threads=4 $(AT_ONCE)

## Each of these tests on many threads at once, on one client.
AT_ONCE := $(addprefix tests/python/test_,actions.py contract.py doctor.py errors.py live.py mapping.py overlay.py \
	pickle.py resources.py sandbox.py values.py watch.py)

## The wheel, and once the source distribution, under every supported Python that is here. PYTESTS says which tests.
PYTESTS ?= actions contract doctor errors live log mapping overlay pickle process resources sandbox watch
test-pythons: wheel
	$(BIN)/maturin sdist --out dist
	sh tests/python/pythons.sh $(PYTESTS)

## Ratios to a peer of the same run; docs/performance.md keeps them.
bench: develop
	$(CARGO) bench -p isymphony -p isymphony-c
	$(BIN)/python benches/python_lookup.py
	$(BIN)/python benches/python_import.py

## Invariants under calls, restarts and faults: SECONDS from SEED. Before that, clients opened and closed, OPENS of them.
SECONDS ?= 600
SEED ?= 1
OPENS ?= 100000
soak:
	ISYM_OPENS=$(OPENS) $(CARGO) test --release -p isymphony --test life -- --nocapture
	ISYM_SOAK_SECONDS=$(SECONDS) ISYM_SOAK_SEED=$(SEED) $(CARGO) test --release -p isymphony --test soak -- --nocapture

lint: $(VENV)/.tools
	$(CARGO) fmt --all --check
	$(CARGO) clippy --workspace --all-targets -- -D warnings
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --no-deps -p isymphony
	$(BIN)/ruff check python tests/python benches docs/*.py docs/images
	$(BIN)/ruff format --check python tests/python benches docs/*.py docs/images

## The pictures of the boards in docs/images, from a run on the embedded server. Needs Chromium.
pictures: develop
	$(BIN)/python docs/images/make.py

## The wheel, in dist/.
wheel: $(VENV)/.tools
	rm -rf dist
	$(BIN)/maturin build --release --out dist

## The module, built into .venv.
develop: $(VENV)/.tools
	$(BIN)/maturin develop --release --quiet

## The documentation, in site/: open site/index.html.
docs: develop $(VENV)/.docs
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet

## Headers, shared and static library, pkg-config files and CMake package.
install:
	$(CARGO) build --release -p isymphony-c
	CARGO="$(CARGO)" PREFIX="$(PREFIX)" DESTDIR="$(DESTDIR)" sh bindings/c/install.sh

$(VENV)/.tools: requirements-dev.txt
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 10) else "Python 3.10 or newer is needed; say which with: make PYTHON=python3.12")'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --requirement requirements-dev.txt
	touch $@

$(VENV)/.docs: docs/requirements.txt $(VENV)/.tools
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --requirement docs/requirements.txt
	touch $@

clean:
	$(CARGO) clean
	rm -rf $(VENV) dist site
