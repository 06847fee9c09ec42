"""Requests to an LDAP server, made in a separate process.

bonsai connects while it holds the interpreter's lock, and never gives up a TLS handshake that gets
no reply (noirello/bonsai#107 and #113): in the process that serves sign-ins, one dead LDAP server
would stop all of them. A worker process can be waited for, and ended. What goes in and out is plain
data, since it is pickled.

Sources: RFC 4511 (LDAP), 4513 (binds), 4515 (filters); draft-behera-ldap-password-policy-10 §5.3.3;
"Bind result codes" of Active Directory, [MS-ADTS] and its `data` codes.
"""

import re
import secrets
from collections.abc import Mapping, Sequence
from typing import Any, Final

from authflow.extras import UnavailableImportError, advice
from authflow.triggers.directories.ldap_server import Failure, LdapServer, NoEntry
from authflow.triggers.directories.records import same_name
from authflow.triggers.lambda_context import COGNITO_WAITS

try:
    import bonsai
    from bonsai.errors import LDAPError
except ImportError as error:  # the package or the library that it needs is missing
    raise UnavailableImportError(advice(error, extra="ldap")) from error

_STEP_TIMEOUT: Final = COGNITO_WAITS
"""Seconds for each step: `migrating` limits all of them, and Cognito waits no longer."""
_ACCOUNT_DISABLED: Final = 2
"""The bit of Active Directory's userAccountControl."""
_UNAVAILABLE: Final = frozenset({-1, -5, -11, 0x51, 0x55, 51, 52})
"""The results for: server down, timed out, no connection; busy, unavailable."""
_SIZE_LIMIT: Final = 4
_MUST_CHANGE: Final = "the password must be changed first"
_AD_REASON: Final = re.compile(r"\bdata ([0-9a-f]{3})\b")
_AD_REASONS: Final[Mapping[str, str]] = {
    "530": "not at this time",
    "531": "not from this machine",
    "532": "the password has expired",
    "533": "the account is disabled",
    "701": "the account has expired",
    "773": _MUST_CHANGE,
    "775": "the account is locked",
}
_ESCAPED: Final = str.maketrans({char: f"\\{ord(char):02x}" for char in "\\*()\0"})


def ask(
    server: LdapServer, username: str, password: str | None
) -> dict[str, list[bytes]] | NoEntry:
    """Find a user's entry, and bind as the user if there is a password.

    Args:
        server: The server.
        username: The name as the user typed it.
        password: The password; None to look the user up only. An empty one must not come here: a
            server takes it for an anonymous bind, which succeeds (RFC 4513 §5.1.2).

    Returns:
        The values of the entry's attributes, by their names in lower case.
    """
    try:
        return _ask(server, username, password)
    except Exception as error:  # noqa: BLE001  # its text may hold what was typed: it stays here
        return NoEntry(Failure.FAILED, f"asking it raised {type(error).__qualname__}")


def _ask(
    server: LdapServer, username: str, password: str | None
) -> dict[str, list[bytes]] | NoEntry:
    try:
        found = _search(server, username)
    except LDAPError as error:
        return _failed(error, "the service account, or its search")
    if password is None:
        if isinstance(found, NoEntry):
            return found
        locked = _locked(found[1])
        return NoEntry(Failure.REFUSED, locked) if locked else found[1]
    if isinstance(found, NoEntry):
        # An unknown user costs a bind as well, with a name that the server does not know and
        # without the typed password.
        dn, password = f"cn={secrets.token_hex(8)},{server.base}", secrets.token_hex(8)
    else:
        dn = found[0]
    try:
        _connect(server, dn, password).close()
    except LDAPError as error:
        if error.code in _UNAVAILABLE:
            return _failed(error, "a user's bind")
        return found if isinstance(found, NoEntry) else NoEntry(Failure.REFUSED, _reason(error))
    if isinstance(found, NoEntry):
        return NoEntry(Failure.FAILED, "the server lets users in who do not exist")
    why = _locked(found[1])
    if not why and _flag(found[1], "pwdreset"):
        why = _MUST_CHANGE
    return NoEntry(Failure.REFUSED, why) if why else found[1]


def _search(server: LdapServer, username: str) -> tuple[str, dict[str, list[bytes]]] | NoEntry:
    wanted = f"(&{server.filter}({server.username_attribute}={username.translate(_ESCAPED)}))"
    connection = _connect(server, server.bind_dn, server.bind_password, raw=server.attributes)
    try:
        entries = connection.search(
            server.base,
            bonsai.LDAPSearchScope.SUBTREE,
            wanted,
            list(server.attributes),
            timeout=_STEP_TIMEOUT,
            sizelimit=2,
        )
    except LDAPError as error:
        if error.code == _SIZE_LIMIT:
            return NoEntry(Failure.SEVERAL)
        raise
    finally:
        connection.close()
    if len(entries) > 1:
        return NoEntry(Failure.SEVERAL)
    if not entries:
        return NoEntry(Failure.UNKNOWN)
    entry = entries[0]
    values = {name.lower(): [_bytes(value) for value in entry[name]] for name in entry}
    names = values.get(server.username_attribute.lower())
    if names is None:
        return NoEntry(Failure.FAILED, "the service account may not read the users' names")
    if not any(same_name(username, name.decode(errors="replace")) for name in names):
        return NoEntry(Failure.UNKNOWN)
    return str(entry.dn), values


def _connect(server: LdapServer, dn: str, password: str, *, raw: Sequence[str] = ()) -> Any:
    """Open a connection and bind."""
    client = bonsai.LDAPClient(server.url, tls=server.start_tls)
    client.set_cert_policy("demand")
    client.set_ca_cert(server.ca_file)
    client.set_credentials("SIMPLE", user=dn, password=password)
    client.set_password_policy(True)
    client.set_raw_attributes(list(raw))
    connection, _ = client.connect(timeout=_STEP_TIMEOUT)
    return connection


def _bytes(value: object) -> bytes:
    return value if isinstance(value, bytes) else str(value).encode()


def _locked(values: Mapping[str, list[bytes]]) -> str:
    """Return whether an entry is locked. A look-up has no bind, which would fail for it."""
    if values.get("pwdaccountlockedtime") or _flag(values, "nsaccountlock"):
        return "the account is locked"
    control = b"".join(values.get("useraccountcontrol", ()))
    if control and (not control.isdigit() or int(control) & _ACCOUNT_DISABLED):
        return "the account is disabled"
    return ""


def _flag(values: Mapping[str, list[bytes]], name: str) -> bool:
    return b"true" in map(bytes.lower, values.get(name, ()))


def _reason(error: LDAPError) -> str:
    """Return why a user's bind was refused, but not in the server's words, which may name users."""
    match error:
        case bonsai.errors.AccountLocked():
            return "the account is locked"
        case bonsai.errors.PasswordExpired():
            return "the password has expired"
        case bonsai.errors.ChangeAfterReset():
            return _MUST_CHANGE
    told = _AD_REASON.search(str(error))
    why = _AD_REASONS.get(told[1]) if told else None
    return why or f"LDAP result {error.code}"


def _failed(error: LDAPError, what: str) -> NoEntry:
    if error.code in _UNAVAILABLE:
        return NoEntry(
            Failure.UNAVAILABLE,
            f"{what}: no connection, or no TLS with a certificate to trust ({error.code})",
        )
    return NoEntry(Failure.FAILED, f"{what} was refused with LDAP result {error.code}")
