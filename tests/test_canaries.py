"""Secrets are driven through every flow, and looked for in all that is written.

Logs at DEBUG of the whole process, both sides of it; every value that a caller gets to hold; every
error with its traceback and local variables; what observers are told, and what they record; the
pool's database file.
"""

import logging
import re
import traceback
from typing import Any

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from authflow import AuthClient, AuthFlow, ChallengeRequired
from authflow.errors import AuthFlowError
from authflow.integrations.logging import LoggingObserver
from authflow.integrations.opentelemetry import OpenTelemetryObserver
from authflow.keys import KeyRing
from authflow.triggers import Triggers, challenge, password, sequence
from testbed.told_events import Told

PASSWORD = "Canary-passw0rd-1"
WRONG = "Canary-wr0ng-2"
ANSWER = "open sesame"
BAD_ANSWER = "canary-answer-3"
NEW_PASSWORD = "Canary-changed-4"
WEAK = "canaryweak"


def frames_of(error: BaseException) -> str:
    """What a crash reporter would keep of our frames: every local variable's repr."""
    told = [repr(error), str(error)]
    links: list[BaseException | None] = [error, error.__cause__, error.__context__]
    for link in filter(None, links):
        for frame, _ in traceback.walk_tb(link.__traceback__):
            if frame.f_code.co_filename != __file__:
                told.append(repr(frame.f_locals))
    return "\n".join(told)


async def test_no_secret_is_written_anywhere(live_pool, word, caplog, tmp_path):
    caplog.set_level(logging.DEBUG)
    logging.getLogger("aiosqlite").setLevel(logging.DEBUG)
    exporter, tracers = InMemorySpanExporter(), TracerProvider()
    tracers.add_span_processor(SimpleSpanProcessor(exporter))
    written: list[str] = []
    secrets = {PASSWORD, WRONG, BAD_ANSWER, NEW_PASSWORD, WEAK}
    database = tmp_path / "pool.sqlite"

    async def attempt(call: Any) -> Any:
        try:
            result = await call
        except AuthFlowError as error:
            written.append(frames_of(error))
            return None
        written.append(f"{result!r} {result}")
        if isinstance(result, ChallengeRequired) and result.sign_in.session is not None:
            secrets.add(result.sign_in.session.reveal())
        tokens = getattr(result, "tokens", None)
        if tokens is not None:
            secrets.update({tokens.access_token.reveal(), tokens.id_token.reveal()})
            secrets.add(tokens.refresh_token.reveal())
        return result

    triggers = Triggers(policy=sequence(password(), challenge("word")), challenges=[word])
    async with live_pool(db=str(database), triggers=triggers) as pool:
        # The owner's own SDK logs what it sends, and that is the owner's affair.
        logging.disable(logging.DEBUG)
        await pool.add_user("ada", PASSWORD)
        await pool.call(
            "AdminCreateUser",
            UserPoolId=pool.user_pool_id,
            Username="grace",
            TemporaryPassword=PASSWORD,
        )
        config = await pool.app_client(secret=True)
        logging.disable(logging.NOTSET)
        secrets.add(config.client_secret.reveal())
        written.append(repr(config))
        told = Told()
        observers = [told, LoggingObserver(), OpenTelemetryObserver(tracer_provider=tracers)]
        async with AuthClient(config, observer=observers, keys=KeyRing.generate()) as auth:
            written.append(repr(auth))
            for flow in AuthFlow:
                await attempt(auth.sign_in("ada", PASSWORD, flow=flow))
                await attempt(auth.sign_in("ada", WRONG, flow=flow))
                await attempt(auth.sign_in("nobody", PASSWORD, flow=flow))
            pending = await attempt(auth.sign_in("ada", PASSWORD, flow=AuthFlow.CUSTOM_AUTH))
            ticket = await auth.seal(pending)
            secrets.add(ticket)
            pending = await attempt(auth.answer(await auth.resume(ticket), BAD_ANSWER))
            done = await attempt(auth.answer(pending, ANSWER))
            await attempt(auth.answer(pending, ANSWER))
            pending = await attempt(auth.sign_in("grace", PASSWORD))
            await attempt(auth.answer(pending, WEAK))
            pending = await attempt(auth.sign_in("grace", PASSWORD))
            await attempt(auth.answer(pending, NEW_PASSWORD))
            await attempt(auth.refresh(done.tokens.refresh_token))
            await attempt(auth.revoke(done.tokens.refresh_token))
            await attempt(auth.refresh(done.tokens.refresh_token))
            await attempt(auth.sign_out(done.tokens.access_token))
    assert len(secrets) > 15
    told.check()
    spans = "".join(each.to_json() for each in exporter.get_finished_spans())
    lines = [each.getMessage() for each in caplog.records if each.name == "authflow.events"]
    assert min(len(told.events), len(lines), spans.count("span_id")) > 50
    for name in ("ada", "grace", "nobody"):
        assert re.search(rf"\b{name}\b", f"{told.events}{spans}{lines}") is None
    written += [repr(told.events), spans]
    logged = caplog.text
    assert logged
    told = "\n".join(written)
    for secret in secrets:
        assert secret not in logged
        assert secret not in told
    stored = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    for secret in secrets - {config.client_secret.reveal()}:
        assert secret.encode() not in stored


def test_the_canary_test_would_see_a_leak():
    """The search itself: a secret that a frame holds or an error tells is found."""
    with pytest.raises(AuthFlowError) as leak:
        raise AuthFlowError(f"wrong: {PASSWORD}")
    assert PASSWORD in frames_of(leak.value)
