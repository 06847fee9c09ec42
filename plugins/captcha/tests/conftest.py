"""What the tests of the CAPTCHA share."""

import base64
from collections.abc import Callable, Mapping

import pytest

from authflow.results import Challenge
from authflow.secret import Secret
from authflow.triggers.challenges import CreateContext, VerifyContext


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def asked() -> CreateContext:
    return CreateContext(
        username="ada", user_attributes={}, user_not_found=False, attempt=1, attempts=3
    )


@pytest.fixture(scope="session")
def answered() -> Callable[..., VerifyContext]:
    """Build what Verify is told."""

    def answered(
        answer: str, private: Mapping[str, str], *, user_not_found: bool = False
    ) -> VerifyContext:
        return VerifyContext(
            username="ada",
            user_attributes={},
            user_not_found=user_not_found,
            private=private,
            answer=Secret(answer),
        )

    return answered


@pytest.fixture(scope="session")
def challenged() -> Callable[..., Challenge]:
    """Build the challenge as a client gets it."""

    def challenged(url: str | None, *, attempt: int = 1, attempts: int | None = 3) -> Challenge:
        return Challenge(
            name="CUSTOM_CHALLENGE",
            kind="captcha",
            parameters={} if url is None else {"captchaUrl": url},
            attempt=attempt,
            attempts=attempts,
        )

    return challenged


@pytest.fixture(scope="session")
def as_url() -> Callable[..., str]:
    """Put a file into a data: URL."""

    def as_url(file: bytes, media_type: str = "image/png") -> str:
        return f"data:{media_type};base64,{base64.b64encode(file).decode()}"

    return as_url
