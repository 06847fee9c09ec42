"""Users who are kept fresh, for synchronous code."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from authflow import MisuseError, SignedIn, SignedOutError, sync
from authflow.keys import KeyRing
from authflow.stores import MemoryStore

PASSWORD = "Correct-horse-1"


@pytest.fixture
def shared():
    return {"keys": KeyRing.generate(), "store": MemoryStore()}


def kept_by(auth: sync.AuthClient) -> sync.SignedInUser:
    result = auth.sign_in("ada", PASSWORD)
    assert isinstance(result, SignedIn)
    return auth.keep(result)


def test_a_kept_user_gives_tokens_to_many_threads_and_signs_out_everywhere(pool, shared):
    with (
        sync.AuthClient(pool.config, **shared) as one,
        sync.AuthClient(pool.config, **shared) as other,
    ):
        user = kept_by(one)
        assert (user.username, repr(user)) == ("ada", "SignedInUser(username='ada')")
        assert user.sub
        with ThreadPoolExecutor(16) as threads:
            tokens = {*threads.map(lambda _: user.access_token().reveal(), range(32))}
        assert tokens == {user.tokens().access_token.reveal()}
        elsewhere = other.kept(user.handle.reveal())
        assert elsewhere.id_token() == user.id_token()
        elsewhere.sign_out()
        for each in (user.access_token, lambda: one.kept(user.handle)):
            with pytest.raises(SignedOutError):
                each()


def test_a_user_serves_as_long_as_the_client_is_open(pool):
    with sync.AuthClient(pool.config) as auth:
        user = kept_by(auth)
    with pytest.raises(MisuseError, match="this client is closed"):
        user.access_token()
    with auth:
        assert user.access_token()
