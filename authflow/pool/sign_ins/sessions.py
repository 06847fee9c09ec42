"""Sessions: the stored state of sign-ins that wait for an answer.

The client holds an opaque handle of 256 random bits. The database holds the handle's hash and the
state, sealed with a key that is made of the handle: whoever reads the database file learns neither
handles nor what a trigger keeps to itself, such as the right answer.

A session is for one use. Using it up is a DELETE, and of two that do it at once one finds nothing.
"""

import base64
import hashlib
import json
import os
import secrets
from collections.abc import Mapping
from typing import Any, Final, Self

from attrs import evolve, field, frozen
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from authflow.errors import EventError, UnexpectedReplyError
from authflow.machine import AuthFlow, Event, Side, State, advance
from authflow.pool.accounts.app_clients import find_client_and_pool
from authflow.pool.accounts.callers import (
    Caller,
    check_may_begin,
    check_may_sign_in,
    check_not_expired,
    find_caller,
    may_sign_in,
)
from authflow.pool.accounts.lockout import Counted, check_lock
from authflow.pool.accounts.users import User, find_user_by_sub
from authflow.pool.cognito_errors import (
    CognitoError,
    invalid_session,
    invalid_trigger_result,
    missing_parameter,
    not_authorized,
)
from authflow.pool.devices.device_naming import named_device
from authflow.pool.devices.device_state import DeviceState
from authflow.pool.devices.known_devices import find_device, no_such_device
from authflow.pool.sign_ins.factor_state import FactorState, GivenFactor
from authflow.pool.store.sqlite_connection import Connection
from authflow.secret import Secret
from authflow.triggers.events.challenge_events import SessionEntry
from authflow.wire.members import DEVICE_KEY, SECRET_HASH

_HANDLE_BYTES: Final = 48
_NONCE_BYTES: Final = 12
_REMEMBERED: Final = 900.0
"""Seconds for which an expired session is kept, so that its user hears that it has expired."""
MOST_OF_STRANGERS: Final = 100_000
"""The most sign-ins of users who do not exist that are kept. Other sign-ins do not count here."""


@frozen(kw_only=True)
class Handshake:
    """An SRP handshake that waits for the client's proof.

    Args:
        public_a: A.
        b: The private value.
        public_b: B.
    """

    public_a: int = field(repr=False)
    b: Secret[int]
    public_b: int = field(repr=False)

    def to_json(self) -> list[str]:
        """Return the handshake in a form that can be sealed."""
        return [f"{self.public_a:x}", f"{self.b.reveal():x}", f"{self.public_b:x}"]

    @classmethod
    def from_json(cls, values: list[str]) -> Self:
        """Read the result of `to_json`."""
        public_a, b, public_b = (int(value, 16) for value in values)
        return cls(public_a=public_a, b=Secret(b), public_b=public_b)


def entry(name: str, *, passed: bool, metadata: str | None = None) -> SessionEntry:
    """Make a session entry: the name of a challenge, its result, and its metadata if it has any."""
    return SessionEntry(challenge_name=name, challenge_result=passed, challenge_metadata=metadata)


