# `make demo` and `make test` work at once after `git clone`, with only Python 3.11+, pip and make.
PYTHON ?= python3
BIN := .venv/bin
PLUGINS := $(patsubst %/pyproject.toml,%,$(wildcard plugins/*/pyproject.toml))
UV := $(shell command -v uv 2>/dev/null)
OURS := -e . $(addprefix -e ,$(PLUGINS))
# The LDAP client is compiled; without OpenLDAP's headers its tests skip.
LDAP := $(wildcard /usr/include/ldap.h)

.PHONY: demo test lint bench format test-deps constraints srp-agreement storm clean

# The environment: everything at the versions and hashes of constraints.txt, then our own
# distributions, editable. The stamp makes the second time a no-op.
.venv/.installed: pyproject.toml constraints.txt constraints-ldap.txt $(LDAP) $(addsuffix /pyproject.toml,$(PLUGINS))
ifneq ($(UV),)
	test -x $(BIN)/python || $(UV) venv --quiet --python $(PYTHON) .venv
	$(UV) pip install --quiet --python $(BIN)/python --require-hashes -r constraints.txt
	$(if $(LDAP),$(UV) pip install --quiet --python $(BIN)/python --require-hashes -r constraints-ldap.txt || echo "The LDAP client cannot be compiled here; its tests skip.")
	$(UV) pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation $(OURS)
else
	test -x $(BIN)/pip || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r constraints.txt
	$(if $(LDAP),$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r constraints-ldap.txt || echo "The LDAP client cannot be compiled here; its tests skip.")
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation $(OURS)
endif
	touch $@

demo: .venv/.installed
	$(BIN)/authflow demo

# One process for each core; one that has nothing left takes tests from another.
test: .venv/.installed
	$(BIN)/python -m pytest -n auto --dist worksteal

lint: .venv/.installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

format: .venv/.installed
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: .venv/.installed
	$(BIN)/python -m benchmarks.sign_in
	$(BIN)/python -m benchmarks.triggers

# 10,000 random SRP handshakes, biased to the edges of the encoding, against an independent oracle.
srp-agreement: .venv/.installed
	AUTHFLOW_HANDSHAKES=10000 $(BIN)/python -m pytest tests/test_srp_agreement.py --timeout 0

# What some tests need from the operating system. Without it they skip and say so.
test-deps:
	@if command -v apt-get >/dev/null; then \
	  if [ "$$(id -u)" = 0 ]; then SUDO=; else SUDO=sudo; fi; \
	  dpkg -s $$(cat .ci/debian-packages) >/dev/null 2>&1 || \
	  { $$SUDO apt-get update -qq && DEBIAN_FRONTEND=noninteractive $$SUDO apt-get install -y -qq --no-install-recommends $$(cat .ci/debian-packages); }; \
	else echo "make test-deps knows Debian packages only; install: $$(cat .ci/debian-packages)"; fi

# Renew the pins (needs uv). Hashes only: no registry's address is recorded.
constraints:
	printf -- '-e .[pool,sql,redis,cli]\n$(foreach p,$(PLUGINS),-e ./$(p)\n)' | uv pip compile --quiet --universal \
	  --python-version 3.11 --generate-hashes --no-annotate --no-header --group dev \
	  --no-emit-package cognito-authflow $(foreach p,$(PLUGINS),--no-emit-package authflow-$(notdir $(p))) \
	  - -o constraints.txt
	echo bonsai | uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate --no-header \
	  - -o constraints-ldap.txt

# 100 sign-ins of 100 guesses each, all at once, against every store of limits, through the triggers too.
storm: .venv/.installed
	AUTHFLOW_GUESSES=10000 $(BIN)/python -m pytest tests/triggers/limits -k "hundred or storm" --timeout 0

clean:
	rm -rf .venv build dist .mypy_cache .ruff_cache .pytest_cache
