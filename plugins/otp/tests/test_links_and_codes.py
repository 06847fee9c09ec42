"""Links and codes side by side, end to end: who exists, what fails, and what is used up."""

import re
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from functools import partial
from typing import Any

import anyio
import pytest
from authflow_otp import confirmations
from authflow_otp.client import LinkPrompter, OtpPrompter
from authflow_otp.confirmations import Confirmations
from authflow_otp.destinations import Medium
from authflow_otp.link_page import LinkPage
from authflow_otp.pasted_links import token_of

from authflow import AuthFlow, ChallengeRequired, SignedIn
from authflow.errors import OutcomeUnknownError
from authflow.keys import KeyRing
from authflow.stores import MemoryStore
from authflow.testing import PASSWORD, run_pool
from authflow.triggers import Limits, Step, any_of, challenge

Opened = Callable[..., AbstractAsyncContextManager[Any]]

CUSTOM = AuthFlow.CUSTOM_AUTH
ADA = {
    "email": "ada@example.com",
    "email_verified": "true",
    "phone_number": "+491700000000",
    "phone_number_verified": "true",
}
URL = "https://shop.example.com/link"
SHOWN = ("sent", "retryAfter", "expiresIn", "medium", "resend")


@pytest.fixture
def kept(keys: KeyRing, clock: Any) -> Confirmations:
    return Confirmations(entries=MemoryStore(clock=clock), keys=keys)


@pytest.fixture
def page(kept: Confirmations, clock: Any) -> LinkPage:
    return LinkPage(purpose="Example Shop", anywhere=kept, clock=clock)


class Texts:
    """The outbox, by SMS."""

    medium = Medium.SMS

    def __init__(self, outbox: Any) -> None:
        self.outbox = outbox

    async def send(self, message: Any) -> None:
        await self.outbox.send(message)


def steps(outbox: Any, **settings: Any) -> dict[str, Step]:
    """The challenges that send; `texts` is `otp` by SMS."""
    usual = {"sender": outbox, "purpose": "Example Shop", "pace": 0}
    texts = {**usual, "sender": Texts(outbox)}
    return {
        "link": challenge("link", **{**usual, "url": URL, **settings}),
        "otp": challenge("otp", **usual),
        "texts": challenge("otp", **texts),
    }


def answer_in(message: Any) -> str:
    """The code or the token that a message holds."""
    code = getattr(message, "code", None)
    if code is not None:
        return str(code.reveal())
    (url,) = re.findall(r"https?://\S+", message.text.reveal())
    return token_of(url)


def seen(pending: Any) -> dict[str, str]:
    assert isinstance(pending, ChallengeRequired)
    parameters = pending.challenge.parameters
    return {name: parameters[name] for name in SHOWN if name in parameters}


FAILURES = [None, OSError("x"), OutcomeUnknownError("x")]


@pytest.mark.parametrize("failure", FAILURES)
@pytest.mark.parametrize("labels", [("otp", "link"), ("link", "otp"), ("texts", "link")])
async def test_nobody_sees_who_exists_where_several_challenges_send_and_while_sending_fails(
    open_house: Opened,
    outbox: Any,
    clock: Any,
    *,
    limits: Limits,
    labels: tuple[str, ...],
    failure: Exception | None,
) -> None:
    both = steps(outbox)
    policy = any_of(*(both[label] for label in labels))
    traces: dict[str, list[dict[str, str]]] = {}
    async with open_house(policy, limits=limits) as house:
        await house.user("ada", **ADA)
        await house.user("unverified", email="eve@example.com", email_verified="false")
        second = await house.pool.app_client()
        async with house.pool.client(second) as other:
            for name in ("ada", "unverified", "nobody"):
                trace = traces[name] = []
                outbox.failure = failure
                for auth, label in zip((house.auth, other) * 2, labels * 2, strict=True):
                    # An unknown user's name comes as it was typed; letters' case is no new name.
                    typed = name.upper() if name == "nobody" and trace else name
                    pending = await auth.sign_in(typed, flow=CUSTOM)
                    pending = await auth.answer(pending, label.replace("texts", "otp"))
                    trace.append(seen(pending))
                    clock.now += 5
                pending = await auth.answer(pending, "000000")
                trace.append(seen(pending))
                outbox.failure = None
                clock.now += 31
                pending = await auth.answer(pending, "resend")
                trace.append(seen(pending))
                clock.now += 5
                pending = await house.auth.sign_in(name, flow=CUSTOM)
                trace.append(seen(await house.auth.answer(pending, labels[1])))
                clock.now += 3600
    assert traces["unverified"] == traces["ada"]
    assert traces["nobody"] == traces["ada"]
    one_address = "texts" not in labels
    assert any("retryAfter" in each for each in traces["ada"]) is one_address


