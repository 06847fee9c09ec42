"""Senders of codes and links: the protocol, and the sender of e-mail by SMTP.

Those that send by AWS are in `authflow_otp.aws_senders`.

A sender that raises says that the message was certainly not sent, and may be tried again. One that
does not know raises `OutcomeUnknownError`: then it counts as sent, since two messages for one code
do more harm than none, for which a user can ask again.
"""

import ssl
from contextlib import suppress
from datetime import UTC, datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP as LINES_OF_SMTP
from email.utils import format_datetime, make_msgid
from typing import ClassVar, Final, Literal, Protocol

import aiosmtplib
import anyio
from attrs import define, field

from authflow.errors import CodeDeliveryError, OutcomeUnknownError, TransportError
from authflow.plugins import ConfigError, Secret
from authflow.safe_url import is_loopback, safe_host
from authflow_otp.destinations import Medium, is_sound
from authflow_otp.messages import Message

Security = Literal["starttls", "tls", "none"]
"""The encryption of a connection: STARTTLS (RFC 3207), TLS from the start (RFC 8314), or none."""

_PORTS: Final[dict[Security, int]] = {"starttls": 587, "tls": 465, "none": 25}


class Sender(Protocol):
    """Sends messages through one medium."""

    medium: ClassVar[Medium]
    """The medium of its messages, which decides which attribute is the destination."""

    async def send(self, message: Message) -> None:
        """Send a message.

        Raises:
            CodeDeliveryError: It was certainly not sent: it is refused.
            OutcomeUnknownError: It may have been sent.
            TransportError: It was certainly not sent: nobody took it.
        """


def sender_address(text: str) -> Address:
    """Read the sender's address.

    Args:
        text: An address, or a name and an address, as `Example <no-reply@example.com>`.

    Raises:
        ConfigError: It is something else.
    """
    header = EmailMessage(policy=LINES_OF_SMTP)
    try:
        header["From"] = text
        (address,) = header["From"].addresses
        sound = not header["From"].defects and address.username and address.domain
    except (ValueError, TypeError, AttributeError, IndexError):
        sound = False
    if not sound:
        msg = "otp: from_address is one address, such as 'Example <no-reply@example.com>'"
        raise ConfigError(msg)
    checked: Address = address
    return checked


def _host(host: str) -> str:
    return safe_host(host, "SmtpSender: host")


def _secret(password: str | Secret[str] | None) -> Secret[str] | None:
    return None if password is None else Secret[str].of(password)


@define(kw_only=True, eq=False)
class SmtpSender:
    """Sends e-mail by SMTP, each message over a new connection.

    Args:
        host: The mail server.
        from_address: Whom the mail comes from, as `Example <no-reply@example.com>`.
        security: "starttls", "tls", or "none", which is for a server on this machine.
        port: Its port; by default 587, 465 or 25, as the security says.
        username: Whom to log in as; nobody if there is none.
        password: The password.
        tls: How to trust the server's certificate; by default as this system does.
        timeout: How many seconds the server may take, which keeps the user waiting.

    Raises:
        ConfigError: The mail would travel unencrypted, or a setting is malformed.
    """

    medium: ClassVar[Medium] = Medium.EMAIL

    host: str = field(converter=_host)
    from_address: Address = field(converter=sender_address)
    security: Security = "starttls"
    port: int | None = None
    username: str | None = None
    password: Secret[str] | None = field(default=None, converter=_secret)
    tls: ssl.SSLContext | None = field(default=None, repr=False)
    timeout: float = 3.0

    def __attrs_post_init__(self) -> None:
        if self.security not in _PORTS:
            msg = f"SmtpSender: security is one of {', '.join(_PORTS)}"
            raise ConfigError(msg)
        if self.security == "none" and not is_loopback(self.host):
            msg = (
                "SmtpSender: codes do not travel unencrypted to another machine;"
                ' take security="starttls" or "tls"'
            )
            raise ConfigError(msg)
        if (self.username is None) != (self.password is None):
            msg = "SmtpSender: give a username and a password, or neither"
            raise ConfigError(msg)
        if self.port is not None and (type(self.port) is not int or not 0 < self.port < 65536):
            msg = "SmtpSender: port is a number from 1 to 65535"
            raise ConfigError(msg)
        if not self.timeout > 0:
            msg = "SmtpSender: timeout is a positive number of seconds"
            raise ConfigError(msg)
        if self.tls is None and self.security != "none":
            self.tls = ssl.create_default_context()  # at the start, since it reads many files
        elif self.tls is not None and not (
            self.tls.verify_mode is ssl.CERT_REQUIRED and self.tls.check_hostname
        ):
            msg = "SmtpSender: tls must verify the server's certificate and its name"
            raise ConfigError(msg)

    async def send(self, message: Message) -> None:
        """Send a message.

        Raises:
            CodeDeliveryError: The server refuses it.
            TransportError: The server cannot be reached or trusted.
            OutcomeUnknownError: The connection was lost while the server had it.
        """
        mail = self._mail(message)
        server = aiosmtplib.SMTP(
            hostname=self.host,
            port=self.port or _PORTS[self.security],
            username=self.username,
            password=None if self.password is None else self.password.reveal(),
            local_hostname="localhost",  # does not reveal the name of this machine
            use_tls=self.security == "tls",
            start_tls=self.security == "starttls",
            tls_context=self.tls,
            timeout=self.timeout,
        )
        handed_over = False
        try:
            with anyio.fail_after(self.timeout):
                await server.connect()
                handed_over = True
                await server.send_message(mail)
        except (aiosmtplib.SMTPResponseException, aiosmtplib.SMTPRecipientsRefused) as error:
            # The server's words may repeat the address, so only its number is reported.
            code = getattr(error, "code", "recipient")
            msg = f"the mail server refuses the message: {type(error).__name__} ({code})"
            raise CodeDeliveryError(msg) from None
        except (aiosmtplib.SMTPException, OSError, ValueError) as error:
            why = type(error).__name__
            lost = (aiosmtplib.SMTPServerDisconnected, aiosmtplib.SMTPTimeoutError, OSError)
            if handed_over and isinstance(error, lost):
                msg = f"the mail server's answer was lost ({why}): the message may have been sent"
                raise OutcomeUnknownError(msg) from None
            msg = f"the mail server cannot be reached or trusted, or cannot take the message: {why}"
            raise TransportError(msg) from None
        else:
            with suppress(aiosmtplib.SMTPException, OSError), anyio.move_on_after(1):
                await server.quit()
        finally:
            server.close()

    def _mail(self, message: Message) -> EmailMessage:
        mail = EmailMessage(policy=LINES_OF_SMTP)
        if not is_sound(Medium.EMAIL, message.destination):
            msg = "otp: the user's address is none that mail can be sent to"
            raise CodeDeliveryError(msg)
        mailbox, _, domain = message.destination.rpartition("@")
        # An address object, since a text could be read as a list of addresses.
        mail["To"] = Address(username=mailbox, domain=domain)
        mail["From"] = self.from_address
        mail["Subject"] = message.subject
        mail["Date"] = format_datetime(datetime.now(UTC))
        mail["Message-ID"] = make_msgid(domain=self.from_address.domain)
        mail["Auto-Submitted"] = "auto-generated"  # RFC 3834: prevents automatic replies
        mail["Content-Language"] = message.language
        mail.set_content(message.text.reveal(), cte="quoted-printable")
        return mail
