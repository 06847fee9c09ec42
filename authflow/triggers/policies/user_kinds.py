"""The kinds of users that a policy's conditions distinguish, one for each set of results."""

from collections.abc import Iterable, Mapping
from itertools import chain, combinations, product
from typing import Final

from attrs import field, frozen

from authflow.errors import ConfigError
from authflow.triggers.policies.conditions import Condition, InGroup, UserAttribute
from authflow.triggers.policies.facts import Facts

MOST_KINDS: Final = 512
"""The most kinds of users that are explored."""

_ANYTHING: Final = "anything"
_ALWAYS_THERE: Final = "sub"


@frozen(kw_only=True)
class UserKind:
    """A kind of user.

    Args:
        attributes: The attributes that matter.
        groups: The groups that matter.
        who: The same in words; empty if no condition tells users apart.
    """

    attributes: Mapping[str, str] = field(hash=False)
    groups: frozenset[str]
    who: str

    @property
    def facts(self) -> Facts:
        """The facts of such a user, on which conditions are evaluated."""
        return Facts(user_attributes=self.attributes, groups=self.groups)


def user_kinds(conditions: Iterable[Condition]) -> tuple[UserKind, ...]:
    """Return every kind of user that some conditions distinguish.

    Args:
        conditions: The conditions. What a client tells is no matter of users.

    Raises:
        ConfigError: They tell apart more than 512 kinds.
    """
    values: dict[str, dict[str | None, None]] = {}
    groups: dict[str, None] = {}
    for part in chain.from_iterable(condition.parts for condition in conditions):
        match part:
            case UserAttribute(name=name, values=named):
                # Without the attribute, unless every user has it, and with each named value.
                without: dict[str | None, None] = {} if name == _ALWAYS_THERE else {None: None}
                values.setdefault(name, without).update(dict.fromkeys(sorted(named)))
            case InGroup(name=name):
                groups[name] = None
    for alternatives in values.values():
        alternatives[_another(alternatives)] = None
    count = 2 ** len(groups)
    for alternatives in values.values():
        count *= len(alternatives)
    if count > MOST_KINDS:
        msg = (
            f"the policy's conditions tell apart {count} kinds of users; up to {MOST_KINDS} can be"
            " explored: ask about fewer attributes and groups"
        )
        raise ConfigError(msg)
    subsets = chain.from_iterable(combinations(groups, size) for size in range(len(groups) + 1))
    return tuple(
        _kind(dict(zip(values, told, strict=True)), groups, frozenset(members))
        for members, told in product(tuple(subsets), product(*values.values()))
    )


def _another(named: Iterable[str | None]) -> str:
    """Return a value that is not among some values."""
    value, taken = _ANYTHING, frozenset(named)
    while value in taken:
        value += " else"
    return value


def _kind(
    told: Mapping[str, str | None], groups: Iterable[str], members: frozenset[str]
) -> UserKind:
    words = [
        f"without {name}" if value is None else f"whose {name} is {value}"
        for name, value in told.items()
    ]
    words += [f"{'in' if name in members else 'not in'} group {name}" for name in groups]
    return UserKind(
        attributes={name: value for name, value in told.items() if value is not None},
        groups=members,
        who=f"a user {' and '.join(words)}" if words else "",
    )