@frozen(kw_only=True)
class Progress:
    """The state of a sign-in in the pool.

    Args:
        pool_id: The user pool.
        client_id: The app client, the only one that may answer.
        flow: The auth flow, whose table decides what may follow.
        state: What the sign-in waits at.
        sub: The user's id; None for a user who does not exist, which the pool hides.
        username: The canonical name.
        typed: The name as it was typed.
        auth_time: When the sign-in began, in seconds since the epoch.
        history: The merged session entries that triggers see.
        private: What Create keeps for Verify.
        metadata: What Create said about the challenge that is being answered.
        handshake: The SRP handshake, if it waits for a proof.
        factor: The second factor that it waits for, or that is being set up.
        given: The second factor that was given; None if none was, or a device spares it.
        companion: The hash of the handle that goes with this one, where Cognito gives two.
        credentials: `User.credentials` when the sign-in began, or when a password was proved or
            chosen since; None for a user who does not exist. Other ones end the session.
        device: The device that the client named, if it named one.
        told_as: The name by which the client is told of the user, if that is not the username.
        named: The name as it was typed, keyed: of the sign-ins that began under one name, and have
            passed the same challenges since, only so many wait.
        room: How many of those may wait; None for any number.
        address: The address that the sign-in was begun from, if that is known.
        decided: Whether Define has said that tokens are to be issued. No session is kept of it.
        former: The hash of the handle that was answered last. No session is kept of it.
    """

    pool_id: str
    client_id: str
    flow: AuthFlow
    state: State
    sub: str | None
    username: str
    typed: str
    auth_time: int
    history: tuple[SessionEntry, ...] = ()
    private: Mapping[str, str] = field(factory=dict, repr=False)
    metadata: str | None = None
    handshake: Handshake | None = None
    factor: FactorState | None = None
    given: GivenFactor | None = None
    companion: str | None = None
    credentials: str | None = None
    device: DeviceState | None = None
    told_as: str | None = None
    named: str = ""
    room: int | None = None
    address: str | None = field(default=None, repr=False)
    decided: bool = False
    former: str | None = None

    @property
    def shown(self) -> str:
        """The name of the user that the client receives."""
        return self.told_as or self.username

    @property
    def has_password(self) -> bool:
        """Whether the password was proved, and so the place of a second factor was passed."""
        if self.flow is not AuthFlow.CUSTOM_AUTH:
            return True
        proved = entry(State.PASSWORD_VERIFIER, passed=True)
        return proved in self.history

    @property
    def passed_challenges(self) -> tuple[str, ...]:
        """The names of what was passed, in order of the alphabet; empty if nothing was proved."""
        names = [str(each.challenge_name) for each in self.history if each.challenge_result]
        if self.flow is AuthFlow.USER_PASSWORD_AUTH:
            names.append("PASSWORD")  # proved before anything is stored, and in no history
        return tuple(sorted(name for name in names if name != State.SRP_A))

    def passed(self, name: str, *, metadata: str | None = None) -> Self:
        """Return the sign-in after a passed challenge."""
        return self.after(entry(name, passed=True, metadata=metadata))

    def after(self, done: SessionEntry) -> Self:
        """Return the sign-in with one more entry in its history."""
        return evolve(self, history=(*self.history, done))

    def follow(self, event: Event) -> Self:
        """Advance the sign-in by the table of its flow.

        Raises:
            CognitoError: The table does not allow it. Only a trigger can ask for such a thing.
        """
        try:
            state = advance(self.flow, self.state, event, side=Side.SERVER)
        except UnexpectedReplyError as error:
            raise invalid_trigger_result() from error
        return evolve(self, state=state, factor=None)

    def to_json(self) -> bytes:
        """Return the sign-in in a form that can be sealed."""
        values = {name: getattr(self, name) for name in _PLAIN}
        values["history"] = [each.to_json() for each in self.history]
        values["private"] = dict(self.private)
        if self.handshake is not None:
            values["handshake"] = self.handshake.to_json()
        if self.factor is not None:
            values["factor"] = self.factor.to_json()
        if self.given is not None:
            values["given"] = self.given.to_json()
        if self.device is not None:
            values["device"] = self.device.to_json()
        return json.dumps(values, separators=(",", ":")).encode()

    @classmethod
    def from_json(cls, text: bytes) -> Self:
        """Read the result of `to_json`.

        Raises:
            CognitoError: Another version of authflow has written it, with other members. What it
                meant by these is not known here, so the sign-in ends.
        """
        try:
            read = cls._from_json(text)
        except (AttributeError, EventError, KeyError, TypeError, ValueError) as error:
            raise _unreadable() from error
        if read.to_json() != text:
            raise _unreadable()
        return read

    @classmethod
    def _from_json(cls, text: bytes) -> Self:
        values = json.loads(text)
        parts = {
            name: values.pop(name, None) for name in ("handshake", "factor", "given", "device")
        }
        handshake, factor, given, device = parts.values()
        return cls(
            **(
                values
                | {
                    "flow": AuthFlow(values["flow"]),
                    "state": State(values["state"]),
                    "history": tuple(
                        SessionEntry.from_json(each, "history") for each in values["history"]
                    ),
                }
            ),
            handshake=None if handshake is None else Handshake.from_json(handshake),
            factor=None if factor is None else FactorState.from_json(factor),
            given=None if given is None else GivenFactor.from_json(given),
            device=None if device is None else DeviceState.from_json(device),
        )


_PLAIN: Final = (
    *("pool_id", "client_id", "flow", "state", "sub", "username", "typed", "auth_time"),
    *("metadata", "companion", "credentials", "told_as", "named", "room", "address"),
)


class LateAnswerError(CognitoError):
    """An answer to a session that was not yet known to have expired.

    Args:
        session_id: The session's id in the database.
    """

    def __init__(self, session_id: bytes) -> None:
        expired = invalid_session("session is expired")
        super().__init__(expired.code, expired.message, reason=expired.reason)
        self.session_id = session_id