async def pair(house: Any, outbox: Any, clock: Any) -> tuple[Any, Any, str, str]:
    """Begin two sign-ins with a message each, of which both then answer wrongly."""
    one = await house.auth.sign_in("ada", flow=CUSTOM)
    clock.now += 31
    two = await house.auth.sign_in("ada", flow=CUSTOM)
    first, second = (answer_in(each) for each in outbox.sent)
    wrong = next(each for each in ("000000", "111111", "222222") if each not in {first, second})
    one, two = [await house.auth.answer(each, wrong) for each in (one, two)]
    clock.now += 5
    return one, two, first, second


@pytest.mark.parametrize("label", ["link", "otp"])
async def test_a_right_answer_is_good_whatever_another_sign_in_has_used_up(
    open_house: Opened, outbox: Any, clock: Any, label: str
) -> None:
    async with open_house(steps(outbox)[label]) as house:
        await house.user("ada", **ADA)
        one, two, first, second = await pair(house, outbox, clock)
        assert isinstance(await house.auth.answer(one, first), SignedIn)
        assert isinstance(await house.auth.answer(two, second), SignedIn)


@pytest.mark.parametrize("label", ["link", "otp"])
async def test_a_right_answer_is_good_once_also_at_a_later_attempt(
    open_house: Opened, outbox: Any, clock: Any, label: str
) -> None:
    async with open_house(steps(outbox)[label]) as house:
        await house.user("ada", **ADA)
        pending = [await house.auth.sign_in("ada", flow=CUSTOM) for _ in range(4)]
        (message,) = outbox.sent
        right = answer_in(message)
        wrong = "000000" if right != "000000" else "111111"
        again = [await house.auth.answer(each, wrong) for each in pending]
        results = []

        async def give(each: ChallengeRequired) -> None:
            results.append(await house.auth.answer(each, right))

        async with anyio.create_task_group() as group:
            for each in again:
                group.start_soon(give, each)
        assert sum(isinstance(each, SignedIn) for each in results) == 1


@pytest.mark.parametrize("label", ["link", "otp", "texts"])
@pytest.mark.parametrize("times", [1, 2])
async def test_a_message_that_failed_is_sent_at_the_next_attempt_once_and_not_counted_again(
    open_house: Opened, outbox: Any, clock: Any, label: str, times: int
) -> None:
    both = steps(outbox)
    async with open_house(both[label]) as house:
        await house.user("ada", **ADA)
        outbox.failure = OSError("x")
        pending = await house.auth.sign_in("ada", flow=CUSTOM)
        assert seen(pending)["sent"] == "true"
        for _ in range(times - 1):
            pending = await house.auth.answer(pending, "000000")
        outbox.failure = None
        for _ in range(3 - times):
            clock.now += 10
            pending = await house.auth.answer(pending, "000000")
            assert len(outbox.sent) == 1
        later = await house.auth.sign_in("ada", flow=CUSTOM)
        assert len(outbox.sent) == 1
        assert seen(later)["sent"] == "true"  # it shares the message
        assert isinstance(await house.auth.answer(pending, answer_in(outbox.sent[0])), SignedIn)


async def test_a_message_that_failed_is_sent_by_the_next_sign_in_that_shares_it(
    open_house: Opened, outbox: Any, clock: Any
) -> None:
    async with open_house(steps(outbox)["link"]) as house:
        await house.user("ada", **ADA)
        outbox.failure = OSError("x")
        await house.auth.sign_in("ada", flow=CUSTOM)
        outbox.failure = None
        clock.now += 5
        pending = await house.auth.sign_in("ada", flow=CUSTOM)
        again = await house.auth.answer(pending, "000000")
        assert len(outbox.sent) == 1
        assert isinstance(await house.auth.answer(again, answer_in(outbox.sent[0])), SignedIn)


@pytest.mark.parametrize("label", ["link", "otp"])
@pytest.mark.parametrize(("life", "says"), [(300, "5 min"), (60, "1 min"), (110, "2 min")])
async def test_messages_and_windows_tell_the_time_as_people_do(
    open_house: Opened, outbox: Any, clock: Any, *, label: str, life: int, says: str
) -> None:
    usual = {"sender": outbox, "purpose": "Example Shop", "pace": 0, "life": life}
    step = challenge(label, **usual, **({"url": URL} if label == "link" else {}))
    clock.now += 0.7
    async with open_house(step) as house:
        await house.user("ada", **ADA)
        async with house.pool.client(challenges=[LinkPrompter, OtpPrompter]) as auth:
            pending = await auth.sign_in("ada", flow=CUSTOM)
            assert says in outbox.sent[0].text.reveal()
            assert f"It is good for {says}." in str(auth.form(pending).to_json())
            clock.now -= 3600
            pending = await auth.sign_in("ada", flow=CUSTOM)
            assert int(seen(pending)["expiresIn"]) <= life


