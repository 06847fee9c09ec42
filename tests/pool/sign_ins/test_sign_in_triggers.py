import asyncio
import copy
import sqlite3
from contextlib import closing

import pytest
from attrs import define, field
from joserfc import jwt
from joserfc.jwk import KeySet

from authflow.pool.store.database import Database

ARN = "arn:aws:lambda:us-east-1:000000000000:function:{}"
WRONG = "Incorrect username or password."
AROUND = frozenset({"PreAuthentication", "PostAuthentication", "PreTokenGeneration"})
CUSTOM = frozenset({"DefineAuthChallenge", "CreateAuthChallenge", "VerifyAuthChallengeResponse"})


@define
class Recorder:
    """Triggers that write down what they get; what they answer can be set for each."""

    sources: frozenset = AROUND
    events: list = field(factory=list)
    answers: dict = field(factory=dict)

    async def handle(self, event):
        self.events.append(copy.deepcopy(event))
        source = event["triggerSource"]
        for begin, answer in self.answers.items():
            if source.startswith(begin):
                given = answer(event)
                return await given if asyncio.iscoroutine(given) else given
        response = event["response"]
        match source.partition("_")[0]:
            case "DefineAuthChallenge":
                rounds = event["request"]["session"]
                response["issueTokens"] = bool(rounds) and rounds[-1]["challengeResult"]
                response["challengeName"] = "CUSTOM_CHALLENGE"
            case "CreateAuthChallenge":
                response["privateChallengeParameters"] = {"answer": "4"}
            case "VerifyAuthChallengeResponse":
                response["answerCorrect"] = event["request"]["challengeAnswer"] == "4"
        return event

    def seen(self):
        """Give what ran since this was asked last."""
        sources = [event["triggerSource"] for event in self.events]
        self.events.clear()
        return sources


BEFORE = "PreAuthentication_Authentication"
AFTER = "PostAuthentication_Authentication"
TOKENS = "TokenGeneration_Authentication"
NAMES = {BEFORE: "PreAuthentication", AFTER: "PostAuthentication", TOKENS: "PreTokenGeneration"}


@pytest.fixture
def recorder():
    return Recorder()


@pytest.fixture
async def house(start, settle, recorder):
    house = await settle(await start(triggers=recorder))
    await house.add_user(email="ann@example.org")
    return house


def refusing(event):
    raise ValueError("not from here.")


def responding(**response):
    return lambda event: {**event, "response": response}


def overriding(**details):
    return responding(claimsOverrideDetails=details)


async def verified(house, token):
    address = f"{house.api.endpoint}/{house.pool_id}/.well-known/jwks.json"
    async with house.api.http.get(address) as reply:
        keys = KeySet.import_key_set(await reply.json(content_type=None))
    return jwt.decode(token, keys, algorithms=["RS256"]).claims


async def respond(house, request, **more):
    return await house.api("RespondToAuthChallenge", **request, **more)


def begun(house, flow="CUSTOM_AUTH", username="ann", **more):
    return {**house.begin(flow, username, **more), "ClientMetadata": {"from": "initiate"}}


async def test_the_events_of_a_sign_in_have_the_documented_shape_and_order(house, recorder):
    made = await house.api("AdminGetUser", UserPoolId=house.pool_id, Username="ann")
    attributes = {one["Name"]: one["Value"] for one in made["UserAttributes"]}
    about = {"userAttributes": {**attributes, "cognito:user_status": "CONFIRMED"}}
    prover, asked = await house.ask()
    await respond(house, house.proof(prover, asked), ClientMetadata={"from": "respond"})
    envelope = {
        "version": "1",
        "region": "us-east-1",
        "userPoolId": house.pool_id,
        "userName": "ann",
        "callerContext": {
            "awsSdkVersion": "aws-sdk-unknown-unknown",
            "clientId": house.client_id,
        },
    }
    assert recorder.events == [
        {
            **envelope,
            "triggerSource": "PreAuthentication_Authentication",
            "request": {**about, "validationData": None, "userNotFound": False},
            "response": {},
        },
        {
            **envelope,
            "triggerSource": "PostAuthentication_Authentication",
            "request": {
                **about,
                "newDeviceUsed": False,
                "clientMetadata": {"from": "respond"},
            },
            "response": {},
        },
        {
            **envelope,
            "triggerSource": "TokenGeneration_Authentication",
            "request": {
                **about,
                "groupConfiguration": {
                    "groupsToOverride": [],
                    "iamRolesToOverride": [],
                    "preferredRole": None,
                },
                "clientMetadata": {"from": "respond"},
            },
            "response": {"claimsOverrideDetails": None},
        },
    ]