class LostDeviceError(CognitoError):
    """An answer in a sign-in that cannot go on, as the device that it rests on is forgotten.

    Args:
        session_id: The session's id in the database.
    """

    def __init__(self, session_id: bytes) -> None:
        lost = no_such_device()
        super().__init__(lost.code, lost.message, reason=lost.reason)
        self.session_id = session_id


def _unreadable() -> CognitoError:
    return invalid_session(because="another version of authflow has stored it")


def new_handle() -> str:
    """Draw a handle, in base64 as SECRET_BLOCK needs it; a Session may be base64, too."""
    return base64.b64encode(secrets.token_bytes(_HANDLE_BYTES)).decode()


def _id_and_key(handle: str) -> tuple[bytes, bytes]:
    digest = hashlib.sha512(b"authflow session\0" + handle.encode()).digest()
    return digest[:32], digest[32:]


def session_id_of(handle: str) -> bytes:
    """Return the id in the database of the session with a handle."""
    return _id_and_key(handle)[0]


def companion_of(handle: str) -> str:
    """Return the hash of a handle, by which another handle's session names it."""
    return hashlib.sha256(handle.encode()).hexdigest()


def put_session(
    connection: Connection, handle: str, progress: Progress, now: float, expires_at: float
) -> None:
    """Store a sign-in under a handle.

    Args:
        connection: The database.
        handle: From `new_handle`.
        progress: Where the sign-in stands.
        now: Seconds since the epoch; sessions that are long over are forgotten.
        expires_at: When it can no longer be answered, in seconds since the epoch.
    """
    session_id, key = _id_and_key(handle)
    nonce = os.urandom(_NONCE_BYTES)
    sealed = nonce + AESGCM(key).encrypt(nonce, progress.to_json(), session_id)
    connection.execute("DELETE FROM sessions WHERE expires_at < ?", (now - _REMEMBERED,))
    # Who has proved nothing takes no place of those who have: anybody can begin under a name.
    passed = progress.passed_challenges
    counted = f"{progress.named} {' '.join(passed)}" if passed else progress.named
    if progress.room is not None and (passed or progress.former is None):
        _make_room(connection, counted, progress.room)
    connection.execute(
        "INSERT INTO sessions (id, expires_at, sealed, name, place, stranger) VALUES (?, ?, ?, ?,"
        " (SELECT coalesce(max(place), 0) + 1 FROM sessions WHERE name = ?),"
        " CASE WHEN ? = 1 THEN (SELECT coalesce(max(stranger), 0) + 1 FROM sessions) END)",
        (
            *(session_id, expires_at, sealed, counted, counted),
            int(progress.sub is None),
        ),
    )


def _make_room(connection: Connection, named: str, room: int) -> None:
    """Delete the oldest sign-ins: of those that count together, to make room for one; of strangers.

    Args:
        connection: The database.
        named: The name under which they began, and what they have passed since.
        room: How many may wait.
    """
    connection.execute(
        "DELETE FROM sessions WHERE name = ? AND place <= (SELECT place FROM sessions"
        " WHERE name = ? ORDER BY place DESC LIMIT 1 OFFSET ?)",
        (named, named, room - 1),
    )
    connection.execute(
        "DELETE FROM sessions WHERE stranger <= (SELECT max(stranger) FROM sessions) - ?",
        (MOST_OF_STRANGERS - 1,),
    )


def session_of(request: Mapping[str, Any]) -> str:
    """Return the Session of an answer.

    Raises:
        CognitoError: It is missing.
    """
    session: str | None = request.get("Session")
    if session is None:
        raise missing_parameter("Session")
    return session


@frozen(kw_only=True)
class Taken:
    """The session that an answer belongs to, with its user and caller as stored now.

    Args:
        caller: Who answers.
        progress: Where the sign-in stands.
        user: The user; None for one who does not exist, which the pool hides.
    """

    caller: Caller
    progress: Progress
    user: User | None


