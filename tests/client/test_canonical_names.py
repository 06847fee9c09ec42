"""What a user is called once signed in: the same name in every flow, whatever was typed."""

import itertools
from typing import Any

import pytest

from authflow import AuthClient, AuthConfig, AuthFlow, ChallengeRequired, Secret, SignedIn, Tokens
from authflow.errors import NewPasswordRejectedError
from authflow.testing import pool_at
from authflow.triggers import Triggers, any_of, challenge, password

PASSWORD = "Correct-horse-1"
WORD = "open sesame"
NAMES: dict[str, tuple[dict[str, Any], str, list[str]]] = {
    "letter case does not count": (
        {"UsernameConfiguration": {"CaseSensitive": False}, "AliasAttributes": ["email"]},
        "ada",
        ["ADA", "Ada@Example.com"],
    ),
    "aliases": (
        {"AliasAttributes": ["email", "phone_number", "preferred_username"]},
        "ada",
        ["ada@example.com", "+4912345678", "countess"],
    ),
    "an address for a name, in any letters": (
        {
            "UsernameAttributes": ["email"],
            "UsernameConfiguration": {"CaseSensitive": False},
        },
        "ada@example.com",
        ["ADA@example.com"],
    ),
}
ATTRIBUTES = {
    "email": "ada@example.com",
    "email_verified": "true",
    "phone_number": "+4912345678",
    "phone_number_verified": "true",
    "preferred_username": "countess",
}
FLOWS = [
    (AuthFlow.USER_SRP_AUTH, PASSWORD),
    (AuthFlow.USER_PASSWORD_AUTH, PASSWORD),
    (AuthFlow.CUSTOM_AUTH, PASSWORD),
    (AuthFlow.CUSTOM_AUTH, None),
]


@pytest.fixture
def triggers(word):
    return Triggers(policy=any_of(password(), challenge("word")), challenges=[word])


async def make_ada(pool: Any, username: str) -> str:
    made = await pool.call(
        "AdminCreateUser",
        UserPoolId=pool.user_pool_id,
        Username=username,
        MessageAction="SUPPRESS",
        UserAttributes=[{"Name": name, "Value": value} for name, value in ATTRIBUTES.items()],
        TemporaryPassword="Temporary-1",
    )
    return str(made["User"]["Username"])


async def signed_in(auth: AuthClient, typed: str, flow: AuthFlow, word: str | None) -> SignedIn:
    result = await auth.sign_in(typed, word, flow=flow)
    while isinstance(result, ChallengeRequired):
        answer = WORD if result.challenge.kind == "word" else "word"
        result = await auth.answer(result, answer)
    return result


async def test_the_name_is_the_canonical_one_in_every_flow(live_pool, triggers):
    async with live_pool(triggers=triggers) as first:
        for kind, (settings, username, typed) in NAMES.items():
            pool = await pool_at(first.server, pool=settings)
            canonical = await make_ada(pool, username)
            await pool.call(
                "AdminSetUserPassword",
                UserPoolId=pool.user_pool_id,
                Username=canonical,
                Password=PASSWORD,
                Permanent=True,
            )
            aliases = kind == "aliases"
            config = await pool.app_client(
                secret=aliases,
                members={"PreventUserExistenceErrors": "ENABLED" if aliases else "LEGACY"},
                verify_tokens=not aliases,
            )
            async with AuthClient(config) as auth:
                for name, (flow, word) in itertools.product(typed, FLOWS):
                    result = await signed_in(auth, name, flow, word)
                    assert result.username == canonical != name, (kind, flow)


@pytest.mark.parametrize("token", ["a", "a.b.c", "e30.W10.e30"])
async def test_where_unverified_tokens_tell_no_name_the_best_one_known_is_kept(token):
    config = AuthConfig(user_pool_id="eu-central-1_A", client_id="1", verify_tokens=False)
    tokens = Tokens(access_token=Secret(token), id_token=Secret(token))
    known = SignedIn(tokens=tokens, username="ada", flow=AuthFlow.USER_PASSWORD_AUTH)
    auth = AuthClient(config)
    assert await auth.verify(known) == known
    assert await auth.verify(tokens) == tokens


async def test_a_rejected_new_password_can_be_replaced_by_a_better_one(live_pool):
    async with live_pool(pool={"AliasAttributes": ["email"]}) as pool:
        await make_ada(pool, "ada")
        async with AuthClient(await pool.app_client()) as auth:
            pending = await auth.sign_in("ada@example.com", "Temporary-1")
            assert isinstance(pending, ChallengeRequired)
            assert pending.challenge.name == "NEW_PASSWORD_REQUIRED"
            for weak in ("weak", "no-uppercase-1", "NO-LOWERCASE-1", "No-digits", "NoSymbols1"):
                with pytest.raises(NewPasswordRejectedError) as rejected:
                    await auth.answer(pending, weak)
                assert rejected.value.next_step == "retry_same_challenge"
                assert weak not in str(rejected.value)
            result = await auth.answer(pending, PASSWORD)
            assert isinstance(result, SignedIn)
            assert result.username == "ada"
