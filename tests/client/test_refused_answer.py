"""After a refused answer the same challenge can be answered again where Cognito kept its session.

The embedded pool says where: each answer that it refuses is sent by a client without claims, and
the right answer after it; a client with claims must end alike.
"""

import itertools
from typing import Any

import pytest

from authflow import AuthClient, AuthFlow, NewPassword
from authflow.client.refused_answer import can_be_answered_again
from authflow.errors import (
    AttributeRejectedError,
    AuthFlowError,
    OutcomeUnknownError,
    RequestRejectedError,
)
from authflow.keys import KeyRing
from authflow.refusals import read_error
from authflow.stores import MemoryStore
from authflow.triggers import Triggers, challenge, sequence

PASSWORD, NEW = "Correct-horse-1", "New-horse-12"
LONG = "x" * 200_000


def attributes(name: str, value: str = "true") -> tuple[Any, dict[str, Any]]:
    return NewPassword(NEW, attributes={name: value}), {}


ANSWERS: dict[str, tuple[Any, dict[str, Any]]] = {
    "weak": (NewPassword("x"), {}),
    "long": (NewPassword("Aa1-" + "x" * 300), {}),
    "blank": (NewPassword(" Aa1-xxxxxxx "), {}),
    "no name": attributes(""),
    "unknown": attributes("nope"),
    "e-mail": attributes("email", "x"),
    "phone": attributes("phone_number", "x"),
    "birth date": attributes("birthdate", "x"),
    "too long": attributes("nickname", "x" * 3000),
    "immutable": attributes("custom:badge"),
    "immutable, whose name has other words": attributes("custom:mfa_is_not_on"),
    "sub": attributes("sub"),
    "verified": attributes("email_verified"),
    "phone verified": attributes("phone_number_verified"),
    "provided before": attributes("name", "Bea"),
    "a huge password": (NewPassword(LONG), {}),
    "a huge attribute": attributes("nickname", LONG),
    "huge metadata": (NewPassword(NEW), {"client_metadata": {"k": LONG}}),
}


async def test_what_the_pool_refuses_of_a_new_password_leaves_the_claim_as_it_leaves_the_session(
    live_pool,
):
    schema = [
        {"Name": name, "AttributeDataType": "String", "Mutable": False}
        for name in ("badge", "mfa_is_not_on")
    ]
    async with live_pool(pool={"Schema": schema}) as pool:
        given = {"keys": RING, "discover": False}
        async with (
            AuthClient(pool.config, **given) as plain,
            AuthClient(pool.config, store=MemoryStore(), **given) as claiming,
        ):
            numbers = itertools.count()

            async def tried(auth: AuthClient, answer: Any, more: dict[str, Any]) -> list[type]:
                name = f"u{next(numbers)}"
                await pool.calls(
                    "AdminCreateUser",
                    UserPoolId=pool.user_pool_id,
                    Username=name,
                    TemporaryPassword=PASSWORD,
                    MessageAction="SUPPRESS",
                    UserAttributes=[{"Name": "name", "Value": "Ada"}],
                )
                pending = await auth.sign_in(name, PASSWORD, flow=AuthFlow.USER_PASSWORD_AUTH)
                ticket = await auth.seal(pending)
                return [
                    await ended(auth, await auth.resume(ticket), answer, more),
                    await ended(auth, await auth.resume(ticket), NewPassword("Good-horse-77"), {}),
                ]

            for name, (answer, more) in ANSWERS.items():
                expected = await tried(plain, answer, more)
                assert issubclass(expected[0], AuthFlowError), name
                assert await tried(claiming, answer, more) == expected, name
                if isinstance(answer, NewPassword) and answer.attributes and LONG not in str(more):
                    is_huge = name == "a huge attribute"
                    assert expected[0] is (
                        RequestRejectedError if is_huge else AttributeRejectedError
                    ), name


RING = KeyRing.generate("k1")


async def ended(auth: AuthClient, pending: Any, answer: Any, more: dict[str, Any]) -> type:
    try:
        return type(await auth.answer(pending, answer, **more))
    except AuthFlowError as error:
        return type(error)


@pytest.mark.parametrize(
    ("answer", "more"),
    [
        (LONG, {}),
        ("open sesame", {"client_metadata": {"k": LONG}}),
        ("open sesame", {"client_metadata": {"k" * 200: "v"}}),
        ("wrong", {}),
        ("", {}),
    ],
)
async def test_what_the_pool_refuses_of_a_custom_answer_leaves_the_claim_alike(
    live_pool, word, answer: str, more: dict[str, Any]
):
    triggers = Triggers(policy=sequence(challenge("word", attempts=3)), challenges=[word])
    async with live_pool(triggers=triggers, users={"ada": PASSWORD}) as pool:
        ends = []
        for store in (None, MemoryStore()):
            async with AuthClient(pool.config, keys=RING, store=store, discover=False) as auth:
                pending = await auth.sign_in("ada", flow=AuthFlow.CUSTOM_AUTH)
                tries = [(answer, more), ("open sesame", {})]
                ends.append([await ended(auth, pending, each, given) for each, given in tries])
        assert ends[0] == ends[1]


@pytest.mark.parametrize(
    ("code", "text", "status", "stands"),
    [
        ("SerializationException", "", 400, True),
        ("ValidationException", "", 400, True),
        ("InvalidParameterException", "2 validation errors detected: ...", 400, True),
        ("InvalidParameterException", "something new", 400, True),
        ("413", "", 413, True),
        ("431", "", 431, True),
        ("ResourceNotFoundException", "User pool client x does not exist.", 400, True),
        ("NotAuthorizedException", "Unable to verify secret hash for client x", 400, True),
        ("NotAuthorizedException", "something new", 400, False),
        ("NewException", "something new", 400, False),
        ("ConcurrentModificationException", "", 400, False),
        ("UserLambdaValidationException", "", 400, False),
        ("AliasExistsException", "", 400, False),
    ],
)
def test_a_refusal_before_anything_counts_is_told_by_its_code(code, text, status, stands):
    error = read_error(code, text, operation="RespondToAuthChallenge", status=status)
    assert can_be_answered_again(error) is stands


def test_an_answer_that_may_have_counted_is_not_given_again():
    assert not can_be_answered_again(OutcomeUnknownError("lost"))
