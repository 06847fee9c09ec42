"""The CAPTCHAs do what every challenge plugin must do."""

import os
import subprocess
import sys
from collections.abc import Mapping
from pkgutil import resolve_name
from typing import Any, ClassVar

import pytest
from authflow_captcha.client import CaptchaPrompter
from authflow_captcha.conformance import (
    BothFormsClientSuite,
    CaptchaClientSuite,
    CaptchaSuite,
    SoundSuite,
)
from authflow_captcha.services import HCaptcha, ReCaptcha, Turnstile
from authflow_captcha.trigger import Captcha

from authflow.plugins import Secret
from authflow.testing import Made, TriggerChallengeSuite


class TestPicture(CaptchaSuite):
    pass


class TestSound(SoundSuite):
    pass


class TestClient(CaptchaClientSuite):
    pass


class TestClientOfBothForms(BothFormsClientSuite):
    pass


class Service(TriggerChallengeSuite):
    """A service's challenge, whose tokens a local server verifies."""

    anybody_can_answer = True
    compared_elsewhere = "the service"
    server: ClassVar[Any]
    more: ClassVar[Mapping[str, Any]] = {}

    @pytest.fixture(autouse=True)
    def _served(self, siteverify_in_a_thread: Any) -> None:
        type(self).server = siteverify_in_a_thread

    def make_settings(self) -> Mapping[str, Any]:
        return {
            "site_key": "key",
            "secret": Secret(self.server.secret),
            "hostnames": ["example.com"],
            "url": self.server.url,
            **self.more,
        }

    def right_answer(self, made: Made) -> str:
        token = f"token.{made.private['round']}"
        known = {"hostname": "example.com", "action": "sign_in"}
        self.server.tokens[token] = known | ({"score": 0.9} if self.challenge is ReCaptcha else {})
        return token


class TestTurnstile(Service):
    challenge = Turnstile
    more: ClassVar[Mapping[str, Any]] = {"action": "sign_in"}


class WithoutKeys(Service):
    """A service that does not give its verdict again, so that a lost one is lost."""

    def test_cancelling_verify_leaves_nothing_behind(self) -> None:
        pytest.skip("the service has used the token up before verify knows its verdict")


class TestHCaptcha(WithoutKeys):
    challenge = HCaptcha
    # It verifies as the others do, which are tried with every answer at every attempt.
    costly = "AUTHFLOW_ALL_CASES" not in os.environ


class TestReCaptcha(WithoutKeys):
    challenge = ReCaptcha
    more: ClassVar[Mapping[str, Any]] = {"version": "v3", "action": "sign_in"}


@pytest.mark.parametrize("half", [Captcha, CaptchaPrompter])
def test_a_half_names_the_suite_that_is_made_for_it(half: Any):
    assert resolve_name(half.conformance).challenge is half


def test_the_halves_can_be_imported_without_what_tests_them():
    code = (
        "import sys, authflow_captcha.client, authflow_captcha.services, authflow_captcha.trigger;"
        "sys.exit(any(name.startswith('authflow.testing') for name in sys.modules))"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=30)
