"""The client halves for services: they hand a widget to who can show it, and else decline."""

import subprocess
import sys
from typing import Any

import pytest
from attrs import define, field
from authflow_captcha.browser import (
    LONGEST_KEY,
    HCaptchaPrompter,
    ReCaptchaPrompter,
    TurnstilePrompter,
)

from authflow.errors import PluginFailedError
from authflow.plugins import (
    CLIENT_CHALLENGES,
    Challenge,
    Declined,
    PluginRegistry,
    WidgetField,
    answer_by_form,
)
from authflow.prompts import ScriptedPrompt

KEY = "0x4AAAAAAADnPIDROrmt1Wwj"
CLASSES: dict[str, Any] = {
    "turnstile": TurnstilePrompter,
    "hcaptcha": HCaptchaPrompter,
    "recaptcha": ReCaptchaPrompter,
}
all_services = pytest.mark.parametrize("name", list(CLASSES))


@define
class Page(ScriptedPrompt):
    """A prompt that shows widgets: a page would load the service's script."""

    widgets: list[WidgetField] = field(factory=list, init=False)

    async def solve_widget(self, widget: WidgetField) -> str:
        self.widgets.append(widget)
        return await self.ask("")


def challenge(name: str, **parameters: str) -> Challenge:
    return Challenge(name="CUSTOM_CHALLENGE", kind=name, parameters=parameters)


@all_services
async def test_without_a_browser_it_declines_and_says_why(name: str) -> None:
    prompt = ScriptedPrompt(["never given"])
    given = await answer_by_form(CLASSES[name](), challenge(name, siteKey=KEY), prompt)
    assert isinstance(given, Declined)
    assert given.reason.startswith(f"{name} needs a browser")
    assert await prompt.ask("") == "never given"


@all_services
async def test_a_prompt_that_shows_widgets_gives_the_token(name: str) -> None:
    page = Page(["token"])
    parameters = {"siteKey": KEY, "action": "sign-in", "version": "v3"}
    assert await answer_by_form(CLASSES[name](), challenge(name, **parameters), page) == "token"
    (widget,) = page.widgets
    assert (widget.service, widget.site_key) == (name, KEY)
    assert (widget.action, widget.version) == ("sign-in", "v3")
    assert widget.script == CLASSES[name].script


@all_services
@pytest.mark.parametrize(
    "parameters",
    [
        {},
        {"siteKey": ""},
        {"siteKey": '"><script>alert(1)</script>'},
        {"siteKey": "a b"},
        {"siteKey": "x" * (LONGEST_KEY + 1)},
        {"siteKey": KEY, "action": ""},
        {"siteKey": KEY, "action": "sign in"},
        {"siteKey": KEY, "version": "v9"},
    ],
)
async def test_what_a_page_must_not_get_is_refused(name: str, parameters: dict[str, str]) -> None:
    page = Page(["token"])
    with pytest.raises(PluginFailedError, match="lacks what its widget needs"):
        await answer_by_form(CLASSES[name](), challenge(name, **parameters), page)
    assert page.widgets == []


@all_services
def test_it_is_found_by_its_entry_point(name: str) -> None:
    assert PluginRegistry(CLIENT_CHALLENGES).find(name) is CLASSES[name]


def test_importing_it_loads_neither_pictures_nor_triggers() -> None:
    code = (
        "import sys, authflow_captcha.browser; "
        "print([m for m in sys.modules if m.split('.')[0] in ('PIL', 'captcha')"
        " or m.startswith(('authflow.triggers', 'authflow_captcha.trigger', 'authflow.pool'))])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
