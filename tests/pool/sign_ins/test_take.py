"""An answer belongs to the user and the credentials that the session was opened with, as they are
when it comes. What happens between the question and the answer is tried for each challenge."""

import pytest

from authflow.pool.workers import Workers

TEMPORARY = "Temp0rary!"
NEW = "Str0ng-Horse"
OTHER = "0ther-Horse!"


class Handlers:
    """A custom flow of one round."""

    sources = frozenset(
        {"DefineAuthChallenge", "CreateAuthChallenge", "VerifyAuthChallengeResponse"}
    )

    async def handle(self, event):
        response = {}
        match event["triggerSource"].partition("_")[0]:
            case "DefineAuthChallenge":
                session = event["request"]["session"]
                passed = any(
                    each["challengeName"] == "CUSTOM_CHALLENGE" and each["challengeResult"]
                    for each in session
                )
                first = [each["challengeName"] for each in session] == ["SRP_A"]
                response = {"issueTokens": passed, "failAuthentication": False}
                if not passed:
                    response["challengeName"] = "PASSWORD_VERIFIER" if first else "CUSTOM_CHALLENGE"
            case "CreateAuthChallenge":
                response = {
                    "publicChallengeParameters": {},
                    "privateChallengeParameters": {"answer": "x"},
                }
            case "VerifyAuthChallengeResponse":
                response = {"answerCorrect": event["request"]["challengeAnswer"] == "x"}
        return {**event, "response": response}


@pytest.fixture
async def home(start, settle):
    return await settle(await start(triggers=Handlers()))


async def temporary(home):
    await home.api(
        "AdminCreateUser", UserPoolId=home.pool_id, Username="bob", TemporaryPassword=TEMPORARY
    )


async def new_password_by_password(home):
    await temporary(home)
    asked = await home.api("InitiateAuth", **home.by_password("bob", TEMPORARY))
    return home.answer("NEW_PASSWORD_REQUIRED", "bob", asked["Session"], NEW_PASSWORD=NEW)


async def new_password_by_srp(home):
    await temporary(home)
    proof = await home.by_srp("bob", TEMPORARY)
    asked = await home.api("RespondToAuthChallenge", **proof)
    return home.answer("NEW_PASSWORD_REQUIRED", "bob", asked["Session"], NEW_PASSWORD=NEW)


async def new_password_in_custom_auth(home):
    await temporary(home)
    prover, asked = await home.ask("bob", "CUSTOM_AUTH", CHALLENGE_NAME="SRP_A")
    proof = home.proof(prover, asked, TEMPORARY)
    asked = await home.api("RespondToAuthChallenge", **proof)
    assert asked["ChallengeName"] == "NEW_PASSWORD_REQUIRED"
    return home.answer("NEW_PASSWORD_REQUIRED", "bob", asked["Session"], NEW_PASSWORD=NEW)


async def password_verifier(home):
    await home.add_user("bob", TEMPORARY, email="bob@example.org", email_verified="true")
    return await home.by_srp("bob", TEMPORARY)


async def custom_challenge(home):
    await home.add_user("bob", TEMPORARY, email="bob@example.org", email_verified="true")
    asked = await home.api("InitiateAuth", **home.begin("CUSTOM_AUTH", "bob"))
    return home.answer("CUSTOM_CHALLENGE", "bob", asked["Session"], ANSWER="x")


async def custom_challenge_after_the_password(home):
    await home.add_user("bob", TEMPORARY, email="bob@example.org", email_verified="true")
    prover, asked = await home.ask("bob", "CUSTOM_AUTH", CHALLENGE_NAME="SRP_A")
    asked = await home.api("RespondToAuthChallenge", **home.proof(prover, asked, TEMPORARY))
    assert asked["ChallengeName"] == "CUSTOM_CHALLENGE"
    return home.answer("CUSTOM_CHALLENGE", "bob", asked["Session"], ANSWER="x")


OPENED = [
    new_password_by_password,
    new_password_by_srp,
    new_password_in_custom_auth,
    password_verifier,
    custom_challenge,
    custom_challenge_after_the_password,
]


async def set_permanent(home):
    await home.api(
        "AdminSetUserPassword",
        UserPoolId=home.pool_id,
        Username="bob",
        Password=OTHER,
        Permanent=True,
    )


async def set_temporary(home):
    await home.api("AdminSetUserPassword", UserPoolId=home.pool_id, Username="bob", Password=OTHER)


async def set_the_same_again(home):
    await home.api(
        "AdminSetUserPassword", UserPoolId=home.pool_id, Username="bob", Password=TEMPORARY
    )


async def delete(home):
    await home.api("AdminDeleteUser", UserPoolId=home.pool_id, Username="bob")


