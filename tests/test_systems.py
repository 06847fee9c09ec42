# ruff: noqa: SIM905  # a list of words is read as such
"""What only some operating systems have is used behind a guard, and the rest works without it.

The tests run on Linux alone. So what another system lacks is hidden here, which shows that the
code does without; it is no test on that system.
"""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = (ROOT / "authflow", ROOT / "cognito_authflow", *ROOT.glob("plugins/*/authflow_*"))

MODULES = frozenset(
    "curses fcntl grp nis ossaudiodev posix pty pwd readline resource spwd syslog termios"
    " tty".split()
)
NAMES = {
    "os": frozenset(
        "O_CLOEXEC O_DIRECTORY O_NOFOLLOW O_NONBLOCK O_SYNC O_TMPFILE WEXITSTATUS WIFEXITED"
        " chown chroot ctermid eventfd fchdir fchmod fchown fdatasync fork forkpty getegid geteuid"
        " getgid getgroups getloadavg getpgid getpgrp getppid getpriority getsid getuid getxattr"
        " killpg lchown lockf memfd_create mkfifo mknod nice openpty pathconf pipe2 posix_fadvise"
        " posix_fallocate posix_spawn pread pwrite register_at_fork sched_getaffinity sendfile"
        " set_blocking setegid seteuid setgid setgroups setpgid setpriority setsid setuid splice"
        " statvfs sync sysconf tcgetpgrp tcsetpgrp ttyname uname wait wait3 wait4 waitid".split()
    ),
    "signal": frozenset(
        "SIGALRM SIGCHLD SIGCONT SIGHUP SIGKILL SIGPIPE SIGQUIT SIGSTOP SIGTSTP SIGTTIN SIGTTOU"
        " SIGUSR1 SIGUSR2 SIGWINCH alarm pause pthread_kill pthread_sigmask setitimer siginterrupt"
        " sigpending sigtimedwait sigwait sigwaitinfo".split()
    ),
    "socket": frozenset("AF_UNIX SO_REUSEPORT SCM_RIGHTS recv_fds send_fds".split()),
    "asyncio": frozenset("open_unix_connection start_unix_server".split()),
    "anyio": frozenset("connect_unix create_unix_listener open_signal_receiver".split()),
    "time": frozenset(["tzset", "pthread_getcpuclockid"]),
}
METHODS = frozenset(
    "add_signal_handler remove_signal_handler add_reader add_writer create_unix_server"
    " create_unix_connection".split()
)
FILES = ("/dev/", "/proc/", "/sys/", "/etc/", "/tmp/", "/var/")  # noqa: S108  # looked for


def guarded(node: ast.AST, parents: dict[ast.AST, ast.AST]) -> bool:
    """Whether a node stands where its system was asked for first, or its absence is caught."""
    inside = node
    while (outside := parents.get(inside)) is not None:
        if isinstance(outside, ast.Try) and inside in outside.body:
            caught = {
                each.id
                for handler in outside.handlers
                for each in ast.walk(handler.type or ast.Name("BaseException"))
                if isinstance(each, ast.Name)
            }
            if caught & {"ImportError", "AttributeError", "NotImplementedError"}:
                return True
            # The other half of such a `try`.
        if isinstance(outside, ast.Try) and inside in outside.orelse:
            return True
        if isinstance(outside, ast.If | ast.IfExp) and is_asked(outside.test):
            return True
        if isinstance(outside, ast.FunctionDef | ast.AsyncFunctionDef):
            before = outside.body[: outside.body.index(inside)] if inside in outside.body else []
            if any(isinstance(each, ast.If) and leaves(each) for each in before):
                return True
        inside = outside
    return False


def is_asked(test: ast.expr) -> bool:
    text = ast.unparse(test)
    return any(
        word in text for word in ("sys.platform", "os.name", "_HAS_", "hasattr(", " is None")
    )


def leaves(node: ast.If) -> bool:
    return is_asked(node.test) and isinstance(node.body[-1], ast.Return | ast.Raise)


