"""Where pictures and sounds are put, if they do not travel in the challenge itself."""

from typing import Protocol


class Publisher(Protocol):
    """Puts a file where clients can get it, at an address that nobody can guess."""

    async def publish(self, data: bytes, media_type: str, seconds: int) -> str:
        """Put a file at an address and give the address.

        It may be called up to three times for one challenge, since Cognito runs Create again when
        it was slow; each call is for a file of its own.

        Args:
            data: The file's content.
            media_type: Its type, such as "image/png".
            seconds: For how long it is needed. After that it should not be given out any more.

        Returns:
            An http or https URL.
        """
