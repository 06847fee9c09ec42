"""Who needs a second factor and has none sets one up, and has nothing of it before it is proved."""

import json

import pytest

RESPOND = "RespondToAuthChallenge"
ASSOCIATE, VERIFY = "AssociateSoftwareToken", "VerifySoftwareToken"
SMS, TOTP, EMAIL = FACTORS = ["SMS_MFA", "SOFTWARE_TOKEN_MFA", "EMAIL_OTP"]
SPENT = "Invalid session for the user."
NOT_OFFERED = "SoftwareTokenMFANotFoundException"
WRONG_FIRST = "EnableSoftwareTokenMFAException"


@pytest.fixture
async def new(mfa):
    """A pool that requires a second factor, and a user without any."""
    await mfa.turn("ON", *FACTORS)
    await mfa.house.add_user()
    return mfa


def finish(mfa, session, **answers):
    return mfa.house.answer("MFA_SETUP", "ann", session, **answers)


async def refused(mfa, operation, code="NotAuthorizedException", **request):
    refusal = await mfa.house.api.refused(operation, **request)
    assert refusal.code == code
    return refusal.message


async def associated(mfa, session):
    reply = await mfa.house.api(ASSOCIATE, Session=session)
    assert set(reply) == {"SecretCode", "Session"}
    return reply["SecretCode"], reply["Session"]


async def verified(mfa, session, secret, **more):
    request = {"Session": session, "UserCode": mfa.code_of(secret), **more}
    reply = await mfa.house.api(VERIFY, **request)
    assert reply["Status"] == "SUCCESS"
    return reply["Session"]


async def test_an_authenticator_is_set_up_step_by_step_and_asked_from_then_on(new):
    reply = await new.house.api("InitiateAuth", **new.house.by_password())
    assert reply["ChallengeName"] == "MFA_SETUP"
    assert json.loads(reply["ChallengeParameters"]["MFAS_CAN_SETUP"]) == [TOTP, EMAIL]
    secret, second = await associated(new, reply["Session"])
    third = await verified(new, second, secret, FriendlyDeviceName="Ann's phone")
    assert len({reply["Session"], second, third}) == 3
    done = await new.house.api(RESPOND, **finish(new, third))
    assert "AuthenticationResult" in done
    assert (await new.user())["UserMFASettingList"] == [TOTP]
    for session in (reply["Session"], second, third):
        assert await refused(new, ASSOCIATE, Session=session) == SPENT
        assert await refused(new, VERIFY, Session=session, UserCode="000000") == SPENT
        assert await refused(new, RESPOND, **finish(new, session)) == SPENT
    reply = await new.house.api("InitiateAuth", **new.house.by_password())
    assert reply["ChallengeName"] == TOTP
    assert reply["ChallengeParameters"]["FRIENDLY_DEVICE_NAME"] == "Ann's phone"
    # The code of the set-up is used up.
    answer = new.answer(TOTP, reply["Session"], new.code_of(secret))
    await refused(new, RESPOND, "ExpiredCodeException", **answer)
    answer = new.answer(TOTP, reply["Session"], new.code_of(secret, 1))
    assert "AuthenticationResult" in await new.house.api(RESPOND, **answer)


@pytest.mark.parametrize(
    ("factor", "seen"), [(TOTP, ["MFA_SETUP"]), (EMAIL, ["MFA_SETUP", "EMAIL_OTP"])]
)
async def test_in_a_custom_flow_define_is_asked_after_the_set_up(settle_mfa, factor, seen):
    class Handlers:
        sources = frozenset(
            {"DefineAuthChallenge", "CreateAuthChallenge", "VerifyAuthChallengeResponse"}
        )

        async def handle(self, event):
            done = event["request"]["session"]
            more = {"challengeName": "PASSWORD_VERIFIER", "issueTokens": len(done) > 1}
            names.append([each["challengeName"] for each in done])
            return {**event, "response": {**more, "failAuthentication": False}}

    names = []
    mfa = await settle_mfa(triggers=Handlers())
    await mfa.turn("ON", factor)
    await mfa.house.add_user()
    prover, asked = await mfa.house.ask("ann", "CUSTOM_AUTH", CHALLENGE_NAME="SRP_A")
    reply = await mfa.house.api(RESPOND, **mfa.house.proof(prover, asked))
    if factor == TOTP:
        secret, session = await associated(mfa, reply["Session"])
        answer = finish(mfa, await verified(mfa, session, secret))
    else:
        asked = finish(mfa, reply["Session"], EMAIL="ann@example.org")
        session = (await mfa.house.api(RESPOND, **asked))["Session"]
        answer = mfa.answer(EMAIL, session, await mfa.code(EMAIL))
    assert "AuthenticationResult" in await mfa.house.api(RESPOND, **answer)
    assert names[-1] == ["SRP_A", "PASSWORD_VERIFIER", *seen]


