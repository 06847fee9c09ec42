"""The AWS credentials with which a pool calls the endpoints that it is given.

Such an endpoint is mostly on this machine and checks none. So the environment's are used if they
are there, no file of AWS's is read, and otherwise the credentials are anybody's.
"""

import os
from typing import Final

from authflow.errors import ConfigError

_NOBODY: Final = {"aws_access_key_id": "authflow", "aws_secret_access_key": "authflow"}


def local_credentials(whose: str) -> dict[str, str | None]:
    """Return the credentials in the environment, or anybody's, as a client of botocore takes them.

    Args:
        whose: What they are for, in the error.

    Raises:
        ConfigError: They are there by half.
    """
    key_id = os.environ.get("AWS_ACCESS_KEY_ID")
    key = os.environ.get("AWS_SECRET_ACCESS_KEY")
    if bool(key_id) != bool(key):
        msg = f"set both AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY for {whose}"
        raise ConfigError(msg)
    if not key:
        return dict(_NOBODY)
    return {
        "aws_access_key_id": key_id,
        "aws_secret_access_key": key,
        "aws_session_token": os.environ.get("AWS_SESSION_TOKEN") or None,
    }
