# `make demo` and `make test` work at once after `git clone`, with only Python 3.11+, pip and make.
# The first Python that is new enough; or name one.
PYTHON ?= $(shell for each in python3 python python3.14 python3.13 python3.12 python3.11; do \
  $$each -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo $$each; break; }; done)
BIN := .venv/bin
# Tests start many processes; each would compile everything anew.
unexport PYTHONDONTWRITEBYTECODE
PLUGINS := $(patsubst %/pyproject.toml,%,$(wildcard plugins/*/pyproject.toml))

.PHONY: demo test lint docs lowest bench flood existence many-users quota-storm format pool-page sync-faces state-machine-page environment test-deps constraints \
  mutants properties srp-agreement storm ministack locust clean

# What is installed already, this sees by itself. Where both are asked for, the operating system's
# part comes first: the LDAP client is compiled with its headers.
environment: | $(filter test-deps,$(MAKECMDGOALS))
	@$(or $(PYTHON),python3) .ci/environment.py

demo: environment
	$(BIN)/authflow demo

# One process for each core; one that has nothing left takes tests from another.
test: environment
	$(BIN)/python -m pytest -n auto --dist worksteal

lint: environment
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache
	$(BIN)/python .ci/public_types.py

# The site of the documentation, in build/docs; without a network, and every warning is an error.
docs: environment
	$(BIN)/python .ci/docs_site.py build/docs

# The suite with each of our own dependencies at its floor, in an environment of its own.
lowest:
	$(or $(PYTHON),python3) .ci/lowest.py
	.venv-lowest/bin/python -m pytest -n auto --dist worksteal

format: environment
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# The parts of docs/pool.md that are made of the pool's tables.
pool-page: environment
	$(BIN)/python .ci/pool_page.py

# The modules of authflow/sync that are made of the asynchronous classes.
sync-faces: environment
	$(BIN)/python .ci/sync_faces.py

# The diagrams of docs/state-machine.md.
state-machine-page: environment
	$(BIN)/python .ci/state_machine_page.py

bench: environment
	$(BIN)/python -m benchmarks.sign_in
	$(BIN)/python -m benchmarks.triggers
	$(BIN)/python -m benchmarks.verify
	$(BIN)/python -m benchmarks.tickets

# A flood of InitiateAuth at ten times what the pool serves, and an honest client beside it.
flood: environment
	$(BIN)/python -m benchmarks.flood

# 1,000 sign-ins at once behind Cognito's quota, paced and not; needs a redis-server.
quota-storm: environment
	$(BIN)/python -m benchmarks.quota_storm

# Whether a clock tells who exists. QUICK=1 for a glance.
existence: environment
	$(BIN)/python -m benchmarks.existence $(if $(QUICK),--quick)

# Whether a pool's memory grows with its users: 10,000 and 20,000 imported, listed, searched, exported.
many-users: environment
	$(BIN)/python -m benchmarks.many_users $(if $(USERS),--users $(USERS))

# Ten times the examples of every property, and every case on every bad plugin: hours. TESTS names some.
properties: environment
	AUTHFLOW_TIMES=$(or $(TIMES),10) AUTHFLOW_ALL_CASES=1 $(BIN)/python -m pytest -n auto --dist worksteal --timeout 0 $(TESTS)

# 10,000 random SRP handshakes, biased to the edges of the encoding, against an independent oracle.
srp-agreement: environment
	AUTHFLOW_HANDSHAKES=10000 $(BIN)/python -m pytest tests/test_srp_agreement.py --timeout 0

# Mutation testing: which tests are missing. MODULES are parts of their paths; SEED names the sample.
mutants: environment
	$(BIN)/python .ci/mutants.py --sample $(or $(SAMPLE),12) --seed $(or $(SEED),1) $(MODULES)

# What some tests need from the operating system. Without it they skip and say so.
# Who publishes Node puts npm into it, Debian does not; and it keeps two parts of its Python apart.
# What a relative of Debian's has under another name, as Ubuntu has Chromium, is left out.
DEBIAN = $(shell cat .ci/debian-packages) $(if $(shell command -v npm),,npm) \
  $(if $(filter /usr/bin/%,$(realpath $(shell command -v $(PYTHON)))),python3-dev python3-venv)
test-deps:
	@if ! command -v apt-get >/dev/null; then \
	  echo "make test-deps knows Debian packages only; install: $(DEBIAN)"; \
	elif [ "$$(dpkg-query -W -f '$${db:Status-Status}\n' $(DEBIAN) 2>/dev/null | grep -cx installed)" != $(words $(DEBIAN)) ]; then \
	  if [ "$$(id -u)" = 0 ]; then SUDO=; else SUDO=sudo; fi; \
	  $$SUDO apt-get update -qq; \
	  known=$$(for each in $(DEBIAN); do ! apt-cache show $$each >/dev/null 2>&1 || echo $$each; done); \
	  $$SUDO env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $$known; \
	fi

# Renew the pins (needs uv). Hashes only: no registry's address is recorded.
constraints:
	printf -- '-e .[starlette,fastapi,pool,sql,redis,httpx,opentelemetry,structlog,keyring,cli,custom-senders]\n$(foreach p,$(PLUGINS),-e ./$(p)\n)' | uv pip compile --quiet --universal \
	  --python-version 3.11 --generate-hashes --no-annotate --no-header --group dev \
	  --no-emit-package cognito-authflow $(foreach p,$(PLUGINS),--no-emit-package authflow-$(notdir $(p))) \
	  - -o constraints.txt
	echo bonsai | uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate --no-header \
	  - -o constraints-ldap.txt

# 100 sign-ins of 100 guesses each, all at once, against every store of limits, through the triggers too.
storm: environment
	AUTHFLOW_GUESSES=10000 $(BIN)/python -m pytest tests/triggers/limits -k "hundred or storm" --timeout 0

# Our client at a server that others wrote, which goes into an environment of its own.
ministack: environment
	$(BIN)/python -m venv .venv-ministack
	$(BIN)/python -m pip --python .venv-ministack/bin/python install --quiet ministack==1.5.33 cryptography
	AUTHFLOW_MINISTACK=.venv-ministack/bin/ministack $(BIN)/python -m pytest tests/interop/test_ministack.py

# The load test of docs/guides/testing.md. Locust patches whatever imports it, so it has an environment of its own.
locust: environment
	$(BIN)/python -m venv .venv-locust
	$(BIN)/python -m pip --python .venv-locust/bin/python install --quiet locust==2.47.0 boto3 -e '.[pool]'
	AUTHFLOW_LOCUST=$(CURDIR)/.venv-locust/bin/locust $(BIN)/python -m pytest tests/docs/test_testing.py -k locust

clean:
	rm -rf .venv .venv-lowest .venv-ministack .venv-locust build dist .mypy_cache .ruff_cache .pytest_cache
