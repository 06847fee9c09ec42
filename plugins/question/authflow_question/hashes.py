"""The hashes of answers: argon2id of an HMAC, with a key that no store of answers holds.

An answer has few bits. argon2 alone makes guessing slow for who has stolen a table of hashes; the
key makes it impossible as long as the key is not stolen with it. The HMAC is bound to the pool, the
user and the question, so that a hash that is put in another's place fits nothing.

Sources: RFC 9106 (argon2); "Password Storage Cheat Sheet" of OWASP, for the least cost and for the
"pepper"; NIST SP 800-63B-4, section 3.1.1.2, on a keyed hash with a key that is stored apart.
"""

import base64
import hmac
import secrets
from typing import Final

import anyio
import anyio.to_thread
import argon2
from argon2.exceptions import InvalidHashError, VerificationError, VerifyMismatchError
from attrs import field, frozen

from authflow.errors import KeysUnavailableError
from authflow.keys import KeyProvider, KeyRing, ring_of
from authflow.plugins import ConfigError
from authflow_question.answers import AnswersDamagedError, EnrolledAnswer

MEMORIES_KIB: Final = range(19_456, 262_145)
PASSES: Final = range(2, 17)
AT_ONCE: Final = range(1, 65)
MOST_LANES: Final = 16

_PURPOSE: Final = "question.answers"
_KIND: Final = "$argon2id$"
_SALT_BYTES: Final = 16
_DIGEST_BYTES: Final = 32


def _within(name: str, value: object, allowed: range) -> None:
    if type(value) is not int or value not in allowed:
        msg = f"question: {name} must be a whole number of {allowed[0]} to {allowed[-1]}"
        raise ConfigError(msg)


@frozen(kw_only=True)
class HashBinding:
    """The user and the question to which a hash is bound.

    Args:
        user_pool_id: The user pool.
        username: The user's canonical name.
        question: The question's id.
    """

    user_pool_id: str
    username: str
    question: str


@frozen(kw_only=True, eq=False)
class AnswerHashes:
    """Makes and checks the hashes of answers, in threads.

    Args:
        memory_kib: argon2's memory, in KiB.
        passes: argon2's passes over it.
        at_once: How many hashes are computed at the same time; the others wait.

    Raises:
        ConfigError: A number is out of its range.
    """

    memory_kib: int = MEMORIES_KIB[0]
    passes: int = PASSES[0]
    at_once: int = 4
    _argon2: argon2.PasswordHasher = field(init=False, repr=False)
    _turns: anyio.CapacityLimiter = field(init=False, repr=False)
    _decoy: str = field(init=False, repr=False)

    @_argon2.default
    def _hasher(self) -> argon2.PasswordHasher:
        _within("memory_kib", self.memory_kib, MEMORIES_KIB)
        _within("passes", self.passes, PASSES)
        _within("at_once", self.at_once, AT_ONCE)
        return argon2.PasswordHasher(
            time_cost=self.passes,
            memory_cost=self.memory_kib,
            parallelism=1,
            hash_len=_DIGEST_BYTES,
            salt_len=_SALT_BYTES,
        )

    @_turns.default
    def _limiter(self) -> anyio.CapacityLimiter:
        return anyio.CapacityLimiter(self.at_once)

    @_decoy.default
    def _hash_of_nothing(self) -> str:
        """Return a hash that takes as long to check as a real one, and that no answer fits."""
        salt, digest = (
            base64.b64encode(secrets.token_bytes(size)).decode().rstrip("=")
            for size in (_SALT_BYTES, _DIGEST_BYTES)
        )
        return f"{_KIND}v=19$m={self.memory_kib},t={self.passes},p=1${salt}${digest}"

    async def make(self, place: HashBinding, answer: str, *, keys: KeyProvider) -> EnrolledAnswer:
        """Hash an answer.

        Args:
            place: What it is bound to.
            answer: The answer as `normalised` writes it.
            keys: The key ring. `current` goes into the hash, and must stay in the ring for as long
                as the hash is in use.

        Raises:
            KeysUnavailableError: The keys cannot be read now.
        """
        ring = await ring_of(keys)
        peppered = _peppered(ring, ring.current, place, answer)
        made = await anyio.to_thread.run_sync(self._argon2.hash, peppered, limiter=self._turns)
        return EnrolledAnswer(question=place.question, key_id=ring.current, hash=made)

    async def fits(
        self, enrolled: EnrolledAnswer | None, place: HashBinding, answer: str, *, keys: KeyProvider
    ) -> bool:
        """Return whether an answer is the one that was hashed.

        Args:
            enrolled: The hash; None if there is none, which takes as long and is always wrong.
            place: What it must be bound to.
            answer: The answer as `normalised` writes it.
            keys: The key ring, with the key that went into the hash.

        Raises:
            KeysUnavailableError: The keys cannot be read now, or the hash's key is gone.
            AnswersDamagedError: The hash is none of ours.
        """
        wanted = None if enrolled is None else enrolled.key_id
        ring = await keys.key_ring(having=wanted)
        key_id = ring.current if wanted is None else wanted
        if key_id not in ring.keys:
            msg = (
                f"question: the key {key_id!r:.40}, under which an answer was enrolled, is not in"
                " the key ring: put it back, or have the user enrol anew"
            )
            raise KeysUnavailableError(msg)
        text = self._decoy if enrolled is None else _bounded(enrolled.hash)
        peppered = _peppered(ring, key_id, place, answer)
        right = await anyio.to_thread.run_sync(self._check, text, peppered, limiter=self._turns)
        return right and enrolled is not None

    def _check(self, text: str, peppered: bytes) -> bool:
        try:
            return self._argon2.verify(text, peppered)
        except VerifyMismatchError:
            return False
        except (VerificationError, InvalidHashError) as error:
            raise _damaged() from error


def _peppered(ring: KeyRing, key_id: str, place: HashBinding, answer: str) -> bytes:
    key = ring.subkey(_PURPOSE, place.user_pool_id, place.username, place.question, key_id=key_id)
    # JSON can carry half a surrogate pair, which is in no real answer: it must only not fail.
    return hmac.digest(key, answer.encode("utf-8", "surrogatepass"), "sha256")


def _bounded(text: str) -> str:
    """Refuse a hash that would take gigabytes or hours, since a hash names its own cost."""
    try:
        cost = argon2.extract_parameters(text)
    except (InvalidHashError, ValueError) as error:
        raise _damaged() from error
    if (
        not text.isascii()
        or not text.startswith(_KIND)
        or cost.memory_cost > MEMORIES_KIB[-1]
        or cost.time_cost > PASSES[-1]
        or cost.parallelism > MOST_LANES
    ):
        raise _damaged()
    return text


def _damaged() -> AnswersDamagedError:
    msg = "question: an answer's hash was not made by an enrolment; have the user enrol anew"
    return AnswersDamagedError(msg)
