"""E-mail by SMTP, to a real server."""

import logging
import socket
import ssl
from collections.abc import Callable
from typing import Any

import pytest
from authflow_otp.messages import CodeMessage, Templates
from authflow_otp.senders import SmtpSender

from authflow.errors import CodeDeliveryError, ConfigError, OutcomeUnknownError, TransportError
from authflow.plugins import Secret

SHOP = "Example Shop <no-reply@example.com>"
LOGIN = {"username": "shop", "password": "Mail-secret-1"}


def message(to: str = "ada@example.com", language: str = "en") -> CodeMessage:
    return Templates().written(
        destination=to, code=Secret("471108"), language=language, minutes=5, purpose="Café"
    )


@pytest.mark.parametrize("security", ["starttls", "tls"])
async def test_mail_goes_over_tls_with_a_login(
    mail_server: Callable[..., Any], security: str
) -> None:
    server = await mail_server(security)
    sender = SmtpSender(
        host="localhost",
        port=server.port,
        from_address=SHOP,
        security=security,
        tls=server.trusted,
        **LOGIN,
    )
    await sender.send(message(language="fr"))
    (mail,) = server.mails
    assert server.encrypted == [True]
    assert server.logins == ["shop"]
    assert server.recipients == [["ada@example.com"]]
    assert mail["To"] == "ada@example.com"
    assert mail["From"] == SHOP
    assert mail["Subject"] == "Votre code pour Café"
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["Message-ID"].endswith("@example.com>")
    assert "471108 est votre code pour Café" in mail.get_content()


async def test_a_server_on_this_machine_may_do_without_tls(mail_server: Callable[..., Any]) -> None:
    server = await mail_server("none")
    sender = SmtpSender(host="127.0.0.1", port=server.port, from_address=SHOP, security="none")
    await sender.send(message())
    assert server.encrypted == [False]
    assert "471108" in server.mails[0].get_content()


async def test_a_server_whose_certificate_is_not_trusted_gets_nothing(
    mail_server: Callable[..., Any],
) -> None:
    server = await mail_server("starttls")
    sender = SmtpSender(host="localhost", port=server.port, from_address=SHOP, **LOGIN)
    with pytest.raises(TransportError, match="cannot be reached or trusted"):
        await sender.send(message())
    assert (server.mails, server.logins) == ([], [])


async def test_a_server_without_starttls_gets_nothing(mail_server: Callable[..., Any]) -> None:
    server = await mail_server("none")
    sender = SmtpSender(host="localhost", port=server.port, from_address=SHOP)
    with pytest.raises(TransportError):
        await sender.send(message())
    assert server.mails == []


async def test_a_wrong_password_is_a_clear_failure(mail_server: Callable[..., Any]) -> None:
    server = await mail_server("tls")
    sender = SmtpSender(
        host="localhost",
        port=server.port,
        from_address=SHOP,
        security="tls",
        tls=server.trusted,
        username="shop",
        password="Wrong-secret-1",
    )
    with pytest.raises(CodeDeliveryError, match="SMTPAuthenticationError") as caught:
        await sender.send(message())
    assert "Wrong-secret-1" not in repr((sender, caught.value.__cause__, caught.value.message))


async def test_a_refusal_names_a_number_and_not_the_address(
    mail_server: Callable[..., Any],
) -> None:
    server = await mail_server("none")
    server.refuse = "550 no ada@example.com here"
    sender = SmtpSender(host="localhost", port=server.port, from_address=SHOP, security="none")
    with pytest.raises(CodeDeliveryError, match="refuses") as caught:
        await sender.send(message())
    assert "ada" not in caught.value.message
    assert caught.value.__cause__ is None


async def test_a_connection_lost_while_the_server_has_the_mail_is_an_unknown_outcome(
    mail_server: Callable[..., Any],
) -> None:
    server = await mail_server("none")
    server.drop = True
    sender = SmtpSender(host="localhost", port=server.port, from_address=SHOP, security="none")
    with pytest.raises(OutcomeUnknownError, match="may have been sent"):
        await sender.send(message())


async def test_an_address_beyond_ascii_is_sent_to_by_servers_that_know_how(
    mail_server: Callable[..., Any],
) -> None:
    settings = {"host": "localhost", "from_address": SHOP, "security": "none"}
    server = await mail_server("none")
    await SmtpSender(port=server.port, **settings).send(message("josé@example.com"))
    assert server.recipients == [["josé@example.com"]]
    server = await mail_server("none", utf8=False)
    with pytest.raises(TransportError, match="SMTPNotSupported"):
        await SmtpSender(port=server.port, **settings).send(message("josé@example.com"))
    assert server.mails == []


async def test_nobody_listening_is_a_clear_failure() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        sender = SmtpSender(host="127.0.0.1", port=port, from_address=SHOP, security="none")
        with pytest.raises(TransportError, match="cannot be reached"):
            await sender.send(message())


async def test_a_silent_server_is_not_waited_for() -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        sender = SmtpSender(
            host="127.0.0.1",
            port=silent.getsockname()[1],
            from_address=SHOP,
            security="none",
            timeout=0.2,
        )
        with pytest.raises(TransportError, match="cannot be reached"):
            await sender.send(message())


async def test_nothing_of_a_message_is_logged(
    mail_server: Callable[..., Any], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    logging.getLogger("mail.log").setLevel(logging.CRITICAL)  # the server's own
    server = await mail_server("starttls")
    sender = SmtpSender(
        host="localhost", port=server.port, from_address=SHOP, tls=server.trusted, **LOGIN
    )
    await sender.send(message())
    assert server.mails
    told = "\n".join(r.getMessage() for r in caplog.records if not r.name.startswith("mail."))
    assert not any(word in told for word in ("471108", "Mail-secret-1", "ada@example.com"))


def lax(verify: ssl.VerifyMode) -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = verify
    return context


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"security": "none"}, "do not travel unencrypted"),
        ({"security": "ssl"}, "security is one of"),
        ({"host": ""}, "host must be"),
        ({"username": "shop"}, "a username and a password"),
        ({"password": "x"}, "a username and a password"),
        ({"port": 0}, "1 to 65535"),
        ({"port": True}, "1 to 65535"),
        ({"timeout": 0}, "positive"),
        ({"tls": lax(ssl.CERT_NONE)}, "verify the server's certificate"),
        ({"tls": lax(ssl.CERT_REQUIRED)}, "verify the server's certificate and its name"),
        ({"from_address": "nobody"}, "from_address"),
        ({"from_address": "a@example.com, b@example.com"}, "from_address"),
        ({"from_address": "a@example.com\r\nBcc: b@example.com"}, "from_address"),
        ({"from_address": ""}, "from_address"),
        ({"from_address": None}, "from_address"),
    ],
)
def test_unsafe_and_malformed_settings_are_refused(settings: dict[str, Any], says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        SmtpSender(**{"host": "smtp.example.com", "from_address": SHOP, **settings})


@pytest.mark.parametrize("to", ["a@b\r\nBcc: c@d", "a@b, c@d", "", "a"])
async def test_what_is_no_single_address_is_not_sent_to(
    mail_server: Callable[..., Any], to: str
) -> None:
    server = await mail_server("none")
    sender = SmtpSender(host="localhost", port=server.port, from_address=SHOP, security="none")
    with pytest.raises(CodeDeliveryError):
        await sender.send(message(to))
    assert server.mails == []
