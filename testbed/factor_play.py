"""Scenarios of sign-ins, as data: what is done, what is sent for it, and what becomes of it.

`steps` are taken in turn. A step that has an `answer` answers the last challenge; one that has a
`refresh` uses the last refresh token; any other begins a sign-in. Before it `wait` seconds pass,
and the administrator forgets the user's device if it is `forgotten`. `elsewhere` is the place
where it is taken; `word` is the password, "right" if it is left out; `by` is the device, if it is
not the one that the client finds. It has the requests that are `sent`, each with the members of a
device and of a secret that are in it. It `raises`; or it is `signed_in`, from a `device` that is
"new" or the "same"; or a challenge is `asked`.
"""

from collections.abc import Mapping
from typing import Any, Final

import pyotp
import pytest
from attrs import define, evolve

from authflow import ChallengeRequired, Device, SignedIn, SignInResult, errors
from authflow.answers import Choice, Code, EmailAddress, NewPassword, TypedAnswer
from authflow.machine import AuthFlow
from authflow.secret import Secret
from authflow.testing import MovableClock

PASSWORD: Final = "Correct-horse-1"
TEMPORARY: Final = "Temporary-1"
SMS, TOTP, EMAIL = "SMS_MFA", "SOFTWARE_TOKEN_MFA", "EMAIL_OTP"
PREFERENCES: Final = {
    SMS: "SMSMfaSettings",
    TOTP: "SoftwareTokenMfaSettings",
    EMAIL: "EmailMfaSettings",
}
MAY_CARRY_METADATA: Final = {"InitiateAuth", "RespondToAuthChallenge"}
TOLD: Final = ("DEVICE_KEY", "DeviceKey", "SECRET_HASH", "ClientSecret")


