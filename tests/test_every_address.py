"""Every setting that takes an address takes the same ones: what is wrong is wrong everywhere."""

import importlib
import pkgutil
import ssl
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import attrs
import authflow_captcha
import authflow_otp
import authflow_question
import pytest
from authflow_captcha.services import HCaptcha, ReCaptcha, Service, Turnstile
from authflow_otp.link import Link
from authflow_otp.senders import SmtpSender
from hypothesis import given, settings
from hypothesis import strategies as st

import authflow
from authflow import AuthConfig, Secret
from authflow.aws import AwsConnection
from authflow.errors import ConfigError
from authflow.pool.server import PoolServer
from authflow.pool.triggers.kms_endpoint import KmsEndpoint
from authflow.pool.triggers.lambda_endpoint import LambdaEndpoint
from authflow.tokens import TrustedPool

try:
    import authflow.triggers.directories.ldap_worker
    from authflow.triggers.directories.ldap_directory import LdapDirectory
except ConfigError:  # the extra is compiled, and not everywhere: the worker is what needs it
    LdapDirectory = None  # type: ignore[assignment,misc]

POOL = {"user_pool_id": "eu-central-1_Abc123def", "client_id": "1example23456789"}
TRUSTED = {"user_pool_id": "eu-central-1_Abc123def", "client_ids": ["1example23456789"]}
LDAP = {
    "bind_dn": "cn=service,dc=example",
    "bind_password": "x",
    "base": "dc=example",
    "attributes": {"email": "mail"},
    "start_tls": False,
}
SERVICE = {"site_key": "key", "secret": Secret("x"), "hostnames": ["example.com"]}
SMTP = {"from_address": "shop@example.com", "tls": ssl.create_default_context()}
LINK = {"sender": SmtpSender(host="localhost", **SMTP), "purpose": "Example Shop"}  # type: ignore[arg-type]
NEEDED = {
    "DynamoDbStore": {"table": "t"},
    "DynamoDbAnswerStore": {"table": "t"},
    "S3Publisher": {"bucket": "b"},
    "SesSender": {"from_address": "shop@example.com"},
    "IdentityPool": {"identity_pool_id": "eu-central-1:0a1b"},
    "KmsKey": {"arn": "arn:aws:kms:eu-central-1:123456789012:key/0a1b"},
}
"""What connections to AWS's services need beside an endpoint."""
NO_ADDRESSES = {
    ("PoolServer", "lambda_endpoint"): "judged by LambdaEndpoint, which it is for",
    ("PoolServer", "kms_endpoint"): "judged by KmsEndpoint, which it is for",
    ("PoolServer", "endpoint"): "what the server says of itself",
    ("LdapServer", "url"): "what LdapDirectory has judged, on the way to its worker",
    ("SiteVerify", "url"): "what the service's settings have judged",
    ("Enroller", "issuer"): "a name that an app shows",
    ("_Pool", "endpoint"): "that of a pool which a test has started",
    ("ShownLink", "url"): "shown to a person, and checked as what a link may be",
    ("ShownQrCode", "url"): "shown to a person, and checked as what a link may be",
    ("CognitoCalls", "endpoint"): "that of a pool which a test has started",
    ("_Link", "url"): "shown to a person; judged by the client half's own test",
    ("Authority", "host"): "what a request names, which decides nothing but whether it is ours",
    ("CheckSubject", "endpoint"): "judged by the connection to AWS that it is for",
    ("Download", "url"): "what AuthConfig has judged or made",
    ("_Claims", "issuer"): "a name in a token that was verified",
    ("AccessClaims", "issuer"): "a name in a token that was verified",
    ("IdentityPool", "issuer"): "a name by which an identity pool knows a user pool",
    ("Origin", "host"): "a part of an address that was judged, or that a request goes to",
    ("IdClaims", "issuer"): "a name in a token that was verified",
}

