"""Users and administrators who change and delete attributes, and the codes that this sends."""

import json

import anyio
import boto3
import pytest

from authflow.pool.confirmations import attribute_updates
from testbed.address_owners import VERIFYING, WAITING, listed

NEW = {"email": "new@example.org", "phone_number": "+12065550199"}
SHOWN = {
    "email": {
        "Destination": "n***@e***",
        "DeliveryMedium": "EMAIL",
        "AttributeName": "email",
    },
    "phone_number": {
        "Destination": "+*******0199",
        "DeliveryMedium": "SMS",
        "AttributeName": "phone_number",
    },
}
ARN = "arn:aws:lambda:us-east-1:000000000000:function:word"
LIMIT = ("TooManyRequestsException", "Attempt limit exceeded, please try after some time.")
REVOKED = ("NotAuthorizedException", "Access Token has been revoked")


async def may_sign_in(owner, name):
    begun = json.dumps(owner.house.by_password(name))
    status, _, _ = await owner.house.api.post("InitiateAuth", begun)
    return status == 200


@pytest.mark.parametrize("attribute", NEW)
async def test_a_new_address_is_the_users_at_once_and_verified_by_the_code(owner, attribute):
    new = f"{owner.name}-{NEW['email']}" if attribute == "email" else "+12065550101"
    (details,) = await owner.update(**{attribute: new, "custom:team": "red"})
    assert details["AttributeName"] == attribute
    found = await owner.attributes()
    assert (found[attribute], found[f"{attribute}_verified"]) == (new, "false")
    assert found["custom:team"] == "red"
    (message,) = await owner.messages()
    assert (message.destination, message.medium) == (new, details["DeliveryMedium"])
    assert message.code.reveal() in message.text.reveal()
    assert not await may_sign_in(owner, new)
    assert await owner.verify(attribute, await owner.code()) == {}
    assert (await owner.attributes())[f"{attribute}_verified"] == "true"
    assert await may_sign_in(owner, new)


@pytest.mark.parametrize("attribute", NEW)
async def test_a_new_address_waits_and_the_old_one_stays_till_the_code_comes_back(
    move_in, attribute
):
    old = {"email": "old@example.org", "phone_number": "+12065550110"}[attribute]
    owner = await move_in(WAITING, **{attribute: old, f"{attribute}_verified": "true"})
    before = await owner.attributes()
    assert await owner.update(**{attribute: NEW[attribute]}) == [SHOWN[attribute]]
    assert await owner.attributes() == before
    assert await may_sign_in(owner, old)
    assert not await may_sign_in(owner, NEW[attribute])
    (message,) = await owner.messages()
    assert message.destination == NEW[attribute]
    await owner.verify(attribute, await owner.code())
    assert await owner.attributes() == {attribute: NEW[attribute], f"{attribute}_verified": "true"}
    assert await may_sign_in(owner, NEW[attribute])
    assert not await may_sign_in(owner, old)
    await owner.by_admin("AdminDeleteUser")


async def test_both_addresses_are_sent_codes_of_their_own(patient_owner):
    owner, new = patient_owner, {"email": "both@example.org", "phone_number": "+12065550120"}
    assert [each["AttributeName"] for each in await owner.update(**new)] == [*new]
    codes = {each.medium: each.code.reveal() for each in await owner.messages()}
    assert await owner.verify("phone_number", codes["SMS"]) == {}
    found = await owner.attributes()
    assert (found["phone_number"], found["email"]) == (
        new["phone_number"],
        f"{owner.name}@example.org",
    )
    await owner.verify("email", codes["EMAIL"])
    assert (await owner.attributes())["email"] == new["email"]


async def test_the_value_that_the_user_has_sends_nothing_and_gives_up_what_waits(patient_owner):
    owner = patient_owner
    await owner.update(email="waits@example.org")
    code = await owner.code()
    assert await owner.update(email=f"{owner.name}@example.org") == []
    assert len(await owner.messages()) == 1
    assert (await owner.not_verified("email", code))[0] == "CodeMismatchException"
    assert (await owner.attributes())["email_verified"] == "true"


