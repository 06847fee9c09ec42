"""Messages to users, and the templates of their texts in several languages.

The code, or the link, stands in the body alone. A subject is shown on locked screens and kept in
the logs of mail servers.
"""

import math
import re
import string
from collections.abc import Mapping
from types import MappingProxyType
from typing import ClassVar, Final

from attrs import field, frozen

from authflow.plugins import ConfigError, Secret

LONGEST_SUBJECT: Final = 120
LONGEST_BODY: Final = 1000
LONGEST_PURPOSE: Final = 60

_LANGUAGE: Final = re.compile(r"[a-z]{2,3}(-[a-z0-9]{2,8})*")


_NEARLY: Final = 10.0
"""The seconds by which a minute may be shorter: that long a message travels."""


def whole_minutes(seconds: float) -> int:
    """Return seconds as people are told them: minutes rounded down, but 4:50 is 5; at least 1.

    Args:
        seconds: How long it is.
    """
    return max(1, math.floor((seconds + _NEARLY) / 60))


def is_language(value: object) -> bool:
    """Return whether a value is written as a language is; what is not is shown in no error."""
    return isinstance(value, str) and _LANGUAGE.fullmatch(value) is not None


@frozen(kw_only=True)
class Message:
    """A message for a user: all that a sender needs to know.

    Args:
        destination: The address or number.
        language: The language that was chosen, such as "de".
        minutes: For how many minutes its code or link is good: from `whole_minutes`.
        purpose: What it is for, in the words of the settings.
        subject: The subject in that language, for media that have one.
        text: The text in that language. It holds the code, or the link.
    """

    destination: str = field(repr=False)
    language: str
    minutes: int
    purpose: str
    subject: str
    text: Secret[str]


@frozen(kw_only=True)
class CodeMessage(Message):
    """A message with a code for a user.

    Args:
        destination: The address or number.
        language: The language that was chosen, such as "de".
        minutes: For how many minutes the code is good: from `whole_minutes`.
        purpose: What the code is for, in the words of the settings.
        subject: The subject in that language, for media that have one.
        text: The text in that language. It holds the code.
        code: The code.
    """

    code: Secret[str]


def _check(
    whose: str, what: str, text: object, longest: int, *, allowed: set[str], needed: set[str]
) -> None:
    if not isinstance(text, str) or not 1 <= len(text) <= longest:
        msg = f"{whose}: a template's {what} is a text of 1 to {longest} characters"
        raise ConfigError(msg)
    try:
        parts = list(string.Formatter().parse(text))
    except ValueError:
        msg = f"{whose}: a template's {what} has a brace that is not closed; write {{{{ for a brace"
        raise ConfigError(msg) from None
    named = {name for _, name, _, _ in parts if name is not None}
    if any(spec or conversion for _, _, spec, conversion in parts) or not named <= allowed:
        braced = ", ".join(f"{{{name}}}" for name in sorted(allowed))
        msg = f"{whose}: in a template's {what} there may be {braced} and nothing else in braces"
        raise ConfigError(msg)
    if missing := needed - named:
        msg = f"{whose}: a template's {what} must hold {{{min(missing)}}}"
        raise ConfigError(msg)


@frozen(kw_only=True)
class Template:
    """The words around a code, in one language.

    Args:
        subject: May hold {purpose} and {minutes}, one line, never the code.
        body: Holds {code} and {minutes}, and may hold {purpose}.

    Raises:
        ConfigError: One of them lacks something, or holds what it must not.
    """

    whose: ClassVar[str] = "otp"
    holds: ClassVar[str] = "code"

    subject: str
    body: str

    def __attrs_post_init__(self) -> None:
        whose, needed = self.whose, {self.holds, "minutes"}
        _check(
            *(whose, "subject", self.subject, LONGEST_SUBJECT),
            allowed={"purpose", "minutes"},
            needed=set(),
        )
        if not self.subject.isprintable():
            msg = f"{whose}: a template's subject is one line of printable characters"
            raise ConfigError(msg)
        _check(
            *(whose, "body", self.body, LONGEST_BODY),
            allowed={*needed, "purpose"},
            needed=needed,
        )
        if not self.body.replace("\n", "").isprintable():
            msg = f"{whose}: a template's body holds printable characters and line feeds alone"
            raise ConfigError(msg)


