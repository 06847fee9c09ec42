"""What an address may be, and that every reader of one reads the same."""

import copy
import pickle
from urllib.parse import urlsplit

import pytest
from botocore.utils import is_valid_endpoint_url, is_valid_ipv6_endpoint_url
from hypothesis import given
from hypothesis import strategies as st
from yarl import URL

from authflow.errors import ConfigError
from authflow.safe_url import SafeUrl, is_loopback, safe_host, safe_url

PIECES = st.sampled_from(
    [
        *(
            "http",
            "HTTPS",
            "ldap",
            "ftp",
            ":",
            "//",
            "/",
            "@",
            "[",
            "]",
            "?",
            "#",
            "\\",
            "%",
            "%41",
        ),
        *(
            "localhost",
            "127.0.0.1",
            "::1",
            "::ffff:127.0.0.1",
            "example.com",
            "xn--bcher-kva",
            "a_b",
        ),
        *(
            ".",
            "-",
            "0",
            "80",
            "0x7f",
            "99999",
            " ",
            "\t",
            "\n",
            "\0",
            "bücher",
            "。",
            "\uff11",
            "\u202e",
        ),  # look-alikes, too
    ]
)
TEXTS = st.one_of(
    st.text(),
    st.lists(PIECES, max_size=12).map("".join),
    st.lists(PIECES, max_size=8).map(lambda pieces: "https://" + "".join(pieces)),
    st.tuples(
        st.sampled_from(["https://", "HTTP://"]),
        st.from_regex(r"[a-z0-9.-]{1,12}|\[[0-9a-f:.]{2,12}\]", fullmatch=True),
        st.sampled_from(["", ":1", ":65535", ":080"]),
        st.sampled_from(["", "/", "/a/b/", "//", "/%20?x=1", "/;x=@"]),
    ).map("".join),
)


@pytest.mark.parametrize(
    "host", ["localhost", "LOCALHOST", "127.0.0.1", "127.8.9.1", "::1", "0::1"]
)
def test_this_machine_is_known_by_its_names_and_addresses(host):
    assert is_loopback(host)


@pytest.mark.parametrize(
    "host",
    [
        *("", "0.0.0.0", "::", "10.0.0.1", "::ffff:127.0.0.1", "::ffff:7f00:1", "::127.0.0.1"),
        *(
            "localhost.",
            "localhost.example",
            "localhost.localdomain",
            "127.0.0.1.example",
            ".localhost",
        ),
        *(
            "2130706433",
            "127.1",
            "0177.0.0.1",
            "0x7f.0.0.1",
            "0x7f000001",
            "127.0.0.1.",
            "127.0.0.01",
        ),
        *(
            "::1%lo",
            "[::1]",
            "127.0.0.1:80",
            "\uff11\uff12\uff17.0.0.1",
            "ⓛocalhost",
            "localhost\0",
            " localhost",
        ),  # look-alikes, too
    ],
)
def test_what_only_looks_like_this_machine_is_another(host):
    assert not is_loopback(host)


@pytest.mark.parametrize(
    ("text", "normal", "host"),
    [
        ("HTTPS://Example.COM", "https://example.com", "example.com"),
        ("https://example.com:8443/A/b//", "https://example.com:8443/A/b", "example.com"),
        ("Http://LocalHost:1/", "http://localhost:1", "localhost"),
        ("http://[::1]:9229", "http://[::1]:9229", "::1"),
        ("https://[2001:DB8::1]/", "https://[2001:db8::1]", "2001:db8::1"),
        ("https://xn--bcher-kva.example", "https://xn--bcher-kva.example", "xn--bcher-kva.example"),
        ("https://10.0.0.1", "https://10.0.0.1", "10.0.0.1"),
    ],
)
def test_an_address_gets_its_normal_spelling_and_stays_a_text(text, normal, host):
    url = safe_url(text, "endpoint")
    assert (url, url.host, url.scheme) == (normal, host, normal.partition(":")[0])
    assert url.is_encrypted is normal.startswith("https:")
    for same in (copy.deepcopy(url), pickle.loads(pickle.dumps(url))):  # noqa: S301  # our own
        assert (same, type(same), same.host) == (url, SafeUrl, host)


