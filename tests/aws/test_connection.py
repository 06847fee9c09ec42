"""A connection to AWS's services, against moto's server."""

import logging
from collections.abc import Iterator

import pytest
from attrs import define
from moto.server import ThreadedMotoServer

from authflow.aws.connection import AwsConnection
from authflow.errors import ConfigError


@define(kw_only=True, eq=False)
class Secrets(AwsConnection):
    service = "sns"


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture(autouse=True)
def credentials(monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "any")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "any")


async def test_a_client_is_made_at_the_first_use_and_again_after_it_was_closed(endpoint):
    async with Secrets(region="eu-central-1", endpoint=endpoint) as connection:
        first = await connection.connected()
        assert await connection.connected() is first
        assert (await connection.call("list_topics"))["Topics"] == []
        await connection.aclose()
        assert await connection.connected() is not first


async def test_nothing_that_is_sent_is_logged(endpoint, caplog):
    caplog.set_level(logging.DEBUG)
    async with Secrets(region="eu-central-1", endpoint=endpoint) as connection:
        await connection.call("publish", PhoneNumber="+491700000000", Message="canary-code")
    ours = [record for record in caplog.records if not record.name.startswith("werkzeug")]
    assert not [record.getMessage() for record in ours if "canary" in record.getMessage()]


async def test_what_goes_to_this_machine_goes_to_no_proxy(endpoint, monkeypatch):
    for name in ("http_proxy", "HTTP_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    async with Secrets(region="eu-central-1", endpoint=endpoint) as connection:
        assert "Topics" in await connection.call("list_topics")


@pytest.mark.parametrize("endpoint", ["http://10.0.0.7:8000", "ftp://127.0.0.1", "127.0.0.1:8000"])
def test_an_endpoint_that_leaves_this_machine_in_the_clear_is_refused(endpoint):
    with pytest.raises(ConfigError, match="https"):
        Secrets(endpoint=endpoint)


def test_a_client_brings_its_own_region_and_endpoint():
    with pytest.raises(ConfigError, match="already"):
        Secrets(client=object(), region="eu-central-1")