BUILT_IN: Final[Mapping[str, Template]] = MappingProxyType(
    {
        "en": Template(
            subject="Your code for {purpose}",
            body=(
                "{code} is your code for {purpose}. It is good for {minutes} min. Tell it to"
                " nobody. If you did not ask for it, ignore this message."
            ),
        ),
        "de": Template(
            subject="Ihr Code für {purpose}",
            body=(
                "{code} ist Ihr Code für {purpose}. Er gilt {minutes} min. Geben Sie ihn niemandem"
                " weiter. Haben Sie ihn nicht angefordert, beachten Sie diese Nachricht nicht."
            ),
        ),
        "fr": Template(
            subject="Votre code pour {purpose}",
            body=(
                "{code} est votre code pour {purpose}. Il est valable {minutes} min. Ne le"
                " communiquez à personne. Si vous ne l'avez pas demandé, ignorez ce message."
            ),
        ),
        "es": Template(
            subject="Su código para {purpose}",
            body=(
                "{code} es su código para {purpose}. Es válido durante {minutes} min. No se lo"
                " diga a nadie. Si no lo ha pedido, ignore este mensaje."
            ),
        ),
    }
)


def merged_templates(
    own: object, built_in: Mapping[str, Template], kind: type[Template]
) -> Mapping[str, Template]:
    """Return templates of settings together with the built-in ones, before which they go.

    Args:
        own: Those of the settings.
        built_in: The built-in ones, by language.
        kind: The class of which all are.

    Raises:
        ConfigError: They are something else.
    """
    whose = kind.whose
    if not isinstance(own, Mapping):
        msg = (
            f"{whose}: templates is a mapping of languages to templates, such as"
            f' {{"en": {kind.__name__}(...)}}'
        )
        raise ConfigError(msg)
    for language, template in own.items():
        if not is_language(language):
            msg = f"{whose}: templates are named by languages, written small, as en or pt-br"
            raise ConfigError(msg)
        if type(template) is not kind:
            msg = f"{whose}: the template of {language!r} is no {kind.__name__}"
            raise ConfigError(msg)
    return MappingProxyType({**built_in, **own})


def _merged(own: object) -> Mapping[str, Template]:
    return merged_templates(own, BUILT_IN, Template)


class ByLanguage:
    """Templates by their languages, which a user's locale chooses from."""

    by_language: Mapping[str, Template]

    def language(self, locale: str, default: str) -> str:
        """Return the language to use.

        Args:
            locale: The user's attribute `locale`, such as "de-AT" or "de_AT"; it may be anything.
            default: What to take if there is no template for it.
        """
        wanted = locale.strip().lower().replace("_", "-")
        while wanted:
            if wanted in self.by_language:
                return wanted
            wanted = wanted.rpartition("-")[0]
        return default

    def filled_in(
        self, language: str, held: Secret[str], *, minutes: int, purpose: str
    ) -> tuple[str, Secret[str]]:
        """Return the subject and the text of a message.

        Args:
            language: One for which there is a template.
            held: The code, or the link.
            minutes: For how many minutes it is good.
            purpose: What it is for.
        """
        template = self.by_language[language]
        told = {"minutes": minutes, "purpose": purpose}
        text = template.body.format_map({**told, template.holds: held.reveal()})
        return template.subject.format_map(told), Secret(text)


@frozen
class Templates(ByLanguage):
    """The templates of all languages: the built-in ones, and those of the settings before them.

    Args:
        by_language: For each language, its template.

    Raises:
        ConfigError: A language is not written as BCP 47 has it, in small letters, or has something
            else than a template.
    """

    by_language: Mapping[str, Template] = field(default=BUILT_IN, converter=_merged, hash=False)

    def written(
        self, *, destination: str, code: Secret[str], language: str, minutes: int, purpose: str
    ) -> CodeMessage:
        """Return a message.

        Args:
            destination: The address or number.
            code: The code.
            language: One for which there is a template.
            minutes: For how many minutes the code is good.
            purpose: What it is for.
        """
        subject, text = self.filled_in(language, code, minutes=minutes, purpose=purpose)
        return CodeMessage(
            destination=destination,
            code=code,
            language=language,
            minutes=minutes,
            purpose=purpose,
            subject=subject,
            text=text,
        )
