"""Answers that send nothing claim nothing: a choice, after which the client asks something else.

What is sent after it, in the same call or in a later one, is claimed, and given back if it counted
for nothing. A scripted server stands for Cognito, as it has to fail.
"""

import asyncio
import itertools
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from typing import Any

import anyio
import pytest
from attrs import define, evolve, field

from authflow import AuthClient, AuthFlow, ChallengeRequired, Choice, EmailAddress, Secret, SignedIn
from authflow.client import ScriptedPrompt
from authflow.errors import (
    AttributeRejectedError,
    AuthFlowError,
    ClientSecretsUnavailableError,
    CodeMismatchError,
    MisuseError,
    OutcomeUnknownError,
    PromptEndedError,
    PromptError,
    RequestBlockedError,
    SecretHashMismatchError,
    SessionSpentError,
    StoreUnavailableError,
    ThrottledError,
    UnreachableError,
)
from authflow.keys import KeyRing
from authflow.stores import MemoryStore

RING = KeyRing.generate("k1")
BOTH, ALONE = '["SOFTWARE_TOKEN_MFA","EMAIL_OTP"]', '["EMAIL_OTP"]'
KEY = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
CODE = {"ChallengeName": "EMAIL_OTP", "Session": "c" * 20, "ChallengeParameters": {}}
ADDRESS = EmailAddress("ada@example.org")
TOKENS = {"AccessToken": "a", "IdToken": "i", "RefreshToken": "r", "ExpiresIn": 1}
SIGNED_IN = {"AuthenticationResult": TOKENS}


def set_up(options: str = BOTH) -> dict[str, Any]:
    parameters = {"MFAS_CAN_SETUP": options, "USERNAME": "ada"}
    return {"ChallengeName": "MFA_SETUP", "Session": "s" * 20, "ChallengeParameters": parameters}


@define
class Desk:
    """A scripted server, a client with a store and one without, and a sign-in that has begun."""

    server: Any
    keeping: AuthClient
    plain: AuthClient
    begun: ChallengeRequired
    store: MemoryStore
    number: int = 0

    def pending(self, *script: Any, options: str = BOTH) -> ChallengeRequired:
        """Return a pending set-up, whose requests will be answered so."""
        self.number += 1
        self.server.requests.clear()
        self.server.script[:] = script
        sign_in = evolve(self.begun.sign_in, session=Secret(f"{self.number:020}"))
        parameters = {**self.begun.challenge.parameters, "MFAS_CAN_SETUP": options}
        challenge = evolve(self.begun.challenge, parameters=parameters)
        return evolve(self.begun, sign_in=sign_in, challenge=challenge)

    def clients(self) -> Iterator[AuthClient]:
        yield self.keeping
        yield self.plain

    @property
    def claims(self) -> int:
        return sum(stored.value != b"free" for stored, _ in self.store._entries.values())

    async def is_free(self, pending: ChallengeRequired) -> bool:
        """Whether a pending sign-in can be answered."""
        self.server.script[:] = [CODE]
        try:
            asked = await self.keeping.answer(pending, ADDRESS)
        except SessionSpentError:
            return False
        assert asked.challenge.name == "EMAIL_OTP"
        return True


@asynccontextmanager
async def desk(scripted: Any) -> AsyncIterator[Desk]:
    store = MemoryStore()
    async with (
        scripted.serve(set_up()) as server,
        AuthClient(server.config(), keys=RING, store=store, discover=False) as keeping,
        AuthClient(server.config(), keys=RING, discover=False) as plain,
    ):
        begun = await keeping.sign_in("ada", "pw", flow=AuthFlow.USER_PASSWORD_AUTH)
        yield Desk(server, keeping, plain, begun, store)


CHOICES = {
    "a text": (BOTH, lambda *_: "EMAIL_OTP"),
    "a secret": (BOTH, lambda *_: Secret("EMAIL_OTP")),
    "the name of the factor in choices": (BOTH, lambda *_: "EMAIL_MFA"),
    "a choice": (BOTH, lambda *_: Choice("EMAIL_OTP")),
    "a form": (BOTH, lambda auth, asked: auth.form(asked).fill({"factor": "EMAIL_OTP"})),
    "a form that asks nothing": (ALONE, lambda auth, asked: auth.form(asked).fill({})),
}


