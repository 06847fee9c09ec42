"""A probe of a Define trigger that somebody else wrote, as a black box.

The probe plays Cognito, by `cognito_sessions`: it asks about every session that Cognito can bring
before Define, for a user who exists and for one who does not, breadth first, so that the first path
that breaks a property is a shortest one.

A black box cannot be proved: what the trigger does after more answers than were tried, or with
other attributes or metadata, stays unknown. And a property holds only if Define was seen where it
could have broken it: what was never answered was not tried.
"""

from collections import deque
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Final

from attrs import frozen

from authflow.errors import ConfigError
from authflow.machine import State
from authflow.triggers.check.cognito_sessions import (
    BEGINNINGS,
    sessions_after,
    with_new_password,
)
from authflow.triggers.check.cognito_users import KNOWN_USER
from authflow.triggers.check.define_paths import (
    SRP_A,
    CheckVerdict,
    Define,
    DefineDecision,
    Finding,
    Path,
    Result,
    Session,
    SessionReply,
    ask,
    define_event,
)
from authflow.triggers.check.factor_sessions import (
    REFUSED_AFTER_FACTOR,
    differences,
    is_refused,
    stands_in,
)
from authflow.triggers.check.mfa_notes import mfa_notes
from authflow.triggers.events.challenge_events import DefineEvent, SessionEntry

DEPTH: Final = 6
"""The default number of custom challenges that are answered on a path."""

DEPTHS: Final = range(1, 13)
"""The allowed numbers of answers; each further one doubles the number of paths."""

NEW_PASSWORDS_REFUSED: Final = (
    "users who must choose a new password first are refused after it: Define does not sign in whom"
    " the session shows with NEW_PASSWORD_REQUIRED"
)

NEW_PASSWORDS_FAIL: Final = (
    "of users who must choose a new password first, Define's replies are not all such as Cognito"
    " accepts: it "
)
"""The property that is reported first after the others."""

_USABLE: Final = "Cognito accepts every reply"
_MOSTLY_USABLE: Final = f"{_USABLE}, but for users who must choose a new password first"
_BEGINS: Final = "a sign-in can begin"
_POOL: Final = "us-east-1_AuthflowX"
_CLIENT: Final = "1example23456789"


async def probe(
    define: Define,
    *,
    depth: int = DEPTH,
    metadata: str | None = None,
    attributes: Mapping[str, str] = MappingProxyType({}),
) -> CheckVerdict:
    """Look for paths on which a Define trigger does something forbidden.

    Args:
        define: The trigger; it is asked about thousands of sessions if the depth is great.
        depth: How many custom challenges are answered on a path, 1 to 12.
        metadata: What Create would write into challengeMetadata; None for nothing.
        attributes: What the user who exists has beside or instead of the usual attributes.

    Raises:
        ConfigError: The depth is not allowed.
    """
    if depth not in DEPTHS:
        msg = f"the depth must be {DEPTHS[0]} to {DEPTHS[-1]}, not {depth}"
        raise ConfigError(msg)
    attributes = {**KNOWN_USER, **attributes}
    paths = await _explore(define, depth, metadata, attributes)

    async def asked(session: Session) -> SessionReply:
        return await ask(define, _event(session, attributes, unknown=False))

    with_factors = [found async for found in differences(paths, asked)]
    findings = [judged.find(paths) for judged in _properties(depth, paths)]
    findings.insert(_AFTER_SAFETY, _can_begin(paths))
    if (finding := stands_in(with_factors)) is not None:
        findings.append(finding)
    notes = [*_notes(paths), *[REFUSED_AFTER_FACTOR] * is_refused(with_factors)]
    return CheckVerdict(
        findings=tuple(findings),
        sessions=len(paths),
        unusable=sum(not _is_usable(path) for path in paths),
        notes=tuple(notes),
    )


@frozen(kw_only=True)
class _Property:
    """A property that every path must have.

    Args:
        name: The property, as a sentence that is true if it holds.
        breaks: Whether a path breaks it.
        explanation: What is wrong on a path that does.
        tries: Whether a path is one that could break it.
    """

    name: str
    breaks: Callable[[Path], bool]
    explanation: str
    tries: Callable[[Path], bool]

    def find(self, paths: list[Path]) -> Finding:
        """Find the first path that breaks it, or else whether a path could have broken it.

        Args:
            paths: All that was explored, a shorter one before a longer one.
        """
        path = next(filter(self.breaks, paths), None)
        if path is not None:
            return Finding.broken(self.name, path, self.explanation)
        tried = any(_is_usable(path) and self.tries(path) for path in paths)
        # If every reply was usable, a path that was not found cannot be taken by anybody.
        if tried or (all(map(_is_usable, paths)) and any(path.reply.asks for path in paths)):
            return Finding(name=self.name)
        return Finding(name=self.name, result=Result.NOT_TRIED)


_AFTER_SAFETY: Final = 4
"""The place of `_can_begin`: after the forbidden behaviours, before the desirable ones."""


