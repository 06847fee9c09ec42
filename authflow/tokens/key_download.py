"""One attempt to download a pool's keys, and whether another attempt may succeed."""

import aiohttp
from botocore.exceptions import BotoCoreError, HTTPClientError, SSLError

from authflow.aws.client_session import RedirectedError
from authflow.aws.downloads import BrokenError, Download, TooLargeError, open_download
from authflow.tokens.key_set import MOST_BYTES, BrokenJwksError, Keys, read_published

__all__ = ["GiveUpError", "TryAgainError", "attempt", "open_download"]


class TryAgainError(Exception):
    """The attempt failed, and another one may succeed. The text says why."""


class GiveUpError(Exception):
    """The attempt failed, and another one would fail as well. The text says why."""


async def attempt(download: Download) -> Keys:
    """Fetch the keys once.

    Raises:
        TryAgainError: The network or the server failed in a way that may pass.
        GiveUpError: It failed in a way that will not.
    """
    try:
        document = await download.get(most=MOST_BYTES)
        if document.status == 200:  # HTTP's OK
            return read_published(document.body)
    except (BrokenJwksError, BrokenError) as error:
        raise TryAgainError(str(error)) from None
    except TooLargeError as error:
        raise GiveUpError(str(error)) from None
    except BotoCoreError as error:
        cause = error.kwargs.get("error", error)
        if isinstance(cause, RedirectedError):
            msg = "the server sends requests elsewhere; check the address"
            raise GiveUpError(msg) from None
        why = f"{type(cause).__name__}; check the network and the address"
        raise (GiveUpError if _is_lasting(error) else TryAgainError)(why) from None
    why = f"the server answers with HTTP status {document.status}"
    again = document.status == 429 or document.status >= 500  # too many requests, server errors
    raise (TryAgainError if again else GiveUpError)(why)


def _is_lasting(error: BotoCoreError) -> bool:
    """Return whether another attempt would fail too, as without a file of certificates."""
    if isinstance(error, SSLError):
        return isinstance(error.kwargs.get("error"), aiohttp.ClientConnectorCertificateError)
    broken = isinstance(error.kwargs.get("error"), aiohttp.ClientResponseError)  # no HTTP
    return type(error) is HTTPClientError and not broken
