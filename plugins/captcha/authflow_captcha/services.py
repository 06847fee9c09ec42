"""The trigger halves for CAPTCHAs of services: Turnstile, hCaptcha and reCAPTCHA.

The client gets the site key, has the service's widget make a token in a browser, and answers with
the token. The service is asked whether it is good, and says for which host name and which action it
was made: a token that was made on another site is of no use here.

A service verifies a token once, and Cognito may run Verify three times for one answer. Turnstile
gives the same verdict again for the same idempotency key, which is made of the token and this very
challenge. hCaptcha and reCAPTCHA call the token used then: with limits it is remembered that it has
passed, and without them, or where the first reply was lost, the person needs another token.
"""

import hashlib
import re
import uuid
from typing import Any, ClassVar, Final, Literal, get_args

from attrs import field, frozen
from attrs.validators import optional

from authflow.plugins import (
    ConfigError,
    CreateContext,
    Issued,
    Outcome,
    PluginFailedError,
    Secret,
    Verdict,
    VerifyContext,
    checked_settings,
)
from authflow.safe_url import safe_url
from authflow_captcha.errors import ServiceReplyError
from authflow_captcha.settings import documented
from authflow_captcha.siteverify import ServiceVerdict, SiteVerify

SITE_KEY: Final = "siteKey"
ACTION: Final = "action"
VERSION: Final = "version"
_ROUND: Final = "round"

_ROUND_BYTES: Final = 16
_REMEMBERED_SECONDS: Final = 900.0
"""Seconds for which a token belongs to one sign-in; services refuse tokens after five minutes."""
_LONGEST_TIMEOUT: Final = 4.0
"""The longest time-out in seconds: Verify has 5 in all."""
_HOST: Final = re.compile(r"[a-z0-9.-]{1,253}")
_ACTION: Final = re.compile(r"[A-Za-z0-9_/-]{1,100}")
_KEY: Final = re.compile(r"[A-Za-z0-9_.-]{1,256}")
_TOKEN: Final = re.compile(r"[!-~]+")


def _hostnames(names: Any) -> Any:
    return tuple(names) if isinstance(names, list | tuple | set | frozenset) else names


def _is_key(settings: "Service", setting: Any, value: str) -> None:
    if not isinstance(value, str) or _KEY.fullmatch(value) is None:
        raise ConfigError(f"{settings.name}: {setting.name} is the public key of your widget")


def _is_secret(settings: "Service", _field: object, secret: object) -> None:
    if not isinstance(secret, Secret) or not secret.reveal():
        msg = f"{settings.name}: wrap the secret, so that no log shows it: secret=Secret(...)"
        raise ConfigError(msg)


def _are_hosts(settings: "Service", _field: object, names: object) -> None:
    sound = (
        isinstance(names, tuple)
        and names
        and all(isinstance(name, str) and _HOST.fullmatch(name) for name in names)
    )
    if not sound:
        msg = (
            f"{settings.name}: hostnames names the hosts whose pages show the widget, in lower case"
            ' and without a scheme or port: hostnames=["example.com"]'
        )
        raise ConfigError(msg)


def _is_action(settings: "Service", _field: object, action: str | None) -> None:
    if action is not None and (not isinstance(action, str) or _ACTION.fullmatch(action) is None):
        msg = f"{settings.name}: action is a name of letters, digits, _, - and /, or None"
        raise ConfigError(msg)


def _is_safe_url(settings: "Service", _field: object, url: str) -> None:
    safe_url(url, f"{settings.name}: url", base=False)


def _is_short(settings: "Service", _field: object, timeout: float) -> None:
    is_number = isinstance(timeout, int | float) and not isinstance(timeout, bool)
    if not is_number or not 0 < timeout <= _LONGEST_TIMEOUT:
        msg = f"{settings.name}: timeout is more than 0 and at most {_LONGEST_TIMEOUT:g}"
        raise ConfigError(msg)


