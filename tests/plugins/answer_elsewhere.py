"""Another process of a service: it gets a pending sign-in and what a page sent, one job a line."""

import asyncio
import json
import sys
from datetime import UTC, datetime
from pkgutil import resolve_name
from typing import Any

from authflow import AuthClient, AuthConfig
from authflow.client.pending_data import put_together
from authflow.forms.form import Form


async def answered(job: dict[str, Any]) -> str:
    sys.path[:0] = job["path"]
    now = datetime.fromtimestamp(job["now"], UTC)
    pending = put_together(job["pending"])
    async with AuthClient(
        AuthConfig(**job["config"]),
        challenges=[resolve_name(job["plugin"])],
        discover=False,
        clock=lambda: now,
    ) as auth:
        form = auth.form(pending)
        if not isinstance(form, Form):
            return repr(form)
        return type(await auth.answer(pending, form.fill(job["values"]))).__name__


for line in sys.stdin:
    try:
        sys.stdout.write(f"{asyncio.run(answered(json.loads(line)))}\n")
    except Exception as error:  # noqa: BLE001  # the test shows it
        sys.stdout.write(f"{error!r}\n")
    sys.stdout.flush()
