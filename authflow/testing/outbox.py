"""The outbox, in which tests find the messages of a plugin."""

from collections.abc import Iterator

from attrs import define, field, frozen

from authflow.secret import Secret
from authflow.unframed import whole


def _secret(text: str | Secret[str]) -> Secret[str]:
    return Secret.of(text)


@whole
@frozen
class Sent:
    """A message that a plugin has sent.

    Args:
        destination: To whom.
        text: What it says.
    """

    destination: str
    text: Secret[str] = field(converter=_secret)


@define
class Outbox:
    """A stand-in for a sender: give `outbox.send` to a plugin whose settings name one."""

    _sent: list[Sent] = field(factory=list, init=False)

    async def send(self, destination: str, text: str | Secret[str]) -> None:
        """Store a message.

        Args:
            destination: To whom.
            text: What it says.
        """
        self._sent.append(Sent(destination, text))

    def clear(self) -> None:
        """Delete the stored messages."""
        self._sent.clear()

    def __len__(self) -> int:
        return len(self._sent)

    def __iter__(self) -> Iterator[Sent]:
        return iter(tuple(self._sent))

    @property
    def last(self) -> Sent:
        """The last message.

        Raises:
            LookupError: There is none.
        """
        if not self._sent:
            msg = "nothing was sent"
            raise LookupError(msg)
        return self._sent[-1]
