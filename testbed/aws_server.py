"""Moto's server, which stands in for AWS: that cannot run here."""

import threading
from collections.abc import Iterator
from typing import Any

import pytest

__all__ = ["aws_credentials", "aws_url"]


@pytest.fixture(scope="session")
def aws_url() -> Iterator[str]:
    """Run moto's server, and give its address."""
    # They take a second to import, and few tests need them.
    from moto.moto_server.werkzeug_app import (  # noqa: PLC0415
        DomainDispatcherApplication,
        MotoRequestHandler,
        create_backend_app,
    )
    from werkzeug.serving import make_server  # noqa: PLC0415

    turn = threading.Lock()
    moto = DomainDispatcherApplication(create_backend_app)

    def one_at_a_time(*request: Any) -> Any:
        """Moto looks at an item and then writes it, without a lock; in DynamoDB it is one step."""
        with turn:
            return moto(*request)

    server = make_server(
        "127.0.0.1", 0, one_at_a_time, threaded=True, request_handler=MotoRequestHandler
    )
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def aws_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    """Set credentials that mean nothing there."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
