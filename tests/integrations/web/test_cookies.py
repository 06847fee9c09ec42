import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authflow.client.tickets import MOST_CHARS as MOST_TICKET
from authflow.integrations.web.cookies import CookieNames, NewCookie, read_cookies
from authflow.integrations.web.csrf import CODE_CHARS
from authflow.integrations.web.request_errors import MalformedRequestError
from authflow.integrations.web.web_request import WebRequest
from authflow.secret import Secret

NAMES = CookieNames.of("authflow", secure=True)


def read(*headers: str) -> dict[str, str]:
    given_headers = tuple(("cookie", each) for each in headers)
    request = WebRequest(method="GET", path="/", headers=given_headers)
    found = read_cookies(request, ("a", "b"))
    return {name: value.reveal() for name, value in found.items()}


@pytest.mark.parametrize(
    ("headers", "found"),
    [
        ((), {}),
        (("a=1; b=2",), {"a": "1", "b": "2"}),
        (("a=1;b=2; c=3",), {"a": "1", "b": "2"}),
        (("a=1", "b=2"), {"a": "1", "b": "2"}),  # HTTP/2 may send one header for each
        (("a=1=2==",), {"a": "1=2=="}),
        (("a=1; a=1",), {"a": "1"}),
        (("A=1; aa=1; =1; a",), {}),
        (("a=; b= ",), {}),
        (('a="1"',), {}),
        (("a=1 2; b=é",), {}),
        (("a=\x00; b=1\\2",), {}),
        ((";;;=;==;",), {}),
    ],
)
def test_cookies_are_read_as_they_may_be_written(headers, found):
    assert read(*headers) == found


@pytest.mark.parametrize("headers", [("a=1; a=2",), ("a=1", "b=1; a=2")])
def test_a_cookie_that_somebody_else_has_set_too_is_refused(headers):
    with pytest.raises(MalformedRequestError, match="the cookie a is there twice"):
        read(*headers)


def test_too_many_cookies_are_refused():
    assert read("c=" + "x" * 32_766) == {}
    with pytest.raises(MalformedRequestError, match="delete this site's cookies"):
        read("c=" + "x" * 32_766, "a=1")


@given(st.lists(st.text(), max_size=4))
def test_no_header_raises_anything_else(headers: list[str]):
    with contextlib.suppress(MalformedRequestError):
        assert set(read(*headers)) <= {"a", "b"}


def test_a_cookie_is_for_this_host_over_tls_and_out_of_scripts_reach():
    cookie = NewCookie(name=NAMES.session, value=Secret("canary"), seconds=60, same_site="Lax")
    assert cookie.header().reveal() == (
        "__Host-authflow-session=canary; Path=/; HttpOnly; SameSite=Lax; Secure; Max-Age=60"
    )
    assert "canary" not in f"{cookie} {cookie!r}"


def test_a_cookie_is_taken_away_by_its_age():
    assert NewCookie(name=NAMES.sign_in).header().reveal() == (
        "__Host-authflow-sign-in=; Path=/; HttpOnly; SameSite=Strict; Secure; Max-Age=0"
    )


def test_in_clear_a_cookie_has_no_prefix_since_browsers_would_not_take_it():
    names = CookieNames.of("mine", secure=False)
    assert (names.browser, names.sign_in, names.session) == (
        "mine-browser",
        "mine-sign-in",
        "mine-session",
    )
    header = NewCookie(name=names.browser, value=Secret("x"), secure=False).header().reveal()
    assert header == "mine-browser=x; Path=/; HttpOnly; SameSite=Strict"


def test_the_longest_cookies_are_kept_by_browsers():
    names, secret = CookieNames.of("n" * 40, secure=True), Secret("x" * (MOST_TICKET + CODE_CHARS))
    seconds, browser = 10 * 365 * 86_400, 4_096  # RFC 6265 §6.1, all attributes counted
    for name in (names.browser, names.sign_in, names.session):
        cookie = NewCookie(name=name, value=secret, seconds=seconds, same_site="Strict")
        assert len(cookie.header().reveal()) <= browser
