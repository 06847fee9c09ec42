"""Codes by message, end to end: our client over HTTP, the embedded pool, the triggers, a sender."""

import asyncio
import logging
import re
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from copy import deepcopy
from typing import Any

import anyio
import pytest
from authflow_otp import delivering
from authflow_otp.client import OtpPrompter
from authflow_otp.senders import SmtpSender

from authflow import AuthFlow, ChallengeRequired, SignedIn
from authflow.errors import BadCredentialsError, OutcomeUnknownError, PluginFailedError
from authflow.plugins import answer_by_form
from authflow.prompts import ScriptedPrompt
from authflow.triggers import Limits, Triggers, challenge

Opened = Callable[..., AbstractAsyncContextManager[Any]]

CUSTOM = AuthFlow.CUSTOM_AUTH
ADA = {"email": "ada@example.com", "email_verified": "true"}
BOB = {"email": "bob@example.org", "email_verified": "true"}
SHOWN = {"destination", "medium", "digits", "expiresIn", "sent", "resend"}


@pytest.fixture
def open_pool(open_house: Opened, limits: Limits) -> Opened:
    """Opens a pool that asks for a code."""

    def opened(sender: Any, *, wrap: Any = None, attempts: int = 3, **settings: Any) -> Any:
        usual = {"sender": sender, "purpose": "Example Shop", "pace": 0}
        step = challenge("otp", attempts=attempts, **{**usual, **settings})
        return open_house(step, limits=limits, **({} if wrap is None else {"wrap": wrap}))

    return opened


def wrong(code: str) -> str:
    return str((int(code) + 1) % 10 ** len(code)).zfill(len(code))


def seen(pending: Any) -> dict[str, str]:
    """What a client sees of the challenge that is this plugin's."""
    assert isinstance(pending, ChallengeRequired)
    ours = SHOWN | {"retryAfter"}
    return {name: told for name, told in pending.challenge.parameters.items() if name in ours}


async def test_a_code_by_mail_signs_in(open_pool: Opened, mail_server: Callable[..., Any]) -> None:
    server = await mail_server("starttls")
    sender = SmtpSender(
        host="localhost",
        port=server.port,
        from_address="Example Shop <no-reply@example.com>",
        username="shop",
        password="Mail-secret-1",
        tls=server.trusted,
    )
    async with open_pool(sender) as house:
        await house.user(**ADA, locale="de-AT")
        pending = await house.auth.sign_in("ada", flow=CUSTOM)
        (mail,) = server.mails
        assert server.encrypted == [True]
        assert mail["To"] == "ada@example.com"
        assert mail["Subject"] == "Ihr Code für Example Shop"
        code = mail.get_content().split()[0]
        assert code.isdigit()
        assert len(code) == 6
        assert seen(pending) == {
            "destination": "a***@e***",
            "medium": "EMAIL",
            "digits": "6",
            "expiresIn": "300",
            "sent": "true",
            "resend": "resend",
        }
        assert isinstance(await house.auth.answer(pending, code), SignedIn)


async def test_the_client_half_asks_a_person_and_signs_in(open_pool: Opened, outbox: Any) -> None:
    class Reader(ScriptedPrompt):
        async def ask(self, question: str, *, hidden: bool = False) -> str:
            self.told.append(question)
            return outbox.code if len(self.told) > 4 else wrong(outbox.code)

    prompt = Reader([])
    async with open_pool(outbox) as house:
        await house.user(**ADA)
        assert isinstance(await house.auth.sign_in("ada", flow=CUSTOM, prompt=prompt), SignedIn)
    assert len(outbox.sent) == 1
    assert prompt.told[0].startswith("A code of 6 digits was sent by e-mail to a***@e***.")
    assert OtpPrompter.name == "otp"


