"""The CSV file of an import job: its header, and the fields of a row.

It is not the CSV of RFC 4180: nothing is quoted, and a comma in a value has a backslash before it.
Source: "Creating the user import CSV file" in the developer guide.
"""

import re
from codecs import BOM_UTF8
from collections.abc import Sequence
from typing import Final, Self

from attrs import frozen

from authflow.pool.accounts.attribute_schema import SUB
from authflow.pool.accounts.user_pool import UserPool
from authflow.pool.cognito_errors import invalid_parameter

USERNAME: Final = "cognito:username"
MFA_ENABLED: Final = "cognito:mfa_enabled"
_MOST_CHARS: Final = 16_000
_COMMA: Final = re.compile(r"(?<!\\),")


def csv_header(pool: UserPool) -> tuple[str, ...]:
    """Return the columns of the files that a pool's users are imported from."""
    return (*(name for name in pool.schema if name != SUB), MFA_ENABLED, USERNAME)


def _fields(line: bytes) -> list[str]:
    """Split a line into its fields, without the white space around them.

    Raises:
        CognitoError: It is not UTF-8, or too long.
    """
    try:
        text = line.decode()
    except UnicodeDecodeError:
        raise invalid_parameter("The row is not UTF-8.") from None
    if len(text) > _MOST_CHARS:
        raise invalid_parameter(f"The row has more than {_MOST_CHARS} characters.")
    return [field.replace("\\,", ",").strip() for field in _COMMA.split(text)]


@frozen(kw_only=True)
class CsvColumns:
    """The columns of a file, in its order.

    Args:
        names: Their names.
    """

    names: Sequence[str]

    @classmethod
    def read(cls, pool: UserPool, line: bytes) -> Self:
        """Read a file's first line, with or without the mark that spreadsheets put before UTF-8.

        Raises:
            CognitoError: It has not exactly the columns of the pool, in whatever order.
        """
        names = _fields(line.removeprefix(BOM_UTF8))
        if sorted(names) != sorted(csv_header(pool)):
            raise invalid_parameter("The header of the CSV file does not match the user pool.")
        return cls(names=names)

    def record(self, line: bytes) -> dict[str, str]:
        """Read a row: what it says under each column, "" for nothing.

        Raises:
            CognitoError: It is unreadable, or has other columns than the header.
        """
        fields = _fields(line)
        if len(fields) != len(self.names):
            raise invalid_parameter("The row has not as many fields as the header.")
        return dict(zip(self.names, fields, strict=True))