async def test_a_choice_that_is_not_sent_leaves_its_challenge_to_be_answered(scripted):
    async with desk(scripted) as at:
        for auth, with_tickets, how in itertools.product(at.clients(), (True, False), CHOICES):
            options, choose = CHOICES[how]
            asked, claims = at.pending(CODE, options=options), at.claims
            for _ in range(2):  # a page that was sent twice
                if with_tickets:
                    asked = await auth.resume(await auth.seal(asked))
                chosen = await auth.answer(asked, choose(auth, asked))
            assert chosen.challenge.kind == "EMAIL_OTP"
            assert (at.claims, at.server.requests) == (claims, []), how
            if with_tickets:
                chosen = await auth.resume(await auth.seal(chosen))
            filled = auth.form(chosen).fill({"email": "ada@example.org"})
            sent = await auth.answer(chosen, filled)
            assert sent.challenge.name == "EMAIL_OTP"
            if auth is at.keeping:
                assert at.claims == claims + 1
                for again in (asked, chosen):
                    with pytest.raises(SessionSpentError):
                        await auth.answer(again, ADDRESS)
            assert len(at.server.requests) == 1


async def test_a_choice_that_is_not_sent_needs_no_store(scripted, monkeypatch):
    async def down(*_: Any, **__: Any) -> bool:
        raise OSError

    async with desk(scripted) as at:
        pending = at.pending()
        monkeypatch.setattr(MemoryStore, "replace", down)
        chosen = await at.keeping.answer(pending, "EMAIL_OTP")
        with pytest.raises(StoreUnavailableError):
            await at.keeping.answer(chosen, ADDRESS)
        assert at.server.requests == []


async def test_of_what_follows_several_choices_one_is_sent(scripted):
    async with desk(scripted) as at:
        pending = at.pending(CODE)
        chosen = [await at.keeping.answer(pending, "EMAIL_OTP") for _ in range(2)]
        calls = [
            *(at.keeping.answer(each, ADDRESS) for each in chosen),
            at.keeping.answer(pending, "SOFTWARE_TOKEN_MFA"),
            at.keeping.answer(pending, "EMAIL_OTP", prompt=ScriptedPrompt(["ada@example.org"])),
        ]
        ended = await asyncio.gather(*calls, return_exceptions=True)
        assert sum(isinstance(each, SessionSpentError) for each in ended) == 3
        assert len(at.server.requests) == 1


# With a prompt, what is sent after the choice is sent in the same call


@define
class Typing(ScriptedPrompt):
    """A prompt that fails with the question for the address; or at which a person types on."""

    fails: BaseException | None = None
    asked: asyncio.Event = field(factory=asyncio.Event)

    async def ask(self, question: str, *, hidden: bool = False) -> str:
        self.asked.set()
        if self.fails is not None:
            raise self.fails
        return await anyio.sleep_forever()


INVALID = ("InvalidParameterException", "Invalid email address format.")
MISMATCH = ("NotAuthorizedException", "Unable to verify secret hash for client 1example")
NEVER_COUNTED: dict[str, tuple[Callable[[Any], list[Any]], type[AuthFlowError]]] = {
    "too many requests": (lambda it: [it.error("TooManyRequestsException")], ThrottledError),
    "a firewall": (lambda it: [it.error("ForbiddenException")], RequestBlockedError),
    "an address that is none, and no other one": (
        lambda it: [it.error(*INVALID)],
        PromptEndedError,
    ),
    "an address that is none, and then too many requests": (
        lambda it: [it.error(*INVALID), it.error("TooManyRequestsException")],
        ThrottledError,
    ),
    "an address that is none, ever": (lambda it: [it.error(*INVALID)] * 99, AttributeRejectedError),
    "a secret that is not good": (lambda it: [it.error(*MISMATCH)], SecretHashMismatchError),
}


async def test_what_counted_for_nothing_after_a_choice_in_the_same_call_can_be_answered_again(
    scripted, monkeypatch
):
    monkeypatch.setattr("authflow.client.transport._PAUSES", ())
    async with desk(scripted) as at:
        for auth, why in itertools.product(at.clients(), NEVER_COUNTED):
            script, kind = NEVER_COUNTED[why]
            pending = at.pending(*script(scripted))
            typed = ["ada@"] * (1 if why.endswith("no other one") else 99)
            with pytest.raises(kind) as raised:
                await auth.answer(pending, Choice("EMAIL_OTP"), prompt=ScriptedPrompt(typed))
            assert type(raised.value) is kind, why
            assert at.claims == at.number - 1, why
            assert await at.is_free(pending), why