async def test_a_wrong_code_may_be_followed_by_the_right_one(
    open_pool: Opened, outbox: Any
) -> None:
    async with open_pool(outbox) as house:
        await house.user(**ADA)
        pending = await house.auth.sign_in("ada", flow=CUSTOM)
        pending = await house.auth.answer(pending, wrong(outbox.code))
        assert seen(pending)["sent"] == "false"
        assert isinstance(await house.auth.answer(pending, outbox.code), SignedIn)
    assert len(outbox.sent) == 1


async def test_too_many_wrong_codes_end_the_sign_in(open_pool: Opened, outbox: Any) -> None:
    async with open_pool(outbox, attempts=2) as house:
        await house.user(**ADA)
        pending = await house.auth.sign_in("ada", flow=CUSTOM)
        pending = await house.auth.answer(pending, wrong(outbox.code))
        with pytest.raises(BadCredentialsError):
            await house.auth.answer(pending, wrong(outbox.code))


async def test_a_code_is_good_until_it_expires(open_pool: Opened, outbox: Any, clock: Any) -> None:
    async with open_pool(outbox) as house:
        for seconds, good in ((299, True), (300, False), (3600, False)):
            await house.user(f"ada{seconds}", **ADA)
            pending = await house.auth.sign_in(f"ada{seconds}", flow=CUSTOM)
            code = outbox.code
            clock.now += seconds
            result = await house.auth.answer(pending, code)
            assert isinstance(result, SignedIn) is good
            clock.now += 3600


async def test_after_a_code_has_expired_another_one_is_sent(
    open_pool: Opened, outbox: Any, clock: Any
) -> None:
    async with open_pool(outbox) as house:
        await house.user(**ADA)
        pending = await house.auth.sign_in("ada", flow=CUSTOM)
        first = outbox.code
        clock.now += 301
        pending = await house.auth.answer(pending, first)
        assert seen(pending)["sent"] == "true"
        assert len(outbox.sent) == 2
        assert outbox.code != first
        assert isinstance(await house.auth.answer(pending, outbox.code), SignedIn)


@pytest.mark.parametrize("first_wrong", [False, True])
async def test_a_code_is_good_in_one_of_two_sign_ins_that_share_it_and_the_other_gets_a_new_one(
    open_pool: Opened, outbox: Any, clock: Any, first_wrong: bool
) -> None:
    async with open_pool(outbox) as house:
        await house.user(**ADA)
        one = await house.auth.sign_in("ada", flow=CUSTOM)
        other = await house.auth.sign_in("ada", flow=CUSTOM)
        assert len(outbox.sent) == 1
        assert seen(other)["sent"] == "true"
        if first_wrong:  # the code then is another attempt's, and the same
            one = await house.auth.answer(one, wrong(outbox.code))
        assert isinstance(await house.auth.answer(one, outbox.code), SignedIn)
        used = outbox.code
        again = await house.auth.answer(other, used)
        assert seen(again)["retryAfter"] == "30"
        clock.now += 30
        again = await house.auth.answer(again, "resend")
        assert outbox.code != used
        assert isinstance(await house.auth.answer(again, outbox.code), SignedIn)


async def test_another_users_code_is_wrong(open_pool: Opened, outbox: Any) -> None:
    async with open_pool(outbox) as house:
        await house.user("ada", **ADA)
        await house.user("bob", **BOB)
        pending = await house.auth.sign_in("ada", flow=CUSTOM)
        own = outbox.code
        await house.auth.sign_in("bob", flow=CUSTOM)
        assert outbox.sent[-1].destination == "bob@example.org"
        assert outbox.code != own
        assert isinstance(await house.auth.answer(pending, outbox.code), ChallengeRequired)


