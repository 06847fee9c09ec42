"""The conformance suites, run by `authflow plugins check` and by the tests.

They need the extra `pool` of cognito-authflow. The halves name their suites as text, so that none
imports this module.
"""

from collections.abc import Mapping
from typing import Any, ClassVar, Final

from attrs import define, frozen

from authflow.keys import KeyRing
from authflow.plugins import Secret
from authflow.stores import MemoryStore
from authflow.testing import ClientChallengeSuite, Made, Outbox, TriggerChallengeSuite
from authflow_otp.authenticator import PERIOD, Hotp, Totp, code_at
from authflow_otp.client import HotpPrompter, LinkPrompter, OtpPrompter, TotpPrompter
from authflow_otp.confirmations import Confirmations
from authflow_otp.destinations import Medium
from authflow_otp.enrolments import AuthenticatorEnrolment, Kept, Owner, SealedSecretStore
from authflow_otp.link import Link
from authflow_otp.messages import Message
from authflow_otp.pasted_links import token_of
from authflow_otp.trigger import Otp

_ENROLLED: Final = frozenset({"ada", "grace"})
"""The users of the suites."""


@frozen
class _Mailer:
    """A sender that puts messages into the suite's outbox."""

    medium: ClassVar[Medium] = Medium.EMAIL
    outbox: Outbox

    async def send(self, message: Message) -> None:
        await self.outbox.send(message.destination, message.text)


class _Texter(_Mailer):
    medium = Medium.SMS


class OtpSuite(TriggerChallengeSuite):
    """The trigger half of `otp`, by e-mail."""

    challenge: ClassVar[type[Any]] = Otp
    lifetime: ClassVar[float | None] = 300
    sender: ClassVar[type[_Mailer]] = _Mailer

    def make_settings(self) -> Mapping[str, Any]:
        """Return settings with which codes are sent to the suite's outbox."""
        return {"sender": self.sender(self.outbox), "purpose": "Example Shop", "pace": 0}

    def right_answer(self, made: Made) -> str:
        """Return the code that was sent."""
        return made.private["digits"]


class OtpBySmsSuite(OtpSuite):
    """The trigger half of `otp`, by SMS."""

    sender = _Texter


class LinkSuite(TriggerChallengeSuite):
    """The trigger half of `link`, for the same browser alone."""

    challenge: ClassVar[type[Any]] = Link
    lifetime: ClassVar[float | None] = 300

    def make_settings(self) -> Mapping[str, Any]:
        """Return settings with which links are sent to the suite's outbox."""
        return {
            "sender": _Mailer(self.outbox),
            "purpose": "Example Shop",
            "url": "https://shop.example.com/link",
            "pace": 0,
        }

    def right_answer(self, made: Made) -> str:
        """Return the token of the link that was sent."""
        return made.private["token"]

    def same(self, made: Made, answer: str) -> str:
        """Return the token in a text: words around it make no other answer."""
        return token_of(answer) or TriggerChallengeSuite.same(self, made, answer)


class LinkAnywhereSuite(LinkSuite):
    """The trigger half of `link`, which may be opened in another browser."""

    # A name of the link under a key: it changes with the link, and tells nothing of it.
    asks = ("waitsFor",)

    def make_settings(self) -> Mapping[str, Any]:
        """Return settings with a store for confirmations."""
        anywhere = Confirmations(entries=MemoryStore(), keys=self.keys)
        return {**LinkSuite.make_settings(self), "anywhere": anywhere}


@define(eq=False)
class _EnrolledSecrets(SealedSecretStore):
    """A store in which the users are enrolled, in whatever pool the suite makes."""

    async def get(self, owner: Owner) -> Kept | None:
        kept = await SealedSecretStore.get(self, owner)
        if kept is None and owner.username in _ENROLLED:
            await self.replace(owner, _enrolment_of(owner.username), expected=None)
            kept = await SealedSecretStore.get(self, owner)
        return kept


def _enrolment_of(username: str) -> AuthenticatorEnrolment:
    return AuthenticatorEnrolment(secret=Secret(username.encode().ljust(20, b".")), confirmed=True)


class _AuthenticatorSuite(TriggerChallengeSuite):
    def make_settings(self) -> Mapping[str, Any]:
        """Return settings with a store in which the users are enrolled."""
        return {"store": _EnrolledSecrets(entries=MemoryStore(), keys=KeyRing.generate())}


class TotpSuite(_AuthenticatorSuite):
    """The trigger half of `totp`.

    It states no lifetime: how long a code is right depends on when its step began.
    """

    challenge: ClassVar[type[Any]] = Totp

    def right_answer(self, made: Made) -> str:
        """Return the code that the app shows."""
        return code_at(_enrolment_of(made.username), int(made.now // PERIOD))


class HotpSuite(_AuthenticatorSuite):
    """The trigger half of `hotp`."""

    challenge: ClassVar[type[Any]] = Hotp

    def right_answer(self, made: Made) -> str:
        """Return the token's first code."""
        return code_at(_enrolment_of(made.username), 0)


class OtpClientSuite(ClientChallengeSuite):
    """The client half of `otp`."""

    challenge: ClassVar[type[Any]] = OtpPrompter
    trigger = OtpSuite


class LinkClientSuite(ClientChallengeSuite):
    """The client half of `link`."""

    challenge: ClassVar[type[Any]] = LinkPrompter
    trigger = LinkSuite


class TotpClientSuite(ClientChallengeSuite):
    """The client half of `totp`."""

    challenge: ClassVar[type[Any]] = TotpPrompter
    trigger = TotpSuite


class HotpClientSuite(ClientChallengeSuite):
    """The client half of `hotp`."""

    challenge: ClassVar[type[Any]] = HotpPrompter
    trigger = HotpSuite
