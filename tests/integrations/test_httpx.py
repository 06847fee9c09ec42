"""httpx with a user's token, against real servers."""

import ssl
from asyncio import to_thread
from typing import Any

import httpx
import pytest

from authflow import ConfigError, MisuseError, Secret, TokenRevokedError
from authflow.integrations.httpx import CognitoAuth


async def test_each_request_has_the_token_of_its_time(serve, user):
    api, ada = await serve(), user("first", "second", "third")
    async with httpx.AsyncClient(auth=CognitoAuth(ada)) as client:
        for path in ("/a", "/b"):
            assert (await client.get(api.origin + path)).text == "welcome"
        await client.get(api.origin + "/c", auth=None, headers={"Authorization": "own"})
        await client.get(api.origin + "/d", headers={"Authorization": "own"})
    assert api.seen == [
        *(("/a", "Bearer first"), ("/b", "Bearer second"), ("/c", "own"), ("/d", "Bearer third"))
    ]


@pytest.mark.parametrize("named", [True, False], ids=["named origin", "any origin"])
async def test_the_token_follows_no_redirect_to_another_origin(serve, user, named: bool):
    elsewhere = await serve()
    api = await serve(leads={"/away": f"{elsewhere.origin}/taken", "/here": "/there"})
    elsewhere.leads["/back"] = f"{api.origin}/home"
    api.leads["/round"] = f"{elsewhere.origin}/back"
    auth = CognitoAuth(user("canary"), origins=[api.origin] if named else ())
    async with httpx.AsyncClient(auth=auth, follow_redirects=True) as client:
        for path in ("/away", "/here", "/round"):
            await client.post(api.origin + path, content=b"x")
    assert elsewhere.seen == [("/taken", None), ("/back", None)]
    assert api.seen == [
        ("/away", "Bearer canary"),
        ("/here", "Bearer canary"),
        ("/there", "Bearer canary"),
        ("/round", "Bearer canary"),
        ("/home", None),
    ]


HOSTS = ["localhost", "LOCALHOST", "127.0.0.1", "127.0.0.2", "[::1]"]


