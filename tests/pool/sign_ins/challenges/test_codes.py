"""A one-time code is the second factor: in every flow, once, in its session, as long as that."""

import base64
import itertools

import pytest
from attrs import define, field

from authflow.pool.accounts.user_pool import find_pool
from authflow.pool.accounts.users import find_user, set_attributes
from authflow.triggers import Issued, Triggers, challenge, password, sequence

RESPOND = "RespondToAuthChallenge"
SMS, TOTP, EMAIL = "SMS_MFA", "SOFTWARE_TOKEN_MFA", "EMAIL_OTP"
FACTORS = [SMS, TOTP, EMAIL]
SENT = [SMS, EMAIL]
NEW = "Str0ng-Horse"
MISMATCH = {
    SMS: "Invalid code or auth state for the user.",
    TOTP: "Invalid code received for user",
    EMAIL: "Invalid code or auth state for the user.",
}


@define
class Handlers:
    """A custom flow of the password and one round, answered by "x"; and what else is asked."""

    sources: frozenset = field(
        default=frozenset(
            {
                *("DefineAuthChallenge", "CreateAuthChallenge", "VerifyAuthChallengeResponse"),
                *("PreAuthentication", "PostAuthentication", "PreTokenGeneration"),
            }
        )
    )
    seen: list = field(factory=list)
    respond: object = None

    async def handle(self, event):
        self.seen.append(event)
        response = dict(event["response"])
        match event["triggerSource"].partition("_")[0]:
            case "DefineAuthChallenge":
                done = [
                    (each["challengeName"], each["challengeResult"])
                    for each in event["request"]["session"]
                ]
                first = "PASSWORD_VERIFIER" if done == [("SRP_A", True)] else "CUSTOM_CHALLENGE"
                response = {
                    "challengeName": first,
                    "issueTokens": ("CUSTOM_CHALLENGE", True) in done,
                    "failAuthentication": False,
                }
            case "CreateAuthChallenge":
                response = {"publicChallengeParameters": {}, "privateChallengeParameters": {}}
            case "VerifyAuthChallengeResponse":
                response = {"answerCorrect": event["request"]["challengeAnswer"] == "x"}
            case "CustomMessage" if callable(self.respond):
                response = self.respond(event)
            case "UserMigration":
                response = {
                    "userAttributes": {"phone_number": "+15551234567"},
                    "finalUserStatus": "CONFIRMED",
                    "messageAction": "SUPPRESS",
                }
        return {**event, "response": response}

    @property
    def names(self):
        return [each["triggerSource"].partition("_")[0] for each in self.seen]


async def by_password(house):
    return "InitiateAuth", house.by_password()


async def by_srp(house):
    return RESPOND, await house.by_srp()


async def by_custom_auth(house):
    prover, asked = await house.ask("ann", "CUSTOM_AUTH", CHALLENGE_NAME="SRP_A")
    return RESPOND, house.proof(prover, asked)


async def by_administrator(house):
    request = house.begin("ADMIN_USER_PASSWORD_AUTH", PASSWORD="Corr3ct-Horse")
    return "AdminInitiateAuth", {"UserPoolId": house.pool_id, **request}


FLOWS = {
    "USER_PASSWORD_AUTH": by_password,
    "USER_SRP_AUTH": by_srp,
    "CUSTOM_AUTH": by_custom_auth,
    "ADMIN_USER_PASSWORD_AUTH": by_administrator,
}


async def turned_on(mfa, factor, mode="ON", *more, username="ann", **attributes):
    await mfa.turn("OPTIONAL", factor, *more)
    await mfa.add_user(username, factor, **attributes)
    await mfa.prefer(factor, preferred=factor, username=username)
    await mfa.turn(mode, factor, *more)


