"""Probes a Define trigger that somebody else wrote, as a black box.

The probe plays Cognito. It begins with nothing and with SRP_A, for a user who exists and for one
who does not, follows whatever the trigger asks for, and answers every custom challenge wrong and
right, breadth first, so that the first path that breaks a property is a shortest one.

A black box cannot be proved: what the trigger does after more answers than were tried, or with
other attributes or metadata, stays unknown.
"""

import inspect
from collections import deque
from collections.abc import Callable, Iterable
from typing import Any, Final

import anyio.to_thread

from authflow.errors import ConfigError
from authflow.machine import State
from authflow.triggers.check.define_paths import (
    SRP_A,
    Decision,
    Define,
    Finding,
    Path,
    Session,
    Verdict,
    ask,
    define_event,
)
from authflow.triggers.events.challenge_events import SessionEntry

DEPTH: Final = 6
"""How many custom challenges are answered on a path, unless told otherwise."""

DEPTHS: Final = range(1, 13)
"""Each answer more doubles the number of paths."""

_BEGINS: Final = "a sign-in can begin"
_POOL: Final = "us-east-1_AuthflowX"
_CLIENT: Final = "1example23456789"


def in_process(handler: Callable[[dict[str, Any], Any], Any]) -> Define:
    """Make a Define trigger of a handler as it is written for Lambda.

    Args:
        handler: Called with the event and a context, which is None. If it is not a coroutine
            function it gets a thread, where it may run an event loop of its own.
    """

    async def define(event: dict[str, Any]) -> Any:
        if inspect.iscoroutinefunction(handler):
            return await handler(event, None)
        given = await anyio.to_thread.run_sync(handler, event, None)
        return await given if inspect.isawaitable(given) else given

    return define


async def probe(define: Define, *, depth: int = DEPTH, metadata: str | None = None) -> Verdict:
    """Look for paths on which a Define trigger does what it must not.

    Args:
        define: The trigger; it is asked about thousands of sessions if the depth is great.
        depth: How many custom challenges are answered on a path, 1 to 12.
        metadata: What Create would write into challengeMetadata; None for nothing.

    Raises:
        ConfigError: The depth is not allowed.
    """
    if depth not in DEPTHS:
        msg = f"the depth must be {DEPTHS[0]} to {DEPTHS[-1]}, not {depth}"
        raise ConfigError(msg)
    paths = await _explore(define, depth, metadata)
    findings = (
        _first(
            "Cognito accepts every reply",
            paths,
            lambda path: path.reply.decision is Decision.UNUSABLE,
            "Cognito ends the sign-in with an error",
        ),
        _first(
            "tokens are issued only after a challenge was passed",
            paths,
            lambda path: _issues(path) and not any(map(_is_passed, path.session)),
            "whoever knows the user's name is signed in",
        ),
        _first(
            "no tokens are issued after a wrong answer",
            paths,
            lambda path: (
                _issues(path) and bool(path.session) and not path.session[-1].challenge_result
            ),
            "the last answer was wrong",
        ),
        _first(
            "no tokens are issued for a user who does not exist",
            paths,
            lambda path: _issues(path) and path.user_not_found,
            "userNotFound is true",
        ),
        _can_begin(paths),
        _first(
            f"every path ends within {depth} answers",
            paths,
            lambda path: path.reply.asks and len(_answers(path.session)) == depth,
            "it asks again; if more rounds are meant, give a greater depth",
        ),
        _first(
            "right answers lead to tokens",
            paths,
            lambda path: _disappoints(path, depth),
            "every answer was right",
        ),
    )
    return Verdict(findings=findings, sessions=len(paths))


async def _explore(define: Define, depth: int, metadata: str | None) -> list[Path]:
    """Give every path that Cognito can take, a shorter one before a longer one."""
    beginnings: tuple[Session, ...] = ((), (SRP_A,))
    queue = deque((session, unknown) for session in beginnings for unknown in (False, True))
    paths: list[Path] = []
    while queue:
        session, unknown = queue.popleft()
        event = define_event(session, user_not_found=unknown, user_pool_id=_POOL, client_id=_CLIENT)
        reply = await ask(define, event)
        paths.append(Path(session=session, reply=reply, user_not_found=unknown))
        match reply.decision:
            case Decision.PASSWORD_VERIFIER:
                # Cognito ends a sign-in with a wrong password itself: Define is not told.
                queue.append(((*session, _entry(State.PASSWORD_VERIFIER, None)), unknown))
            case Decision.CUSTOM_CHALLENGE if len(_answers(session)) < depth:
                for passed in (False, True):
                    entry = _entry(State.CUSTOM_CHALLENGE, metadata, passed=passed)
                    queue.append(((*session, entry), unknown))
    return sorted(paths, key=lambda path: len(path.session))


def _entry(state: State, metadata: str | None, *, passed: bool = True) -> SessionEntry:
    return SessionEntry(
        challenge_name=state.value, challenge_result=passed, challenge_metadata=metadata
    )


def _first(
    name: str, paths: Iterable[Path], breaks: Callable[[Path], bool], explanation: str
) -> Finding:
    path = next(filter(breaks, paths), None)
    return Finding(name=name, path=path, explanation="" if path is None else explanation)


def _can_begin(paths: list[Path]) -> Finding:
    """Find whether a sign-in can begin: only a trigger that wants the password may refuse []."""
    known = {path.session: path for path in paths if not path.user_not_found}
    refused = known[()].reply.decision is Decision.FAILURE
    wants_password = known[(SRP_A,)].reply.decision is Decision.PASSWORD_VERIFIER
    if refused and not wants_password:
        explanation = "the first call fails, so nobody can ever sign in"
        return Finding(name=_BEGINS, path=known[()], explanation=explanation)
    return Finding(name=_BEGINS)


def _issues(path: Path) -> bool:
    return path.reply.decision is Decision.TOKENS


def _answers(session: Session) -> Session:
    return tuple(each for each in session if each.challenge_name == State.CUSTOM_CHALLENGE)


def _is_passed(entry: SessionEntry) -> bool:
    """Say whether an entry proves anything: SRP_A only says that SRP was begun."""
    return entry.challenge_result and entry.challenge_name != State.SRP_A


def _disappoints(path: Path, depth: int) -> bool:
    """Say whether a user who exists and did everything right is refused, or asked for ever."""
    right = any(map(_is_passed, path.session)) and all(
        entry.challenge_result for entry in path.session
    )
    failed = path.reply.decision is Decision.FAILURE
    endless = path.reply.asks and len(_answers(path.session)) == depth
    return right and not path.user_not_found and (failed or endless)