def test_what_is_whole_keeps_its_query_and_the_slash_at_its_end():
    text = "https://example.com/Verify/?Key=A&x[]=1#Top"
    assert safe_url(text, "url", base=False) == text
    assert safe_url("https://example.com/verify/", "url", base=False).endswith("/verify/")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (None, "no text"),
        (b"https://example.com", "no text"),
        ("", "empty"),
        ("https://exa mple.com", "white space"),
        ("https://example.com\\@localhost", "backslash"),
        ("https://bücher.example", "ASCII form"),
        ("example.com", "begin with a scheme"),
        ("https:example.com", "begin with a scheme"),
        ("//example.com", "begin with a scheme"),
        ("ftp://example.com", "scheme must be https or http"),
        ("https://user:canary@example.com", "no user name"),
        ("https://@example.com", "no user name"),
        ("https://", "host must be"),
        ("https://:443", "host must be"),
        ("https://[", "host must be"),
        ("https://2130706433", "host must be"),
        ("https://example.com:", "port must be"),
        ("https://example.com:0", "port must be"),
        ("https://example.com:65536", "port must be"),
        ("https://example.com:+80", "port must be"),
        ("https://example.com:80:80", "port must be"),
        ("https://example.com?canary", "no query"),
        ("https://example.com/#canary", "no fragment"),
        ("http://example.com", "must be https, or on this machine.*Use https, or wait$"),
    ],
)
def test_the_error_says_what_is_wrong_and_shows_nothing_of_it(text, says):
    with pytest.raises(ConfigError, match=says) as refused:
        safe_url(text, "the endpoint", unless="wait")
    assert str(refused.value).startswith("the endpoint must be ")
    assert "canary" not in str(refused.value)
    assert "canary" not in str(refused.value.__context__)


@given(TEXTS)
def test_what_is_taken_is_read_the_same_by_everybody_who_reads_it(text):
    try:
        url = safe_url(text, "endpoint", insecure=True)
    except ConfigError:
        return
    assert url.isascii()
    assert url.isprintable()
    assert safe_url(url, "endpoint", insecure=True) == url
    assert urlsplit(text).hostname == urlsplit(url).hostname == url.host
    assert urlsplit(text).port == url.port
    assert (URL(url).scheme, URL(url).raw_host) == (url.scheme, url.host)
    assert URL(url).host  # what it is shown as can be made of it
    assert URL(url).user is None
    assert urlsplit(url).username is None
    assert (urlsplit(url).port or 0) < 65536
    assert is_valid_endpoint_url(url) or is_valid_ipv6_endpoint_url(url)
    assert safe_host(url.host, "host") == url.host


@given(TEXTS)
def test_without_leave_what_is_taken_is_encrypted_or_this_machine(text):
    try:
        url = safe_url(text, "endpoint")
    except ConfigError:
        return
    assert url.scheme == "https" or url.host in {"localhost", "::1"} or url.host.startswith("127.")


@pytest.mark.parametrize(
    "host", ["example.com", "MAIL", "192.0.2.1", "::", "0.0.0.0", "2001:db8::1"]
)
def test_a_host_by_itself_is_a_name_or_an_address(host):
    assert safe_host(host, "host") == host.lower()


@pytest.mark.parametrize(
    "host",
    [
        *(
            None,
            2130706433,
            b"\x7f\0\0\1",
            "",
            " ",
            "a b",
            "a\n",
            "a_b",
            "-a",
            "a-",
            "a..b",
            ".a",
            "a.",
        ),
        *(
            "https://a",
            "a:25",
            "[::1]",
            "u@a",
            "127.1",
            "0x7f000001",
            "fe80::1%eth0",
            "bücher",
            "a\0",
        ),
        *("a" * 64, ".".join(["a" * 60] * 5)),
    ],
)
def test_a_host_that_is_none_is_refused_by_name(host):
    with pytest.raises(ConfigError, match=r"^SmtpSender: host must be"):
        safe_host(host, "SmtpSender: host")


@given(st.one_of(TEXTS, st.lists(PIECES, max_size=4).map("".join)))
def test_no_text_is_a_host_by_accident(text):
    try:
        host = safe_host(text, "host")
    except ConfigError:
        return
    assert safe_url(f"https://[{host}]" if ":" in host else f"https://{host}", "url").host == host
