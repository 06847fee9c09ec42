import asyncio
import time

import boto3
import pytest
from pycognito.aws_srp import AWSSRP

from authflow.srp import COGNITO
from authflow.triggers import Triggers, challenge, password, sequence

FOLDING = {"UsernameConfiguration": {"CaseSensitive": False}}
WRONG = "Incorrect username or password."


async def test_the_right_password_signs_in(house):
    await house.add_user()
    reply = await house.api("RespondToAuthChallenge", **await house.by_srp())
    result = reply["AuthenticationResult"]
    assert result.keys() == {
        *("AccessToken", "IdToken", "RefreshToken", "ExpiresIn", "TokenType"),
    }
    assert result["ExpiresIn"] == 3600


@pytest.mark.parametrize("password", ["wrong-Horse1", "", "Corr3ct-Horse "])
async def test_a_wrong_password_is_refused(house, password):
    await house.add_user()
    refusal = await house.api.refused(
        "RespondToAuthChallenge", **await house.by_srp("ann", password)
    )
    assert (refusal.status, refusal.code) == (400, "NotAuthorizedException")
    assert refusal.message == WRONG


async def test_user_srp_auth_gives_no_session_and_everything_else(house):
    await house.add_user()
    _, asked = await house.ask()
    assert asked.keys() == {"ChallengeName", "ChallengeParameters"}
    assert asked["ChallengeParameters"].keys() == {
        *("SALT", "SRP_B", "SECRET_BLOCK", "USERNAME", "USER_ID_FOR_SRP"),
    }
    assert not asked["ChallengeParameters"]["SALT"].startswith("00")


async def test_a_proof_counts_once(house):
    await house.add_user()
    proof = await house.by_srp()
    await house.api("RespondToAuthChallenge", **proof)
    refusal = await house.api.refused("RespondToAuthChallenge", **proof)
    assert (refusal.code, refusal.message) == (
        "NotAuthorizedException",
        "Incorrect username or password.",
    )


@pytest.mark.parametrize("flow", ["USER_SRP_AUTH", "CUSTOM_AUTH"])
async def test_a_proof_is_taken_from_its_app_client_and_under_its_name_alone(
    start, settle, word, flow
):
    triggers = Triggers(policy=sequence(password(), challenge("word")), challenges=[word])
    house = await settle(await start(triggers=triggers))
    for name in ("ann", "bob"):
        await house.add_user(name)
    second = await house.api(
        "CreateUserPoolClient",
        UserPoolId=house.pool_id,
        ClientName="second",
        ExplicitAuthFlows=["ALLOW_USER_SRP_AUTH", "ALLOW_CUSTOM_AUTH"],
    )
    elsewhere = await settle(house.api)
    await elsewhere.add_user()
    begin = {} if flow == "USER_SRP_AUTH" else {"CHALLENGE_NAME": "SRP_A"}
    prover, asked = await house.ask("ann", flow, **begin)
    proof = house.proof(prover, asked)
    strangers = [
        *({**proof, "ClientId": second["UserPoolClient"]["ClientId"]},),
        *({**proof, "ClientId": elsewhere.client_id},),
        *(
            {**proof, "ChallengeResponses": {**proof["ChallengeResponses"], "USERNAME": name}}
            for name in ("bob", "nobody", "ann ", "an")
        ),
    ]
    for stranger in strangers:
        refusal = await house.api.refused("RespondToAuthChallenge", **stranger)
        assert (refusal.code, refusal.message) == (
            "NotAuthorizedException",
            "Incorrect username or password.",
        )
    # None of them used it up.
    assert "__type" not in await house.api("RespondToAuthChallenge", **proof)


@pytest.mark.parametrize(
    "value",
    [
        *("0", "00", f"{COGNITO.prime:x}", f"{2 * COGNITO.prime:x}", f"{COGNITO.prime + 1:x}"),
        *("-1", "0x10", "g", "1 ", " 1", "1_0", "\u0661", "f" * 769, "1" * 30000),
    ],
)
async def test_an_unsafe_a_is_refused_before_any_arithmetic(house, value, monkeypatch):
    await house.add_user()
    calls = []
    monkeypatch.setattr("authflow.srp.modexp", lambda *args: calls.append(args))
    refusal = await house.api.refused("InitiateAuth", **house.begin("USER_SRP_AUTH", SRP_A=value))
    assert refusal.code == "InvalidParameterException"
    assert "at 'sRPA' failed to satisfy constraint" in refusal.message
    assert calls == []


async def test_the_day_is_not_padded_and_the_weekday_is_right(house):
    await house.add_user()
    for right, sent in (
        ("Wed Nov 4 10:00:00 UTC 2026", "Wed Nov 04 10:00:00 UTC 2026"),
        ("Wed Nov 4 10:00:00 UTC 2026", "Tue Nov 4 10:00:00 UTC 2026"),
    ):
        prover, asked = await house.ask()
        # The client signs what it sends, as real ones do.
        proof = house.proof(prover, asked, stamp=sent)
        refusal = await house.api.refused("RespondToAuthChallenge", **proof)
        assert refusal.message == WRONG, sent
        # Nor is the right form signed and another one sent.
        prover, asked = await house.ask()
        proof = house.proof(prover, asked, stamp=right, sent_stamp=sent)
        refusal = await house.api.refused("RespondToAuthChallenge", **proof)
        assert refusal.message == WRONG, sent


