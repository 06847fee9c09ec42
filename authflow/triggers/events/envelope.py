"""The common part of all trigger events, and the reading of members of events and replies.

An event has two sides. Who asks, a user pool, makes it as a value, writes it by `to_json` and reads
what comes back by `read_reply`. Who is asked, a trigger, reads it by `parse_event` and gives it
back with its response filled in. The members of each kind are spelled in the file of its class,
for both sides, and nowhere else.

Cognito sends null where it has nothing to say, leaves members out, and adds new ones from time to
time; all of that is read, and so are the events that people write by hand, where attributes and
metadata are numbers and booleans (`written_values`) and a `request` in which nothing is needed is
left out. What decides is not guessed at: a member of another form than Cognito documents is an
`EventError`, and in a reply a `TriggerReplyError`.

Source: "User pool Lambda trigger event" in the Amazon Cognito developer guide.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, ClassVar, Final, Protocol, Self

from attrs import define, field, frozen

from authflow.errors import EventError, MisuseError, TriggerReplyError
from authflow.printable import printable
from authflow.string_map import string_map

UNTOLD: Final[Mapping[str, str]] = MappingProxyType({})
"""The value for an object of strings that is null or absent, and is not written. It equals
an empty object, which is written."""

_SDK: Final = "aws-sdk-unknown-unknown"
_SHOWN_CHARS: Final = 80


class WrappedEvent(Protocol):
    """An event object of AWS Lambda Powertools, or any other with a `raw_event`."""

    @property
    def raw_event(self) -> Mapping[str, Any]:
        """The event as Cognito sent it."""


@define(eq=False)  # not frozen, for speed: an event makes many of them while it is read
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
        """Check that a value is an object, and wrap it."""
        if not isinstance(value, dict) and not isinstance(value, Mapping):  # dict: it is faster
            msg = f"{path} must be an object"
            raise EventError(msg)
        return cls(value, path)

    def wrong(self, name: str, form: str) -> EventError | TriggerReplyError:
        """Make the error of a member that is not of its form."""
        return EventError(f"{self.path}: {name} must be {form}")

    def object(self, name: str) -> Self:
        """Read an object."""
        value = self.members.get(name)
        if not isinstance(value, dict) and not isinstance(value, Mapping):  # as above
            raise self.wrong(name, "an object")
        return type(self)(value, f"{self.path}: {name}")

    def optional_object(self, name: str) -> Self | None:
        """Read an object that may be null or absent."""
        return None if self.members.get(name) is None else self.object(name)

    def object_or_empty(self, name: str) -> Self:
        """Read an object without required members; null and absent are an empty one."""
        if self.members.get(name) is None:
            return type(self)({}, f"{self.path}: {name}")
        return self.object(name)

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
        """Read an object of strings; null and absent are `UNTOLD`."""
        value = self.members.get(name)
        try:
            return UNTOLD if value is None else string_map(value)
        except MisuseError:
            raise self.wrong(name, "an object of strings") from None

    def spelled_strings(self, name: str) -> Mapping[str, str]:
        """Read a user's attributes or a request's metadata, written as Cognito writes them.

        Null and absent are `UNTOLD`, and a member that is null is absent.
        """
        value = self.members.get(name)
        try:
            return UNTOLD if value is None else string_map(value)
        except MisuseError:  # not in Cognito's own form, which is read the fast way above
            return self._respelled(name)

    def _respelled(self, name: str) -> Mapping[str, str]:
        from authflow.triggers.events.written_values import UnspelledError, spelled  # noqa: PLC0415  # rare

        try:
            return string_map(spelled(self.object(name).members))
        except UnspelledError as error:
            if error.name is None:
                raise self.wrong(name, "an object of named values") from None
            shown = printable(error.name[:_SHOWN_CHARS])
            values = EventObject(self.members, f"{self.path}: {name}")
            raise values.wrong(shown, "a string, a number or a boolean") from None


class ReplyObject(EventObject):
    """A JSON object of a trigger's reply, read as Cognito reads it.

    The errors tell a member's name and never its value, which may be an answer.

    Raises:
        TriggerReplyError: From all methods: the member is not of the form that is asked for.
    """

    __slots__ = ()

    def wrong(self, name: str, form: str) -> TriggerReplyError:
        """Make the error of a member that is not of its form."""
        return TriggerReplyError(f"{self.path}: {name} is not {form}")


@frozen(kw_only=True)
class TriggerEvent:
    """The base of all trigger events.

    Args:
        source: Cognito's triggerSource.
        user_pool_id: The user pool that asks.
        client_id: The app client that the user signs in to; CLIENT_ID_NOT_APPLICABLE where an
            administrator acts.
        username: The user's canonical name; for a migration, the name as the user typed it.
    """

    trigger: ClassVar[str]
    """The trigger's name in a user pool's LambdaConfig."""
    sources: ClassVar[tuple[str, ...]]
    """The triggerSources with which it comes."""
    userless: ClassVar[frozenset[str]] = frozenset()
    """The triggerSources of events without a user; the username is empty then."""

    source: str
    user_pool_id: str
    client_id: str
    username: str
    # It holds answers and passwords in clear. Copies made with `evolve` do not have it.
    _came: Mapping[str, Any] | None = field(default=None, init=False, repr=False, eq=False)

    @classmethod
    def read(cls, event: EventObject) -> Self:
        """Read an event of one of `sources`.

        Args:
            event: The event.

        Raises:
            EventError: A member is not of its form.
        """
        read = cls(**cls._members(event))
        object.__setattr__(read, "_came", dict(event.members))
        return read

    @classmethod
    def _members(cls, event: EventObject) -> dict[str, Any]:
        """Read the members of this class; the subclasses add theirs."""
        source = event.text("triggerSource")
        return {
            "source": source,
            "user_pool_id": event.text("userPoolId"),
            "client_id": event.object("callerContext").text("clientId"),
            "username": (event.optional_text("userName") or "")
            if source in cls.userless
            else event.text("userName"),
        }

    def to_json(self) -> dict[str, Any]:
        """Return the event as Cognito sends it; the members for the trigger to fill in are null.

        Returns:
            JSON. It holds answers and passwords in clear: never log it. An event that was read is
            given as it came, with all that is not known of it.

        Raises:
            MisuseError: No trigger could read it: its source is of another kind.
        """
        if self._came is not None:
            return dict(self._came)
        if self.source not in self.sources:
            msg = f"{type(self).__name__} has no source {self.source!r:.80}"
            raise MisuseError(msg)
        return {
            "version": self._version(),
            "triggerSource": self.source,
            "region": self.user_pool_id.partition("_")[0],
            "userPoolId": self.user_pool_id,
            "userName": self.username,
            "callerContext": {"awsSdkVersion": _SDK, "clientId": self.client_id},
            "request": self._request(),
            "response": self._blank(),
        }

    def _version(self) -> str:
        return "1"

    def _request(self) -> dict[str, Any]:
        """Return the members of the request; the subclasses add theirs."""
        return {}

    def _blank(self) -> dict[str, Any] | None:
        """Return the empty members of the response; subclasses with such members override it."""
        return {}

    def read_reply(self, given: object) -> Any:
        """Read a trigger's reply to this event.

        Args:
            given: The event, filled in, as JSON; or whatever else the trigger gave.

        Returns:
            What the classes below say; None where a trigger only refuses, by raising.

        Raises:
            TriggerReplyError: It is not an event, or what is filled in is not what Cognito takes.
        """
        self._replied(given)

    def _replied(self, given: object) -> ReplyObject:
        response = given.get("response") if isinstance(given, Mapping) else None
        if not isinstance(response, Mapping):
            msg = f"{self.trigger} does not give the event back"
            raise TriggerReplyError(msg)
        return ReplyObject(response, self.trigger)

    def _filled(self, response: Mapping[str, Any]) -> dict[str, Any]:
        event = self.to_json()
        return {**event, "response": {**(event.get("response") or {}), **response}}


def strings_member(name: str, values: Mapping[str, str]) -> dict[str, dict[str, str]]:
    """Return the member for an object of strings, unless it is `UNTOLD`."""
    return {} if values is UNTOLD else {name: dict(values)}


def validation_data(values: Mapping[str, str]) -> dict[str, dict[str, str] | None]:
    """Return validationData, which Cognito always sends: null if the client sent nothing."""
    return {"validationData": None if values is UNTOLD else dict(values)}


@frozen(kw_only=True)
class HandledEvent(TriggerEvent):
    """The base of the events that the pool's owner serves with functions.

    Args:
        user_attributes: The user's attributes.
        client_metadata: What the client sent along; empty where Cognito delivers nothing.
    """

    gives: ClassVar[type | None] = None
    """The type of a handler's result for it, apart from None."""

    user_attributes: Mapping[str, str] = field(repr=False, hash=False)
    client_metadata: Mapping[str, str] = field(default=UNTOLD, repr=False, hash=False)

    @classmethod
    def _members(cls, event: EventObject) -> dict[str, Any]:
        request = event.object_or_empty("request")
        return {
            **super()._members(event),
            "user_attributes": request.spelled_strings("userAttributes"),
            "client_metadata": request.spelled_strings("clientMetadata"),
        }

    def _request(self) -> dict[str, Any]:
        return {
            **super()._request(),
            **strings_member("userAttributes", self.user_attributes),
            **strings_member("clientMetadata", self.client_metadata),
        }

    def filled(self, result: Any = None) -> dict[str, Any]:
        """Return the event with its response filled in.

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
        """Return the response for a handler's result; subclasses with a response override it."""
        return {}
