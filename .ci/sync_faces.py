"""Writes the modules of authflow/sync that are made of the asynchronous classes.

Signatures and docstrings of their public methods are taken as they are; what is awaited there is
waited for here. `make sync-faces` renews them, and a test fails where they differ. What a class is
introduced by is written below.
"""

import ast
import inspect
import re
import subprocess
import sys
import textwrap
import typing
from collections.abc import Callable, Collection, Iterator, Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

from attrs import frozen

from authflow.client.admin_client import AdminClient
from authflow.client.auth_client import AuthClient
from authflow.client.signed_in_user import SignedInUser
from authflow.tokens.verifier import TokenVerifier

FOLDER = Path(__file__).resolve().parents[1] / "authflow" / "sync"


@frozen(kw_only=True)
class Face:
    """A class to write.

    Args:
        of: The asynchronous class.
        module: The module to write.
        about: The module's docstring.
        base: The class that it derives from, in `authflow.sync`.
        intro: Its docstring, up to the arguments.
        outro: The text below the arguments; by default the asynchronous class's.
        types: What stands for the type variables of the asynchronous class.
        makes: Whether callers make it.
        by_hand: Methods whose calls the base begins in its own way.
    """

    of: type
    module: str
    about: str
    base: tuple[str, str]
    intro: str
    types: Mapping[str, str] = MappingProxyType({})
    makes: bool = True
    by_hand: Collection[str] = ()


PROMPT = "Prompt | None"
"""The type of a prompt, in whose place there may be one that is written by `def`."""
USER_FACES = {"SignedInUser": "authflow.sync.signed_in_user"}
"""What is given as the asynchronous class has it, and to be wrapped."""

CLIENT_INTRO = """\
Open by the first call, once in each process, and closed at the end of the program: keep one in
a module, and use it from any number of threads. A client that was made before `fork` serves in
the child processes as well, with connections of their own. `with AuthClient(config) as auth`
closes it earlier. Ctrl-C ends the call that it interrupts.
"""

FACES = (
    Face(
        of=AuthClient,
        module="auth_client",
        about="`AuthClient` for synchronous code.",
        base=("authflow.sync.client_face", "ClientFace"),
        intro=f"""\
Signs users in to one user pool, for synchronous code. One for a process and pool is enough.

    auth = AuthClient(AuthConfig.from_env())

    def log_in(username: str, password: str) -> str:
        match auth.sign_in(username, password):
            case SignedIn() as signed_in:
                return auth.keep(signed_in).handle.reveal()
            case ChallengeRequired() as pending:
                return auth.seal(pending)

{CLIENT_INTRO}""",
        types={"C": "UserContext"},
    ),
    Face(
        of=AdminClient,
        module="admin_client",
        about="`AdminClient` for synchronous code.",
        base=("authflow.sync.client_face", "ClientFace"),
        intro=f"""\
Administers one user pool, with AWS's usual credentials, for synchronous code.

    admin = AdminClient(AuthConfig.from_env())
    admin.create_user("ada", attributes={{"email": address}}, by=["EMAIL"])
    for user in admin.users(matching='status = "Enabled"'):
        admin.add_to_group(user.username, "staff")

A confidential service signs users in by it, too, as by `AuthClient`.

{CLIENT_INTRO.replace("AuthClient(config) as auth", "AdminClient(config) as admin")}""",
        types={"C": "AdminContext"},
    ),
    Face(
        of=SignedInUser,
        module="signed_in_user",
        about="`SignedInUser` for synchronous code.",
        base=("authflow.sync.user_face", "UserFace"),
        intro="""\
A user who signed in once, and whose tokens are good whenever they are asked for.

    user = auth.keep(signed_in)
    cookie = user.handle.reveal()                # in the browser's session
    ...
    user = auth.kept(cookie)                     # in any process with the same keys and store
    token = user.access_token()                  # refreshed if that is due

Make it with `AuthClient.keep` or `AuthClient.kept`; it serves as long as that client is open.
Any number of threads may use it, and any number of processes the same user: one of them
refreshes at a time, and all get the result.
""",
        makes=False,
    ),
    Face(
        of=TokenVerifier,
        module="token_verifier",
        about="`TokenVerifier` for synchronous code.",
        base=("authflow.sync.verifier_face", "VerifierFace"),
        intro="""\
Verifies tokens with the keys that their pools publish, fetched once and kept.

    verifier = TokenVerifier(config=AuthConfig.from_env())
    claims = verifier.claims(token, "access")    # TokenError if it must not be trusted

Any number of threads may use one; nothing has to be closed. A token's issuer chooses the pool
among those that are trusted, and no address that a token names is ever asked. A token is judged
in the thread that asks; only keys that are not here yet are fetched on the loop.
""",
        by_hand=["claims"],
    ),
)

