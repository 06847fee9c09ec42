"""What is said of a package that is missing, and how a name fares whose package is."""

import json
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from authflow.extras import _DEPENDENCIES, _EXTRAS, EXTRAS, advice

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
IMPORTED_AS = {
    "argon2-cffi": "argon2",
    "aws-encryption-sdk": "aws_encryption_sdk",
    "opentelemetry-api": "opentelemetry",
    "pycryptodome": "Crypto",
    "sqlalchemy[asyncio]": "sqlalchemy",
}


def packages(requirements: list[str]) -> set[str]:
    """Give what requirements are imported as."""
    names = {each.partition(">=")[0] for each in requirements}
    return {IMPORTED_AS.get(name, name) for name in names}


def test_every_package_of_every_extra_is_known_by_its_extra():
    extras = PROJECT["optional-dependencies"]
    wanted = {
        package: extra for extra in extras if extra != "all" for package in packages(extras[extra])
    }
    assert dict(_EXTRAS) == wanted
    assert {extra: {*EXTRAS[extra]} for extra in EXTRAS} == {
        extra: packages(extras[extra]) for extra in extras if extra != "all"
    }
    assert packages(PROJECT["dependencies"]) == _DEPENDENCIES


@pytest.mark.parametrize("package", sorted(_EXTRAS))
def test_the_command_is_quoted_for_zsh(package: str):
    for name in (package, f"{package}.part"):
        said = advice(ModuleNotFoundError(f"No module named {name!r}", name=name))
        assert (
            said == f"{name} is missing: run `pip install 'cognito-authflow[{_EXTRAS[package]}]'`"
        )


def test_a_package_that_is_there_and_broken_is_not_called_missing():
    error = ImportError("libldap.so.2:\ncannot \x1b[2J open", name="bonsai._bonsai")
    said = advice(error, extra="ldap")
    assert "missing" not in said
    assert "libldap.so.2: cannot" in said
    assert said.isprintable()
    assert "'cognito-authflow[ldap]'" in said


def test_a_package_that_nobody_knows_is_named_and_nothing_is_guessed():
    assert (
        advice(ModuleNotFoundError("No module named 'zebra'", name="zebra")) == "zebra is missing"
    )
    assert "pip install cognito-authflow`" in advice(ModuleNotFoundError(name="botocore"))


PROGRAM = """
import importlib, inspect, json, pydoc, sys

HIDDEN = {hidden!r}

class Hidden:
    def find_spec(self, name, path=None, target=None):
        match HIDDEN.get(name.partition(".")[0]):
            case "missing":
                raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
            case "broken":
                raise ImportError("canary: a library is gone", name=name)
            case "odd":
                raise RuntimeError("canary: a wrong version")

sys.meta_path.insert(0, Hidden())
found = []

def tried(way, name, do):
    try:
        do()
    except Exception as error:
        causes = []
        while error is not None:
            causes.append(([kind.__name__ for kind in type(error).__mro__], str(error)))
            error = error.__cause__
        found.append((way, name, causes))
    else:
        raise SystemExit(f"{{name}} is there by {{way}}")

for package in {packages!r}:
    module = importlib.import_module(package)
    missing = [name for name in module.__all__ if not hasattr(module, name)]
    for name in missing:
        assert name in dir(module)
        assert getattr(module, name, None) is None
        tried("getattr", name, lambda: getattr(module, name))
        tried("from", name, lambda: exec(f"from {{package}} import {{name}}", {{}}))
        tried("as", name, lambda: exec(f"from {{package}} import {{name}} as x", {{}}))
        tried("__import__", name, lambda: __import__(package, fromlist=[name]))
    listed = {{name for name, _ in inspect.getmembers(module)}}
    assert set(module.__all__) - listed == set(missing)
    assert package in pydoc.plain(pydoc.render_doc(module))
    tried("star", missing[0], lambda: exec(f"from {{package}} import *", {{}}))
print(json.dumps(found))
"""
Found = list[tuple[str, str, list[tuple[list[str], str]]]]


def looked_up(packages: list[str], hidden: dict[str, str]) -> Found:
    """Look every public name up in every way, in a process where some packages are hidden."""
    program = PROGRAM.format(hidden=hidden, packages=packages)
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    found: Found = json.loads(done.stdout)
    return found


@pytest.mark.parametrize(
    ("packages", "hidden", "names"),
    [
        (
            ["authflow.triggers", "authflow.stores"],
            ["redis", "sqlalchemy"],
            {"RedisStore": "redis", "SqlDirectory": "sql"},
        ),
        (["authflow.testing"], ["starlette"], {"RunningPool": "pool", "run_pool": "pool"}),
    ],
)
def test_a_name_whose_extra_is_missing_is_absent_in_every_way_and_says_what_to_run(
    packages: list[str], hidden: list[str], names: dict[str, str]
):
    found = looked_up(packages, dict.fromkeys(hidden, "missing"))
    assert {way for way, *_ in found} == {"getattr", "from", "as", "__import__", "star"}
    assert names.keys() <= {name for _, name, _ in found}
    for way, name, causes in found:
        (kinds, text), (own_kinds, own_text) = causes
        assert ("AttributeError" in kinds) is (way == "getattr"), (way, name)
        assert ("ImportError" in kinds) is (way != "getattr"), (way, name)
        assert "ConfigError" in kinds
        assert f"{name} is not available" in text
        assert f"run `pip install 'cognito-authflow[{names.get(name, 'pool')}]'`" in text
        assert own_kinds[0] == "ModuleNotFoundError"
        assert own_text.startswith("No module named")


