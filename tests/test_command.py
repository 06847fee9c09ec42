"""The command as a process: how it begins, how signals end it, and what lies over it."""

import os
import shutil
import signal
import subprocess
import sys
import sysconfig
from base64 import urlsafe_b64encode
from hashlib import sha256
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import authflow
import cognito_authflow
from authflow.cli import main
from cognito_authflow import shadowing

SLOW = """
import sys, time
sys.stderr.write("now\\n")
sys.stderr.flush()
time.sleep(60)
"""
SLOW_HANDLER = """
import sys, time

def handler(event, context):
    sys.stderr.write("now\\n")
    sys.stderr.flush()
    try:
        time.sleep(60)
    except BaseException:
        return event
"""


def begun(*arguments: str, cwd: Path, said: str) -> subprocess.Popen[str]:
    """Start the command, and wait until it says something."""
    program = "import sys, cognito_authflow as c; c._GRACE = 0.1; sys.exit(c.main())"
    process = subprocess.Popen(
        [sys.executable, "-c", program, *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        cwd=cwd,
    )
    for line in process.stdout:
        if said in line:
            return process
    pytest.fail(f"it ended with {process.wait()}")


def test_a_signal_ends_every_command_with_its_code_wherever_it_is(tmp_path: Path):
    (tmp_path / "slow_module.py").write_text(SLOW)
    (tmp_path / "slow_handler.py").write_text(SLOW_HANDLER)
    calls = [
        (["demo"], "A user pool runs", signal.SIGINT, 130),
        (["serve", "--port", "0", "--triggers", "slow_module:x"], "now", signal.SIGTERM, 143),
        # A handler that swallows it is no acquittal.
        (["check", "slow_handler:handler"], "now", signal.SIGINT, 130),
    ]
    for arguments, said, number, code in calls:
        with begun(*arguments, cwd=tmp_path, said=said) as process:
            process.send_signal(number)
            try:
                told = process.communicate(timeout=30)[0]
            finally:
                process.kill()
        assert process.returncode == code, (arguments, told)
        assert "Traceback" not in told
        assert "KeyboardInterrupt" not in told


@pytest.mark.parametrize(
    "arguments", [["plugins"], ["doctor"], ["diagram", "CUSTOM_AUTH"], ["keys", "new"]]
)
def test_ctrl_c_in_any_command_is_code_130_and_no_traceback(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], arguments: list[str]
):
    class Interrupted:
        def write(self, text: str) -> int:
            raise KeyboardInterrupt

        def flush(self) -> None: ...

    monkeypatch.setattr(sys, "stdout", Interrupted())
    assert main(arguments) == 130
    assert capsys.readouterr().err == ""


@pytest.fixture(autouse=True)
def _handlers(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Restore the handlers of signals: what is tested is the whole life of a process."""
    monkeypatch.setattr(cognito_authflow, "_insist", lambda code: None)  # it would end pytest
    before = {each: signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)], ids=["SIGINT", "SIGTERM"]
)
def test_a_signal_that_was_swallowed_is_not_forgotten_and_a_second_one_ends_at_once(
    monkeypatch: pytest.MonkeyPatch, number: signal.Signals, code: int
):
    left = []

    def swallowing() -> int:
        try:
            os.kill(os.getpid(), number)
        except BaseException:  # noqa: BLE001  # as some module does at its import
            left.append(signal.getsignal(number))
        return 0

    signal.signal(number, signal.SIG_DFL)
    monkeypatch.setattr("authflow.cli.main", swallowing)
    assert cognito_authflow.main() == code
    assert left == [signal.SIG_DFL]


def test_a_signal_that_is_ignored_stays_ignored(monkeypatch: pytest.MonkeyPatch):
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # as in the background of a script
    monkeypatch.setattr("authflow.cli.main", lambda: os.kill(os.getpid(), signal.SIGINT) or 3)
    assert cognito_authflow.main() == 3
    assert signal.getsignal(signal.SIGINT) == signal.SIG_IGN


THEIRS = '"""Another distribution\'s."""\n__all__ = ["AuthFlow", "setup_auth"]\n'
THEIRS_FAILS = "import a_framework_that_is_not_installed\n"


def lain_over(tmp_path: Path, content: str | None) -> None:
    """Our package, as it is where another distribution's files lie over it."""
    ours = Path(authflow.__file__).parent
    (tmp_path / "authflow").mkdir()
    for each in ours.iterdir():
        if each.name not in {"__init__.py", "__pycache__"}:
            (tmp_path / "authflow" / each.name).symlink_to(each)
    if content is not None:
        (tmp_path / "authflow" / "__init__.py").write_text(content)
    folder = Path(cognito_authflow.__file__).parent
    (tmp_path / "cognito_authflow").symlink_to(folder)
    info = tmp_path / "authflow-0.4.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: authflow\nVersion: 0.4.0\n")


