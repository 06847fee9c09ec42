"""The client's fixture as pytest-asyncio runs it, on the event loop of the test that asks for it.

A fixture of pytest-asyncio's says on which loop it runs, and tests say it, too. So there is one for
each scope that a loop may have. `authflow.testing.pytest_plugin` loads this if pytest-asyncio is
there, and chooses.
"""

from typing import TYPE_CHECKING, Any

import pytest_asyncio

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from authflow.client import AuthClient
    from authflow.testing.running_pool import RunningPool


def _on_loop_of(scope: Any) -> Any:
    @pytest_asyncio.fixture(loop_scope=scope, name=f"_authflow_client_on_{scope}_loop")
    async def client(authflow_pool: "RunningPool") -> "AsyncIterator[AuthClient]":
        async with authflow_pool.client() as opened:
            yield opened

    return client


on_function_loop = _on_loop_of("function")
on_class_loop = _on_loop_of("class")
on_module_loop = _on_loop_of("module")
on_package_loop = _on_loop_of("package")
on_session_loop = _on_loop_of("session")
