"""Who sends a request, by its headers of every kind."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authflow.client import AuthClient, TokenVerifier
from authflow.errors import AuthFlowError, MisuseError
from authflow.integrations.asgi import AsgiAuth
from authflow.integrations.web.credentials import BrowserCookies, Credentials, bearer_token
from authflow.integrations.web.request_errors import CsrfError, MalformedRequestError
from authflow.integrations.web.web_request import WebRequest
from authflow.integrations.web.web_settings import WebSettings
from authflow.integrations.web.web_user import WebUser
from authflow.keys import KeyRing
from authflow.testing import PASSWORD


def request(*values: str) -> WebRequest:
    headers = tuple(("authorization", each) for each in values)
    return WebRequest(method="GET", path="/", headers=headers)


@pytest.mark.parametrize(
    "value",
    ["Bearer a.b-c_d~e+f/g==", "bearer  x", "BEARER x", " Bearer x ", "Bearer " + "x" * 16_384],
)
def test_a_bearer_token_is_read_in_any_case_of_its_scheme(value: str):
    assert bearer_token(request(value)).reveal() == value.split()[1]


@pytest.mark.parametrize(
    "value", ["", "Basic YTpi", "Bearerx y", "Token x", "x Bearer y", "Digest"]
)
def test_another_scheme_is_no_token_and_no_error(value: str):
    assert bearer_token(request(value)) is None


@pytest.mark.parametrize(
    "value",
    [
        *("Bearer", "Bearer ", "Bearer a b", "Bearer a,b", "Bearer =", "Bearer a=b", "Bearer é"),
        "Bearer " + "x" * 16_385,
    ],
)
def test_what_is_no_token_is_refused_and_not_shown(value: str):
    with pytest.raises(MalformedRequestError, match="must be: Bearer") as refused:
        bearer_token(request(value))
    assert refused.value.is_of_token


def test_two_headers_are_refused():
    with pytest.raises(MalformedRequestError, match="twice") as refused:
        bearer_token(request("Bearer x", "Basic y"))
    assert refused.value.is_of_token


@given(st.lists(st.text(max_size=30), max_size=3), st.sampled_from(["", "Bearer ", "bearer"]))
def test_no_header_raises_anything_else(values: list[str], beginning: str):
    try:
        token = bearer_token(request(*(beginning + each for each in values)))
    except MalformedRequestError:
        return
    assert token is None or token.reveal()


@pytest.mark.parametrize("path", ["/orders", "/maybe", "/auth/me"])
@pytest.mark.parametrize(
    ("value", "status", "told"),
    [
        ("Bearer a.b.c", 401, 'error="invalid_token"'),
        ("Bearer x", 401, 'error="invalid_token"'),
        ("Bearer a b", 400, 'error="invalid_request"'),
    ],
)
async def test_a_bad_token_is_told_so_also_where_nobody_has_to_be_signed_in(
    site, path: str, value: str, status: int, told: str
):
    reply = await site.browser().ask("GET", path, authorization=value)
    assert reply.status_code == status
    assert told in reply.headers["www-authenticate"]


async def test_a_user_gives_the_token_that_came_or_the_sessions(one_site):
    ada = await one_site.user()
    tokens = (await one_site.client.sign_in(ada, PASSWORD)).tokens
    came = WebRequest(
        method="POST",
        path="/",
        headers=(("authorization", f"Bearer {tokens.access_token.reveal()}"),),
    )
    user = await one_site.auth.user_of(came)
    assert await user.access_token() == tokens.access_token
    with pytest.raises(MisuseError, match="no id token"):
        await user.id_token()
    with pytest.raises(MisuseError, match="no access token"):
        await WebUser(claims=user.claims).access_token()  # as a service's own tests make one
    page = one_site.browser()
    await page.sign_in(ada)
    cookies = "; ".join(f"{name}={value}" for name, value in page.http.cookies.items())
    by_session = await one_site.auth.user_of(
        WebRequest(method="GET", path="/", headers=(("cookie", cookies),))
    )
    assert by_session.sub == user.sub
    assert by_session.scopes == {"aws.cognito.signin.user.admin"}
    assert await by_session.access_token() != tokens.access_token
    assert (await by_session.id_token()).reveal().count(".") == 2
    for shown in (repr(user), repr(by_session), repr(came)):
        assert tokens.access_token.reveal()[:20] not in shown


async def test_a_session_that_is_over_or_none_is_nobody_where_nobody_has_to_be_signed_in(one_site):
    page = one_site.browser()
    await page.sign_in(await one_site.user())
    handle = page.cookie("session")
    assert (await page.ask("GET", "/maybe")).json()["for"] is not None
    await page.post("/sign-out")
    for cookie in (handle, "no.handle"):
        asked = one_site.browser().ask("GET", "/maybe", cookie=f"__Host-authflow-session={cookie}")
        reply = await asked
        assert (reply.status_code, reply.json()) == (200, {"for": None})


async def test_where_tokens_alone_are_verified_no_cookie_is_anybodys(pool):
    twice = ("__Host-authflow-session=x", "__Host-authflow-session=y")  # nor is any read
    headers = tuple(("cookie", each) for each in twice)
    for auth in (
        AsgiAuth(verifier=TokenVerifier(config=pool.config)),
        AsgiAuth(AuthClient(pool.config)),
        AsgiAuth(AuthClient(pool.config, keys=KeyRing.generate())),  # and no store
    ):
        assert auth.cookie_owner is None
        for method in ("GET", "POST"):
            sent = WebRequest(method=method, path="/", headers=headers)
            assert await auth.user_or_none(sent) is None


async def test_what_changes_something_is_refused_where_no_csrf_token_can_be_checked(pool):
    verifier = TokenVerifier(config=pool.config)
    alone = Credentials(
        settings=WebSettings(),
        verifier=verifier,
        session_verifier=verifier,
        client=None,
        seals=None,
    )
    await alone.check_page(WebRequest(method="GET", path="/"), BrowserCookies())
    for method in ("POST", "DELETE", "WEBSOCKET"):
        with pytest.raises(CsrfError, match="no CSRF token can be checked"):
            await alone.check_page(WebRequest(method=method, path="/"), BrowserCookies())


async def test_an_error_leads_a_crash_reporter_to_no_token_or_cookie(one_site, everything_told):
    page = one_site.browser()
    await page.sign_in(await one_site.user())
    canaries = [page.cookie("session"), "canary.token.x", "canary-csrf"]
    cookies = "; ".join(f"{name}={value}" for name, value in page.http.cookies.items())
    for headers in (
        (("authorization", "Bearer canary.token.x"),),
        (("authorization", "Bearer canary.token.x y"),),
        (("host", "testserver"), ("cookie", cookies), ("x-csrf-token", "canary-csrf")),
        (("cookie", f"{cookies}; __Host-authflow-session=other"),),
    ):
        sent = WebRequest(method="POST", path="/", headers=headers)
        for asks in (one_site.auth.user_of, one_site.auth.user_or_none):
            with pytest.raises(AuthFlowError) as failed:
                await asks(sent)
            told = everything_told(failed.value)
            assert [each for each in canaries if each in told] == []