@define
class Play:
    """One scenario, played by a `BackToBack` or a `ForReal`.

    Args:
        scenario: The scenario.
        player: Who plays it.
        owner: Calls the pool's operations, and reads the user's mail.
        clock: The time of both sides.
        name: The user's.
        attributes: The user's, beside those of the scenario.
        key: That of the user's authenticator.
        last: The last right code.
        pending: The last challenge.
        signed_in: The last result.
    """

    scenario: dict[str, Any]
    player: Any
    owner: Any
    clock: MovableClock
    name: str
    attributes: Mapping[str, str] = {}
    key: str = ""
    last: str = ""
    pending: Any = None
    signed_in: Any = None

    async def call(self, operation: str, **members: Any) -> Any:
        """Call an operation of the pool's owner."""
        return await self.owner.call(operation, UserPoolId=self.pool_id, **members)

    @property
    def pool_id(self) -> str:
        """The pool's id."""
        pool_id: str = getattr(self.owner, "user_pool_id", None) or self.owner.pool_id
        return pool_id

    async def prepare(self, settings: dict[str, Any]) -> None:
        """Make the user, who has what the scenario says; then say who needs a factor."""
        user, named = self.scenario["user"], {"Username": self.name}
        has = {*user.get("has", ()), *user.get("on", ())}
        addresses = {SMS: ("phone_number", "+15550100001"), EMAIL: ("email", "ann@example.org")}
        attributes = dict(addresses[factor] for factor in sorted(has - {TOTP}))
        await self.call("SetUserPoolMfaConfig", MfaConfiguration="OPTIONAL", **settings)
        await self.call(
            "AdminCreateUser",
            **named,
            UserAttributes=[
                {"Name": name, "Value": value}
                for name, value in {**attributes, **self.attributes}.items()
            ],
            TemporaryPassword=TEMPORARY,
            MessageAction="SUPPRESS",
        )
        if not user.get("temporary"):
            await self.call("AdminSetUserPassword", **named, Password=PASSWORD, Permanent=True)
        if TOTP in has:
            await self._enrol()
        if user.get("on"):
            wishes = {
                PREFERENCES[each]: {"Enabled": True, "PreferredMfa": each == user.get("preferred")}
                for each in user["on"]
            }
            await self.call("AdminSetUserMFAPreference", **named, **wishes)
        if self.scenario["mfa"] != "OPTIONAL":
            mode = self.scenario["mfa"]
            await self.call("SetUserPoolMfaConfig", MfaConfiguration=mode, **settings)

    async def _enrol(self) -> None:
        signed_in = await self.player.sign_in(AuthFlow.USER_PASSWORD_AUTH, self.name, PASSWORD)
        token = signed_in.tokens.access_token.reveal()
        associated = await self.owner.call("AssociateSoftwareToken", AccessToken=token)
        self.key = associated["SecretCode"]
        await self.owner.call("VerifySoftwareToken", AccessToken=token, UserCode=self.app_code())
        self.clock.advance(60)
        self.player.sent()

    def app_code(self) -> str:
        """Return the code that the user's authenticator shows."""
        return pyotp.HOTP(self.key).at(int(self.clock.now // 30))

    async def take(self, step: dict[str, Any]) -> object:
        """Take a step."""
        self.clock.advance(step.get("wait", 0))
        if step.get("forgotten"):
            key = self.signed_in.tokens.device.key
            await self.call("AdminForgetDevice", Username=self.name, DeviceKey=key)
        place: str | None = step.get("elsewhere")
        if "refresh" in step:
            tokens = self.signed_in.tokens
            key = tokens.device.key if step["refresh"] == "from its device" else None
            return await self.player.refresh(tokens.refresh_token, key)
        if "answer" in step:
            given = await self._typed(*next(iter(step["answer"].items())))
            return await self.player.answer(self.pending, given, place=place)
        flow = AuthFlow(self.scenario["flow"])
        word = self._word(step.get("word", "right"))
        device = self._device(step.get("by"))
        return await self.player.sign_in(flow, self.name, word, place=place, device=device)

    def _word(self, which: str) -> str | None:
        if which != "right":
            return None if which == "none" else "Wrong-horse-1"
        return TEMPORARY if self.scenario["user"].get("temporary") else PASSWORD

    def _device(self, which: str | None) -> Device | None:
        if which is None:
            return None
        assert which == "another password"
        device: Device = self.signed_in.tokens.device
        return evolve(device, password=Secret("another"))

    async def _typed(self, kind: str, value: str) -> TypedAnswer:
        match kind:
            case "code":
                return Code(await self._code(value))
            case "choice":
                return Choice(value)
            case "email":
                return EmailAddress(value)
            case "password":
                return NewPassword(value)
        return Secret(value)

    async def _code(self, which: str) -> str:
        if which == "used":
            return self.last
        asked = self.pending.challenge
        if asked.new_authenticator is not None:
            self.key = asked.new_authenticator.key.reveal()
        if which == "next":
            self.clock.advance(60)
        if TOTP in (asked.name, asked.kind):
            code = self.app_code()
        else:
            code = (await self.owner.messages(self.name))[-1].code.reveal()
        if which == "wrong":
            return f"{(int(code) + 1) % 1_000_000:06}"
        self.last = code
        return code

    def became(self, step: dict[str, Any], result: SignInResult | Any) -> None:
        """Compare what a step led to."""
        if "refresh" in step:
            return
        assert isinstance(result, SignedIn) is step.get("signed_in", False)
        if isinstance(result, ChallengeRequired):
            assert result.challenge.name == step["asked"]
            assert result.challenge.parameters.items() >= step.get("parameters", {}).items()
            assert "kind" not in step or result.challenge.kind == step["kind"]
            self.pending = result
            return
        device = result.tokens.device
        if "device" in step:
            before = None if self.signed_in is None else self.signed_in.tokens.device
            assert isinstance(device, Device)
            assert (device == before) is (step["device"] == "same")
        else:
            assert device is None
        self.signed_in = result


def spelt(operation: str, body: dict[str, Any]) -> str:
    """Return what is compared of a request: what it is, and what it tells of device and secret."""
    parameters = body.get("AuthParameters") or body.get("ChallengeResponses") or {}
    told = [name for name in TOLD if name in body or name in parameters]
    what = body.get("AuthFlow") or body.get("ChallengeName")
    return " ".join([operation, *filter(None, [what]), *told])


async def play(playing: Play) -> None:
    """Play a scenario."""
    metadata = playing.scenario.get("metadata")
    playing.player.carry(metadata)
    for step in playing.scenario["steps"]:
        taking = playing.take(step)
        if "raises" in step:
            with pytest.raises(getattr(errors, step["raises"])):
                await taking
        else:
            playing.became(step, await taking)
        requests = playing.player.sent()
        assert [spelt(*each) for each in requests] == step["sent"]
        for operation, body in requests:
            carried = metadata is not None and operation in MAY_CARRY_METADATA
            assert ("ClientMetadata" in body) is carried
