"""Password hashes in the formats of old tables, checked and bounded.

Read are argon2, bcrypt and scrypt in their own notation (`$argon2id$…`, `$2b$…`, and `$scrypt$ln=…`
as passlib writes it), and all that Django writes: PBKDF2, scrypt, argon2, and bcrypt with and
without SHA-256 before it.

What bcrypt does not read, it does not prove: it ends at 72 bytes, and at a NUL. A longer password
is wrong even if its beginning is right, for the pool would keep all of it.

A hash names its own cost. One that is damaged or hostile could name gigabytes or hours, so each
kind has a limit, well above what anybody recommends.

Sources: RFC 9106 (argon2), RFC 7914 (scrypt), RFC 8018 (PBKDF2); "How Django stores passwords";
"bcrypt" of the Python Cryptographic Authority, on its 72 bytes.
"""

import base64
import binascii
import hashlib
import hmac
import logging
import re
import secrets
from typing import Final, Protocol, Self

from attrs import evolve, field, frozen

from authflow.errors import DirectoryRecordError
from authflow.extras import UnavailableImportError, advice
from authflow.secret import Secret

try:
    import argon2
    import bcrypt
except ImportError as error:
    raise UnavailableImportError(advice(error, extra="sql")) from error

BCRYPT_BYTES: Final = 72
"""The bytes of a password that bcrypt uses."""
HASH_CHARS: Final = 1024
ARGON2_KIB: Final = 2**20
ARGON2_PASSES: Final = 64
ARGON2_LANES: Final = 64
BCRYPT_ROUNDS: Final = range(4, 17)
SCRYPT_BYTES: Final = 256 * 2**20
SCRYPT_BLOCKS: Final = 2**22
"""The most of N times r times p: four times the highest recommendation."""
SCRYPT_DIGEST_BYTES: Final = 16
"""The fewest bytes of a digest; one cut off by a narrow column would be easier to match."""
PBKDF2_ROUNDS: Final = 10_000_000

_log: Final = logging.getLogger(__name__)

_BCRYPT: Final = re.compile(r"\$2[aby]\$(\d\d)\$[./A-Za-z0-9]{53}", re.ASCII)
_SCRYPT: Final = re.compile(r"\$scrypt\$ln=(\d{1,2}),r=(\d{1,9}),p=(\d{1,9})\$([^$]*)\$([^$]+)")
_DJANGO_SCRYPT: Final = re.compile(r"scrypt\$(\d{1,9})\$([^$]*)\$(\d{1,9})\$(\d{1,9})\$([^$]+)")
_DJANGO_PBKDF2: Final = re.compile(r"pbkdf2_(sha256|sha1)\$(\d{1,9})\$([^$]*)\$([^$]+)")
_NO_PASSWORD: Final = ("!", "*")
"""The marks of Django and shadow(5) for a user without a password."""


class PasswordHash(Protocol):
    """A hash that can be checked."""

    def matches(self, password: bytes) -> bool:
        """Check a password. It takes long: do it in a thread."""

    def decoy(self) -> Self:
        """Make a hash that costs as much to check, and that no password matches."""


@frozen
class Argon2Hash:
    """A hash of argon2id, argon2i or argon2d."""

    text: str = field(repr=False)

    def matches(self, password: bytes) -> bool:
        """Check a password."""
        try:
            return argon2.PasswordHasher().verify(self.text, password)
        except argon2.exceptions.VerifyMismatchError:
            return False
        except (argon2.exceptions.VerificationError, ValueError) as error:
            raise _unusable() from error

    def decoy(self) -> Self:
        """Make a hash that costs as much to check, and that no password matches."""
        start, _, digest = self.text.rpartition("$")
        fresh = base64.b64encode(secrets.token_bytes(argon2.extract_parameters(self.text).hash_len))
        return evolve(self, text=f"{start}${fresh.decode().rstrip('=')[: len(digest)]}")


@frozen
class BcryptHash:
    """A hash of bcrypt; `digested` if SHA-256 comes before it, as in Django's bcrypt_sha256."""

    text: str = field(repr=False)
    digested: bool = False

    def matches(self, password: bytes) -> bool:
        """Check a whole password."""
        if self.digested:
            password = hashlib.sha256(password).hexdigest().encode()
        # The hash was made from as many bytes: other programs cut a longer password there, too.
        read = password.partition(b"\0")[0][:BCRYPT_BYTES]
        try:
            right = bcrypt.checkpw(read, self.text.encode())
        except ValueError as error:
            raise _unusable() from error
        if right and read != password:
            _log.warning(
                "a user was not let in: bcrypt reads %d bytes of a password, and none behind a NUL;"
                " the rest of this one is not proved, and the pool would keep it. The user can come"
                " in by a forgotten password",
                BCRYPT_BYTES,
            )
            return False
        return right

    def decoy(self) -> Self:
        """Make a hash that costs as much to check, and that no password matches."""
        salt = bcrypt.gensalt(int(self.text[4:6])).decode()
        return evolve(self, text=salt + secrets.token_hex(16)[:31])


@frozen(kw_only=True)
class ScryptHash:
    """A hash of scrypt."""

    n: int
    r: int
    p: int
    salt: bytes = field(repr=False)
    digest: bytes = field(repr=False)

    def matches(self, password: bytes) -> bool:
        """Check a password."""
        made = hashlib.scrypt(
            password,
            salt=self.salt,
            n=self.n,
            r=self.r,
            p=self.p,
            dklen=len(self.digest),
            maxmem=2 * SCRYPT_BYTES,  # OpenSSL counts its own memory as well
        )
        return hmac.compare_digest(made, self.digest)

    def decoy(self) -> Self:
        """Make a hash that costs as much to check, and that no password matches."""
        return evolve(self, digest=secrets.token_bytes(len(self.digest)))


