"""The fields of a form: each has a name, and its value is a text.

`checked` says whether a value can be one. What it refuses it tells by an `AskAgainError`, whose
words are for the person, and never with the value.

Sources: "Autofill" and `inputmode` of the HTML standard, whose words the hints are; the polling
interval is RFC 8628's §3.2.
"""

import re
from collections.abc import Callable, Iterable
from typing import Any, Final

from attrs import field, frozen

from authflow.errors import AskAgainError
from authflow.forms.shown import NAME, Part, line, of_type, refused, text
from authflow.given_secrets import is_text
from authflow.plugins.typed_text import MOST_TYPED, shows_nothing
from authflow.safe_url import safe_url
from authflow.unframed import whole

FEWEST_OPTIONS, MOST_OPTIONS = 2, 1_000
"""The numbers of options that a choice in a form may have."""
LONGEST_VALUE: Final = 131_072
"""The most characters of an answer for Cognito (`ChallengeResponses` in the API reference)."""
LONGEST_TOKEN: Final = 16_384
AUTOCOMPLETE: Final = frozenset(
    {"off", "one-time-code", "current-password", "new-password", "username", "email", "tel"}
)
INPUT_MODES: Final = frozenset({"text", "numeric", "tel", "email"})
NOTHING_TYPED: Final = "Nothing was typed; try again."
PASSWORDS: Final = frozenset({"current-password", "new-password"})
"""The hints of fields for passwords. They are taken sign for sign: what nobody sees may be one."""
_SHORTEST_WAIT, _LONGEST_WAIT = 1.0, 300.0
_WORD: Final = re.compile(r"[a-z][a-z0-9_-]{0,31}")
_SITE_KEY: Final = re.compile(r"[A-Za-z0-9_.-]{1,256}")
_ACTION: Final = re.compile(r"[A-Za-z0-9_/-]{1,100}")


def _name(_field: object, _attribute: object, value: str) -> None:
    if not isinstance(value, str) or NAME.fullmatch(value) is None:
        raise refused("a field's name is not of letters, digits and _.:- (at most 64)")


def _limit(most: int) -> Callable[[Any, Any, int], None]:
    def check(_field: object, _attribute: object, value: int) -> None:
        if type(value) is not int or not 1 <= value <= most:
            raise refused(f"a field's longest value is a whole number of 1 to {most:,}")

    return check


def _one_of(allowed: frozenset[str]) -> Callable[[Any, Any, str | None], None]:
    def check(_field: object, attribute: Any, value: str | None) -> None:
        if value is not None and not (isinstance(value, str) and value in allowed):
            raise refused(f"{attribute.name} is one of {', '.join(sorted(allowed))}")

    return check


def _matching(pattern: re.Pattern[str], *, needed: bool) -> Callable[[Any, Any, Any], None]:
    def check(_field: object, attribute: Any, value: object) -> None:
        if value is None and not needed:
            return
        if not isinstance(value, str) or pattern.fullmatch(value) is None:
            raise refused(f"the {attribute.name} of a widget is malformed")

    return check


@frozen(kw_only=True)
class FieldPart(Part):
    """The members of every field.

    Args:
        name: The field's name, unique in its form.
        label: What is asked, in one line or several. What cannot be printed in it is escaped.
        shown_if: When it belongs to the form; None for always.
    """

    name: str = field(validator=_name)
    label: str = field(converter=text)

    def checked(self, value: str) -> None:
        """Accept a value that the field can have; refuse any other.

        Raises:
            AskAgainError: It cannot; the text is for the person, and does not show it.
        """
        if not is_text(value):
            msg = "the value must be a text that UTF-8 can carry"
            raise AskAgainError(msg, field=self.name)

    def absent(self) -> str | None:
        """Return the value of a field that nobody has filled in; None if it must be."""
        return None


@frozen(kw_only=True)
class _Typed(FieldPart):
    required: bool = field(default=True, validator=of_type(bool, "required"))
    longest: int = field(default=MOST_TYPED, validator=_limit(LONGEST_VALUE))
    autocomplete: str | None = field(default=None, validator=_one_of(AUTOCOMPLETE))

    def checked(self, value: str) -> None:
        """Accept a value that the field can have; refuse any other.

        Raises:
            AskAgainError: Nothing can be seen of it and something must be typed, or it is too long.
        """
        FieldPart.checked(self, value)
        if self.required and not self._is_typed(value):
            raise AskAgainError(NOTHING_TYPED, field=self.name)
        if len(value) > self.longest:
            msg = f"That is too long; type {self.longest:,} characters at most."
            raise AskAgainError(msg, field=self.name)

    def _is_typed(self, value: str) -> bool:
        return bool(value) and (self.autocomplete in PASSWORDS or not shows_nothing(value))

    def absent(self) -> str | None:
        """Return the value of a field that nobody has filled in; None if it must be."""
        return None if self.required else ""


@whole
@frozen(kw_only=True)
class TextField(_Typed):
    """A line of text.

    Args:
        name: The field's name, unique in its form.
        label: What is asked.
        required: Whether something must be typed that can be seen.
        longest: How many characters a value may have.
        autocomplete: What a browser may fill in, such as "one-time-code"; None for nothing said.
        input_mode: Which keyboard fits, such as "numeric"; None for any.
        shown_if: When it belongs to the form; None for always.
    """

    input_mode: str | None = field(default=None, validator=_one_of(INPUT_MODES))


@whole
@frozen(kw_only=True)
class SecretField(_Typed):
    """A line of text that must not be seen while it is typed.

    Args:
        name: The field's name, unique in its form.
        label: What is asked.
        required: Whether something must be typed: for a password, whatever it is; else something
            that can be seen.
        longest: How many characters a value may have.
        autocomplete: What a browser may fill in, such as "new-password"; None for nothing said.
        shown_if: When it belongs to the form; None for always.
    """