REPLACED = {
    r"\bawait anyio\.sleep": "time.sleep",
    r"\bawait ": "",
    r"\basync (for|with)\b": r"\1",
    r"The client is closed, or belongs to another event loop\.": "The client is closed.",
}
"""What docstrings say of asynchronous code."""
LEFT = re.compile(r"\b(await|async|asyncio|anyio|event loop|tasks?)\b")
"""What no docstring of a synchronous method may say."""


def said(text: str, where: str) -> str:
    """Give a docstring as it is for synchronous code.

    Args:
        text: As it is for asynchronous code.
        where: Whose it is, for the error.

    Raises:
        ValueError: It speaks of asynchronous code in a way that is not foreseen.
    """
    for pattern, by in REPLACED.items():
        text = re.sub(pattern, by, text)
    if (left := LEFT.search(text)) is not None:
        msg = f"{where}: the docstring says {left[0]!r}; have REPLACED foresee it"
        raise ValueError(msg)
    return text


@cache
def imports(module: str) -> dict[str, str]:
    """Give the import statement of each name that a module imports or defines."""
    found: dict[str, str] = {}
    for node in ast.walk(ast.parse(inspect.getsource(sys.modules[module]))):
        if isinstance(node, ast.ImportFrom):
            for alias in node.names:
                found[alias.asname or alias.name] = f"from {node.module} import {alias.name}"
        elif isinstance(node, ast.Import):
            for alias in node.names:
                found[alias.name] = f"import {alias.name}"
    for node in ast.parse(inspect.getsource(sys.modules[module])).body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef):
            found[node.name] = f"from {module} import {node.name}"
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            target = node.target if isinstance(node, ast.AnnAssign) else node.targets[0]
            found[ast.unparse(target)] = f"from {module} import {ast.unparse(target)}"
    return found