@pytest.mark.parametrize("flow", ["USER_PASSWORD_AUTH", "ADMIN_USER_PASSWORD_AUTH"])
async def test_what_a_client_says_at_the_start_reaches_the_first_trigger_only(
    house, recorder, flow
):
    request = {**house.by_password(), "AuthFlow": flow, "ClientMetadata": {"from": "initiate"}}
    if flow.startswith("ADMIN"):
        await house.api("AdminInitiateAuth", UserPoolId=house.pool_id, **request)
    else:
        await house.api("InitiateAuth", **request)
    before, *later = recorder.events
    assert before["request"]["validationData"] == {"from": "initiate"}
    assert all("clientMetadata" not in event["request"] for event in recorder.events)
    assert all("validationData" not in event["request"] for event in later)
    assert recorder.seen() == [BEFORE, AFTER, TOKENS]


async def test_they_run_around_custom_challenges_once_each(start, settle):
    recorder = Recorder(AROUND | CUSTOM)
    house = await settle(await start(triggers=recorder))
    await house.add_user()
    asked = await house.api("InitiateAuth", **begun(house))
    for answer in ("5", "4"):
        request = house.answer("CUSTOM_CHALLENGE", "ann", asked["Session"], ANSWER=answer)
        asked = await respond(house, request, ClientMetadata={"answer": answer})
    assert "AuthenticationResult" in asked
    assert [event["request"].get("clientMetadata") for event in recorder.events[-2:]] == [
        {"answer": "4"}
    ] * 2
    sources = [source.partition("_")[0] for source in recorder.seen()]
    rounds = ["VerifyAuthChallengeResponse", "DefineAuthChallenge"]
    assert sources == [
        *("PreAuthentication", "DefineAuthChallenge", "CreateAuthChallenge"),
        *(*rounds, "CreateAuthChallenge", *rounds),
        *("PostAuthentication", "TokenGeneration"),
    ]


async def test_where_define_issues_tokens_at_once_they_hear_nothing_of_the_client(start, settle):
    recorder = Recorder(AROUND | CUSTOM, answers={"Define": responding(issueTokens=True)})
    house = await settle(await start(triggers=recorder))
    await house.add_user()
    assert "AuthenticationResult" in await house.api("InitiateAuth", **begun(house))
    assert all("clientMetadata" not in event["request"] for event in recorder.events)
    assert recorder.seen()[-2:] == [AFTER, TOKENS]


async def test_a_new_password_has_a_source_of_its_own(house, recorder):
    await house.api(
        "AdminCreateUser", UserPoolId=house.pool_id, Username="bob", TemporaryPassword="Temp-0rary!"
    )
    asked = await house.api("InitiateAuth", **house.by_password("bob", "Temp-0rary!"))
    assert recorder.seen() == [BEFORE]
    answer = house.answer(
        "NEW_PASSWORD_REQUIRED", "bob", asked["Session"], NEW_PASSWORD="N3w-Password"
    )
    await respond(house, answer, ClientMetadata={"from": "respond"})
    assert recorder.events[-1]["request"]["clientMetadata"] == {"from": "respond"}
    status = recorder.events[-1]["request"]["userAttributes"]["cognito:user_status"]
    assert status == "CONFIRMED"
    assert recorder.seen() == [AFTER, "TokenGeneration_NewPasswordChallenge"]


@pytest.mark.parametrize("ran", [[BEFORE], [BEFORE, AFTER], [BEFORE, AFTER, TOKENS]])
async def test_each_can_refuse_and_then_nothing_is_kept(start, settle, recorder, tmp_path, ran):
    path = tmp_path / "pool.db"
    house = await settle(await start(triggers=recorder, db=str(path)))
    await house.add_user()
    recorder.answers[ran[-1]] = refusing
    named = NAMES[ran[-1]]
    refusal = await house.api.refused("InitiateAuth", **house.by_password())
    assert (refusal.code, refusal.message) == (
        "UserLambdaValidationException",
        f"{named} failed with error not from here.",
    )
    assert recorder.seen() == ran
    if ran != [BEFORE]:
        proof = await house.by_srp()
        refusal = await house.api.refused("RespondToAuthChallenge", **proof)
        assert refusal.message == f"{named} failed with error not from here."
        again = await house.api.refused("RespondToAuthChallenge", **proof)
        assert again.message == "Incorrect username or password."
        assert recorder.seen() == ran
    with closing(sqlite3.connect(path)) as file:
        for table in ("token_families", "refresh_tokens", "sessions", "password_failures"):
            assert file.execute(f"SELECT count(*) FROM {table}").fetchone() == (0,), table
    recorder.answers.clear()
    assert "RefreshToken" in await house.tokens()


