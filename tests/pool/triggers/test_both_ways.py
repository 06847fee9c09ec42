"""What a trigger sees and does is the same in process and at a Lambda endpoint."""

import asyncio
import copy
import html
import json
import logging

import pytest

from authflow.triggers import CustomMessage, SignUpDecision, parse_event

WRONG = "Incorrect username or password."


def recording(handler):
    events = []

    def record(event, context):
        events.append(copy.deepcopy(event))
        return handler(event, context)

    return record, events


def responding(**response):
    return lambda event, context: {**event, "response": response}


@pytest.fixture
def riddle(python_function):
    return python_function("riddle.py")


async def answered(house, asked, text, **more):
    answer = house.answer("CUSTOM_CHALLENGE", "ann", asked["Session"], ANSWER=text)
    return await house.api("RespondToAuthChallenge", **answer, **more)


async def test_a_custom_sign_in_goes_through_its_rounds(invoked, riddle):
    handler, events = recording(riddle)
    house = await invoked(handler)
    await house.add_user(email="ann@example.org")
    asked = await house.api(
        "InitiateAuth", **house.begin("CUSTOM_AUTH"), ClientMetadata={"from": "initiate"}
    )
    assert asked["ChallengeParameters"] == {"question": "2+2", "USERNAME": "ann"}
    asked = await answered(house, asked, "5", ClientMetadata={"from": "respond"})
    assert "AuthenticationResult" in await answered(house, asked, "4")
    names = [event["triggerSource"].partition("_")[0] for event in events]
    verdict = ["VerifyAuthChallengeResponse", "DefineAuthChallenge"]
    assert names == [
        *("DefineAuthChallenge", "CreateAuthChallenge"),
        *(*verdict, "CreateAuthChallenge", *verdict),
    ]
    assert all(set(event["response"].values()) == {None} for event in events)
    metadata = [event["request"].get("clientMetadata") for event in events]
    assert metadata == [None, None, *[{"from": "respond"}] * 3, None, None]
    first, verify, last = events[0], events[2], events[-1]
    assert first["version"] == "1"
    assert (first["userName"], first["userPoolId"]) == ("ann", house.pool_id)
    assert first["callerContext"]["clientId"] == house.client_id
    assert first["request"]["session"] == []
    assert first["request"]["userAttributes"]["email"] == "ann@example.org"
    assert verify["request"]["privateChallengeParameters"] == {"answer": "4"}
    assert verify["request"]["challengeAnswer"] == "5"
    assert "session" not in verify["request"]
    round_ = {"challengeName": "CUSTOM_CHALLENGE", "challengeMetadata": "RIDDLE"}
    assert last["request"]["session"] == [
        {**round_, "challengeResult": False},
        {**round_, "challengeResult": True},
    ]


async def test_the_password_comes_first_by_srp(invoked, riddle):
    house = await invoked(riddle)
    await house.add_user()
    prover, asked = await house.ask("ann", "CUSTOM_AUTH", CHALLENGE_NAME="SRP_A")
    asked = await house.api("RespondToAuthChallenge", **house.proof(prover, asked))
    assert "AuthenticationResult" in await answered(house, asked, "4")


async def test_a_handler_that_raises_is_named_with_its_words(invoked):
    def raising(event, context):
        raise ValueError("come back tomorrow.")

    house = await invoked(raising, ("PreAuthentication",))
    await house.add_user()
    refusal = await house.api.refused("InitiateAuth", **house.by_password())
    assert (refusal.code, refusal.message) == (
        "UserLambdaValidationException",
        "PreAuthentication failed with error come back tomorrow.",
    )


async def test_a_handler_without_words_still_refuses(invoked):
    def raising(event, context):
        raise RuntimeError

    house = await invoked(raising, ("PreAuthentication",))
    await house.add_user()
    refusal = await house.api.refused("InitiateAuth", **house.by_password())
    assert refusal.code == "UserLambdaValidationException"