@pytest.mark.parametrize("host", HOSTS)
@pytest.mark.parametrize("port", ["", ":80"])
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_the_token_follows_no_redirect_to_https_unless_that_is_named(
    user, monkeypatch: pytest.MonkeyPatch, host: str, port: str, status: int
):
    for name in ("HTTP_PROXY", "ALL_PROXY", "http_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    seen: list[tuple[str, str | None]] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append((request.url.scheme, request.headers.get("authorization")))
        if request.url.scheme == "http":
            return httpx.Response(status, headers={"location": f"https://{host}/x"})
        return httpx.Response(200)

    async def ask(address: str, origins: list[str]) -> None:
        async with httpx.AsyncClient(
            auth=CognitoAuth(user("canary"), origins=origins),
            transport=httpx.MockTransport(answer),
            follow_redirects=True,
        ) as client:
            await client.get(address)

    here = f"http://{host}{port}"
    for origins in ([], [here], [here, f"https://{host}:444"], [here, "https://example.com"]):
        with pytest.raises(MisuseError, match="name both"):
            await ask(here, origins)
    assert seen == []
    await ask(here, [here, f"https://{host}"])
    assert seen == [("http", "Bearer canary"), ("https", "Bearer canary")]
    seen.clear()
    await ask(f"http://{host}:81", [])  # from another port httpx does not take it along
    assert seen == [("http", "Bearer canary"), ("https", None)]


async def test_a_refusal_after_a_redirect_sends_nothing_again(serve, user):
    elsewhere = await serve(good="another")
    api = await serve(leads={"/away": f"{elsewhere.origin}/taken"})
    auth = CognitoAuth(user("first", "second"))
    async with httpx.AsyncClient(auth=auth, follow_redirects=True) as client:
        assert (await client.get(api.origin + "/away")).status_code == 401
    assert len(api.seen) == len(elsewhere.seen) == 1


@pytest.mark.parametrize(
    "url", ["http://api.example.com", "http://127.0.0.1.example.com", "http://10.0.0.1:8080"]
)
async def test_nothing_is_sent_in_clear(user, url: str):
    ada = user("canary")
    async with httpx.AsyncClient(auth=CognitoAuth(ada)) as client:
        with pytest.raises(MisuseError, match="in clear"):
            await client.get(url)
    assert ada.asked == []


async def test_a_request_to_an_origin_that_was_not_named_is_refused(serve, user):
    api, other = await serve(), await serve()
    auth = CognitoAuth(user("canary"), origins=api.origin)
    async with httpx.AsyncClient(auth=auth) as client:
        with pytest.raises(MisuseError, match="none of the origins"):
            await client.get(f"{other.origin}/secret-path?canary")
        assert (await client.get(other.origin, auth=None)).status_code == 200
    assert other.seen == [("/", None)]


@pytest.mark.parametrize(
    ("origins", "url"),
    [
        ((), "https://anywhere.example/a?b=c"),
        ((), "https://xn--r8jz45g.example"),
        (("https://api.example.com",), "https://API.example.com:443/a"),
        (("https://api.example.com:8443",), "https://api.example.com:8443"),
        (("https://xn--r8jz45g.jp",), "https://例え.jp/"),
    ],
)
async def test_https_is_taken_anywhere_or_where_it_is_named(user, origins, url: str):
    flow = CognitoAuth(user("token"), origins=origins).async_auth_flow(httpx.Request("GET", url))
    assert (await flow.asend(None)).headers["Authorization"] == "Bearer token"  # type: ignore[arg-type]
    await flow.aclose()


@pytest.mark.parametrize(
    "url", ["https://api.example.com:444", "https://example.com", "https://api.example.com.evil"]
)
async def test_another_port_or_host_is_another_origin(user, url: str):
    auth = CognitoAuth(user("token"), origins=["https://api.example.com"])
    with pytest.raises(MisuseError, match="none of the origins"):
        await auth.async_auth_flow(httpx.Request("GET", url)).asend(None)  # type: ignore[arg-type]


async def test_a_token_that_expired_on_its_way_is_replaced_once(serve, user):
    api = await serve(good="Bearer new")
    async with httpx.AsyncClient(auth=CognitoAuth(user("old", "new"))) as client:
        reply = await client.post(api.origin, content=b"body")
    assert reply.text == "welcome"
    assert api.seen == [("/", "Bearer old"), ("/", "Bearer new")]
    assert api.bodies == [b"body", b"body"]


async def test_the_same_token_is_not_sent_again_and_no_third_one_is_tried(serve, user):
    api = await serve(good="never")
    async with httpx.AsyncClient(auth=CognitoAuth(user("same"))) as client:
        assert (await client.get(api.origin)).status_code == 401
        assert len(api.seen) == 1
    async with httpx.AsyncClient(auth=CognitoAuth(user("one", "two", "three"))) as client:
        assert (await client.get(api.origin)).status_code == 401
    assert [given for _, given in api.seen[1:]] == ["Bearer one", "Bearer two"]


async def test_a_body_that_was_read_once_is_not_sent_again(serve, user):
    async def body():
        yield b"once"

    api = await serve(good="Bearer new")
    async with httpx.AsyncClient(auth=CognitoAuth(user("old", "new"))) as client:
        assert (await client.post(api.origin, content=body())).status_code == 401
    assert api.bodies == [b"once"]


async def test_a_users_error_is_the_callers_and_nothing_is_sent(serve, user):
    api = await serve()
    auth = CognitoAuth(user(TokenRevokedError("signed out")), token="id")
    async with httpx.AsyncClient(auth=auth) as client:
        with pytest.raises(TokenRevokedError, match="signed out"):
            await client.get(api.origin)
    assert api.seen == []


class PlainUser:
    """A user for synchronous code, whose tokens are an asynchronous one's."""

    def __init__(self, tokens: list[Any]) -> None:
        self.tokens = tokens

    def access_token(self) -> Any:
        token = self.tokens.pop(0) if len(self.tokens) > 1 else self.tokens[0]
        if isinstance(token, Exception):
            raise token
        return Secret(token)

    id_token = access_token


async def blocking(
    tokens: list[Any], *asked: Any, method: str = "GET", **settings: Any
) -> list[httpx.Response]:
    """Ask for some addresses by `httpx.Client`, in a thread of its own."""

    def ask() -> list[httpx.Response]:
        auth = CognitoAuth(PlainUser(tokens), **settings)
        with httpx.Client(auth=auth, follow_redirects=True) as client:
            return [client.request(method, url, content=body) for url, body in asked]

    return await to_thread(ask)


async def test_a_client_that_blocks_sends_the_token_of_its_time(serve):
    api = await serve()
    replies = await blocking(["first", "second"], (api.origin + "/a", b""), (api.origin, b""))
    assert [each.text for each in replies] == ["welcome"] * 2
    assert api.seen == [("/a", "Bearer first"), ("/", "Bearer second")]


async def test_a_client_that_blocks_replaces_a_token_once_and_sends_no_body_again_that_is_gone(
    serve,
):
    api = await serve(good="Bearer new")
    (reply,) = await blocking(["old", "new"], (api.origin, b"body"), method="POST")
    assert (reply.text, api.bodies) == ("welcome", [b"body", b"body"])
    for tokens, body in ((["same"], b""), (["old", "new"], iter([b"once"]))):
        api.seen.clear()
        (reply,) = await blocking(tokens, (api.origin, body), method="POST")
        assert (reply.status_code, len(api.seen)) == (401, 1)
    api.seen.clear()
    (reply,) = await blocking(["one", "two", "new"], (api.origin, b""))
    assert [given for _, given in api.seen] == ["Bearer one", "Bearer two"]


async def test_a_client_that_blocks_takes_the_token_nowhere_else(serve):
    elsewhere = await serve(good="another")
    api = await serve(leads={"/away": f"{elsewhere.origin}/taken"})
    (reply,) = await blocking(["first", "second"], (f"{api.origin}/away", b""))
    assert reply.status_code == 401
    assert (len(api.seen), elsewhere.seen) == (1, [("/taken", None)])
    for url, settings in (
        ("http://api.example.com", {}),
        (elsewhere.origin, {"origins": api.origin}),
    ):
        with pytest.raises(MisuseError, match="the token must not go to"):
            await blocking([AssertionError()], (url, b""), **settings)
    with pytest.raises(TokenRevokedError):
        await blocking([TokenRevokedError("signed out")], (api.origin, b""))
    assert (len(api.seen), len(elsewhere.seen)) == (1, 1)


@pytest.mark.filterwarnings("error")  # as of a coroutine that nobody awaits
async def test_the_user_of_the_other_kind_of_client_is_refused_and_shown_nowhere(
    serve, user, everything_told
):
    api = await serve()

    def ask() -> None:
        with httpx.Client(auth=CognitoAuth(user("canary"))) as client:
            client.get(api.origin)

    with pytest.raises(MisuseError, match=r"must be awaited.*authflow\.sync"):
        await to_thread(ask)
    async with httpx.AsyncClient(auth=CognitoAuth(PlainUser(["canary"]), token="id")) as client:
        with pytest.raises(MisuseError, match=r"id_token.*cannot be awaited") as refused:
            await client.get(api.origin)
    assert "canary" not in everything_told(refused.value)
    assert api.seen == []


def test_an_origin_that_is_none_is_told_when_it_is_made(user):
    with pytest.raises(ConfigError, match="an origin"):
        CognitoAuth(user("a"), origins=["api.example.com"])


@pytest.fixture(scope="module")
def trust() -> ssl.SSLContext:
    """Read the certificates once: each client would read them several times, for a second."""
    return ssl.create_default_context()


@pytest.mark.parametrize("variable", ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"])
@pytest.mark.parametrize("named", [True, False], ids=["named origin", "any origin"])
async def test_a_proxy_of_the_environment_sees_no_token_in_clear(
    serve,
    user,
    monkeypatch: pytest.MonkeyPatch,
    *,
    trust: ssl.SSLContext,
    variable: str,
    named: bool,
):
    for name in ("HTTP_PROXY", "ALL_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    proxy, ada = await serve(), user("canary")
    monkeypatch.setenv(variable, proxy.origin)
    hosts = ("localhost:8000", "LOCALHOST:8000", "127.0.0.1:8000", "[::1]:8000", "localhost")
    for no_proxy in ("", "example.com,127.0.0.2", "127.0.0.1:81,localhost:80,::2"):
        monkeypatch.setenv("NO_PROXY", no_proxy)
        for host in hosts:
            auth = CognitoAuth(ada, origins=[f"http://{host}"] if named else ())
            async with httpx.AsyncClient(auth=auth, verify=trust) as client:
                with pytest.raises(MisuseError, match="NO_PROXY"):
                    await client.get(f"http://{host}/")
    assert proxy.seen == ada.asked == []


@pytest.mark.parametrize(
    "excepted", ["*", "localhost", "x, LOCALHOST ,y", "http://localhost", "{}"]
)
async def test_what_the_environment_excepts_from_its_proxy_is_asked_without_it(
    serve, user, monkeypatch: pytest.MonkeyPatch, excepted: str
):
    proxy, api = await serve(), await serve()
    origin = api.origin.replace("127.0.0.1", "localhost")
    monkeypatch.setenv("HTTP_PROXY", proxy.origin)
    monkeypatch.setenv("NO_PROXY", excepted.format(origin.removeprefix("http://")))
    monkeypatch.delenv("no_proxy", raising=False)
    async with httpx.AsyncClient(auth=CognitoAuth(user("token"))) as client:
        assert (await client.get(origin)).text == "welcome"
    assert proxy.seen == []
    assert api.seen == [("/", "Bearer token")]


async def test_over_tls_a_proxy_of_the_environment_sees_no_token(
    user, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.delenv("NO_PROXY", raising=False)
    seen: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request.headers["authorization"])
        return httpx.Response(200)

    async with httpx.AsyncClient(
        auth=CognitoAuth(user("token")), transport=httpx.MockTransport(answer)
    ) as client:
        await client.get("https://api.example.com/")
    assert seen == ["Bearer token"]