GOOD = [
    *(
        "https://example.com",
        "HTTPS://EXAMPLE.com:8443",
        "https://10.0.0.1",
        "https://[2001:db8::1]:1",
    ),
    *("http://localhost:9229", "http://LOCALHOST", "http://127.0.0.1", "http://127.8.9.1:80"),
    *(
        "http://[::1]:9229/",
        "https://xn--bcher-kva.example",
        "https://a-b.example/",
        "https://host",
    ),
]
ELSEWHERE = [
    *(
        "http://example.com",
        "HTTP://10.0.0.1:80",
        "http://0.0.0.0:9229",
        "http://[::]",
        "http://host",
    ),
    *("http://[::ffff:127.0.0.1]", "http://127.0.0.1.example", "http://localhost.example"),
    *("http://localhost.localdomain", "http://[fe80::1]", "http://notlocalhost"),
]
"""Well-formed, but without TLS to another machine."""
BAD = [
    *(
        "https://[",
        "https://[::1",
        "https://]",
        "https://[::1]x",
        "https://[::1%25lo]",
        "https://[v1.a]",
    ),
    *("https://user:canary@example.com", "https://user@example.com", "https://@example.com"),
    *("https://canary:@localhost", "http://127.0.0.1:canary@example.com", "https://:canary@"),
    *("https://", "https:///", "https://:443", "https:", "https:/example.com", "https:example.com"),
    *("example.com", "//example.com", "://example.com", "127.0.0.1:8000", "localhost:9229", " "),
    *("https://example.com:", "https://example.com:0", "https://example.com:65536", "https://a:b"),
    *(
        "https://example.com:8O",
        "https://example.com:-1",
        "https://example.com:+1",
        "https://a:1:1",
    ),
    *("https://example.com:१", "https://example.com:123456", "https://example.com:80 "),
    *(
        " https://example.com",
        "https://example.com\n",
        "https://exa mple.com",
        "https://exam\tple.com",
    ),
    *("https://example.com\r\nHost: canary", "https://example.com/\0", "https://example.com/\x7f"),
    *("https://example.com\\@localhost", "https:\\\\example.com", "https://example.com/\\canary"),
    *(
        "https://bücher.example",
        "https://ⓛocalhost",
        "https://example。com",
        "https://exam\u00adple.com",
    ),
    *(
        "https://exa%6dple.com",
        "https://%6cocalhost",
        "https://example.com/%zz",
        "https://example.com/%",
    ),
    *("https://localhost.", "https://example.com.", "https://.example.com", "https://a..b"),
    *("https://a_b.example", "https://-a.example", "https://a-.example", "https://*.example.com"),
    *(
        "http://2130706433",
        "http://127.1",
        "http://0177.0.0.1",
        "http://0x7f.1",
        "http://0x7f000001",
    ),
    *(
        "https://256.0.0.1",
        "https://1.2.3.4.5",
        "https://127.0.0.01",
        "https://example.1",
        "https://0",
    ),
    *("ftp://127.0.0.1", "file:///etc/passwd", "javascript://localhost", "httpss://example.com"),
    *("unix://localhost", "https+http://localhost", "http s://localhost", "ws://localhost"),
    *("https://" + "a" * 64, "https://" + ".".join(["a" * 60] * 5), "https://example.com/\u202e"),
    *(
        'https://example.com/"canary"',
        "https://example.com/<canary>",
        "https://example.com/{canary}",
    ),
]
NO_BASE = [
    *("https://example.com?canary", "https://example.com/?canary=1", "https://localhost#canary"),
    *("https://example.com/#", "https://example.com?"),
]
"""What nothing can be put behind."""


@attrs.frozen(kw_only=True)
class Place:
    """A setting that takes an address.

    Args:
        owner: The class, and `setting` the setting's name.
        give: Makes the object with an address.
        base: Whether it is an address that more is put behind.
        allow: What else to set, to let secrets go elsewhere in clear; None if nothing does.
        scheme: What stands instead of "http" there.
    """

    owner: str
    setting: str
    give: Callable[..., object]
    base: bool = True
    allow: dict[str, Any] | None = None
    scheme: str = "http"
    in_clear: bool = False

    def __call__(self, text: str, **more: Any) -> object:
        return self.give(**{self.setting: text}, **more)

    def spelt(self, text: str) -> str:
        is_web = text[:4].lower() == "http"
        return self.scheme + text[4:] if is_web and self.scheme != "http" else text

    def __str__(self) -> str:
        return f"{self.owner}.{self.setting}"


