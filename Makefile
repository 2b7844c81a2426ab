# The short names of what one does here; CMakeLists.txt and the scripts do the work.
SHELL := /bin/bash
PRESET ?= release
PREFIX ?= /usr/local
P ?= What is the capital of Italy?
SECONDS ?= 60
PYTHON ?= /usr/bin/python3
# Another clone of the same sources finds what was compiled here.
export CCACHE_BASEDIR := $(CURDIR)
export CCACHE_NOHASHDIR := true
export NINJA_STATUS := [%f/%t, %es]$(subst ,, )
HEARTH = build/$(PRESET)/bin/hearth

.DEFAULT_GOAL := help
.PHONY: help dependencies configure build run test lint format fuzz bench install clean

help:  ## this list
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

dependencies:
	@packaging/install_dependencies.sh

configure: dependencies
	@cmake --preset $(PRESET) --log-level=WARNING >/dev/null

build: configure  ## build the program: build/release/bin/hearth (PRESET=portable, debug, asan, ...)
	@cmake --build --preset $(PRESET) --target hearth

run: build  ## build, then answer a prompt with the bundled model (P="...")
	@$(HEARTH) run "$$PROMPT"
run: export PROMPT = $(P)

test: dependencies  ## build and run every test: release, asan, tsan; ends with "N passed, N failed"
	@$(PYTHON) tests/run.py $(TEST_OPTIONS)

lint: configure  ## rules of the house, clang-format, clang-tidy (LINT_OPTIONS=--no-clang-tidy leaves that out)
	@$(PYTHON) tests/lint.py $(LINT_OPTIONS)

format: dependencies  ## apply clang-format to the whole tree
	@$(PYTHON) tests/lint.py --apply-format

fuzz: dependencies  ## run each fuzz target (SECONDS=60 each)
	@fuzz/run.sh $(SECONDS)

bench: build  ## hearth beside llama-server: the programs of bench/ that take under ten minutes
	@packaging/install_dependencies.sh debian-packages.txt debian-packages-bench.txt
	@bench/run.sh

install: build  ## install program, licences, systemd unit, completion (PREFIX=/usr/local, DESTDIR=)
	@DESTDIR="$(DESTDIR)" cmake --install build/$(PRESET) --prefix "$(PREFIX)" --strip

clean:  ## remove the builds, but not llama.cpp's
	@find build -mindepth 1 -maxdepth 1 ! -name deps -exec rm -rf {} + 2>/dev/null || true
