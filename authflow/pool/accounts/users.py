"""Users: their attributes, their sign-in names, and their storage."""

import json
import uuid
from collections.abc import Iterable, Mapping
from typing import Any, Final

from attrs import field, frozen

from authflow.pool.accounts.attribute_schema import VERIFIED
from authflow.pool.accounts.attribute_values import (
    ADDRESSES,
    check_is_no_address,
    check_username,
    is_address,
)
from authflow.pool.accounts.passwords import StoredPassword
from authflow.pool.accounts.second_factors import Authenticator, UserFactors
from authflow.pool.accounts.user_pool import UserPool, find_pool
from authflow.pool.cognito_errors import CognitoError, invalid_parameter, user_not_found
from authflow.pool.store.sqlite_connection import Connection, Rows

CONFIRMED: Final = "CONFIRMED"
UNCONFIRMED: Final = "UNCONFIRMED"
FORCE_CHANGE_PASSWORD: Final = "FORCE_CHANGE_PASSWORD"
RESET_REQUIRED: Final = "RESET_REQUIRED"


@frozen(kw_only=True)
class User:
    """A user.

    Args:
        sub: The user's id, for ever.
        pool_id: The user pool.
        username: The canonical name; the one that is hashed with the password.
        status: Cognito's UserStatus.
        enabled: Whether the user may sign in.
        attributes: All attributes but `sub`.
        password: What is kept of the password.
        password_expires_at: When a temporary password ends; None for a permanent one.
        times_disabled: How often an administrator has disabled the user.
        factors: The second factors that are on.
        authenticator: The authenticator app that was verified, if there is one.
        new_authenticator: The sealed secret of one that is being set up, if there is one.
        created_at: Seconds since the epoch.
        modified_at: Seconds since the epoch.
    """

    sub: str
    pool_id: str
    username: str
    status: str
    enabled: bool = True
    attributes: Mapping[str, str] = field(repr=False)
    password: StoredPassword = field(repr=False)
    password_expires_at: float | None = None
    times_disabled: int = 0
    factors: UserFactors = field(factory=UserFactors)
    authenticator: Authenticator | None = None
    new_authenticator: bytes | None = field(default=None, repr=False)
    created_at: float
    modified_at: float

    @property
    def all_attributes(self) -> dict[str, str]:
        """The attributes, with `sub`."""
        return {"sub": self.sub, **self.attributes}

    @property
    def credentials(self) -> str:
        """The version of the user's credentials; a sign-in that began with an older one ends.

        A new password makes a new one, and so does an administrator who disables the user.
        """
        return f"{self.password.version}.{self.times_disabled}"


def attribute_list(attributes: Mapping[str, str]) -> list[dict[str, str]]:
    """Return attributes as Cognito writes them."""
    return [{"Name": name, "Value": value} for name, value in attributes.items()]


def missing_attributes(pool: UserPool, user: User) -> tuple[str, ...]:
    """Return the names of the attributes that the pool requires and the user lacks."""
    return tuple(name for name in pool.required_attributes if not user.attributes.get(name))


def new_username(
    pool: UserPool, given: str, sub: str, attributes: Mapping[str, str]
) -> tuple[str, dict[str, str]]:
    """Return a new user's canonical name, and the attributes with those in the given name.

    In a pool that signs in by attributes the name that is given is an attribute, and the canonical
    name is the `sub`.

    Raises:
        CognitoError: The name is not of the form that the pool wants.
    """
    by_attributes = pool.username_attributes
    if not by_attributes:
        check_username(given)
        check_is_no_address(pool, given)
        return given, dict(attributes)
    for attribute in ADDRESSES:
        if attribute in by_attributes and is_address(attribute, given):
            check_username(given)
            return sub, {**attributes, attribute: given}
    wanted = " or a ".join(by_attributes).replace("_", " ")
    raise invalid_parameter(f"Username should be an {wanted}.")


def _aliases(pool: UserPool, user: User) -> Iterable[tuple[str, str]]:
    """Return the user's sign-in names beside the username, with their attributes."""
    for attribute in pool.username_attributes:
        if user.attributes.get(attribute):
            yield attribute, pool.fold(user.attributes[attribute])
    for attribute in pool.alias_attributes:
        # An address that is not verified may be somebody else's.
        verified = user.attributes.get(f"{attribute}_verified") == "true"
        if user.attributes.get(attribute) and (verified or attribute == "preferred_username"):
            yield attribute, pool.fold(user.attributes[attribute])


_COLUMNS: Final = (
    "sub, pool_id, username, status, enabled, attributes, salt, verifier, password_expires_at,"
    " times_disabled, created_at, modified_at, factors, authenticator, authenticator_name,"
    " authenticator_step, new_authenticator"
)


def _from_row(row: tuple[Any, ...]) -> User:
    sub, pool_id, username, status, enabled, attributes, salt, verifier, expires, *rest = row
    return User(
        sub=sub,
        pool_id=pool_id,
        username=username,
        status=status,
        enabled=bool(enabled),
        attributes=json.loads(attributes),
        password=StoredPassword(salt=salt, verifier=verifier),
        password_expires_at=expires,
        times_disabled=rest[0],
        created_at=rest[1],
        modified_at=rest[2],
        factors=UserFactors.from_json(rest[3]),
        authenticator=Authenticator.from_columns(*rest[4:7]),
        new_authenticator=rest[7],
    )