class Module:
    """A module that is being written."""

    def __init__(self, face: Face) -> None:
        self.face = face
        self.imported: set[str] = set()

    def typed(self, node: ast.expr, module: str) -> str:
        """Give an annotation or a default as text, and have its names imported."""
        text = ast.unparse(node)
        if text == PROMPT:
            self.imported |= {
                f"from authflow.sync.plain_prompt import {each}"
                for each in ("PlainPrompt", "asked_by")
            }
            self.imported.add("from authflow.prompts.prompt import Prompt")
            return f"PlainPrompt | {PROMPT}"
        for variable, kind in self.face.types.items():
            if re.search(rf"\b{variable}\b", text):
                text = re.sub(rf"\b{variable}\b", kind, text)
                self.imported.add(f"from authflow.user_context import {kind}")
        for name in {each.id for each in ast.walk(ast.parse(text)) if isinstance(each, ast.Name)}:
            if name in USER_FACES:
                self.imported.add(f"from {USER_FACES[name]} import {name}")
            elif name in imports(module):
                self.imported.add(imports(module)[name])
        return text

    def arguments(self, function: ast.FunctionDef | ast.AsyncFunctionDef, module: str) -> str:
        """Give the arguments of a method, with their types."""
        given = function.args
        for each in (*given.args, *given.kwonlyargs):
            if each.annotation is not None:
                text = self.typed(each.annotation, module)
                each.annotation = ast.parse(text, mode="eval").body
        for default in (*given.defaults, *given.kw_defaults):
            if default is not None:
                self.typed(default, module)
        return ast.unparse(given)

    def method(self, name: str, function: Callable[..., Any]) -> str:
        """Write a method."""
        module = function.__module__
        node = _parsed(function)
        decorators = ""
        for each in typing.get_overloads(function):
            stub = _parsed(each)
            result = self.typed(stub.returns, module) if stub.returns else "None"
            self.imported.add("from typing import overload")
            given = self.arguments(stub, module)
            decorators += f"@overload\ndef {name}({given}) -> {result}: ...\n"
        arguments = self.arguments(node, module)
        result = self.typed(node.returns, module) if node.returns else "None"
        names = [each.arg for each in node.args.args[1:]]
        keywords = [each.arg for each in node.args.kwonlyargs]
        by_name = {each: "asked_by(prompt)" if each == "prompt" else each for each in keywords}
        passed = ", ".join([*names, *(f"{each}={value}" for each, value in by_name.items())])
        doc = said(ast.get_docstring(node, clean=True) or "", name)
        of = f"asynchronous.{self.face.of.__name__}.{name}"
        if inspect.iscoroutinefunction(function):
            lines = [f"call = self._prepare({', '.join(filter(None, [of, passed]))})"]
            if name in self.face.by_hand:
                lines = [f"call = self._{name}({passed})"]
            elif decorators:  # mypy takes the first overload alone
                lines[0] += "  # type: ignore[arg-type]"
            if held := [*names, *keywords]:
                lines.append(f"del {', '.join(held)}  # no frame of an error holds them")
            gives = "call.result()"
            if result in USER_FACES:
                gives = f"{result}(self, {gives})"
            lines.append(gives if result == "None" else f"return {gives}")
        elif inspect.isasyncgenfunction(function):
            result = result.replace("AsyncIterator", "Iterator")
            self.imported.discard("from collections.abc import AsyncIterator")
            self.imported.add("from collections.abc import Iterator")
            lines = [f"return self._each({', '.join(filter(None, [of, passed]))})"]
        elif result == "Self":
            lines = [f"return self._with(self._asynchronous.{name}({passed}))"]
        else:
            lines = [f"return self._asynchronous.{name}({passed})"]
        body = "\n".join([_quoted(doc), *lines])
        head = f"{decorators}def {name}({arguments}) -> {result}:"
        return f"{head}\n{textwrap.indent(body, '    ')}\n"

    def attribute(self, name: str, value: property) -> str:
        """Write a property."""
        function: Any = value.fget
        node = _parsed(function)
        result = self.typed(node.returns, function.__module__) if node.returns else "None"
        doc = _quoted(said(ast.get_docstring(node, clean=True) or "", name))
        body = textwrap.indent(f"{doc}\nreturn self._asynchronous.{name}", "    ")
        return f"@property\ndef {name}(self) -> {result}:\n{body}\n"

    def making(self) -> str:
        """Write `__init__`, by the fields of the asynchronous class."""
        positional, keywords, passed = ["self"], list[str](), list[str]()
        for module, node, is_keyword in _fields(self.face.of):
            value = node.value
            name = ast.unparse(node.target).lstrip("_")
            default = None
            if isinstance(value, ast.Call):
                options = {each.arg: each.value for each in value.keywords}
                default = options.get("default")
                if "factory" in options:
                    default = ast.parse("MappingProxyType({})", mode="eval").body
                    self.imported.add("from types import MappingProxyType")
            elif value is not None:
                default = value
            text = f"{name}: {self.typed(node.annotation, module)}"
            if default is not None:
                text += f" = {self.typed(default, module)}"
            (keywords if is_keyword else positional).append(text)
            passed.append(f"{name}={name}")
        arguments = ", ".join([*positional, "*", *keywords])
        of = f"asynchronous.{self.face.of.__name__}"
        return (
            f"def __init__({arguments}) -> None:\n    super().__init__({of}({', '.join(passed)}))\n"
        )

    def text(self) -> str:
        """Write the module."""
        face = self.face
        name = face.of.__name__
        parts = [self.making()] if face.makes else []
        for each, value in public(face.of):
            if isinstance(value, property):
                parts.append(self.attribute(each, value))
            else:
                parts.append(self.method(each, value))
        base_module, base = face.base
        self.imported.add(f"from {base_module} import {base}")
        about = face.intro
        if face.makes:
            full = inspect.cleandoc(face.of.__doc__ or "")
            about += "\n" + said(full[full.index("Args:") :], name)
            self.imported.add("from authflow.unframed import whole")
        doc = textwrap.indent(_quoted(about.strip()), "    ")
        body = "\n".join(textwrap.indent(each, "    ") for each in parts)
        source = f"{face.of.__module__}.{name}"
        generic = f"{base}[asynchronous.{name}]" if face.makes else base
        imported = "\n".join(
            sorted({*self.imported, f"import {face.of.__module__} as asynchronous"})
        )
        return (
            f'"""{face.about}\n\nWritten by `.ci/sync_faces.py`, from\n`{source}`: '
            f'`make sync-faces` renews it.\n"""\n\n'
            f"{imported}\n\n"
            f"{'@whole' if face.makes else ''}\n"
            f"class {name}({generic}):\n{doc}\n\n{body}"
        )


