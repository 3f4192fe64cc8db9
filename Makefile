# Two commands do everything, set-up included: `make run` and `make test`.
PYTHON ?= python3
BIN := .venv/bin
# So that editors and mypy find the packages from anywhere: by default an editable install is a hook, which only Python follows.
EDITABLE := --config-settings editable_mode=compat

.PHONY: run test test-thorough browser test-slow bench peers bridge docs wheel clean

run: .venv/run  ## train, probe and judge the Mess3 experiment
	$(BIN)/toylab run mess3

# Two workers with one BLAS thread each: the matrices are small, and threads that wait for each other cost more than they give.
# A file stays with one worker, so that what its tests share is made once. Types are checked meanwhile, for alone they keep
# one core idle, and told at the end.
test: .venv/dev  ## lint, types, tests
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	@echo "$(BIN)/mypy, and beside it the tests"; said=$$(mktemp); $(BIN)/mypy > $$said 2>&1 & types=$$!; \
	OPENBLAS_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder; tests=$$?; \
	wait $$types; types=$$?; echo mypy:; cat $$said; rm $$said; exit $$((tests || types))

test-thorough: .venv/dev  ## the tests of a second and more: networks trained, evidence planted many times, tutorials run
	OPENBLAS_NUM_THREADS=1 $(BIN)/python -m pytest -m "thorough and not slow" -n 2 --dist loadfile --no-loadscope-reorder

# In the system's Chromium, without a window. Skipped, with the reason, where there is none; with REQUIRE_BROWSER=1 that fails.
browser: .venv/dev  ## pages of `toylab report`, opened and used
	OPENBLAS_NUM_THREADS=1 $(BIN)/python -m pytest -m browser -rs tests/browser

# What is long by nature, in processes and machines of several kinds: before a release, and where its rooms have changed.
test-slow: .venv/dev  ## the tests that `make test` leaves out; kept in docs/slow_tests.jsonl
	$(BIN)/python -m benchmarks.slow_tests

bench: .venv/dev  ## speed and quality beside ceilings and peers, as one table; kept in docs/benchmarks.jsonl if no file is changed
	$(BIN)/python -m benchmarks.targets

docs: .venv/dev .venv/docs  ## these pages, notebooks executed, and the reference, in docs/_build/html; a warning is an error
	$(BIN)/python -m sphinx -W -q -E -j auto -b html docs docs/_build/html

# PyTorch and TransformerLens have an environment of their own: what they pin is not what toylab pins.
peers: .venv-peers/done  ## what `make bench` compares with

.venv/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "toylab needs Python >= 3.11, but $(PYTHON) is " + sys.version.split()[0] + "; try make PYTHON=python3.12")'
	$(PYTHON) -m venv .venv
	touch $@

.venv-peers/done: benchmarks/peers-constraints.txt
	$(PYTHON) -m venv .venv-peers
	.venv-peers/bin/python -m pip install --quiet --disable-pip-version-check -c $< torch transformer-lens concept-erasure
	touch $@

# The second generation of TransformerLens, which pins other things again.
bridge: .venv-bridge/done  ## what `python -m benchmarks.exchange` compares with, beside the peers

.venv-bridge/done:
	$(PYTHON) -m venv .venv-bridge
	.venv-bridge/bin/python -m pip install --quiet --disable-pip-version-check torch 'transformer-lens>=4.3'
	touch $@

.venv/run: .venv/python pyproject.toml constraints.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt $(EDITABLE) -e .
	touch $@

.venv/dev: .venv/python pyproject.toml constraints.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt $(EDITABLE) -e '.[dev]'
	touch $@ .venv/run

.venv/docs: .venv/python pyproject.toml constraints.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt $(EDITABLE) -e '.[docs]'
	touch $@ .venv/run

# With WHOLE=--whole the commands of the README are left as they are, which takes a quarter of an hour.
wheel: .venv/dev  ## sdist and wheel, installed by pip alone in empty environments; the commands of the README run there
	$(BIN)/python -m benchmarks.installed $(WHOLE)

clean:
	rm -rf .venv .venv-peers .venv-bridge build *.egg-info