async def test_nothing_is_the_users_before_the_first_code_was_right(new):
    secret, session = await associated(new, await new.asked("MFA_SETUP"))
    code = new.code_of(secret)
    for _ in range(4):
        wrong = {"Session": session, "UserCode": new.wrong(code)}
        await refused(new, VERIFY, WRONG_FIRST, **wrong)
    assert "UserMFASettingList" not in await new.user()
    # Nobody is asked for a code of it, and each further sign-in is as the first.
    await new.asked("MFA_SETUP")
    # The session stays as it is.
    session = await verified(new, session, secret)
    assert (await new.user())["UserMFASettingList"] == [TOTP]
    assert "AuthenticationResult" in await new.house.api(RESPOND, **finish(new, session))


@pytest.mark.parametrize("reached", ["nothing", "the secret"])
async def test_an_answer_before_the_first_code_was_right_never_gives_tokens(new, reached):
    session = await new.asked("MFA_SETUP")
    secret = None
    if reached == "the secret":
        secret, session = await associated(new, session)
    for answers in ({}, {"SOFTWARE_TOKEN_MFA_CODE": "000000"}, {"ANSWER": TOTP}):
        told = await refused(
            new, RESPOND, "InvalidParameterException", **finish(new, session, **answers)
        )
        assert told == "User has not set up software token mfa"
    if secret is None:
        wrong = {"Session": session, "UserCode": "000000"}
        await refused(new, VERIFY, "SoftwareTokenMFANotFoundException", **wrong)
    else:
        session = await verified(new, session, secret)
        assert "AuthenticationResult" in await new.house.api(RESPOND, **finish(new, session))


async def test_wrong_first_codes_count_with_the_other_wrong_codes(new):
    secret, session = await associated(new, await new.asked("MFA_SETUP"))
    wrong = {"Session": session, "UserCode": new.wrong(new.code_of(secret))}
    for _ in range(5):
        await refused(new, VERIFY, WRONG_FIRST, **wrong)
    right = {"Session": session, "UserCode": new.code_of(secret)}
    assert await refused(new, VERIFY, **right) == "Password attempts exceeded"
    new.house.clock.now += 1
    await verified(new, session, secret)


async def test_a_set_up_ends_once_the_user_has_a_factor_by_another_one(new):
    """Or who knows the password would put an authenticator of his own in its place later."""
    early = [await new.asked("MFA_SETUP") for _ in range(3)]
    his_secret, associated_early = await associated(new, early[0])
    secret, session = await associated(new, early[1])
    session = await verified(new, session, secret)
    assert await refused(new, ASSOCIATE, Session=early[2]) == SPENT
    code = new.code_of(his_secret)
    assert await refused(new, VERIFY, Session=associated_early, UserCode=code) == SPENT
    answer = finish(new, early[2], EMAIL="eve@example.org")
    assert await refused(new, RESPOND, **answer) == SPENT
    assert "AuthenticationResult" in await new.house.api(RESPOND, **finish(new, session))
    session = await new.asked(TOTP)
    answer = new.answer(TOTP, session, new.code_of(secret, 1))
    assert "AuthenticationResult" in await new.house.api(RESPOND, **answer)


async def test_an_authenticator_that_was_taken_away_before_the_answer_gives_no_tokens(new):
    secret, session = await associated(new, await new.asked("MFA_SETUP"))
    session = await verified(new, session, secret)
    await new.house.api("AdminDeleteSoftwareToken", **new.named())
    assert await refused(new, RESPOND, **finish(new, session)) == SPENT


async def test_a_lost_authenticator_is_taken_away_and_another_one_set_up(new):
    for _ in range(2):
        secret, session = await associated(new, await new.asked("MFA_SETUP"))
        session = await verified(new, session, secret)
        assert "AuthenticationResult" in await new.house.api(RESPOND, **finish(new, session))
        await new.asked(TOTP)
        await new.house.api("AdminDeleteSoftwareToken", **new.named())