def public(of: type) -> Iterator[tuple[str, Any]]:
    """Yield the public methods and properties of a class, its own first."""
    seen: dict[str, Any] = {}
    for base in of.__mro__[:-1]:
        for name, value in vars(base).items():
            if name.startswith("_") or name in seen:
                continue
            if inspect.isfunction(value) or isinstance(value, property):
                seen[name] = value
    yield from seen.items()


def _fields(of: type) -> Iterator[tuple[str, ast.AnnAssign, bool]]:
    """Yield the fields that a class is made of: their module, as written, and if by keyword."""
    attributes: Any = vars(of)["__attrs_attrs__"]
    kinds = {each.alias.lstrip("_"): each for each in attributes if each.init}
    for base in reversed(of.__mro__[:-1]):
        if "__attrs_attrs__" not in vars(base):
            continue
        tree = ast.parse(textwrap.dedent(inspect.getsource(base)))
        for node in (each for each in ast.walk(tree) if isinstance(each, ast.AnnAssign)):
            name = ast.unparse(node.target).lstrip("_")
            if name in kinds and not ast.unparse(node.annotation).startswith("ClassVar"):
                yield base.__module__, node, kinds[name].kw_only


def _parsed(function: Callable[..., Any]) -> ast.FunctionDef | ast.AsyncFunctionDef:
    node = ast.parse(textwrap.dedent(inspect.getsource(inspect.unwrap(function)))).body[0]
    if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        msg = f"{function} is written in another way"
        raise TypeError(msg)
    return node


def _quoted(doc: str) -> str:
    closing = "\n" if "\n" in doc else ""
    return f'"""{doc}{closing}"""'


def written(face: Face) -> str:
    """Give a module's text, not formatted yet."""
    return Module(face).text()


def main() -> None:
    """Write all modules, formatted."""
    paths = []
    for face in FACES:
        path = FOLDER / f"{face.module}.py"
        path.write_text(written(face), encoding="utf-8")
        paths.append(str(path))
    ruff = (sys.executable, "-m", "ruff")
    subprocess.run([*ruff, "check", "--quiet", "--select", "I", "--fix", *paths], check=True)
    subprocess.run([*ruff, "format", "--quiet", *paths], check=True)


if __name__ == "__main__":
    main()
