"""Conditions of a policy: on a user's attributes and groups, and on client metadata.

    when(attribute("phone_number_verified", "true") & ~in_group("staff"), challenge("otp"))

WHEN ONE IS EVALUATED

1. A condition on attributes and groups: at every Define and Create, on what the user has then. A
   change during a sign-in makes another path of it, and the sign-in fails.
2. A condition that names client metadata: once, in a round of its own. Cognito delivers what a
   client sends along with InitiateAuth neither to Define nor to Create, and what it sends along
   with an answer to Define and Verify of that answer alone. So the client answers a round without
   a question, Verify evaluates the condition, and Cognito keeps the result in the session.

Client metadata is what the client says, and an attacker's client says what it likes: let it add
challenges to a policy, never take one away that is needed.

Source: "Customizing user pool workflows with Lambda triggers" in the Amazon Cognito developer
guide, on client metadata.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping

from attrs import field, frozen

from authflow.errors import ConfigError
from authflow.triggers.policies.facts import Facts
from authflow.unframed import whole


@frozen
class Condition(ABC):
    """A condition that holds for a sign-in or not. Combine conditions with `&`, `|` and `~`."""

    def __and__(self, other: "Condition") -> "Condition":
        return _Both(self, _condition(other))

    def __or__(self, other: "Condition") -> "Condition":
        return ~(~self & ~_condition(other))

    def __invert__(self) -> "Condition":
        return self.negated if isinstance(self, _Not) else _Not(self)

    @abstractmethod
    def holds(self, facts: Facts) -> bool:
        """Return whether the condition holds."""

    @property
    def parts(self) -> tuple["Condition", ...]:
        """The simple conditions, each on one thing, that it is made of."""
        return (self,)

    @property
    def is_told_by_client(self) -> bool:
        """Whether it names client metadata, and so is evaluated in its own round."""
        return bool(self.client_metadata_names)

    @property
    def client_metadata_names(self) -> tuple[str, ...]:
        """The keys of client metadata that it names."""
        told = (part.name for part in self.parts if isinstance(part, ClientMetadata))
        return tuple(dict.fromkeys(told))

    @property
    def needs_groups(self) -> bool:
        """Whether it names a group."""
        return any(isinstance(part, InGroup) for part in self.parts)


def _name(value: str) -> str:
    if not isinstance(value, str) or not value:
        msg = f"a condition names an attribute, a group or a key as a text, not {value!r:.80}"
        raise ConfigError(msg)
    return value


def _values(values: tuple[str, ...]) -> frozenset[str]:
    if not all(isinstance(value, str) for value in values):
        msg = "a condition's values are texts: Cognito writes true as 'true'"
        raise ConfigError(msg)
    return frozenset(values)


@whole
@frozen
class _Named(Condition):
    """A condition on one value of a map: it is there, or it is one of some values."""

    name: str = field(converter=_name)
    values: frozenset[str] = field(default=(), converter=_values)

    def _holds_in(self, told: Mapping[str, str]) -> bool:
        if self.name not in told:
            return False
        return not self.values or told[self.name] in self.values

    def _text(self, what: str) -> str:
        named = " or ".join(sorted(self.values))
        return f"{what} {self.name} is {named}" if named else f"{what} {self.name} is there"


@whole
@frozen
class UserAttribute(_Named):
    """The user has an attribute, or has it with one of some values."""

    def holds(self, facts: Facts) -> bool:
        """Return whether the condition holds."""
        return self._holds_in(facts.user_attributes)

    def __str__(self) -> str:
        return self._text("attribute")


@whole
@frozen
class ClientMetadata(_Named):
    """The client sends a key of metadata, or sends it with one of some values."""

    def holds(self, facts: Facts) -> bool:
        """Return whether the condition holds."""
        return self._holds_in(facts.client_metadata)

    def __str__(self) -> str:
        return self._text("client metadata")


@whole
@frozen
class InGroup(Condition):
    """The user is in a group of the user pool."""

    name: str = field(converter=_name)

    def holds(self, facts: Facts) -> bool:
        """Return whether the condition holds."""
        return self.name in facts.groups

    def __str__(self) -> str:
        return f"in group {self.name}"


@frozen
class _Not(Condition):
    negated: Condition

    def holds(self, facts: Facts) -> bool:
        return not self.negated.holds(facts)

    @property
    def parts(self) -> tuple[Condition, ...]:
        return self.negated.parts

    def __str__(self) -> str:
        # The repr shows `|` as it was written.
        if isinstance(self.negated, _Both):
            return f"({~self.negated.one} or {~self.negated.other})"
        return f"not {self.negated}"


@frozen
class _Both(Condition):
    one: Condition
    other: Condition

    def holds(self, facts: Facts) -> bool:
        return self.one.holds(facts) and self.other.holds(facts)

    @property
    def parts(self) -> tuple[Condition, ...]:
        return (*self.one.parts, *self.other.parts)

    def __str__(self) -> str:
        return f"({self.one} and {self.other})"


def _condition(value: object) -> Condition:
    if not isinstance(value, Condition):
        msg = (
            "a condition is made by attribute(...), in_group(...) or client_metadata(...),"
            f" not {type(value).__name__}"
        )
        raise ConfigError(msg)
    return value


def attribute(name: str, *values: str) -> Condition:
    """Make a condition that holds for users who have an attribute.

    Args:
        name: The attribute, such as "email_verified" or "custom:tier".
        values: The values that count; any, if none is given. Cognito writes true as "true".

    Raises:
        ConfigError: The name or a value is not a text.
    """
    return UserAttribute(name, values)


def in_group(name: str) -> Condition:
    """Hold for users who are in a group. Cognito does not tell a custom flow's triggers the groups,
    so `Triggers(groups=...)` must name who does.

    Args:
        name: The group's name.

    Raises:
        ConfigError: The name is not a text.
    """  # noqa: D205  # one sentence, two lines
    return InGroup(name)


def client_metadata(name: str, *values: str) -> Condition:
    """Make a condition on client metadata, evaluated in its own round.

    Args:
        name: The key in the client's metadata.
        values: The values that count; any, if none is given.

    Raises:
        ConfigError: The name or a value is not a text.
    """
    return ClientMetadata(name, values)
