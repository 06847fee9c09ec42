"""Publishers of pictures and sounds, for challenges that hold only a link."""

from typing import Protocol


class Publisher(Protocol):
    """Publishes files for clients, at addresses that nobody can guess."""

    async def publish(self, data: bytes, media_type: str, seconds: int) -> str:
        """Publish a file and return its address.

        It may be called up to three times for one challenge, since Cognito runs Create again when
        it was slow; each call is for a file of its own.

        Args:
            data: The file's content.
            media_type: Its type, such as "image/png".
            seconds: For how long it is needed. After that it should not be given out any more.

        Returns:
            An http or https URL.
        """
