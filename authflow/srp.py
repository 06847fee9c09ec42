"""SRP-6a in Cognito's dialect: the prover's half, the verifier's half, and nothing else.

The dialect, where it differs from RFC 5054:

- PAD(i) is the shortest big-endian two's complement form (`00` in front when the top bit is set),
  as Java's BigInteger.toByteArray() gives it; not a fixed width.
- The name that is hashed with the password is the pool's name (the pool id after its first `_`)
  followed by USER_ID_FOR_SRP, which is the canonical username and not what the user typed.
- SALT is a hexadecimal *integer*: its leading zeros do not count.
- The session key is 16 bytes of HKDF-SHA256 over PAD(S), with PAD(u) as salt and
  "Caldera Derived Key" as info.
- The proof is an HMAC over pool name, user id, SECRET_BLOCK and TIMESTAMP. There is no proof of
  the server in return: TLS authenticates the server, SRP does not.

All of it is pure: randomness and the time of day come in as arguments. A remembered device proves
itself with the same functions: the device group key stands for the pool's name, the device key for
the user id, the device's password for the password.
"""

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final

from attrs import field, frozen

from authflow.errors import MisuseError, UnsafeSrpValueError
from authflow.modexp import modexp
from authflow.secret import Secret

EPHEMERAL_BYTES: Final = 32
"""Size of the private values a and b: 256 bits, the least that RFC 5054 §2.5.3 and §2.5.4 allow."""
INTEGER_DIGITS: Final = 768
"""The most hexadecimal digits of A or B: the size of N."""
SALT_DIGITS: Final = 64
SECRET_BLOCK_CHARS: Final = 8192