@pytest.mark.parametrize("flow", FLOWS)
async def test_after_the_password_a_code_is_asked_and_the_right_one_signs_in_once(settle_mfa, flow):
    handlers = Handlers()
    mfa = await settle_mfa(triggers=handlers)
    await mfa.turn("OPTIONAL", *FACTORS)
    await mfa.add_user("ann", *FACTORS)
    for factor in FACTORS:
        await mfa.prefer(*FACTORS, preferred=factor)
        handlers.seen.clear()
        operation, request = await FLOWS[flow](mfa.house)
        reply = await mfa.house.api(operation, **request)
        assert reply["ChallengeName"] == factor
        assert "AuthenticationResult" not in reply
        # Nothing that comes after the second factor has begun.
        assert set(handlers.names) <= {"PreAuthentication", "DefineAuthChallenge"}
        code = await mfa.code(factor)
        wrong = mfa.answer(factor, reply["Session"], mfa.wrong(code))
        refusal = await mfa.house.api.refused(RESPOND, **wrong)
        assert (refusal.code, refusal.message) == ("CodeMismatchException", MISMATCH[factor])
        right = mfa.answer(factor, reply["Session"], code)
        done = await mfa.house.api(RESPOND, **right)
        if flow == "CUSTOM_AUTH":
            # Define is asked all the same, and is told.
            assert done["ChallengeName"] == "CUSTOM_CHALLENGE"
            told = [
                (each["challengeName"], each["challengeResult"])
                for each in handlers.seen[-1]["request"]["session"]
            ]
            assert told == [("SRP_A", True), ("PASSWORD_VERIFIER", True), (factor, True)]
            answer = mfa.house.answer("CUSTOM_CHALLENGE", "ann", done["Session"], ANSWER="x")
            done = await mfa.house.api(RESPOND, **answer)
        assert done["AuthenticationResult"]["RefreshToken"]
        assert handlers.names[-2:] == ["PostAuthentication", "TokenGeneration"]
        again = await mfa.house.api.refused(RESPOND, **right)
        assert again.code == "NotAuthorizedException"
        assert again.message == "Invalid session for the user."


async def test_where_mfa_is_on_no_password_gives_tokens(settle_mfa):
    mfa = await settle_mfa(triggers=Handlers())
    await mfa.turn("ON", *FACTORS)
    await mfa.house.add_user()
    for flow in FLOWS.values():
        operation, request = await flow(mfa.house)
        reply = await mfa.house.api(operation, **request)
        assert reply["ChallengeName"] == "MFA_SETUP"
        assert "AuthenticationResult" not in reply


async def test_custom_challenges_alone_have_no_second_factor(settle_mfa):
    mfa = await settle_mfa(triggers=Handlers())
    await turned_on(mfa, SMS)
    reply = await mfa.house.api("InitiateAuth", **mfa.house.begin("CUSTOM_AUTH"))
    answer = mfa.house.answer("CUSTOM_CHALLENGE", "ann", reply["Session"], ANSWER="x")
    assert "AuthenticationResult" in await mfa.house.api(RESPOND, **answer)


@pytest.mark.parametrize("factor", FACTORS)
async def test_a_wrong_password_is_asked_for_no_code(mfa, factor):
    await turned_on(mfa, factor)
    before = len(await mfa.messages())
    for name, typed in (("ann", "wrong-Horse1"), ("ghost", "Corr3ct-Horse")):
        request = mfa.house.by_password(name, typed)
        refusal = await mfa.house.api.refused("InitiateAuth", **request)
        assert refusal.code in {"NotAuthorizedException", "UserNotFoundException"}
    assert len(await mfa.messages()) == before


