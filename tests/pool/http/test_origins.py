import itertools

import pytest
from starlette.datastructures import Headers

from authflow.errors import ConfigError
from authflow.pool.cognito_errors import CognitoError
from authflow.pool.http.origins import (
    LOOPBACK_NAMES,
    Authority,
    Origins,
    is_wildcard,
    server_name,
)

OURS = Origins(names={*LOOPBACK_NAMES, "pool.example", "2001:DB8::7"})
HERE = "192.0.2.7"
NAMES = ["localhost", "127.0.0.1", "[::1]", "pool.example", "[2001:db8::7]", HERE]
SPELLINGS = [str, str.upper, str.title, lambda host: host if "]" in host else f"{host}."]
PORTS = ["", ":", ":1", ":9229", ":65535"]
FOREIGN = [
    *("evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "xlocalhost", "evil"),
    *("pool.example.evil", "pool", ".pool.example", "pool..example", "pool.example..", "example"),
    *("192.0.2.8", "0.0.0.0", "127.0.0.2", "2130706433", "0x7f000001", "127.1", "017700000001"),
    *(
        "[::2]",
        "[::]",
        "::1",
        "[::1].evil",
        "[::1",
        "[localhost]",
        "[::1%lo]",
        "[::ffff:127.0.0.1]",
    ),
    *("", ".", ":80", "localhost:80:80", "localhost:x", "localhost:-1", "localhost:123456"),
    *("a@localhost", "localhost@evil", "localhost/", "localhost#", "localhost,evil", "local host"),
    *("localhost\t", "http://localhost", "löcalhost", "*", "localhost%00", "localhost\\evil"),
]
PAGES = [
    *("null", "", "http://evil.example", "http://localhost:3000", "http://localhost:9229.evil"),
    *("https://localhost:9229", "http://localhost", "http://127.0.0.1:9229", "file://"),
    *("http://evil@localhost:9229", "http://localhost:9229@evil", "localhost:9229", "http://"),
    *("chrome-extension://abcdef", "http://localhost:9229/", "http://localhost:9229 http://a"),
    *("http://localhost:9229, http://evil", "ws://localhost:9229", "ftp://localhost:9229"),
]


def verdict(*headers, names=OURS, local=HERE):
    raw = [(name.lower().encode(), value.encode("latin-1")) for name, value in headers]
    try:
        names.check(Headers(raw=raw), local)
    except CognitoError as error:
        return error.status
    return 200


@pytest.mark.parametrize("spell", SPELLINGS)
@pytest.mark.parametrize(("name", "port"), list(itertools.product(NAMES, PORTS)))
def test_it_answers_to_its_names_however_they_are_spelt(name, port, spell):
    assert verdict(("Host", spell(name) + port)) == 200


@pytest.mark.parametrize("host", FOREIGN)
def test_it_answers_to_no_other_name(host):
    assert verdict(("Host", host)) == 403


@pytest.mark.parametrize(
    ("local", "host"),
    [
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8::9", "[2001:DB8:0::9]:80"),
    ],
)
def test_it_answers_to_the_address_that_a_connection_came_in_on(local, host):
    assert verdict(("Host", host), local=local) == 200
    assert verdict(("Host", host), local="198.51.100.1") == 403


@pytest.mark.parametrize("local", ["", "fe80::1%eth0", "/run/pool.sock"])
def test_an_address_that_cannot_be_told_lets_nobody_in(local):
    for host in ("", "[fe80::1]", "[fe80::1%eth0]", local):
        assert verdict(("Host", host), local=local) == 403


def test_a_request_without_a_host_is_refused():
    assert verdict() == 403


@pytest.mark.parametrize("second", ["localhost", "evil.example", ""])
def test_two_hosts_are_one_too_many(second):
    assert verdict(("Host", "localhost"), ("Host", second)) == 400
    assert verdict(("Host", second), ("Host", "localhost")) == 400


@pytest.mark.parametrize("page", PAGES)
def test_a_page_of_another_origin_is_refused(page):
    assert verdict(("Host", "localhost:9229"), ("Origin", page)) == 403


@pytest.mark.parametrize(
    ("host", "page"),
    [
        ("localhost:9229", "http://localhost:9229"),
        ("127.0.0.1:9229", "http://127.0.0.1:9229"),
        ("[::1]:9229", "http://[::1]:9229"),
        ("LOCALHOST:9229", "http://localhost:9229"),
        ("localhost", "http://localhost"),
        ("localhost:80", "http://localhost"),
        ("pool.example", "https://pool.example"),
        ("pool.example:443", "https://pool.example"),
    ],
)
def test_a_page_of_the_very_origin_may_ask(host, page):
    assert verdict(("Host", host), ("Origin", page), ("Sec-Fetch-Site", "same-origin")) == 200
    assert verdict(("Host", host), ("Origin", page)) == 200
    # One good origin does not speak for another one.
    assert verdict(("Host", host), ("Origin", page), ("Origin", "http://evil.example")) == 403


@pytest.mark.parametrize(
    ("site", "status"),
    [
        *(("same-origin", 200), ("none", 200)),
        *(("same-site", 403), ("cross-site", 403), ("", 403), ("other", 403)),
        *(("none, cross-site", 403), ("SAME-ORIGIN", 403)),
    ],
)
def test_what_a_browser_says_of_the_site_is_believed_only_against_it(site, status):
    assert verdict(("Host", "localhost"), ("Sec-Fetch-Site", site)) == status
    # An origin that is not ours is refused, whatever is said beside it.
    evil = ("Origin", "https://evil.example")
    assert verdict(("Host", "localhost"), ("Sec-Fetch-Site", site), evil) == 403
    crossing = ("Sec-Fetch-Site", "cross-site")
    assert verdict(("Host", "localhost"), ("Sec-Fetch-Site", site), crossing) == 403


@pytest.mark.parametrize("name", ["pool.example", "POOL.example.", "192.0.2.1", "2001:db8::1"])
def test_a_name_can_be_given(name):
    assert server_name(name, "allow_hosts") == name.lower().removesuffix(".")


@pytest.mark.parametrize(
    "name", ["", ".", "*", "*.example", "a:80", "[::1]", "http://a", "a b", "ä.example", None, 7]
)
def test_what_is_no_name_cannot_be_given(name):
    with pytest.raises(ConfigError, match="allow_hosts must be a host"):
        server_name(name, "allow_hosts")


def test_wildcards_are_known_in_every_spelling():
    assert all(map(is_wildcard, ["0.0.0.0", "::", "0::0", "0:0:0:0:0:0:0:0"]))
    assert not any(map(is_wildcard, ["", "localhost", "127.0.0.1", "::1", "pool.example"]))


def test_an_authority_has_one_spelling():
    assert Authority.parse("LOCALHOST.:080") == Authority("localhost", 80)
    assert Authority.parse("[2001:DB8:0:0::1]") == Authority("2001:db8::1")
