"""The part of a sign-in's stored state that is about its second factor."""

import base64
from typing import Any, Self

from attrs import field, frozen

from authflow.secret import Secret


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
    """

    code: Secret[str] | None = None
    address: str | None = field(default=None, repr=False)
    new: bool = False
    authenticator: bytes | None = field(default=None, repr=False)
    verified: bool = False

    def to_json(self) -> dict[str, Any]:
        """Return the state in a form that can be sealed."""
        sealed = self.authenticator
        return {
            "code": None if self.code is None else self.code.reveal(),
            "address": self.address,
            "new": self.new,
            "authenticator": None if sealed is None else base64.b64encode(sealed).decode(),
            "verified": self.verified,
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
        )
