"""Who may see a token, and what a token is: the rules that all integrations share."""

from typing import Any

import pytest

from authflow import AuthFlow, ConfigError, MisuseError, Secret, SignedIn, Tokens
from authflow.integrations.bearer import Bearer, Origin

TOKENS = Tokens(access_token=Secret("canary"), id_token=Secret("canary"))


@pytest.mark.parametrize(
    "user",
    [
        *(None, "canary", Secret("canary"), TOKENS, 5),
        SignedIn(tokens=TOKENS, username="ada", flow=AuthFlow.CUSTOM_AUTH),
    ],
    ids=lambda user: type(user).__name__,
)
def test_a_user_who_gives_no_tokens_is_refused_and_not_shown(user: Any):
    with pytest.raises(MisuseError, match=f"unlike {type(user).__name__}") as refused:
        Bearer(user=user, token="access", origins=())
    assert "canary" not in str(refused.value)


def test_a_class_of_users_is_no_user(user):
    with pytest.raises(MisuseError, match="unlike the class User"):
        Bearer(user=type(user("a")), token="access", origins=())


@pytest.mark.parametrize("kind", ["refresh", "Access", "", None, 5])
def test_only_the_access_and_the_id_token_are_shown(user, kind: Any):
    with pytest.raises(MisuseError, match="token must be 'access' or 'id'"):
        Bearer(user=user("a"), token=kind, origins=())


@pytest.mark.parametrize(
    "origins",
    [
        *(5, None, [None], [5], ["api.example.com"], ["https://"], ["ftp://api.example.com"]),
        *(["http://api.example.com"], ["https://api.example.com/v1"], ["https://a@b.example"]),
        *(["https://api.example.com", "http://10.0.0.1"], ["https://*.example.com"], "x"),
        ["https://api.example.com?x"],
    ],
)
def test_an_origin_is_an_address_without_a_path_over_tls(user, origins: Any):
    with pytest.raises(ConfigError, match="origin"):
        Bearer(user=user("a"), token="access", origins=origins)


@pytest.mark.parametrize(
    ("text", "origin"),
    [
        ("https://Api.Example.com", Origin.of("https", "api.example.com", 443)),
        ("https://api.example.com:443/", Origin.of("https", "api.example.com", None)),
        ("https://api.example.com:8443", Origin.of("https", "api.example.com", 8443)),
        ("http://localhost", Origin.of("http", "localhost", 80)),
        ("http://[::1]:9", Origin.of("http", "::1", 9)),
        ("https://[2001:db8::7]", Origin.of("https", "2001:db8::7", 443)),
    ],
)
def test_an_origin_is_its_scheme_its_host_and_its_port(user, text: str, origin: Origin):
    for origins in (text, [text], iter([text]), {text, text.rstrip("/") + "/"}):
        assert Bearer(user=user("a"), token="access", origins=origins).origins == {origin}


@pytest.mark.parametrize(
    ("scheme", "host", "is_private"),
    [
        *(("https", "api.example.com", True), ("http", "127.0.0.1", True)),
        *(("http", "localhost", True), ("http", "api.example.com", False)),
        *(("ws", "localhost", False), ("", "", False), ("http", "localhost.example.com", False)),
    ],
)
def test_what_is_sent_in_clear_stays_on_this_machine(scheme: str, host: str, is_private: bool):
    assert Origin.of(scheme, host, None).is_private is is_private


@pytest.mark.parametrize(("kind", "asked"), [("access", ["access"]), ("id", ["id"])])
async def test_the_header_has_the_token_that_was_asked_for(user, kind: Any, asked: list[str]):
    ada = user("e.y.J-_~+/==")
    assert await Bearer(user=ada, token=kind, origins=()).header() == Secret("Bearer e.y.J-_~+/==")
    assert ada.asked == asked


@pytest.mark.parametrize(
    "given",
    [None, 5, b"canary", TOKENS, "", "canary canary", "canary\r\nX: y", "canäry", "a=canary", "="],
    ids=lambda given: f"{given!r}"[:20],
)
async def test_what_is_no_token_goes_into_no_header(user, given: Any):
    bearer = Bearer(user=user(given), token="access", origins=())
    with pytest.raises(MisuseError, match=r"what `access_token\(\)` gives") as refused:
        await bearer.header()
    assert "can" not in str(refused.value)


async def test_a_plain_text_is_taken_as_a_token_too():
    class Plain:
        async def access_token(self) -> str:
            return "plain"

        id_token = access_token

    bearer = Bearer(user=Plain(), token="id", origins=())  # type: ignore[arg-type]
    assert await bearer.header() == Secret("Bearer plain")


def test_nothing_of_a_user_is_printed(user):
    assert "canary" not in repr(Bearer(user=user("canary"), token="access", origins=()))


def test_a_user_who_shows_tokens_is_in_no_repr(user):
    class Shown(type(user("a"))):
        def __repr__(self) -> str:
            return "canary"

    bearer = Bearer(user=Shown("a"), token="access", origins="https://api.example.com")
    assert "canary" not in repr(bearer)
