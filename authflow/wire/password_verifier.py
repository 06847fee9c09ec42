"""PASSWORD_VERIFIER: the password is proved by SRP.

Source: "USER_SRP_AUTH" under RespondToAuthChallenge in the API reference; the form of TIMESTAMP is
measured (Cognito names it in its error: "EEE MMM d HH:mm:ss z yyyy in english").
"""

import base64
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final, Self

from attrs import field, frozen

from authflow.wire.members import (
    USER_ID_FOR_SRP,
    USERNAME,
    MemberError,
    Members,
    read_base64,
    required,
)

SALT: Final = "SALT"
SRP_B: Final = "SRP_B"
SECRET_BLOCK: Final = "SECRET_BLOCK"
TIMESTAMP: Final = "TIMESTAMP"
_CLAIM_SECRET_BLOCK: Final = "PASSWORD_CLAIM_SECRET_BLOCK"
_CLAIM_SIGNATURE: Final = "PASSWORD_CLAIM_SIGNATURE"

TIMESTAMP_FORM: Final = "EEE MMM d HH:mm:ss z yyyy in english"
_TIMESTAMP: Final = re.compile(
    r"(Mon|Tue|Wed|Thu|Fri|Sat|Sun) (Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)"
    r" ([0-9]{1,2}) ([0-9]{1,2}):([0-9]{1,2}):([0-9]{1,2}) (?:UTC|GMT) ([0-9]{4})"
)
_MONTHS: Final = "JanFebMarAprMayJunJulAugSepOctNovDec"


@frozen(kw_only=True)
class Asked:
    """The challenge: the server's SRP values.

    Args:
        salt: SALT, in hexadecimal.
        srp_b: SRP_B, in hexadecimal.
        secret_block: SECRET_BLOCK, in base64: Cognito's own state, which goes back with the answer.
        user_id: USER_ID_FOR_SRP, the name under which the password was hashed.
    """

    salt: str = field(repr=False)
    srp_b: str = field(repr=False)
    secret_block: str = field(repr=False)
    user_id: str

    def write(self) -> Members:
        """Write the challenge as ChallengeParameters."""
        return Members(
            {
                SALT: self.salt,
                SRP_B: self.srp_b,
                SECRET_BLOCK: self.secret_block,
                USERNAME: self.user_id,
                USER_ID_FOR_SRP: self.user_id,
            }
        )

    @classmethod
    def read(cls, parameters: Mapping[str, str]) -> Self:
        """Read the challenge from ChallengeParameters; `srp` checks the values themselves.

        Raises:
            MemberError: One is missing.
        """
        return cls(
            user_id=required(parameters, USER_ID_FOR_SRP),
            salt=required(parameters, SALT),
            srp_b=required(parameters, SRP_B),
            secret_block=required(parameters, SECRET_BLOCK),
        )


@frozen(kw_only=True)
class Answer:
    """The answer: a proof of the password.

    Args:
        secret_block: SECRET_BLOCK as it was asked with, in base64.
        signature: PASSWORD_CLAIM_SIGNATURE, decoded: 32 bytes if it is one.
        stamp: TIMESTAMP, as it was signed.
    """

    secret_block: str = field(repr=False)
    signature: bytes = field(repr=False)
    stamp: str

    def write(self) -> Members:
        """Write the answer as ChallengeResponses."""
        return Members(
            {
                _CLAIM_SECRET_BLOCK: self.secret_block,
                _CLAIM_SIGNATURE: base64.b64encode(self.signature).decode(),
                TIMESTAMP: self.stamp,
            }
        )

    @classmethod
    def read(cls, responses: Mapping[str, str]) -> Self:
        """Read ChallengeResponses, in the order in which Cognito reports errors in them.

        Raises:
            MemberError: One is missing or not of its form.
        """
        stamp = required(responses, TIMESTAMP)
        required(responses, _CLAIM_SIGNATURE)
        block = required(responses, _CLAIM_SECRET_BLOCK)
        read_timestamp(stamp)
        read_base64(responses, _CLAIM_SECRET_BLOCK)
        return cls(
            stamp=stamp,
            secret_block=block,
            signature=read_base64(responses, _CLAIM_SIGNATURE),
        )

    @property
    def at(self) -> datetime:
        """The time of TIMESTAMP, in UTC."""
        return read_timestamp(self.stamp)


def read_timestamp(text: str) -> datetime:
    """Read TIMESTAMP; also accept a padded day and a wrong weekday.

    Raises:
        MemberError: It is not of Cognito's form, or there is no such time.
    """
    found = _TIMESTAMP.fullmatch(text)
    if found is None:
        raise MemberError(TIMESTAMP, TIMESTAMP_FORM)
    _, month, day, hour, minute, second, year = found.groups()
    try:
        return datetime(
            *(int(year), _MONTHS.index(month) // 3 + 1, int(day)),
            *(int(hour), int(minute), int(second)),
            tzinfo=UTC,
        )
    except ValueError:
        raise MemberError(TIMESTAMP, TIMESTAMP_FORM) from None
