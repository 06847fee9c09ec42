"""The store in a keyring, which tests of every store drive too: what is its own."""

import json
import os
import stat
import sys
import time
from pathlib import Path
from typing import Any

import anyio
import keyring
import pytest
from keyring.backends import fail, null

from authflow.errors import ConfigError, StoreEntryError, StoreUnavailableError
from authflow.stores import KeyringStore
from testbed.folder_keyring import FolderKeyring

ROOT = Path(__file__).parents[2]
KEY = "k" * 43
SIZES = (0, 1, 899, 900, 901, 1800, 1801, 50_000)


@pytest.fixture
def folder(keyring_store: KeyringStore) -> Path:
    kept: Any = keyring_store.backend
    return kept.folder


async def write(store: KeyringStore, value: bytes, seconds: float = 60) -> None:
    stored = await store.read(KEY)
    expected = None if stored is None else stored.version
    assert await store.replace(KEY, value, expected=expected, seconds=seconds)


async def test_a_value_of_any_length_is_kept_in_pieces_and_no_old_piece_stays(
    keyring_store: KeyringStore, folder: Path
):
    for size in (*SIZES, *reversed(SIZES)):
        value = os.urandom(size)
        await write(keyring_store, value)
        stored = await keyring_store.read(KEY)
        assert stored is not None
        assert stored.value == value
        pieces = -(-len(value) * 4 // 3 // 1200)
        assert abs(len([*folder.iterdir()]) - 1 - pieces) <= 1
        assert all(len(file.read_text()) <= 1200 for file in folder.iterdir())


async def test_a_writer_that_is_killed_at_any_piece_leaves_the_old_value(
    keyring_store: KeyringStore, monkeypatch: pytest.MonkeyPatch
):
    await write(keyring_store, b"old" * 900)
    pieces_and_head, real = 6, FolderKeyring.set_password
    for lived in range(pieces_and_head):
        left = lived

        def dying(self: FolderKeyring, *given: str) -> None:
            nonlocal left
            left -= 1
            if left < 0:
                raise SystemError
            real(self, *given)

        with monkeypatch.context() as patch:
            patch.setattr(FolderKeyring, "set_password", dying)
            with pytest.raises(StoreUnavailableError):
                await write(keyring_store, b"new" * 1900)
        stored = await keyring_store.read(KEY)
        assert stored is not None
        assert stored.value == b"old" * 900
    await write(keyring_store, b"new" * 1900)


async def test_a_keyring_that_is_locked_is_told_and_its_words_are_not(keyring_store: KeyringStore):
    keyring_store.backend.is_locked = True
    for call in (
        keyring_store.read(KEY),
        keyring_store.replace(KEY, b"", expected=None, seconds=1),
    ):
        with pytest.raises(StoreUnavailableError, match="unlock it") as caught:
            await call
        assert "canary" not in str(caught.value)


async def test_what_something_else_wrote_is_told(keyring_store: KeyringStore, folder: Path):
    await write(keyring_store, b"x" * 2000)
    head = folder / f"authflow-{KEY}"
    good = json.loads(head.read_text())
    texts = ["", "x", "{}", "[]", "1", "null", "[" * 10**5, json.dumps(good[:3])]
    for place, wrong in (*((n, None) for n in range(4)), (1, "x"), (2, 2), (3, -1), (3, 10**9)):
        texts.append(json.dumps([*good[:place], wrong, *good[place + 1 :]]))
    texts += [json.dumps([*good[:1], float("nan"), *good[2:]])]
    for text in texts:
        head.write_text(text)
        with pytest.raises(StoreEntryError):
            await keyring_store.read(KEY)
        with pytest.raises(StoreEntryError):
            await keyring_store.replace(KEY, b"", expected=None, seconds=1)
    head.write_text(json.dumps(good))
    for damage in ("&", None):
        piece = next(folder.glob(f"*{KEY}.*.1"))
        piece.unlink() if damage is None else piece.write_text(damage)
        with pytest.raises(StoreEntryError):
            await keyring_store.read(KEY)


@pytest.mark.parametrize(
    "given",
    [
        {"backend": fail.Keyring()},
        {"backend": null.Keyring()},
        {"backend": "x"},
        {"service": ""},
        {"lock": 5},
    ],
)
def test_what_keeps_nothing_is_refused(tmp_path: Path, given: dict[str, Any]):
    with pytest.raises(ConfigError):
        KeyringStore(**({"backend": FolderKeyring(tmp_path)} | given))


def test_the_systems_keyring_is_taken_where_none_is_named(tmp_path: Path):
    before = keyring.get_keyring()
    ours = FolderKeyring(tmp_path)
    try:
        keyring.set_keyring(ours)
        store = KeyringStore()
    finally:
        keyring.set_keyring(before)
    assert store.backend is ours
    assert store.lock == Path.home() / ".authflow" / "keyring.lock"


async def test_the_locks_folder_is_made_for_nobody_else(keyring_store: KeyringStore):
    await keyring_store.read(KEY)
    assert stat.S_IMODE(keyring_store.lock.parent.stat().st_mode) == 0o700


async def test_a_lock_that_is_held_is_waited_for_a_while(
    keyring_store: KeyringStore, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("authflow.stores.keyring.LOCK_TIMEOUT", 0.02)
    await keyring_store.read(KEY)
    with keyring_store._lock, pytest.raises(StoreUnavailableError, match="locked"):
        await keyring_store.read(KEY)
    assert await keyring_store.read(KEY) is None


COUNTING = """
import asyncio, os, sys
from pathlib import Path
from authflow.stores.keyring import KeyringStore
from testbed.folder_keyring import FolderKeyring

async def main():
    folder = Path(sys.argv[1])
    store = KeyringStore(backend=FolderKeyring(folder / "keyring"), lock=folder / "lock")
    for _ in range(15):
        while True:
            stored = await store.read("k")
            count = 0 if stored is None else int(stored.value)
            version = None if stored is None else stored.version
            value = b"%2000d" % (count + 1)
            if await store.replace("k", value, expected=version, seconds=60):
                break

children = []
for _ in range(3):
    child = os.fork()
    if not child:
        asyncio.run(main())
        os._exit(0)
    children.append(child)
sys.exit(any(os.waitpid(child, 0)[1] for child in children))
"""
"""What several processes do at once; they come of one, which has imported what they need."""


async def test_processes_that_write_at_once_lose_no_write(tmp_path: Path):
    (tmp_path / "keyring").mkdir()
    await anyio.run_process([sys.executable, "-c", COUNTING, str(tmp_path)], cwd=ROOT)
    store = KeyringStore(backend=FolderKeyring(tmp_path / "keyring"), lock=tmp_path / "lock")
    stored = await store.read("k")
    assert stored is not None
    assert int(stored.value) == 45


async def test_an_entry_that_has_expired_is_deleted_when_it_is_asked_for(
    keyring_store: KeyringStore, folder: Path
):
    for size in SIZES:
        await write(keyring_store, os.urandom(size), seconds=60)
        keyring_store.clock = lambda: time.time() + 61
        assert await keyring_store.read(KEY) is None
        assert list(folder.iterdir()) == []
        keyring_store.clock = time.time


async def test_what_a_process_wrote_and_has_expired_is_deleted_with_its_next_write(
    keyring_store: KeyringStore, folder: Path
):
    names = [letter * 43 for letter in "abc"]
    for name in names:
        assert await keyring_store.replace(name, b"x" * 2000, expected=None, seconds=60)
    stored = await keyring_store.read("c" * 43)
    assert stored is not None
    await keyring_store.replace("c" * 43, b"x" * 2000, expected=stored.version, seconds=600)
    keyring_store.backend.set_password(keyring_store.service, "b" * 43, "something else")
    keyring_store.clock = lambda: time.time() + 61
    await write(keyring_store, b"new")
    assert await keyring_store.read("c" * 43) is not None
    left = [file.name for file in folder.iterdir()]
    assert not any("a" * 43 in name for name in left)
    assert "something else" in [file.read_text() for file in folder.iterdir()]