def find_user(connection: Connection, pool: UserPool, name: str) -> User | None:
    """Return the user with a sign-in name: the username or an alias."""
    row = connection.execute(
        "SELECT sub FROM names WHERE pool_id = ? AND name = ?", (pool.id, pool.fold(name))
    ).first()
    return find_user_by_sub(connection, pool.id, None if row is None else row[0])


def find_user_by_sub(connection: Connection, pool_id: str, sub: str | None) -> User | None:
    """Return the user with a `sub`; None if there is none.

    Where nobody has the `sub` the next user is read, whoever it is, and thrown away: it takes the
    same time.
    """
    row = connection.execute(
        f"SELECT {_COLUMNS} FROM users WHERE sub >= ? ORDER BY sub LIMIT 1",  # noqa: S608  # our own column names
        (sub or "",),
    ).first()
    if row is None:
        return None
    user = _from_row(row)
    return user if (user.sub, user.pool_id) == (sub, pool_id) else None


def find_named(connection: Connection, pool_id: str, name: str) -> tuple[UserPool, User]:
    """Return the user with a username, alias or `sub`, and the user's pool.

    Raises:
        CognitoError: There is no such pool or user.
    """
    pool = find_pool(connection, pool_id)
    # The id comes first: no user's chosen name may be taken for another user's id.
    user = find_user_by_sub(connection, pool.id, name) or find_user(connection, pool, name)
    if user is None:
        raise user_not_found()
    return pool, user


def insert_user(
    connection: Connection,
    pool: UserPool,
    user: User,
    *,
    signed_up_as: str | None = None,
    move_aliases: bool = False,
) -> None:
    """Store a new user, in the pool as stored now.

    Args:
        connection: The database.
        pool: The user's pool.
        user: The user.
        signed_up_as: The name that the user has signed up with; None if an administrator makes the
            user. Where addresses stand for usernames, it alone counts before it is verified.
        move_aliases: Whether an alias that another user has goes over to this one.

    Raises:
        CognitoError: The username or an alias is taken, or the pool is gone.
    """
    pool = find_pool(connection, pool.id)
    if find_user(connection, pool, user.username) is not None:
        raise username_exists()
    connection.execute(
        f"INSERT INTO users ({_COLUMNS}) VALUES ({', '.join('?' * 17)})",  # noqa: S608  # the same
        (
            *(user.sub, user.pool_id, user.username, user.status, int(user.enabled)),
            *(json.dumps(user.attributes), user.password.salt, user.password.verifier),
            *(user.password_expires_at, user.times_disabled, user.created_at, user.modified_at),
            *(user.factors.to_json(), *Authenticator.columns(user.authenticator)),
            user.new_authenticator,
        ),
    )
    aliases = dict(_aliases(pool, user))
    names = _SignInNames(
        pool=pool,
        user=user,
        is_new=True,
        given=frozenset(aliases),
        trusted=frozenset(aliases.values() if signed_up_as is None else [pool.fold(signed_up_as)]),
        move_aliases=move_aliases,
    )
    _write_names(connection, names)


def set_password(
    connection: Connection,
    user: User,
    password: StoredPassword,
    now: float,
    *,
    status: str,
    expires_at: float | None = None,
) -> User:
    """Store another password; the rest of the row stays as it is.

    Args:
        connection: The database.
        user: Who gets it.
        password: The password.
        now: Seconds since the epoch.
        status: The user's status from now on.
        expires_at: When a temporary password ends; None for a permanent one.

    Returns:
        The user as he is now.

    Raises:
        CognitoError: The user is gone.
    """
    return _changed(
        connection.execute(
            "UPDATE users SET salt = ?, verifier = ?, status = ?, password_expires_at = ?,"  # noqa: S608  # the same
            f" modified_at = ? WHERE sub = ? RETURNING {_COLUMNS}",
            (password.salt, password.verifier, status, expires_at, now, user.sub),
        )
    )


def set_status(connection: Connection, user: User, status: str, now: float) -> User:
    """Store another status; see `set_password`.

    Raises:
        CognitoError: The user is gone.
    """
    return _changed(
        connection.execute(
            f"UPDATE users SET status = ?, modified_at = ? WHERE sub = ? RETURNING {_COLUMNS}",  # noqa: S608  # the same
            (status, now, user.sub),
        )
    )


def set_enabled(connection: Connection, user: User, now: float, *, enabled: bool) -> User:
    """Store whether the user may sign in; see `set_password`.

    Raises:
        CognitoError: The user is gone.
    """
    return _changed(
        connection.execute(
            "UPDATE users SET enabled = ?, times_disabled = times_disabled + ?, modified_at = ?"  # noqa: S608  # the same
            f" WHERE sub = ? RETURNING {_COLUMNS}",
            (int(enabled), int(not enabled), now, user.sub),
        )
    )


