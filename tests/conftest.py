"""What all tests share."""

import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest

VECTORS = Path(__file__).parent / "vectors"


def load_vectors(name: str) -> Any:
    """Read a file of test vectors."""
    return json.loads((VECTORS / f"{name}.json").read_text())


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip a test whose program is missing, and say so; in CI the program must be there."""
    for mark in item.iter_markers("system"):
        program = mark.args[0]
        if shutil.which(program) is None:
            reason = f"{program} is not installed: run `make test-deps`"
            if os.environ.get("CI"):
                pytest.fail(reason, pytrace=False)
            pytest.skip(reason)