@pytest.mark.parametrize("factor", FACTORS)
async def test_a_temporary_password_is_replaced_first_and_then_a_code_is_asked(mfa, factor):
    await turned_on(mfa, factor)
    await mfa.house.api("AdminSetUserPassword", **mfa.named(), Password=NEW, Permanent=False)
    reply = await mfa.house.api("InitiateAuth", **mfa.house.by_password("ann", NEW))
    assert reply["ChallengeName"] == "NEW_PASSWORD_REQUIRED"
    chosen = mfa.house.answer(
        "NEW_PASSWORD_REQUIRED", "ann", reply["Session"], NEW_PASSWORD="An0ther-Horse"
    )
    reply = await mfa.house.api(RESPOND, **chosen)
    assert reply["ChallengeName"] == factor
    answer = mfa.answer(factor, reply["Session"], await mfa.code(factor))
    assert "AuthenticationResult" in await mfa.house.api(RESPOND, **answer)


@pytest.mark.parametrize("factor", SENT)
async def test_a_code_is_good_in_its_own_session_alone(mfa, factor):
    await turned_on(mfa, factor)
    first = await mfa.asked(factor)
    code = await mfa.code(factor)
    second = await mfa.asked(factor)
    other = await mfa.code(factor)
    assert len(code) == 6
    if code != other:
        refusal = await mfa.house.api.refused(RESPOND, **mfa.answer(factor, second, code))
        assert refusal.code == "CodeMismatchException"
    # A newer code ends no older one.
    assert "AuthenticationResult" in await mfa.house.api(RESPOND, **mfa.answer(factor, first, code))
    assert "AuthenticationResult" in await mfa.house.api(
        RESPOND, **mfa.answer(factor, second, other)
    )


@pytest.mark.parametrize("factor", FACTORS)
async def test_a_code_is_good_as_long_as_its_session(mfa, factor):
    await turned_on(mfa, factor)
    for seconds, good in ((179.0, True), (180.0, False)):
        session = await mfa.asked(factor)
        code = await mfa.code(factor)
        mfa.house.clock.now += seconds
        if factor == TOTP:
            code = mfa.totp()
        answer = mfa.answer(factor, session, code)
        if good:
            assert "AuthenticationResult" in await mfa.house.api(RESPOND, **answer)
        else:
            refusal = await mfa.house.api.refused(RESPOND, **answer)
            assert refusal.message == "Invalid session for the user, session is expired."


async def test_a_step_of_an_authenticator_is_accepted_once_and_none_before_it(mfa):
    await turned_on(mfa, TOTP)
    session, code = await mfa.asked(TOTP), mfa.totp()
    await mfa.house.api(RESPOND, **mfa.answer(TOTP, session, code))
    session = await mfa.asked(TOTP)
    for used in (code, mfa.totp(steps=-1)):
        refusal = await mfa.house.api.refused(RESPOND, **mfa.answer(TOTP, session, used))
        assert (refusal.code, refusal.message) == (
            "ExpiredCodeException",
            "Your software token has already been used once.",
        )
    for steps in (-2, 2):
        far = mfa.answer(TOTP, session, mfa.totp(steps=steps))
        assert (await mfa.house.api.refused(RESPOND, **far)).code == "CodeMismatchException"
    # The next one is accepted, also a step early.
    early = mfa.answer(TOTP, session, mfa.totp(steps=1))
    assert "AuthenticationResult" in await mfa.house.api(RESPOND, **early)


async def test_an_authenticator_that_a_clock_has_seen_ahead_waits_until_the_clock_is_there(mfa):
    await turned_on(mfa, TOTP)
    mfa.house.clock.now += 3600
    session = await mfa.asked(TOTP)
    ahead = mfa.totp()
    await mfa.house.api(RESPOND, **mfa.answer(TOTP, session, ahead))
    mfa.house.clock.now -= 3600
    for later in (0, 1800, 1740):
        mfa.house.clock.now += later
        answer = mfa.answer(TOTP, await mfa.asked(TOTP), mfa.totp())
        refusal = await mfa.house.api.refused(RESPOND, **answer)
        # It was never used, and nobody is told that it was.
        assert (refusal.code, refusal.message) == ("CodeMismatchException", MISMATCH[TOTP])
    mfa.house.clock.now += 60
    session = await mfa.asked(TOTP)
    used = await mfa.house.api.refused(RESPOND, **mfa.answer(TOTP, session, ahead))
    assert used.message == "Your software token has already been used once."
    mfa.house.clock.now += 30
    answer = mfa.answer(TOTP, session, mfa.totp())
    assert "AuthenticationResult" in await mfa.house.api(RESPOND, **answer)


