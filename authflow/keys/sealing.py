"""Sealed state, which travels in Cognito's challengeMetadata.

The metadata is all that a later Define or Create learns of an earlier challenge, and others may
read it: it is logged with events, and other triggers see it. What is sealed is hidden, bound to its
place in one sign-in, and expires. A key is derived for each user, challenge and round, so that many
texts never come under one.

Needs the package `cryptography`; importing this module loads it.
"""

import logging
import time
from collections.abc import Callable
from typing import Final

from attrs import astuple, define, field, frozen

from authflow.errors import MisuseError, SealError
from authflow.given_numbers import check_count, is_number
from authflow.keys.key_ring import KeyProvider
from authflow.keys.sealed_text import RefusedTextError, SealedText
from authflow.secret import Secret

MOST_BYTES: Final = 1024
"""The most bytes that can be sealed. Cognito keeps the metadata of all rounds in the session and
sends it in every event, so it must stay small."""

LONGEST: Final = 24 * 3600.0
"""The longest time for which state stays sealed, in seconds."""

_STATE: Final = SealedText(version="af1", purpose="sealing", most_chars=2048, salt_bytes=0)

_log = logging.getLogger(__name__)


def _whole(_instance: object, _attribute: object, value: int) -> None:
    check_count("Binding: round", value, least=0)


@frozen(kw_only=True)
class Binding:
    """The place in a sign-in that sealed state belongs to. The state opens nowhere else.

    Args:
        user_pool_id: The user pool.
        client_id: The app client.
        username: The user's canonical name.
        challenge: The label of the challenge's step in the policy.
        round: Which round of the sign-in it is, from 1.
        sign_in: What tells this sign-in from others of the same user: a name that was drawn in its
            first round. Without it, state of one opens in another one.

    Raises:
        ConfigError: The round is no whole number.
    """

    user_pool_id: str
    client_id: str
    username: str
    challenge: str
    round: int = field(validator=_whole)
    sign_in: str = ""

    def context(self) -> tuple[str, ...]:
        """Return the parts of the binding as strings."""
        return tuple(map(str, astuple(self)))


@define(kw_only=True, eq=False)
class Sealer:
    """Seals state, and opens it again.

    Args:
        keys: The keys. The current one seals; any in the ring opens.
        clock: Gives seconds since the epoch.
    """

    keys: KeyProvider
    clock: Callable[[], float] = field(default=time.time, repr=False)

    async def seal(
        self, content: Secret[bytes], binding: Binding, *, seconds: float, heading: bytes = b""
    ) -> str:
        """Seal bytes.

        Args:
            content: What to seal, at most 1024 bytes.
            binding: Where it belongs.
            seconds: For how long it can be opened, at most a day.
            heading: A few bytes of the caller's own that stand before it, and do not count.

        Returns:
            A text of ASCII letters, digits, `.`, `-` and `_`, of at most 1,500 characters and
            4/3 of the heading's.

        Raises:
            MisuseError: There is too much to seal, or the time is not in its range.
            KeysUnavailableError: The keys cannot be read now.
        """
        if len(content.reveal()) > MOST_BYTES:
            msg = f"at most {MOST_BYTES} bytes can be sealed: keep what is larger in a store"
            raise MisuseError(msg)
        if not is_number(seconds) or not 0 < seconds <= LONGEST:
            msg = f"sealed state is kept for more than 0 and at most {LONGEST:g} seconds"
            raise MisuseError(msg)
        whole = Secret(heading + content.reveal())
        return await _STATE.seal(self.keys, whole, binding.context(), until=self.clock() + seconds)

    async def open(self, sealed: str, binding: Binding) -> Secret[bytes]:
        """Open state that was sealed for the same binding.

        Args:
            sealed: The text.
            binding: Where it was found.

        Returns:
            What was sealed, behind its heading.

        Raises:
            SealError: It was altered, belongs elsewhere, has expired, or its key is gone. The error
                does not say which of these.
            KeysUnavailableError: The keys cannot be read now.
        """
        try:
            opened = await _STATE.open(self.keys, sealed, binding.context(), now=self.clock())
        except RefusedTextError as refused:
            _log.warning("sealed state was refused: %s", refused)
            msg = "the state of this sign-in cannot be opened: begin again"
            raise SealError(msg) from refused
        return opened.content