async def test_what_the_first_trigger_refuses_is_no_wrong_password(house, recorder):
    recorder.answers["PreAuthentication"] = refusing
    for _ in range(8):
        refusal = await house.api.refused("InitiateAuth", **house.by_password("ann", "wrong"))
        assert refusal.code == "UserLambdaValidationException"
    recorder.answers.clear()
    assert "AuthenticationResult" in await house.api("InitiateAuth", **house.by_password())


async def test_a_wrong_password_is_counted_and_ends_it_before_the_later_triggers(house, recorder):
    for _ in range(5):
        refusal = await house.api.refused("InitiateAuth", **house.by_password("ann", "wrong"))
        assert refusal.message == WRONG
    refusal = await house.api.refused("InitiateAuth", **house.by_password())
    assert refusal.message == "Password attempts exceeded"
    assert set(recorder.seen()) == {BEFORE}


@pytest.mark.parametrize("spoilt", [lambda event: None, lambda event: {"response": None}, "event"])
@pytest.mark.parametrize("source", ["PreAuthentication", "PostAuthentication", "TokenGeneration"])
async def test_a_trigger_that_gives_no_event_back_ends_the_sign_in(house, recorder, source, spoilt):
    recorder.answers[source] = spoilt if callable(spoilt) else lambda event: spoilt
    refusal = await house.api.refused("InitiateAuth", **house.by_password())
    assert refusal.code == "InvalidLambdaResponseException"


async def test_claims_of_the_wrong_form_end_the_sign_in(house, recorder):
    recorder.answers["TokenGeneration"] = overriding(claimsToAddOrOverride={"tier": 1})
    refusal = await house.api.refused("InitiateAuth", **house.by_password())
    assert refusal.code == "InvalidLambdaResponseException"


@pytest.mark.parametrize("flow", ["USER_PASSWORD_AUTH", "USER_SRP_AUTH", "CUSTOM_AUTH"])
async def test_a_hidden_user_meets_the_first_trigger_as_a_known_one_does(start, settle, flow):
    recorder = Recorder(AROUND | CUSTOM, answers={"PreAuthentication": refusing})
    house = await settle(await start(triggers=recorder), PreventUserExistenceErrors="ENABLED")
    await house.add_user()
    parameters = {
        "USER_PASSWORD_AUTH": {"PASSWORD": "wrong"},
        "USER_SRP_AUTH": {"SRP_A": "2"},
        "CUSTOM_AUTH": {},
    }[flow]
    refusals = [
        await house.api.refused("InitiateAuth", **begun(house, flow, name, **parameters))
        for name in ("ann", "nobody")
    ]
    assert refusals[0] == refusals[1]
    known, unknown = (event["request"] for event in recorder.events)
    assert unknown == {
        "userAttributes": {},
        "validationData": {"from": "initiate"},
        "userNotFound": True,
    }
    assert known["userNotFound"] is False
    recorder.seen()
    recorder.answers.clear()
    if flow == "USER_PASSWORD_AUTH":
        refusal = await house.api.refused("InitiateAuth", **house.by_password("nobody"))
        assert refusal.message == WRONG
        assert recorder.seen() == [BEFORE]


async def test_where_users_are_not_hidden_no_trigger_runs_for_an_unknown_one(house, recorder):
    for request in (
        house.by_password("nobody"),
        house.begin("USER_SRP_AUTH", "nobody", SRP_A="2"),
    ):
        refusal = await house.api.refused("InitiateAuth", **request)
        assert refusal.code == "UserNotFoundException"
    assert recorder.events == []


@pytest.mark.parametrize("hidden", ["ENABLED", "LEGACY"])
async def test_a_user_who_is_brought_in_is_announced_once_as_one_who_exists(start, settle, hidden):
    recorder = Recorder(AROUND | {"UserMigration"})
    recorder.answers["UserMigration"] = responding(userAttributes={"email": "old@example.org"})
    house = await settle(await start(triggers=recorder), PreventUserExistenceErrors=hidden)
    assert "AuthenticationResult" in await house.api("InitiateAuth", **house.by_password("old"))
    announced = recorder.events[1]["request"]
    assert announced["userNotFound"] is False
    assert announced["userAttributes"]["email"] == "old@example.org"
    assert recorder.seen() == ["UserMigration_Authentication", BEFORE, AFTER, TOKENS]


