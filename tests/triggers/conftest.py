"""What the tests of triggers share: events as AWS documents them, and policies of all shapes."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import strategies as st

from authflow.errors import ConfigError
from authflow.secret import Secret
from authflow.triggers import (
    CreateContext,
    CreateEvent,
    DefineEvent,
    Issued,
    Policy,
    SessionEntry,
    Standing,
    Step,
    Triggers,
    VerifyContext,
    VerifyEvent,
    any_of,
    attribute,
    challenge,
    client_metadata,
    disabled,
    in_group,
    k_of,
    optional,
    password,
    sequence,
    when,
)
from authflow.triggers.events.trigger_replies import DefineReply
from authflow.triggers.policies.conditions import Condition, Facts

EVENTS = Path(__file__).parent / "events"

LoadEvent = Callable[..., dict[str, Any]]


@pytest.fixture(params=sorted(path.stem for path in EVENTS.glob("*.json")))
def every_event(request: pytest.FixtureRequest) -> dict[str, Any]:
    event: dict[str, Any] = json.loads((EVENTS / f"{request.param}.json").read_text())
    return event


@pytest.fixture
def load_event() -> LoadEvent:
    """Read an event by its name, with members of its request replaced."""

    def load(name: str, /, **request: Any) -> dict[str, Any]:
        event: dict[str, Any] = json.loads((EVENTS / f"{name}.json").read_text())
        event["request"].update(request)
        return event

    return load


class SumChallenge:
    """Asks for the sum of two numbers, and remembers what it was told."""

    name = "sum"
    metadata = "SUM_CHALLENGE"
    interface = 1

    def __init__(self, left: int = 2, right: int = 3) -> None:
        self.left, self.right = left, right
        self.created: list[CreateContext] = []
        self.verified: list[VerifyContext] = []

    async def create(self, context: CreateContext) -> Issued:
        self.created.append(context)
        return Issued(
            public={"question": f"{self.left}+{self.right}"},
            private={"answer": str(self.left + self.right)},
        )

    async def verify(self, context: VerifyContext) -> bool:
        self.verified.append(context)
        return context.answer.reveal() == context.private["answer"]


@pytest.fixture(scope="session")
def sums() -> type[SumChallenge]:
    """Gives the challenge `SumChallenge`."""
    return SumChallenge


class WordChallenge:
    """Asks for the word that the settings name."""

    name = "word"
    metadata = "WORD_CHALLENGE"
    interface = 1

    def __init__(self, *, word: str = "open") -> None:
        self.word = word

    async def create(self, _context: CreateContext) -> Issued:
        return Issued(public={"hint": self.word[0]}, private={})

    async def verify(self, context: VerifyContext) -> bool:
        return context.answer.reveal() == self.word


class OtpChallenge(WordChallenge):
    """Asks for another word."""

    name = "otp"
    metadata = "OTP_CHALLENGE"
    interface = 1


class CognitoSide:
    """Sends the events of one sign-in in Cognito's order, one merged entry a round.

    It stands for Cognito's service, which cannot run here; the embedded pool has tests of its own.
    """

    def __init__(
        self,
        triggers: Triggers,
        *,
        srp: bool = False,
        user_not_found: bool = False,
        attributes: dict[str, str] | None = None,
    ) -> None:
        self.triggers = triggers
        self.about = {
            "user_pool_id": "eu-central-1_EXAMPLE01",
            "client_id": "1example23456789",
            "username": "ada",
            "user_attributes": {} if user_not_found else attributes or {"email": "ada@example.com"},
            "user_not_found": user_not_found,
        }
        self.session = (passed("SRP_A"),) if srp else ()
        self.created: Any = None

    async def send(self, event: Any):
        """Give the reply; events and replies travel as JSON."""
        filled = await self.triggers.handle(json.loads(json.dumps(event.to_json())))
        return event.read_reply(json.loads(json.dumps(filled)))

    async def define(self):
        """Give "tokens", "failed", "PASSWORD_VERIFIER" or the public challenge parameters."""
        match await self.send(DefineEvent(**self.about, session=self.session)):
            case DefineReply.TOKENS:
                return "tokens"
            case DefineReply.FAILURE:
                return "failed"
            case DefineReply.PASSWORD_VERIFIER:
                return "PASSWORD_VERIFIER"
        return await self.create()

    async def create(self):
        self.created = await self.send(CreateEvent(**self.about, session=self.session))
        return dict(self.created.public)

    async def prove_password(self):
        self.session += (passed("PASSWORD_VERIFIER"),)
        return await self.define()

    async def answer(self, text: str, **told: str):
        right = await self.send(
            VerifyEvent(
                **self.about,
                client_metadata=told,
                private=self.created.private,
                answer=Secret(text),
            )
        )
        self.session += (
            SessionEntry(
                challenge_name="CUSTOM_CHALLENGE",
                challenge_result=right,
                challenge_metadata=self.created.metadata,
            ),
        )
        return await self.define()


def passed(name: str) -> SessionEntry:
    return SessionEntry(challenge_name=name, challenge_result=True)


@pytest.fixture(scope="session")
def triggers_of() -> Callable[..., Triggers]:
    """Gives a function that makes triggers of steps and settings."""

    def made(*steps: Step, **more: Any) -> Triggers:
        challenges = more.pop("challenges", (SumChallenge, WordChallenge, OtpChallenge))
        return Triggers(policy=sequence(*steps), challenges=challenges, **more)

    return made


@pytest.fixture(scope="session")
def cognito_side() -> type[CognitoSide]:
    """Gives `CognitoSide`."""
    return CognitoSide


GOLD, STAFF = attribute("tier", "gold"), in_group("staff")
OF_USERS = (GOLD, STAFF, ~GOLD, GOLD | STAFF, ~GOLD & STAFF)


def _when(condition: Condition, step: Step) -> Step:
    # Unknown users count as ones without anything: so no two conditions contradict each other.
    return when(condition, step, unknown=condition.holds(Facts()))


def _wider(inner: st.SearchStrategy[Step]) -> st.SearchStrategy[Step]:
    condition = st.sampled_from([*OF_USERS, client_metadata("device")])
    return st.one_of(
        st.tuples(inner, inner).map(lambda steps: sequence(*steps)),
        st.tuples(inner, inner).map(lambda options: any_of(*options)),
        st.tuples(inner, inner, inner).map(lambda options: k_of(2, *options)),
        st.tuples(inner, inner).map(lambda steps: sequence(steps[0], disabled(steps[1]))),
        inner.map(optional),
        st.builds(_when, condition, inner),
    )


@st.composite
def _policies(draw: st.DrawFn, *, limited: bool) -> Policy:
    step = st.builds(challenge, st.sampled_from(["sum", "word", "otp"]), attempts=st.integers(1, 2))
    nested = st.recursive(step, _wider, max_leaves=4)
    first = st.one_of(
        st.sampled_from([None, None, password(), optional(password())]),
        nested.map(lambda step: any_of(password(), step)),
        st.builds(k_of, st.integers(1, 2), st.just(password()), step, step),
        st.builds(_when, st.sampled_from(OF_USERS), st.just(password())),
    )
    begin = draw(first)
    whole = draw(nested) if begin is None else sequence(begin, draw(nested))
    try:
        policy = Policy(whole)
    except ConfigError:  # all of it can be skipped or lacked
        policy = Policy(sequence(whole, draw(step)))
    try:
        fewer = policy.rounds - draw(st.integers(0, 3)) if limited else policy.rounds
        return Policy(policy.step, rounds=fewer)
    except ConfigError:  # nobody could sign in within so few
        return policy


@pytest.fixture(scope="session")
def policies() -> st.SearchStrategy[Policy]:
    """Gives a strategy: policies of every combinator in every other one."""
    return _policies(limited=False)


@pytest.fixture(scope="session")
def limited_policies() -> st.SearchStrategy[Policy]:
    """Gives the same strategy, with fewer rounds than the longest path takes."""
    return _policies(limited=True)


# A history as a string: a capital letter is a round that was passed, a small one was not.
LETTERS = {
    "S": ("SRP_A", None),
    "P": ("PASSWORD_VERIFIER", None),
    "M": ("SMS_MFA", None),
    "D": ("DEVICE_SRP_AUTH", None),
    "A": ("CUSTOM_CHALLENGE", "SUM_CHALLENGE"),
    "B": ("CUSTOM_CHALLENGE", "WORD_CHALLENGE"),
    "O": ("CUSTOM_CHALLENGE", "OTP_CHALLENGE"),
    "C": ("CUSTOM_CHALLENGE", "AUTHFLOW_CHOICE"),
    "K": ("CUSTOM_CHALLENGE", "AUTHFLOW_CONDITION"),
    "F": ("CUSTOM_CHALLENGE", "FOREIGN"),
    "N": ("CUSTOM_CHALLENGE", None),
    "G": ("ADMIN_NO_SRP_AUTH", None),
}
ENTRIES = {
    cased: SessionEntry(
        challenge_name=name, challenge_result=cased.isupper(), challenge_metadata=metadata
    )
    for letter, (name, metadata) in LETTERS.items()
    for cased in (letter, letter.lower())
}
METADATA = {"sum": "SUM_CHALLENGE", "word": "WORD_CHALLENGE", "otp": "OTP_CHALLENGE"}


@pytest.fixture(scope="session")
def entries() -> dict[str, SessionEntry]:
    """Gives the rounds that a letter stands for."""
    return ENTRIES


@pytest.fixture(scope="session")
def metadata() -> dict[str, str]:
    """Gives what stands in the metadata of those rounds, for each challenge's name."""
    return METADATA


@pytest.fixture(scope="session")
def standing() -> Callable[..., Standing]:
    """Gives a function: where a policy stands after a history of letters."""

    def replayed(policy: Policy, letters: str, facts: Facts = Facts()) -> Standing:  # noqa: B008  # it is immutable
        return policy.replay([ENTRIES[letter] for letter in letters], METADATA, facts)

    return replayed