@frozen(kw_only=True)
class Pbkdf2Hash:
    """A hash of PBKDF2 with HMAC."""

    algorithm: str
    rounds: int
    salt: bytes = field(repr=False)
    digest: bytes = field(repr=False)

    def matches(self, password: bytes) -> bool:
        """Check a password."""
        made = hashlib.pbkdf2_hmac(self.algorithm, password, self.salt, self.rounds)
        return hmac.compare_digest(made, self.digest)

    def decoy(self) -> Self:
        """Make a hash that costs as much to check, and that no password matches."""
        return evolve(self, digest=secrets.token_bytes(len(self.digest)))


def parse_hash(stored: object) -> PasswordHash | None:
    """Read a hash.

    Args:
        stored: What the table holds; some drivers give bytes.

    Returns:
        The hash; None where the user has no password, so that none can be right.

    Raises:
        DirectoryRecordError: The hash is of no known kind, damaged, or too costly to check.
    """
    if isinstance(stored, bytes | bytearray | memoryview):
        stored = bytes(stored).decode("ascii", "replace")
    if stored is None or (isinstance(stored, str) and stored.startswith(_NO_PASSWORD)):
        return None
    if not isinstance(stored, str) or len(stored) > HASH_CHARS or not stored.isascii():
        raise _unusable()
    # Django puts its own name of a hash before the common notation.
    if stored.startswith(("argon2$", "bcrypt$")):
        stored = stored.removeprefix("argon2").removeprefix("bcrypt$")
    digested = stored.startswith("bcrypt_sha256$")
    try:
        if stored.startswith("$argon2"):
            return _argon2(stored)
        if found := _BCRYPT.fullmatch(stored.removeprefix("bcrypt_sha256$")):
            return _bcrypt(found, digested=digested)
        if found := _SCRYPT.fullmatch(stored):
            ln, r, p, salt, digest = found.groups()
            # ln is bounded before 2^ln is computed, since the later check comes too late for that.
            return _scrypt(1 << min(int(ln), 63), r, p, _base64(salt), _base64(digest))
        if found := _DJANGO_SCRYPT.fullmatch(stored):
            n, salt, r, p, digest = found.groups()
            return _scrypt(int(n), r, p, salt.encode(), _base64(digest))
        if found := _DJANGO_PBKDF2.fullmatch(stored):
            return _pbkdf2(*found.groups())
    except ValueError as error:  # argon2's InvalidHashError is a ValueError
        raise _unusable() from error
    raise _unusable()


def check_password(stored: PasswordHash, password: Secret[str]) -> bool:
    """Check a password against a hash. It takes long: call it in a thread.

    Args:
        stored: The hash.
        password: What the user typed.

    Raises:
        DirectoryRecordError: The hash turns out to be damaged.
    """
    # JSON can carry half a surrogate pair, which is in no real password: it must only not fail.
    return stored.matches(password.reveal().encode("utf-8", "surrogatepass"))


def default_decoy() -> PasswordHash:
    """Make a decoy for a table without hashes: argon2id at the cost of RFC 9106, section 4."""
    salt, digest = (
        secrets.token_urlsafe(size).replace("-", "a").replace("_", "a") for size in (16, 32)
    )
    return Argon2Hash(f"$argon2id$v=19$m=65536,t=3,p=4${salt}${digest}")


def _argon2(text: str) -> Argon2Hash:
    cost = argon2.extract_parameters(text)
    _bound("argon2", cost.memory_cost, ARGON2_KIB)
    _bound("argon2", cost.time_cost, ARGON2_PASSES)
    _bound("argon2", cost.parallelism, ARGON2_LANES)
    return Argon2Hash(text)


def _bcrypt(found: re.Match[str], *, digested: bool) -> BcryptHash:
    if int(found[1]) not in BCRYPT_ROUNDS:
        _bound("bcrypt", int(found[1]), BCRYPT_ROUNDS[-1])
        raise _unusable()
    return BcryptHash(found[0], digested)


def _scrypt(n: int, r: str, p: str, salt: bytes, digest: bytes) -> ScryptHash:
    made = ScryptHash(n=n, r=int(r), p=int(p), salt=salt, digest=digest)
    if n < 2 or n & (n - 1) or not made.r or not made.p or len(digest) < SCRYPT_DIGEST_BYTES:
        raise _unusable()
    _bound("scrypt", 128 * n * made.r, SCRYPT_BYTES)
    _bound("scrypt", n * made.r * made.p, SCRYPT_BLOCKS)
    return made


def _pbkdf2(algorithm: str, rounds: str, salt: str, digest: str) -> Pbkdf2Hash:
    made = Pbkdf2Hash(
        algorithm=algorithm, rounds=int(rounds), salt=salt.encode(), digest=_base64(digest)
    )
    if not made.rounds or len(made.digest) != hashlib.new(algorithm).digest_size:
        raise _unusable()
    _bound("PBKDF2", made.rounds, PBKDF2_ROUNDS)
    return made


def _base64(text: str) -> bytes:
    """Decode base64, with or without padding.

    Raises:
        DirectoryRecordError: It is not base64.
    """
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except binascii.Error as error:
        raise _unusable() from error


def _bound(kind: str, cost: int, limit: int) -> None:
    if cost > limit:
        msg = f"the user's {kind} hash would cost too much to check: it is damaged, or hostile"
        raise DirectoryRecordError(msg)


def _unusable() -> DirectoryRecordError:
    return DirectoryRecordError(
        "the user's hash cannot be checked: it is damaged, or none of argon2, bcrypt, scrypt and"
        " Django's"
    )
