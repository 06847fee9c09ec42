"""An authenticator app, as a user has it on the phone."""

import pyotp

_STEP_SECONDS = 30


def code_at(secret: str, now: float) -> str:
    """Return the code that the app shows (RFC 6238).

    Args:
        secret: In base32, as the pool has given it.
        now: Seconds since the epoch.
    """
    return pyotp.HOTP(secret).at(int(now) // _STEP_SECONDS)


def other_than(code: str) -> str:
    """Return a code that is far from a right one."""
    return f"{(int(code) + 500_000) % 10 ** len(code):0{len(code)}}"
