"""Of each token that a verifier judges its observer is told once, and of nobody."""

import json
import time
from typing import Any, get_args, get_type_hints

import anyio
import anyio.to_thread
import pytest
from joserfc import jwt
from joserfc.jwk import RSAKey

from authflow import AuthConfig, MisuseError, NextStep, sync
from authflow.errors import AuthFlowError
from authflow.integrations.event_fields import event_fields
from authflow.telemetry import (
    TokenAccepted,
    TokenEvent,
    TokenRefused,
    TokenUnjudged,
    verified_tokens,
)
from authflow.tokens import TokenVerifier, key_source

KEY = RSAKey.generate_key(2048, {"kid": "k1", "alg": "RS256", "use": "sig"})
CONFIG = AuthConfig(
    user_pool_id="eu-central-1_Abc123def",
    client_id="1example23456789",
    jwks={"keys": [KEY.as_dict(private=False)]},
)
UNREACHABLE = AuthConfig(
    user_pool_id=CONFIG.user_pool_id, client_id=CONFIG.client_id, endpoint="http://127.0.0.1:9"
)


class Seen:
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.events: list[TokenEvent] = []

    def observe(self, event: TokenEvent) -> None:
        self.events.append(event)

    def lines(self) -> list[str]:
        """What was told, without the times."""
        told = [event_fields(each) for each in self.events]
        assert json.loads(json.dumps(told, allow_nan=False)) == told
        names = [each.name for each in self.events]
        self.events.clear()
        return [
            " ".join((name, *(str(of) for key, of in each.items() if key not in TIMES)))
            for name, each in zip(names, told, strict=True)
        ]


TIMES = {"seconds", "retry_after"}


def token(**changes: Any) -> str:
    now = int(time.time())
    claims = {
        "iss": CONFIG.issuer,
        "sub": "canary-sub",
        "username": "canary-name",
        "token_use": "access",
        "client_id": CONFIG.client_id,
        "iat": now,
        "exp": now + 3600,
        **changes,
    }
    return jwt.encode({"alg": "RS256", "kid": "k1"}, claims, KEY)


TOKENS = {
    "good": (token(), "token_accepted access"),
    "for id": (
        token(token_use="id", aud=CONFIG.client_id, auth_time=1),
        "token_refused token_use restart",
    ),
    "expired": (token(exp=1), "token_refused token_expired refresh"),
    "of another pool": (token(iss="canary"), "token_refused token_pool restart"),
    "of another client": (token(client_id="canary"), "token_refused token_client restart"),
    "altered": (f"{token()[:-8]}canary88", "token_refused token_signature restart"),
    "no token": ("canary", "token_refused token_malformed restart"),
    "no text at all": ("\ud800", "token_refused token_malformed restart"),
}


async def test_each_token_is_told_once_by_its_code_on_both_faces():
    told, waiting = Seen(), Seen()
    verifier = TokenVerifier(config=CONFIG, observer=told)
    other_face = sync.TokenVerifier(config=CONFIG, observer=[waiting])
    for given, event in TOKENS.values():
        for judge in (verifier.claims, anyio.to_thread.run_sync):
            try:
                if judge == verifier.claims:
                    await verifier.claims(given, "access")
                else:
                    await anyio.to_thread.run_sync(other_face.claims, given, "access")
            except AuthFlowError:
                assert event != "token_accepted access"
        assert "canary" not in repr([*told.events, *waiting.events])
        assert told.lines() == waiting.lines() == [event]


async def test_what_is_required_is_told_and_so_is_a_verifier_that_requires_more():
    told = Seen()
    staff = TokenVerifier(config=CONFIG, observer=told).require(token_use="access", groups="staff")
    with pytest.raises(AuthFlowError):
        await staff.claims(token())
    await staff.claims(token(**{"cognito:groups": ["staff"]}))
    assert told.lines() == ["token_refused token_permission give_up", "token_accepted access"]


async def test_a_token_that_nobody_can_judge_is_told_on_both_faces(monkeypatch):
    monkeypatch.setattr(key_source, "_PAUSES", ())
    told = Seen()
    with pytest.raises(AuthFlowError):
        await TokenVerifier(config=UNREACHABLE, observer=told).claims(token(), "access")
    other_face = sync.TokenVerifier(config=UNREACHABLE, observer=told)
    with pytest.raises(AuthFlowError):
        await anyio.to_thread.run_sync(other_face.claims, token(), "access")
    assert told.events[0].retry_after is not None
    assert told.lines() == ["token_unjudged jwks_unreachable"] * 2


async def test_a_callers_mistake_and_a_caller_who_leaves_are_told_of_by_nothing():
    told = Seen()
    verifier = TokenVerifier(config=UNREACHABLE, observer=told)
    wrong: Any = 5
    with pytest.raises(MisuseError):
        await verifier.claims(wrong, "access")
    with pytest.raises(MisuseError):
        await verifier.claims(token())
    with anyio.move_on_after(0):
        await verifier.claims(token(), "access")
    assert told.lines() == []


async def test_an_observer_that_fails_lets_no_token_in_and_keeps_none_out(caplog):
    class Failing:
        def observe(self, event: TokenEvent) -> None:
            raise ValueError("canary")

    told = Seen()
    verifier = TokenVerifier(config=CONFIG, observer=[Failing(), told])
    await verifier.claims(token(), "access")
    with pytest.raises(AuthFlowError, match="has expired"):
        await verifier.claims(token(exp=1), "access")
    assert told.lines() == ["token_accepted access", "token_refused token_expired refresh"]
    assert caplog.text.count("the observer raised ValueError") == 1
    assert "canary" not in caplog.text


@pytest.mark.parametrize("wrong", [print, lambda event: None, 5, "text", Seen, [print]])
def test_what_is_no_observer_is_refused(wrong: Any):
    for kind in (TokenVerifier, sync.TokenVerifier):
        with pytest.raises(MisuseError, match="observer must be"):
            kind(config=CONFIG, observer=wrong)


def test_an_event_has_no_room_for_texts_of_others():
    allowed = {float, str, type(None), NextStep, "access", "id"}
    for each in (TokenAccepted, TokenRefused, TokenUnjudged):
        for name, kind in get_type_hints(each, vars(verified_tokens)).items():
            if name != "name":
                assert set(get_args(kind) or [kind]) <= allowed, (each, name)
