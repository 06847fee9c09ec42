"""The command line: `authflow serve`, `demo`, `diagram`, `check` and `plugins`."""

import argparse
import importlib
import sys
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Final

from authflow.cli import plugins_command
from authflow.errors import AuthFlowError, ConfigError
from authflow.machine import AuthFlow
from authflow.printable import one_line

EXIT_OK: Final = 0
EXIT_FAILED: Final = 1
EXIT_USAGE: Final = 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    Args:
        arguments: What follows the program's name; by default the process's own.

    Returns:
        The exit code: 0 if all went well, 1 if not, 2 if the call was not understood.
    """
    options = _parser().parse_args(arguments)
    try:
        return int(options.run(options))
    except AuthFlowError as error:
        print(f"authflow: {error}", file=sys.stderr)
        return EXIT_USAGE if isinstance(error, ConfigError) else EXIT_FAILED
    except KeyboardInterrupt:
        return EXIT_FAILED
    except BrokenPipeError:
        # Whoever read our output has gone (`authflow diagram … | head`): there is nobody to tell.
        sys.stdout = None  # keeps the interpreter from flushing it
        return EXIT_OK


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="authflow",
        description="Sign users in to Amazon Cognito, and run all of it without AWS.",
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"authflow {_version()}")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")

    serve = commands.add_parser(
        "serve",
        help="run an embedded user pool that any AWS SDK can talk to",
        description="Run an embedded user pool. When it is ready it prints one line of JSON with "
        "its endpoint. SIGTERM and SIGINT end it.",
        allow_abbrev=False,
    )
    serve.add_argument("--host", default="127.0.0.1", help="the address to listen on (%(default)s)")
    serve.add_argument(
        "--port", type=int, default=9229, help="the port; 0 picks a free one (%(default)s)"
    )
    serve.add_argument(
        "--db", default=":memory:", metavar="FILE", help="the SQLite file to keep all of it in"
    )
    serve.add_argument(
        "--triggers",
        metavar="PACKAGE.MODULE:ATTRIBUTE",
        help="a Triggers object, or a mapping of function names to handlers for LambdaConfig",
    )
    serve.add_argument(
        "--lambda-endpoint",
        metavar="URL",
        help="where to invoke the functions that a pool's LambdaConfig names, over Lambda's API",
    )
    serve.add_argument(
        "--allow-insecure-lambda-endpoint",
        action="store_true",
        help="allow plain http to a Lambda endpoint on another machine, though events hold secrets",
    )
    serve.add_argument(
        "--show-messages",
        action="store_true",
        help="print what the pool would send to users, codes included, as lines of JSON",
    )
    serve.add_argument(
        "--issuer", metavar="URL", help="what tokens name as issuer, before the pool's id"
    )
    serve.add_argument(
        "--allow-remote",
        action="store_true",
        help="listen on an address that other machines reach, though anyone may then administer",
    )
    serve.add_argument(
        "--tokens-survive",
        action="store_true",
        help="let a user's tokens stay good when the password changes, as Cognito is said to do",
    )
    serve.add_argument(
        "--max-wait",
        type=float,
        metavar="SECONDS",
        help="how long a sign-in may have to wait for a processor before it is refused (0.5)",
    )
    serve.add_argument(
        "--name-budget",
        metavar="RATE[:BURST]",
        help="how many requests a second about one name are taken, and how many at once (50:500)",
    )
    serve.add_argument(
        "--address-budget",
        metavar="RATE[:BURST]",
        help="the same of one address (100:1000, and of this machine all)",
    )
    serve.add_argument(
        "-v", "--verbose", action="store_true", help="log each request, not only what is refused"
    )
    serve.add_argument(
        "--allow-host",
        action="append",
        default=[],
        metavar="NAME",
        help="one more name under which clients reach it, without port; may be given repeatedly. "
        "localhost, the address to listen on and the one a client connected to need none",
    )
    serve.set_defaults(run=_serve)

    demo = commands.add_parser(
        "demo",
        help="watch users sign in by all three flows",
        description="Start a pool on a free port of this machine and sign users in, over HTTP.",
        allow_abbrev=False,
    )
    demo.add_argument(
        "--auto", action="store_true", help="answer the CAPTCHA by itself, even at a terminal"
    )
    demo.set_defaults(run=_demo)

    draw = commands.add_parser(
        "diagram",
        help="print the state machine of an auth flow or of a policy as Mermaid",
        allow_abbrev=False,
    )
    draw.add_argument(
        "subject",
        metavar="FLOW_OR_POLICY",
        help=f"{', '.join(AuthFlow)}, or PACKAGE.MODULE:ATTRIBUTE of a policy or Triggers",
    )
    draw.add_argument("--svg", action="store_true", help="print a policy as SVG, drawn by Graphviz")
    draw.set_defaults(run=_diagram)

    check = commands.add_parser(
        "check",
        help="prove a policy, or look for faults in any Define trigger",
        description="Explore all that can happen to a sign-in. A policy is proved, or the shortest "
        "path that breaks it is shown; any other Define handler is tried out to a depth. The exit "
        "code is 0 if every property was tried and holds, 1 if not, 2 if the call was not "
        "understood or a pool's settings cannot be read.",
        allow_abbrev=False,
    )
    check.add_argument(
        "subject",
        nargs="?",
        metavar="PACKAGE.MODULE:ATTRIBUTE",
        help="a policy, a Triggers object, or a handler(event, context) for Define",
    )
    check.add_argument(
        "--command",
        help="run this instead: it reads one JSON event a line and prints it back, filled in",
    )
    check.add_argument(
        "--depth",
        type=int,
        metavar="N",
        help="how many challenges to answer on each path of a handler (6)",
    )
    check.add_argument(
        "--metadata", help="what a handler finds in challengeMetadata; nothing by default"
    )
    check.add_argument(
        "--timeout",
        type=float,
        default=5.0,
        help="how many seconds a handler may take for one answer (%(default)g)",
    )
    check.add_argument(
        "--pool",
        metavar="ID",
        help="read the settings of this user pool, too, with AWS's usual credentials, and say what "
        "they mean for custom challenges",
    )
    check.add_argument(
        "--endpoint", metavar="URL", help="where to ask for the pool, if that is not AWS"
    )
    check.add_argument("--json", action="store_true", help="print JSON")
    check.set_defaults(run=_check)

    _add_plugins(commands)
    return parser


def _add_plugins(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    plugins = commands.add_parser(
        "plugins",
        help="list the challenge plugins that are installed, begin a new one, or check one",
        description=(
            "List the challenge plugins that are installed, as their metadata tells it; none is"
            " imported. `check NAME` says whether one works."
        ),
        allow_abbrev=False,
    )
    plugins.add_argument("--json", action="store_true", help="print JSON")
    plugins.set_defaults(run=_plugins)
    actions = plugins.add_subparsers(title="further commands", metavar="COMMAND")

    new = actions.add_parser(
        "new", help="write a complete, tested plugin to begin with", allow_abbrev=False
    )
    new.add_argument("name", metavar="NAME", help="the challenge's name, such as pager")
    new.add_argument("folder", metavar="DIR", type=Path, help="a folder that is new or empty")
    new.set_defaults(run=_new_plugin)

    check = actions.add_parser(
        "check",
        help="run the conformance suites on an installed plugin",
        description="Run the conformance suites on both halves of an installed plugin, alone and "
        "over the real protocol. The exit code is 0 if no case failed, 1 if one did, 2 if the call "
        "was not understood.",
        allow_abbrev=False,
    )
    check.add_argument("name", metavar="NAME", help="the challenge's name")
    check.add_argument(
        "--settings", metavar="JSON", help="what the trigger half is made with, as a JSON object"
    )
    check.add_argument(
        "--suite",
        action="append",
        default=[],
        metavar="PACKAGE.MODULE:CLASS",
        help="a suite to run instead of those that the plugin names; may be given for each half",
    )
    check.add_argument("--json", action="store_true", help="print JSON")
    check.set_defaults(run=_check_plugin)


def _serve(options: argparse.Namespace) -> int:
    try:
        from authflow.cli import serve_command  # noqa: PLC0415  # an extra, and slow to import
    except ModuleNotFoundError as error:
        raise _missing_extra("pool", error) from None
    return serve_command.run(options, load_object)


def _demo(options: argparse.Namespace) -> int:
    try:
        from authflow.cli import demo  # noqa: PLC0415  # it needs all the extras
    except ModuleNotFoundError as error:
        raise _missing_extra("all", error) from None
    return demo.run(auto=options.auto or not sys.stdin.isatty())


def _diagram(options: argparse.Namespace) -> int:
    from authflow.cli import diagram_command  # noqa: PLC0415  # slow to import

    return diagram_command.run(options.subject, load_object, as_svg=options.svg, out=sys.stdout)


def _check(options: argparse.Namespace) -> int:
    from authflow.cli import check_command, handler_process  # noqa: PLC0415  # slow to import

    named = [options.subject, options.command]
    if None not in named or (named == [None, None] and options.pool is None):
        msg = "name either package.module:attribute or --command, or a user pool by --pool"
        raise ConfigError(msg)
    checked = None
    if options.subject is not None:
        checked = load_object(options.subject)
        if checked is None:
            msg = "a policy, Triggers or a handler can be checked, not NoneType"
            raise ConfigError(msg)
    elif options.command is not None:
        checked = handler_process.HandlerProcess(command=options.command, timeout=options.timeout)
    return check_command.run(
        check_command.Subject(
            checked=checked,
            depth=options.depth,
            metadata=options.metadata,
            timeout=options.timeout,
            pool=options.pool,
            endpoint=options.endpoint,
        ),
        as_json=options.json,
        out=sys.stdout,
    )


def _plugins(options: argparse.Namespace) -> int:
    return plugins_command.run(as_json=options.json, out=sys.stdout)


def _new_plugin(options: argparse.Namespace) -> int:
    from authflow.cli import new_plugin  # noqa: PLC0415  # few need it

    return new_plugin.run(options.name, options.folder, out=sys.stdout)


def _check_plugin(options: argparse.Namespace) -> int:
    try:
        from authflow.cli import plugin_check  # noqa: PLC0415  # an extra, and slow to import
    except ModuleNotFoundError as error:
        raise _missing_extra("pool", error) from None
    return plugin_check.run(
        options.name,
        settings=options.settings,
        suites=options.suite,
        load=load_object,
        as_json=options.json,
        out=sys.stdout,
    )


def load_object(spec: str) -> Any:
    """Import the object that `package.module:attribute` names; the current folder counts too.

    Raises:
        ConfigError: There is no such object.
    """
    module_name, _, attribute = spec.partition(":")
    if not module_name or not attribute:
        msg = f"{spec!r} must be of the form package.module:attribute"
        raise ConfigError(msg)
    if "" not in sys.path:
        sys.path.insert(0, "")
    try:
        found: Any = importlib.import_module(module_name)
        for name in attribute.split("."):
            found = getattr(found, name)
    except (Exception, SystemExit) as error:
        # Whatever a module does at its import: it is told in one line, and nothing starts.
        told = one_line(str(error))
        if not isinstance(error, ImportError | AttributeError):
            told = f"it raised {type(error).__name__}{told and ': '}{told}"
        msg = f"cannot load {spec}: {told}"
        raise ConfigError(msg) from error
    return found


def _missing_extra(extra: str, error: ModuleNotFoundError) -> ConfigError:
    return ConfigError(
        f"{error.name} is not installed: run `pip install 'cognito-authflow[{extra}]'`"
    )


def _version() -> str:
    try:
        return version("cognito-authflow")
    except PackageNotFoundError:
        return "(not installed)"
