"""The possible fates of a setting, and the reader of a table of settings.

A pool that says yes to a setting and does nothing about it makes a test green that is red on
Cognito. So each member of CreateUserPool, CreateUserPoolClient and their updates has a row that
says which of four things becomes of it. The rows are in `user_pool_table` and `app_client_table`;
docs/pool.md shows them.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum
from typing import Any, Final

from attrs import field, frozen

from authflow.machine import State


class Fate(StrEnum):
    """The fate of a setting: what the pool does about it."""

    CARRIED_OUT = "carried out"
    """The pool does what Cognito does."""
    KEPT = "kept"
    """It is stored and described. It changes nothing that this pool serves, or its use fails."""
    TOLD = "kept and told"
    """It would change something on Cognito that this pool does not do: a line in the log says so,
    once for each pool or client."""
    REFUSED = "refused at the sign-in"
    """The pool is created. A sign-in that Cognito would have challenged fails, and says why."""


@frozen(kw_only=True)
class Case:
    """The fate of some values of a setting.

    Args:
        fate: What becomes of them.
        because: Why, in a line.
        values: Which values; of a list, those that hold one of them. None given: all others.
        lacks: For a list: the entry without which this case applies.
        asks: Where it is refused: the challenge that Cognito would ask, and this pool cannot yet.
        without_kms: Whether it is about servers without a KMS endpoint and pools without a KMS key,
            and no others.
    """

    fate: Fate
    because: str
    values: tuple[str | int, ...] = ()
    lacks: str | None = None
    asks: State | None = None
    without_kms: bool = False

    @property
    def is_for_others(self) -> bool:
        """Whether the case applies to the values that no other case names."""
        return not self.values and self.lacks is None

    def names(self, value: Any) -> bool:
        """Return whether the case names a value."""
        entries: Sequence[Any] = value if isinstance(value, list) else (value,)
        if self.lacks is not None:
            return self.lacks not in entries
        return any(each in self.values for each in entries)


UNKNOWN: Final = Case(
    fate=Fate.TOLD,
    because="this version of authflow does not know it, and does nothing about it",
)
"""The fate of a member or value that a newer service model has and the table lacks."""


@frozen(kw_only=True)
class Setting:
    """A row: members that share a fate.

    Args:
        paths: The members, a nested one by the names that lead to it: `UserPoolAddOns.X`. Lists and
            maps on the way are left out.
        cases: What becomes of their values.
        only: The one operation that has these members; None if the update has them, too.
    """

    paths: tuple[str, ...]
    cases: tuple[Case, ...]
    only: str | None = None

    def cases_of(self, value: Any) -> Iterator[Case]:
        """Yield the cases that apply to a value; several if it depends on the sign-in."""
        named = [case for case in self.cases if case.names(value)]
        others = [case for case in self.cases if case.is_for_others]
        yield from named or others or (UNKNOWN,)


@frozen(kw_only=True)
class Given:
    """A member that a pool or client was given, and its fate.

    Args:
        path: The member.
        value: Its value.
        case: What becomes of it.
    """

    path: str
    value: Any = field(repr=False)
    case: Case

    @property
    def spelled(self) -> str:
        """The member, with its value where that matters: `MfaConfiguration=ON`."""
        if self.case.is_for_others:
            return self.path
        text = self.value if isinstance(self.value, str) else json.dumps(self.value)
        return f"{self.path}={text}"


@frozen
class SettingsTable:
    """The fate of each member of an operation's request.

    Args:
        rows: The rows.
    """

    rows: tuple[Setting, ...]
    _by_path: Mapping[str, Setting] = field(init=False, repr=False)
    _maps: frozenset[str] = field(init=False, repr=False)

    @_by_path.default
    def _index(self) -> Mapping[str, Setting]:
        return {path: row for row in self.rows for path in row.paths}

    @_maps.default
    def _before_stars(self) -> frozenset[str]:
        return frozenset(path.partition(".*.")[0] for path in self._by_path if ".*." in path)

    def __contains__(self, path: str) -> bool:
        """Return whether there is a row for a member."""
        return path in self._by_path

    def read(self, settings: Mapping[str, Any]) -> Iterator[Given]:
        """Yield the fate of each given member.

        Args:
            settings: What CreateUserPool or another operation was given.
        """
        for path, value in self._leaves(settings, ""):
            row = self._by_path.get(path)
            for case in (UNKNOWN,) if row is None else row.cases_of(value):
                yield Given(path=path, value=value, case=case)

    def _leaves(self, value: Any, path: str) -> Iterator[tuple[str, Any]]:
        """Yield the members that contain no others, by their path."""
        match value:
            case None:
                return
            case _ if path in self._by_path:
                yield path, value
            case {}:
                for name, each in value.items():
                    step = "*" if path in self._maps else name
                    yield from self._leaves(each, f"{path}.{step}" if path else step)
            case [] | [{}, *_]:
                for each in value:
                    yield from self._leaves(each, path)
            case _:
                yield path, value


def carried_out(because: str, *paths: str, only: str | None = None) -> Setting:
    """Return a row of members that are carried out."""
    return _row(Fate.CARRIED_OUT, because, paths, only)


def kept(because: str, *paths: str, only: str | None = None) -> Setting:
    """Return a row of members that are kept."""
    return _row(Fate.KEPT, because, paths, only)


def told(because: str, *paths: str, only: str | None = None) -> Setting:
    """Return a row of members that are kept and told."""
    return _row(Fate.TOLD, because, paths, only)


def _row(fate: Fate, because: str, paths: tuple[str, ...], only: str | None) -> Setting:
    return Setting(paths=paths, cases=(Case(fate=fate, because=because),), only=only)
