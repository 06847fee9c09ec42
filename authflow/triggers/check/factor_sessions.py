"""Sessions with a second factor in them, and the reaction of a Define trigger to them.

RULES

1. A user who has MFA is asked for the second factor right after the password, an old or a new one.
2. Cognito is reported not to ask Define again then (`mfa_notes`). The embedded pool asks it, with
   entries of the factor's name, and so may whoever else speaks the protocol.
3. A second factor takes no challenge's place: with such an entry Define must not issue tokens where
   it asks for a challenge without it. A policy cannot do so; who counts entries, or looks at the
   last one alone, does.

The tests hold this against what the embedded pool brings before Define.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator
from typing import Final

from attrs import evolve

from authflow.machine import State
from authflow.triggers.check.define_paths import (
    DefineDecision,
    Finding,
    Path,
    Session,
    SessionReply,
)
from authflow.triggers.events.challenge_events import SessionEntry

FACTOR_ENTRIES: Final = (
    *(State.SMS_MFA, State.SOFTWARE_TOKEN_MFA, State.EMAIL_OTP),
    State.MFA_SETUP,
)
"""The entries that a second factor leaves in a session: a right code, or an authenticator set up.

A choice leaves nothing, nor does an address that is set up: its code follows."""

NO_CHALLENGES_PLACE: Final = "a second factor takes no challenge's place"
"""The property that is reported where it is broken; a trigger that asks for no password has it."""

REFUSED_AFTER_FACTOR: Final = (
    "users with MFA are refused after their second factor by a pool that asks Define again then:"
    " Define does not go on with a session that has an entry of it"
)

Ask = Callable[[Session], Awaitable[SessionReply]]
"""Asks Define about a session of a user who exists."""


def with_factor(session: Session, factor: State) -> Session:
    """Return a session in which a second factor followed the password.

    Args:
        session: One without; it has a proof of the password.
        factor: One of `FACTOR_ENTRIES`.
    """
    names = [entry.challenge_name for entry in session]
    at = names.index(State.PASSWORD_VERIFIER) + 1
    at += names[at : at + 1] == [State.NEW_PASSWORD_REQUIRED]
    entry = SessionEntry(challenge_name=factor.value, challenge_result=True)
    return (*session[:at], entry, *session[at:])


async def differences(paths: Iterable[Path], ask: Ask) -> AsyncIterator[tuple[Path, Path]]:
    """Yield where Define decides otherwise once a second factor is in the session.

    Args:
        paths: What Define replied to sessions without, a shorter one before a longer one.
        ask: Asks it.

    Yields:
        A path without a factor, and the same with one; the first of those that lead on.
    """
    for factor in FACTOR_ENTRIES:
        ended: list[Session] = []
        for path in _proved(paths):
            if any(path.session[: len(before)] == before for before in ended):
                continue
            session = with_factor(path.session, factor)
            reply = await ask(session)
            if reply.decision is not path.reply.decision:
                ended.append(path.session)
                yield path, evolve(path, session=session, reply=reply)


def stands_in(found: Iterable[tuple[Path, Path]]) -> Finding | None:
    """Return the finding about a second factor that takes a challenge's place, if one does.

    Args:
        found: What `differences` yields.
    """
    tokens = DefineDecision.TOKENS
    for _, path in found:
        if path.reply.decision is tokens:
            why = "without the second factor it asks for more"
            return Finding.broken(NO_CHALLENGES_PLACE, path, why)
    return None


def is_refused(found: Iterable[tuple[Path, Path]]) -> bool:
    """Return whether users are refused after a second factor who would be let in without.

    Args:
        found: What `differences` yields.
    """
    on = {DefineDecision.TOKENS, DefineDecision.CUSTOM_CHALLENGE}
    return any(
        before.reply.decision in on and after.reply.decision not in on for before, after in found
    )


def _proved(paths: Iterable[Path]) -> Iterator[Path]:
    for path in paths:
        proved = any(each.challenge_name == State.PASSWORD_VERIFIER for each in path.session)
        if proved and not path.user_not_found:
            yield path
