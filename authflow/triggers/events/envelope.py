"""What all trigger events share, and how their members are read.

Cognito sends null where it has nothing to say, leaves members out, and adds new ones from time to
time; all of that is read. What decides is not guessed at: a member of another form than Cognito
documents is an `EventError`.

Source: "User pool Lambda trigger event" in the Amazon Cognito developer guide.
"""

from collections.abc import Mapping
from typing import Any, ClassVar, Protocol, Self

from attrs import define, field, frozen

from authflow.errors import EventError, MisuseError
from authflow.string_map import string_map


class WrappedEvent(Protocol):
    """An event object of AWS Lambda Powertools, or any other with a `raw_event`."""

    @property
    def raw_event(self) -> Mapping[str, Any]:
        """The event as Cognito sent it."""


@define(eq=False)  # not frozen: an event makes many of them, and they live as long as its reading
class EventObject:
    """A JSON object of an event, read member by member.

    Args:
        members: The object.
        path: Where it stands, for the errors.

    Raises:
        EventError: From all methods: the member is not of the form that is asked for.
    """

    members: Mapping[str, Any] = field(repr=False)
    path: str

    @classmethod
    def of(cls, value: Any, path: str) -> Self:
        """Take a value as an object."""
        if not isinstance(value, dict) and not isinstance(value, Mapping):  # dict: it is faster
            msg = f"{path} must be an object"
            raise EventError(msg)
        return cls(value, path)

    def wrong(self, name: str, form: str) -> EventError:
        """Make the error of a member that is not of its form."""
        return EventError(f"{self.path}: {name} must be {form}")

    def object(self, name: str) -> "EventObject":
        """Read an object."""
        return EventObject.of(self.members.get(name), f"{self.path}: {name}")

    def text(self, name: str, *, empty: bool = False) -> str:
        """Read a string."""
        value = self.members.get(name)
        if not isinstance(value, str) or not (value or empty):
            raise self.wrong(name, "a string" if empty else "a string that is not empty")
        return value

    def optional_text(self, name: str) -> str | None:
        """Read a string that may be null or absent."""
        return None if self.members.get(name) is None else self.text(name, empty=True)

    def flag(self, name: str) -> bool:
        """Read a boolean."""
        value = self.members.get(name)
        if not isinstance(value, bool):
            raise self.wrong(name, "true or false")
        return value

    def optional_flag(self, name: str) -> bool:
        """Read a boolean; null and absent are false."""
        return self.members.get(name) is not None and self.flag(name)

    def array(self, name: str) -> tuple[Any, ...]:
        """Read an array; null and absent are an empty one."""
        value = self.members.get(name)
        if value is None:
            return ()
        if not isinstance(value, list | tuple):
            raise self.wrong(name, "an array")
        return tuple(value)

    def texts(self, name: str) -> tuple[str, ...]:
        """Read an array of strings; null and absent are an empty one."""
        values = self.array(name)
        if not all(isinstance(value, str) for value in values):
            raise self.wrong(name, "an array of strings")
        return values

    def strings(self, name: str) -> Mapping[str, str]:
        """Read an object of strings; null and absent are an empty one."""
        value = self.members.get(name)
        try:
            return string_map({} if value is None else value)
        except MisuseError:
            raise self.wrong(name, "an object of strings") from None


@frozen(kw_only=True)
class TriggerEvent:
    """What all trigger events share.

    Args:
        raw: The event as Cognito sent it. It holds answers and passwords in clear: never log it.
        source: Cognito's triggerSource.
        user_pool_id: The user pool that asks.
        client_id: The app client that the user signs in to; CLIENT_ID_NOT_APPLICABLE where an
            administrator acts.
        username: The user's canonical name; for a migration, the name as the user typed it.
    """

    trigger: ClassVar[str]
    """The trigger's name in a user pool's LambdaConfig."""
    sources: ClassVar[tuple[str, ...]]
    """The triggerSources it comes with."""
    userless: ClassVar[frozenset[str]] = frozenset()
    """Those of them where there is no user; the username is empty then."""

    raw: Mapping[str, Any] = field(repr=False, hash=False)
    source: str
    user_pool_id: str
    client_id: str
    username: str

    @classmethod
    def read(cls, event: EventObject) -> Self:
        """Read an event of one of `sources`.

        Args:
            event: The event.

        Raises:
            EventError: A member is not of its form.
        """
        return cls(**cls._members(event))

    @classmethod
    def _members(cls, event: EventObject) -> dict[str, Any]:
        """Read what this class holds; the classes below add theirs."""
        source = event.text("triggerSource")
        return {
            "raw": dict(event.members),
            "source": source,
            "user_pool_id": event.text("userPoolId"),
            "client_id": event.object("callerContext").text("clientId"),
            "username": (event.optional_text("userName") or "")
            if source in cls.userless
            else event.text("userName"),
        }

    def _filled(self, response: Mapping[str, Any]) -> dict[str, Any]:
        return {**self.raw, "response": {**(self.raw.get("response") or {}), **response}}


@frozen(kw_only=True)
class HandledEvent(TriggerEvent):
    """What the events share that the pool's owner serves by functions.

    Args:
        user_attributes: The user's attributes.
        client_metadata: What the client sent along; empty where Cognito delivers nothing.
    """

    gives: ClassVar[type | None] = None
    """What a handler can give back for it, besides nothing."""

    user_attributes: Mapping[str, str] = field(repr=False, hash=False)
    client_metadata: Mapping[str, str] = field(repr=False, hash=False)

    @classmethod
    def _members(cls, event: EventObject) -> dict[str, Any]:
        request = event.object("request")
        return {
            **super()._members(event),
            "user_attributes": request.strings("userAttributes"),
            "client_metadata": request.strings("clientMetadata"),
        }

    def filled(self, result: Any = None) -> dict[str, Any]:
        """Give the event back, with its response filled in.

        Args:
            result: A value of the class `gives`; None changes nothing.

        Raises:
            MisuseError: It is something else, or Cognito would not take it for this event.
        """
        if result is not None and (self.gives is None or not isinstance(result, self.gives)):
            wanted = "None" if self.gives is None else f"{self.gives.__name__} or None"
            msg = f"a handler of {self.trigger} gives {wanted}, not {type(result).__name__}"
            raise MisuseError(msg)
        return self._filled(self._response(result))

    def _response(self, _result: Any) -> Mapping[str, Any]:
        """Spell what a handler gave; the classes below do, where there is something to spell."""
        return {}
