"""The demo, as a user runs it."""

import os
import pty
import re
import subprocess
import sys

import pytest

COMMAND = [sys.executable, "-m", "authflow", "demo"]


def test_without_a_terminal_it_answers_by_itself_and_everything_happens():
    done = subprocess.run(
        COMMAND, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, timeout=50
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stderr == ""
    told = done.stdout
    assert "What happened" in told
    assert "FAILED" not in told
    assert told.count("✓") == 6
    assert re.search(r"attempt 2 of 3", told)
    for operation in ("InitiateAuth", "RespondToAuthChallenge", "GetTokensFromRefreshToken"):
        assert operation in told
    assert "eyJ" not in told  # no token is shown, whole or in part


@pytest.mark.parametrize("answers", [["nonsense", "wrong", "again"]])
def test_a_person_who_cannot_read_the_captcha_fails_that_step_and_the_exit_code(answers):
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        COMMAND, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True, close_fds=True
    ) as process:
        os.close(theirs)
        seen = b""
        asked = 0
        try:
            while chunk := os.read(ours, 65536):
                seen += chunk
                if seen.count(b"Which characters") > asked:
                    os.write(ours, answers[asked].encode() + b"\n")
                    asked += 1
        except OSError:
            pass  # a pseudo-terminal ends so on Linux
        try:
            code = process.wait(timeout=20)
        finally:
            process.kill()
    os.close(ours)
    assert asked == 3
    assert code == 1
    assert b"FAILED" in seen
    assert seen.count("✓".encode()) == 5
