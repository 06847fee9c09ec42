"""A client is opened once in a process, and closed once."""

import signal
import threading
from concurrent.futures import ThreadPoolExecutor

import anyio
import anyio.to_thread
import pytest

from authflow import (
    AuthClient,
    AuthConfig,
    AuthFlow,
    ChallengeRequired,
    JwksUnreachableError,
    MisuseError,
    OutcomeUnknownError,
    SignedIn,
    sync,
)
from authflow.client import Pacing
from authflow.keys import KeyRing
from authflow.stores import MemoryStore
from authflow.sync.call import Call

PASSWORD = "Correct-horse-1"


@pytest.fixture
def opened(monkeypatch):
    """How often clients were opened and closed."""
    seen: list[str] = []
    for name in ("__aenter__", "__aexit__"):
        original = getattr(AuthClient, name)

        async def counted(self, *args, name=name, original=original):
            seen.append(name)
            return await original(self, *args)

        monkeypatch.setattr(AuthClient, name, counted)
    return seen


def test_a_client_is_opened_by_the_first_call_and_not_before(pool, opened):
    auth = sync.AuthClient(pool.config)
    assert opened == []
    with ThreadPoolExecutor(8) as threads:
        assert len([*threads.map(lambda _: auth.sign_in("ada", PASSWORD), range(16))]) == 16
    assert opened == ["__aenter__"]
    auth.close()
    auth.close()
    assert opened == ["__aenter__", "__aexit__"]


def test_a_client_serves_inside_with_and_is_closed_behind_it(pool, opened):
    with sync.AuthClient(pool.config) as auth:
        assert opened == ["__aenter__"]
        assert isinstance(auth.sign_in("ada", PASSWORD), SignedIn)
    assert opened == ["__aenter__", "__aexit__"]
    with pytest.raises(MisuseError, match="this client is closed"):
        auth.sign_in("ada", PASSWORD)
    with auth:
        assert isinstance(auth.sign_in("ada", PASSWORD), SignedIn)


def test_a_call_that_is_interrupted_as_the_client_opens_leaves_one_that_serves(
    pool, monkeypatch, opened
):
    """As Celery's soft time limit does it, or Ctrl-C: the client is open by then, or it is not."""
    begin, interrupted = Call.begin, threading.Event()
    enter = AuthClient.__aenter__
    main = threading.main_thread().ident
    assert main is not None

    def begun(call, cancel, is_alive):
        begin(call, lambda: (cancel(), interrupted.set()), is_alive)

    async def entered(self):
        entering = await enter(self)
        signal.pthread_kill(main, signal.SIGINT)
        assert interrupted.wait(20)  # from here on there is nothing that could be cancelled
        return entering

    monkeypatch.setattr(Call, "begin", begun)
    monkeypatch.setattr(AuthClient, "__aenter__", entered)
    auth = sync.AuthClient(pool.config)
    with pytest.raises(KeyboardInterrupt):
        auth.sign_in("ada", PASSWORD)
    assert isinstance(auth.sign_in("ada", PASSWORD), SignedIn)
    auth.close()
    assert opened == ["__aenter__", "__aexit__"]


def test_who_is_interrupted_as_with_begins_may_enter_again(auth, monkeypatch):
    wait = Call._wait

    def interrupted(call):
        monkeypatch.setattr(Call, "_wait", wait)
        wait(call)  # it is entered on the loop
        raise KeyboardInterrupt

    monkeypatch.setattr(Call, "_wait", interrupted)
    with pytest.raises(KeyboardInterrupt), auth:
        pytest.fail("it was entered")
    with auth:
        assert isinstance(auth.sign_in("ada", PASSWORD), SignedIn)


def test_with_inside_with_is_refused_and_closes_nothing(auth):
    with auth:
        for _ in range(2):
            with pytest.raises(MisuseError, match="open already"), auth:
                pytest.fail("it was entered twice")
        assert isinstance(auth.sign_in("ada", PASSWORD), SignedIn)


def test_what_cannot_be_opened_says_why_at_each_call(pool):
    config = AuthConfig(
        user_pool_id=pool.config.user_pool_id,
        client_id=pool.client_id,
        endpoint="http://127.0.0.1:9",  # nobody listens there
        fetch_jwks_on_open=True,
    )
    auth = sync.AuthClient(config)
    for call in (lambda: auth.sign_in("ada", PASSWORD), auth.__enter__, auth.__enter__):
        with pytest.raises(JwksUnreachableError, match="keys cannot be read"):
            call()