def packages() -> Iterator[Any]:
    for package in (authflow, authflow_captcha, authflow_otp, authflow_question):
        for found in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
            if found.name.rpartition(".")[2] not in {
                "__main__",
                "conformance",
                "terminal",
                "speech",
            }:
                try:
                    yield importlib.import_module(found.name)
                except ConfigError:  # an extra is missing
                    assert "ldap" in found.name


CLASSES = {
    kind
    for module in packages()
    for kind in vars(module).values()
    if isinstance(kind, type) and kind.__module__ == module.__name__ and attrs.has(kind)
}
CONNECTIONS = sorted(
    (kind for kind in CLASSES if issubclass(kind, AwsConnection) and hasattr(kind, "service")),
    key=lambda kind: kind.__name__,
)
PLACES = [
    Place(
        owner="AuthConfig",
        setting="endpoint",
        give=partial(AuthConfig, **POOL),
        allow={"allow_insecure_endpoint": True},
    ),
    Place(
        owner="AuthConfig",
        setting="issuer",
        give=partial(AuthConfig, **POOL),
        allow={"endpoint": "https://example.com"},
    ),
    Place(
        owner="TrustedPool",
        setting="endpoint",
        give=partial(TrustedPool, **TRUSTED),
        allow={"allow_insecure_endpoint": True},
    ),
    Place(
        owner="TrustedPool",
        setting="issuer",
        give=partial(TrustedPool, **TRUSTED),
        allow={"endpoint": "https://example.com"},
    ),
    Place(owner="PoolServer", setting="issuer", give=PoolServer, in_clear=True),
    Place(
        owner="LambdaEndpoint",
        setting="url",
        give=partial(LambdaEndpoint, region="eu-west-1"),
        allow={"insecure": True},
    ),
    Place(
        owner="KmsEndpoint",
        setting="url",
        give=KmsEndpoint,
        allow={"insecure": True},
    ),
    *(
        Place(
            owner=kind.__name__,
            setting="endpoint",
            give=partial(kind, **NEEDED.get(kind.__name__, {})),
        )
        for kind in CONNECTIONS
    ),
    *(
        Place(
            owner=kind.__name__,
            setting="url",
            base=False,
            give=partial(kind, **SERVICE, **({"version": "v2"} if kind is ReCaptcha else {})),
        )
        for kind in (Turnstile, HCaptcha, ReCaptcha)
    ),
    Place(owner="Link", setting="url", base=False, give=partial(Link, **LINK)),
    *(
        Place(
            owner="LdapDirectory",
            setting="url",
            scheme="ldap",
            give=partial(LdapDirectory, **LDAP),
            allow={"allow_plaintext": True},
        )
        for _ in range(LdapDirectory is not None)
    ),
]
HOSTS = [
    Place(owner="SmtpSender", setting="host", give=partial(SmtpSender, **SMTP)),
    Place(owner="PoolServer", setting="host", give=PoolServer),
]

everywhere = pytest.mark.parametrize("place", PLACES, ids=str)
PIECES = st.sampled_from(
    [
        *(
            "http",
            "https",
            "ldap",
            "ldaps",
            "://",
            ":",
            "/",
            "@",
            "[",
            "]",
            "?",
            "#",
            "%",
            "\\",
            "\0",
        ),
        *(
            "localhost",
            "127.0.0.1",
            "::1",
            "example.com",
            "0x7f",
            "1",
            ".",
            "-",
            "é",
            " ",
            "\n",
            "\ud800",
        ),
    ]
)
TEXTS = st.one_of(st.text(), st.lists(PIECES, max_size=10).map("".join))


