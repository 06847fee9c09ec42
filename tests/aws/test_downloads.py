"""A download goes over the same network as the calls of AWS's services."""

import asyncio
import ssl
import sys
from functools import cache
from pathlib import Path

import pytest
from botocore.httpsession import DEFAULT_CA_BUNDLE, get_cert_path

from authflow import AuthClient, AuthConfig
from authflow.aws.certificates import trusted_certificates
from authflow.aws.client_session import open_session
from authflow.aws.downloads import DownloadError, UntrustedError, open_download
from authflow.client import transport as transport_module
from authflow.client.transport import open_transport
from authflow.errors import ConfigError
from testbed.certificate import self_signed

POOL = "https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_A/.well-known/jwks.json"
PROXY = "http://ada:secret@proxy.example:3128"
VARIABLES = [
    *("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "NO_PROXY"),
    *("no_proxy", "AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE"),
]


_session = cache(open_session)


@pytest.mark.parametrize(
    "environ",
    [
        {},
        {"HTTPS_PROXY": PROXY},
        {"https_proxy": PROXY},
        {"HTTP_PROXY": PROXY},
        {"ALL_PROXY": PROXY},
        {"HTTPS_PROXY": PROXY, "NO_PROXY": "*"},
        {"HTTPS_PROXY": PROXY, "NO_PROXY": "amazonaws.com"},
        {"HTTPS_PROXY": PROXY, "no_proxy": ".eu-central-1.amazonaws.com"},
        {"HTTPS_PROXY": PROXY, "NO_PROXY": "other.example"},
        {"AWS_CA_BUNDLE": "a.pem"},
        {"REQUESTS_CA_BUNDLE": "b.pem"},
        {"AWS_CA_BUNDLE": "a.pem", "REQUESTS_CA_BUNDLE": "b.pem", "HTTPS_PROXY": PROXY},
        {"HTTPS_PROXY": "proxy.example:3128"},
        {"HTTPS_PROXY": "//proxy.example:3128"},
        {"HTTPS_PROXY": "proxy.example"},
        {"HTTPS_PROXY": "https://proxy.example:3128"},
        {"HTTPS_PROXY": ""},
    ],
    ids=str,
)
async def test_the_network_is_the_one_of_the_api_whatever_the_environment_says(
    monkeypatch, tmp_path, environ
):
    monkeypatch.chdir(tmp_path)
    for name in ("a.pem", "b.pem"):
        (tmp_path / name).write_bytes(Path(get_cert_path(verify=True)).read_bytes())
    monkeypatch.setattr(transport_module, "open_session", _session)  # it reads the model once
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    config = AuthConfig(
        user_pool_id="eu-central-1_A", client_id="1", connect_timeout=3.5, read_timeout=7.5
    )
    async with (
        open_transport(config) as transport,
        open_download(POOL, connect_timeout=3.5, read_timeout=7.5) as download,
    ):
        api = transport._client._endpoint.http_session
        proxied = api._proxy_config.proxy_url_for(POOL)
        assert download.proxy == (proxied or None)
        assert trusted_certificates() == get_cert_path(api._verify)
        assert download._http.timeout.sock_connect == api._timeout.sock_connect
        assert download._read_timeout == api._timeout.sock_read


@pytest.mark.parametrize("name", ["AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE"])
@pytest.mark.parametrize("value", ["", " "])
async def test_an_empty_name_of_certificates_does_not_mean_to_trust_everybody(
    monkeypatch, name, value
):
    for each in VARIABLES:
        monkeypatch.delenv(each, raising=False)
    monkeypatch.setenv(name, value)
    with pytest.raises(ConfigError, match=name):
        async with open_download(POOL, connect_timeout=1, read_timeout=1):
            pass
    config = AuthConfig(user_pool_id="eu-central-1_A", client_id="1")
    with pytest.raises(ConfigError, match=name):
        async with open_transport(config):
            pass
    with pytest.raises(ConfigError, match=name):
        async with AuthClient(config):
            pass


async def test_what_is_not_encrypted_goes_by_no_proxy(monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", PROXY)
    url = "http://pool.example/jwks.json"
    async with open_download(url, connect_timeout=1, read_timeout=1) as download:
        assert download.proxy is None


async def test_a_download_goes_through_the_proxy_of_the_environment(monkeypatch, listening):
    asked: list[bytes] = []

    async def proxy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(b"HTTP/1.1 502 X\r\ncontent-length: 0\r\n\r\n")
        await writer.drain()

    async with listening(proxy) as port:
        for name in VARIABLES:
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setenv("HTTPS_PROXY", f"http://ada:secret@127.0.0.1:{port}")
        async with open_download(POOL, connect_timeout=5, read_timeout=5) as download:
            with pytest.raises(DownloadError) as failed:
                await download.get(most=100)
    (request,) = asked
    assert request.startswith(b"CONNECT cognito-idp.eu-central-1.amazonaws.com:443 ")
    assert b"Proxy-Authorization: Basic" in request
    assert "secret" not in str(failed.value)


async def test_without_certifi_the_certificates_are_those_that_botocore_brings(monkeypatch):
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setitem(sys.modules, "certifi", None)
    assert trusted_certificates() == DEFAULT_CA_BUNDLE


@pytest.mark.parametrize("trusted", [True, False])
async def test_certificates_are_those_of_the_environment(monkeypatch, tmp_path, listening, trusted):
    here = self_signed(tmp_path)
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    if trusted:
        monkeypatch.setenv("AWS_CA_BUNDLE", str(here.cert))

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 X\r\ncontent-length: 2\r\n\r\n{}")
        await writer.drain()

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(here.cert, here.key)
    async with listening(serve, ssl=context) as port:
        url = f"https://127.0.0.1:{port}/jwks.json"
        async with open_download(url, connect_timeout=5, read_timeout=5) as download:
            if trusted:
                assert (await download.get(most=100)).body == b"{}"
            else:
                with pytest.raises(UntrustedError):
                    await download.get(most=100)
