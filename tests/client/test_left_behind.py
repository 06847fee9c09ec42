"""After an answer has counted no error asks to give it again: it says to begin anew.

Every class of error is raised at two places of one call: before the answer is sent, where the same
may be answered again, and after it has counted.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from attrs import define, field

from authflow import AuthClient, AuthFlow, ChallengeRequired, Choice, Secret, errors
from authflow.client import ScriptedPrompt
from authflow.client.refused_answer import can_be_answered_again, left_behind, misleads
from authflow.errors import (
    AskAgainError,
    AuthFlowError,
    CodeMismatchError,
    JwksUnreachableError,
    NextStep,
    OutcomeUnknownError,
    RequestRejectedError,
    SessionSpentError,
)
from authflow.keys import KeyRing
from authflow.results import Tokens
from authflow.stores import MemoryStore

KINDS = [
    kind
    for name in errors.__all__
    if isinstance(kind := getattr(errors, name), type) and issubclass(kind, AuthFlowError)
]
OF_A_PROMPT = [kind for kind in KINDS if kind is not AskAgainError]
"""What a prompt can end an answer with: AskAgainError has the same question asked again."""
REPEATED = {NextStep.WAIT, NextStep.RETRY_SAME_CHALLENGE}
CHOICE = {
    "ChallengeName": "SELECT_MFA_TYPE",
    "Session": "s" * 20,
    "ChallengeParameters": {"MFAS_CAN_CHOOSE": '["SMS_MFA","SOFTWARE_TOKEN_MFA"]'},
}
CODE = {"ChallengeName": "SOFTWARE_TOKEN_MFA", "Session": "t" * 20, "ChallengeParameters": {}}
SET_UP = {
    "ChallengeName": "MFA_SETUP",
    "Session": "s" * 20,
    "ChallengeParameters": {"MFAS_CAN_SETUP": '["EMAIL_OTP"]'},
}
MAIL = {"ChallengeName": "EMAIL_OTP", "Session": "t" * 20, "ChallengeParameters": {}}


def test_there_are_errors_of_every_next_step():
    assert len(KINDS) > 60
    assert {kind.next_step for kind in KINDS} == set(NextStep)


def of(kind: type[AuthFlowError]) -> AuthFlowError:
    return kind("so it is", aws_code="SomeException", retry_after=7.0)


@define
class Failing(ScriptedPrompt):
    """A prompt that fails with the question."""

    fails: AuthFlowError = field(factory=lambda: AuthFlowError("unset"))

    async def ask(self, question: str, *, hidden: bool = False) -> str:
        raise self.fails


@asynccontextmanager
async def client(scripted: Any, first: dict[str, Any]) -> AsyncIterator[tuple[Any, AuthClient]]:
    given = {"keys": KeyRing.generate(), "store": MemoryStore(), "discover": False}
    async with scripted.serve() as server, AuthClient(server.config(), **given) as auth:

        async def pending(*script: Any) -> ChallengeRequired:
            server.script[:] = [
                {**first, "Session": Secret(f"{len(server.requests):030}").reveal()}
            ]
            begun = await auth.sign_in("ada", "pw", flow=AuthFlow.USER_PASSWORD_AUTH)
            server.script[:] = script
            assert isinstance(begun, ChallengeRequired)
            return begun

        yield pending, auth


async def test_whatever_fails_after_an_answer_has_counted_never_says_to_give_it_again(scripted):
    async with client(scripted, CHOICE) as (pending, auth):
        for kind in OF_A_PROMPT:
            begun = await pending(CODE)
            prompt = Failing([], fails=of(kind))
            with pytest.raises(AuthFlowError) as raised:
                await auth.answer(begun, Choice("SOFTWARE_TOKEN_MFA"), prompt=prompt)
            error = raised.value
            assert error.next_step not in REPEATED, kind
            if kind.next_step in REPEATED or can_be_answered_again(of(kind)):
                assert type(error) is OutcomeUnknownError, kind
                assert "the answer counted" in error.message
                assert "so it is" in error.message
                assert (error.aws_code, error.retry_after) == ("SomeException", 7.0)
            else:
                assert type(error) is kind
            with pytest.raises(SessionSpentError):
                await auth.answer(begun, Choice("SOFTWARE_TOKEN_MFA"))


async def test_whatever_fails_before_an_answer_is_sent_is_told_as_it_is(scripted):
    async with client(scripted, SET_UP) as (pending, auth):
        for kind in OF_A_PROMPT:
            begun = await pending(MAIL)
            with pytest.raises(kind) as raised:
                await auth.answer(begun, "EMAIL_OTP", prompt=Failing([], fails=of(kind)))
            assert type(raised.value) is kind
            chosen = await auth.answer(begun, "EMAIL_OTP")
            assert (await auth.answer(chosen, "a@b.example")).challenge.name == "EMAIL_OTP"


async def test_a_code_that_is_called_wrong_for_ever_is_not_to_be_given_again(scripted):
    wrong = scripted.error("CodeMismatchException", "Invalid code")
    async with client(scripted, CHOICE) as (pending, auth):
        begun = await pending(CODE, *[wrong] * 99)
        prompt = ScriptedPrompt(["000000"] * 99)
        with pytest.raises(OutcomeUnknownError, match="the code is wrong") as raised:
            await auth.answer(begun, Choice("SOFTWARE_TOKEN_MFA"), prompt=prompt)
        assert raised.value.next_step is NextStep.RESTART


def test_what_is_left_behind_says_to_begin_anew():
    for kind in KINDS:
        error = of(kind)
        assert misleads(error) is (kind.next_step in REPEATED or can_be_answered_again(error)), kind
        assert left_behind(error).next_step is NextStep.RESTART


def test_a_refusal_for_its_form_misleads_as_it_could_be_mended():
    assert misleads(RequestRejectedError("x", aws_code="ValidationException"))
    assert misleads(CodeMismatchError("x"))


def test_an_error_with_tokens_in_it_is_left_as_it_is():
    """They are verified later: nobody has to begin anew."""
    tokens = Tokens(
        access_token=Secret("a"),
        id_token=Secret("i"),
        refresh_token=Secret("r"),
        expires_in=1,
        token_type="Bearer",
    )
    assert not misleads(JwksUnreachableError("x", tokens=tokens))
    assert misleads(JwksUnreachableError("x"))