async def test_a_handler_that_hangs_is_tried_three_times(invoked):
    calls = []

    async def hanging(event, context):
        calls.append(event)
        await asyncio.sleep(60)

    house = await invoked(hanging, ("PreAuthentication",), {"trigger_timeout": 0.5})
    await house.add_user()
    refusal = await house.api.refused("InitiateAuth", **house.by_password())
    assert (refusal.code, refusal.message) == (
        "UnexpectedLambdaException",
        "PreAuthentication invocation failed: it took too long.",
    )
    assert len(calls) == 3
    assert calls[0] == calls[1] == calls[2]


async def test_the_second_try_may_succeed(invoked):
    calls = []

    async def slow_at_first(event, context):
        calls.append(event)
        if len(calls) == 1:
            await asyncio.sleep(60)
        return event

    house = await invoked(slow_at_first, ("PreAuthentication",), {"trigger_timeout": 1})
    await house.add_user()
    assert "AuthenticationResult" in await house.api("InitiateAuth", **house.by_password())
    assert len(calls) == 2


@pytest.mark.parametrize(
    "given",
    [None, [], "event", 7, {}, {"response": None}, {"response": []}],
    ids=["null", "list", "text", "number", "empty", "no response", "response a list"],
)
async def test_what_is_no_event_ends_the_sign_in(invoked, given):
    house = await invoked(lambda event, context: given, ("PreAuthentication",))
    await house.add_user()
    refusal = await house.api.refused("InitiateAuth", **house.by_password())
    assert refusal.code == "InvalidLambdaResponseException"
    assert refusal.message == "Unrecognizable lambda output"


async def test_what_only_python_takes_for_json_ends_the_sign_in(invoked):
    house = await invoked(responding(tier=float("nan")), ("PreAuthentication",))
    await house.add_user()
    refusal = await house.api.refused("InitiateAuth", **house.by_password())
    assert refusal.message == "Invalid lambda function output : Invalid JSON"


HALF = "\ud83d"
CLAIMS = {"claimsToAddOrOverride": {"nick": HALF}}
HALVES = {
    "PreAuthentication": {"a note": HALF},
    "PostAuthentication": {HALF: "a note"},
    "PreTokenGeneration": {"claimsOverrideDetails": CLAIMS},
    "UserMigration": {"userAttributes": {"email": "old@example.org", "name": HALF}},
    "CustomMessage": {"emailMessage": f"{HALF} {{####}}"},
    "DefineAuthChallenge": {"challengeName": "CUSTOM_CHALLENGE" + HALF},
    "CreateAuthChallenge": {"publicChallengeParameters": {"question": HALF}},
    "VerifyAuthChallengeResponse": {"answerCorrect": True, "why": [{"deep": HALF}]},
}


@pytest.mark.parametrize("spoilt", HALVES)
async def test_half_of_a_surrogate_pair_is_no_json_wherever_it_stands(invoked, riddle, spoilt):
    def spoiling(event, context):
        source = event["triggerSource"].partition("_")[0]
        if {"TokenGeneration": "PreTokenGeneration"}.get(source, source) == spoilt:
            return {**event, "response": HALVES[spoilt]}
        return riddle(event, context) if "Challenge" in source else event

    house = await invoked(spoiling, (*HALVES,))
    await house.add_user("ann", email="ann@example.org", email_verified="true")
    operation, request = "InitiateAuth", house.by_password()
    match spoilt:
        case "UserMigration":
            request = house.by_password("old")
        case "CustomMessage":
            operation, request = "ForgotPassword", {"ClientId": house.client_id, "Username": "ann"}
        case "DefineAuthChallenge" | "CreateAuthChallenge":
            request = house.begin("CUSTOM_AUTH")
        case "VerifyAuthChallengeResponse":
            asked = await house.api("InitiateAuth", **house.begin("CUSTOM_AUTH"))
            operation = "RespondToAuthChallenge"
            request = house.answer("CUSTOM_CHALLENGE", "ann", asked["Session"], ANSWER="4")
    refusal = await house.api.refused(operation, **request)
    assert refusal.code == "InvalidLambdaResponseException"
    assert refusal.message == "Invalid lambda function output : Invalid JSON"