@pytest.mark.parametrize("factor", SENT)
async def test_a_code_that_was_entered_too_late_is_no_good_when_the_clock_is_set_back(mfa, factor):
    await turned_on(mfa, factor)
    answer = mfa.answer(factor, await mfa.asked(factor), await mfa.code(factor))
    mfa.house.clock.now += 200
    expired = "Invalid session for the user, session is expired."
    for back in (0, 100, 200, 3600):
        mfa.house.clock.now -= back
        assert (await mfa.house.api.refused(RESPOND, **answer)).message == expired
        mfa.house.clock.now += back


@pytest.mark.parametrize("factor", FACTORS)
async def test_wrong_codes_lock_the_user_out_of_codes_in_all_sessions(mfa, factor):
    await turned_on(mfa, factor)
    sessions = [await mfa.asked(factor) for _ in range(5)]
    for session in sessions:
        wrong = mfa.answer(factor, session, mfa.wrong(await mfa.code(factor)))
        assert (await mfa.house.api.refused(RESPOND, **wrong)).code == "CodeMismatchException"
    # A right password neither forgets the wrong codes nor is locked by them.
    session = await mfa.asked(factor)
    answer = mfa.answer(factor, session, await mfa.code(factor))
    refusal = await mfa.house.api.refused(RESPOND, **answer)
    assert (refusal.code, refusal.message) == (
        "NotAuthorizedException",
        "Password attempts exceeded",
    )
    mfa.house.clock.now += 1
    assert "AuthenticationResult" in await mfa.house.api(RESPOND, **answer)
    # And a right code forgets them.
    session = await mfa.asked(factor)
    mfa.house.clock.now += 60
    for _ in range(4):
        wrong = mfa.answer(factor, session, mfa.wrong(await mfa.code(factor)))
        assert (await mfa.house.api.refused(RESPOND, **wrong)).code == "CodeMismatchException"
    answer = mfa.answer(factor, session, await mfa.code(factor))
    assert "AuthenticationResult" in await mfa.house.api(RESPOND, **answer)


@pytest.mark.parametrize("factor", SENT)
async def test_an_address_is_verified_by_the_code_that_came_back_from_it(mfa, factor):
    attribute = {SMS: "phone_number", EMAIL: "email"}[factor]
    await turned_on(mfa, factor, **{f"{attribute}_verified": "false"})
    session = await mfa.asked(factor)
    wrong = mfa.answer(factor, session, mfa.wrong(await mfa.code(factor)))
    await mfa.house.api.refused(RESPOND, **wrong)
    assert (await mfa.user())["UserAttributes"][f"{attribute}_verified"] == "false"
    await mfa.house.api(RESPOND, **mfa.answer(factor, session, await mfa.code(factor)))
    assert (await mfa.user())["UserAttributes"][f"{attribute}_verified"] == "true"


@pytest.mark.parametrize("names", ["AliasAttributes", "UsernameAttributes"])
async def test_an_address_that_another_user_signs_in_by_is_not_taken_from_him(
    api, settle, mfa, shared_server, names
):
    mfa.house = await settle(api, {names: ["email"]})
    mfa.messages = lambda: shared_server.mailbox.messages(mfa.house.pool_id)
    eve = "eve" if names == "AliasAttributes" else "eve@example.org"
    ann = "ann" if names == "AliasAttributes" else "ann@example.org"
    made = await mfa.house.add_user(ann, email="ann@example.org")
    hers = {"email": "eve@example.org", "email_verified": "false"}
    await shared_server.mailbox.database.write(_move, mfa.house.pool_id, hers, ann)
    eve = await mfa.house.add_user(eve, email="eve@example.org", email_verified="true")
    await mfa.turn("ON", EMAIL)
    name = made["Username"]
    reply = await api("InitiateAuth", **mfa.house.by_password(name))
    code = await mfa.code(EMAIL, name)
    done = await api(RESPOND, **mfa.answer(EMAIL, reply["Session"], code, name))
    assert "AuthenticationResult" in done
    assert (await mfa.user(name))["UserAttributes"]["email_verified"] == "false"
    assert (await mfa.user("eve@example.org"))["Username"] == eve["Username"]