async def test_a_set_up_is_over_when_its_session_is(new):
    session = await new.asked("MFA_SETUP")
    new.house.clock.now += 180
    expired = "Invalid session for the user, session is expired."
    assert await refused(new, ASSOCIATE, Session=session) == expired
    new.house.clock.now -= 180  # it stays over
    assert await refused(new, ASSOCIATE, Session=session) == expired
    secret, session = await associated(new, await new.asked("MFA_SETUP"))
    new.house.clock.now += 180
    right = {"Session": session, "UserCode": new.code_of(secret)}
    assert await refused(new, VERIFY, **right) == expired
    new.house.clock.now -= 180
    assert await refused(new, VERIFY, **right) == expired


@pytest.mark.parametrize("operation", [ASSOCIATE, VERIFY])
async def test_only_the_session_of_a_set_up_sets_anything_up(new, operation):
    await new.house.add_user("bob", phone_number="+15551234567")
    waiting = await new.asked(SMS, "bob")
    for session in (waiting, "x" * 64):
        request = {"Session": session, **({} if operation == ASSOCIATE else {"UserCode": "000000"})}
        assert await refused(new, operation, **request) == SPENT


async def test_an_address_is_set_up_by_the_code_that_comes_back_from_it(new):
    session = await new.asked("MFA_SETUP")
    reply = await new.house.api(RESPOND, **finish(new, session, EMAIL="ann@example.org"))
    assert reply["ChallengeName"] == EMAIL
    assert reply["ChallengeParameters"]["CODE_DELIVERY_DESTINATION"] == "a***@e***"
    code = await new.code(EMAIL)
    wrong = new.answer(EMAIL, reply["Session"], new.wrong(code))
    await refused(new, RESPOND, "CodeMismatchException", **wrong)
    assert "email" not in (await new.user())["UserAttributes"]
    done = await new.house.api(RESPOND, **new.answer(EMAIL, reply["Session"], code))
    assert "AuthenticationResult" in done
    user = await new.user()
    assert user["UserMFASettingList"] == [EMAIL]
    assert user["UserAttributes"]["email"] == "ann@example.org"
    assert user["UserAttributes"]["email_verified"] == "true"
    await new.asked(EMAIL)


@pytest.mark.parametrize("email", ["ann", "ann@", "@example.org", "a b@example.org", ""])
async def test_what_is_no_address_is_refused_and_a_better_one_taken(new, email):
    session = await new.asked("MFA_SETUP")
    await refused(new, RESPOND, "InvalidParameterException", **finish(new, session, EMAIL=email))
    assert not await new.messages()
    answer = finish(new, session, EMAIL="ann@example.org")
    assert (await new.house.api(RESPOND, **answer))["ChallengeName"] == EMAIL


async def test_an_address_set_up_twice_at_once_is_the_users_once(new):
    sessions = []
    for place in range(2):
        session = await new.asked("MFA_SETUP")
        answer = finish(new, session, EMAIL=f"ann{place}@example.org")
        reply = await new.house.api(RESPOND, **answer)
        sessions.append((reply["Session"], await new.code(EMAIL)))
    (first, code), (second, other) = sessions
    done = await new.house.api(RESPOND, **new.answer(EMAIL, first, code))
    assert "AuthenticationResult" in done
    assert await refused(new, RESPOND, **new.answer(EMAIL, second, other)) == SPENT
    assert (await new.user())["UserAttributes"]["email"] == "ann0@example.org"


async def test_another_users_alias_cannot_be_set_up(api, settle, shared_server, mfa):
    house = await settle(api, {"AliasAttributes": ["email"]})
    mfa.house = house
    mfa.messages = lambda: shared_server.mailbox.messages(house.pool_id)
    await house.add_user("eve", email="eve@example.org", email_verified="true")
    await house.add_user()
    await mfa.turn("ON", EMAIL)
    session = await mfa.asked("MFA_SETUP")
    reply = await api(RESPOND, **finish(mfa, session, EMAIL="eve@example.org"))
    answer = mfa.answer(EMAIL, reply["Session"], await mfa.code(EMAIL))
    await refused(mfa, RESPOND, "AliasExistsException", **answer)
    assert "UserMFASettingList" not in await mfa.user()


IMMUTABLE = {"Schema": [{"Name": "email", "AttributeDataType": "String", "Mutable": False}]}