@whole
@frozen(kw_only=True)
class Option:
    """One of several values to choose from.

    Args:
        value: What a choice of it gives.
        label: What the person reads.
    """

    value: str = field(validator=of_type(str, "an option's value"))
    label: str = field(converter=line)

    @classmethod
    def of(cls, given: "str | Option") -> "Option":
        """Return an option whose label is its value."""
        if type(given) is Option:
            return given
        if isinstance(given, Option):  # its JSON would lose whatever it has more
            raise refused(f"{type(given).__name__} is derived from Option: use Option itself")
        if not isinstance(given, str):
            raise refused(f"an option is {type(given).__name__}")
        return cls(value=given, label=given)


def _options(given: Iterable[str | Option]) -> tuple[Option, ...]:
    if isinstance(given, str | bytes) or not isinstance(given, Iterable):
        raise refused("the options of a choice are a tuple of texts, also for one")
    return tuple(map(Option.of, given))


def _are_options(_field: object, _attribute: object, options: tuple[Option, ...]) -> None:
    if not options:
        raise refused("a choice has no options")
    for each in (*(one.value for one in options), *(one.label for one in options)):
        if not each or not each.isprintable():
            raise refused("an option is empty, or cannot be printed")
    if len({one.value for one in options}) + len({one.label for one in options}) < 2 * len(options):
        raise refused("two options of a choice are the same")


@whole
@frozen(kw_only=True)
class ChoiceField(FieldPart):
    """A choice of one of several options.

    Args:
        name: The field's name, unique in its form.
        label: What is asked.
        options: In a form 2 to 1,000; a text is an option whose label is its value.
        shown_if: When it belongs to the form; None for always.
    """

    options: tuple[Option, ...] = field(converter=_options, validator=_are_options)

    def checked(self, value: str) -> None:
        """Accept a value that the field can have; refuse any other.

        Raises:
            AskAgainError: It is none of the options.
        """
        if not isinstance(value, str) or all(value != one.value for one in self.options):
            msg = f"Choose one of {', '.join(one.label for one in self.options)}."
            raise AskAgainError(msg, field=self.name)


@whole
@frozen(kw_only=True)
class WidgetField(FieldPart):
    """A widget of a service, shown by a page; its value is the token that the widget makes.

    A terminal cannot show one: there the form is `Declined`. Everything is checked, since a page
    puts it into HTML.

    Args:
        name: The field's name, unique in its form.
        label: What is asked.
        service: The service, such as "turnstile".
        site_key: The public key.
        script: The address of the service's script, https; None if the page knows it.
        action: What the widget is shown for; None where the service has no such thing.
        version: The widget's version, such as "v3"; None where there is one.
        longest: How many characters a token may have.
        shown_if: When it belongs to the form; None for always.
    """

    service: str = field(validator=_matching(_WORD, needed=True))
    site_key: str = field(validator=_matching(_SITE_KEY, needed=True))
    script: str | None = field(default=None)
    action: str | None = field(default=None, validator=_matching(_ACTION, needed=False))
    version: str | None = field(default=None, validator=_matching(_WORD, needed=False))
    longest: int = field(default=LONGEST_TOKEN, validator=_limit(LONGEST_VALUE))

    @script.validator
    def _script_is_https(self, _attribute: object, value: object) -> None:
        if value is None:
            return
        if not isinstance(value, str) or not _is_safe(value):
            raise refused("the script of a widget has no https address")

    def checked(self, value: str) -> None:
        """Accept a value that the field can have; refuse any other.

        Raises:
            AskAgainError: There is no token, or one that is too long.
        """
        FieldPart.checked(self, value)
        if not 1 <= len(value) <= self.longest:
            msg = f"The widget of {self.service} has not been solved; try again."
            raise AskAgainError(msg, field=self.name)


def _is_safe(url: str) -> bool:
    try:
        safe_url(url, "a script", schemes=("https",), base=False)
    except Exception:  # noqa: BLE001  # whatever is wrong with it
        return False
    return True


@whole
@frozen(kw_only=True)
class WaitField(FieldPart):
    """A wait for something done elsewhere, such as a tap on a telephone. Nothing is typed.

    A page sends the form again after some seconds, or when the person says that it is done. What
    that means is for `read` to say: mostly that the pool should look again. A page that knows more,
    such as the token of a link that was opened in it, may give it as the value.

    Args:
        name: The field's name, unique in its form.
        label: What the person has to do.
        poll_after: After how many seconds the form is sent, 1 to 300; None if the person says when.
        longest: How many characters a value may have.
        shown_if: When it belongs to the form; None for always.
    """

    poll_after: float | None = field(default=None)
    longest: int = field(default=LONGEST_TOKEN, validator=_limit(LONGEST_VALUE))

    @poll_after.validator
    def _waits_some_seconds(self, _attribute: object, value: object) -> None:
        if value is None:
            return
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if not number or not _SHORTEST_WAIT <= value <= _LONGEST_WAIT:  # type: ignore[operator]
            raise refused("poll_after is None, or 1 to 300 seconds")

    def checked(self, value: str) -> None:
        """Accept a value that the field can have; refuse any other.

        Raises:
            AskAgainError: It is too long.
        """
        FieldPart.checked(self, value)
        if len(value) > self.longest:
            msg = f"the value must have {self.longest:,} characters at most"
            raise AskAgainError(msg, field=self.name)

    def absent(self) -> str | None:
        """Return the value of a field that nobody has filled in."""
        return ""


Field = TextField | SecretField | ChoiceField | WidgetField | WaitField
"""The kinds of fields that a form can have."""
