"""The device of a sign-in, as far as the sign-in has come with it."""

from typing import Any, Self

from attrs import asdict, frozen


@frozen(kw_only=True)
class DeviceState:
    """The device that a client named during a sign-in.

    Args:
        key: Its key.
        remembered: Whether it was remembered when the last decision was taken.
        spared: Whether a second factor was not asked for because of it. Then it, and no other
            device, must be proved, and must be remembered still.
        proved: Whether it has proved its password.
        found: Whether the sign-in that waits for its proof was found by its key alone, as no
            Session was sent: who proves it need not be who has begun the sign-in.
    """

    key: str
    remembered: bool = False
    spared: bool = False
    proved: bool = False
    found: bool = False

    @property
    def is_rested_on(self) -> bool:
        """Whether a sign-in cannot go on without its device."""
        return self.spared or self.proved

    def to_json(self) -> dict[str, Any]:
        """Return the state in a form that can be sealed."""
        return asdict(self)

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Self:
        """Read the result of `to_json`."""
        return cls(**values)
