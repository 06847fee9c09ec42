import json
import subprocess
import sys

import authflow.triggers

HEAVY = {
    "aiobotocore",
    "aiohttp",
    "aiosqlite",
    "argon2",
    "bcrypt",
    "boto3",
    "botocore",
    "httpx",
    "joserfc",
    "sqlalchemy",
    "starlette",
    "trio",
    "uvicorn",
    "uvloop",
}


def test_importing_the_triggers_loads_neither_a_face_nor_what_is_heavy():
    program = "import sys, json, authflow.triggers; print(json.dumps(sorted(sys.modules)))"
    printed = subprocess.run(
        [sys.executable, "-c", program], check=True, capture_output=True, text=True
    ).stdout
    loaded = set(json.loads(printed))
    assert "authflow.triggers.dispatcher" in loaded
    assert not {name.partition(".")[0] for name in loaded} & HEAVY
    faces = ("authflow.client", "authflow.pool", "authflow.cli")
    assert not [name for name in loaded if name.startswith(faces)]


def test_the_public_names_are_sorted_and_all_of_them_are_there():
    names = authflow.triggers.__all__
    assert names == sorted(names)
    assert all(hasattr(authflow.triggers, name) for name in names)