def twos_complement(value: int) -> bytes:
    """PAD as Cognito does it: the shortest big-endian two's complement form of an integer."""
    bits = value.bit_length() if value >= 0 else (-value - 1).bit_length()
    return value.to_bytes(bits // 8 + 1, "big", signed=True)


@frozen(kw_only=True)
class Group:
    """A group, a hash and a padding rule: the parameters of SRP-6a's formulas (RFC 5054 §2.5).

    Args:
        prime: N, a safe prime.
        generator: g.
        digest: The name of H in hashlib.
        pad: How integers become bytes before they are hashed.
    """

    prime: int = field(repr=False)
    generator: int
    digest: str
    pad: Callable[[int], bytes] = field(repr=False)
    multiplier: int = field(init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        k = self.hash(self.pad(self.prime), self.pad(self.generator))
        object.__setattr__(self, "multiplier", int.from_bytes(k, "big"))

    def hash(self, *parts: bytes) -> bytes:
        """H over the concatenated parts."""
        return hashlib.new(self.digest, b"".join(parts)).digest()

    def private_key(self, salt: bytes, name: bytes, password: bytes) -> int:
        """Return x = H(salt ‖ H(name ‖ ":" ‖ password))."""
        inner = self.hash(name, b":", password)
        return int.from_bytes(self.hash(salt, inner), "big")

    def verifier(self, x: int) -> int:
        """Return v = g^x mod N."""
        return modexp(self.generator, x, self.prime)

    def public_a(self, a: int) -> int:
        """Return A = g^a mod N."""
        return modexp(self.generator, a, self.prime)

    def public_b(self, b: int, v: int) -> int:
        """Return B = (k·v + g^b) mod N."""
        return (self.multiplier * v + modexp(self.generator, b, self.prime)) % self.prime

    def scramble(self, public_a: int, public_b: int) -> int:
        """Return u = H(PAD(A) ‖ PAD(B)).

        Raises:
            UnsafeSrpValueError: A or B is not between 0 and N, or u is 0: the secret would not
                depend on the password (RFC 5054 §2.5.3, §2.5.4, §2.6).
        """
        for name, value in (("A", public_a), ("B", public_b)):
            if not 0 < value < self.prime:
                msg = f"SRP value {name} is out of range; the sign-in cannot go on"
                raise UnsafeSrpValueError(msg)
        u = int.from_bytes(self.hash(self.pad(public_a), self.pad(public_b)), "big")
        if u == 0:
            msg = "SRP value u is zero; the sign-in cannot go on"
            raise UnsafeSrpValueError(msg)
        return u

    def prover_secret(self, a: int, public_b: int, u: int, x: int) -> int:
        """Return the client's S = (B - k·g^x)^(a + u·x) mod N."""
        base = public_b - self.multiplier * modexp(self.generator, x, self.prime)
        return modexp(base, a + u * x, self.prime)

    def verifier_secret(self, b: int, public_a: int, u: int, v: int) -> int:
        """Return the server's S = (A·v^u)^b mod N."""
        return modexp(public_a * modexp(v, u, self.prime), b, self.prime)


COGNITO: Final = Group(
    # The 3072-bit MODP group, RFC 3526 §4 and RFC 5054 appendix A; N = 2^3072 - 2^3008 - 1
    # + 2^64 * (floor(2^2942 * pi) + 1690314).
    prime=int(
        "ffffffffffffffffc90fdaa22168c234c4c6628b80dc1cd129024e088a67cc74"
        "020bbea63b139b22514a08798e3404ddef9519b3cd3a431b302b0a6df25f1437"
        "4fe1356d6d51c245e485b576625e7ec6f44c42e9a637ed6b0bff5cb6f406b7ed"
        "ee386bfb5a899fa5ae9f24117c4b1fe649286651ece45b3dc2007cb8a163bf05"
        "98da48361c55d39a69163fa8fd24cf5f83655d23dca3ad961c62f356208552bb"
        "9ed529077096966d670c354e4abc9804f1746c08ca18217c32905e462e36ce3b"
        "e39e772c180e86039b2783a2ec07a28fb5c55df06f4c52c9de2bcbf695581718"
        "3995497cea956ae515d2261898fa051015728e5a8aaac42dad33170d04507a33"
        "a85521abdf1cba64ecfb850458dbef0a8aea71575d060c7db3970f85a6e1e4c7"
        "abf5ae8cdb0933d71e8c94e04a25619dcee3d2261ad2ee6bf12ffa06d98a0864"
        "d87602733ec86a64521f2b18177b200cbbe117577a615d6c770988c0bad946e2"
        "08e24fa074e5ab3143db5bfce0fd108e4b82d120a93ad2caffffffffffffffff",
        16,
    ),
    generator=2,
    digest="sha256",
    pad=twos_complement,
)

_HEX: Final = re.compile(r"[0-9a-fA-F]+")
_LONE_SURROGATE: Final = re.compile(r"[\ud800-\udfff]")


def parse_hex(name: str, text: str, most_digits: int = INTEGER_DIGITS) -> int:
    """Read a hexadecimal integer strictly: digits only, bounded, no sign, prefix or white space.

    Args:
        name: What the value is, for the error.
        text: 1 to `most_digits` hexadecimal digits, odd numbers of them included.
        most_digits: The bound, checked before anything is computed.

    Raises:
        UnsafeSrpValueError: The text is not of this form.
    """
    if len(text) > most_digits:
        msg = f"{name} has {len(text)} digits; at most {most_digits} are allowed"
        raise UnsafeSrpValueError(msg)
    if not _HEX.fullmatch(text):
        msg = f"{name} is not a hexadecimal number"
        raise UnsafeSrpValueError(msg)
    return int(text, 16)


def parse_secret_block(text: str) -> bytes:
    """Read SECRET_BLOCK: base64 of 1 to 6144 bytes that mean something to the server only.

    Raises:
        UnsafeSrpValueError: The text is empty, too long or not base64.
    """
    if not 0 < len(text) <= SECRET_BLOCK_CHARS:
        msg = f"SECRET_BLOCK has {len(text)} characters; 1 to {SECRET_BLOCK_CHARS} are allowed"
        raise UnsafeSrpValueError(msg)
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        msg = "SECRET_BLOCK is not base64"
        raise UnsafeSrpValueError(msg) from None


def pool_name(user_pool_id: str) -> str:
    """Return the part of a user pool id that is hashed: the part after its first `_`."""
    return user_pool_id.partition("_")[2]


_WEEKDAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS: Final = (
    *("Jan", "Feb", "Mar", "Apr", "May", "Jun"),
    *("Jul", "Aug", "Sep", "Oct", "Nov", "Dec"),
)


def timestamp(now: datetime) -> str:
    """Return TIMESTAMP: `EEE MMM d HH:mm:ss UTC yyyy`, in UTC and English, the day not padded.

    strftime would ask the process's locale and pad the day; Cognito then answers "Incorrect
    username or password."

    Args:
        now: The time at which the challenge is answered; aware, of any zone.
    """
    at = now.astimezone(UTC)
    return (
        f"{_WEEKDAYS[at.weekday()]} {_MONTHS[at.month - 1]} {at.day} "
        f"{at.hour:02}:{at.minute:02}:{at.second:02} UTC {at.year:04}"
    )


def session_key(u: int, shared_secret: int) -> bytes:
    """Return K: 16 bytes of HKDF-SHA256 (RFC 5869) over PAD(S) with PAD(u) as salt."""
    extracted = hmac.digest(twos_complement(u), twos_complement(shared_secret), "sha256")
    return hmac.digest(extracted, b"Caldera Derived Key\x01", "sha256")[:16]


def claim_signature(key: bytes, name: str, user_id: str, secret_block: bytes, stamp: str) -> bytes:
    """Return PASSWORD_CLAIM_SIGNATURE: HMAC(K, pool name ‖ user id ‖ SECRET_BLOCK ‖ TIMESTAMP)."""
    message = name.encode() + user_id.encode() + secret_block + stamp.encode()
    return hmac.digest(key, message, "sha256")


@frozen(kw_only=True)
class ProverChallenge:
    """The values that PASSWORD_VERIFIER (or DEVICE_PASSWORD_VERIFIER) gives to the prover.

    Args:
        name: The pool's name, or the device group key.
        user_id: USER_ID_FOR_SRP, or the device key.
        salt: SALT as an integer.
        public_b: B.
        secret_block: SECRET_BLOCK, decoded.
    """

    name: str
    user_id: str
    salt: int
    public_b: int = field(repr=False)
    secret_block: bytes = field(repr=False)

    @classmethod
    def parse(
        cls, *, name: str, user_id: str, salt: str, public_b: str, secret_block: str
    ) -> "ProverChallenge":
        """Read a challenge from the texts that were sent, strictly.

        Raises:
            UnsafeSrpValueError: A value is malformed, oversized or out of range.
        """
        challenge = cls(
            name=name,
            user_id=user_id,
            salt=parse_hex("SALT", salt, SALT_DIGITS),
            public_b=parse_hex("SRP_B", public_b),
            secret_block=parse_secret_block(secret_block),
        )
        if not 0 < challenge.public_b < COGNITO.prime:
            msg = "SRP value B is out of range; the sign-in cannot go on"
            raise UnsafeSrpValueError(msg)
        return challenge


@frozen(kw_only=True)
class Prover:
    """The client's half of one handshake. Make one for each handshake, by `Prover.start`."""

    a: Secret[int]
    public_a: int = field(repr=False)

    @classmethod
    def start(cls, random: bytes) -> "Prover":
        """Draw A. This takes about a millisecond: keep it off an event loop.

        Args:
            random: 32 bytes or more from a cryptographic source, used for this handshake only.

        Raises:
            ValueError: Fewer than 32 bytes were given.
        """
        if len(random) < EPHEMERAL_BYTES:
            msg = f"SRP's a needs {EPHEMERAL_BYTES} random bytes or more, not {len(random)}"
            raise ValueError(msg)
        a = int.from_bytes(random, "big")
        return cls(a=Secret(a), public_a=COGNITO.public_a(a))

    @property
    def srp_a(self) -> str:
        """SRP_A as it is sent: lower-case hexadecimal without padding."""
        return f"{self.public_a:x}"

    def prove(self, challenge: ProverChallenge, password: Secret[str]) -> Secret[bytes]:
        """Return K, the key that signs the claim. This takes some 3 ms: keep it off an event loop.

        Args:
            challenge: What the server asked with.
            password: Hashed as it is given, in UTF-8, never normalised.

        Raises:
            UnsafeSrpValueError: B or u is unsafe; the password was not used.
        """
        u = COGNITO.scramble(self.public_a, challenge.public_b)
        x = password_key(challenge.name, challenge.user_id, challenge.salt, password)
        shared = COGNITO.prover_secret(self.a.reveal(), challenge.public_b, u, x.reveal())
        return Secret(session_key(u, shared))


def sign_claim(key: Secret[bytes], challenge: ProverChallenge, stamp: str) -> bytes:
    """Sign the claim with K: PASSWORD_CLAIM_SIGNATURE for a TIMESTAMP made just now."""
    return claim_signature(
        key.reveal(), challenge.name, challenge.user_id, challenge.secret_block, stamp
    )


def password_key(name: str, user_id: str, salt: int, password: Secret[str]) -> Secret[int]:
    """Return x = H(PAD(salt) ‖ H(name ‖ user id ‖ ":" ‖ password)). Protect it like the password.

    Raises:
        MisuseError: The password holds a lone surrogate. Python's own error would show it whole.
    """
    if _LONE_SURROGATE.search(password.reveal()):
        msg = "the password holds characters that UTF-8 cannot carry; was it decoded wrongly?"
        raise MisuseError(msg)
    return Secret(
        COGNITO.private_key(
            twos_complement(salt),
            name.encode() + user_id.encode(),
            password.reveal().encode(),
        )
    )


def password_verifier(name: str, user_id: str, salt: int, password: Secret[str]) -> int:
    """Return v, the only trace of a password that a pool keeps. It takes about a millisecond."""
    return COGNITO.verifier(password_key(name, user_id, salt, password).reveal())


@frozen(kw_only=True)
class Verifier:
    """The server's half of one handshake.

    Args:
        v: The user's verifier.
        b: The private value of this handshake.
        public_b: B, made from both.
    """

    v: int = field(repr=False)
    b: Secret[int]
    public_b: int = field(repr=False)

    @classmethod
    def start(cls, v: int, random: bytes) -> "Verifier":
        """Draw B. This takes about a millisecond: keep it off an event loop.

        Args:
            v: The user's verifier.
            random: 32 bytes or more from a cryptographic source, used for this handshake only.

        Raises:
            ValueError: Fewer than 32 bytes were given.
        """
        if len(random) < EPHEMERAL_BYTES:
            msg = f"SRP's b needs {EPHEMERAL_BYTES} random bytes or more, not {len(random)}"
            raise ValueError(msg)
        b = int.from_bytes(random, "big")
        return cls(v=v, b=Secret(b), public_b=COGNITO.public_b(b, v))

    @property
    def srp_b(self) -> str:
        """SRP_B as it is sent: lower-case hexadecimal without padding."""
        return f"{self.public_b:x}"

    def key(self, public_a: int) -> Secret[bytes]:
        """Return K as the server sees it. This takes some 2 ms: keep it off an event loop.

        Raises:
            UnsafeSrpValueError: A or u is unsafe; nothing was computed with the verifier.
        """
        u = COGNITO.scramble(public_a, self.public_b)
        shared = COGNITO.verifier_secret(self.b.reveal(), public_a, u, self.v)
        return Secret(session_key(u, shared))


def parse_public_a(text: str) -> int:
    """Read SRP_A strictly, before any work is done with it.

    Raises:
        UnsafeSrpValueError: It is malformed, oversized, or not between 0 and N.
    """
    value = parse_hex("SRP_A", text)
    if not 0 < value < COGNITO.prime:
        msg = "SRP value A is out of range; the sign-in cannot go on"
        raise UnsafeSrpValueError(msg)
    return value