def test_calls_that_run_when_a_client_is_closed_are_broken_off(pool):
    begun = threading.Barrier(5)

    class Person:
        async def ask(self, question: str, *, hidden: bool = False) -> str:
            await anyio.to_thread.run_sync(begun.wait)
            await anyio.sleep_forever()
            raise AssertionError

    class Word:
        name = "word"

        async def answer(self, challenge, prompt):
            return await prompt.ask("?")

    auth = sync.AuthClient(pool.config, challenges=[Word])
    other = sync.AuthClient(pool.config)

    def call(_: int) -> str:
        with pytest.raises(OutcomeUnknownError, match="the client was closed"):
            auth.sign_in("ada", flow=AuthFlow.CUSTOM_AUTH, prompt=Person())
        return "broken off"

    with ThreadPoolExecutor(4) as threads:
        calls = threads.map(call, range(4))
        begun.wait()
        auth.close()
        assert [*calls] == ["broken off"] * 4
    assert isinstance(other.sign_in("ada", PASSWORD), SignedIn)
    other.close()


def test_a_store_and_a_pacing_serve_all_clients_of_a_process(pool):
    keys, store = KeyRing.generate(), MemoryStore()
    pacing = Pacing(store=store)
    one, other = (
        sync.AuthClient(pool.config, keys=keys, store=store, pacing=pacing) for _ in range(2)
    )
    pending = one.sign_in("ada", flow=AuthFlow.CUSTOM_AUTH)
    assert isinstance(pending, ChallengeRequired)
    result = other.answer(other.resume(one.seal(pending)), "open sesame")
    assert isinstance(result, SignedIn)
    user = one.keep(result)
    assert other.kept(user.handle.reveal()).access_token() == user.access_token()
    one.close()
    assert isinstance(other.sign_in("ada", PASSWORD), SignedIn)
    other.close()


def test_a_store_is_closed_by_the_last_client_that_uses_it_and_serves_again(pool):
    """Nobody else could: a program that makes many clients with stores would keep connections."""
    closed: list[int] = []

    class Connected(MemoryStore):
        async def aclose(self) -> None:
            closed.append(len(closed))

    keys, store = KeyRing.generate(), Connected()
    one, other = (
        sync.AuthClient(pool.config, keys=keys, store=store, pacing=Pacing(store=store))
        for _ in range(2)
    )
    for each in (one, other):
        each.sign_in("ada", flow=AuthFlow.CUSTOM_AUTH)
    one.close()
    one.close()
    assert closed == []
    other.close()
    assert closed == [0]
    with one:
        assert isinstance(one.sign_in("ada", flow=AuthFlow.CUSTOM_AUTH), ChallengeRequired)
    assert closed == [0, 1]


def test_a_store_that_cannot_be_closed_keeps_no_client_open(pool, opened):
    class Broken(MemoryStore):
        async def aclose(self) -> None:
            closed.append("store")
            raise OSError("canary")

    closed: list[str] = []
    auth = sync.AuthClient(pool.config, keys=KeyRing.generate(), store=Broken())
    auth.sign_in("ada", flow=AuthFlow.CUSTOM_AUTH)
    auth.close()
    assert (closed, opened) == (["store"], ["__aenter__", "__aexit__"])


def test_a_client_shows_its_settings_as_the_asynchronous_one(pool):
    shown = repr(AuthClient(pool.config)).replace("prefer={}", "prefer=mappingproxy({})")
    assert repr(sync.AuthClient(pool.config)) == shown
    assert sync.AuthClient(pool.config).config == pool.config


@pytest.mark.parametrize("wrong", [{"config": "x"}, {"keys": "a secret key"}, {"observer": 5}])
def test_what_a_client_cannot_be_made_of_is_refused_at_once_and_shown_nowhere(
    pool, wrong, everything_told
):
    with pytest.raises(MisuseError) as refused:
        sync.AuthClient(**{"config": pool.config, **wrong})
    assert "a secret key" not in everything_told(refused.value)
