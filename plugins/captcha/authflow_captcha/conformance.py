"""The conformance suites, run by `authflow plugins check captcha` and by the tests.

They need the extra `pool` of cognito-authflow. The halves name their suites as text, so that
neither imports this module.
"""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from authflow.testing import ClientChallengeSuite, Made, TriggerChallengeSuite
from authflow_captcha.client import CaptchaPrompter
from authflow_captcha.trigger import Captcha


class CaptchaSuite(TriggerChallengeSuite):
    """The trigger half with its defaults: a picture."""

    challenge: ClassVar[type[Any]] = Captcha
    anybody_can_answer: ClassVar[bool] = True
    lifetime: ClassVar[float | None] = 300


class SoundSuite(CaptchaSuite):
    """The trigger half that makes a sound."""

    costly: ClassVar[bool] = True
    settings: ClassVar[Mapping[str, Any]] = {"form": "audio", "lifetime": 60}
    lifetime: ClassVar[float | None] = 60

    def right_answer(self, made: Made) -> str:
        """Return the spoken digits."""
        return made.private["spoken"]


class BothFormsSuite(CaptchaSuite):
    """The trigger half that makes a picture and a sound."""

    costly: ClassVar[bool] = True
    settings: ClassVar[Mapping[str, Any]] = {"form": "both"}


class CaptchaClientSuite(ClientChallengeSuite):
    """The client half, asked about a picture."""

    challenge: ClassVar[type[Any]] = CaptchaPrompter
    trigger = CaptchaSuite


class BothFormsClientSuite(CaptchaClientSuite):
    """The client half, which lets the person choose the picture."""

    trigger = BothFormsSuite

    def typed(self, answer: str) -> Sequence[str]:
        """Return the choice of the picture, and its text."""
        return ("picture", answer)