def unguarded(source: str) -> list[str]:
    """What a program uses that not every system has, without a guard."""
    tree = ast.parse(source)
    parents = {child: node for node in ast.walk(tree) for child in ast.iter_child_nodes(node)}
    documented = {node.value for node in ast.walk(tree) if isinstance(node, ast.Expr)}  # docstrings
    found = []
    for node in ast.walk(tree):
        used = []
        if isinstance(node, ast.Import):
            used = [each.name for each in node.names if each.name.split(".")[0] in MODULES]
        elif isinstance(node, ast.ImportFrom):
            module = node.module or ""
            used = [module] if module.split(".")[0] in MODULES else []
            used += [
                f"{module}.{each.name}" for each in node.names if each.name in NAMES.get(module, ())
            ]
        elif isinstance(node, ast.Attribute):
            whole = ast.unparse(node)
            module, _, name = whole.rpartition(".")
            if name in NAMES.get(module, ()) or name in METHODS:
                used = [whole]
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            used = [node.value] if node not in documented and node.value.startswith(FILES) else []
        found += [f"line {node.lineno}: {each}" for each in used if not guarded(node, parents)]
    return found


def test_nothing_that_only_some_systems_have_is_used_without_a_guard():
    found = {
        path.relative_to(ROOT).as_posix(): unguarded(path.read_text(encoding="utf-8"))
        for package in PACKAGES
        for path in package.rglob("*.py")
    }
    assert {"authflow/secret.py", "cognito_authflow/shadowing.py"} <= found.keys()
    assert {"plugins/otp/authflow_otp/trigger.py"} <= found.keys()
    assert {path: used for path, used in found.items() if used} == {}


@pytest.mark.parametrize(
    "program",
    [
        "import fcntl",
        "def f():\n    import termios",
        "from pwd import getpwnam",
        "import os\nos.open('x', os.O_CREAT | os.O_CLOEXEC)",
        "from os import fork",
        "import os\nos.fchmod(1, 2)",
        "import signal\nsignal.signal(signal.SIGHUP, print)",
        "loop.add_signal_handler(2, print)",
        "import anyio\nwith anyio.open_signal_receiver(2): ...",
        "open('/dev/null')",
        "try:\n    import fcntl\nexcept OSError: ...",
        "if x:\n    import fcntl",
        "def f():\n    if sys.platform == 'win32':\n        x()\n    import termios",
    ],
)
def test_a_use_without_a_guard_is_found(program: str):
    assert unguarded(program)


@pytest.mark.parametrize(
    "program",
    [
        "try:\n    import fcntl\nexcept ImportError:\n    fcntl = None",
        "if sys.platform != 'win32':\n    import fcntl",
        "def f():\n    if os.name == 'nt':\n        return\n    import termios",
        "getattr(os, 'O_CLOEXEC', 0)",
        "try:\n    loop.add_signal_handler(2, x)\nexcept NotImplementedError: ...",
        "'''Reads /dev/null.'''",
        "os.open('x', os.O_CREAT)",
    ],
)
def test_a_guard_is_seen(program: str):
    assert unguarded(program) == []


HIDDEN = """
import asyncio, os, signal, socket, sys
for name in {modules!r}:
    if name != "posix":  # Python itself is built on it here
        sys.modules[name] = None
kept = {{"os": os, "signal": signal, "socket": socket}}
for module, names in {names!r}.items():
    for name in names:
        # What Python's own library and our dependencies use on this system has to stay.
        if module in kept and hasattr(kept[module], name) and name not in {needed!r}:
            delattr(kept[module], name)
asyncio.SelectorEventLoop.add_signal_handler = asyncio.AbstractEventLoop.add_signal_handler
import threading, cognito_authflow, io
sys.stdin = io.StringIO("hidden\\n")
from authflow import AuthClient
from authflow.client import TerminalPrompt
from pathlib import Path
import anyio
prompt = TerminalPrompt(image_folder=Path("."))
print(anyio.run(lambda: prompt.ask("?", hidden=True)))
from authflow.cli import serve_command
from authflow.pool import server
class Ended(io.StringIO):
    def flush(self):
        if "endpoint" in self.getvalue():
            os.kill(os.getpid(), signal.SIGTERM)
async def serving():
    await server.serve(port=0, db={db!r}, out=Ended())
anyio.run(serving)
print("ended")
"""


def test_a_prompt_and_a_server_work_where_the_systems_own_parts_are_hidden(tmp_path: Path):
    needed = {"register_at_fork", "WEXITSTATUS", "AF_UNIX", "uname", "set_blocking", "geteuid"}
    program = HIDDEN.format(
        modules=sorted(MODULES),
        names={each: sorted(names) for each, names in NAMES.items()},
        needed=sorted(needed),
        db=str(tmp_path / "pool.sqlite"),
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False, timeout=50
    )
    assert done.stdout.splitlines() == ["hidden", "ended"], done.stderr