def take(
    connection: Connection,
    request: Mapping[str, Any],
    typed: str,
    handle: str,
    now: float,
    *,
    use_up: bool,
) -> Taken:
    """Return what an answer belongs to, or refuse the answer. No other function reads a session.

    Whoever decides something by what it gives, uses the session up in the same transaction.

    Args:
        connection: The database.
        request: The request.
        typed: Its USERNAME.
        handle: What names the session: Session, or SECRET_BLOCK where a password is proved.
        now: Seconds since the epoch.
        use_up: Whether the session ends with this answer.

    Raises:
        CognitoError: The session is none for this client, user and challenge; it was used or has
            expired; the user may not sign in, or is locked; the password is another one by now, or
            was temporary and has expired; or the device is forgotten that the sign-in rests on.
    """
    caller = find_caller(connection, request)
    caller.client.check_secret_hash(request["ChallengeResponses"].get(SECRET_HASH), typed)
    # A wrong SECRET_BLOCK gets the same error as a wrong password, or a wrong device's.
    proves = request["ChallengeName"] == State.PASSWORD_VERIFIER
    by_block = proves or request["ChallengeName"] == State.DEVICE_PASSWORD_VERIFIER
    unknown = not_authorized() if by_block else invalid_session()
    progress = _look(connection, handle, now)
    if (
        progress is None
        or progress.client_id != caller.client.id
        or progress.state != request["ChallengeName"]
        or typed not in _names(progress, hidden=caller.client.hides_users)
    ):
        raise unknown
    if not _has_companion(progress, request.get("Session"), handle):
        raise invalid_session()
    # Only the user's current password can be proved; a former one is a wrong password.
    if progress.state in _OF_THE_PASSWORD:
        counted = Counted.of(caller, progress.typed, progress.sub)
        standing = check_lock(connection, counted, now)
        if standing.barred and not proves:
            raise not_authorized("Password attempts exceeded")
    user = _find_user(connection, caller, progress, now)
    if not proves:  # else it is told once the proof is judged
        _check_device(connection, progress, handle)
        progress = _name_device(connection, request, caller, progress, user)
    if use_up:
        end_session(connection, handle)
    progress = evolve(progress, former=companion_of(handle))
    return Taken(caller=caller, progress=progress, user=user)


def take_setup(connection: Connection, handle: str, now: float, *, use_up: bool) -> Taken:
    """Return the MFA_SETUP that a request belongs to which names neither client nor user.

    Args:
        connection: The database.
        handle: The request's Session.
        now: Seconds since the epoch.
        use_up: Whether the session ends with this request.

    Raises:
        CognitoError: As `take`.
    """
    progress = _look(connection, handle, now)
    if progress is None or progress.state is not State.MFA_SETUP:
        raise invalid_session()
    client, pool = find_client_and_pool(connection, progress.client_id, progress.pool_id)
    caller = Caller(client=client, pool=pool)
    user = _find_user(connection, caller, progress, now)
    if use_up:
        end_session(connection, handle)
    return Taken(caller=caller, progress=progress, user=user)


def _find_user(
    connection: Connection, caller: Caller, progress: Progress, now: float
) -> User | None:
    """Return the user of a sign-in as stored now; None for one who does not exist.

    Raises:
        CognitoError: The user is gone, may not go on, or has other credentials than those that the
            sign-in rests on.
    """
    user = find_user_by_sub(connection, caller.pool.id, progress.sub)
    if progress.sub is None:
        return user
    if user is None:
        raise not_authorized()
    if progress.state is State.PASSWORD_VERIFIER:
        check_may_begin(caller, user)
        return user
    check_may_go_on(caller, progress, user)
    if user.credentials != progress.credentials:
        raise invalid_session()
    if progress.state is State.NEW_PASSWORD_REQUIRED:
        check_not_expired(user, now)
    return user


def _check_device(connection: Connection, progress: Progress, handle: str) -> None:
    """Refuse an answer in a sign-in that can end in no tokens any more, before it is judged.

    Raises:
        LostDeviceError: The device is forgotten that it rests on, or whose proof it waits for.
    """
    device = progress.device
    if device is None or not (device.is_rested_on or progress.state in _OF_THE_DEVICE):
        return
    if find_device(connection, progress.sub, device.key) is None:
        raise LostDeviceError(session_id_of(handle))


def _name_device(
    connection: Connection,
    request: Mapping[str, Any],
    caller: Caller,
    progress: Progress,
    user: User | None,
) -> Progress:
    device = named_device(
        connection,
        caller.pool,
        user,
        progress.device,
        request["ChallengeResponses"].get(DEVICE_KEY),
        asked=progress.state in _OF_THE_DEVICE,
    )
    return evolve(progress, device=device)


def _names(progress: Progress, *, hidden: bool) -> frozenset[str]:
    """Return the names by which an answer may name the user of its sign-in.

    Where users are hidden it is what the client has typed and what it was told, which unknown
    names have, too. A username beside these is only an account's: it would tell who exists.
    """
    told = {progress.typed, progress.shown}
    return frozenset(told if hidden else told | {progress.username})


