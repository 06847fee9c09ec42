"""A form: the texts, pictures and fields of one challenge, as a value.

    form = Form(
        parts=(
            ShownText(text="A code was sent to a***@e***."),
            TextField(name="code", label="The code:", autocomplete="one-time-code"),
        )
    )
    filled = form.fill({"code": "123456"})

Its parts are shown and asked in their order. A part with a condition (`shown_if`) belongs to the
form only if something was chosen in a field before it: a terminal asks for the choice first, and a
page shows both, or one at a time.

A form holds no secret, needs nothing in memory, and has a JSON form for pages: another process that
makes it again from the same challenge gets an equal one.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any, Final, Self, get_args

from attrs import field, frozen

from authflow.errors import AskAgainError
from authflow.forms.fields import FEWEST_OPTIONS, MOST_OPTIONS, ChoiceField, Field
from authflow.forms.part_json import kind_of, part_from_json, part_to_json
from authflow.forms.shown import LARGEST_FILE, Part, Shown, ShownAudio, ShownImage, refused
from authflow.given_maps import GivenMap, wrapped_map
from authflow.secret import Secret
from authflow.unframed import Unframed, whole

MOST_PARTS: Final = 50
_FIELDS: Final = get_args(Field)


class Filled:
    """The checked values of a form, one for each field that belongs to it.

    Make it by `Form.fill`. It is immutable, and shows the names of fields only: `filled["x"]` gives
    a value, `in` and iteration are about the names. It is no `Mapping`, since crash reporters write
    out every mapping that they find in a frame.
    """

    __slots__ = ("__values",)

    def __init__(self, values: Mapping[str, Secret[str]]) -> None:
        self.__values = dict(values)

    def __getitem__(self, name: str) -> str:
        return self.__values[name].reveal()

    def __iter__(self) -> Iterator[str]:
        return iter(self.__values)

    def __contains__(self, name: object) -> bool:
        return name in self.__values

    def __len__(self) -> int:
        return len(self.__values)

    def get(self, name: str, default: str | None = None) -> str | None:
        """Return the value of a field, or a default if the field does not belong to the form.

        Args:
            name: The field's name.
            default: What to return then.
        """
        value = self.__values.get(name)
        return default if value is None else value.reveal()

    def wrapped(self) -> GivenMap:
        """Return the values as one secret, as `wrapped_map` does of a map."""
        return wrapped_map({name: value.reveal() for name, value in self.__values.items()})

    def __repr__(self) -> str:
        return f"<Filled {', '.join(self.__values)}>"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Filled):
            return NotImplemented
        return self.__values == other.__values

    __hash__ = None  # type: ignore[assignment]  # a hash is a fact about the content


def _parts(parts: Iterable[Shown | Field]) -> tuple[Shown | Field, ...]:
    if isinstance(parts, Part | str | bytes) or not isinstance(parts, Iterable):
        raise refused("parts is a tuple, also for one")
    return tuple(parts)


@whole
@frozen(kw_only=True)
class Form:
    """The parts that are shown and asked, in this order.

    Args:
        parts: Up to 50. The names of fields are unique, and a condition names a choice before it.

    Raises:
        PluginFailedError: They do not make a form. No value is shown.
    """

    parts: tuple[Shown | Field, ...] = field(converter=_parts)

    @parts.validator
    def _belong_together(self, _attribute: object, parts: Collection[object]) -> None:
        if len(parts) > MOST_PARTS:
            raise refused(f"it has more than {MOST_PARTS} parts")
        choices: dict[str, frozenset[str]] = {}
        names: set[str] = set()
        for part in parts:
            _fits(part)
            asked = part if isinstance(part, _FIELDS) else None
            condition = part.shown_if if isinstance(part, Part) else None
            if condition is not None and condition.option not in choices.get(condition.choice, ()):
                raise refused("a condition names no option of a choice that stands before it")
            if asked is not None:
                if asked.name in names:
                    raise refused(f"two fields are called {asked.name!r}")
                names.add(asked.name)
            if isinstance(part, ChoiceField):
                choices[part.name] = frozenset(option.value for option in part.options)

    @property
    def fields(self) -> tuple[Field, ...]:
        """The fields, which are the parts that ask for something."""
        return tuple(part for part in self.parts if isinstance(part, _FIELDS))

    def fill(self, values: Mapping[str, str] | Filled) -> Filled:
        """Check the values of the fields.

        Fields that do not belong to the form for what was chosen are left out: a page may send
        them along.

        Args:
            values: The text of each field by its name; a `Filled` is checked anew.

        Raises:
            AskAgainError: Something is missing, unknown, too long or no option. The text is for
                the person, `field` says which one, and no value is shown.
        """
        given = values.wrapped() if isinstance(values, Filled) else wrapped_map(values)
        del values  # from here on no frame holds any of it in clear
        with Unframed():
            return self._filled(given)

    def _filled(self, given: GivenMap) -> Filled:
        if given.wrong is not None:
            msg = f"a form is filled in by a map of names to texts, {given.wrong}"
            raise AskAgainError(msg)
        values = given.reveal()
        if values.keys() - {asked.name for asked in self.fields}:
            names = ", ".join(asked.name for asked in self.fields) or "none"
            msg = f"a field is unknown; the form has these: {names}"
            raise AskAgainError(msg)
        taken: dict[str, Secret[str]] = {}
        for asked in self.fields:
            if not belongs(asked, taken):
                continue
            value = values.get(asked.name, asked.absent())
            if value is None:
                msg = f"the field {asked.name!r} is missing"
                raise AskAgainError(msg, field=asked.name)
            asked.checked(value)
            taken[asked.name] = Secret(value)
        return Filled(taken)

    def to_json(self) -> dict[str, Any]:
        """Return the form as JSON values, for a page: pictures and sounds are `data:` URLs."""
        return {"parts": [part_to_json(part) for part in self.parts]}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """Read the result of `to_json`.

        Raises:
            PluginFailedError: It is not that.
        """
        if not isinstance(data, Mapping) or data.keys() != {"parts"}:
            raise refused("its JSON is an object with `parts` alone")
        if not isinstance(data["parts"], list | tuple):
            raise refused("`parts` is no array")
        return cls(parts=tuple(map(part_from_json, data["parts"])))


def _fits(part: object) -> None:
    """Refuse what is no part, and a part that only a single message can carry."""
    kind_of(part)
    if isinstance(part, ShownImage | ShownAudio) and len(part.content) > LARGEST_FILE:
        raise refused(f"a file has more than {LARGEST_FILE:,} bytes")
    if isinstance(part, ChoiceField) and not FEWEST_OPTIONS <= len(part.options) <= MOST_OPTIONS:
        wanted = f"{FEWEST_OPTIONS} to {MOST_OPTIONS:,}"
        raise refused(f"a choice has {len(part.options):,} options, and needs {wanted}")


def belongs(part: Part, chosen: Mapping[str, Secret[str]]) -> bool:
    """Return whether a part belongs to a form, given what was chosen before it.

    Args:
        part: The part.
        chosen: The values of the fields that belong to the form, so far.
    """
    condition = part.shown_if
    if condition is None:
        return True
    value = chosen.get(condition.choice)
    return value is not None and value.reveal() == condition.option
