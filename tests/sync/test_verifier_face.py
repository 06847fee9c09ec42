"""Tokens verified in the thread that asks."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from authflow import JwksUnreachableError, MisuseError, SignedIn, TokenPermissionError, sync
from authflow.errors import TokenPoolError, TokenSignatureError
from authflow.tokens import TokenVerifier, TrustedPool
from authflow.tokens.key_source import KeySource

PASSWORD = "Correct-horse-1"


@pytest.fixture
def tokens(auth):
    result = auth.sign_in("ada", PASSWORD)
    assert isinstance(result, SignedIn)
    return result.tokens


def test_a_token_is_judged_in_its_own_thread_and_keys_are_fetched_once(pool, tokens, monkeypatch):
    fetched, judging = [], set()
    fly = KeySource._fly
    judged = TokenVerifier._judged

    async def counted(self):
        fetched.append(threading.current_thread().name)
        return await fly(self)

    def noted(self, presented, key):
        judging.add(threading.current_thread().name)
        return judged(self, presented, key)

    monkeypatch.setattr(KeySource, "_fly", counted)
    monkeypatch.setattr(TokenVerifier, "_judged", noted)
    verifier = sync.TokenVerifier(config=pool.config)
    with ThreadPoolExecutor(8, "asking") as threads:
        seen = [*threads.map(lambda _: verifier.claims(tokens.access_token, "access"), range(64))]
    assert {each.username for each in seen} == {"ada"}
    assert fetched == ["authflow-shared-loop"]
    assert all(each.startswith("asking") for each in judging)


def test_a_verifier_says_what_the_asynchronous_one_says(pool, tokens):
    verifier = sync.TokenVerifier(config=pool.config)
    verifier.fetch_keys()
    assert verifier.verify(tokens) == "ada"
    assert verifier.claims(tokens.id_token, "id").email is None
    staff = verifier.require(token_use="access", groups="staff")
    assert isinstance(staff, sync.TokenVerifier)
    with pytest.raises(TokenPermissionError):
        staff.claims(tokens.access_token)
    with pytest.raises(MisuseError, match="say which"):
        verifier.claims(tokens.access_token)
    forged = tokens.access_token.reveal()[:-4] + "AAAA"
    with pytest.raises(TokenSignatureError):
        verifier.claims(forged, "access")
    pools = [
        TrustedPool(user_pool_id=f"us-east-1_{each}", client_ids=None)
        for each in ("Abc123def", "Abc123deg")
    ]
    with pytest.raises(TokenPoolError):
        sync.TokenVerifier(pools=pools).claims(tokens.access_token, "access")


def test_keys_that_cannot_be_had_are_an_error_of_each_call(pool, tokens):
    away = TrustedPool(
        user_pool_id="us-east-1_Abc123def", client_ids=None, endpoint="http://127.0.0.1:9"
    )
    verifier = sync.TokenVerifier(pools=[away])
    for _ in range(2):
        with pytest.raises(JwksUnreachableError):
            verifier.claims(tokens.access_token, "access")
