import uuid
from collections import Counter

import pytest

from authflow.pool.accounts.masking import stand_in
from authflow.pool.accounts.passwords import new_salt
from authflow.pool.accounts.user_pools import UserPool
from authflow.srp import COGNITO

FOLDING = {"UsernameConfiguration": {"CaseSensitive": False}}
WRONG = "Incorrect username or password."


@pytest.fixture
async def house(api, settle):
    house = await settle(api, PreventUserExistenceErrors="ENABLED")
    await house.add_user("ann")
    return house


async def test_an_unknown_user_gets_the_same_salt_and_id_every_time(house):
    seen = []
    for _ in range(2):
        _, asked = await house.ask("nobody")
        parameters = asked["ChallengeParameters"]
        seen.append({k: parameters[k] for k in ("SALT", "USERNAME", "USER_ID_FOR_SRP")})
    assert seen[0] == seen[1]
    _, other = await house.ask("noone")
    assert other["ChallengeParameters"]["SALT"] != seen[0]["SALT"]


async def test_a_name_has_another_salt_in_another_pool_and_the_same_in_every_spelling(
    house, settle
):
    house = await settle(house.api, FOLDING, PreventUserExistenceErrors="ENABLED")
    other = await settle(house.api, FOLDING, PreventUserExistenceErrors="ENABLED")
    salts = {}
    for where, name in ((house, "nobody"), (house, "NoBody"), (other, "nobody")):
        _, asked = await where.ask(name)
        salts[where.pool_id, name] = asked["ChallengeParameters"]["SALT"]
    assert salts[house.pool_id, "nobody"] == salts[house.pool_id, "NoBody"]
    assert salts[house.pool_id, "nobody"] != salts[other.pool_id, "nobody"]


@pytest.mark.parametrize("whose", ["users", "nobody's"])
def test_every_salt_has_16_bytes_and_none_begins_with_00_nor_often_with_another(whose):
    pool = UserPool(
        id="us-east-1_Example01",
        settings={},
        key_id="k",
        signing_key="{}",
        mask_key=bytes(range(32)),
        created_at=0,
        modified_at=0,
    )
    salts = [
        new_salt() if whose == "users" else stand_in(pool, f"name {number}").password.salt
        for number in range(20_000)
    ]
    assert {len(salt) for salt in salts} == {16}
    assert len(set(salts)) == len(salts)
    first = Counter(salt[0] for salt in salts)
    assert set(first) == set(range(1, 256))
    # 78 of each are expected, with a standard deviation of 9.
    assert max(first.values()) < 78 + 8 * 9
    assert set(Counter(salt[1] for salt in salts)) == set(range(256))


async def test_known_and_unknown_get_parameters_of_one_shape(house):
    _, known = await house.ask("ann")
    _, unknown = await house.ask("nobody")
    assert known.keys() == unknown.keys()
    for name, value in known["ChallengeParameters"].items():
        other = unknown["ChallengeParameters"][name]
        if name == "SRP_B":
            assert 0 < int(other, 16) < COGNITO.prime
        elif name not in {"USERNAME", "USER_ID_FOR_SRP"}:
            assert len(other) == len(value)
    assert unknown["ChallengeParameters"]["USER_ID_FOR_SRP"] == "nobody"


async def test_an_unknown_user_is_refused_at_the_proof_like_a_wrong_password(house):
    known = await house.api.refused(
        "RespondToAuthChallenge", **await house.by_srp("ann", "wrong-Horse1")
    )
    unknown = await house.api.refused("RespondToAuthChallenge", **await house.by_srp("nobody"))
    assert known == unknown
    assert unknown.message == WRONG


async def test_by_password_an_unknown_user_looks_like_a_wrong_one_with_the_same_work(
    house, monkeypatch
):
    import authflow.srp

    calls = []
    real = authflow.srp.modexp

    def counting(*args):
        calls.append(args)
        return real(*args)

    monkeypatch.setattr("authflow.srp.modexp", counting)
    known = await house.api.refused("InitiateAuth", **house.by_password("ann", "wrong-Horse1"))
    work = len(calls)
    unknown = await house.api.refused("InitiateAuth", **house.by_password("nobody", "wrong-Horse1"))
    assert known == unknown
    assert len(calls) == 2 * work == 2


async def test_an_unknown_user_is_locked_out_like_a_known_one(house):
    for name in ("ann", "nobody"):
        seen = [
            (await house.api.refused("InitiateAuth", **house.by_password(name, "x"))).message
            for _ in range(6)
        ]
        assert seen == [WRONG] * 5 + ["Password attempts exceeded"]


async def test_where_usernames_are_ids_an_unknown_user_has_one_too(api, settle):
    house = await settle(
        api, {"UsernameAttributes": ["email"]}, PreventUserExistenceErrors="ENABLED"
    )
    _, asked = await house.ask("nobody@example.org")
    parameters = asked["ChallengeParameters"]
    made = uuid.UUID(parameters["USER_ID_FOR_SRP"])
    assert made.version == 4
    # No two of the made-up values come of the same bytes: that would tell that they are made up.
    assert made.hex[2:12] not in parameters["SALT"]


async def test_by_default_an_unknown_user_is_told_of(api, settle):
    house = await settle(api)
    for request in (house.by_password("nobody"), house.begin("USER_SRP_AUTH", "nobody", SRP_A="2")):
        refusal = await api.refused("InitiateAuth", **request)
        assert (refusal.code, refusal.message) == (
            "UserNotFoundException",
            "User does not exist.",
        )