def check_may_go_on(caller: Caller, progress: Progress, user: User) -> None:
    """Refuse a user who may no longer sign in.

    Raises:
        CognitoError: Who has not proved the password does not learn why, where users are hidden.
    """
    if not caller.client.hides_users or progress.state is State.NEW_PASSWORD_REQUIRED:
        check_may_sign_in(user)
    elif not may_sign_in(user):
        raise not_authorized()


_OF_THE_PASSWORD: Final = frozenset({State.PASSWORD_VERIFIER, State.NEW_PASSWORD_REQUIRED})
"""The challenges that the password lockout covers: they prove or set the password."""


_OF_THE_DEVICE: Final = frozenset({State.DEVICE_SRP_AUTH, State.DEVICE_PASSWORD_VERIFIER})
"""The challenges that prove a device."""


def _has_companion(progress: Progress, session: str | None, handle: str) -> bool:
    """Return whether the Session belongs to the handle, if that is not the Session itself.

    Proofs of devices may come without one (amplify-android, pycognito), and DEVICE_SRP_AUTH with
    that of the challenge before (amazon-cognito-identity-js, after a second factor).
    """
    given = None if session is None else companion_of(session)
    match progress.state:
        case State.PASSWORD_VERIFIER:
            return progress.companion == given
        case State.DEVICE_SRP_AUTH:
            return session in {None, handle} or progress.companion == given
        case State.DEVICE_PASSWORD_VERIFIER:
            return session is None or progress.companion == given
        case _:
            return progress.companion is None


@frozen(kw_only=True)
class Unnamed:
    """An answer that does not name its sign-in by the Session of that.

    Args:
        username: Its USERNAME.
        session: Its Session: that of the challenge before, or None.
        address: The address that it comes from, if that is known.
    """

    username: str
    session: str | None = field(repr=False)
    address: str | None = field(repr=False)


def meant_by(connection: Connection, handle: str, unnamed: Unnamed, now: float) -> Progress | None:
    """Return a sign-in if it can be meant by an answer that does not name it; it is not judged.

    The answer comes with the Session of the challenge before; or without any, and from the address
    that the sign-in was begun from. Whether it names the user is for `take` to judge.

    Args:
        connection: The database.
        handle: The sign-in's.
        unnamed: The answer.
        now: Seconds since the epoch.

    Raises:
        CognitoError: The sign-in has expired.
    """
    progress = _look(connection, handle, now)
    if progress is None:
        return None
    if unnamed.session is None:
        meant = progress.address == unnamed.address
    else:
        meant = progress.companion == companion_of(unnamed.session)
    return progress if meant else None


def _look(connection: Connection, handle: str, now: float) -> Progress | None:
    session_id, key = _id_and_key(handle)
    row = connection.execute(
        "SELECT expires_at, sealed FROM sessions WHERE id = ?", (session_id,)
    ).first()
    if row is None:
        return None
    expires_at, sealed = row
    if not sealed:
        raise invalid_session("session is expired")
    if now >= expires_at:
        raise LateAnswerError(session_id)
    opened = AESGCM(key).decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], session_id)
    return Progress.from_json(opened)


def is_known(connection: Connection, handle: str) -> bool:
    """Return whether a session is kept under a handle. It tells nothing of what it is good for."""
    session_id = session_id_of(handle)
    return bool(connection.execute("SELECT 1 FROM sessions WHERE id = ?", (session_id,)))


def end_expired(connection: Connection, session_id: bytes) -> None:
    """Make a session say that it has expired, whatever a clock says later.

    Args:
        connection: The database.
        session_id: From `LateAnswerError`.
    """
    connection.execute("UPDATE sessions SET sealed = ? WHERE id = ?", (b"", session_id))


def end_session(connection: Connection, handle: str) -> None:
    """Use a session up, of which `take` was told that it does not end.

    Raises:
        CognitoError: It was used up already.
    """
    end_lost(connection, session_id_of(handle))


def end_lost(connection: Connection, session_id: bytes) -> None:
    """Use a session up, by its id.

    Args:
        connection: The database.
        session_id: From `LostDeviceError`.

    Raises:
        CognitoError: It was used up already.
    """
    used = connection.execute("DELETE FROM sessions WHERE id = ? RETURNING 1", (session_id,))
    if not used:
        raise invalid_session("session can only be used once")