async def test_a_hidden_user_whom_no_directory_knows_is_announced_too(start, settle):
    recorder = Recorder(AROUND | {"UserMigration"}, answers={"UserMigration": refusing})
    house = await settle(await start(triggers=recorder), PreventUserExistenceErrors="ENABLED")
    refusal = await house.api.refused("InitiateAuth", **house.by_password("nobody"))
    assert refusal.message == WRONG
    assert recorder.events[1]["request"]["userNotFound"] is True
    assert recorder.seen() == ["UserMigration_Authentication", BEFORE]
    recorder.answers["PreAuthentication"] = refusing
    refusal = await house.api.refused("InitiateAuth", **house.by_password("nobody"))
    assert refusal.code == "UserLambdaValidationException"


async def test_version_1_changes_the_id_token_that_is_signed(house, recorder):
    recorder.answers["TokenGeneration"] = overriding(
        claimsToAddOrOverride={"tier": "gold", "sub": "mallory", "exp": "0"},
        claimsToSuppress=["email", "aud"],
        groupOverrideDetails={"groupsToOverride": ["editors"]},
    )
    tokens = await house.tokens()
    identity = await verified(house, tokens["IdToken"])
    access = await verified(house, tokens["AccessToken"])
    assert identity["tier"] == "gold"
    assert "email" not in identity
    assert identity["aud"] == house.client_id
    assert identity["sub"] == access["sub"] != "mallory"
    assert identity["exp"] == access["exp"] == int(house.clock.now) + 3600
    assert identity["cognito:groups"] == access["cognito:groups"] == ["editors"]
    assert "tier" not in access
    assert await house.api("GetUser", AccessToken=tokens["AccessToken"])


@pytest.fixture
async def versioned(start, settle, recorder):
    """Make a pool with the newer form of LambdaConfig; its handler is a set of triggers."""

    async def made(version, **client):
        config = {"LambdaVersion": version, "LambdaArn": ARN.format("tokens")}
        server = await start(triggers={"tokens": recorder})
        pool = {"LambdaConfig": {"PreTokenGenerationConfig": config}}
        house = await settle(server, pool, **client)
        await house.add_user(email="ann@example.org")
        return house

    return made


@pytest.mark.parametrize(("name", "version"), [("V2_0", "2"), ("V3_0", "3")])
async def test_later_versions_change_both_tokens_and_the_scopes(versioned, recorder, name, version):
    house = await versioned(name)
    details = {
        "idTokenGeneration": {"claimsToAddOrOverride": {"roles": ["a", 1]}},
        "accessTokenGeneration": {
            "claimsToAddOrOverride": {"tenant": {"id": 7}, "client_id": "mallory"},
            "scopesToAdd": ["orders/read"],
        },
    }
    recorder.answers["TokenGeneration"] = responding(claimsAndScopeOverrideDetails=details)
    tokens = await house.tokens()
    (event,) = recorder.events
    assert event["version"] == version
    assert event["request"]["scopes"] == ["aws.cognito.signin.user.admin"]
    assert event["response"] == {"claimsAndScopeOverrideDetails": None}
    identity = await verified(house, tokens["IdToken"])
    access = await verified(house, tokens["AccessToken"])
    assert identity["roles"] == ["a", 1]
    assert "tenant" not in identity
    assert access["tenant"] == {"id": 7}
    assert access["client_id"] == house.client_id
    assert access["scope"] == "aws.cognito.signin.user.admin orders/read"
    assert await house.api("GetUser", AccessToken=tokens["AccessToken"])


async def test_without_its_scope_an_access_token_does_not_open_the_account(versioned, recorder):
    house = await versioned("V2_0")
    changes = {"scopesToSuppress": ["aws.cognito.signin.user.admin"], "scopesToAdd": ["read"]}
    recorder.answers["TokenGeneration"] = responding(
        claimsAndScopeOverrideDetails={"accessTokenGeneration": changes}
    )
    token = (await house.tokens())["AccessToken"]
    assert (await verified(house, token))["scope"] == "read"
    for operation in ("GetUser", "GlobalSignOut"):
        refusal = await house.api.refused(operation, AccessToken=token)
        assert refusal.message == "Access Token does not have required scopes"