@frozen(kw_only=True)
class Service:
    """The base of the CAPTCHAs of all services.

    Args:
        site_key: The widget's public key.
        secret: The widget's secret key.
        hostnames: The hosts whose pages show the widget.
        timeout: How many seconds the service may take.
        url: Another address than the service's.

    Raises:
        ConfigError: A setting is malformed or unsafe.
    """

    name: ClassVar[str]
    metadata: ClassVar[str]
    interface: ClassVar[int] = 2
    sends_to: ClassVar[tuple[str, ...]] = ()
    suffices: ClassVar[bool] = False
    address: ClassVar[str]
    longest_token: ClassVar[int]

    site_key: str = field(
        validator=_is_key, metadata=documented("the widget's public key, which clients get")
    )
    secret: Secret[str] = field(
        validator=_is_secret,
        hash=False,
        metadata=documented("the widget's secret key, as `Secret(...)`"),
    )
    hostnames: tuple[str, ...] = field(
        converter=_hostnames,
        validator=_are_hosts,
        metadata=documented("the hosts whose pages show the widget; tokens of others are refused"),
    )
    timeout: float = field(
        default=3.0,
        validator=_is_short,
        metadata=documented("how many seconds the service may take", maximum=_LONGEST_TIMEOUT),
    )
    url: str | None = field(
        default=None,
        validator=optional(_is_safe_url),
        metadata=documented("another address than the service's, such as a proxy's"),
    )

    async def create(self, context: CreateContext) -> Issued:
        """Make a challenge with the parameters of the widget to show."""
        return Issued(
            public={SITE_KEY: self.site_key, **self._shown()},
            private={_ROUND: context.randomness.octets(_ROUND_BYTES).hex()},
        )

    async def verify(self, context: VerifyContext) -> Outcome:
        """Ask the service whether the token is valid, and check where it was made.

        Raises:
            ServiceUnavailableError: The service cannot be asked.
            ServiceRefusedError: The service does not accept our secret.
            ServiceReplyError: The service says something that cannot be understood.
            PluginFailedError: The private parameters are not those of this plugin.
        """
        this_round = context.private.get(_ROUND)
        if not this_round:
            msg = f"{self.name}: the private challenge parameters lack {_ROUND!r}"
            raise PluginFailedError(msg)
        token = context.answer.reveal()
        if len(token) > self.longest_token or _TOKEN.fullmatch(token) is None:
            return Outcome.retry("malformed")
        known_as = hashlib.sha256(token.encode()).hexdigest()
        # The service itself refuses a second use. With limits, it is not even asked.
        if context.uses is not None and not await context.claim(
            known_as, seconds=_REMEMBERED_SECONDS
        ):
            return Outcome.retry("spent")
        service = SiteVerify(
            service=self.name,
            url=self.url or self.address,
            secret=self.secret,
            timeout=self.timeout,
        )
        verdict = await service.ask(context.answer, self._asked(token, this_round))
        return await self._as_before(context, known_as, self._outcome(verdict))

    def _outcome(self, verdict: ServiceVerdict) -> Outcome:
        if not verdict.success:
            return Outcome.retry("spent" if verdict.is_spent else "refused")
        if (verdict.hostname or "").lower() not in self.hostnames:
            return Outcome.retry("hostname")
        flaw = self._flaw(verdict)
        return Outcome.passed() if flaw is None else Outcome.retry(flaw)

    @staticmethod
    async def _as_before(context: VerifyContext, known_as: str, outcome: Outcome) -> Outcome:
        """Pass an answer that passed in an earlier run of Verify.

        By then the service calls its token used. Without limits there is no place to remember it.
        """
        if context.uses is None:
            return outcome
        first = await context.once(
            *("verdict", context.private[_ROUND], known_as),
            value=outcome.verdict.encode(),
            seconds=_REMEMBERED_SECONDS,
        )
        return Outcome.passed() if first == Verdict.PASSED.encode() else outcome

    def _shown(self) -> dict[str, str]:
        """Return the widget's parameters apart from the site key."""
        return {}

    def _asked(self, token: str, this_round: str) -> dict[str, str]:  # noqa: ARG002  # see Turnstile
        """Return the members of the request apart from the token."""
        return {}

    def _flaw(self, verdict: ServiceVerdict) -> str | None:  # noqa: ARG002  # not every service tells more
        """Return what is wrong with a token that the service accepts; None if nothing is."""
        return None