async def test_an_administrator_changes_what_a_user_has(owner):
    given = listed({"email": "admin@example.org", "custom:team": "blue", "name": "Ann"})
    assert await owner.by_admin("AdminUpdateUserAttributes", UserAttributes=given) == {}
    assert (await owner.attributes())["email_verified"] == "false"
    (message,) = await owner.messages()
    assert message.destination == "admin@example.org"
    verified = listed({"email": "other@example.org", "email_verified": "true"})
    await owner.by_admin("AdminUpdateUserAttributes", UserAttributes=verified)
    assert len(await owner.messages()) == 1
    assert await may_sign_in(owner, "other@example.org")
    # The code that went to the address before is no good any more.
    refusal = await owner.not_verified("email", message.code.reveal())
    assert refusal[0] == "CodeMismatchException"
    names = {"UserAttributeNames": ["email", "custom:team", "name"]}
    assert await owner.by_admin("AdminDeleteUserAttributes", **names) == {}
    assert await owner.attributes() == {}
    assert not await may_sign_in(owner, "other@example.org")


async def test_an_administrators_address_waits_too_and_counts_no_attempts(patient_owner):
    owner = patient_owner
    for number in range(11):
        given = listed({"email": f"{number}@example.org"})
        await owner.by_admin("AdminUpdateUserAttributes", UserAttributes=given)
    assert (await owner.attributes())["email"] == f"{owner.name}@example.org"
    await owner.verify("email", await owner.code())
    assert (await owner.attributes())["email"] == "10@example.org"


async def test_users_delete_what_they_may_write(owner):
    await owner.update(**{"custom:team": "red", "birthdate": "2000-01-02"})
    names = ["custom:team", "email"]
    assert await owner.own("DeleteUserAttributes", UserAttributeNames=names) == {}
    assert await owner.attributes() == {"birthdate": "2000-01-02"}
    assert not await may_sign_in(owner, f"{owner.name}@example.org")
    assert await owner.update(birthdate="") == []
    assert await owner.attributes() == {}
    for name in ("sub", "email_verified", "custom:badge", "nickname", "custom:nothing"):
        for operation, members in (
            ("DeleteUserAttributes", {"UserAttributeNames": [name]}),
            ("UpdateUserAttributes", {"UserAttributes": [{"Name": name, "Value": "true"}]}),
            ("UpdateUserAttributes", {"UserAttributes": [{"Name": name}]}),
        ):
            code, _ = await owner.refused(operation, **members)
            kind = "NotAuthorized" if name == "nickname" else "InvalidParameter"
            assert code == f"{kind}Exception"
    assert await owner.attributes() == {}


async def test_all_of_a_request_is_stored_or_none(owner, move_in):
    other = await move_in(VERIFYING)
    await owner.update(**{"custom:team": "red"})
    for wrong in ({"email": "nowhere"}, {"sub": "x"}, {"custom:badge": "7"}):
        given = listed({"custom:team": "blue", **wrong})
        await owner.refused("UpdateUserAttributes", UserAttributes=given)
        about = {"UserPoolId": owner.house.pool_id, "Username": owner.name}
        await owner.house.api.refused("AdminUpdateUserAttributes", **about, UserAttributes=given)
    taken = {"email": f"{other.name}@example.org", "email_verified": "true", "custom:team": "blue"}
    refusal = await owner.house.api.refused(
        "AdminUpdateUserAttributes",
        UserPoolId=owner.house.pool_id,
        Username=owner.name,
        UserAttributes=listed(taken),
    )
    assert refusal.code == "AliasExistsException"
    assert await owner.attributes() == {
        "email": f"{owner.name}@example.org",
        "email_verified": "true",
        "custom:team": "red",
    }
    assert await owner.messages() == []


async def test_another_users_alias_is_claimed_and_not_verified(owner, move_in):
    for settings in (VERIFYING, WAITING):
        thief, victim = await move_in(settings), await move_in(settings)
        address = f"{victim.name}@example.org"
        await thief.update(email=address)
        refusal = await thief.not_verified("email", await thief.code())
        assert refusal == (
            "AliasExistsException",
            "An account with the given email already exists.",
        )
        status, reply, _ = await victim.house.api.post(
            "AdminGetUser",
            json.dumps({"UserPoolId": victim.house.pool_id, "Username": address}),
        )
        assert (status, reply["Username"]) == (200, victim.name)
        # Once the other one has given it up, the code is good.
        await victim.own("DeleteUserAttributes", UserAttributeNames=["email"])
        await thief.verify("email", await thief.code())
        assert (await thief.attributes())["email_verified"] == "true"