class Vault:
    """Gives a secret that is not good, and then nothing."""

    asked = 0

    async def secrets(self) -> str:
        self.asked += 1
        if self.asked > 1:
            raise OSError
        return "old0canary0canary"


@pytest.mark.parametrize(
    ("settings", "kind"),
    [
        ({"endpoint": "http://127.0.0.1:9"}, UnreachableError),
        ({"client_secret": Vault()}, ClientSecretsUnavailableError),
    ],
    ids=["a network that is down", "a secret that cannot be had"],
)
async def test_what_was_not_sent_after_a_choice_can_be_answered_again(
    scripted, monkeypatch, settings: dict[str, Any], kind: type[AuthFlowError]
):
    monkeypatch.setattr("authflow.client.transport._PAUSES", ())
    async with desk(scripted) as at:
        pending = at.pending(scripted.error(*MISMATCH))
        config = evolve(at.keeping.config, **settings)
        async with AuthClient(config, keys=RING, store=at.store, discover=False) as auth:
            prompt = ScriptedPrompt(["ada@example.org"])
            with pytest.raises(kind):
                await auth.answer(pending, "EMAIL_OTP", prompt=prompt)
        assert await at.is_free(pending)


async def test_a_prompt_that_fails_after_a_choice_has_spent_nothing(scripted):
    fails = {
        PromptEndedError("bye"): PromptEndedError,
        OSError(): PromptError,
        ThrottledError("slow"): ThrottledError,
        asyncio.CancelledError(): asyncio.CancelledError,
    }
    async with desk(scripted) as at:
        for error, kind in fails.items():
            pending = at.pending()
            with pytest.raises(kind):
                await at.keeping.answer(pending, "EMAIL_OTP", prompt=Typing([], fails=error))
            assert at.server.requests == []
            assert await at.is_free(pending)


async def test_while_a_person_types_after_a_choice_another_answer_may_come(scripted):
    async with desk(scripted) as at:
        pending, prompt = at.pending(), Typing([])
        call = at.keeping.answer(pending, "EMAIL_OTP", prompt=prompt)
        typing = asyncio.ensure_future(call)
        await prompt.asked.wait()
        assert await at.is_free(pending)
        typing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await typing
        assert not await at.is_free(pending)


async def test_what_counted_after_a_choice_in_the_same_call_stays_claimed(scripted):
    scripts = {
        "at once": [CODE],
        "corrected": [scripted.error(*INVALID), CODE],
        "lost": [scripted.hang_up],
    }
    async with desk(scripted) as at:
        for how, script in scripts.items():
            prompt = ScriptedPrompt(["ada@example.org"] * len(script))
            pending = at.pending(*script)
            with pytest.raises((PromptEndedError, OutcomeUnknownError)) as raised:
                await at.keeping.answer(pending, "EMAIL_OTP", prompt=prompt)
            assert "the answer counted" not in str(raised.value)
            assert len(at.server.requests) == len(script)
            assert not await at.is_free(pending), how


async def test_what_cannot_be_chosen_claims_nothing(scripted):
    async with desk(scripted) as at:
        for answer in ("SMS_MFA", ADDRESS, Choice("x")):
            pending = at.pending(options='["SOFTWARE_TOKEN_MFA"]')
            with pytest.raises(MisuseError):
                await at.keeping.answer(pending, answer)
        assert (at.claims, at.server.requests) == (0, [])


async def test_the_steps_of_an_authenticator_are_claimed_each_by_itself(scripted):
    async with desk(scripted) as at:
        for new in ("0" * 19 + "1", "t" * 20):  # the same session, and another one
            at.number = 0
            associated = {"SecretCode": KEY, "Session": new}
            verified = {"Status": "SUCCESS", "Session": new}
            pending = at.pending(associated, {"Status": "ERROR"}, verified, SIGNED_IN)
            waiting = await at.keeping.answer(pending, "SOFTWARE_TOKEN_MFA")
            with pytest.raises(CodeMismatchError):
                await at.keeping.answer(waiting, "000000")
            assert isinstance(await at.keeping.answer(waiting, "123456"), SignedIn)
            for again, answer in ((pending, "SOFTWARE_TOKEN_MFA"), (waiting, "123456")):
                with pytest.raises(SessionSpentError):
                    await at.keeping.answer(again, answer)
            at.store._entries.clear()
