"""The client halves for CAPTCHAs of services: a browser shows a widget, which makes the token.

A terminal cannot do that, and so the form is declined there: the caller gets `ChallengeRequired`,
whose form says what a page needs to show the widget.
"""

import re
from typing import ClassVar, Final

from authflow.plugins import Challenge, Filled, Form, PluginFailedError, WidgetField

LONGEST_KEY: Final = 256
_TOKEN: Final = "token"
_KEY: Final = re.compile(r"[A-Za-z0-9_.-]+")
_ACTION: Final = re.compile(r"[A-Za-z0-9_/-]{1,100}")
_VERSIONS: Final = frozenset({"v2", "v3"})


class _WidgetPrompter:
    """Answers with the token of a widget."""

    name: ClassVar[str]
    interface: ClassVar[int] = 2
    script: ClassVar[str]
    """The address of the service's script, as the service documents it."""

    def form(self, challenge: Challenge) -> Form:
        """Return the form that asks for the widget's token.

        Raises:
            PluginFailedError: The challenge is not one of this service.
        """
        return Form(parts=(_widget(self.name, self.script, challenge),))

    def read(self, _challenge: Challenge, filled: Filled) -> str:
        """Return the token."""
        return filled[_TOKEN]


class TurnstilePrompter(_WidgetPrompter):
    """Answers a challenge of Cloudflare's Turnstile."""

    name: ClassVar[str] = "turnstile"
    script: ClassVar[str] = "https://challenges.cloudflare.com/turnstile/v0/api.js"


class HCaptchaPrompter(_WidgetPrompter):
    """Answers a challenge of hCaptcha."""

    name: ClassVar[str] = "hcaptcha"
    script: ClassVar[str] = "https://js.hcaptcha.com/1/api.js"


class ReCaptchaPrompter(_WidgetPrompter):
    """Answers a challenge of Google's reCAPTCHA."""

    name: ClassVar[str] = "recaptcha"
    script: ClassVar[str] = "https://www.google.com/recaptcha/api.js"


def _widget(service: str, script: str, challenge: Challenge) -> WidgetField:
    site_key = challenge.parameters.get("siteKey", "")
    action = challenge.parameters.get("action")
    version = challenge.parameters.get("version")
    if (
        len(site_key) > LONGEST_KEY
        or _KEY.fullmatch(site_key) is None
        or (action is not None and _ACTION.fullmatch(action) is None)
        or version not in _VERSIONS | {None}
    ):
        msg = f"{service}: the challenge lacks what its widget needs, or it is malformed"
        raise PluginFailedError(msg)
    return WidgetField(
        name=_TOKEN,
        label=f"Solve the CAPTCHA of {service}.",
        service=service,
        site_key=site_key,
        script=script,
        action=action,
        version=version,
    )
