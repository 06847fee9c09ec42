"""The client halves: they say where to find a code, and ask for it.

What the user pool sends is not trusted: it is shown only if it is what it claims to be, so that it
can neither steer a terminal nor put words into a person's mouth.
"""

import re
from collections.abc import Sequence
from typing import ClassVar, Final

from authflow.plugins import (
    MOST_TYPED,
    AskAgainError,
    Challenge,
    Filled,
    Form,
    PluginFailedError,
    ShownText,
    TextField,
    WaitField,
    read_code,
    typed_code,
)
from authflow_otp.messages import whole_minutes
from authflow_otp.pasted_links import ELSEWHERE, token_of

_DESTINATION: Final = re.compile(r"\+\*{1,15}[0-9]{0,4}|[^\s@<>]{0,4}\*{1,8}@[^\s@<>]{0,4}\*{1,8}")
_NUMBER: Final = re.compile(r"[0-9]{1,12}")
_WORD: Final = re.compile(r"[a-z]{2,16}")
_SHOWN_NUMBER: Final = re.compile(r"[0-9]{6}")
_CODE: Final = "code"
_LINK: Final = "link"
_WAITED: Final = "waited"
"""The answer when nothing could be sent: it is wrong, and the next attempt sends the link."""
_LONGEST_WAIT: Final = 300
_MEDIA: Final = {"EMAIL": "by e-mail", "SMS": "by text message"}


class OtpPrompter:
    """Answers with a code that was sent by e-mail or SMS."""

    name: ClassVar[str] = "otp"
    interface: ClassVar[int] = 2
    conformance: ClassVar[str] = "authflow_otp.conformance:OtpClientSuite"

    def form(self, challenge: Challenge) -> Form:
        """Return the form that says where the code was sent, and asks for it.

        A person who types nothing asks for the message again, as long as there is another attempt.

        Raises:
            PluginFailedError: The challenge is not one that `otp` makes.
        """
        parameters = challenge.parameters
        medium, to = _where(challenge, "otp")
        digits, expires_in = _number(challenge, "digits"), _number(challenge, "expiresIn")
        told = [_attempt(challenge)] if challenge.is_retry else []
        if "retryAfter" in parameters:
            wait = _number(challenge, "retryAfter")
            told.append(f"No message can be sent {medium} for the next {wait} seconds.")
        elif parameters.get("sent") == "true":
            minutes, again = whole_minutes(expires_in), " again" if challenge.is_retry else ""
            told.append(
                f"A code of {digits} digits was sent{again} {medium} to {to}."
                f" It is good for {minutes} min."
            )
        again_by = _resend(challenge)
        label = "The code:" if again_by is None else "The code, or nothing to have it sent again:"
        return _asking(told, label, required=again_by is None)

    def read(self, challenge: Challenge, filled: Filled) -> str:
        """Return the code; if nothing visible was typed, the word that asks for another message.

        Raises:
            AskAgainError: Nothing was typed, and no other message can be had.
        """
        again_by = _resend(challenge)
        return (
            read_code(filled, _CODE) if again_by is None else typed_code(filled[_CODE]) or again_by
        )


def _resend(challenge: Challenge) -> str | None:
    """Return the word that asks for another message; None at the last attempt."""
    word = challenge.parameters.get("resend", "")
    last = challenge.attempts is not None and challenge.attempt >= challenge.attempts
    return None if last or not _WORD.fullmatch(word) else word


