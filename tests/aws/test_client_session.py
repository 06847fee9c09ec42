import logging

import anyio
import pytest

from authflow.aws.client_session import client_config, open_session, unlogged
from authflow.safe_url import safe_url

LOGGER = logging.getLogger("botocore.endpoint")


@pytest.fixture
def logged(caplog):
    caplog.set_level(logging.DEBUG, LOGGER.name)
    return lambda: [record.getMessage() for record in caplog.records]


def test_bodies_are_not_logged_and_warnings_are(logged):
    with unlogged():
        LOGGER.debug("a body")
        LOGGER.warning("a warning")
    LOGGER.debug("somebody else's")
    assert logged() == ["a warning", "somebody else's"]


def test_logging_comes_back_after_an_error(logged):
    with pytest.raises(KeyError), unlogged():
        raise KeyError
    LOGGER.debug("somebody else's")
    assert logged() == ["somebody else's"]


async def test_others_on_the_same_loop_log_as_before(logged):
    inside, done = anyio.Event(), anyio.Event()

    async def quiet():
        with unlogged():
            inside.set()
            await done.wait()
            LOGGER.debug("a body")

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(quiet)
        await inside.wait()
        LOGGER.debug("somebody else's")
        done.set()
    assert logged() == ["somebody else's"]


async def test_neither_profile_nor_files_of_the_environment_are_read(monkeypatch, tmp_path):
    path = tmp_path / "config"
    path.write_text("[profile other]\nregion = xx-west-9\n[default]\nregion = xx-west-9\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(path))
    monkeypatch.setenv("AWS_PROFILE", "other")
    session = open_session()
    assert session.profile is None
    assert session.full_config["profiles"] == {}


@pytest.mark.parametrize(
    ("url", "proxies"),
    [
        ("http://localhost:9229", {}),
        ("HTTP://127.0.0.1", {}),
        ("http://proxied.example", {}),
        ("https://http.example", None),
        ("HTTPS://localhost", None),
    ],
)
def test_only_what_is_encrypted_may_pass_a_proxy_of_the_environment(url, proxies):
    endpoint = safe_url(url, "endpoint", insecure=True)
    assert client_config(endpoint=endpoint).proxies == proxies
    assert client_config().proxies is None


def test_every_call_is_made_once():
    assert client_config(read_timeout=7).retries == {"total_max_attempts": 1, "mode": "standard"}
    assert client_config(read_timeout=7).read_timeout == 7