POOLS = [
    ({}, ["ada"]),
    ({"UsernameConfiguration": {"CaseSensitive": False}}, ["ada", "ADA"]),
    ({"AliasAttributes": ["email"]}, ["ada", "ada@example.com"]),
]


@pytest.mark.parametrize(("settings", "names"), POOLS)
@pytest.mark.parametrize("hidden", ["ENABLED", "LEGACY"])
async def test_a_wait_is_over_by_whatever_name_the_user_signs_in(
    open_house: Opened,
    outbox: Any,
    clock: Any,
    *,
    kept: Confirmations,
    page: LinkPage,
    settings: dict[str, Any],
    names: list[str],
    hidden: str,
) -> None:
    async with open_house(steps(outbox, anywhere=kept)["link"]) as house:
        client = {"PreventUserExistenceErrors": hidden}
        async with run_pool(triggers=house.triggers, pool=settings, app_client=client) as pool:
            over = partial(kept.wait_is_over, user_pool_id=pool.user_pool_id)
            await pool.add_user("ada", PASSWORD, ADA)
            async with pool.client() as auth:
                for name in names:
                    pending = await auth.sign_in(name, flow=CUSTOM)
                    number = pending.challenge.parameters["number"]
                    assert not await over(pending.challenge)
                    form = {"link": answer_in(outbox.sent[-1]), "number": number}
                    assert (await page._confirmed(form, kept))[0] == 200
                    assert await over(pending.challenge)
                    assert isinstance(await auth.answer(pending, "elsewhere"), SignedIn)
                    assert not await over(pending.challenge)
                    clock.now += 31


async def test_a_wait_is_not_over_where_going_on_is_refused(
    open_house: Opened, outbox: Any, clock: Any, kept: Confirmations, page: LinkPage
) -> None:
    async with open_house(steps(outbox, anywhere=kept)["link"]) as house:
        await house.user("ada", **ADA)
        over = partial(kept.wait_is_over, user_pool_id=house.pool.user_pool_id)
        for elsewhere in (True, False):
            one, two = [await house.auth.sign_in("ada", flow=CUSTOM) for _ in range(2)]
            right = answer_in(outbox.sent[-1])
            for each in (one, two):
                number = each.challenge.parameters["number"]
                form = {"link": right, "number": number}
                assert (await page._confirmed(form, kept))[0] == 200
                assert await over(each.challenge)
            answer = "elsewhere" if elsewhere else right
            assert isinstance(await house.auth.answer(one, answer), SignedIn)
            assert not await over(two.challenge)
            assert (await page._confirmed(form, kept))[0] == 400
            clock.now += 31
        late = await house.auth.sign_in("ada", flow=CUSTOM)
        number = late.challenge.parameters["number"]
        form = {"link": answer_in(outbox.sent[-1]), "number": number}
        clock.now += 299
        assert (await page._confirmed(form, kept))[0] == 200
        assert await over(late.challenge)
        clock.now += 1
        assert not await over(late.challenge)


