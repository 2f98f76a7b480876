# What a newcomer can do here; `make` lists it. Every target does its own set-up in .venv.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
REFERENCE := .venv-reference
# The version the package claims to replace, and is measured against.
REFERENCE_CLIENT := ftrack-python-api==3.1.0
export FTRACK_RS_ALLOW_DEBUG := 1

.DEFAULT_GOAL := help
.PHONY: help demo examples test test-rust test-python sanitize lint bench soak faults fuzz wheel clean

help: ## Show this list
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: $(VENV)/.release ## Publish a sequence and a movie to an embedded server, and read them back
	$(BIN)/ftrack-rs demo

examples: $(VENV)/.release ## Run each of the examples against an embedded server of its own
	set -e; for example in examples/*.py; do echo; echo "$$example"; $(BIN)/python $$example; done

test: test-rust test-python ## Run all tests: Rust, then Python against the built extension

test-rust: ## Run the Rust tests
	cargo test --workspace --locked

test-python: $(VENV)/.debug $(REFERENCE)/.installed ## Build the extension and run the Python tests
	$(BIN)/python -m mypy.stubtest ftrack_rs._core
	$(BIN)/python -m pytest --numprocesses auto --dist loadfile

# The sanitizer comes with the compiler, which wants to be told that its option may change one day.
sanitize: ## Run the tests of the only crate with unsafe code under AddressSanitizer
	RUSTC_BOOTSTRAP=1 RUSTFLAGS=-Zsanitizer=address cargo test --package ftrack-md5 --test it --locked \
		--target $(shell rustc -vV | sed -n 's/^host: //p') --target-dir target/sanitize

lint: $(VENV)/.tools ## Check formats, lints and types of both languages
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --locked -- -D warnings
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/mypy

bench: $(VENV)/.release $(REFERENCE)/.installed ## Measure against the official client, in one run
	$(BIN)/python benches/compare.py --reference $(REFERENCE)/bin/python
	$(BIN)/python benches/client_speed.py --reference $(REFERENCE)/bin/python
	$(BIN)/python benches/publish.py --reference $(REFERENCE)/bin/python
	$(BIN)/python benches/sandbox.py
	$(BIN)/python benches/events.py --reference $(REFERENCE)/bin/python
	cargo bench --package ftrack-sandbox --bench events
	$(BIN)/python benches/transfers.py --reference $(REFERENCE)/bin/python

soak: $(VENV)/.release ## Send events for ten minutes; memory and delays have to stay flat
	$(BIN)/python benches/event_soak.py

faults: $(VENV)/.debug $(REFERENCE)/.installed ## Run the fault matrix with both clients, and write docs/fault-matrix.md
	PYTHONPATH=tests $(BIN)/python -W ignore -m fault_matrix --reference $(REFERENCE)/bin/python

# More memory than the parsers ever need, and less than an endless one would take.
fuzz: ## Send a million hostile texts to each parser
	cargo test --package ftrack-protocol --package ftrack-sandbox --release --locked --test it --no-run
	ulimit -v 4000000 && PROPTEST_CASES=$${PROPTEST_CASES:-1000000} cargo test --package ftrack-protocol --package ftrack-sandbox --release --locked --test it fuzz

wheel: $(VENV)/.tools ## Build the abi3 wheel into dist/
	$(BIN)/maturin build --release --locked --out dist

clean: ## Remove everything that was built
	rm -rf target dist $(VENV) $(REFERENCE) .mypy_cache .ruff_cache .pytest_cache
	find python -name '*.so' -delete

$(VENV)/.tools: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --upgrade pip
	$(BIN)/pip install --quiet 'maturin>=1.9.4,<2' 'arrow>=0.17' 'distributed>=2023' imageio-ffmpeg hypothesis 'pytest>=8' pytest-timeout pytest-xdist mypy ruff types-python-dateutil
	@touch $@

SOURCES := $(shell find src -name '*.rs' -o -name '*.toml' -o -path '*/schema/*' -type f) Cargo.toml Cargo.lock

# One extension file serves both builds: building one makes the other stale.
$(VENV)/.debug: $(VENV)/.tools $(SOURCES)
	VIRTUAL_ENV=$(CURDIR)/$(VENV) $(BIN)/maturin develop --quiet --locked
	@touch $@; rm -f $(VENV)/.release

$(VENV)/.release: $(VENV)/.tools $(SOURCES)
	VIRTUAL_ENV=$(CURDIR)/$(VENV) $(BIN)/maturin develop --quiet --locked --release
	@touch $@; rm -f $(VENV)/.debug

# The official client is the judge of the embedded server; where it cannot be installed its tests say so and are skipped.
$(REFERENCE)/.installed:
	$(PYTHON) -m venv $(REFERENCE)
	-$(REFERENCE)/bin/pip install --quiet '$(REFERENCE_CLIENT)'
	@touch $@