async def test_asking_again_sends_the_same_code_after_the_cool_down(
    open_pool: Opened, outbox: Any, clock: Any
) -> None:
    async with open_pool(outbox, attempts=4) as house:
        await house.user(**ADA)
        pending = await house.auth.sign_in("ada", flow=CUSTOM)
        first = outbox.code
        clock.now += 10
        pending = await house.auth.answer(pending, "resend")
        assert len(outbox.sent) == 1
        assert (seen(pending)["sent"], seen(pending)["retryAfter"]) == ("false", "20")
        clock.now += 20
        pending = await house.auth.answer(pending, " Resend ")
        assert [sent.code.reveal() for sent in outbox.sent] == [first, first]
        assert outbox.sent[-1].minutes == 4
        assert (seen(pending)["sent"], seen(pending)["expiresIn"]) == ("true", "270")
        assert "retryAfter" not in seen(pending)
        assert isinstance(await house.auth.answer(pending, first), SignedIn)


async def test_a_code_that_is_about_to_expire_is_replaced_and_not_sent_again(
    open_pool: Opened, outbox: Any, clock: Any
) -> None:
    async with open_pool(outbox) as house:
        await house.user(**ADA)
        pending = await house.auth.sign_in("ada", flow=CUSTOM)
        first = outbox.code
        clock.now += 250
        pending = await house.auth.answer(pending, "resend")
        assert len(outbox.sent) == 2
        assert outbox.code != first
        assert outbox.sent[-1].minutes == 5
        assert isinstance(await house.auth.answer(pending, outbox.code), SignedIn)


async def test_a_sign_in_that_begins_within_the_cool_down_is_told_when_to_ask(
    open_pool: Opened, outbox: Any, clock: Any
) -> None:
    async with open_pool(outbox) as house:
        await house.user(**ADA)
        first = await house.auth.sign_in("ada", flow=CUSTOM)
        clock.now += 31
        await house.auth.answer(first, "resend")
        clock.now += 10
        pending = await house.auth.sign_in("ada", flow=CUSTOM)
        assert len(outbox.sent) == 2
        assert (seen(pending)["sent"], seen(pending)["retryAfter"]) == ("false", "20")
        clock.now += 20
        pending = await house.auth.answer(pending, "resend")
        assert len(outbox.sent) == 3
        assert isinstance(await house.auth.answer(pending, outbox.code), SignedIn)


async def test_wrong_codes_lock_out_and_asking_again_takes_none_of_them_back(
    open_pool: Opened, outbox: Any, clock: Any
) -> None:
    async with open_pool(outbox) as house:
        await house.user(**ADA)
        pending = await house.auth.sign_in("ada", flow=CUSTOM)
        pending = await house.auth.answer(pending, wrong(outbox.code))
        pending = await house.auth.answer(pending, wrong(outbox.code))
        clock.now += 31
        with pytest.raises(BadCredentialsError):
            await house.auth.answer(pending, "resend")
        clock.now += 31
        pending = await house.auth.sign_in("ada", flow=CUSTOM)
        for _ in range(2):
            pending = await house.auth.answer(pending, wrong(outbox.code))
        with pytest.raises(BadCredentialsError):  # five failures: not even compared
            await house.auth.answer(pending, outbox.code)
        clock.now += 31
        pending = await house.auth.sign_in("ada", flow=CUSTOM)
        assert isinstance(await house.auth.answer(pending, outbox.code), SignedIn)


async def test_users_who_cannot_be_reached_see_what_all_others_see(
    open_pool: Opened, outbox: Any, clock: Any
) -> None:
    async with open_pool(outbox, attempts=4) as house:
        await house.user("ada", **ADA)
        await house.user("unverified", email="eve@example.com", email_verified="false")
        await house.user("without")
        traces: dict[str, list[dict[str, str]]] = {}
        shown = {}
        for name in ("ada", "unverified", "without", "nobody"):
            trace = traces[name] = []
            pending = await house.auth.sign_in(name, flow=CUSTOM)
            for answer, wait in (("resend", 0), ("resend", 31), ("000000", 0)):
                trace.append(seen(pending))
                clock.now += wait
                pending = await house.auth.answer(pending, answer)
            trace.append(seen(pending))
            (shown[name],) = {one.pop("destination") for one in trace}
            assert trace == traces["ada"]
            assert re.fullmatch(r"[a-z]\*{3}@[a-z]\*{3}", shown[name])
            clock.now += 7200
            later = await house.auth.sign_in(name, flow=CUSTOM)
            assert seen(later)["destination"] == shown[name]
        assert shown["ada"] == "a***@e***"
        assert {sent.destination for sent in outbox.sent} == {"ada@example.com"}
        assert len(outbox.sent) == 3


