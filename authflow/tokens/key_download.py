"""One attempt to download a pool's keys, and whether another attempt may succeed."""

from authflow.aws.downloads import (
    Download,
    DownloadError,
    TooLargeError,
    UntrustedError,
    open_download,
)
from authflow.tokens.key_set import MOST_BYTES, BrokenJwksError, Keys, read_published

__all__ = ["GiveUpError", "TryAgainError", "UntrustedError", "attempt", "open_download"]


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
    except (TooLargeError, UntrustedError) as error:
        raise GiveUpError(str(error)) from None
    except (BrokenJwksError, DownloadError) as error:
        raise TryAgainError(str(error)) from None
    if 300 <= document.status < 400:  # HTTP's redirections
        msg = "the server sends requests elsewhere; check the address"
        raise GiveUpError(msg)
    why = f"the server answers with HTTP status {document.status}"
    again = document.status == 429 or document.status >= 500  # too many requests, server errors
    raise (TryAgainError if again else GiveUpError)(why)