async def test_the_newer_configuration_may_say_version_1(versioned, recorder):
    house = await versioned("V1_0")
    recorder.answers["TokenGeneration"] = overriding(claimsToAddOrOverride={"tier": "gold"})
    tokens = await house.tokens()
    assert recorder.events[0]["version"] == "1"
    assert (await verified(house, tokens["IdToken"]))["tier"] == "gold"


async def test_both_configurations_must_name_one_function(api, settle):
    versioned = {"LambdaVersion": "V2_0", "LambdaArn": ARN.format("new")}
    config = {"PreTokenGeneration": ARN.format("old"), "PreTokenGenerationConfig": versioned}
    refusal = await api.refused("CreateUserPool", PoolName="x", LambdaConfig=config)
    assert refusal.code == "InvalidParameterException"
    house = await settle(api)
    change = {"UserPoolId": house.pool_id, "LambdaConfig": config}
    assert (await api.refused("UpdateUserPool", **change)) == refusal
    config["PreTokenGeneration"] = ARN.format("new")
    await api("UpdateUserPool", **change)


def renewing(house, token):
    return {"RefreshToken": token, "ClientId": house.client_id}


def refreshing(house, token):
    return {
        "AuthFlow": "REFRESH_TOKEN_AUTH",
        "ClientId": house.client_id,
        "AuthParameters": {"REFRESH_TOKEN": token},
    }


async def test_refreshed_tokens_are_changed_too(house, recorder):
    token = (await house.tokens())["RefreshToken"]
    recorder.seen()
    recorder.answers["TokenGeneration"] = overriding(claimsToAddOrOverride={"tier": "gold"})
    metadata = {"ClientMetadata": {"from": "refresh"}}
    renewed = await house.api("GetTokensFromRefreshToken", **renewing(house, token), **metadata)
    assert recorder.events[0]["request"]["clientMetadata"] == {"from": "refresh"}
    assert recorder.seen() == ["TokenGeneration_RefreshTokens"]
    refreshed = await house.api("InitiateAuth", **refreshing(house, token), **metadata)
    assert "clientMetadata" not in recorder.events[0]["request"]
    assert recorder.seen() == ["TokenGeneration_RefreshTokens"]
    for reply in (renewed, refreshed):
        identity = await verified(house, reply["AuthenticationResult"]["IdToken"])
        assert identity["tier"] == "gold"


async def test_a_refused_refresh_gives_no_tokens(house, recorder):
    token = (await house.tokens())["RefreshToken"]
    recorder.answers["TokenGeneration"] = refusing
    for operation, request in (
        ("GetTokensFromRefreshToken", renewing(house, token)),
        ("InitiateAuth", refreshing(house, token)),
    ):
        refusal = await house.api.refused(operation, **request)
        assert refusal.message == "PreTokenGeneration failed with error not from here."


async def test_no_trigger_hears_of_a_refresh_token_that_is_not_good(house, recorder):
    for operation, request in (
        ("GetTokensFromRefreshToken", renewing(house, "invented")),
        ("InitiateAuth", refreshing(house, "invented")),
    ):
        assert (await house.api.refused(operation, **request)).message == "Invalid Refresh Token"
    assert recorder.events == []


async def test_a_refused_refresh_does_not_use_up_a_rotating_token(start, settle, recorder):
    rotation = {"Feature": "ENABLED", "RetryGracePeriodSeconds": 0}
    flows = ["ALLOW_USER_PASSWORD_AUTH"]
    house = await settle(
        await start(triggers=recorder), RefreshTokenRotation=rotation, ExplicitAuthFlows=flows
    )
    await house.add_user()
    token = (await house.tokens())["RefreshToken"]
    recorder.answers["TokenGeneration"] = refusing
    await house.api.refused("GetTokensFromRefreshToken", **renewing(house, token))
    recorder.answers.clear()
    renewed = await house.api("GetTokensFromRefreshToken", **renewing(house, token))
    assert renewed["AuthenticationResult"]["RefreshToken"] != token
    used = await house.api.refused("GetTokensFromRefreshToken", **renewing(house, token))
    assert used.code == "RefreshTokenReuseException"