@pytest.mark.parametrize("pool", [{}, {"AliasAttributes": ["email"]}])
async def test_an_address_that_nobody_else_signs_in_by_is_verified_once(
    api, settle, mfa, shared_server, pool
):
    mfa.house = await settle(api, pool)
    if not pool:  # a name like it is no address
        await mfa.house.add_user("ann@example.org")
    await mfa.add_user("ann", EMAIL)
    await mfa.turn("ON", EMAIL)
    changed = []
    for _ in range(2):
        session = await mfa.asked(EMAIL)
        (*_, sent) = await shared_server.mailbox.messages(mfa.house.pool_id)
        answer = mfa.answer(EMAIL, session, sent.code.reveal())
        assert "AuthenticationResult" in await api(RESPOND, **answer)
        user = await mfa.user()
        assert user["UserAttributes"]["email_verified"] == "true"
        changed.append(user["UserLastModifiedDate"])
        mfa.house.clock.now += 10
    assert changed[0] == changed[1]


async def test_a_right_code_is_used_up_though_nothing_can_follow_it(mfa):
    await turned_on(mfa, SMS)
    answer = mfa.answer(SMS, await mfa.asked(SMS), await mfa.code(SMS))
    await mfa.turn("OFF")
    assert (await mfa.house.api.refused(RESPOND, **answer)).code == "NotAuthorizedException"
    await mfa.turn("ON", SMS)
    refusal = await mfa.house.api.refused(RESPOND, **answer)
    assert refusal.message.startswith("Invalid session for the user")


def _move(connection, pool_id, address, username="ann"):
    pool = find_pool(connection, pool_id)
    user = find_user(connection, pool, username)
    attributes = {**user.attributes, **address}
    kept = {name: value for name, value in attributes.items() if value is not None}
    set_attributes(connection, pool, user, kept, 0.0)


@pytest.mark.parametrize("factor", SENT)
@pytest.mark.parametrize("gone", [False, True])
async def test_a_code_that_went_to_a_former_address_is_no_good(mfa, shared_server, factor, gone):
    await turned_on(mfa, factor)
    session = await mfa.asked(factor)
    address = {"phone_number": "+15557654321", "email": "another@example.org"}
    if gone:
        address = dict.fromkeys(address)
    await shared_server.mailbox.database.write(_move, mfa.house.pool_id, address)
    refusal = await mfa.house.api.refused(
        RESPOND, **mfa.answer(factor, session, await mfa.code(factor))
    )
    assert refusal.message == "Invalid session for the user."


@pytest.mark.parametrize("factor", FACTORS)
@pytest.mark.parametrize("change", ["a new password", "disabled", "deleted"])
async def test_a_right_code_is_no_good_once_the_user_may_not_sign_in(mfa, factor, change):
    await turned_on(mfa, factor)
    session = await mfa.asked(factor)
    answer = mfa.answer(factor, session, await mfa.code(factor))
    match change:
        case "a new password":
            await mfa.house.api("AdminSetUserPassword", **mfa.named(), Password=NEW, Permanent=True)
        case "disabled":
            await mfa.house.api("AdminDisableUser", **mfa.named())
            await mfa.house.api("AdminEnableUser", **mfa.named())
        case _:
            await mfa.house.api("AdminDeleteUser", **mfa.named())
    refusal = await mfa.house.api.refused(RESPOND, **answer)
    assert refusal.code == "NotAuthorizedException"