def test_a_broken_dependency_keeps_its_own_error_as_the_cause():
    found = looked_up(["authflow.triggers"], {"redis": "broken", "argon2": "odd"})
    own = {"RedisStore": "ImportError", "SqlDirectory": "RuntimeError"}
    assert own.keys() == {name for _, name, _ in found}
    for _, name, causes in found:
        (kinds, text), (own_kinds, own_text) = causes
        assert {"AttributeError", "ImportError"} & {*kinds}
        assert "missing" not in text
        assert "canary" in text
        assert own_kinds[0] == own[name]
        assert own_text.startswith("canary")


ASKED = {
    "import authflow.pool": "pool",
    "from authflow.pool import PoolServer": "pool",
    "import authflow.pool.server": "pool",
    "from authflow.testing import run_pool": "pool",
    "from authflow.stores import RedisStore": "redis",
    "from authflow.cli import main; sys.exit(main(['serve']))": "pool",
    "from authflow.cli import main; sys.exit(main(['demo']))": "all",
    "from authflow.cli import main; sys.exit(main(['plugins', 'check', 'otp']))": "pool",
}
WITHOUT = """
import sys
for name in {hidden!r}:
    sys.modules[name] = None
for program in {programs!r}:
    try:
        exec(program)
    except ImportError as error:
        print(error)
    except SystemExit as end:
        print(end.code, flush=True)
"""


def test_packages_and_commands_that_need_an_extra_say_so_without_a_traceback():
    program = WITHOUT.format(hidden=[*_EXTRAS], programs=[*ASKED])
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    # A command tells its error itself, and gives its code.
    told, commands = iter(done.stdout.splitlines()), iter(done.stderr.splitlines())
    for asked, extra in ASKED.items():
        line = next(told)
        if "main(" in asked:
            assert line == "2", asked
            line = next(commands)
        assert f"is missing: run `pip install 'cognito-authflow[{extra}]'`" in line, asked
    assert [*commands] == []


DIRECT = {
    "authflow.integrations.starlette": ("starlette", "cognito-authflow[starlette]"),
    "authflow.integrations.fastapi": ("fastapi", "cognito-authflow[fastapi]"),
    "authflow.stores.redis": ("redis", "cognito-authflow[redis]"),
    "authflow.stores.keyring": ("filelock", "cognito-authflow[keyring]"),
    "authflow.triggers.directories.ldap_worker": ("bonsai", "cognito-authflow[ldap]"),
    "authflow.triggers.directories.password_hashes": ("bcrypt", "cognito-authflow[sql]"),
    "authflow.triggers.directories.sql_directory": ("sqlalchemy", "cognito-authflow[sql]"),
    "authflow.pool": ("starlette", "cognito-authflow[pool]"),
    "authflow.pool.server": ("uvicorn", "cognito-authflow[pool]"),
    "authflow.testing.running_pool": ("starlette", "cognito-authflow[pool]"),
    "authflow.keys.sealing": ("cryptography", "pip install cryptography"),
}
"""Modules that need a package, by their names: the package, and what is said to bring it."""
FROM = {
    "run_pool": "authflow.testing",
    "ClientChallengeSuite": "authflow.testing",
    "RunningPool": "authflow.testing",
    "PoolServer": "authflow.pool",
    "SqlDirectory": "authflow.triggers",
    "RedisStore": "authflow.stores",
    "KeyringStore": "authflow.stores",
}
BROKEN = """
import importlib, json, sys

class Hidden:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in hidden:
            raise error(name)

def missing(name):
    return ModuleNotFoundError(f"No module named {{name!r}}", name=name)

def broken(name):  # as a library that cannot be loaded says it: without a name
    return ImportError("canary: a library is gone")

def tried(what, packages, do):
    global hidden
    hidden = packages
    for name in [*sys.modules]:
        if name.partition(".")[0] in packages or name.startswith(AGAIN):
            loaded = sys.modules.pop(name)
            if not name.startswith("authflow"):
                aside[name] = loaded
    try:
        do()
    except ImportError as caught:
        kinds = [kind.__name__ for kind in type(caught).__mro__]
        print(json.dumps([error.__name__, what, kinds, str(caught)]))
    hidden = set()
    sys.modules.update(aside)  # some can be loaded only once
    aside.clear()

hidden, aside = set(), {{}}
ROOMS = ("integrations", "pool", "stores", "testing", "triggers", "keys.seal")
AGAIN = tuple(f"authflow.{{room}}" for room in ROOMS)
sys.meta_path.insert(0, Hidden())
for error in (missing, broken):
    for module, package in {direct!r}.items():
        tried(module, {{package}}, lambda: importlib.import_module(module))
    for name, package in {lazy!r}.items():
        statement = f"from {{package}} import {{name}}"
        gone = {{"starlette", "sqlalchemy", "redis", "keyring"}}
        tried(name, gone, lambda: exec(statement, {{}}))
"""


def test_a_module_that_is_imported_itself_is_an_import_error_and_keeps_its_advice():
    direct = {module: package for module, (package, _) in DIRECT.items()}
    program = BROKEN.format(direct=direct, lazy=FROM)
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    found = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(found) == 2 * (len(DIRECT) + len(FROM))
    for how, what, kinds, text in found:
        assert {"ImportError", "ConfigError"} <= {*kinds}, (how, what)
        if what in DIRECT:
            assert DIRECT[what][1] in text, (how, what, text)
        else:
            assert "run `pip install 'cognito-authflow[" in text, (what, text)
        if how == "broken" and what != "authflow.keys.sealing":
            assert "canary" in text
            assert "is missing" not in text


def test_what_is_installed_with_authflow_itself_is_of_no_extra():
    said = advice(ModuleNotFoundError("No module named 'anyio'", name="anyio"), extra="pool")
    assert said == "anyio is missing: run `pip install cognito-authflow`"
