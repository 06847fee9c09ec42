"""In a fresh checkout pytest's workers share the work of compiling it.

Each of them imports everything. They begin at the same time, so none would find what another has
compiled, and all would compile all: as much work as all that comes before the first test.
"""

import os
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from _pytest.assertion import rewrite

__all__ = ["compile_in_turns"]


def compile_in_turns(root: Path) -> None:
    """Compile what tests import, beginning at another place than other workers do.

    What is compiled is left. Wherever this cannot be done, imports compile by themselves, as ever.

    Args:
        root: The folder of the checkout.
    """
    worker = os.environ.get("PYTEST_XDIST_WORKER", "").removeprefix("gw")
    kind = rewrite.AssertionRewritingHook
    hook = next((each for each in sys.meta_path if isinstance(each, kind)), None)
    if not worker.isdecimal() or hook is None or sys.dont_write_bytecode:
        return
    files = sorted(_rewritten(root))
    begin = len(files) * int(worker) // int(os.environ["PYTEST_XDIST_WORKER_COUNT"])
    # What pytest's own hook does, but for the import; it checks again what it finds.
    with suppress(AttributeError, TypeError):  # of another version of pytest
        state = hook.config.stash[rewrite.assertstate_key]
        for path in (*files[begin:], *files[:begin]):
            folder = rewrite.get_cache_dir(path)
            compiled = folder / f"{path.stem}{rewrite.PYC_TAIL}"
            if not compiled.exists():
                with suppress(SyntaxError, OSError):
                    source, code = rewrite._rewrite_test(path, hook.config)  # noqa: SLF001
                    folder.mkdir(exist_ok=True)
                    rewrite._write_pyc(state, code, source, compiled)  # noqa: SLF001


def _rewritten(root: Path) -> Iterator[Path]:
    """Yield the files that pytest rewrites: tests, and the package that has a plugin of its own."""
    for folder in (root / "tests", *root.glob("plugins/*/tests")):
        yield from folder.rglob("test_*.py")
        yield from folder.rglob("conftest.py")
    yield from (root / "authflow").rglob("*.py")
