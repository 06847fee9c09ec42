"""The delivery of a challenge's message, by a sender that may fail.

Whoever has no address, or does not exist, is shown as much as others. A message that failed stays
counted, as those do that are for nobody, and is sent at the next attempt.
"""

import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Final

import anyio

from authflow.errors import AuthFlowError, OutcomeUnknownError
from authflow.plugins import (
    Admitted,
    AlreadySent,
    CreateContext,
    SendRefused,
    stray_cancel_fails,
)
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
    context: CreateContext, to: str | None, message: Message, *, sender: Sender, by: str, named: str
) -> Admitted | AlreadySent | SendRefused:
    """Send a message, unless that was done or is not allowed.

    Args:
        context: That of the challenge.
        to: The address or number; None if the user has none.
        message: What to send.
        sender: What sends it.
        by: The challenge's name, for the log.
        named: The message's name, for `repeat`.

    Raises:
        MisuseError: There are no limits.
        StateError: Nobody knows whether it is allowed.
    """
    send = _sending(sender, message, by)
    try:
        return await context.deliver(to, send, medium=sender.medium.value, message=named)
    except _SenderFailedError:
        # The owner finds it in the log. A client that learned of it would know that the user
        # exists, as nothing that could fail is sent to others.
        return Admitted()


async def repeat(
    context: CreateContext, to: str | None, message: Message, *, sender: Sender, by: str, named: str
) -> None:
    """Send a message of an earlier attempt, if it failed then. Nobody is told.

    Args:
        context: That of the challenge.
        to: As for `deliver`.
        message: As for `deliver`.
        sender: As for `deliver`.
        by: As for `deliver`.
        named: The message's name, as it was for `deliver`.

    Raises:
        MisuseError: There are no limits.
        StateError: Nobody knows whether it failed.
    """
    with suppress(_SenderFailedError):
        await context.repeat(to, _sending(sender, message, by), message=named)


def _sending(sender: Sender, message: Message, by: str) -> Callable[[], Awaitable[None]]:
    name = type(sender).__name__

    async def send() -> None:
        try:
            with anyio.move_on_after(SEND_TIMEOUT) as limit, stray_cancel_fails():
                await sender.send(message)
            if limit.cancelled_caught:
                _log.warning(
                    "%s: %s took longer than %g s; the message may have been sent",
                    *(by, name, SEND_TIMEOUT),
                )
        except OutcomeUnknownError as error:
            _log.warning("%s: %s: %s", by, name, error.message)
        except Exception as error:  # noqa: BLE001  # a sender may raise anything
            # The text of other errors may hold the destination, or the code.
            told = error.message if isinstance(error, AuthFlowError) else type(error).__name__
            _log.error("%s: %s has not sent a message: %s", by, name, told)
            raise _SenderFailedError from None

    return send
