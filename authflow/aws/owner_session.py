"""Sessions with the owner's own AWS credentials, wherever an AWS SDK finds them.

They may come from the environment, AWS's configuration files, a process or a service. Whatever
cannot be read there is told by its kind alone: what a process printed may be a secret.
"""

import re
from typing import Final

import anyio
from aiobotocore.session import AioSession, get_session
from botocore.exceptions import (
    ConfigNotFound,
    ConfigParseError,
    CredentialRetrievalError,
    InfiniteLoopConfigError,
    MetadataRetrievalError,
    NoCredentialsError,
    PartialCredentialsError,
    ProfileNotFound,
    RefreshWithMFAUnsupportedError,
    SSOError,
    TokenRetrievalError,
    UnknownCredentialError,
)

from authflow.aws.certificates import named_certificates
from authflow.errors import ConfigError

CREDENTIALS_FAIL: Final = (
    *(ConfigNotFound, ConfigParseError, CredentialRetrievalError, InfiniteLoopConfigError),
    *(MetadataRetrievalError, NoCredentialsError, PartialCredentialsError, ProfileNotFound),
    *(RefreshWithMFAUnsupportedError, SSOError, TokenRetrievalError, UnknownCredentialError),
)
"""The errors of botocore's that are about credentials, and not about the service called."""
_HEADER: Final = re.compile(r"[\x21-\x7e]+")
"""The form of what stands in a request's headers: a key's id, and a session's token."""


async def open_owner_session(find_timeout: float) -> AioSession:
    """Open a session whose credentials are there.

    Args:
        find_timeout: Seconds for which they may be looked for.

    Raises:
        ConfigError: There are none, or they cannot be used; or the environment names certificates
            by an empty text.
    """
    named_certificates()
    session = get_session()
    if (wrong := await _wrong(session, find_timeout)) is None:
        return session
    raise credentials_fail(wrong)


def credentials_fail(why: str) -> ConfigError:
    """Return the error for credentials that cannot be used.

    Args:
        why: What is wrong with them.
    """
    return ConfigError(f"the AWS credentials that sign an administrator's calls fail: {why}")


async def _wrong(session: AioSession, find_timeout: float) -> str | None:
    """Return what is wrong with the credentials, without anything of them; None if nothing is."""
    try:
        with anyio.fail_after(find_timeout):
            found = await session.get_credentials()
            if found is None:
                return (
                    "there are none, in the environment or where else an AWS SDK looks: set"
                    " AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY; an embedded pool"
                    " takes any"
                )
            frozen = await found.get_frozen_credentials()
    except Exception as error:  # noqa: BLE001  # configuration, processes and services: anything
        return type(error).__name__
    shown = (frozen.access_key, *([frozen.token] if frozen.token else ()))
    return None if all(map(_HEADER.fullmatch, shown)) else "one has signs that no header can hold"
