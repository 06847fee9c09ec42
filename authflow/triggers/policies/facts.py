"""The facts on which a policy's conditions are evaluated."""

from collections.abc import Mapping

from attrs import field, frozen


@frozen(kw_only=True)
class Facts:
    """The facts about a user and a client on which conditions are evaluated.

    Args:
        user_attributes: The user's attributes.
        groups: The names of the groups the user is in.
        client_metadata: What the client sent along with its answer.
        user_not_found: The pool hides that this user does not exist.
    """

    user_attributes: Mapping[str, str] = field(factory=dict, repr=False, hash=False)
    groups: frozenset[str] = field(default=frozenset(), repr=False)
    client_metadata: Mapping[str, str] = field(factory=dict, repr=False, hash=False)
    user_not_found: bool = False