def _properties(depth: int, paths: list[Path]) -> Iterator[_Property]:
    """Yield the properties that paths are checked for."""
    # A user who must choose a password first may be refused, even by an error; it is a note.
    refused = {with_new_password(path.session) for path in paths if not _is_usable(path)}
    yield _Property(
        name=_MOSTLY_USABLE if refused == {True} else _USABLE,
        breaks=lambda path: not _is_usable(path) and not with_new_password(path.session),
        explanation="Cognito ends the sign-in with an error",
        tries=lambda _: True,
    )
    yield _Property(
        name="tokens are issued only after a challenge was passed",
        breaks=lambda path: _issues(path) and not any(map(_is_passed, path.session)),
        explanation="whoever knows the user's name is signed in",
        tries=lambda path: not any(map(_is_passed, path.session)),
    )
    yield _Property(
        name="no tokens are issued after a wrong answer",
        breaks=lambda path: _issues(path) and _is_wrong(path.session),
        explanation="the last answer was wrong",
        tries=lambda path: _is_wrong(path.session),
    )
    yield _Property(
        name="no tokens are issued for a user who does not exist",
        breaks=lambda path: _issues(path) and path.user_not_found,
        explanation="userNotFound is true, and Define relies on Verify to find every answer wrong",
        tries=lambda path: path.user_not_found and not path.reply.asks,
    )
    yield _Property(
        name=f"every path ends within {depth} answers",
        breaks=lambda path: path.reply.asks and len(_answers(path.session)) == depth,
        explanation="it asks again; if more rounds are meant, give a greater depth",
        tries=lambda path: bool(_answers(path.session)),
    )
    yield _Property(
        name="right answers lead to tokens",
        breaks=lambda path: _is_right(path) and _disappoints(path, depth),
        explanation="every answer was right",
        tries=_is_right,
    )


async def _explore(
    define: Define, depth: int, metadata: str | None, attributes: Mapping[str, str]
) -> list[Path]:
    """Yield every path that Cognito can take, shorter ones before longer ones."""
    queue = deque((session, unknown) for session in BEGINNINGS for unknown in (False, True))
    paths: list[Path] = []
    while queue:
        session, unknown = queue.popleft()
        reply = await ask(define, _event(session, attributes, unknown=unknown))
        paths.append(Path(session=session, reply=reply, user_not_found=unknown))
        if reply.decision is DefineDecision.CUSTOM_CHALLENGE and len(_answers(session)) == depth:
            continue
        following = sessions_after(
            session, reply.decision, user_not_found=unknown, metadata=metadata
        )
        queue.extend((further, unknown) for further in following)
    return sorted(paths, key=lambda path: len(path.session))


def _event(session: Session, attributes: Mapping[str, str], *, unknown: bool) -> DefineEvent:
    return define_event(
        session,
        user_not_found=unknown,
        user_pool_id=_POOL,
        client_id=_CLIENT,
        user_attributes=attributes,
    )


def _can_begin(paths: list[Path]) -> Finding:
    """Find whether a sign-in can begin, in either way.

    Only a trigger that wants the password, or a client that sends SRP_A without one, may refuse [].
    """
    known = {path.session: path for path in paths if not path.user_not_found}
    plain, with_srp = known[()], known[(SRP_A,)]
    leads_on = with_srp.reply.decision is DefineDecision.PASSWORD_VERIFIER or any(
        _issues(path) and path.session[:1] == (SRP_A,) for path in known.values()
    )
    if plain.reply.asks or _issues(plain) or leads_on:
        return Finding(name=_BEGINS)
    if not (_is_usable(plain) and _is_usable(with_srp)):
        return Finding(name=_BEGINS, result=Result.NOT_TRIED)
    return Finding.broken(_BEGINS, plain, "the first call fails, so nobody can ever sign in")


def _notes(paths: list[Path]) -> Iterator[str]:
    known = [path for path in paths if not path.user_not_found]
    yield from mfa_notes((path.session, path.reply) for path in known)
    chosen = [path for path in known if with_new_password(path.session)]
    told = {path.reply for path in paths if not with_new_password(path.session)}
    failed = [path.reply for path in chosen if not _is_usable(path) and path.reply not in told]
    if failed:
        yield f"{NEW_PASSWORDS_FAIL}{failed[0]}"
    elif chosen and any(map(_issues, known)) and not any(map(_issues, chosen)):
        yield NEW_PASSWORDS_REFUSED


def _issues(path: Path) -> bool:
    return path.reply.decision is DefineDecision.TOKENS


def _is_usable(path: Path) -> bool:
    return path.reply.decision is not DefineDecision.UNUSABLE


def _answers(session: Session) -> Session:
    return tuple(each for each in session if each.challenge_name == State.CUSTOM_CHALLENGE)


def _is_wrong(session: Session) -> bool:
    return bool(session) and not session[-1].challenge_result


def _is_passed(entry: SessionEntry) -> bool:
    """Return whether an entry proves anything: SRP_A only says that SRP was begun."""
    return entry.challenge_result and entry.challenge_name != State.SRP_A


def _is_right(path: Path) -> bool:
    """Return whether an existing user did all right, and had no new password to choose first."""
    right = any(map(_is_passed, path.session)) and all(
        entry.challenge_result for entry in path.session
    )
    return right and not path.user_not_found and not with_new_password(path.session)


def _disappoints(path: Path, depth: int) -> bool:
    """Return whether a path ends in a refusal, or never ends."""
    endless = path.reply.asks and len(_answers(path.session)) == depth
    return path.reply.decision is DefineDecision.FAILURE or endless