async def test_of_ten_renewals_side_by_side_one_gets_the_new_token(start, settle, recorder):
    rotation = {"Feature": "ENABLED", "RetryGracePeriodSeconds": 0}
    flows = ["ALLOW_USER_PASSWORD_AUTH"]
    house = await settle(
        await start(triggers=recorder), RefreshTokenRotation=rotation, ExplicitAuthFlows=flows
    )
    await house.add_user()
    request = renewing(house, (await house.tokens())["RefreshToken"])
    replies = await house.api.at_once(*[("GetTokensFromRefreshToken", request)] * 10)
    assert sum("AuthenticationResult" in reply for reply in replies) == 1


async def test_what_is_revoked_while_a_trigger_runs_is_not_refreshed(house, recorder):
    token = (await house.tokens())["RefreshToken"]

    async def revoking(event):
        await house.api("RevokeToken", Token=token, ClientId=house.client_id)
        return event

    recorder.answers["TokenGeneration"] = revoking
    refusal = await house.api.refused("InitiateAuth", **refreshing(house, token))
    assert refusal.message == "Refresh Token has been revoked"


@pytest.mark.parametrize("source", NAMES)
async def test_a_user_who_is_deleted_while_a_trigger_runs_gets_no_tokens(start, settle, source):
    recorder = Recorder()
    config = {"LambdaConfig": {NAMES[source]: ARN.format("one")}}
    house = await settle(await start(triggers={"one": recorder}), config)
    await house.add_user()

    async def deleting(event):
        await house.api("AdminDeleteUser", UserPoolId=house.pool_id, Username="ann")
        return event

    recorder.answers[source] = deleting
    refusal = await house.api.refused("InitiateAuth", **house.by_password())
    assert (refusal.code, refusal.message) == ("NotAuthorizedException", WRONG)


@pytest.mark.parametrize("source", NAMES)
async def test_a_user_who_is_disabled_while_a_trigger_runs_gets_no_tokens(
    start, settle, tmp_path, source
):
    path = tmp_path / "pool.db"
    recorder = Recorder()
    config = {"LambdaConfig": {NAMES[source]: ARN.format("one")}}
    house = await settle(await start(triggers={"one": recorder}, db=str(path)), config)
    await house.add_user()

    def disabling(event):
        with closing(sqlite3.connect(path)) as file:
            file.execute("UPDATE users SET enabled = 0")
            file.commit()
        return event

    recorder.answers[source] = disabling
    refusal = await house.api.refused("InitiateAuth", **house.by_password())
    assert refusal.message == "User is disabled."


async def test_a_password_that_is_changed_while_the_first_trigger_runs_no_longer_counts(
    house, recorder
):
    async def changing(event):
        await house.api(
            "AdminSetUserPassword",
            UserPoolId=house.pool_id,
            Username="ann",
            Password="An0ther-Horse",
            Permanent=True,
        )
        return event

    recorder.answers["PreAuthentication"] = changing
    refusal = await house.api.refused("InitiateAuth", **house.by_password())
    assert refusal.message == WRONG


@pytest.mark.parametrize("source", sorted(AROUND))
async def test_only_the_triggers_that_a_pool_has_are_run(start, settle, source):
    recorder = Recorder()
    house = await settle(
        await start(triggers={"one": recorder}), {"LambdaConfig": {source: ARN.format("one")}}
    )
    await house.add_user()
    await house.tokens()
    await respond(house, await house.by_srp())
    (expected,) = {key for key, name in NAMES.items() if name == source}
    assert recorder.seen() == [expected, expected]


@pytest.mark.parametrize("source", sorted(AROUND))
async def test_an_arn_that_no_handler_is_registered_for_refuses(start, settle, source, recorder):
    config = {"LambdaConfig": {source: ARN.format("missing")}}
    house = await settle(await start(triggers=recorder), config)
    await house.add_user()
    refusal = await house.api.refused("InitiateAuth", **house.by_password())
    assert refusal.code == "UnexpectedLambdaException"


async def test_a_pool_without_these_triggers_writes_once_for_a_password(api, settle, monkeypatch):
    house = await settle(api)
    await house.add_user()
    prover, asked = await house.ask()
    written = []
    write = Database.write

    async def counting(self, run, *arguments, **named):
        written.append(run.__name__)
        return await write(self, run, *arguments, **named)

    monkeypatch.setattr(Database, "write", counting)
    token = (await house.tokens())["RefreshToken"]
    await respond(house, house.proof(prover, asked))
    await house.api("GetTokensFromRefreshToken", **renewing(house, token))
    assert written == ["_judge", "_judge", "_renew"]