class LinkPrompter:
    """Answers with a link that was sent, or says that it was confirmed in another browser.

    The one field is called `link`. It takes the link or its token, pasted, and as well what the
    link's page hands over to the service. Left empty it means that the link was confirmed
    elsewhere, if the challenge has a number for that.
    """

    name: ClassVar[str] = "link"
    interface: ClassVar[int] = 2
    conformance: ClassVar[str] = "authflow_otp.conformance:LinkClientSuite"

    def form(self, challenge: Challenge) -> Form:
        """Return the form that says where the link was sent, and takes it.

        Raises:
            PluginFailedError: The challenge is not one that `link` makes.
        """
        parameters = challenge.parameters
        medium, to = _where(challenge, "link")
        expires_in, number = _number(challenge, "expiresIn", "link"), _shown_number(challenge)
        told = [_attempt(challenge)] if challenge.is_retry else []
        if "retryAfter" in parameters:
            wait = _number(challenge, "retryAfter", "link")
            told.append(f"No message can be sent {medium} for the next {wait} seconds.")
            waiting = WaitField(
                name=_LINK,
                label="Wait until it can be sent.",
                poll_after=min(max(wait, 1), _LONGEST_WAIT),
            )
            return Form(parts=(*(ShownText(text=text) for text in told), waiting))
        if not expires_in:
            told.append("The link has expired. Begin to sign in again.")
        elif parameters.get("sent") == "true":
            minutes = whole_minutes(expires_in)
            told.append(f"A link was sent {medium} to {to}. It is good for {minutes} min.")
        label = "Open the link in this browser, or paste it here:"
        if number is not None:
            told.append(
                "You may open the link in another browser or on another device: there, type the"
                f" number {number[:3]} {number[3:]}. It is for this window alone."
            )
            label = "The link, or nothing once you have typed the number there:"
        return Form(
            parts=(
                *(ShownText(text=text) for text in told),
                TextField(
                    name=_LINK,
                    label=label,
                    required=number is None,
                    longest=MOST_TYPED,
                    autocomplete="off",
                ),
            )
        )

    def read(self, challenge: Challenge, filled: Filled) -> str:
        """Return the token of the link; if nothing visible was typed, that it was confirmed.

        Raises:
            AskAgainError: What was typed is no link of a message.
        """
        token = token_of(filled[_LINK])
        if token:
            return token
        if "retryAfter" in challenge.parameters:
            return _WAITED
        if not typed_code(filled[_LINK]) and len(filled[_LINK]) <= MOST_TYPED:
            if _shown_number(challenge) is not None:
                return ELSEWHERE
            msg = "Open the link of the message, or paste it here."
            raise AskAgainError(msg, field=_LINK)
        msg = "That is not the link of the message: copy all of it, from https to its end."
        raise AskAgainError(msg, field=_LINK)


def _shown_number(challenge: Challenge) -> str | None:
    """Return the number for another browser; None if the link is for this one alone."""
    number = challenge.parameters.get("number")
    if number is not None and not _SHOWN_NUMBER.fullmatch(number):
        msg = "link: the challenge's number is none"
        raise PluginFailedError(msg)
    return number


class TotpPrompter:
    """Answers with the code that an authenticator app shows."""

    name: ClassVar[str] = "totp"
    interface: ClassVar[int] = 2
    conformance: ClassVar[str] = "authflow_otp.conformance:TotpClientSuite"

    def form(self, challenge: Challenge) -> Form:
        """Return the form for the app's code; after a wrong code, for the app's next one."""
        wait = f"{_attempt(challenge)} Wait for the app to show another code."
        told = [wait] if challenge.is_retry else []
        return _asking(told, "The code of your authenticator app:")

    def read(self, _challenge: Challenge, filled: Filled) -> str:
        """Return the code.

        Raises:
            AskAgainError: Nothing of what was typed is part of one.
        """
        return read_code(filled, _CODE)


class HotpPrompter:
    """Answers with the code that a token shows when its button is pressed."""

    name: ClassVar[str] = "hotp"
    interface: ClassVar[int] = 2
    conformance: ClassVar[str] = "authflow_otp.conformance:HotpClientSuite"

    def form(self, challenge: Challenge) -> Form:
        """Return the form for the token's code; after a wrong code, for two codes in a row."""
        if not challenge.is_retry:
            return _asking([], "The next code of your token:")
        told = (
            f"{_attempt(challenge)} If the button was pressed many times, type the next two codes"
            " one after the other."
        )
        return _asking([told], "The next code of your token, or the next two:")

    def read(self, _challenge: Challenge, filled: Filled) -> str:
        """Return the code, or both codes.

        Raises:
            AskAgainError: Nothing of what was typed is part of one.
        """
        return read_code(filled, _CODE)


def _asking(told: Sequence[str], label: str, *, required: bool = True) -> Form:
    """Return a form that says something and asks for a code."""
    code = TextField(
        name=_CODE,
        label=label,
        required=required,
        longest=MOST_TYPED,
        autocomplete="one-time-code",
        input_mode="numeric",
    )
    return Form(parts=(*(ShownText(text=text) for text in told), code))


def _where(challenge: Challenge, name: str) -> tuple[str, str]:
    """Return how a message was sent, in words, and to where."""
    to = challenge.parameters.get("destination", "")
    medium = _MEDIA.get(challenge.parameters.get("medium", ""))
    if medium is None or not _DESTINATION.fullmatch(to) or not to.isprintable():
        msg = f"{name}: the challenge does not say where its message was sent"
        raise PluginFailedError(msg)
    return medium, to


def _attempt(challenge: Challenge) -> str:
    of = "" if challenge.attempts is None else f" of {challenge.attempts}"
    return f"This is attempt {challenge.attempt}{of}."


def _number(challenge: Challenge, name: str, whose: str = "otp") -> int:
    value = challenge.parameters.get(name, "")
    if not _NUMBER.fullmatch(value):
        msg = f"{whose}: the challenge's {name} is no number"
        raise PluginFailedError(msg)
    return int(value)