async def test_no_two_windows_of_a_link_have_one_number_and_used_up_numbers_are_told_alike(
    open_house: Opened,
    outbox: Any,
    clock: Any,
    kept: Confirmations,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(confirmations, "_NUMBERS", 3)
    async with open_house(steps(outbox, anywhere=kept)["link"]) as house:
        await house.user("ada", **ADA)
        traces = []
        for name in ("ada", "nobody"):
            begun = [await house.auth.sign_in(name, flow=CUSTOM) for _ in range(9)]
            numbers = [each.challenge.parameters.get("number") for each in begun]
            shown = [each for each in numbers if each is not None]
            assert len({*shown}) == len(shown) == 3
            full = begun[numbers.index(None)]
            assert seen(full)["retryAfter"] == "60"
            clock.now += 61
            again = await house.auth.answer(full, "waited")
            assert again.challenge.parameters["number"]
            traces.append([seen(full), seen(again)])
        assert traces[0] == traces[1]
        assert len(outbox.sent) == 2


NEW = {**ADA, "email": "new@firm.example.org", "phone_number": "+491700000001"}


@pytest.mark.parametrize("label", ["link", "otp", "texts"])
@pytest.mark.parametrize("now", [ADA, NEW], ids=["same address", "another address"])
async def test_what_was_sent_to_an_account_signs_in_no_other_one_of_its_name(
    open_house: Opened, outbox: Any, clock: Any, label: str, now: dict[str, str]
) -> None:
    async with open_house(steps(outbox)[label]) as house:
        await house.user("ada", **ADA)
        await house.auth.sign_in("ada", flow=CUSTOM)
        pool = house.pool
        await pool.call("AdminDeleteUser", UserPoolId=pool.user_pool_id, Username="ada")
        await house.user("ada", **now)
        clock.now += 25
        pending = await house.auth.sign_in("ada", flow=CUSTOM)
        assert (seen(pending)["sent"], seen(pending)["retryAfter"]) == ("false", "5")
        pending = await house.auth.answer(pending, answer_in(outbox.sent[0]))
        assert isinstance(pending, ChallengeRequired)
        clock.now += 6
        if label != "link":
            pending = await house.auth.answer(pending, "resend")
        attribute = "phone_number" if label == "texts" else "email"
        later = await house.auth.sign_in("ada", flow=CUSTOM)
        assert [each.destination for each in outbox.sent] == [ADA[attribute], now[attribute]]
        assert isinstance(await house.auth.answer(later, answer_in(outbox.sent[1])), SignedIn)


@pytest.mark.parametrize("label", ["link", "otp"])
@pytest.mark.parametrize("case_sensitive", [True, False])
async def test_nobody_sees_who_exists_by_the_case_of_letters(
    open_house: Opened,
    outbox: Any,
    clock: Any,
    *,
    kept: Confirmations,
    label: str,
    case_sensitive: bool,
) -> None:
    settings = {"anywhere": kept, "sender": Texts(outbox)}
    step = steps(outbox, **settings)["link" if label == "link" else "texts"]
    traces = {}
    async with open_house(step, case_sensitive=case_sensitive) as house:
        await house.user("ada", **ADA)
        await house.user("unverified", email="eve@example.com", email_verified="false")
        for name in ("ada", "unverified", "nobody", "someone"):
            here, capital, again = [
                (await house.auth.sign_in(typed, flow=CUSTOM)).challenge.parameters
                for typed in (name, name.upper(), name)
            ]
            traces[name] = [
                *(here[each] == capital[each] for each in ("destination", "sent", "expiresIn")),
                *(here[each] == again[each] for each in ("destination", "sent", "expiresIn")),
                *(
                    here[each].partition(".")[0] == other[each].partition(".")[0]
                    for each in here.keys() & {"waitsFor"}
                    for other in (capital, again)
                ),
            ]
            for _ in range(5):
                clock.now += 31
                last = await house.auth.sign_in(name, flow=CUSTOM)
            assert "retryAfter" in seen(last)
            capital = await house.auth.sign_in(name.upper(), flow=CUSTOM)
            traces[name].append("retryAfter" in seen(capital))
            assert ("retryAfter" in seen(capital)) is not case_sensitive
            clock.now += 3600
    assert traces["ada"] == traces["unverified"] == traces["nobody"] == traces["someone"]
    assert traces["ada"][0] is not case_sensitive


@pytest.mark.parametrize("label", ["link", "otp"])
async def test_a_clock_that_was_set_back_makes_nothing_good_for_longer_than_its_life(
    open_house: Opened, outbox: Any, clock: Any, label: str
) -> None:
    async with open_house(steps(outbox)[label]) as house:
        await house.user("ada", **ADA)
        pending = await house.auth.sign_in("ada", flow=CUSTOM)
        assert seen(pending)["expiresIn"] == "300"
        clock.now -= 20
        assert seen(await house.auth.answer(pending, "000000"))["expiresIn"] == "300"
        assert seen(await house.auth.sign_in("ada", flow=CUSTOM))["expiresIn"] == "300"


async def test_a_link_that_signed_somebody_in_is_good_in_no_sign_in_that_shares_it_later(
    open_house: Opened, outbox: Any, clock: Any
) -> None:
    """The triggers know a link by its attempt; what is used up is the very link."""
    async with open_house(steps(outbox)["link"]) as house:
        await house.user("ada", **ADA)
        one, two = [await house.auth.sign_in("ada", flow=CUSTOM) for _ in range(2)]
        one = await house.auth.answer(one, "no link")
        right = answer_in(outbox.sent[0])
        assert isinstance(await house.auth.answer(one, right), SignedIn)
        for begun in (two, await house.auth.sign_in("ada", flow=CUSTOM)):
            again = await house.auth.answer(begun, right)
            assert isinstance(again, ChallengeRequired)
            assert isinstance(await house.auth.answer(again, right), ChallengeRequired)
        assert len(outbox.sent) == 1