@checked_settings
@frozen(kw_only=True)
class Turnstile(Service):
    """A token of Cloudflare's Turnstile.

    Args:
        action: What the widget is shown for. It is told to clients, and checked.

    Raises:
        ConfigError: A setting is malformed or unsafe.
    """

    name: ClassVar[str] = "turnstile"
    metadata: ClassVar[str] = "TURNSTILE_CHALLENGE"
    address: ClassVar[str] = "https://challenges.cloudflare.com/turnstile/v0/siteverify"
    longest_token: ClassVar[int] = 2048

    action: str | None = field(
        default=None,
        validator=_is_action,
        metadata=documented("what the widget is shown for; told to clients, and checked"),
    )

    def _shown(self) -> dict[str, str]:
        return {} if self.action is None else {ACTION: self.action}

    def _asked(self, token: str, this_round: str) -> dict[str, str]:
        # The key is the same in all runs of Verify, and differs between challenges, so that it
        # does not make a token valid for a second sign-in.
        digest = hashlib.sha256(f"{this_round}:{token}".encode()).digest()
        return {"idempotency_key": str(uuid.UUID(bytes=digest[:16], version=4))}

    def _flaw(self, verdict: ServiceVerdict) -> str | None:
        return None if self.action in {None, verdict.action} else "action"


@checked_settings
@frozen(kw_only=True)
class HCaptcha(Service):
    """A token of hCaptcha. The service gets the site key, and refuses tokens of other keys."""

    name: ClassVar[str] = "hcaptcha"
    metadata: ClassVar[str] = "HCAPTCHA_CHALLENGE"
    address: ClassVar[str] = "https://api.hcaptcha.com/siteverify"
    longest_token: ClassVar[int] = 8192

    def _asked(self, token: str, this_round: str) -> dict[str, str]:  # noqa: ARG002  # see Service
        return {"sitekey": self.site_key}


Version = Literal["v2", "v3"]


@checked_settings
@frozen(kw_only=True)
class ReCaptcha(Service):
    """A token of Google's reCAPTCHA, version 2 or 3.

    Version 3 asks nobody anything: it gives a score, and every visitor's token is "good". So the
    version is part of the settings, and a token of the other one is an error.

    Args:
        version: "v2" or "v3".
        action: What the token of version 3 is made for: told to clients, and checked.
        least_score: What version 3 must give at least; 1.0 is surely a person.

    Raises:
        ConfigError: A setting is malformed or unsafe, or version 3 has no action.
    """

    name: ClassVar[str] = "recaptcha"
    metadata: ClassVar[str] = "RECAPTCHA_CHALLENGE"
    address: ClassVar[str] = "https://www.google.com/recaptcha/api/siteverify"
    longest_token: ClassVar[int] = 8192

    version: Version = field(metadata=documented("of reCAPTCHA, as your keys are made for"))
    action: str | None = field(
        default=None,
        validator=_is_action,
        metadata=documented("what the token is made for, in v3; told to clients, and checked"),
    )
    least_score: float = field(
        default=0.5,
        metadata=documented("the least score in v3; 1.0 is a person", minimum=0.0, maximum=1.0),
    )

    def __attrs_post_init__(self) -> None:
        if self.version not in get_args(Version):
            msg = f"recaptcha: version is one of {', '.join(get_args(Version))}"
            raise ConfigError(msg)
        if (self.version == "v3") != (self.action is not None):
            msg = "recaptcha: v3 needs an action, and v2 has none"
            raise ConfigError(msg)
        is_number = isinstance(self.least_score, int | float) and self.least_score is not True
        if not is_number or not 0 < self.least_score <= 1:
            msg = "recaptcha: least_score is more than 0 and at most 1"
            raise ConfigError(msg)

    def _shown(self) -> dict[str, str]:
        return {VERSION: self.version} | ({} if self.action is None else {ACTION: self.action})

    def _flaw(self, verdict: ServiceVerdict) -> str | None:
        if (verdict.score is not None) != (self.version == "v3"):
            msg = f"recaptcha: the keys are not of {self.version}, for the score tells the version"
            raise ServiceReplyError(msg)
        if self.action != verdict.action and self.version == "v3":
            return "action"
        return "score" if verdict.score is not None and verdict.score < self.least_score else None
