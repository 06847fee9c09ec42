"""Users who verify their addresses: a code is asked for, sent, entered, and good once."""

import pytest

from authflow.pool.messages.wording import Wording
from testbed.address_owners import SCHEMA, VERIFYING, WAITING, listed

MISMATCH = ("CodeMismatchException", "Invalid verification code provided, please try again.")
EXPIRED = ("ExpiredCodeException", "Invalid code provided, please request a code again.")
LIMIT = ("LimitExceededException", "Attempt limit exceeded, please try after some time.")
ASK = "GetUserAttributeVerificationCode"
DAY = 86400


def wrong(code):
    return f"{(int(code) + 1) % 10**6:06}"


async def ask(owner, attribute="email"):
    reply = await owner.own(ASK, AttributeName=attribute)
    return reply["CodeDeliveryDetails"]


@pytest.mark.parametrize("flag", ["true", "false"])
@pytest.mark.parametrize(
    ("attribute", "address", "details"),
    [
        (
            "email",
            "Zoe@Example.org",
            {"Destination": "z***@e***", "DeliveryMedium": "EMAIL", "AttributeName": "email"},
        ),
        (
            "phone_number",
            "+12065558920",
            {
                "Destination": "+*******8920",
                "DeliveryMedium": "SMS",
                "AttributeName": "phone_number",
            },
        ),
    ],
)
async def test_an_address_is_verified_by_the_code_that_it_was_sent(
    move_in, attribute, address, details, flag
):
    # One that is verified may be verified again.
    owner = await move_in(VERIFYING, **{attribute: address, f"{attribute}_verified": flag})
    assert await ask(owner, attribute) == details
    code = await owner.code()
    assert await owner.not_verified(attribute, wrong(code)) == MISMATCH
    assert (await owner.attributes())[f"{attribute}_verified"] == flag
    assert await owner.verify(attribute, code) == {}
    assert (await owner.attributes())[f"{attribute}_verified"] == "true"
    assert await owner.not_verified(attribute, code) == EXPIRED
    await owner.by_admin("AdminDeleteUser")


@pytest.mark.parametrize("settings", [{"Schema": SCHEMA}, VERIFYING])
async def test_a_code_is_sent_on_demand_in_every_pool(move_in, settings):
    owner = await move_in(settings)
    await owner.update(email=f"{owner.name}@example.com")
    await ask(owner)
    await owner.verify("email", await owner.code())
    assert (await owner.attributes())["email_verified"] == "true"


async def test_a_code_goes_to_the_address_that_waits(patient_owner):
    owner = patient_owner
    await owner.update(email="later@example.org")
    first = await owner.code()
    assert (await ask(owner))["Destination"] == "l***@e***"
    second = await owner.code()
    if first != second:
        assert await owner.not_verified("email", first) == MISMATCH
    await owner.verify("email", second)
    found = await owner.attributes()
    assert (found["email"], found["email_verified"]) == ("later@example.org", "true")


@pytest.mark.parametrize("attribute", ["email", "phone_number"])
async def test_who_has_no_such_address_is_sent_nothing(move_in, attribute):
    owner = await move_in(VERIFYING, name="Ann")
    spoken = {"email": "email address", "phone_number": "phone number"}[attribute]
    refusal = ("InvalidParameterException", f"User does not have a valid registered {spoken}")
    assert await owner.refused(ASK, AttributeName=attribute) == refusal
    assert await owner.not_verified(attribute, "123456") == EXPIRED


@pytest.mark.parametrize(
    "name", ["name", "sub", "email_verified", "custom:team", "Email", "email "]
)
async def test_nothing_but_addresses_is_verified(owner, name):
    refusal = (
        "InvalidParameterException",
        "Invalid attribute name. Only phone_number and email can be verified.",
    )
    assert await owner.refused(ASK, AttributeName=name) == refusal
    assert await owner.not_verified(name, "123456") == refusal


async def test_a_code_verifies_only_the_address_that_it_went_to(move_in):
    owner = await move_in(
        VERIFYING, email="first@example.org", phone_number="+12065550150", name="Ann"
    )
    await ask(owner)
    code = await owner.code()
    assert await owner.not_verified("phone_number", code) == EXPIRED
    changes = (
        {"UserAttributes": listed({"email": "second@example.org", "email_verified": "true"})},
        {"UserAttributes": listed({"email": ""})},
    )
    for change in changes:
        await owner.by_admin("AdminUpdateUserAttributes", **change)
        before = await owner.attributes()
        assert await owner.not_verified("email", code) == MISMATCH
        assert await owner.attributes() == before
    # It is the user's again, and the code went there.
    back = {"UserAttributes": listed({"email": "first@example.org"})}
    await owner.by_admin("AdminUpdateUserAttributes", **back)
    (*_, last) = await owner.messages()
    assert last.destination == "first@example.org"
    await owner.verify("email", last.code.reveal())
    await owner.by_admin("AdminDeleteUser")


async def test_a_code_is_no_good_for_another_user(owner, move_in):
    other = await move_in(VERIFYING)
    await ask(owner)
    await ask(other)
    code = await owner.code()
    if code != await other.code():
        assert await other.not_verified("email", code) == MISMATCH
    await owner.verify("email", code)