async def test_a_code_is_missing_or_of_another_challenge(mfa):
    await turned_on(mfa, SMS)
    session = await mfa.asked(SMS)
    refusal = await mfa.house.api.refused(RESPOND, **mfa.house.answer(SMS, "ann", session))
    assert refusal.message == "Missing required parameter SMS_MFA_CODE"
    for other in (TOTP, EMAIL):
        answer = mfa.answer(other, session, await mfa.code(SMS))
        assert (await mfa.house.api.refused(RESPOND, **answer)).code == "NotAuthorizedException"


async def test_a_code_is_in_no_reply_and_not_in_the_file(settle_mfa, tmp_path):
    path = tmp_path / "pool.db"
    mfa = await settle_mfa(db=str(path))
    await turned_on(mfa, SMS)
    reply = await mfa.house.api("InitiateAuth", **mfa.house.by_password())
    code = await mfa.code(SMS)
    assert set(reply["ChallengeParameters"]) == {
        *("CODE_DELIVERY_DELIVERY_MEDIUM", "CODE_DELIVERY_DESTINATION", "USERNAME")
    }
    assert code not in str(reply["ChallengeParameters"])
    stored = b"".join(each.read_bytes() for each in tmp_path.iterdir())
    assert b'"code"' not in stored
    assert f'"{code}"'.encode() not in stored
    assert base64.b64decode(reply["Session"]) not in stored


async def test_the_words_of_codes_are_those_of_the_settings(mfa):
    await turned_on(mfa, SMS, "OPTIONAL", EMAIL)
    await mfa.asked(SMS)
    sent = (await mfa.messages())[-1]
    assert sent.text.reveal() == f"Your authentication code is {sent.code.reveal()}."
    assert (sent.medium, sent.destination, sent.subject) == ("SMS", "+15551234567", None)
    sms = {
        "SmsConfiguration": {"SnsCallerArn": "arn:aws:iam::000000000000:role/s", "ExternalId": "x"},
        "SmsAuthenticationMessage": "Say {####} to the door",
    }
    email = {"Message": "<b>{####}</b> it is", "Subject": "The door"}
    await mfa.turn("OPTIONAL", SMS, EMAIL, SmsMfaConfiguration=sms, EmailMfaConfiguration=email)
    await mfa.asked(SMS)
    sent = (await mfa.messages())[-1]
    assert sent.text.reveal() == f"Say {sent.code.reveal()} to the door"
    await mfa.add_user("bob", EMAIL)
    await mfa.prefer(EMAIL, preferred=EMAIL, username="bob")
    await mfa.asked(EMAIL, "bob")
    sent = (await mfa.messages())[-1]
    assert sent.text.reveal() == f"<b>{sent.code.reveal()}</b> it is"
    assert (sent.medium, sent.destination, sent.subject) == ("EMAIL", "bob@example.org", "The door")


@pytest.mark.parametrize("factor", SENT)
async def test_a_trigger_words_codes_and_is_told_what_the_answer_carried(settle_mfa, factor):
    handlers = Handlers(frozenset({"CustomMessage"}))
    handlers.respond = lambda event: {
        "smsMessage": f"Sesame {event['request']['codeParameter']}",
        "emailMessage": f"Sesame {event['request']['codeParameter']}",
        "emailSubject": "Sesame",
    }
    mfa = await settle_mfa(triggers=handlers)
    await turned_on(mfa, factor)
    # What InitiateAuth carries reaches no trigger of messages; what an answer carries does.
    request = {**mfa.house.by_password(), "ClientMetadata": {"from": "InitiateAuth"}}
    await mfa.house.api("InitiateAuth", **request)
    event = handlers.seen[-1]
    assert event["triggerSource"] == "CustomMessage_Authentication"
    assert event["request"]["userAttributes"]["sub"]
    assert not event["request"].get("clientMetadata")
    sent = (await mfa.messages())[-1]
    assert sent.text.reveal() == f"Sesame {sent.code.reveal()}"
    proof = {**await mfa.house.by_srp(), "ClientMetadata": {"from": "the answer"}}
    await mfa.house.api(RESPOND, **proof)
    assert handlers.seen[-1]["request"]["clientMetadata"] == {"from": "the answer"}
    assert sent.code.reveal() not in str(handlers.seen)


