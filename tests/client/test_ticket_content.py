"""The content of tickets: what comes back, how short it is, and that nothing else is read."""

import base64
import random
import string
import struct
import traceback

import pytest
from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st

from authflow import AuthFlow, Challenge, ChallengeRequired, Declined, Secret, Unanswered
from authflow.client.ticket_content import read_content, write_content
from authflow.errors import MisuseError
from authflow.machine import State
from authflow.mfa import NewAuthenticator
from authflow.sign_in import SignIn

WORDS = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
BASE64 = st.binary(min_size=0, max_size=60).flatmap(
    lambda data: st.sampled_from(
        [
            base64.b64encode(data).decode(),
            base64.b64encode(data).decode().rstrip("="),
            base64.urlsafe_b64encode(data).decode(),
            base64.urlsafe_b64encode(data).decode().rstrip("="),
            base64.b64encode(data).decode() + "=",
            data.hex(),
        ]
    )
)
SESSIONS = st.one_of(
    BASE64, WORDS, st.text(string.ascii_letters + "+/-_=\n ", max_size=9), st.just("ab-+" * 300)
)
PENDING = st.builds(
    ChallengeRequired,
    challenge=st.builds(
        Challenge,
        name=WORDS,
        kind=st.one_of(st.none(), WORDS),
        parameters=st.dictionaries(WORDS, st.one_of(WORDS, st.just("é" * 700)), max_size=4),
        attempt=st.integers(1, 99),
        attempts=st.one_of(st.none(), st.integers(1, 99)),
        left_out=st.dictionaries(WORDS, WORDS, max_size=2),
        new_authenticator=st.one_of(
            st.none(),
            st.builds(NewAuthenticator, key=WORDS.map(Secret), account=WORDS, app_name=WORDS),
        ),
    ),
    sign_in=st.builds(
        SignIn,
        flow=st.sampled_from(AuthFlow),
        state=st.sampled_from(State),
        username=WORDS,
        canonical_username=WORDS,
        session=st.one_of(st.none(), SESSIONS.map(Secret)),
        rounds=st.integers(0, 40),
        expires_at=st.floats(0, 4e9),
        id=st.one_of(st.none(), st.text("0123456789abcdef", min_size=32, max_size=32)),
    ),
    because=st.one_of(st.none(), *(st.builds(kind, WORDS) for kind in (Unanswered, Declined))),
)


def pending(session: str | None = "canary-session", **parameters: str) -> ChallengeRequired:
    return ChallengeRequired(
        challenge=Challenge(name="CUSTOM_CHALLENGE", kind="word", parameters=parameters),
        sign_in=SignIn(
            flow=AuthFlow.CUSTOM_AUTH,
            state=State.CUSTOM_CHALLENGE,
            username="ada",
            canonical_username="ada",
            session=None if session is None else Secret(session),
            rounds=1,
            expires_at=2e9,
        ),
    )


def written(what: ChallengeRequired, *, pictures: bool = True) -> bytes:
    return write_content(what, pictures=pictures).reveal()


@settings(max_examples=100)
@given(pending=PENDING)
def test_it_comes_back_as_it_was(pending: ChallengeRequired):
    again = read_content(write_content(pending, pictures=True))
    assert again == pending
    assert again.sign_in.id == pending.sign_in.id
    assert type(again.because) is type(pending.because)


@settings(max_examples=100)
@given(session=SESSIONS)
def test_a_session_comes_back_to_the_letter_whatever_it_looks_like(session: str):
    again = read_content(write_content(pending(session), pictures=True))
    assert again.sign_in.session.reveal() == session


@pytest.mark.parametrize("alphabet", ["+/", "-_", "+_", "-/"])
def test_a_session_comes_back_whatever_base64_has_at_its_end(alphabet: str):
    """Its last character may have spare bits, which are lost in bytes, and it may be padded."""
    letters = "AQgwBCz9" + alphabet
    for begin in ("", alphabet * 2, alphabet[0] * 4, f"a{alphabet[1]}b="):
        for end in ("", "A", "AA", "AAA", "A="):
            for last in letters:
                for padding in ("", "=", "==", "===", "====", "\n"):
                    session = begin + end + last + padding
                    again = read_content(write_content(pending(session), pictures=True))
                    assert again.sign_in.session.reveal() == session


@pytest.mark.parametrize("encode", [base64.b64encode, base64.urlsafe_b64encode])
@pytest.mark.parametrize("size", [1000, 1001, 1002, 1536])
def test_a_session_in_base64_takes_three_bytes_for_four_characters(encode, size: int):
    session = encode(random.Random(1).randbytes(size)).decode()
    beside = len(written(pending("")))
    for each in (session, session.rstrip("=")):
        assert len(written(pending(each))) - beside == size


def test_what_the_caller_typed_and_the_session_are_compressed_with_nothing():
    """However much of it repeats in what others chose, the length is as if nothing did."""
    drawn = random.Random(1)
    text = "".join(drawn.choices(string.ascii_letters, k=600))
    other = "".join(drawn.choices(string.ascii_letters, k=600))

    def length(session: str, username: str) -> int:
        what = pending(session, hint=text)
        return len(written(evolve(what, sign_in=evolve(what.sign_in, username=username))))

    assert abs(length("ab:c" * 9, text) - length("ab:c" * 9, other)) < 20  # each by itself alone
    assert abs(length(f"!{text}", "ada") - length(f"!{other}", "ada")) < 20
    assert abs(length(f"!{text}", text) - length(f"!{text}", other)) < 20