def set_attributes(
    connection: Connection,
    pool: UserPool,
    user: User,
    attributes: Mapping[str, str],
    now: float,
    *,
    move_aliases: bool = False,
) -> User:
    """Store other attributes, and the user's sign-in names; see `set_password`.

    Args:
        connection: The database.
        pool: The user's pool.
        user: Whose they are.
        attributes: All of them but `sub`.
        now: Seconds since the epoch.
        move_aliases: Whether an alias that another user has goes over to this one.

    Raises:
        CognitoError: The user is gone, or an alias is taken.
    """
    before = find_user_by_sub(connection, pool.id, user.sub)
    changed = _changed(
        connection.execute(
            f"UPDATE users SET attributes = ?, modified_at = ? WHERE sub = ? RETURNING {_COLUMNS}",  # noqa: S608  # the same
            (json.dumps(attributes), now, user.sub),
        )
    )
    former = connection.execute("DELETE FROM names WHERE sub = ? RETURNING name", (user.sub,))
    owned = dict(_aliases(pool, before or changed))
    names = _SignInNames(
        pool=pool,
        user=changed,
        given=frozenset(
            attribute for attribute, name in _aliases(pool, changed) if owned.get(attribute) != name
        ),
        trusted=frozenset(name for (name,) in former),
        move_aliases=move_aliases,
    )
    _write_names(connection, names)
    return changed


def _changed(rows: Rows) -> User:
    row = rows.first()
    if row is None:
        raise user_not_found()
    return _from_row(row)


def delete_user(connection: Connection, user: User) -> None:
    """Delete a user, with the user's names and tokens."""
    connection.execute("DELETE FROM users WHERE sub = ?", (user.sub,))


@frozen(kw_only=True)
class _SignInNames:
    """The names by which a user is to sign in.

    Args:
        pool: The user's pool.
        user: The user as he is now.
        is_new: Whether the user is being made.
        given: The attributes of those aliases that the user has not had before.
        trusted: The names that count though nothing says that their address is verified.
        move_aliases: Whether an alias that another user has goes over to this one.
    """

    pool: UserPool
    user: User
    is_new: bool = False
    given: frozenset[str]
    trusted: frozenset[str]
    move_aliases: bool

    def counts(self, attribute: str, name: str) -> bool:
        """Return whether the user signs in by a name.

        An address that is not verified may be somebody else's, also where addresses stand for
        usernames.
        """
        verified = self.user.attributes.get(f"{attribute}_verified") == "true"
        return attribute not in self.pool.username_attributes or verified or name in self.trusted


def _write_names(connection: Connection, names: _SignInNames) -> None:
    """Store the names by which a user signs in.

    An address that is no sign-in name is looked at only when it is given: somebody else may sign up
    with it afterwards, and the first user's profile can be changed all the same.

    Raises:
        CognitoError: A name is another user's, or another user's id.
    """
    pool, user = names.pool, names.user
    for attribute, name in (("", pool.fold(user.username)), *_aliases(pool, user)):
        counts = names.counts(attribute, name)
        if not counts and attribute not in names.given:
            continue
        holder = find_user(connection, pool, name)
        identified = find_user_by_sub(connection, pool.id, name.lower())
        if identified is not None and identified.sub != user.sub:
            raise alias_exists(attribute) if attribute else username_exists()
        if holder is not None and holder.sub != user.sub:
            if names.is_new and (not attribute or attribute in pool.username_attributes):
                raise username_exists()
            # A username never moves to another user; an alias does, if the caller allows it.
            if not names.move_aliases or pool.fold(holder.username) == name:
                raise alias_exists(attribute)
            _give_up_alias(connection, holder, attribute)
        if not counts:
            continue
        connection.execute(
            "INSERT INTO names (pool_id, name, sub) VALUES (?, ?, ?)"
            " ON CONFLICT (pool_id, name) DO UPDATE SET sub = excluded.sub",
            (pool.id, name, user.sub),
        )


def username_exists() -> CognitoError:
    """Return the refusal of a username that is taken."""
    return CognitoError("UsernameExistsException", "User account already exists")


def alias_exists(attribute: str) -> CognitoError:
    """Return the refusal of an alias that another user has."""
    return CognitoError(
        "AliasExistsException", f"An account with the given {attribute} already exists."
    )


def _give_up_alias(connection: Connection, user: User, attribute: str) -> None:
    """Take an alias from its user: the address is no longer verified as this user's.

    A preferred username, which nothing verifies, goes. Source: "Customizing sign-in attributes" in
    the developer guide.
    """
    kept = {name: value for name, value in user.attributes.items() if name != "preferred_username"}
    flag = f"{attribute}_verified"
    changed = {**user.attributes, flag: "false"} if flag in VERIFIED else kept
    connection.execute(
        "UPDATE users SET attributes = ? WHERE sub = ?", (json.dumps(changed), user.sub)
    )


def new_sub() -> str:
    """Draw a `sub`."""
    return str(uuid.uuid4())
