"""The part of a sign-in's stored state that is about its second factor."""

import base64
from typing import Any, Self

from attrs import field, frozen

from authflow.machine import State
from authflow.secret import Secret


@frozen(kw_only=True)
class GivenFactor:
    """A second factor that was given in a sign-in, and stands in for it until there are tokens.

    Args:
        state: The factor.
        rests_on: The hash of the authenticator or the address that it was given by. Another one
            is another factor.
    """

    state: State
    rests_on: str = field(repr=False)

    def to_json(self) -> list[str]:
        """Return the factor in a form that can be sealed."""
        return [str(self.state), self.rests_on]

    @classmethod
    def from_json(cls, values: list[str]) -> Self:
        """Read the result of `to_json`."""
        state, rests_on = values
        return cls(state=State(state), rests_on=rests_on)


@frozen(kw_only=True)
class FactorState:
    """A second factor that a sign-in waits for, or that is being set up in it.

    It is stored in the sealed session alone: nothing of it is the user's before a code was right.

    Args:
        code: The code that was sent.
        address: The address that it was sent to.
        new: Whether the address is being set up, and not yet the user's.
        authenticator: The sealed secret of an authenticator that is being set up.
        verified: Whether the first code of that authenticator was right.
        ends_at: When the set-up of the authenticator ends, however often it is begun anew, in
            seconds since the epoch.
    """

    code: Secret[str] | None = None
    address: str | None = field(default=None, repr=False)
    new: bool = False
    authenticator: bytes | None = field(default=None, repr=False)
    verified: bool = False
    ends_at: float | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the state in a form that can be sealed."""
        sealed = self.authenticator
        return {
            "code": None if self.code is None else self.code.reveal(),
            "address": self.address,
            "new": self.new,
            "authenticator": None if sealed is None else base64.b64encode(sealed).decode(),
            "verified": self.verified,
            "ends_at": self.ends_at,
        }

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Self:
        """Read the result of `to_json`."""
        code, sealed = values["code"], values["authenticator"]
        return cls(
            code=None if code is None else Secret(code),
            address=values["address"],
            new=values["new"],
            authenticator=None if sealed is None else base64.b64decode(sealed),
            verified=values["verified"],
            ends_at=values["ends_at"],
        )