@pytest.mark.parametrize("waits", [True, False])
async def test_where_addresses_are_usernames_nobody_takes_anothers(api, settle, waits):
    first = ["email"] if waits else []
    settings = {"AttributesRequireVerificationBeforeUpdate": first}
    by_email = {"UsernameAttributes": ["email"], "AutoVerifiedAttributes": ["email"]}
    house = await settle(api, {**by_email, "UserAttributeUpdateSettings": settings})
    for name in ("ann@example.org", "bob@example.org"):
        await house.add_user(name)
    token = (await house.tokens("ann@example.org"))["AccessToken"]
    given = listed({"email": "bob@example.org"})
    refusal = await house.api.refused(
        "UpdateUserAttributes", AccessToken=token, UserAttributes=given
    )
    assert refusal.code == "AliasExistsException"
    refusal = await house.api.refused(
        "DeleteUserAttributes", AccessToken=token, UserAttributeNames=["email"]
    )
    assert refusal.code == "InvalidParameterException"
    assert "AccessToken" in await house.tokens("ann@example.org")


async def test_who_signs_up_with_an_address_that_another_has_only_written_stops_no_change_of_his(
    api, settle
):
    by_address = {"UsernameAttributes": ["email", "phone_number"]}
    house = await settle(api, {**by_address, "AutoVerifiedAttributes": ["email"]})
    await house.add_user("ann@example.org")
    token = (await house.tokens("ann@example.org"))["AccessToken"]
    own = {"AccessToken": token}
    given = listed({"email": "bob@example.org", "phone_number": "+12065550123", "name": "Ann"})
    await house.api("UpdateUserAttributes", **own, UserAttributes=given)
    sub = (await house.api("GetUser", **own))["Username"]
    for name in ("bob@example.org", "+12065550123"):
        await house.api("SignUp", ClientId=house.client_id, Username=name, Password="Corr3ct-Horse")
    named = {"UserPoolId": house.pool_id, "Username": sub}
    await house.api("UpdateUserAttributes", **own, UserAttributes=listed({"name": "A."}))
    # To give what the user has is no change.
    await house.api("UpdateUserAttributes", **own, UserAttributes=given[:1])
    for given in ({"name": "Ann"}, {"email_verified": "false"}):
        await house.api("AdminUpdateUserAttributes", **named, UserAttributes=listed(given))
    await house.api("DeleteUserAttributes", **own, UserAttributeNames=["name", "phone_number"])
    verified = listed({"email_verified": "true"})
    refusal = await house.api.refused("AdminUpdateUserAttributes", **named, UserAttributes=verified)
    assert refusal.code == "AliasExistsException"
    taken = listed({"phone_number": "+12065550123"})
    refusal = await house.api.refused("UpdateUserAttributes", **own, UserAttributes=taken)
    assert refusal.code == "AliasExistsException"


async def test_of_many_changes_at_once_the_code_of_the_last_is_good(patient_owner):
    owner = patient_owner
    calls = [
        (
            "UpdateUserAttributes",
            {"AccessToken": owner.token, "UserAttributes": listed({"email": each})},
        )
        for each in (f"{number}@example.net" for number in range(20))
    ]
    replies = await owner.house.api.at_once(*calls)
    refused = [(each["__type"], each["message"]) for each in replies if "__type" in each]
    assert refused == [LIMIT] * 10
    messages = await owner.messages()
    assert len(messages) == 10
    # Ten attempts were used up: the code can be entered in an hour.
    assert (await owner.not_verified("email", "123456"))[0] == "LimitExceededException"
    owner.house.clock.now += 3600
    await owner.sign_in_again()
    (*_, last) = messages
    await owner.verify("email", last.code.reveal())
    assert (await owner.attributes())["email"] == last.destination


async def test_who_has_asked_for_too_many_codes_still_changes_what_needs_none(owner):
    for number in range(10):
        await owner.update(email=f"{owner.name}-{number}@example.org")
    given = {"UserAttributes": listed({"email": "one-more@example.org", "custom:team": "red"})}
    assert await owner.refused("UpdateUserAttributes", **given) == LIMIT
    assert "custom:team" not in await owner.attributes()
    await owner.update(**{"custom:team": "red"})
    await owner.update(phone_number="+12065550130")  # it has a count of its own


