"""The client halves for CAPTCHAs of services: a browser shows their widget and gives the token.

A terminal cannot do that. So these decline, and the caller gets `ChallengeRequired` with what a
page needs to show the widget; or the prompt can do it: a web face's prompt has the one method more
of `BrowserPrompt`.
"""

import re
from typing import ClassVar, Final, Protocol, runtime_checkable

from attrs import frozen

from authflow.plugins import Challenge, Declined, PluginFailedError, Prompt

LONGEST_KEY: Final = 256
_KEY: Final = re.compile(r"[A-Za-z0-9_.-]+")
_ACTION: Final = re.compile(r"[A-Za-z0-9_/-]{1,100}")
_VERSIONS: Final = frozenset({"v2", "v3"})


@frozen(kw_only=True)
class Widget:
    """What a page needs to show a service's widget. It is checked: a page may put it into HTML.

    Args:
        service: "turnstile", "hcaptcha" or "recaptcha".
        site_key: The public key.
        action: What the widget is shown for.
        version: Of reCAPTCHA: "v2" or "v3".
    """

    service: str
    site_key: str
    action: str | None = None
    version: str | None = None


@runtime_checkable
class BrowserPrompt(Prompt, Protocol):
    """A prompt that can show the widget of a CAPTCHA service."""

    async def solve_widget(self, widget: Widget) -> str:
        """Show a widget, and give the token that it makes.

        Args:
            widget: Which one.
        """


class _WidgetPrompter:
    """Answers by a prompt's widget, or declines."""

    name: ClassVar[str]
    interface: ClassVar[int] = 1

    async def answer(self, challenge: Challenge, prompt: Prompt) -> str | Declined:
        """Have the prompt show the widget, if it can.

        Raises:
            PluginFailedError: The challenge is not one of this service.
        """
        widget = _widget(self.name, challenge)
        if not isinstance(prompt, BrowserPrompt):
            return Declined(f"{self.name} needs a browser: show its widget, and answer its token")
        return await prompt.solve_widget(widget)


class TurnstilePrompter(_WidgetPrompter):
    """Answers a challenge of Cloudflare's Turnstile."""

    name: ClassVar[str] = "turnstile"


class HCaptchaPrompter(_WidgetPrompter):
    """Answers a challenge of hCaptcha."""

    name: ClassVar[str] = "hcaptcha"


class ReCaptchaPrompter(_WidgetPrompter):
    """Answers a challenge of Google's reCAPTCHA."""

    name: ClassVar[str] = "recaptcha"


def _widget(service: str, challenge: Challenge) -> Widget:
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
    return Widget(service=service, site_key=site_key, action=action, version=version)