async def delete_and_make_again(home):
    await delete(home)
    await home.add_user("bob", TEMPORARY, email="bob@example.org", email_verified="true")


MEANWHILE = [set_permanent, set_temporary, set_the_same_again, delete, delete_and_make_again]


@pytest.mark.parametrize("opened", OPENED)
async def test_without_anything_between_them_every_answer_leads_on(home, opened):
    reply = await home.api("RespondToAuthChallenge", **await opened(home))
    if opened is new_password_in_custom_auth:
        assert reply["ChallengeName"] == "CUSTOM_CHALLENGE"
        last = home.answer("CUSTOM_CHALLENGE", "bob", reply["Session"], ANSWER="x")
        reply = await home.api("RespondToAuthChallenge", **last)
    assert "AuthenticationResult" in reply


@pytest.mark.parametrize("meanwhile", MEANWHILE)
@pytest.mark.parametrize("opened", OPENED)
async def test_a_session_ends_with_the_credentials_that_opened_it(home, opened, meanwhile):
    answer = await opened(home)
    await meanwhile(home)
    refusal = await home.api.refused("RespondToAuthChallenge", **answer)
    assert refusal.code == "NotAuthorizedException"
    if meanwhile is not delete:
        # The password is the one that was set meanwhile, and no other.
        word = TEMPORARY if meanwhile in (set_the_same_again, delete_and_make_again) else OTHER
        reply = await home.api("InitiateAuth", **home.by_password("bob", word))
        assert reply.keys() & {"AuthenticationResult", "ChallengeName"}
        wrong = await home.api.refused("InitiateAuth", **home.by_password("bob", NEW))
        assert wrong.message == "Incorrect username or password."


@pytest.mark.parametrize(
    "opened", [new_password_by_password, new_password_by_srp, new_password_in_custom_auth]
)
async def test_who_finishes_the_dialogue_first_ends_every_other_one(home, opened):
    answer = await opened(home)
    asked = await home.api("InitiateAuth", **home.by_password("bob", TEMPORARY))
    first = home.answer("NEW_PASSWORD_REQUIRED", "bob", asked["Session"], NEW_PASSWORD=OTHER)
    assert "AuthenticationResult" in await home.api("RespondToAuthChallenge", **first)
    refusal = await home.api.refused("RespondToAuthChallenge", **answer)
    assert refusal.message == "Invalid session for the user."
    assert await home.api("InitiateAuth", **home.by_password("bob", OTHER))


@pytest.mark.parametrize(
    "opened", [o for o in OPENED if o.__name__.startswith(("new_password", "password"))]
)
async def test_an_account_that_wrong_passwords_locked_takes_no_answer_about_the_password(
    home, opened
):
    answer = await opened(home)
    for _ in range(5):
        await home.api.refused("InitiateAuth", **home.by_password("bob", "wrong-Horse1"))
    refusal = await home.api.refused("RespondToAuthChallenge", **answer)
    assert refusal.message == "Password attempts exceeded"


@pytest.mark.parametrize("opened", [o for o in OPENED if not o.__name__.startswith("new_password")])
async def test_a_user_who_must_reset_the_password_answers_nothing(home, opened):
    answer = await opened(home)
    await home.api("AdminResetUserPassword", UserPoolId=home.pool_id, Username="bob")
    refusal = await home.api.refused("RespondToAuthChallenge", **answer)
    assert refusal.code == "PasswordResetRequiredException"


@pytest.mark.parametrize("trigger", ["PostAuthentication", "PreTokenGeneration"])
@pytest.mark.parametrize("opened", [password_verifier, new_password_by_password])
@pytest.mark.parametrize("meanwhile", [set_permanent, set_temporary, set_the_same_again, delete])
async def test_no_tokens_are_given_for_a_password_that_changed_while_triggers_ran(
    start, settle, trigger, opened, meanwhile
):
    class Changing:
        sources = frozenset({trigger})

        async def handle(self, event):
            await meanwhile(home)
            return event

    home = await settle(await start(triggers=Changing()))
    refusal = await home.api.refused("RespondToAuthChallenge", **await opened(home))
    assert refusal.message == "Incorrect username or password."


async def test_no_tokens_are_given_for_a_password_that_changed_while_define_ran(start, settle):
    class Changing(Handlers):
        async def handle(self, event):
            given = await super().handle(event)
            if given["response"].get("issueTokens"):
                await set_permanent(home)
            return given

    home = await settle(await start(triggers=Changing()))
    answer = await custom_challenge_after_the_password(home)
    refusal = await home.api.refused("RespondToAuthChallenge", **answer)
    assert refusal.message == "Incorrect username or password."