async def test_a_trigger_words_the_message_and_sees_the_new_address(start, settle):
    seen, sent = [], []

    def word(event, _):
        seen.append(event)
        if event["request"]["userAttributes"]["email"].startswith("bad"):
            raise ValueError("not this one")
        event["response"]["emailSubject"] = "Yours?"
        event["response"]["emailMessage"] = "Type {####}, please."
        return event

    api = await start(triggers={"word": word}, on_message=sent.append)
    house = await settle(api, {**WAITING, "LambdaConfig": {"CustomMessage": ARN}})
    await house.add_user(email="ann@example.org", email_verified="true")
    named = {"UserPoolId": house.pool_id, "Username": "ann"}
    own = {"AccessToken": (await house.tokens())["AccessToken"]}
    extra = {"ClientMetadata": {"tone": "kind"}}
    for address, operation, who, client in (
        ("new@example.org", "UpdateUserAttributes", own, house.client_id),
        ("two@example.org", "AdminUpdateUserAttributes", named, "CLIENT_ID_NOT_APPLICABLE"),
    ):
        await api(operation, **who, **extra, UserAttributes=listed({"email": address}))
        event = seen.pop()
        assert event["triggerSource"] == "CustomMessage_UpdateUserAttribute"
        assert event["callerContext"]["clientId"] == client
        assert event["request"]["clientMetadata"] == {"tone": "kind"}
        assert event["request"]["userAttributes"]["email"] == address
        assert (sent[-1].destination, sent[-1].subject) == (address, "Yours?")
        assert sent[-1].text.reveal() == f"Type {sent[-1].code.reveal()}, please."
        assert sent[-1].code.reveal() not in str(event)
    bad = {"UserAttributes": listed({"email": "bad@example.org"})}
    for operation, who in (("UpdateUserAttributes", own), ("AdminUpdateUserAttributes", named)):
        refusal = await api.refused(operation, **who, **bad)
        assert refusal.code == "UserLambdaValidationException"
    # What was refused did not take the place of what waits.
    code = {"AttributeName": "email", "Code": sent[-1].code.reveal()}
    await api("VerifyUserAttribute", **own, **code)
    told = await api("AdminGetUser", **named)
    assert {"Name": "email", "Value": "two@example.org"} in told["UserAttributes"]
    own["AttributeName"] = "email"
    await api("GetUserAttributeVerificationCode", **own, **extra)
    event = seen.pop()
    assert event["triggerSource"] == "CustomMessage_VerifyUserAttribute"
    assert event["request"]["clientMetadata"] == {"tone": "kind"}
    assert sent[-1].subject == "Yours?"


async def test_a_change_that_another_one_overtakes_is_computed_anew(owner, monkeypatch):
    worded, word = [], attribute_updates.AttributeUpdates._word

    async def slow(self, occasion, destination):
        if not worded:
            # Meanwhile the user got what is about to be set: then no code is due.
            given = listed({"email": "same@example.org", "email_verified": "true"})
            await owner.by_admin("AdminUpdateUserAttributes", UserAttributes=given)
        worded.append(destination.address)
        return await word(self, occasion, destination)

    monkeypatch.setattr(attribute_updates.AttributeUpdates, "_word", slow)
    assert await owner.update(email="same@example.org") == []
    assert worded == ["same@example.org"]
    assert await owner.messages() == []
    assert (await owner.attributes())["email_verified"] == "true"


async def test_a_change_that_is_overtaken_again_and_again_is_refused(owner, monkeypatch):
    word, there = attribute_updates.AttributeUpdates._word, [f"{owner.name}@example.org"]
    same = f"{owner.name}@example.net"

    async def overtaken(self, occasion, destination):
        if destination.attribute == "phone_number":
            there.append(same if len(there) % 2 else there[0])
            given = listed({"email": there[-1], "email_verified": "true"})
            await owner.by_admin("AdminUpdateUserAttributes", UserAttributes=given)
        return await word(self, occasion, destination)

    monkeypatch.setattr(attribute_updates.AttributeUpdates, "_word", overtaken)
    given = listed({"email": same, "phone_number": "+12065550140"})
    refusal = await owner.refused("UpdateUserAttributes", UserAttributes=given)
    assert refusal == ("TooManyRequestsException", "Rate exceeded")
    assert len(there) == 4
    assert "phone_number" not in await owner.attributes()
    assert await owner.messages() == []