@pytest.mark.parametrize("why", ["not written", "immutable"])
async def test_an_address_that_cannot_be_written_is_not_named_and_not_set_up(api, settle, mfa, why):
    if why == "immutable":
        mfa.house = await settle(api, IMMUTABLE)
    else:
        mfa.house = await settle(api, WriteAttributes=["name"])
    await mfa.turn("ON", *FACTORS)
    await mfa.house.add_user()
    reply = await mfa.house.api("InitiateAuth", **mfa.house.by_password())
    assert json.loads(reply["ChallengeParameters"]["MFAS_CAN_SETUP"]) == [TOTP]
    answer = finish(mfa, reply["Session"], EMAIL="ann@example.org")
    assert await refused(mfa, RESPOND, **answer) == SPENT
    secret, session = await associated(mfa, reply["Session"])
    answer = finish(mfa, await verified(mfa, session, secret))
    assert "AuthenticationResult" in await mfa.house.api(RESPOND, **answer)


async def test_an_address_that_may_no_longer_be_written_is_not_set_up(settle_mfa):
    mfa = await settle_mfa()
    await mfa.turn("ON", EMAIL)
    await mfa.house.add_user()
    asked = finish(mfa, await mfa.asked("MFA_SETUP"), EMAIL="ann@example.org")
    session = (await mfa.house.api(RESPOND, **asked))["Session"]
    client = {"UserPoolId": mfa.house.pool_id, "ClientId": mfa.house.client_id}
    flows = {"ExplicitAuthFlows": ["ALLOW_USER_PASSWORD_AUTH"]}
    await mfa.house.api("UpdateUserPoolClient", **client, **flows, WriteAttributes=["name"])
    code = await mfa.code(EMAIL)
    assert await refused(mfa, RESPOND, **mfa.answer(EMAIL, session, code)) == SPENT
    assert "email" not in (await mfa.user())["UserAttributes"]


@pytest.mark.parametrize("factors", [[SMS], [EMAIL], [SMS, EMAIL]], ids=" ".join)
async def test_who_can_set_nothing_up_hears_that_the_pool_is_at_fault(api, settle, mfa, factors):
    mfa.house = await settle(api, WriteAttributes=["name"])
    await mfa.turn("ON", *factors)
    await mfa.house.add_user()
    for operation, request in (
        ("InitiateAuth", mfa.house.by_password()),
        (RESPOND, await mfa.house.by_srp()),
    ):
        code = "InvalidUserPoolConfigurationException"
        assert "SetUserPoolMfaConfig" in await refused(mfa, operation, code, **request)


async def test_what_the_pool_lacks_cannot_be_set_up(mfa):
    await mfa.turn("ON", EMAIL)
    await mfa.house.add_user()
    session = await mfa.asked("MFA_SETUP")
    told = await refused(mfa, ASSOCIATE, NOT_OFFERED, Session=session)
    assert told == "Software Token MFA has not been enabled by the userPool"
    await mfa.turn("ON", TOTP)
    answer = finish(mfa, session, EMAIL="ann@example.org")
    assert await refused(mfa, RESPOND, **answer) == SPENT
    secret, session = await associated(mfa, session)
    await mfa.turn("OFF")
    right = {"Session": session, "UserCode": mfa.code_of(secret)}
    await refused(mfa, VERIFY, NOT_OFFERED, **right)
    await mfa.turn("ON", TOTP)
    await verified(mfa, session, secret)


async def test_a_set_up_that_is_begun_anew_again_and_again_does_not_last_the_longer(new):
    session = await new.asked("MFA_SETUP")
    for _ in range(3):
        new.house.clock.now += 170
        secret, session = await associated(new, session)
    new.house.clock.now += 21  # 531 seconds; the first session could have lasted 180
    assert "session is expired" in await refused(new, ASSOCIATE, Session=session)
    entered = {"Session": session, "UserCode": new.code_of(secret)}
    assert "session is expired" in await refused(new, VERIFY, **entered)
    assert "UserMFASettingList" not in await new.user()


async def test_a_set_up_has_the_lives_of_its_three_sessions(new):
    session = await new.asked("MFA_SETUP")
    new.house.clock.now += 179
    secret, session = await associated(new, session)
    new.house.clock.now += 179
    session = await verified(new, session, secret)
    new.house.clock.now += 179
    assert "AuthenticationResult" in await new.house.api(RESPOND, **finish(new, session))