async def test_without_a_hint_nothing_of_an_address_is_shown_to_anybody(
    open_pool: Opened, outbox: Any
) -> None:
    async with open_pool(outbox, hint=False) as house:
        await house.user("ada", **ADA)
        for name in ("nobody", "nobody@example.com", "ada"):
            pending = await house.auth.sign_in(name, flow=CUSTOM)
            assert seen(pending)["destination"] == "***@***"
        assert outbox.sent[-1].destination == "ada@example.com"
        prompt = ScriptedPrompt([outbox.code])
        assert await answer_by_form(OtpPrompter(), pending.challenge, prompt) == outbox.code
        assert isinstance(await house.auth.answer(pending, outbox.code), SignedIn)


async def test_the_code_that_was_drawn_for_nobody_is_wrong(open_pool: Opened, outbox: Any) -> None:
    drawn = []

    def spied(triggers: Triggers) -> Any:
        class Spy:
            sources = triggers.sources

            async def handle(self, event: dict[str, Any]) -> dict[str, Any]:
                filled = await triggers.handle(event)
                private = filled["response"].get("privateChallengeParameters")
                if private:
                    drawn.append(private["digits"])
                return filled

        return Spy()

    async with open_pool(outbox, wrap=spied) as house:
        await house.user("eve", email="eve@example.com", email_verified="false")
        for name in ("eve", "nobody"):
            pending = await house.auth.sign_in(name, flow=CUSTOM)
            result = await house.auth.answer(pending, drawn[-1])
            assert isinstance(result, ChallengeRequired)
    assert outbox.sent == []


class Repeating:
    """Runs each trigger up to three times for one call, as Cognito may."""

    def __init__(self, triggers: Triggers, *, together: bool) -> None:
        self.triggers, self.times, self.together = triggers, 1, together
        self.sources = triggers.sources
        self.replies: list[list[Any]] = []

    async def handle(self, event: dict[str, Any]) -> dict[str, Any]:
        given: list[dict[str, Any]] = []

        async def run() -> None:
            given.append(await self.triggers.handle(deepcopy(event)))

        if self.together:
            async with anyio.create_task_group() as group:
                for _ in range(self.times):
                    group.start_soon(run)
        else:
            for _ in range(self.times):
                await run()
        response = [one["response"] for one in given]
        self.replies.append(
            [one.get("publicChallengeParameters", one.get("answerCorrect")) for one in response]
        )
        return given[-1]


@pytest.mark.parametrize("together", [False, True])
async def test_runs_of_a_trigger_agree_and_one_of_them_sends(
    open_pool: Opened, outbox: Any, clock: Any, together: bool
) -> None:
    made: list[Repeating] = []

    def repeating(triggers: Triggers) -> Repeating:
        made.append(Repeating(triggers, together=together))
        return made[0]

    async with open_pool(outbox, wrap=repeating) as house:
        for times in (1, 2, 3):
            made[0].times = times
            outbox.sent.clear()
            name = f"ada{times}"
            await house.user(name, email=f"{name}@example.com", email_verified="true")
            pending = await house.auth.sign_in(name, flow=CUSTOM)
            assert len(outbox.sent) == 1
            clock.now += 31
            pending = await house.auth.answer(pending, "resend")
            assert len(outbox.sent) == 2
            pending = await house.auth.answer(pending, wrong(outbox.code))
            assert len(outbox.sent) == 2
            assert isinstance(await house.auth.answer(pending, outbox.code), SignedIn)
    assert {len(replies) for replies in made[0].replies} == {1, 2, 3}
    for replies in made[0].replies:
        assert all(one == replies[0] for one in replies)