async def test_a_code_is_good_for_a_day(owner):
    for wait, good in ((DAY - 1, True), (DAY, False)):
        await ask(owner)
        code = await owner.code()
        owner.house.clock.now += wait
        await owner.sign_in_again()
        if good:
            await owner.verify("email", code)
        else:
            assert await owner.not_verified("email", code) == EXPIRED


async def test_ten_attempts_an_hour_are_judged_and_a_new_code_gives_none(owner):
    await ask(owner)
    for _ in range(8):
        assert await owner.not_verified("email", wrong(await owner.code())) == MISMATCH
    await ask(owner)
    code = await owner.code()
    assert await owner.not_verified("email", code) == LIMIT
    assert await owner.refused(ASK, AttributeName="email") == LIMIT
    assert len(await owner.messages()) == 2
    owner.house.clock.now += 3599
    assert await owner.not_verified("email", code) == LIMIT
    owner.house.clock.now += 1
    await owner.sign_in_again()
    await owner.verify("email", code)
    await ask(owner)  # what was right forgets the attempts


async def test_of_a_hundred_right_codes_at_once_one_wins(patient_owner):
    owner = patient_owner
    await owner.update(email=f"race-{owner.name}@example.org")
    request = {"AccessToken": owner.token, "AttributeName": "email", "Code": await owner.code()}
    replies = await owner.house.api.at_once(*[("VerifyUserAttribute", request)] * 100)
    lost = {(each["__type"], each["message"]) for each in replies if "__type" in each}
    assert replies.count({}) == 1
    assert lost <= {EXPIRED, LIMIT}
    assert (await owner.attributes())["email"] == f"race-{owner.name}@example.org"


async def test_of_many_wrong_codes_at_once_ten_are_judged(owner):
    await ask(owner)
    code = await owner.code()
    guesses = [f"{(int(code) + 1 + each) % 10**6:06}" for each in range(40)]
    request = {"AccessToken": owner.token, "AttributeName": "email"}
    replies = await owner.house.api.at_once(
        *(("VerifyUserAttribute", {**request, "Code": each}) for each in guesses)
    )
    found = [(each["__type"], each["message"]) for each in replies]
    assert {each: found.count(each) for each in {*found}} == {MISMATCH: 9, LIMIT: 31}


async def test_of_one_claim_to_an_alias_by_two_users_one_is_verified(move_in):
    pair = [await move_in(WAITING) for _ in range(2)]
    calls = []
    for each in pair:
        await each.update(email="claimed@example.org")
        code = {"AttributeName": "email", "Code": await each.code()}
        calls.append(("VerifyUserAttribute", {"AccessToken": each.token, **code}))
    replies = await pair[0].house.api.at_once(*calls)
    assert sorted(each.get("__type", "") for each in replies) == ["", "AliasExistsException"]
    for each in pair:
        await each.by_admin("AdminDeleteUser")


async def test_a_code_is_not_kept_for_an_address_that_changes_while_it_is_worded(
    owner, monkeypatch
):
    changed, verification = iter(["one", "two", "three", "four"]), Wording.verification

    async def slow(self, occasion, user, destination, *rest, **more):
        address = next(changed)
        if address != stays:
            given = listed({"email": f"{address}@example.com", "email_verified": "true"})
            await owner.by_admin("AdminUpdateUserAttributes", UserAttributes=given)
        return await verification(self, occasion, user, destination, *rest, **more)

    monkeypatch.setattr(Wording, "verification", slow)
    stays = "two"
    assert (await ask(owner))["Destination"] == "o***@e***"
    (message,) = await owner.messages()
    assert message.destination == "one@example.com"
    stays, changed = "", iter("abc")
    refusal = await owner.refused(ASK, AttributeName="email")
    assert refusal == ("TooManyRequestsException", "Rate exceeded")
    assert len(await owner.messages()) == 1
    await owner.by_admin("AdminDeleteUser")


async def test_who_must_reset_the_password_first_changes_no_address(start, settle):
    house = await settle(await start(tokens_survive=True), VERIFYING)
    await house.add_user(email="ann@example.org", email_verified="true")
    own = {"AccessToken": (await house.tokens())["AccessToken"]}
    named = {"UserPoolId": house.pool_id, "Username": "ann"}
    await house.api("AdminResetUserPassword", **named)
    for operation, members in (
        (ASK, {"AttributeName": "email"}),
        ("VerifyUserAttribute", {"AttributeName": "email", "Code": "123456"}),
        ("UpdateUserAttributes", {"UserAttributes": listed({"name": "Ann"})}),
        ("DeleteUserAttributes", {"UserAttributeNames": ["email"]}),
    ):
        refusal = await house.api.refused(operation, **own, **members)
        assert refusal.code == "PasswordResetRequiredException"


async def test_no_code_or_new_address_is_in_the_log(owner, caplog):
    with caplog.at_level("DEBUG"):
        await owner.update(email="hidden-place@example.org")
        await owner.not_verified("email", wrong(await owner.code()))
        await owner.verify("email", await owner.code())
    code = await owner.code()
    assert not [each for each in ("hidden-place", f" {code}", owner.token) if each in caplog.text]
    await owner.by_admin("AdminDeleteUser")
