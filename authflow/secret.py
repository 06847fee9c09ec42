"""A value that cannot be printed.

Passwords, codes, SRP's private values, tokens and client secrets travel in a `Secret` from the
moment they enter authflow. Nothing that prints, formats, logs, copies to disk or shows the locals
of a traceback can show what is inside; only `reveal()` gives it, and that word is easy to search
for.
"""

import hmac
from typing import Any, ClassVar, Generic, NoReturn, Self, TypeVar

T = TypeVar("T", str, bytes, int)


class Secret(Generic[T]):
    """A string, bytes or integer that must not appear in output.

    Equality takes constant time for equal lengths, and only a `Secret` equals a `Secret`. A secret
    has no hash, no truth value of its own content and no pickle.

    Args:
        value: What to keep.

    Raises:
        TypeError: The value is neither str, bytes nor int.
    """

    __slots__ = ("__value",)
    __value: T
    # A hash would reveal something about the content.
    __hash__: ClassVar[None] = None  # type: ignore[assignment]

    def __init__(self, value: T) -> None:
        if not isinstance(value, (str, bytes, int)):  # a union would be made anew each time
            msg = f"a Secret holds str, bytes or int, not {type(value).__name__}"
            raise TypeError(msg)
        self.__value = value

    @classmethod
    def of(cls, value: "T | Secret[T]") -> "Secret[T]":
        """Wrap a value; return it as it is if it is wrapped already."""
        return value if isinstance(value, Secret) else Secret(value)

    def reveal(self) -> T:
        """Return the value itself. Call it where the value is used, and keep no copy."""
        return self.__value

    def __repr__(self) -> str:
        return "Secret(***)"

    __str__ = __repr__

    def __format__(self, _spec: str) -> str:
        return "Secret(***)"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        return hmac.compare_digest(_as_bytes(self.__value), _as_bytes(other.__value))

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, _memo: dict[int, Any]) -> Self:
        return self

    def __reduce_ex__(self, _protocol: Any) -> NoReturn:
        msg = "a Secret cannot be pickled: reveal() it where it is needed, or seal it"
        raise TypeError(msg)


def _as_bytes(value: str | bytes | int) -> bytes:
    match value:
        case str():
            return b"s" + value.encode("utf-8", "surrogatepass")
        case bytes():
            return b"b" + value
        case _:
            return b"i" + f"{value:x}".encode()  # decimal would be slow, and Python limits it
