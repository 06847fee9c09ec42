"""The trigger half of `link`: sends a link, and judges what came of it.

RULES

1. A link holds 130 bits that are drawn from `context.randomness` for one user, challenge, pool and
   app client. It is good for ten minutes at most, and signs in once.
2. Only who holds the pending sign-in gets tokens: the link is the answer to one challenge, and
   whoever answers needs Cognito's session of it. Whoever finds the link alone can do nothing by it.
3. With `anywhere` it may be opened in another browser, too. There the person types the number that
   the waiting window shows, the page records it, and the waiting window answers `elsewhere`. No two
   windows of one link have the same number: each is claimed, and when hardly any are left, no
   window more is begun. So a sign-in that a stranger began gains nothing by the click.
4. One message a sign-in. If none could be sent, or sending failed, the next attempt sends it.
5. A user who does not exist, or has no address that Cognito has verified, sees what all others see,
   as with `otp`. Nothing is sent, and no answer is right.

Sources: NIST SP 800-63B-4, "Out-of-Band Verifiers"; OWASP ASVS 5.0, 6.5 and 6.6; RFC 8628, section
5.4, on those who begin sign-ins for others.
"""

import hmac
import json
import logging
import math
import secrets
from typing import TYPE_CHECKING, Any, ClassVar, Final, Self

import anyio
from attrs import evolve, field, frozen

from authflow.errors import StateError
from authflow.plugins import (
    Admitted,
    AlreadySent,
    ConfigError,
    CreateContext,
    Issued,
    Outcome,
    PluginFailedError,
    Secret,
    SendRefused,
    VerifyContext,
    checked_settings,
    typed_code,
)
from authflow.safe_url import safe_url
from authflow_otp.confirmations import Confirmations, new_number
from authflow_otp.delivering import deliver, repeat, shown_destination
from authflow_otp.destinations import destination
from authflow_otp.link_messages import LinkMessage, LinkTemplates
from authflow_otp.link_tokens import SignInLink, new_link_id, owner_of
from authflow_otp.messages import LONGEST_PURPOSE, whole_minutes
from authflow_otp.pasted_links import ELSEWHERE, token_of
from authflow_otp.senders import Sender
from authflow_otp.settings import (
    REMEMBERED,
    check_life,
    check_sending,
    having,
    is_pace,
    is_purpose,
    is_yes_or_no,
    within,
)

if TYPE_CHECKING:
    from authflow.triggers import Limits

SHORTEST_LINK_LIFE: Final = 60
LONGEST_LINK_LIFE: Final = 600
"""The longest life of a link, in seconds: NIST's for what is sent out of band."""

_NUMBERS_TRIED: Final = 8
_NUMBERS_FREE_AFTER: Final = 60.0
"""Seconds after which a window that found no number free may try again. Links are shared for the
cool-down of the limits, which is half of that by default."""

_log: Final = logging.getLogger("authflow.triggers")


@frozen(kw_only=True)
class _SentLink:
    """A link, as it goes from Create to Verify and to the next attempt.

    Args:
        token: The link's token.
        link: What it holds.
        number: The waiting window's number.
        sent: Whether a message was sent, as far as a client is told.
    """

    token: Secret[str]
    link: SignInLink
    number: str
    sent: bool = False

    @classmethod
    def opened(cls, state: Secret[bytes]) -> Self:
        kept = json.loads(state.reveal())
        link = SignInLink(link_id=kept["id"], until=kept["until"], owner=kept["owner"])
        return cls(token=Secret(kept["token"]), link=link, number=kept["number"], sent=kept["sent"])

    def state(self) -> Secret[bytes]:
        kept = {"token": self.token.reveal(), "number": self.number, "sent": self.sent}
        link = {"id": self.link.link_id, "until": self.link.until, "owner": self.link.owner}
        return Secret(json.dumps({**kept, **link}).encode())

    def private(self) -> dict[str, str]:
        return {
            "token": self.token.reveal(),
            "id": self.link.link_id,
            "until": str(self.link.until),
            "owner": self.link.owner,
            "number": self.number,
        }


def _as_templates(value: Any) -> LinkTemplates:
    return value if isinstance(value, LinkTemplates) else LinkTemplates(value)


def _as_page(value: Any) -> str:
    url = safe_url(value, "link: url", base=False)
    if "#" in url:
        msg = "link: url must be without a fragment: the token stands there"
        raise ConfigError(msg)
    return url


def _keeps_confirmations(_link: object, _setting: object, value: Any) -> None:
    if value is not None and not isinstance(value, Confirmations):
        msg = (
            "link: anywhere is None, for the same browser alone, or Confirmations(entries=...,"
            " keys=...), which the page of the link has as well"
        )
        raise ConfigError(msg)