def test_no_setting_that_takes_an_address_is_left_out():
    names = {"endpoint", "lambda_endpoint", "kms_endpoint", "url", "issuer", "host"}
    found = {
        (kind.__name__, setting.name)
        for kind in CLASSES
        for setting in attrs.fields(kind)
        if setting.name in names and str in _kinds(setting.type)
    }
    tested = {(place.owner, place.setting) for place in [*PLACES, *HOSTS]}
    bases = {("PoolAddress", "endpoint"), ("PoolAddress", "issuer")}
    bases |= {("AwsConnection", "endpoint"), ("_AwsSender", "endpoint"), ("Service", "url")}
    missing = {("LdapDirectory", "url")} if LdapDirectory is None else set()
    assert found <= tested | bases | NO_ADDRESSES.keys() | missing
    assert tested <= found
    assert len(CONNECTIONS) >= 6
    # By name: of a class with slots attrs leaves the one without behind.
    services = {each.__name__ for each in Service.__subclasses__()}
    assert {each.__name__ for each in (Turnstile, HCaptcha, ReCaptcha)} == services


def _kinds(annotation: Any) -> set[type]:
    """The texts among what an annotation allows; one that cannot be read may be anything."""
    if isinstance(annotation, str):
        return {str}
    kinds = getattr(annotation, "__args__", (annotation,))
    return {str for kind in kinds if isinstance(kind, type) and issubclass(kind, str)}


def refusal(place: Place, text: Any, **more: Any) -> str:
    """What is said against an address, with all that a report would show; "" if it is taken."""
    try:
        place(text, **more)
    except ConfigError as error:
        return f"{error} {error.__context__ or ''}"
    return ""


@everywhere
def test_a_good_address_is_good_everywhere(place: Place):
    assert [text for text in GOOD if refusal(place, place.spelt(text))] == []


@everywhere
@pytest.mark.parametrize("allowed", [False, True])
def test_a_bad_address_is_bad_everywhere_whatever_is_allowed(place: Place, allowed: bool):
    more = (allowed and place.allow) or {}
    said = {text: refusal(place, place.spelt(text), **more) for text in BAD}
    called = {"LambdaEndpoint": "the Lambda endpoint", "KmsEndpoint": "the KMS endpoint"}
    name = called.get(place.owner, place.setting)
    assert [text for text, told in said.items() if f"{name} must be a URL" not in told] == []
    assert [told for told in said.values() if "canary" in told] == []


@everywhere
def test_a_query_stands_only_where_nothing_is_put_behind_it(place: Place):
    said = {text: refusal(place, place.spelt(text)) for text in NO_BASE}
    assert [text for text, told in said.items() if ("no query" in told) is not place.base] == []
    assert [told for told in said.values() if "canary" in told] == []


@everywhere
def test_secrets_leave_this_machine_in_clear_only_if_that_is_said(place: Place):
    said = {text: refusal(place, place.spelt(text)) for text in ELSEWHERE}
    refused = [text for text, told in said.items() if "or on this machine" in told]
    assert refused == ([] if place.in_clear else ELSEWHERE)
    if place.allow is not None:
        asked = {text: refusal(place, place.spelt(text), **place.allow) for text in ELSEWHERE}
        assert [text for text, told in asked.items() if told] == []


@everywhere
@pytest.mark.parametrize("value", [7, b"https://example.com", ["https://example.com"]], ids=str)
def test_what_is_no_text_is_no_address_anywhere(place: Place, value: Any):
    assert "no text" in refusal(place, value)


@everywhere
@settings(max_examples=50)
@given(text=TEXTS, allowed=st.booleans())
def test_no_text_raises_anything_else_anywhere(place: Place, text: str, allowed: bool):
    told = refusal(place, text, **((allowed and place.allow) or {}))
    assert not told or " must be " in told


@pytest.mark.parametrize("place", HOSTS, ids=str)
@given(text=TEXTS)
def test_no_text_raises_anything_else_as_a_host(place: Place, text: str):
    told = refusal(place, text)
    assert not told or "host must be" in told


@pytest.mark.parametrize("place", HOSTS, ids=str)
def test_a_url_is_no_host(place: Place):
    urls = [text for text in [*GOOD, *BAD, *ELSEWHERE] if text != "example.com"]
    assert [text for text in [*urls, None, 7] if "host must be" not in refusal(place, text)] == []
