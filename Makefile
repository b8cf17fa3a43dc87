# Everything the project does, by name: `make help`.
#
# A target sets up what it needs; running it twice is safe. Paths are relative to this folder, and
# programs run as modules of .venv's Python, so a folder with a space in its name works too.

.DEFAULT_GOAL := course
.DELETE_ON_ERROR:
SHELL := /bin/sh

PYTHON ?= python3
PY := .venv/bin/python
STAMP := .venv/.installed
PORT ?= 8000

# Enough of a Python to say, in preflight.py, what else is missing.
USABLE = { $(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 6))' 2>/dev/null || { \
	echo "error: Python 3.11 to 3.13 is needed, and there is none called $(PYTHON); install one," \
	  "or name one with make PYTHON=..." >&2; exit 2; }; }

.PHONY: course
course: preflight release book ## Environment, release, book and an assignment graded for a demo class (default)
	$(PY) book/tools/demo_class.py

# What can't work here is said first, by the environment's Python or by the one that will make it.
.PHONY: preflight
preflight:
	@if [ -e $(STAMP) ]; then $(PY) book/tools/preflight.py --course; \
	else $(USABLE) && $(PYTHON) book/tools/preflight.py --course; fi

# One after the other, whatever -j says: the book links the released notebooks.
.NOTPARALLEL:

.PHONY: env
env: $(STAMP) ## The environment in .venv, as requirements.txt pins it

$(STAMP): requirements.txt pyproject.toml
	@$(USABLE) && $(PYTHON) book/tools/preflight.py
	@echo "env: setting up .venv; the first time takes a few minutes"
	@rm -f $(STAMP)
	$(PYTHON) -m venv .venv
	$(PY) -m pip install --disable-pip-version-check -r requirements.txt
	$(PY) -m pip install --disable-pip-version-check --no-deps -e .
	@touch $(STAMP)

.PHONY: release
release: env ## The students' notebooks, from solutions/
	$(PY) -m autograder release

.PHONY: book
book: env ## The book as HTML in _build/html
	$(PY) book/tools/build.py

.PHONY: grade
grade: release ## A demo class of twenty: every assignment graded, with feedback and grades.csv
	$(PY) -m autograder demo
	$(PY) -m autograder grade
	$(PY) -m autograder feedback
	$(PY) -m autograder export

.PHONY: lint
lint: env ## ruff and mypy
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m mypy

# Three workers share two cores, since sandboxes and browsers are often waited for; each gets one
# thread. Whoever has more cores may say so.
.PHONY: test
test: lint ## Everything that must hold
	$(PY) book/tools/pairs.py --check
	$(PY) -m autograder mutants
	$(PY) -m tests.portable --short
	OMP_NUM_THREADS=$${OMP_NUM_THREADS:-1} $(PY) -m pytest -n $${PYTEST_WORKERS:-3} --dist loadfile --no-loadscope-reorder \
	  --durations=10 $(MEASURE)

.PHONY: claims-mutants
claims-mutants: env ## Each claim of the book broken by little: its test must fail
	OMP_NUM_THREADS=$${OMP_NUM_THREADS:-1} $(PY) -m tests.claims.mutation

# Most of the grader runs in processes of its own, and measuring them all takes half as long again.
.PHONY: coverage
coverage: MEASURE := --cov --cov-report=term:skip-covered
coverage: test ## The same, with how much of the code the tests reach; CI runs this
	$(PY) -m coverage report --include='src/replearn/*' --format=total --fail-under=95

.PHONY: bench
bench: env ## Speed beside the peers', each in its own process
	$(PY) -m tests.benchmarks

.PHONY: portable
portable: env ## The numerical tests, and the chapters' outputs, as other processors round
	$(PY) -m tests.portable
	$(PY) -m tests.portable --chapters

.PHONY: experiments
experiments: env ## Published figures trained anew, hours; or one: make experiments NAME=codes-deep
	$(PY) -m book.experiments $(NAME)

.PHONY: load
load: env ## Load tests of the grader: it is killed, a class of 200, many seeds; half an hour
	OMP_NUM_THREADS=$${OMP_NUM_THREADS:-1} $(PY) -m tests.load

.PHONY: pairs
pairs: env ## Make lectures/*.ipynb anew from lectures/*.md; or one: make pairs NAME=08_contractive
	$(PY) book/tools/pairs.py --sync $(NAME)

.PHONY: serve
serve: book ## Show the book on this machine: make serve PORT=8000
	@echo "book: http://127.0.0.1:$(PORT)/ (Ctrl-C ends it)"
	$(PY) -m http.server $(PORT) --bind 127.0.0.1 --directory _build/html

.PHONY: lock
lock: env ## Write requirements.txt from what is installed in .venv
	$(PY) book/tools/lock.py

.PHONY: clean
clean: ## Remove everything generated except .venv
	rm -rf _build .pytest_cache .mypy_cache .ruff_cache .hypothesis .coverage .coverage.*

.PHONY: help
help: ## This list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1|\2/p' Makefile | \
	  while IFS='|' read -r name text; do printf '  make %-15s %s\n' "$$name" "$$text"; done
