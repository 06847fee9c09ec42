"""The pages that people read, and their examples, for the tests that run them.

A page's examples are its Python blocks, as `make lint` finds them. A test names all of a page's
examples, in their order; so a new one is noticed, and every page that has some is named by a test
(`tests/docs/test_pages.py`).
"""

import importlib.util
from pathlib import Path
from types import ModuleType

ROOT = Path(__file__).resolve().parents[1]
HOME = "https://github.com/cognito-authflow/authflow/blob/main/"
"""Where the files of the checkout are found from elsewhere."""


def checked_by_lint() -> ModuleType:
    """Load what `make lint` runs on the pages."""
    path = ROOT / ".ci" / "public_types.py"
    spec = importlib.util.spec_from_file_location("public_types", path)
    assert spec is not None  # noqa: S101  # there is such a file
    assert spec.loader is not None  # noqa: S101
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def text_of(page: str) -> str:
    """Read a page.

    Args:
        page: Its path in the checkout, such as "docs/guides/tickets.md".
    """
    return (ROOT / page).read_text(encoding="utf-8")


def examples(page: str, *names: str) -> dict[str, str]:
    """Give the Python examples of a page.

    Args:
        page: Its path in the checkout.
        names: What they are called here, in their order.

    Raises:
        ValueError: The page has more examples than names, or fewer.
    """
    found = checked_by_lint().examples(text_of(page)).values()
    return dict(zip(names, found, strict=True))


def pages() -> list[str]:
    """Give the paths of README and of all pages of the site."""
    named: list[str] = checked_by_lint().pages()
    return named
