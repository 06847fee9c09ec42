"""Makes the reference of the site: a page for each public package, tables of errors, commands.

What is public is listed once, in docs/reference/index.md. Each name is described where it is at
home: an error in `authflow.errors`, what `authflow` has itself there, and anything else in the
package that it is defined in, if that is public; other packages that have the name lead there.
"""

import ast
import importlib
import inspect
import os
import re
from collections.abc import Iterator
from contextlib import redirect_stdout, suppress
from enum import Enum
from io import StringIO
from itertools import pairwise
from pathlib import Path
from typing import Any

from authflow.cli import main
from authflow.errors import AuthFlowError
from authflow.integrations.web.error_statuses import STATUSES
from authflow.integrations.web.request_errors import RequestError

ROOT = Path(__file__).resolve().parents[1]
LIST = ROOT / "docs" / "reference" / "index.md"


class PublicNames:
    """What is public, as the reference lists it.

    Args:
        page: The text of docs/reference/index.md.
    """

    def __init__(self, page: str) -> None:
        self.rows: dict[str, list[tuple[str, list[str]]]] = {}
        for package, row in re.findall(r"^\| `([\w.]+)` \| (.*) \|$", page, re.MULTILINE):
            what = re.split(r": `", row, maxsplit=1)[0]
            self.rows.setdefault(package, []).append((what, re.findall(r"`(\w+)`", row)))

    def value(self, package: str, name: str) -> Any:
        """Give what a package has under a name."""
        return getattr(importlib.import_module(package), name)

    def home(self, package: str, name: str) -> str:
        """Give the package in which a name is described."""
        value = self.value(package, name)
        has = [
            each
            for each, rows in self.rows.items()
            if any(name in names for _, names in rows) and self.value(each, name) is value
        ]
        if inspect.isclass(value) and issubclass(value, AuthFlowError):
            return "authflow.errors"
        if "authflow" in has:
            return "authflow"
        within = f"{getattr(value, '__module__', '')}."
        return max((each for each in has if within.startswith(f"{each}.")), key=len, default=has[0])

    def homes(self) -> dict[str, str]:
        """Give the home of each name: the first one, where two packages mean two things by it."""
        found: dict[str, str] = {}
        for package, rows in self.rows.items():
            for name in (name for _, names in rows for name in names):
                found.setdefault(name, self.home(package, name))
        return found


def package_page(public: PublicNames, package: str) -> str:
    """Give the page of a package, in reStructuredText.

    Args:
        public: What is public.
        package: Its name.
    """
    summary = (importlib.import_module(package).__doc__ or "").partition("\n\n")[0]
    lines = [package, "=" * len(package), "", f".. py:module:: {package}", "", summary, ""]
    for what, names in public.rows[package]:
        title = what[:1].upper() + what[1:]
        lines += [title, "-" * len(title), ""]
        there = {name: public.home(package, name) for name in names}
        for name in names:
            if there[name] == package:
                lines += [*described(package, name, public.value(package, name)), ""]
        also = [
            f":py:obj:`{name} <{home}.{name}>`" for name, home in there.items() if home != package
        ]
        if also:
            lines += [f"Described elsewhere: {', '.join(also)}.", ""]
    return "\n".join(lines)


def described(package: str, name: str, value: Any) -> list[str]:
    """Give the directives that describe a public name."""
    if inspect.isclass(value):
        kind = "exception" if issubclass(value, BaseException) else "class"
        members = ", ".join(sorted(members_of(value)))
        return [
            f".. auto{kind}:: {package}.{name}",
            *([f"   :members: {members}", "   :undoc-members:"] if members else []),
        ]
    if inspect.isroutine(value):
        return [f".. autofunction:: {package}.{name}"]
    shown = repr(value) if isinstance(value, str | int | float | tuple) else None
    text = inspect.cleandoc(attribute_docstring(package, name) or "").splitlines()
    return [
        f".. py:data:: {name}",
        f"   :module: {package}",
        *([f"   :value: {shown}"] if shown else []),
        "",
        *(f"   {line}" for line in text),
    ]


def members_of(kind: type) -> Iterator[str]:
    """Give the members of a class that authflow describes."""
    if issubclass(kind, Enum):
        yield from kind.__members__
        return
    seen = set()
    for each in kind.__mro__:
        if not each.__module__.startswith("authflow"):
            continue
        for name, member in vars(each).items():
            if name.startswith("_") or name in seen:
                continue
            seen.add(name)
            function = getattr(member, "fget", None) or getattr(member, "__func__", member)
            if inspect.isfunction(function) and function.__doc__:
                yield name


def attribute_docstring(package: str, name: str) -> str | None:
    """Find the text that stands below the assignment of a name: in a package, or else elsewhere."""
    room = ROOT.joinpath(*package.split("."))
    paths = (ROOT / "authflow").rglob("*.py")
    for path in sorted(paths, key=lambda path: (not path.is_relative_to(room), path)):
        source = path.read_text(encoding="utf-8")
        if not re.search(rf"^{name}\b", source, re.MULTILINE):
            continue
        body = ast.parse(source).body
        for statement, below in pairwise(body):
            match statement, below:
                case (
                    ast.Assign(targets=[ast.Name(id=found)])
                    | ast.AnnAssign(target=ast.Name(id=found)),
                    ast.Expr(value=ast.Constant(value=str(text))),
                ) if found == name:
                    return text
    return None


def commands() -> str:
    """Give the help of every command in Markdown."""
    every = ["serve", "demo", "check", "diagram", "plugins", "plugins new", "plugins check"]
    every += ["keys", "keys new", "keys add", "keys use", "keys drop", "doctor"]
    return "\n".join(f"## {name}\n\n```text\n{help_of(name)}```\n" for name in every)


def help_of(command: str) -> str:
    """Give what a command says of itself, 80 characters wide."""
    told = StringIO()
    os.environ["COLUMNS"] = "80"
    with redirect_stdout(told), suppress(SystemExit):
        main([*command.split(), "--help"])
    return told.getvalue()


def errors() -> str:
    """Give the table of all errors in Markdown, each below the one that it is a kind of."""
    return "\n".join(
        [
            "| error | `code` | `next_step` | status | when |",
            "|---|---|---|---|---|",
            *(
                f"| {'… ' * depth}`{kind.__name__}` | {members(kind)} |"
                for depth, kind in tree(AuthFlowError)
            ),
        ]
    )


def request_errors() -> str:
    """Give the table of what the routes themselves find wrong, which has no public classes."""
    lines = [f"| {members(kind)} |" for _, kind in tree(RequestError) if kind is not RequestError]
    return "\n".join(["| `code` | `next` | status | when |", "|---|---|---|---|", *lines])


def members(kind: type[AuthFlowError]) -> str:
    """Give the cells that say what an error is."""
    said = (kind.__doc__ or "").partition("\n")[0].replace("|", "\\|")
    return f"`{kind.code}` | `{kind.next_step}` | {status(kind)} | {said}"


def status(kind: type[AuthFlowError]) -> int:
    """Give the HTTP status by which the routes answer an error."""
    own: int | None = getattr(kind, "http_status", None)
    return own or next(STATUSES[each].status for each in kind.__mro__ if each in STATUSES)


def tree(kind: type[AuthFlowError], depth: int = 0) -> Iterator[tuple[int, type[AuthFlowError]]]:
    """Walk an error of ours and those of its module that are kinds of it, each before its kinds."""
    yield depth, kind
    for each in kind.__subclasses__():
        if each.__module__ == kind.__module__:
            yield from tree(each, depth + 1)
