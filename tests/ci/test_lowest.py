"""What `make lowest` installs."""

import importlib.util
import re
import tomllib
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[2]
PROJECTS = [ROOT / "pyproject.toml", *sorted(ROOT.glob("plugins/*/pyproject.toml"))]
EXTRAS = (
    *("starlette", "fastapi", "pool", "sql", "redis", "httpx"),
    *("opentelemetry", "structlog", "keyring", "cli"),
    *("custom-senders", "ldap"),
)


@pytest.fixture
def program(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(ROOT / ".ci")
    spec = importlib.util.spec_from_file_location("lowest", ROOT / ".ci" / "lowest.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def requirements() -> list[str]:
    """All that our distributions need."""
    found = []
    for path in PROJECTS:
        project = tomllib.loads(path.read_text())["project"]
        optional = project.get("optional-dependencies", {})
        found += project["dependencies"]
        found += [each for extra, some in optional.items() if extra != "all" for each in some]
    return found


def test_every_dependency_of_ours_has_one_floor(program: ModuleType):
    named = {re.split(r"[^a-z0-9-]", each, maxsplit=1)[0] for each in requirements()}
    floors = program.floors(ROOT, EXTRAS)
    assert set(floors) == named - {"cognito-authflow", "botocore"}
    assert all(re.fullmatch(r"\d+(\.\d+)*", floor) for floor in floors.values())


@pytest.mark.parametrize(
    ("first", "second"), [("attrs", "attrs>=23.1"), ("attrs>=23.1", "attrs>=24.1")]
)
def test_a_dependency_without_a_floor_or_with_two_is_an_error(
    program: ModuleType, tmp_path: Path, first: str, second: str
):
    for folder, requirement in ((tmp_path, first), (tmp_path / "plugins" / "quiz", second)):
        folder.mkdir(parents=True, exist_ok=True)
        project = f'[project]\ndependencies = ["cognito-authflow>=0.1", "{requirement}"]\n'
        (folder / "pyproject.toml").write_text(project)
    with pytest.raises(ValueError, match="floor"):
        program.floors(tmp_path, ())


@pytest.mark.parametrize(("name", "ceiling"), [("aiobotocore", "<4"), ("uvicorn", "<1")])
def test_what_we_use_private_parts_of_has_a_ceiling_everywhere(name: str, ceiling: str):
    ranges = [each.removeprefix(name) for each in requirements() if each.startswith(name)]
    assert ranges
    assert all(each.endswith(f",{ceiling}") for each in ranges)


def test_the_tools_of_tests_keep_their_pins_and_pin_nothing_that_has_a_floor(program: ModuleType):
    pins = dict(pin.split(" ;")[0].split("==") for pin in program.tools(ROOT))
    assert {"pytest", "pytest-xdist", "moto", "hypothesis", "hatchling"} <= set(pins)
    assert not set(pins) & {*program.floors(ROOT, EXTRAS), "boto3", "botocore"}
