import copy
import json
import logging
import pickle
import pprint
import traceback
from collections.abc import Callable
from typing import Any

import pytest
from attrs import asdict, frozen
from hypothesis import given
from hypothesis import strategies as st

from authflow.secret import Secret

CANARY = "canary-3f81d2"
SECRETS: list[Secret[Any]] = [Secret(CANARY), Secret(CANARY.encode()), Secret(0x3F81D2_3F81D2)]
secrets = pytest.mark.parametrize("secret", SECRETS, ids=["str", "bytes", "int"])

VALUES = st.text() | st.binary() | st.integers()


@frozen
class Holder:
    secret: Secret[Any]


SHOWN: dict[str, Callable[[Secret[Any]], str]] = {
    "repr": repr,
    "str": str,
    "ascii": ascii,
    "format": format,
    "f-string": lambda secret: f"{secret} {secret!r} {secret!s} {secret!a}",
    "f-string with a width": lambda secret: f"{secret:>80} {secret:x<3} {secret:d}",
    "str.format": lambda secret: "{} {0!r:>5}".replace("{}", "{0}").format(secret),
    "percent": lambda secret: "%s %r" % (secret, secret),  # noqa: UP031  # that is what is tested
    "list": lambda secret: f"{[secret]} {(secret,)} {{{secret!r}: 1}}",
    "attrs": lambda secret: f"{Holder(secret)} {asdict(Holder(secret))}",
    "pprint": lambda secret: pprint.pformat({"secret": secret}),
    "copy": lambda secret: repr(copy.copy(secret)),
    "deepcopy": lambda secret: repr(copy.deepcopy([secret])),
    "json with a default": lambda secret: json.dumps(secret, default=str),
    "dir": lambda secret: str(dir(secret)),
    "class": lambda secret: f"{secret.__class__} {secret.__doc__}",
}


@secrets
@pytest.mark.parametrize("show", SHOWN.values(), ids=SHOWN)
def test_nothing_that_prints_shows_it(secret: Secret[Any], show: Callable[[Secret[Any]], str]):
    shown = show(secret)
    assert CANARY not in shown
    assert str(0x3F81D2_3F81D2) not in shown
    assert "3f81d2" not in shown


@secrets
@pytest.mark.parametrize(
    "leak",
    [
        vars,
        json.dumps,
        pickle.dumps,
        hash,
        len,
        iter,
        bytes,
        int,
        lambda secret: secret.__getstate__() and secret.__dict__,
        lambda secret: secret[0],
        lambda secret: "%d" % secret,  # noqa: UP031  # that is what is tested
        lambda secret: secret + secret,
        lambda secret: secret < secret,  # noqa: PLR0124  # comparing is what is tested
        lambda secret: {secret},
        lambda secret: secret.value,
        lambda secret: secret.__value,
    ],
)
def test_whatever_else_would_give_a_part_of_it_fails(
    secret: Secret[Any], leak: Callable[[Secret[Any]], Any]
):
    with pytest.raises((TypeError, AttributeError)) as failed:
        leak(secret)
    assert CANARY not in str(failed.value)


@secrets
@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_it_cannot_be_pickled(secret: Secret[Any], protocol: int):
    for value in (secret, [secret], Holder(secret)):
        with pytest.raises(TypeError, match="cannot be pickled"):
            pickle.dumps(value, protocol)


@secrets
def test_a_log_does_not_show_it(secret: Secret[Any], caplog: pytest.LogCaptureFixture):
    caplog.set_level(logging.DEBUG)
    log = logging.getLogger("test")
    log.debug("%s %r", secret, [secret])
    log.debug("%(secret)s", {"secret": secret})
    log.debug(secret)
    assert len(caplog.records) == 3
    assert CANARY not in caplog.text
    assert str(0x3F81D2_3F81D2) not in caplog.text


@secrets
def test_a_traceback_with_locals_does_not_show_it(secret: Secret[Any]):
    def fail(password: Secret[Any]) -> None:
        kept = [password, {"password": password}]
        raise ValueError(password, kept)

    with pytest.raises(ValueError, match="Secret") as failed:
        fail(secret)
    shown = "".join(
        traceback.TracebackException.from_exception(failed.value, capture_locals=True).format()
    )
    assert "kept = [Secret(***)" in shown
    assert CANARY not in shown
    assert str(0x3F81D2_3F81D2) not in shown


@given(VALUES)
def test_reveal_gives_the_value_itself(value: str | bytes | int):
    assert Secret(value).reveal() is value
    assert Secret.of(value).reveal() is value


@given(VALUES, VALUES)
def test_secrets_are_equal_when_their_values_and_types_are(one: Any, other: Any):
    equal = type(one) is type(other) and one == other
    assert (Secret(one) == Secret(other)) == equal
    assert (Secret(one) != Secret(other)) == (not equal)
    assert Secret(one) == Secret(copy.copy(one))


@pytest.mark.parametrize(
    ("one", "other"), [("1", b"1"), ("1", 1), (b"1", 1), ("", b""), ("s", b"s"), (-1, "-1")]
)
def test_values_of_different_types_are_never_equal(one: Any, other: Any):
    assert Secret(one) != Secret(other)


@given(VALUES)
def test_a_secret_equals_nothing_but_a_secret(value: Any):
    assert Secret(value) != value
    assert value != Secret(value)
    assert Secret(value) not in [value, None]


def test_lone_surrogates_are_kept_and_compared():
    assert Secret("\ud800").reveal() == "\ud800"
    assert Secret("\ud800") == Secret("\ud800")
    assert Secret("\ud800") != Secret("\ud801")


def test_large_integers_are_compared():
    """Python refuses to write integers of more than 4300 digits in decimal."""
    assert Secret(10**5000) == Secret(10**5000)
    assert Secret(10**5000) != Secret(10**5000 + 1)


@secrets
def test_copies_are_the_same_object(secret: Secret[Any]):
    assert copy.copy(secret) is secret
    assert copy.deepcopy(secret) is secret
    assert Secret.of(secret) is secret


@pytest.mark.parametrize("value", ["", b"", 0])
def test_an_empty_secret_does_not_tell_that_it_is_empty(value: Any):
    assert Secret(value)
    assert repr(Secret(value)) == repr(SECRETS[0])


@pytest.mark.parametrize("value", [None, 1.5, ["x"], {"a": CANARY}, Secret(CANARY), bytearray(b"")])
def test_only_text_bytes_and_integers_can_be_secret(value: Any):
    with pytest.raises(TypeError, match="a Secret holds str, bytes or int") as misuse:
        Secret(value)
    assert CANARY not in str(misuse.value)


def test_it_has_no_place_for_anything_else():
    with pytest.raises(AttributeError):
        Secret("x").note = "y"  # type: ignore[attr-defined]
