"""Links that confirm a sign-up: what they are, who may come by them, and what the page says."""

import asyncio
import html
import logging
import re
from urllib.parse import parse_qs, urlsplit

import pytest

from authflow.pool import Budget

BY_LINK = {
    "VerificationMessageTemplate": {
        "DefaultEmailOption": "CONFIRM_WITH_LINK",
        "EmailMessageByLink": "Hello, {##come in##}!",
        "EmailSubjectByLink": "Come in",
        "SmsMessage": "Text {####}",
    }
}
ANCHOR = re.compile(r'Hello, <a href="([^"]+)">come in</a>!')
VISIT = {
    "Sec-Fetch-Site": "cross-site",
    "Sec-Fetch-Mode": "navigate",
    "Sec-Fetch-Dest": "document",
}
MISMATCH = "Invalid verification code provided, please try again."


def link_in(message):
    (found,) = re.findall(r'<a href="([^"]+)">', message.text.reveal())
    return html.unescape(found)


async def signed_up(stage, pool=None, *, triggered=False, name="ann", **client):
    house = await stage.open({**BY_LINK, **(pool or {})}, triggered=triggered, **client)
    await house.api("SignUp", **stage.application(house, name))
    return house


async def visit(house, link, method="GET", **headers):
    """Return the status, the text of the page and its headers."""
    async with house.api.http.request(method, link, headers=headers) as reply:
        return reply.status, await reply.text(), reply.headers


async def test_an_email_has_a_link_in_place_of_the_code_and_it_confirms(stage):
    house = await signed_up(stage, GenerateSecret=True)
    (message,) = stage.postman.messages
    assert message.subject == "Come in"
    assert ANCHOR.fullmatch(message.text.reveal())
    parts = urlsplit(link_in(message))
    assert f"{parts.scheme}://{parts.netloc}" == house.api.endpoint
    assert parts.path == f"/{house.pool_id}/confirmUser"
    assert parse_qs(parts.query) == {
        "client_id": [house.client_id],
        "user_name": ["ann"],
        "confirmation_code": [stage.postman.code],
    }
    status, text, headers = await visit(house, link_in(message), **VISIT)
    assert (status, "Your registration has been confirmed!" in text) == (200, True)
    assert headers["Content-Type"].startswith("text/html")
    assert (headers["Cache-Control"], headers["Referrer-Policy"]) == ("no-store", "no-referrer")
    assert headers["Content-Security-Policy"].startswith("default-src 'none'")
    state, attributes = await stage.described(house)
    assert (state, attributes["email_verified"]) == ("CONFIRMED", "true")


async def test_the_code_of_a_link_may_be_entered_too(stage):
    house = await signed_up(stage)
    entered = stage.named(house, ConfirmationCode=stage.postman.code)
    assert await house.api("ConfirmSignUp", **entered) == {}
    status, text, _ = await visit(house, link_in(stage.postman.messages[0]))
    assert (status, "Current status is CONFIRMED" in text) == (400, True)


async def test_a_link_is_good_once_and_for_a_day(stage, clock):
    house = await signed_up(stage)
    link = link_in(stage.postman.messages[0])
    clock.now += 86400
    status, text, _ = await visit(house, link)
    assert (status, "Invalid code provided, please request a code again." in text) == (400, True)
    await house.api("ResendConfirmationCode", **stage.named(house))
    link = link_in(stage.postman.messages[1])
    assert [(await visit(house, link))[0] for _ in range(2)] == [200, 400]


async def test_triggers_hear_of_a_link_as_of_a_code(stage):
    house = await signed_up(stage, triggered=True)
    await visit(house, link_in(stage.postman.messages[0]))
    assert stage.triggers.seen[-1] == "PostConfirmation_ConfirmSignUp"
    assert stage.triggers.events[-1]["callerContext"]["clientId"] == house.client_id
    assert "clientMetadata" not in stage.triggers.events[-1]["request"]


async def test_of_eight_who_follow_a_link_at_once_one_confirms(stage):
    house = await signed_up(stage, triggered=True)
    link = link_in(stage.postman.messages[0])
    visits = await asyncio.gather(*(visit(house, link) for _ in range(8)))
    assert sorted(status for status, _, _ in visits) == [200, *[400] * 7]
    assert stage.triggers.seen.count("PostConfirmation_ConfirmSignUp") == 1


async def test_whoever_looks_where_a_link_leads_uses_up_no_code(stage):
    house = await signed_up(stage)
    link = link_in(stage.postman.messages[0])
    for _ in range(12):
        assert (await visit(house, link, "HEAD"))[0] == 200
    assert (await stage.described(house))[0] == "UNCONFIRMED"
    assert (await visit(house, link))[0] == 200


NO_VISITS = (
    {**VISIT, "Sec-Fetch-Mode": "no-cors"},
    {**VISIT, "Sec-Fetch-Dest": "image"},
    {**VISIT, "Sec-Fetch-Dest": "iframe"},
    {"Sec-Fetch-Site": "cross-site"},
    {**VISIT, "Origin": "http://evil.example"},
    {**VISIT, "Host": "evil.example"},
)


async def test_what_is_no_visit_of_a_browser_does_not_come_in(stage):
    house = await signed_up(stage)
    for headers in NO_VISITS:
        assert (await visit(house, link_in(stage.postman.messages[0]), **headers))[0] == 403
    assert (await stage.described(house))[0] == "UNCONFIRMED"


async def test_a_visit_opens_no_other_path(stage):
    house = await stage.open()
    for path in ("/", f"/{house.pool_id}/.well-known/jwks.json", "/confirmUser.json"):
        assert (await visit(house, house.api.endpoint + path, **VISIT))[0] == 403