@pytest.mark.parametrize(
    "failure",
    [PluginFailedError("no"), RuntimeError("ada@example.com"), asyncio.CancelledError()],
)
async def test_a_message_that_was_not_sent_is_the_owners_to_know_and_may_be_asked_for_at_once(
    open_pool: Opened, outbox: Any, caplog: pytest.LogCaptureFixture, failure: Exception
) -> None:
    async with open_pool(outbox) as house:
        await house.user(**ADA)
        outbox.failure = failure
        pending = await house.auth.sign_in("ada", flow=CUSTOM)
        assert seen(pending)["sent"] == "true"
        assert "Outbox has not sent a message" in caplog.text
        assert "ada@example.com" not in caplog.text
        outbox.failure = None
        pending = await house.auth.answer(pending, "resend")
        assert len(outbox.sent) == 1
        assert isinstance(await house.auth.answer(pending, outbox.code), SignedIn)


async def test_a_message_that_may_have_been_sent_counts_as_sent(
    open_pool: Opened, outbox: Any
) -> None:
    async with open_pool(outbox) as house:
        await house.user(**ADA)
        outbox.failure = OutcomeUnknownError("lost")
        pending = await house.auth.sign_in("ada", flow=CUSTOM)
        outbox.failure = None
        pending = await house.auth.answer(pending, "resend")
        assert seen(pending)["retryAfter"] == "30"
        assert outbox.sent == []


async def test_a_sender_that_hangs_is_blamed_and_its_message_counts_as_sent(
    open_pool: Opened,
    outbox: Any,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def hangs(_message: object) -> None:
        await anyio.sleep_forever()

    monkeypatch.setattr(delivering, "SEND_TIMEOUT", 0.05)
    async with open_pool(outbox) as house:
        await house.user(**ADA)
        with monkeypatch.context() as patch:
            patch.setattr(type(outbox), "send", staticmethod(hangs))
            pending = await house.auth.sign_in("ada", flow=CUSTOM)
        assert seen(pending)["destination"] == "a***@e***"
        assert "took longer than 0.05 s" in caplog.text
        pending = await house.auth.answer(pending, "resend")
        assert seen(pending)["retryAfter"] == "30"
        assert outbox.sent == []


async def test_it_takes_as_long_whether_or_not_a_message_is_sent(
    open_pool: Opened, outbox: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits = []

    async def waited(until: float) -> None:
        waits.append(until - anyio.current_time())

    monkeypatch.setattr(anyio, "sleep_until", waited)
    async with open_pool(outbox, pace=2.5) as house:
        await house.user(**ADA)
        for name in ("ada", "nobody"):
            pending = await house.auth.sign_in(name, flow=CUSTOM)
            await house.auth.answer(pending, "000000")
    # After a wrong answer, too: a message that failed would be sent then.
    assert len(waits) == 4
    assert all(0 < wait <= 2.5 for wait in waits)


async def test_no_code_and_no_address_is_logged_or_public(
    open_pool: Opened, outbox: Any, caplog: pytest.LogCaptureFixture
) -> None:
    for name in ("authflow", "authflow.triggers", "authflow.pool"):
        caplog.set_level(logging.DEBUG, logger=name)
    public: list[str] = []

    def spied(triggers: Triggers) -> Any:
        class Spy:
            sources = triggers.sources

            async def handle(self, event: dict[str, Any]) -> dict[str, Any]:
                filled = await triggers.handle(event)
                response = filled["response"]
                public.append(repr(response.get("publicChallengeParameters")))
                public.append(repr(response.get("challengeMetadata")))
                return filled

        return Spy()

    async with open_pool(outbox, wrap=spied) as house:
        await house.user(**ADA)
        pending = await house.auth.sign_in("ada", flow=CUSTOM)
        pending = await house.auth.answer(pending, wrong(outbox.code))
        public.append(repr(pending))
        await house.auth.answer(pending, outbox.code)
    for text in (caplog.text, *public):
        assert outbox.code not in text
        assert "ada@example.com" not in text