@settings(max_examples=100)
@given(
    username=st.one_of(WORDS, st.text(st.characters(exclude_categories=["Cs"]), max_size=300)),
    canonical=st.one_of(st.none(), st.text(st.characters(exclude_categories=["Cs"]), max_size=300)),
)
def test_names_come_back_however_long_they_are(username: str, canonical: str | None):
    canonical = username if canonical is None else canonical
    what = evolve(
        pending(),
        sign_in=evolve(pending().sign_in, username=username, canonical_username=canonical),
    )
    assert read_content(write_content(what, pictures=True)) == what


def test_a_name_is_written_once_and_a_long_one_is_compressed_by_itself_alone():
    """How much of the one is in the other does not show, unless they are the same."""
    drawn = random.Random(1)
    one, other = ["".join(drawn.choices(string.ascii_letters, k=200)) for _ in range(2)]

    def length(username: str, canonical: str) -> int:
        sign_in = evolve(pending().sign_in, username=username, canonical_username=canonical)
        return len(written(evolve(pending(), sign_in=sign_in)))

    assert length(one, one) < length("ada", one) + 20
    assert abs(length(one, one[:-1] + "_") - length(one, other[:-1] + "_")) < 20


@pytest.mark.parametrize(
    ("reason", "kept"),
    [
        ("é" * 80, "é" * 80),
        ("x" * 100, "x" * 100),
        ("x" * 101, "x" * 100 + "…"),
        ("x" * 3000, "x" * 100 + "…"),
        ("\U0001f600" * 99, "\U0001f600" * 39 + "…"),
    ],
)
def test_of_a_long_reason_the_beginning_stays(reason: str, kept: str):
    what = evolve(pending(), because=Declined(reason))
    assert read_content(write_content(what, pictures=True)).because == Declined(kept)


def cut(content: bytes) -> list[bytes]:
    return [content[:end] for end in range(0, len(content), 7)]


def longer(content: bytes, which: int) -> bytes:
    """Append to one of the parts."""
    parts = []
    while content:
        (length,) = struct.unpack_from(">I", content)
        parts.append(content[4 : 4 + length])
        content = content[4 + length :]
    parts[which] += b"[]"
    return b"".join(struct.pack(">I", len(part)) + part for part in parts)


@pytest.mark.parametrize(
    "content",
    [
        *cut(written(pending())),
        *(longer(written(pending()), which) for which in (1, 2)),
        *cut(written(pending("x y" * 400, hint="é" * 700))),
        written(pending()) + b"\0",
        written(pending()) + struct.pack(">I", 2) + b"\1x",  # a name that nobody asks for
        written(evolve(pending(), sign_in=evolve(pending().sign_in, username="a" * 99)))[:-40],
        struct.pack(">I", 1) * 3,
        b"\xff" * 40,
        struct.pack(">I", 1)
        + b"\0"
        + struct.pack(">I", 2)
        + b"[]"
        + struct.pack(">I", 3)
        + b"\1[]",
        struct.pack(">I", 1)
        + b"\0"
        + struct.pack(">I", 2)
        + b"{}"
        + struct.pack(">I", 3)
        + b"\1{}",
    ],
)
def test_whatever_else_it_is_is_refused_and_not_shown(content: bytes):
    with pytest.raises(MisuseError, match="no content of a ticket") as refused:
        read_content(Secret(content))
    assert "canary" not in "".join(traceback.format_exception(refused.value))
    assert refused.value.__context__ is None


@pytest.mark.parametrize(
    "wrong",
    [
        evolve(pending(), challenge=Challenge(name=object())),  # type: ignore[arg-type]
        evolve(pending(), challenge=Challenge(name="x", parameters={"a": b"x"})),  # type: ignore[dict-item]
        evolve(pending(), sign_in=evolve(pending().sign_in, session=Secret(b"x"))),  # type: ignore[arg-type]
        evolve(pending(), sign_in=evolve(pending().sign_in, flow="x")),  # type: ignore[arg-type]
        evolve(pending(), sign_in=evolve(pending().sign_in, username=7)),  # type: ignore[arg-type]
        *(
            evolve(pending(), sign_in=evolve(pending().sign_in, rounds=rounds))  # type: ignore[arg-type]
            for rounds in ("1", 1.5, None)
        ),
        *(
            evolve(pending(), sign_in=evolve(pending().sign_in, expires_at=at))  # type: ignore[arg-type]
            for at in ("1", None, 10**400)
        ),
    ],
)
def test_a_pending_sign_in_that_was_made_up_is_refused(wrong: ChallengeRequired, everything_told):
    with pytest.raises(MisuseError, match="no call has given") as refused:
        write_content(wrong, pictures=True)
    assert "canary" not in everything_told(refused.value)


@pytest.mark.parametrize(
    ("reason", "told"), [("\ud800", "\\ud800"), (7, "7"), (None, "None"), ("ä\n", "ä\n")]
)
def test_whatever_reason_a_plugin_gave_can_be_written(reason: object, told: str):
    what = evolve(pending(), because=Declined(reason))  # type: ignore[arg-type]
    assert read_content(write_content(what, pictures=True)).because == Declined(told)


def test_files_are_left_out_unless_they_are_asked_for():
    url = "data:image/png;base64," + base64.b64encode(b"\x89PNG" + bytes(1000)).decode()
    what = pending(captchaUrl=url, hint="open")
    assert read_content(write_content(what, pictures=True)) == what
    again = read_content(write_content(what, pictures=False))
    assert again.challenge.parameters == {"hint": "open"}
    assert again.challenge.left_out == {"captchaUrl": url[: len("data:image/png;base64,") + 64]}
    assert again.sign_in == what.sign_in
    assert read_content(write_content(again, pictures=False)) == again
