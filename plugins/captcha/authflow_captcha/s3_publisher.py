"""A publisher that puts pictures and sounds into Amazon S3, and returns signed links to them.

The bucket stays private: a link holds a signature that expires, and the object's name is random.
S3 does not delete what has expired: give the bucket a lifecycle rule that deletes objects under the
prefix after a day. The triggers need `s3:PutObject` and `s3:GetObject` on `BUCKET/PREFIX*`.

A link that was signed with temporary credentials, as a Lambda function's are, ends with these.

Sources: "Download and upload objects with presigned URLs" and "Expiring objects" in the Amazon S3
user guide.
"""

import secrets
from types import MappingProxyType
from typing import Final

import anyio
from attrs import define
from botocore.exceptions import BotoCoreError, ClientError

from authflow.aws import AwsConnection
from authflow.plugins import ConfigError
from authflow_captcha.errors import PublishError

_SUFFIXES: Final = {"image/png": ".png", "audio/wav": ".wav"}
_NAME_BYTES: Final = 32


@define(kw_only=True, eq=False)
class S3Publisher(AwsConnection):
    """Puts files into a bucket of Amazon S3.

    It belongs to the event loop that first uses it. As an async context manager it closes its
    connections at the end, unless the client is the caller's.

    Args:
        bucket: The bucket's name.
        prefix: What the objects' names begin with.
        timeout: How many seconds putting a file may take; a trigger has 5 in all.
        client: A client for "s3" of aiobotocore's, with `signature_version="s3v4"`; by default one
            is made at the first use, with AWS's usual credentials.
        region: The bucket's region, where the environment does not say it.
        endpoint: Another address than AWS's.

    Raises:
        ConfigError: The bucket has no name, or the client comes with a region or an endpoint.
    """

    service = "s3"
    # In old regions botocore signs links with version 2, which new buckets refuse.
    options = MappingProxyType({"signature_version": "s3v4"})

    bucket: str
    prefix: str = "captcha/"
    timeout: float = 3.0

    def __attrs_post_init__(self) -> None:
        if not isinstance(self.bucket, str) or not self.bucket:
            msg = "S3Publisher: name the bucket"
            raise ConfigError(msg)
        AwsConnection.__attrs_post_init__(self)

    async def publish(self, data: bytes, media_type: str, seconds: int) -> str:
        """Store a file under a random name, and return a signed link that is valid for a while.

        Args:
            data: The file's content.
            media_type: Its type.
            seconds: For how long the link is good.

        Raises:
            PublishError: S3 cannot be asked, or refuses.
        """
        name = self.prefix + secrets.token_urlsafe(_NAME_BYTES) + _SUFFIXES.get(media_type, "")
        place = {"Bucket": self.bucket, "Key": name}
        try:
            with anyio.fail_after(self.timeout):
                await self.call(
                    "put_object",
                    **place,
                    Body=data,
                    ContentType=media_type,
                    CacheControl="no-store",
                )
                url: str = await self.call(
                    "generate_presigned_url",
                    ClientMethod="get_object",
                    Params=place,
                    ExpiresIn=seconds,
                )
        except (BotoCoreError, ClientError, TimeoutError) as error:
            msg = f"the CAPTCHA cannot be put into the bucket: {type(error).__name__}"
            raise PublishError(msg) from error
        return url
