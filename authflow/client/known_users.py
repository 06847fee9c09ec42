"""The kept users that a process knows, by their handles, for as long as they may matter."""

from collections import OrderedDict
from typing import Final
from weakref import WeakValueDictionary

from attrs import define, field

from authflow.client.kept_user import KeptUser

MOST_KNOWN: Final = 4096
"""The number of users who are known without anybody else holding them, some 6 kB each."""


@define(eq=False)
class KnownUsers:
    """The users of one client whom this process knows.

    What is known of a user is not known elsewhere: since when a token has been here, whether a
    sign-out was begun, what a store has not taken yet. A service that finds its user anew for each
    request holds none of them, so they are held here: those who were used last, and as many again
    of those who would lose something (`KeptUser.is_owing`). Whoever is beyond that is read from the
    store again.

    Args:
        most: How many of each.
    """

    most: int = MOST_KNOWN
    _alive: "WeakValueDictionary[str, KeptUser]" = field(
        factory=WeakValueDictionary, init=False, repr=False
    )
    _recent: "OrderedDict[str, KeptUser]" = field(factory=OrderedDict, init=False, repr=False)
    _owing: "OrderedDict[str, KeptUser]" = field(factory=OrderedDict, init=False, repr=False)

    def get(self, of: str) -> KeptUser | None:
        """Return a user; None if this process does not know him.

        Args:
            of: The handle's `entry_id`.
        """
        return self._alive.get(of)

    def meet(self, user: KeptUser) -> None:
        """Know a user as long as somebody holds him: whether he exists is not known yet.

        Args:
            user: Who. Anybody can make up a handle, and none of these pushes a user out.
        """
        self._alive[user.of] = user

    def hold(self, user: KeptUser) -> None:
        """Hold a user, as the one who was used last.

        Args:
            user: Who.
        """
        self._alive[user.of] = user
        self._owing.pop(user.of, None)
        self._recent[user.of] = user
        self._recent.move_to_end(user.of)
        while len(self._recent) > self.most:
            of, oldest = self._recent.popitem(last=False)
            if oldest.is_owing:
                self._owing[of] = oldest
        while len(self._owing) > self.most:
            self._owing.popitem(last=False)

    def drop(self, user: KeptUser) -> None:
        """Hold a user no more.

        Args:
            user: Who has signed out.
        """
        for each in (self._recent, self._owing):
            if each.get(user.of) is user:
                del each[user.of]

    def unwritten(self) -> list[KeptUser]:
        """Return those of whom the store has not taken something yet."""
        return [
            user
            for user in self._alive.values()
            if user.unwritten is not None or (user.unfinished and user.owed)
        ]