@pytest.mark.parametrize("before", [{}, {"email": "old@example.org", "email_verified": "true"}])
async def test_a_trigger_is_told_of_an_address_that_is_set_up_and_nobody_else(settle_mfa, before):
    handlers = Handlers(frozenset({"CustomMessage"}))
    handlers.respond = lambda event: {"emailMessage": event["request"]["codeParameter"]}
    mfa = await settle_mfa(triggers=handlers)
    await mfa.add_user("ann", **before)
    await mfa.turn("ON", EMAIL)
    session = await mfa.asked(EMAIL if before else "MFA_SETUP")
    if not before:
        answer = mfa.house.answer("MFA_SETUP", "ann", session, EMAIL="new@example.org")
        await mfa.house.api(RESPOND, **answer)
    told = handlers.seen[-1]["request"]["userAttributes"]
    address = before or {"email": "new@example.org", "email_verified": "false"}
    assert {name: told[name] for name in address} == address
    kept = (await mfa.user())["UserAttributes"]
    assert {name: value for name, value in kept.items() if name != "sub"} == before


@pytest.mark.parametrize("text", ["no code", "raises"])
async def test_a_message_that_cannot_be_worded_fails_the_sign_in(settle_mfa, text):
    handlers = Handlers(frozenset({"CustomMessage"}))

    def respond(_event):
        if text == "raises":
            raise ValueError(text)
        return {"smsMessage": "there is none in here"}

    handlers.respond = respond
    mfa = await settle_mfa(triggers=handlers)
    await turned_on(mfa, SMS)
    refusal = await mfa.house.api.refused("InitiateAuth", **mfa.house.by_password())
    assert refusal.code in {"InvalidLambdaResponseException", "UserLambdaValidationException"}
    assert not await mfa.messages()


async def test_a_message_that_is_not_delivered_is_told(settle_mfa):
    def fail(_message):
        raise OSError

    mfa = await settle_mfa(on_message=fail)
    await turned_on(mfa, SMS)
    refusal = await mfa.house.api.refused("InitiateAuth", **mfa.house.by_password())
    assert refusal.code == "CodeDeliveryFailureException"


async def test_a_migrated_user_is_asked_for_a_code_as_everybody(settle_mfa):
    mfa = await settle_mfa(triggers=Handlers(frozenset({"UserMigration"})))
    await mfa.turn("ON", SMS)
    session = await mfa.asked(SMS, "mia")
    answer = mfa.answer(SMS, session, await mfa.code(SMS, "mia"), "mia")
    assert "AuthenticationResult" in await mfa.house.api(RESPOND, **answer)


async def test_mfa_holds_from_the_moment_that_it_is_on_and_refresh_tokens_stay_good(mfa):
    await mfa.add_user("ann", SMS)
    refresh = (await mfa.house.tokens())["RefreshToken"]
    proof = await mfa.house.by_srp()
    await mfa.turn("ON", SMS)
    assert (await mfa.house.api(RESPOND, **proof))["ChallengeName"] == SMS
    request = {
        "AuthFlow": "REFRESH_TOKEN_AUTH",
        "ClientId": mfa.house.client_id,
        "AuthParameters": {"REFRESH_TOKEN": refresh},
    }
    assert "AuthenticationResult" in await mfa.house.api("InitiateAuth", **request)
    await mfa.turn("OFF")
    assert await mfa.house.tokens()


@define
class Meanwhile:
    """A wording trigger during which something else happens, once."""

    sources = frozenset({"CustomMessage"})
    happens: object = None

    async def handle(self, event):
        happens, self.happens = self.happens, None
        if happens is not None:
            await happens()
        return {**event, "response": dict(event["response"])}


