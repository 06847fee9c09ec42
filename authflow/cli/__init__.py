"""The command line: `authflow serve`, `demo`, `diagram`, `check`, `plugins`, `keys`, `doctor`."""

import argparse
import sys
from collections.abc import Sequence
from contextlib import redirect_stderr, redirect_stdout
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final

from authflow.cli import keys_command, plugins_command
from authflow.cli.named_object import load_object
from authflow.cli.output import Output
from authflow.errors import AuthFlowError, ConfigError, PluginNotFoundError
from authflow.extras import UnavailableImportError, advice
from authflow.machine import AuthFlow

EXIT_OK: Final = 0
EXIT_FAILED: Final = 1
EXIT_USAGE: Final = 2
EXIT_INTERRUPTED: Final = 130

_EXIT_CODES: Final = (
    "The exit code is 0 if all went well, 1 if not, 2 if the call was not understood, 130 after"
    " Ctrl-C. It is the same whether or not anybody reads the output; output that is lost, as on a"
    " full disk, makes a 0 a 1."
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    Args:
        arguments: What follows the program's name; by default the process's own.

    Returns:
        The exit code: 0 if all went well, 1 if not, 2 if the call was not understood, 130 if it
        was interrupted. A reader of the output who has gone changes none of them.

    Raises:
        SystemExit: With such a code, after `--help`, `--version` and calls that cannot be read.
    """
    errors = Output(sys.stderr)
    out = Output(sys.stdout, complaints=errors)
    with redirect_stdout(out), redirect_stderr(errors):
        try:
            return out.code(_outcome(_parser().parse_args(arguments)))
        except SystemExit as end:  # raised by argparse
            raise SystemExit(out.code(end.code if isinstance(end.code, int) else 1)) from None
        finally:
            errors.flush()


def _outcome(options: argparse.Namespace) -> int:
    """Run a command, and return its exit code whatever happens in it."""
    try:
        return int(options.run(options))
    except AuthFlowError as error:
        print(f"authflow: {error}", file=sys.stderr)
        usage = isinstance(error, ConfigError | PluginNotFoundError)
        return EXIT_USAGE if usage else EXIT_FAILED
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED
    except SystemExit as end:
        # Our commands never do this. A handler or a plugin that does must not count as a success.
        print(f"authflow: the code that was run ended the process ({end!r:.80})", file=sys.stderr)
        return EXIT_FAILED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="authflow",
        description="Sign users in to Amazon Cognito, and run all of it without AWS.",
        epilog=_EXIT_CODES,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"authflow {_version()}")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")

    serve = commands.add_parser(
        "serve",
        help="run an embedded user pool that any AWS SDK can talk to",
        description="Run an embedded user pool. When it is ready it prints one line of JSON with "
        "its endpoint. SIGTERM and SIGINT (Ctrl-C) end it then, with 0.",
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
        "--kms-endpoint",
        metavar="URL",
        help="where to encrypt the codes for a pool's custom senders, over KMS's API",
    )
    serve.add_argument(
        "--allow-insecure-kms-endpoint",
        action="store_true",
        help="allow plain http to a KMS endpoint on another machine, though its answers open codes",
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
        "--region", default="us-east-1", help="what new pools' ids begin with (%(default)s)"
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
    draw.add_argument("--svg", action="store_true", help="print SVG, drawn by Graphviz")
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
        "--attribute",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="what a handler finds among the user's attributes, beside or instead of the usual "
        "ones; may be given repeatedly",
    )
    check.add_argument(
        "--timeout",
        type=float,
        help="how many seconds a handler may take for one answer (5)",
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
    keys_command.add(commands)
    doctor = commands.add_parser(
        "doctor",
        help="tell what is installed, and what is wrong with it",
        description="Tell which versions run here, which extras and plugins are installed, and "
        "whether another distribution lies over authflow. The exit code is 1 if anything is wrong.",
        allow_abbrev=False,
    )
    doctor.set_defaults(run=_doctor)
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
        raise _missing_extra(error) from None
    return serve_command.run(options, load_object)


def _demo(options: argparse.Namespace) -> int:
    try:
        from authflow.cli import demo  # noqa: PLC0415  # it needs all the extras
    except ImportError as error:
        missing = error.__cause__ if isinstance(error, UnavailableImportError) else error
        name = getattr(missing, "name", None) or "a package"
        msg = f"{name} is missing: run `pip install 'cognito-authflow[all]'`"
        raise ConfigError(msg) from None
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
        told = {} if options.timeout is None else {"timeout": options.timeout}
        checked = handler_process.HandlerProcess(command=options.command, **told)
    return check_command.run(
        check_command.CheckSubject(
            checked=checked,
            depth=options.depth,
            metadata=options.metadata,
            attributes=options.attribute,
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
        raise _missing_extra(error) from None
    return plugin_check.run(
        options.name,
        settings=options.settings,
        suites=options.suite,
        load=load_object,
        as_json=options.json,
        out=sys.stdout,
    )


def _doctor(_options: argparse.Namespace) -> int:
    from authflow.cli import doctor_command  # noqa: PLC0415  # few need it

    return doctor_command.run(out=sys.stdout)


def _missing_extra(error: ModuleNotFoundError) -> ConfigError:
    return ConfigError(advice(error))


def _version() -> str:
    try:
        return version("cognito-authflow")
    except PackageNotFoundError:
        return "(not installed)"