@pytest.mark.parametrize("client", [{}, {"PreventUserExistenceErrors": "ENABLED"}], ids=str)
async def test_a_broken_link_is_refused_and_says_nothing_of_what_was_in_it(stage, client):
    house = await signed_up(stage, **client)
    link = link_in(stage.postman.messages[0])
    canary = "<canary>"
    for name, value in parse_qs(urlsplit(link).query).items():
        for changed in (f"{name}=", f"{name}={canary}", f"no_{name}={value[0]}"):
            status, text, _ = await visit(house, link.replace(f"{name}={value[0]}", changed))
            assert (status, "canary" in text) == (400, False)
    wrong = link.replace(house.pool_id, "us-east-1_nobody123")
    assert (await visit(house, wrong))[0] == 400
    assert (await visit(house, link.replace(f"/{house.pool_id}", "")))[0] == 404
    assert (await stage.described(house))[0] == "UNCONFIRMED"
    assert (await visit(house, link))[0] == 200


async def test_wrong_links_count_as_wrong_codes(stage):
    house = await signed_up(stage)
    link = link_in(stage.postman.messages[0])
    code = stage.postman.code
    wrong = link.replace(code, f"{(int(code) + 1) % 10**6:06}")
    for _ in range(10):
        _, text, _ = await visit(house, wrong)
        assert MISMATCH in text
    status, text, _ = await visit(house, link)
    assert (status, "Attempt limit exceeded" in text) == (400, True)


async def test_links_count_for_the_budget_of_an_address(stage):
    budget = Budget(per_second=1e-6, burst=5)
    api = await stage.start(on_message=stage.postman, address_budget=budget)
    house = await stage.settle(api, {"AutoVerifiedAttributes": ["email"], **BY_LINK})
    await house.api("SignUp", **stage.application(house))
    wrong = link_in(stage.postman.messages[0]).replace("user_name=ann", "user_name=bob")
    texts = [(await visit(house, wrong))[1] for _ in range(3)]
    assert ["Rate exceeded" in text for text in texts] == [False, False, True]


async def test_a_link_names_whoever_it_is_for_however_odd_the_name(stage):
    name = "a&b=c d".replace(" ", "+") + '"<é>%41#?/'
    house = await signed_up(stage, name=name)
    assert (await visit(house, link_in(stage.postman.messages[0])))[0] == 200
    assert (await stage.described(house, name))[0] == "CONFIRMED"


async def test_a_text_message_has_a_code_though_e_mails_have_links(stage):
    house = await stage.open({**BY_LINK, "AutoVerifiedAttributes": ["phone_number"]})
    await house.api("SignUp", **stage.application(house, phone_number="+12065550123"))
    (message,) = stage.postman.messages
    assert message.text.reveal() == f"Text {stage.postman.code}"


async def test_links_lead_to_the_public_address(stage):
    api = await stage.start(on_message=stage.postman, issuer="https://pool.example/base")
    house = await stage.settle(api, {"AutoVerifiedAttributes": ["email"], **BY_LINK})
    await house.api("SignUp", **stage.application(house))
    link = link_in(stage.postman.messages[0])
    assert link.startswith(f"https://pool.example/base/{house.pool_id}/confirmUser?")


async def test_pools_without_words_of_their_own_have_some(stage):
    template = {"VerificationMessageTemplate": {"DefaultEmailOption": "CONFIRM_WITH_LINK"}}
    house = await stage.open(template)
    await house.api("SignUp", **stage.application(house))
    assert (await visit(house, link_in(stage.postman.messages[0])))[0] == 200


@pytest.mark.parametrize(
    ("pool", "good", "bad"),
    [
        (
            BY_LINK,
            ("{##In##} or {####}", "{####} or {##In##}", "{##In##}", "{####}"),
            ("neither", "{##In}", "{####"),
        ),
        ({}, ("{####}",), ("neither", "{##In##}")),
    ],
    ids=["by link", "by code"],
)
async def test_a_trigger_words_a_link_or_a_code(stage, pool, good, bad):
    house = await stage.open(pool, triggered=True)
    for number, words in enumerate((*good, *bad)):
        stage.triggers.answers["CustomMessage_SignUp"] = {"emailMessage": words}
        request = stage.application(house, f"ann-{number}")
        if words in bad:
            refusal = await house.api.refused("SignUp", **request)
            assert refusal.code == "InvalidLambdaResponseException"
            continue
        await house.api("SignUp", **request)
        text = stage.postman.messages[-1].text.reveal()
        assert ("href" in text) is ("##In##" in words)
        assert "{" not in text
        assert stage.postman.code not in str(stage.triggers.events)


async def test_a_password_is_reset_by_a_code_though_sign_ups_have_links(stage):
    house = await stage.open(BY_LINK)
    await house.add_user(email="ann@example.org", email_verified="true")
    await house.api("ForgotPassword", **stage.named(house))
    assert "href" not in stage.postman.messages[0].text.reveal()


async def test_neither_link_nor_code_is_in_a_log(stage, caplog):
    caplog.set_level(logging.DEBUG)
    house = await signed_up(stage)
    link = link_in(stage.postman.messages[0])
    await visit(house, link.replace("user_name=ann", "user_name=canary"))
    await visit(house, link)
    seen = "\n".join(
        each.getMessage() for each in caplog.records if each.name.startswith("authflow")
    )
    assert "confirmUser 200" in seen
    assert "ConfirmSignUp refused: UserNotFoundException" in seen
    assert not [each for each in (stage.postman.code, "canary") if each in seen]