async def test_what_is_owed_once_the_message_is_worded_is_asked(settle_mfa):
    triggers = Meanwhile()
    mfa = await settle_mfa(triggers=triggers)
    await turned_on(mfa, SMS, "OPTIONAL", EMAIL, email="ann@example.org")
    triggers.happens = lambda: mfa.prefer(SMS, EMAIL, preferred=EMAIL)
    session = await mfa.asked(EMAIL)
    (sent,) = await mfa.messages()
    assert sent.medium == "EMAIL"
    answer = mfa.answer(EMAIL, session, sent.code.reveal())
    assert "AuthenticationResult" in await mfa.house.api(RESPOND, **answer)


@pytest.mark.parametrize("operation", ["AdminDisableUser", "AdminDeleteUser"])
async def test_no_code_is_sent_to_who_may_no_longer_sign_in(settle_mfa, operation):
    triggers = Meanwhile()
    mfa = await settle_mfa(triggers=triggers)
    await turned_on(mfa, SMS)
    triggers.happens = lambda: mfa.house.api(operation, **mfa.named())
    refusal = await mfa.house.api.refused("InitiateAuth", **mfa.house.by_password())
    assert refusal.code == "NotAuthorizedException"
    assert not await mfa.messages()


class Word:
    """A custom challenge whose answer is one word."""

    name = "word"
    metadata = "WORD"

    async def create(self, _context):
        return Issued(public={}, private={})

    async def verify(self, context):
        return context.answer.reveal() == "sesame"


async def test_no_second_factor_skips_what_a_policy_demands(settle_mfa):
    policy = sequence(password(), challenge("word"))
    mfa = await settle_mfa(triggers=Triggers(policy=policy, challenges=[Word]))
    await mfa.turn("OPTIONAL", *FACTORS)
    await mfa.add_user("ann", *FACTORS)
    for factor, word in itertools.product(FACTORS, ("open", "sesame")):
        await mfa.prefer(*FACTORS, preferred=factor)
        prover, asked = await mfa.house.ask("ann", "CUSTOM_AUTH", CHALLENGE_NAME="SRP_A")
        reply = await mfa.house.api(RESPOND, **mfa.house.proof(prover, asked))
        assert reply["ChallengeName"] == factor
        answer = mfa.answer(factor, reply["Session"], await mfa.code(factor))
        reply = await mfa.house.api(RESPOND, **answer)
        assert reply["ChallengeName"] == "CUSTOM_CHALLENGE"
        answer = mfa.house.answer("CUSTOM_CHALLENGE", "ann", reply["Session"], ANSWER=word)
        reply = await mfa.house.api(RESPOND, **answer)
        assert ("AuthenticationResult" in reply) is (word == "sesame")
        mfa.house.clock.now += 60


@pytest.mark.parametrize("factor", FACTORS)
@pytest.mark.parametrize("other", FACTORS)
async def test_a_code_of_a_factor_that_was_turned_off_meanwhile_is_refused(mfa, factor, other):
    if factor == other:
        return
    await mfa.turn("OPTIONAL", *FACTORS)
    await mfa.add_user("ann", *FACTORS)
    await mfa.prefer(factor, preferred=factor)
    session = await mfa.asked(factor)
    code = await mfa.code(factor)
    names = {SMS: "SMSMfaSettings", TOTP: "SoftwareTokenMfaSettings", EMAIL: "EmailMfaSettings"}
    off, on = {"Enabled": False}, {"Enabled": True, "PreferredMfa": True}
    wishes = {names[factor]: off, names[other]: on}
    await mfa.house.api("AdminSetUserMFAPreference", **mfa.named(), **wishes)
    refusal = await mfa.house.api.refused(RESPOND, **mfa.answer(factor, session, code))
    assert refusal.code == "NotAuthorizedException"
    await mfa.asked(other)
