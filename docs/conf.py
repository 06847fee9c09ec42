"""How Sphinx builds the site. `make docs` prepares the pages and calls it: see CONTRIBUTING."""

import re
from importlib.metadata import version as version_of
from pathlib import Path
from typing import Any

project = "authflow"
author = "The authflow authors"
project_copyright = author
release = version = version_of("cognito-authflow")

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
html_theme = "furo"
html_title = f"authflow {release}"
html_copy_source = False
html_show_sourcelink = False
toc_object_entries = False  # the packages' pages are long enough without

# Anchors as a repository's own view of the pages has them.
myst_heading_anchors = 4

# What is in single backticks in a docstring is code, and leads to its description if it has one.
default_role = "py:obj"
autodoc_typehints_format = "short"
napoleon_numpy_docstring = False
smartquotes_action = "D"  # dashes alone
# What is public must be found. What is not has no description, or has it elsewhere, from where
# nothing is fetched.
LIST = (Path(__file__).parent / "reference" / "index.md").read_text(encoding="utf-8")
PUBLIC = "|".join(re.findall(r"`(\w+)[` ]", LIST))
nitpick_ignore_regex = [
    ("py:.*", r"(?!authflow\b).*"),
    ("py:obj", r"authflow .*"),  # a command
    ("py:.*", rf"authflow\b.*\.(?!(?:{PUBLIC})$)\w+"),
]
# Two packages may mean two things by a name, such as `AuthClient`: an annotation says it alone.
suppress_warnings = ["ref.python"]


def with_blocks_of_code(
    _app: Any, _what: str, _name: str, _of: Any, _how: Any, lines: list[str]
) -> None:
    """Mark what stands indented below a paragraph of a docstring as a program."""
    marked: list[str] = []
    before = ""
    for line in lines:
        if line.startswith("    ") and marked and not marked[-1] and not before.startswith(" "):
            marked += [".. code-block:: python", "   :force:", ""]
        marked.append(line)
        before = line or before
    lines[:] = marked


def with_plain_defaults(
    _app: Any,
    _what: str,
    _name: str,
    _of: Any,
    _how: Any,
    signature: str | None,
    returned: str | None,
) -> tuple[str | None, str | None]:
    """Leave out of a signature what is no Python, such as a function that makes a default."""
    if signature:
        signature = re.sub(r"= (<[^<>]*>|NOTHING)", "= ...", signature)
    return signature, returned


def setup(app: Any) -> None:
    """Add what is ours to Sphinx."""
    app.connect("autodoc-process-signature", with_plain_defaults)
    app.connect("autodoc-process-docstring", with_blocks_of_code, priority=400)