@pytest.mark.parametrize("response", [{"answerCorrect": "true"}, {"answerCorrect": 1}])
async def test_a_verdict_is_a_boolean(invoked, riddle, response):
    def spoilt(event, context):
        if event["triggerSource"].startswith("Verify"):
            return {**event, "response": response}
        return riddle(event, context)

    house = await invoked(spoilt)
    await house.add_user()
    asked = await house.api("InitiateAuth", **house.begin("CUSTOM_AUTH"))
    answer = house.answer("CUSTOM_CHALLENGE", "ann", asked["Session"], ANSWER="4")
    refusal = await house.api.refused("RespondToAuthChallenge", **answer)
    assert refusal.code == "InvalidLambdaResponseException"


async def test_a_hidden_user_meets_the_triggers_and_is_never_signed_in(invoked, riddle):
    handler, events = recording(riddle)
    house = await invoked(handler, PreventUserExistenceErrors="ENABLED")
    asked = await house.api("InitiateAuth", **house.begin("CUSTOM_AUTH", "ann"))
    asked = await answered(house, asked, "5")
    asked = await answered(house, asked, "5")
    # Define sees a right answer and would issue tokens: the pool does not.
    last = house.answer("CUSTOM_CHALLENGE", "ann", asked["Session"], ANSWER="4")
    assert (await house.api.refused("RespondToAuthChallenge", **last)).message == WRONG
    assert events[-1]["request"]["session"][-1]["challengeResult"] is True
    assert all(event["request"]["userNotFound"] for event in events)


async def test_the_triggers_around_a_sign_in_run_in_order(invoked):
    handler, events = recording(lambda event, context: event)
    house = await invoked(
        handler, ("PreAuthentication", "PostAuthentication", "PreTokenGeneration")
    )
    await house.add_user()
    await house.tokens()
    assert [event["triggerSource"].partition("_")[0] for event in events] == [
        *("PreAuthentication", "PostAuthentication", "TokenGeneration"),
    ]


async def test_a_user_is_brought_in(invoked):
    handler, events = recording(responding(userAttributes={"email": "old@example.org"}))
    house = await invoked(handler, ("UserMigration",))
    request = {**house.by_password("old", "from elsewhere"), "ClientMetadata": {"from": "app"}}
    assert "AuthenticationResult" in await house.api("InitiateAuth", **request)
    (event,) = events
    assert event["request"] == {"password": "from elsewhere", "validationData": {"from": "app"}}


async def test_a_forgotten_password_is_renewed_with_its_triggers(invoked):
    def handler(event, context):
        sources.append(event["triggerSource"])
        if event["triggerSource"].startswith("UserMigration"):
            attributes = {"email": "old@example.org", "email_verified": "true"}
            response = {"userAttributes": attributes, "messageAction": "SUPPRESS"}
            return {**event, "response": response}
        if event["triggerSource"].startswith("CustomMessage"):
            return {**event, "response": {"emailMessage": "<b>{####}</b>"}}
        return event

    sent, sources = [], []
    house = await invoked(
        handler,
        ("UserMigration", "CustomMessage", "PostConfirmation"),
        {"on_message": sent.append},
    )
    user = {"ClientId": house.client_id, "Username": "old"}
    await house.api("ForgotPassword", **user)
    code = sent[0].code.reveal()
    assert sent[0].text.reveal() == f"<b>{code}</b>"
    request = {**user, "ConfirmationCode": code, "Password": "N3w-Password"}
    await house.api("ConfirmForgotPassword", **request)
    assert sources == [
        "UserMigration_ForgotPassword",
        "CustomMessage_ForgotPassword",
        "PostConfirmation_ConfirmForgotPassword",
    ]


