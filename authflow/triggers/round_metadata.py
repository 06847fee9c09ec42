"""The challengeMetadata of a round: the challenge's name, and the state stored with it.

    CAPTCHA_CHALLENGE
    CAPTCHA_CHALLENGE#in.<the sign-in's name>
    OTP_CHALLENGE#in.<the sign-in's name>#af1.<sealed state>
    OTP_CHALLENGE#af1.<sealed state>
    OTP_CHALLENGE#of.2#in.<the sign-in's name>#af1.<sealed state>

Where a policy has several steps of one kind, a round says of which it is (`Policy.number_of`).

Cognito tells a trigger nothing that two sign-ins of one user would not have in common. So where
there are keys, the first round of a sign-in is given a random name, which all rounds find in the
session, and what they seal is bound to it: it opens in no other sign-in.

The name is drawn anew in every run of Create. It must not come out of the randomness that the runs
share, for sign-ins that begin together share that too; and it need not, since Cognito keeps the
metadata of one run, and what was sealed in that run is bound to the name beside it.
"""

import os
from collections.abc import Iterable
from typing import Final, Self

from attrs import frozen

from authflow.triggers.events.challenge_events import SessionEntry
from authflow.triggers.policies.policy import STATE_MARK, STEP

_SIGN_IN: Final = "in."
_NAME_BYTES: Final = 16


@frozen(kw_only=True)
class RoundMetadata:
    """The metadata of one round.

    Args:
        challenge: What stands there for every challenge of this kind.
        step: Which of the policy's steps of this kind it is, if there are several.
        sign_in: The sign-in's name, in the round that was given one.
        state: The sealed state of the challenge's plugin, if it keeps some.
    """

    challenge: str
    step: str | None = None
    sign_in: str | None = None
    state: str | None = None

    @classmethod
    def read(cls, text: str) -> Self:
        """Read Cognito's text. It can be anything: the sealed part is verified by itself."""
        challenge, _, rest = text.partition(STATE_MARK)
        step = sign_in = None
        if rest.startswith(STEP):
            number, _, rest = rest.partition(STATE_MARK)
            step = number.removeprefix(STEP)
        if rest.startswith(_SIGN_IN):
            name, _, rest = rest.partition(STATE_MARK)
            sign_in = name.removeprefix(_SIGN_IN)
        return cls(
            challenge=challenge, step=step or None, sign_in=sign_in or None, state=rest or None
        )

    def write(self) -> str:
        """Write it for Cognito."""
        parts = [self.challenge]
        if self.step is not None:
            parts.append(STEP + self.step)
        if self.sign_in is not None:
            parts.append(_SIGN_IN + self.sign_in)
        if self.state is not None:
            parts.append(self.state)
        return STATE_MARK.join(parts)


def sign_in_of(session: Iterable[SessionEntry]) -> str | None:
    """Return the name of a sign-in; None if no round has one yet.

    Args:
        session: The rounds so far, the first one first.
    """
    told = (RoundMetadata.read(entry.challenge_metadata or "").sign_in for entry in session)
    return next((name for name in told if name is not None), None)


def new_sign_in() -> str:
    """Draw a name for a sign-in: 128 random bits, which nobody can guess."""
    return os.urandom(_NAME_BYTES).hex()