@checked_settings
@frozen(kw_only=True)
class Link:
    """A link, sent by e-mail or SMS, to be opened.

    Public parameters: `destination` (masked), `medium` (EMAIL or SMS), `expiresIn` (seconds),
    `sent` ("true" if the link was sent in this sign-in), with `anywhere` also `number` (what to
    type on the link's page in another browser) and `waitsFor` (for `Confirmations.wait_is_over`)
    and, if none could be sent, `retryAfter` (seconds).

    The right answer is the link, or its token; with `anywhere`, once the number was typed on the
    page, also "elsewhere".

    Args:
        url: Where the link leads: the address of a `LinkPage`, or of a page of your own. The token
            is put behind it as its fragment, which no browser sends to a server.
        sender: Sends the messages, and decides by its medium where to.
        purpose: What the link is for, in the words of the message: the service's name.
        life: For how many seconds it is good. Cognito's sessions last 3 minutes unless the app
            client says more (`AuthSessionValidity`).
        anywhere: Keeps what was confirmed in other browsers; None for the same browser alone.
        templates: The texts of further languages, or other texts for built-in ones.
        language: The language for users whose `locale` has no template.
        pace: How many seconds it takes at least when a message is due, whether or not one is
            sent: a quick answer would tell that a user does not exist. Take what the sender
            takes on a slow day.
        hint: Whether an address's first letters or a number's last digits are shown.

    Raises:
        ConfigError: A setting is out of bounds.
    """

    name: ClassVar[str] = "link"
    metadata: ClassVar[str] = "LINK_CHALLENGE"
    interface: ClassVar[int] = 2
    needs: ClassVar[tuple[str, ...]] = ("limits", "keys")
    sends_to: ClassVar[tuple[str, ...]] = ("email", "phone_number")
    conformance: ClassVar[str] = "authflow_otp.conformance:LinkAnywhereSuite"

    url: str = field(
        converter=_as_page, metadata={"doc": "where the link leads: the address of its page"}
    )
    sender: Sender = field(
        validator=having("send"), metadata={"doc": "sends the messages: an object from the code"}
    )
    purpose: str = field(
        validator=is_purpose,
        metadata={"doc": "what the link is for: the service's name", "maxLength": LONGEST_PURPOSE},
    )
    life: int = field(
        default=300,
        validator=within(SHORTEST_LINK_LIFE, LONGEST_LINK_LIFE),
        metadata={
            "doc": "for how many seconds a link is good",
            "minimum": SHORTEST_LINK_LIFE,
            "maximum": LONGEST_LINK_LIFE,
        },
    )
    anywhere: Confirmations | None = field(
        default=None,
        validator=_keeps_confirmations,
        metadata={"doc": "`Confirmations`, if the link may be opened in another browser, too"},
    )
    templates: LinkTemplates = field(
        factory=LinkTemplates,
        converter=_as_templates,
        metadata={"doc": "a mapping of languages to `LinkTemplate`s, beside en, de, fr and es"},
    )
    language: str = field(
        default="en", metadata={"doc": "the language for users whose `locale` has no template"}
    )
    pace: float = field(
        default=1.0,
        validator=is_pace,
        metadata={
            "doc": "seconds that it takes at least, with or without a message",
            "minimum": 0,
            "maximum": 3,
        },
    )
    hint: bool = field(
        default=True,
        validator=is_yes_or_no,
        metadata={"doc": "whether an address's first letters or a number's last digits are shown"},
    )

    def __attrs_post_init__(self) -> None:
        check_sending(self)

    def check_limits(self, limits: "Limits") -> None:
        """Check that a link is still good when the last sign-in that shares it begins.

        Args:
            limits: Those of the triggers.

        Raises:
            ConfigError: With their cool-down it may not be.
        """
        check_life(self, limits, renewed=False)

    async def create(self, context: CreateContext) -> Issued:
        """Make a link and send it; at a later attempt, only if that could not be done before.

        Raises:
            MisuseError: There are no limits.
            StateError: Nobody knows what is allowed.
        """
        ready_at = anyio.current_time() + self.pace
        medium = self.sender.medium
        to = destination(medium, context.user_attributes)
        issue = None if context.state is None else _SentLink.opened(context.state)
        verdict: Admitted | AlreadySent | SendRefused | None = None
        if issue is None or not issue.sent:
            issue = await self._new(context)
            verdict = SendRefused(retry_after=_NUMBERS_FREE_AFTER)
            if issue.number or self.anywhere is None:
                verdict = await deliver(
                    *(context, to, self._message(context, to, issue)),
                    sender=self.sender,
                    by=self.name,
                    named=issue.link.link_id,
                )
            issue = evolve(issue, sent=not isinstance(verdict, SendRefused))
        elif context.now < issue.link.until:
            await repeat(
                *(context, to, self._message(context, to, issue)),
                sender=self.sender,
                by=self.name,
                named=issue.link.link_id,
            )
        await anyio.sleep_until(ready_at)
        public = {
            "destination": await shown_destination(context, medium, to, hint=self.hint),
            "medium": medium.value,
            "expiresIn": str(self._left(context, issue)),
            "sent": "true" if issue.sent else "false",
        }
        if self.anywhere is not None and issue.number:
            public["number"] = issue.number
            public["waitsFor"] = await self.anywhere.name_of_wait(
                issue.link, issue.number, user_pool_id=context.user_pool_id
            )
        if isinstance(verdict, SendRefused):
            public["retryAfter"] = str(math.ceil(verdict.retry_after))
        reachable = "false" if to is None or context.user_not_found else "true"
        return Issued(
            public=public,
            private={**issue.private(), "reachable": reachable},
            state=issue.state(),
        )

    async def verify(self, context: VerifyContext) -> Outcome:
        """Compare the answer in constant time, or look up whether it was confirmed elsewhere.

        Raises:
            PluginFailedError: The private parameters are not those of this plugin.
            StateError: Nobody knows whether the link was used or confirmed.
        """
        try:
            token, number = context.private["token"], context.private["number"]
            link = SignInLink(
                link_id=context.private["id"],
                until=int(context.private["until"]),
                owner=context.private["owner"],
            )
            reachable = context.private["reachable"] == "true"
        except (KeyError, ValueError):
            msg = "link: the private challenge parameters are not those that create() made"
            raise PluginFailedError(msg) from None
        right = hmac.compare_digest(token_of(context.answer).encode(), token.encode())
        word = typed_code(context.answer).lower().encode("utf-8", "replace")
        elsewhere = hmac.compare_digest(word, ELSEWHERE.encode())
        if elsewhere and self.anywhere is not None:
            right = await self.anywhere.has(link, number)
        if not right:
            return Outcome.retry("not confirmed" if elsewhere else "a wrong link")
        if not reachable or context.user_not_found:
            return Outcome.retry("the link was sent to nobody")
        if context.now >= link.until:
            return Outcome.retry("the link has expired")
        # The triggers know a link by its attempt, and this one may be valid in several: what is
        # used up is this very link, whatever sign-ins share.
        if not await context.claim("link", link.link_id, seconds=REMEMBERED):
            return Outcome.retry("the link was used in another sign-in")
        if self.anywhere is not None:
            await self._tell_that_it_is_used(self.anywhere, link)
        return Outcome.passed(claimed=True)

    async def _new(self, context: CreateContext) -> _SentLink:
        """Draw a link. All runs of Create agree on it, for one of them sends it."""
        link_id = new_link_id(context.randomness)
        ring = await context.key_ring()
        until = math.floor(context.now) + self.life
        agreed = await context.once(
            *("link", link_id), value=f"{until}.{ring.current}".encode(), seconds=REMEMBERED
        )
        first_until, _, key_id = agreed.decode().partition(".")
        ring = await context.key_ring(having=key_id)
        owner = owner_of(ring, context.user_pool_id, context.plain_name)
        link = SignInLink(link_id=link_id, until=int(first_until), owner=owner)
        number = "" if self.anywhere is None else await _own_number(context, link_id)
        return _SentLink(token=link.signed(ring, key_id), link=link, number=number)

    async def _tell_that_it_is_used(self, anywhere: Confirmations, link: SignInLink) -> None:
        """Record it for the page and windows that wait. It proves nothing, so it may fail."""
        try:
            await anywhere.use_up(link, seconds=REMEMBERED)
        except StateError as error:
            _log.warning("link: that a link was used could not be kept: %s", error.message)

    def _left(self, context: CreateContext, issue: _SentLink) -> int:
        """Return the seconds that a link is still good, at most its life: clocks are set back."""
        return min(self.life, max(0, math.ceil(issue.link.until - context.now)))

    def _message(self, context: CreateContext, to: str | None, issue: _SentLink) -> LinkMessage:
        return self.templates.around(
            Secret(f"{self.url}#{issue.token.reveal()}"),
            destination=to or "",
            language=self.templates.language(
                context.user_attributes.get("locale", ""), self.language
            ),
            minutes=whole_minutes(self._left(context, issue)),
            purpose=self.purpose,
        )


async def _own_number(context: CreateContext, link_id: str) -> str:
    """Draw a number that no other window of a link has; an empty text if hardly any are left."""
    window = secrets.token_hex(16).encode()
    for _ in range(_NUMBERS_TRIED):
        number = new_number()
        if window == await context.once(
            *("number", link_id, number), value=window, seconds=REMEMBERED
        ):
            return number
    return ""