@pytest.mark.parametrize("step", ["_right_signature", "recomputed"])
async def test_what_was_right_before_the_arithmetic_is_wrong_for_another_password(
    home, monkeypatch, step
):
    """The password changes while the proof of the old one is being computed."""
    by_srp = step == "_right_signature"
    answer = await password_verifier(home)
    plain, changed = Workers.run, []

    async def run(self, function, *args, **kwargs):
        result = await plain(self, function, *args, **kwargs)
        if function.__name__ == step and not changed:
            changed.append(step)
            await set_permanent(home)
        return result

    monkeypatch.setattr(Workers, "run", run)
    request = answer if by_srp else home.by_password("bob", TEMPORARY)
    operation = "RespondToAuthChallenge" if by_srp else "InitiateAuth"
    refusal = await home.api.refused(operation, **request)
    assert refusal.message == "Incorrect username or password."
    assert changed
    assert "AuthenticationResult" in await home.api(
        "InitiateAuth", **home.by_password("bob", OTHER)
    )


async def test_a_right_proof_of_an_expired_password_is_used_up_all_the_same(home):
    await temporary(home)
    prover, asked = await home.ask("bob")
    home.clock.now += 7 * 86400
    prover, asked = await home.ask("bob")
    proof = home.proof(prover, asked, TEMPORARY)
    first = await home.api.refused("RespondToAuthChallenge", **proof)
    assert first.message.startswith("Temporary password has expired")
    again = await home.api.refused("RespondToAuthChallenge", **proof)
    assert again.message == "Incorrect username or password."


async def test_a_name_that_nobody_has_is_asked_again_as_a_user_is(start, settle):
    hidden = await settle(await start(triggers=Handlers()), PreventUserExistenceErrors="ENABLED")
    asked = await hidden.api("InitiateAuth", **hidden.begin("CUSTOM_AUTH", "nobody"))
    name = asked["ChallengeParameters"]["USERNAME"]
    wrong = hidden.answer("CUSTOM_CHALLENGE", name, asked["Session"], ANSWER="y")
    again = await hidden.api("RespondToAuthChallenge", **wrong)
    assert again["ChallengeName"] == "CUSTOM_CHALLENGE"
    right = hidden.answer("CUSTOM_CHALLENGE", name, again["Session"], ANSWER="x")
    refusal = await hidden.api.refused("RespondToAuthChallenge", **right)
    assert refusal.message == "Incorrect username or password."


@pytest.mark.parametrize("opened", OPENED)
async def test_a_session_does_not_come_back_with_the_permission_to_sign_in(home, opened):
    answer = await opened(home)
    for operation in ("AdminDisableUser", "AdminEnableUser"):
        await home.api(operation, UserPoolId=home.pool_id, Username="bob")
    if opened is password_verifier:  # proves the password, as if it began now
        assert "AuthenticationResult" in await home.api("RespondToAuthChallenge", **answer)
        return
    refusal = await home.api.refused("RespondToAuthChallenge", **answer)
    assert refusal.message == "Invalid session for the user."


@pytest.mark.parametrize("opened", OPENED)
async def test_who_is_disabled_answers_nothing(home, opened):
    answer = await opened(home)
    await home.api("AdminDisableUser", UserPoolId=home.pool_id, Username="bob")
    refusal = await home.api.refused("RespondToAuthChallenge", **answer)
    assert refusal.message == "User is disabled."


async def test_where_users_are_hidden_only_who_proves_the_password_hears_who_is_disabled(
    api, settle
):
    hidden = await settle(api, PreventUserExistenceErrors="ENABLED")
    await hidden.add_user("bob", TEMPORARY)
    wrong, right = await hidden.by_srp("bob", OTHER), await hidden.by_srp("bob", TEMPORARY)
    await api("AdminDisableUser", UserPoolId=hidden.pool_id, Username="bob")
    told = [await api.refused("RespondToAuthChallenge", **proof) for proof in (wrong, right)]
    assert [each.message for each in told] == [
        "Incorrect username or password.",
        "User is disabled.",
    ]


async def test_a_temporary_password_that_expires_while_a_new_one_is_asked_for_is_not_replaced(home):
    await temporary(home)
    home.clock.now += 7 * 86400 - 60
    asked = await home.api("InitiateAuth", **home.by_password("bob", TEMPORARY))
    answer = home.answer("NEW_PASSWORD_REQUIRED", "bob", asked["Session"], NEW_PASSWORD=NEW)
    home.clock.now += 60
    refusal = await home.api.refused("RespondToAuthChallenge", **answer)
    assert refusal.message.startswith("Temporary password has expired")
    home.clock.now -= 1
    assert "AuthenticationResult" in await home.api("RespondToAuthChallenge", **answer)
