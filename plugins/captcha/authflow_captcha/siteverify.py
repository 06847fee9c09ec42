"""The verification of a token by its service: one POST, and a strictly checked reply.

Turnstile, hCaptcha and reCAPTCHA have one interface: a form with `secret` and `response` goes in, a
JSON object with `success`, `hostname` and `error-codes` comes out. Anything but a clear yes is a
no, and where the service cannot tell there is an error: a sign-in never goes on because a service
is down. The secret and the token travel in the body; errors and logs hold neither.

Sources: "Validate the token" of the Turnstile documentation; "Verify the user response server side"
of the hCaptcha documentation; "Verifying the user's response" of the reCAPTCHA documentation.
"""

import json
import logging
import re
from collections.abc import Mapping
from typing import Any, Final

import aiohttp
from attrs import field, frozen

from authflow.plugins import Secret
from authflow_captcha.errors import (
    ServiceRefusedError,
    ServiceReplyError,
    ServiceUnavailableError,
)

_LARGEST_REPLY: Final = 64 * 1024
_CODE: Final = re.compile(r"[a-z-]{1,64}")

_OUR_FAULT: Final = frozenset(
    {
        "missing-input-secret",
        "invalid-input-secret",
        "invalid-keys",
        "sitekey-secret-mismatch",
        "not-using-dummy-secret",
        "not-using-dummy-passcode",
        "bad-request",
    }
)
"""Error codes for which another token would not help."""
_THEIR_FAULT: Final = frozenset({"internal-error"})
_SPENT: Final = frozenset(
    {
        "timeout-or-duplicate",
        "expired-input-response",
        "already-seen-response",
        "invalid-or-already-seen-response",
    }
)

_log: Final = logging.getLogger("authflow.captcha")


@frozen(kw_only=True)
class ServiceVerdict:
    """A service's verdict on a token.

    Args:
        success: Whether the token is good, as far as the service knows.
        is_spent: It was good once: it was used before, or has expired.
        hostname: Where the widget was shown.
        action: What the widget was shown for.
        score: From 0.0, a program, to 1.0, a person.
    """

    success: bool
    is_spent: bool = False
    hostname: str | None = None
    action: str | None = None
    score: float | None = None


@frozen(kw_only=True)
class SiteVerify:
    """The verification address of one service.

    Args:
        service: Its name, for errors.
        url: Where it is asked.
        secret: Our secret there.
        timeout: How many seconds it may take.
    """

    service: str
    url: str
    secret: Secret[str] = field(hash=False)
    timeout: float

    async def ask(self, token: Secret[str], more: Mapping[str, str]) -> ServiceVerdict:
        """Ask whether a token is valid, which uses it up at the service.

        Args:
            token: What the widget gave.
            more: Further members of the form.

        Raises:
            ServiceUnavailableError: It cannot be reached, fails, or takes too long.
            ServiceRefusedError: It does not know our secret, or does not take our request.
            ServiceReplyError: It says something that cannot be understood.
        """
        given = await self._post(token, more)
        if isinstance(given, str):
            msg = f"{self.service} cannot be asked: {given}"
            raise ServiceUnavailableError(msg)
        status, body = given
        if status >= 500 or status in {408, 429} or 300 <= status < 400:
            msg = f"{self.service} cannot verify now: HTTP status {status}"
            raise ServiceUnavailableError(msg)
        return self._verdict(status, body)

    async def _post(
        self, token: Secret[str], more: Mapping[str, str]
    ) -> tuple[int, bytes | None] | str:
        """Post the form. A failure is returned as a text, since an error would hold the form."""
        form = {"secret": self.secret.reveal(), "response": token.reveal(), **more}
        try:
            async with (
                aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=self.timeout)) as session,
                # A redirect would send the secret to another host, or without TLS.
                session.post(self.url, data=form, allow_redirects=False) as reply,
            ):
                return reply.status, await _read(reply)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            return type(error).__name__

    def _verdict(self, status: int, body: bytes | None) -> ServiceVerdict:
        try:
            said = json.loads(body) if body is not None else None
        except (ValueError, RecursionError):
            said = None
        if not isinstance(said, dict) or not isinstance(said.get("success"), bool):
            raise ServiceReplyError(f"{self.service} gave something else than a verdict")
        if said["success"] and status != 200:
            raise ServiceReplyError(f"{self.service} gave a yes with the HTTP status {status}")
        codes = _codes(said.get("error-codes"))
        if not said["success"]:
            _log.info("%s refused a token: %s", self.service, ", ".join(sorted(codes)) or "no code")
            self._blame(codes)
        return ServiceVerdict(
            success=said["success"],
            is_spent=bool(codes & _SPENT),
            hostname=_text(said.get("hostname")),
            action=_text(said.get("action")),
            score=_score(said.get("score")),
        )

    def _blame(self, codes: frozenset[str]) -> None:
        if codes & _THEIR_FAULT:
            raise ServiceUnavailableError(f"{self.service} cannot verify now: it failed")
        if ours := codes & _OUR_FAULT:
            msg = (
                f"{self.service} does not take our request ({', '.join(sorted(ours))}): check the"
                " secret and the site key"
            )
            _log.error("%s", msg)
            raise ServiceRefusedError(msg)


async def _read(reply: aiohttp.ClientResponse) -> bytes | None:
    """Read a reply; return None if it is longer than any verdict."""
    body = bytearray()
    async for chunk in reply.content.iter_chunked(_LARGEST_REPLY):
        body += chunk
        if len(body) > _LARGEST_REPLY:
            return None
    return bytes(body)


def _codes(codes: Any) -> frozenset[str]:
    """Return the texts that look like error codes; others could forge lines of a log."""
    listed = codes if isinstance(codes, list) else []
    return frozenset(code for code in listed if isinstance(code, str) and _CODE.fullmatch(code))


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _score(value: Any) -> float | None:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if is_number and 0 <= value <= 1 else None
