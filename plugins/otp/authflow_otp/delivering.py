"""The delivery of a challenge's message: in the same time to everybody, by a sender that may fail.

Whoever has no address, or does not exist, waits as long as others and is shown as much.
"""

import logging
from typing import Final

import anyio

from authflow.errors import AuthFlowError, OutcomeUnknownError
from authflow.plugins import Admitted, AlreadySent, CreateContext, SendRefused
from authflow_otp.destinations import Medium, blank, masked, stand_in
from authflow_otp.messages import Message
from authflow_otp.senders import Sender

SEND_TIMEOUT: Final = 3.5
"""Seconds that a sender may take. A hook has 4.5, and one that failed would be blamed for it."""

_log: Final = logging.getLogger("authflow.triggers")


class _SenderFailedError(Exception):
    """The sender failed, and the reason is in the log."""


async def shown_destination(
    context: CreateContext, medium: Medium, to: str | None, *, hint: bool
) -> str:
    """Return the destination as clients see it: masked, or a stand-in.

    Args:
        context: That of the challenge.
        medium: How messages travel.
        to: The address or number; None if there is none.
        hint: Whether anything of it is shown.
    """
    # One stand-in for all challenges of a user: an address, too, is the same in all of them.
    nobodys = stand_in(medium, context.username, await context.stand_in(f"otp {medium}"))
    if not hint:
        return blank(medium)
    return nobodys if to is None else masked(medium, to)


async def deliver(
    context: CreateContext,
    to: str | None,
    message: Message,
    *,
    sender: Sender,
    pace: float,
    challenge: str,
) -> Admitted | AlreadySent | SendRefused:
    """Send a message, unless that was done or is not allowed, in the time that it always takes.

    Args:
        context: That of the challenge.
        to: The address or number; None if the user has none.
        message: What to send.
        sender: What sends it.
        pace: How many seconds this takes at least, with or without a message.
        challenge: The challenge's name, for the log.

    Raises:
        MisuseError: There are no limits.
        StateError: Nobody knows whether it is allowed.
    """
    name = type(sender).__name__

    async def send() -> None:
        try:
            with anyio.move_on_after(SEND_TIMEOUT) as limit:
                await sender.send(message)
            if limit.cancelled_caught:
                _log.warning(
                    "%s: %s took longer than %g s; the message may have been sent",
                    *(challenge, name, SEND_TIMEOUT),
                )
        except OutcomeUnknownError as error:
            _log.warning("%s: %s: %s", challenge, name, error.message)
        except Exception as error:  # noqa: BLE001  # a sender may raise anything
            # The text of other errors may hold the destination, or the code.
            told = error.message if isinstance(error, AuthFlowError) else type(error).__name__
            _log.error("%s: %s has not sent a message: %s", challenge, name, told)
            raise _SenderFailedError from None

    ready_at = anyio.current_time() + pace
    try:
        verdict = await context.deliver(to, send)
    except _SenderFailedError:
        # The owner finds it in the log. A client that learned of it would know that the user
        # exists, as nothing that could fail is sent to others. No cool-down follows.
        verdict = Admitted()
    await anyio.sleep_until(ready_at)
    return verdict
