"""`make lint` fails on examples that a type checker rejects, and on packages that lack types."""

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

pytest.importorskip("basedpyright", reason="it is a tool of `make lint`")

ROOT = Path(__file__).parents[2]
PAGE = """# A page

```python
from authflow import AuthConfig

config = AuthConfig(user_pool_id="eu-central-1_Abc123def", client_id="1example")
```

```python
from authflow import AuthConfig

config = AuthConfig(user_pool_id=1, client_id="1example")
```
"""


def program() -> ModuleType:
    path = ROOT / ".ci" / "public_types.py"
    spec = importlib.util.spec_from_file_location("public_types", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.timeout(240)
def test_an_example_that_a_type_checker_rejects_is_named_by_its_line():
    pages = {"GOOD.md": PAGE.replace("user_pool_id=1", 'user_pool_id=""'), "docs/PAGE.md": PAGE}
    (fault,) = program().faults_of_examples(pages)()
    assert fault.startswith("docs/PAGE.md:12: ")
    assert "user_pool_id" in fault


@pytest.mark.timeout(240)
@pytest.mark.parametrize("typed", [True, False])
def test_a_package_that_lacks_types_is_told_with_the_names_that_lack_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, typed: bool
):
    package = tmp_path / "quizzes"
    package.mkdir()
    (package / "py.typed").touch()
    known = "".join(f"def known_{i}() -> int: ...\n" for i in range(40))
    (package / "__init__.py").write_text(known + ("" if typed else "def unknown(x): ...\n"))
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    faults = program().faults_of_package("quizzes")()
    if typed:
        assert faults == []
    else:
        assert faults[0].startswith("97.6% of quizzes has types")
        assert "quizzes.unknown" in faults


def test_the_examples_of_a_page_are_found_with_their_lines():
    found = program().examples(PAGE)
    assert list(found) == [4, 10]
    assert all(text.startswith("from authflow import AuthConfig\n") for text in found.values())


def test_the_pages_are_readme_and_all_of_the_site():
    found = program().pages()
    assert found[0] == "README.md"
    assert {"docs/start-here.md", "docs/guides/tickets.md", "docs/reference/index.md"} <= {*found}