async def test_a_sign_up_goes_through_its_triggers(invoked):
    def handler(event, context):
        sources.append(event["triggerSource"])
        match event["triggerSource"].partition("_")[0]:
            case "PreSignUp":
                typed = parse_event(event)
                if typed.user_attributes.get("email", "").endswith("@evil.example"):
                    raise ValueError("not from there")
                trusted = typed.username == "eve"
                return typed.filled(SignUpDecision(confirm=trusted, verify_email=trusted))
            case "CustomMessage":
                typed = parse_event(event)
                placeholders = typed.code_parameter + (typed.username_parameter or "")
                return typed.filled(CustomMessage(email=f"In: {placeholders}"))
        return event

    sent, sources = [], []
    house = await invoked(
        handler,
        ("PreSignUp", "CustomMessage", "PostConfirmation"),
        {"on_message": sent.append},
    )
    pool = {"UserPoolId": house.pool_id}
    await house.api(
        "UpdateUserPool",
        **pool,
        AutoVerifiedAttributes=["email"],
        LambdaConfig=(await house.api("DescribeUserPool", **pool))["UserPool"]["LambdaConfig"],
    )

    async def sign_up(name, email):
        address = [{"Name": "email", "Value": email}]
        request = {"ClientId": house.client_id, "Username": name, "Password": "Corr3ct-Horse"}
        _, reply, _ = await house.api.post(
            "SignUp", json.dumps({**request, "UserAttributes": address})
        )
        return reply

    refused = await sign_up("mallory", "m@evil.example")
    assert refused["__type"] == "UserLambdaValidationException"
    assert refused["message"] == "PreSignUp failed with error not from there."
    assert (await sign_up("eve", "eve@example.org"))["UserConfirmed"] is True
    assert (await sign_up("ann", "ann@example.org"))["UserConfirmed"] is False
    client = {"ClientId": house.client_id, "Username": "ann"}
    await house.api("ResendConfirmationCode", **client)
    code = sent[-1].code.reveal()
    assert sent[-1].text.reveal() == f"In: {code}"
    await house.api("ConfirmSignUp", **client, ConfirmationCode=code)
    address = [{"Name": "email", "Value": "bob@example.org"}]
    await house.api("AdminCreateUser", **pool, Username="bob", UserAttributes=address)
    assert sent[-1].text.reveal() == f"In: {html.escape(sent[-1].code.reveal())}bob"
    assert sources == [
        *("PreSignUp_SignUp", "PreSignUp_SignUp", "PostConfirmation_ConfirmSignUp"),
        *("PreSignUp_SignUp", "CustomMessage_SignUp", "CustomMessage_ResendCode"),
        "PostConfirmation_ConfirmSignUp",
        *("PreSignUp_AdminCreateUser", "CustomMessage_AdminCreateUser"),
    ]


SECRET = "hunter2-Swordfish"


async def reads_the_answer_as_a_number(event, context):
    if event["triggerSource"].startswith("Verify"):
        int(event["request"]["challengeAnswer"])
    name = event["triggerSource"].partition("_")[0]
    response = {
        "DefineAuthChallenge": {"challengeName": "CUSTOM_CHALLENGE", "issueTokens": False},
        "CreateAuthChallenge": {"privateChallengeParameters": {"answer": "4"}},
    }
    return {**event, "response": {"failAuthentication": False, **response[name]}}


def also_in_a_chain(event, context):
    try:
        raise ValueError(event["request"]["challengeAnswer"])
    except ValueError as error:
        raise ExceptionGroup(event["request"]["challengeAnswer"], [error]) from error


def in_a_thread(event, context):
    if event["triggerSource"].startswith("Verify"):
        also_in_a_chain(event, context)
    return asyncio.run(reads_the_answer_as_a_number(event, context))


@pytest.mark.parametrize("handler", [reads_the_answer_as_a_number, in_a_thread])
async def test_the_words_of_a_handler_that_raises_reach_the_client_and_no_log(
    invoked, handler, caplog
):
    house = await invoked(handler)
    await house.add_user()
    asked = await house.api("InitiateAuth", **house.begin("CUSTOM_AUTH"))
    answer = house.answer("CUSTOM_CHALLENGE", "ann", asked["Session"], ANSWER=SECRET)
    with caplog.at_level(logging.INFO, "authflow"):
        refusal = await house.api.refused("RespondToAuthChallenge", **answer)
    assert refusal.code == "UserLambdaValidationException"
    assert SECRET in refusal.message
    told = [record for record in caplog.records if record.name.startswith("authflow")]
    assert any("VerifyAuthChallengeResponse raised" in record.getMessage() for record in told)
    text = "".join(caplog.handler.format(record) + repr(record.__dict__) for record in told)
    assert SECRET not in text