@pytest.mark.parametrize(
    ("offset", "told"),
    [(-301, "301 s behind"), (301, "301 s ahead of"), (-86400 * 400, "34560000 s behind")],
)
async def test_a_proof_of_another_time_is_refused(house, offset, told, caplog):
    await house.add_user()
    now = house.clock.now
    prover, asked = await house.ask()
    house.clock.now = now + offset
    proof = house.proof(prover, asked)
    house.clock.now = now
    refusal = await house.api.refused("RespondToAuthChallenge", **proof)
    assert refusal.message == WRONG
    # The owner is told why, and the client is not.
    (line,) = (each for each in caplog.records if each.levelname == "WARNING")
    assert f"TIMESTAMP of a proof is {told} the pool's clock, and 300 s are allowed" in line.message


@pytest.mark.parametrize("offset", [-300, 300])
async def test_a_clock_that_is_a_little_wrong_is_nothing_to_speak_of(house, offset, caplog):
    await house.add_user()
    now = house.clock.now
    prover, asked = await house.ask()
    house.clock.now = now + offset
    proof = house.proof(prover, asked)
    house.clock.now = now
    await house.api("RespondToAuthChallenge", **proof)
    assert not [each for each in caplog.records if each.levelname == "WARNING"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"USERNAME": ""}, "Missing required parameter USERNAME"),
        ({"TIMESTAMP": ""}, "Missing required parameter TIMESTAMP"),
        (
            {"PASSWORD_CLAIM_SIGNATURE": "", "PASSWORD_CLAIM_SECRET_BLOCK": ""},
            "Missing required parameter PASSWORD_CLAIM_SIGNATURE",
        ),
        (
            {"PASSWORD_CLAIM_SECRET_BLOCK": "", "TIMESTAMP": "x"},
            "Missing required parameter PASSWORD_CLAIM_SECRET_BLOCK",
        ),
        *(
            (
                {"TIMESTAMP": stamp, "PASSWORD_CLAIM_SIGNATURE": "%"},
                "TIMESTAMP format should be EEE MMM d HH:mm:ss z yyyy in english.",
            )
            for stamp in (
                *("now", "Wed Nov 31 10:00:00 UTC 2026", "Mi Nov 4 10:00:00 UTC 2026"),
                *("Wed Nov 4 25:00:00 UTC 2026", "Wed Nov 4 10:00:00 CET 2026"),
                *("Wed Nov \u0664 10:00:00 UTC 2026", "Wed Nov 4 10:00:00 UTC 0000"),
            )
        ),
        (
            {"PASSWORD_CLAIM_SIGNATURE": "not base64!"},
            "Invalid PASSWORD_CLAIM_SIGNATURE format. Must be a Base64 string.",
        ),
        (
            {"PASSWORD_CLAIM_SECRET_BLOCK": "\u00e9"},
            "Invalid PASSWORD_CLAIM_SECRET_BLOCK format. Must be a Base64 string.",
        ),
    ],
)
async def test_malformed_proofs_are_refused_in_cognitos_order_and_use_up_nothing(
    house, change, message
):
    await house.add_user()
    proof = await house.by_srp()
    spoilt = {**proof, "ChallengeResponses": {**proof["ChallengeResponses"], **change}}
    refusal = await house.api.refused("RespondToAuthChallenge", **spoilt)
    assert (refusal.code, refusal.message) == ("InvalidParameterException", message)
    assert "AuthenticationResult" in await house.api("RespondToAuthChallenge", **proof)


async def test_no_answers_at_all_are_refused(house):
    for empty in ({}, {"ChallengeResponses": {}}):
        refusal = await house.api.refused(
            "RespondToAuthChallenge",
            ChallengeName="PASSWORD_VERIFIER",
            ClientId=house.client_id,
            **empty,
        )
        assert refusal.message == "Missing required parameter challenge responses."


async def test_a_password_that_changes_under_a_handshake_ends_it(house):
    await house.add_user()
    proof = await house.by_srp()
    await house.api(
        "AdminSetUserPassword",
        UserPoolId=house.pool_id,
        Username="ann",
        Password="An0ther-Horse",
        Permanent=True,
    )
    refusal = await house.api.refused("RespondToAuthChallenge", **proof)
    assert refusal.message == WRONG


async def test_names_fold_only_where_case_does_not_matter(start, settle):
    api = await start()
    folding = await settle(api, FOLDING)
    await folding.add_user("Ann")
    prover, asked = await folding.ask("aNN")
    assert asked["ChallengeParameters"]["USER_ID_FOR_SRP"] == "Ann"
    proof = folding.proof(prover, asked)
    assert "AuthenticationResult" in await api("RespondToAuthChallenge", **proof)
    for settings in ({"UsernameConfiguration": {"CaseSensitive": True}}, {}):
        strict = await settle(api, settings)
        await strict.add_user("Ann")
        request = strict.begin("USER_SRP_AUTH", "aNN", SRP_A="2")
        refusal = await api.refused("InitiateAuth", **request)
        assert refusal.code == "UserNotFoundException"


async def test_a_foreign_client_signs_in(house):
    await house.add_user()
    house.clock.now = time.time()

    def sign_in(password):
        client = boto3.client(
            "cognito-idp",
            region_name="us-east-1",
            endpoint_url=house.api.endpoint,
            aws_access_key_id="none",
            aws_secret_access_key="none",
        )
        try:
            return AWSSRP(
                username="ann",
                password=password,
                pool_id=house.pool_id,
                client_id=house.client_id,
                client=client,
            ).authenticate_user()
        except client.exceptions.NotAuthorizedException as error:
            return str(error)
        finally:
            client.close()

    right = await asyncio.to_thread(sign_in, "Corr3ct-Horse")
    assert right["AuthenticationResult"]["AccessToken"]
    assert WRONG in await asyncio.to_thread(sign_in, "wrong-Horse1")
