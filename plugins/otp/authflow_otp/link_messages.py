"""Messages with a sign-in link, and the templates of their texts in several languages.

The link stands on a line of its own, as plain text: what a person sees is where it leads.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import ClassVar, Final

from attrs import field, frozen

from authflow.plugins import Secret
from authflow_otp.messages import ByLanguage, Message, Template, merged_templates


@frozen(kw_only=True)
class LinkMessage(Message):
    """A message with a link for a user.

    Args:
        destination: The address or number.
        language: The language that was chosen, such as "de".
        minutes: For how many minutes the link is good: from `whole_minutes`.
        purpose: What the link is for, in the words of the settings.
        subject: The subject in that language, for media that have one.
        text: The text in that language. It holds the link.
        link: The link.
    """

    link: Secret[str]


@frozen(kw_only=True)
class LinkTemplate(Template):
    """The words around a link, in one language.

    Args:
        subject: May hold {purpose} and {minutes}, one line, never the link.
        body: Holds {link} and {minutes}, and may hold {purpose}.

    Raises:
        ConfigError: One of them lacks something, or holds what it must not.
    """

    whose: ClassVar[str] = "link"
    holds: ClassVar[str] = "link"


LINK_TEXTS: Final[Mapping[str, Template]] = MappingProxyType(
    {
        "en": LinkTemplate(
            subject="Your link to sign in to {purpose}",
            body=(
                "Open this link to sign in to {purpose}:\n\n{link}\n\nIt is good for {minutes} min,"
                " and once. Give it to nobody. If you did not ask for it, ignore this message."
            ),
        ),
        "de": LinkTemplate(
            subject="Ihr Link zur Anmeldung bei {purpose}",
            body=(
                "Öffnen Sie diesen Link, um sich bei {purpose} anzumelden:\n\n{link}\n\nEr gilt"
                " {minutes} min und einmal. Geben Sie ihn niemandem weiter. Haben Sie ihn nicht"
                " angefordert, beachten Sie diese Nachricht nicht."
            ),
        ),
        "fr": LinkTemplate(
            subject="Votre lien de connexion à {purpose}",
            body=(
                "Ouvrez ce lien pour vous connecter à {purpose} :\n\n{link}\n\nIl est valable"
                " {minutes} min et une seule fois. Ne le communiquez à personne. Si vous ne l'avez"
                " pas demandé, ignorez ce message."
            ),
        ),
        "es": LinkTemplate(
            subject="Su enlace para entrar en {purpose}",
            body=(
                "Abra este enlace para entrar en {purpose}:\n\n{link}\n\nEs válido durante"
                " {minutes} min y una sola vez. No se lo dé a nadie. Si no lo ha pedido, ignore"
                " este mensaje."
            ),
        ),
    }
)


def _merged(own: object) -> Mapping[str, Template]:
    return merged_templates(own, LINK_TEXTS, LinkTemplate)


@frozen
class LinkTemplates(ByLanguage):
    """The templates of all languages: the built-in ones, and those of the settings before them.

    Args:
        by_language: For each language, its template.

    Raises:
        ConfigError: A language is not written as BCP 47 has it, in small letters, or has something
            else than a template.
    """

    by_language: Mapping[str, Template] = field(default=LINK_TEXTS, converter=_merged, hash=False)

    def around(
        self, link: Secret[str], *, destination: str, language: str, minutes: int, purpose: str
    ) -> LinkMessage:
        """Return a message.

        Args:
            link: The link.
            destination: The address or number.
            language: One for which there is a template.
            minutes: For how many minutes the link is good.
            purpose: What it is for.
        """
        subject, text = self.filled_in(language, link, minutes=minutes, purpose=purpose)
        return LinkMessage(
            destination=destination,
            link=link,
            language=language,
            minutes=minutes,
            purpose=purpose,
            subject=subject,
            text=text,
        )