@pytest.mark.parametrize("content", [THEIRS, THEIRS_FAILS, None], ids=["theirs", "fails", "none"])
def test_where_another_distribution_lies_over_ours_the_command_and_imports_say_what_to_do(
    tmp_path: Path, content: str | None
):
    lain_over(tmp_path, content)
    program = f"""
import sys
# Without what makes our checkout importable: there is one package `authflow` in the end.
sys.path[:0] = [{str(tmp_path)!r}, {sysconfig.get_path("purelib")!r}]
import cognito_authflow
sys.argv[1:] = ["doctor"]
print(cognito_authflow.main(), flush=True)
for name in ("client", "triggers", "plugins"):
    try:
        __import__("authflow." + name)
    except ImportError as error:
        print(error)
"""
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", program], capture_output=True, text=True, check=True
    )
    code, *others = done.stdout.splitlines()
    assert code == "1"
    (told,) = done.stderr.splitlines()
    assert told.startswith("authflow: ")
    for each in [told] if content is THEIRS_FAILS else [told, *others]:
        assert "distribution authflow 0.4.0" in each
        assert "pip uninstall -y authflow" in each
        assert "pip install --force-reinstall --no-deps cognito-authflow" in each
    assert len(others) == 3


def test_an_import_that_fails_for_another_reason_is_not_blamed_on_anybody(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setitem(sys.modules, "authflow.cli", None)
    assert cognito_authflow.main() == 1
    (told,) = capsys.readouterr().err.splitlines()
    assert "pip install --force-reinstall cognito-authflow`" in told
    assert "distribution" not in told


def test_a_fault_of_a_command_itself_keeps_its_traceback(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("authflow.cli.main", lambda: {}["canary"])
    with pytest.raises(KeyError):
        cognito_authflow.main()


CLASHES = {
    "errors of another": ("errors.py", "class KeycloakError(Exception): ...\n"),
    "errors that fail": ("errors.py", "raise RuntimeError('\\x1b[2J' * 999)\n"),
    "a lazy module of another": ("cli/doctor_command.py", "run = None\n"),
    "a missing module": ("lazy_names.py", None),
    "an __init__ that fails": ("__init__.py", THEIRS_FAILS),
}


@pytest.mark.parametrize("clash", CLASHES)
def test_where_files_are_mixed_and_nobody_else_is_installed_any_more_it_says_so(
    tmp_path: Path, clash: str
):
    name, content = CLASHES[clash]
    shutil.copytree(
        Path(authflow.__file__).parent,
        tmp_path / "authflow",
        ignore=shutil.ignore_patterns("__pycache__"),
    )
    (tmp_path / "cognito_authflow").symlink_to(Path(cognito_authflow.__file__).parent)
    info = tmp_path / "cognito_authflow-0.1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: cognito-authflow\nVersion: 0.1.0\n"
    )
    with (info / "RECORD").open("w") as record:
        for file in sorted((tmp_path / "authflow").rglob("*.py")):
            digest = urlsafe_b64encode(sha256(file.read_bytes()).digest()).rstrip(b"=").decode()
            record.write(f"{file.relative_to(tmp_path)},sha256={digest},{file.stat().st_size}\n")
    (tmp_path / "authflow" / name).unlink()
    if content is not None:
        (tmp_path / "authflow" / name).write_text(content)
    program = f"""
import sys
sys.path[:0] = [{str(tmp_path)!r}, {sysconfig.get_path("purelib")!r}]
import cognito_authflow
sys.argv[1:] = ["doctor"]
sys.exit(cognito_authflow.main())
"""
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", program], capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    (told,) = done.stderr.splitlines()
    assert (
        f"1 of the files of cognito-authflow are missing or not its own, such as authflow/{name}"
        in told
    )
    assert "pip install --force-reinstall --no-deps cognito-authflow" in told
    assert told.isprintable()


@pytest.mark.parametrize(
    ("place", "told"),
    [(None, "__init__.py is missing"), ("/home/me/authflow.py", "rename it, if it is yours")],
)
def test_a_package_that_is_nobodys_is_told_by_its_place(
    monkeypatch: pytest.MonkeyPatch, place: str | None, told: str
):
    stranger = ModuleType("authflow")
    if place:
        stranger.__file__ = place
    monkeypatch.setitem(sys.modules, "authflow", stranger)
    assert told in str(shadowing.advice())


def test_ours_alone_needs_no_advice(monkeypatch: pytest.MonkeyPatch):
    assert shadowing.is_ours(authflow)
    assert shadowing.advice() is None
    monkeypatch.delitem(sys.modules, "authflow")
    assert shadowing.advice() is None