@pytest.mark.parametrize(
    ("operation", "members"),
    [
        ("UpdateUserAttributes", {"UserAttributes": listed({"custom:team": "red"})}),
        ("DeleteUserAttributes", {"UserAttributeNames": ["custom:team"]}),
        ("GetUserAttributeVerificationCode", {"AttributeName": "email"}),
        ("VerifyUserAttribute", {"AttributeName": "email", "Code": "123456"}),
    ],
)
async def test_a_token_that_is_good_no_more_changes_nothing(owner, operation, members):
    before = await owner.attributes()
    await owner.by_admin("AdminUserGlobalSignOut")
    assert await owner.refused(operation, **members) == REVOKED
    fresh = await owner.house.tokens(owner.name)
    bad = f"{fresh['AccessToken'][:-8]}AAAAAAAA"
    refusal = await owner.house.api.refused(operation, AccessToken=bad, **members)
    assert refusal.code == "NotAuthorizedException"
    refusal = await owner.house.api.refused(operation, AccessToken=fresh["IdToken"], **members)
    assert refusal.code == "NotAuthorizedException"
    owner.token = fresh["AccessToken"]
    assert await owner.attributes() == before
    await owner.by_admin("AdminDeleteUser")
    gone = ("UserNotFoundException", "User does not exist.")
    assert await owner.refused(operation, **members) == gone


@pytest.mark.parametrize("operation", ["AdminUpdateUserAttributes", "AdminDeleteUserAttributes"])
async def test_an_administrator_names_a_user_of_the_pool(owner, operation):
    members = (
        {"UserAttributes": listed({"custom:team": "red"})}
        if operation == "AdminUpdateUserAttributes"
        else {"UserAttributeNames": ["custom:team"]}
    )
    about = {"UserPoolId": owner.house.pool_id, "Username": "nobody"}
    refusal = await owner.house.api.refused(operation, **about, **members)
    assert refusal.code == "UserNotFoundException"
    about = {"UserPoolId": "us-east-1_nowhere", "Username": owner.name}
    refusal = await owner.house.api.refused(operation, **about, **members)
    assert refusal.code == "ResourceNotFoundException"


async def test_aws_own_client_goes_through_a_users_account(patient_owner):
    owner = patient_owner
    aws = boto3.client(
        "cognito-idp",
        region_name="us-east-1",
        endpoint_url=owner.house.api.endpoint,
        aws_access_key_id="any",
        aws_secret_access_key="any",
    )
    own = {"AccessToken": owner.token}
    named = {"UserPoolId": owner.house.pool_id, "Username": owner.name}

    async def call(operation, **members):
        reply = await anyio.to_thread.run_sync(lambda: getattr(aws, operation)(**members))
        assert reply.pop("ResponseMetadata")["HTTPStatusCode"] == 200
        return reply

    given = listed({"email": "by-boto3@example.org"})
    assert await call("update_user_attributes", **own, UserAttributes=given) == {
        "CodeDeliveryDetailsList": [
            {"Destination": "b***@e***", "DeliveryMedium": "EMAIL", "AttributeName": "email"}
        ]
    }
    email = {**own, "AttributeName": "email"}
    sent = await call("get_user_attribute_verification_code", **email)
    assert sent["CodeDeliveryDetails"]["AttributeName"] == "email"
    with pytest.raises(aws.exceptions.CodeMismatchException):
        await call("verify_user_attribute", **email, Code="wrong")
    assert await call("verify_user_attribute", **email, Code=await owner.code()) == {}
    assert (await owner.attributes())["email"] == "by-boto3@example.org"
    for operation, who in (
        ("delete_user_attributes", own),
        ("admin_delete_user_attributes", named),
    ):
        assert await call(operation, **who, UserAttributeNames=["email"]) == {}
    assert await call("admin_update_user_attributes", **named, UserAttributes=given) == {}
    change = {**own, "PreviousPassword": "Corr3ct-Horse", "ProposedPassword": "An0ther-Horse"}
    assert await call("change_password", **change) == {}
    assert await call("delete_user", **own) == {}
    with pytest.raises(aws.exceptions.UserNotFoundException):
        await call("admin_user_global_sign_out", **named)
    aws.close()
