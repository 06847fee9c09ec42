import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authflow.integrations.bearer import origins_of
from authflow.integrations.web.request_errors import (
    ForeignOriginError,
    MalformedRequestError,
    RequestError,
)
from authflow.integrations.web.request_origins import RequestOrigins
from authflow.integrations.web.web_request import WebRequest

OWN = RequestOrigins(named=origins_of("https://app.example.com"))
CLEAR = RequestOrigins(in_clear=True)


def request(**headers: str | None) -> WebRequest:
    given_headers = {"host": "api.example.com", **headers}
    return WebRequest(
        method="POST",
        path="/",
        headers=tuple((k.replace("_", "-"), v) for k, v in given_headers.items() if v is not None),
    )


@pytest.mark.parametrize(
    "headers",
    [
        {},  # a program
        {"origin": "https://api.example.com", "sec_fetch_site": "same-origin"},
        {"origin": "https://api.example.com:443"},
        {"origin": "https://API.example.com"},
        {"origin": "https://app.example.com", "sec_fetch_site": "same-site"},
        {"sec_fetch_site": "same-origin"},
        {"sec_fetch_site": "none"},
        {"host": "api.example.com:8443", "origin": "https://api.example.com:8443"},
        {"host": "[2001:db8::1]:8443", "origin": "https://[2001:db8::1]:8443"},
    ],
)
def test_a_page_of_this_origin_or_a_named_one_may_ask(headers):
    OWN.check(request(**headers))


@pytest.mark.parametrize(
    "headers",
    [
        *({"origin": each} for each in ("null", "", "https://", "api.example.com", "*")),
        {"origin": "http://api.example.com"},
        {"origin": "https://api.example.com:444"},
        {"origin": "https://api.example.com.evil.example"},
        {"origin": "https://evil.example?https://api.example.com"},
        {"origin": "https://user@api.example.com"},
        {"origin": "https://api.example.com/"},
        {"origin": "https://api.example.com, https://app.example.com"},
        {"origin": "https://other.example.com", "sec_fetch_site": "same-site"},
        {"origin": "https://app.example.com", "sec_fetch_site": "cross-site"},
        {"origin": "https://api.example.com", "sec_fetch_site": "unheard-of"},
        *({"sec_fetch_site": each} for each in ("cross-site", "same-site", "", "SAME-ORIGIN")),
    ],
)
def test_a_page_of_another_origin_may_not(headers):
    with pytest.raises(ForeignOriginError, match="another origin"):
        OWN.check(request(**headers))


@pytest.mark.parametrize("host", [None, "", "a b", "a@b", "a/b", "a,b", "é", "a:b", ".."])
def test_a_request_names_its_host_once(host: str | None):
    with pytest.raises(MalformedRequestError, match="which host"):
        OWN.check(request(host=host))


@pytest.mark.parametrize("name", ["host", "origin", "sec-fetch-site"])
def test_a_header_that_stands_twice_is_refused(name: str):
    base = request(origin="https://api.example.com", sec_fetch_site="same-origin")
    twice = WebRequest(
        method="POST", path="/", headers=(*base.headers, (name, base.values(name)[0]))
    )
    with pytest.raises(MalformedRequestError, match="twice"):
        OWN.check(twice)


def test_a_page_on_this_machine_may_ask_in_clear_and_nobody_elsewhere():
    for host in ("localhost:8000", "127.0.0.1:8000", "[::1]:8000"):
        CLEAR.check(request(host=host))
        CLEAR.check(request(host=host, origin=f"http://{host}"))
        with pytest.raises(ForeignOriginError):
            CLEAR.check(request(host=host, origin="http://localhost:3000"))
    for host in ("api.example.com", "10.0.0.1", "localhost.evil.example"):
        with pytest.raises(MalformedRequestError, match="insecure_loopback"):
            CLEAR.check(request(host=host))


def test_a_websocket_says_where_its_page_is_from():
    with pytest.raises(ForeignOriginError):
        OWN.check(request(), told=True)
    OWN.check(request(origin="https://app.example.com"), told=True)


@given(st.text(), st.one_of(st.none(), st.text()), st.one_of(st.none(), st.text()))
def test_no_text_raises_anything_else(host, origin, site):
    with contextlib.suppress(RequestError):
        OWN.check(request(host=host, origin=origin, sec_fetch_site=site))
