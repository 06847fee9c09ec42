"""Tickets: the time to seal and to open one, how long they are, and what a pending sign-in takes.

    .venv/bin/python -m benchmarks.tickets               half a minute
    .venv/bin/python -m benchmarks.tickets --calls 50    a glance

Processor time of the thread, in one process, one ticket after another; a figure is the median of
the rounds, and the fastest beside it, since shared machines drift. Beside it stands the least that
any such ticket costs: one AES-256-GCM with a key derived for it, and JSON written or read.
"""

import argparse
import base64
import json
import platform
import random
import statistics
import string
import time
import tracemalloc
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Final

import anyio
from attrs import asdict, evolve, frozen

from authflow import AuthFlow, Challenge, ChallengeRequired, Secret
from authflow.client.pending_data import take_apart
from authflow.client.ticket_store import TicketStore
from authflow.client.tickets import Tickets
from authflow.keys import KeyRing
from authflow.keys.sealed_text import SealedText
from authflow.machine import State
from authflow.sign_in import SignIn
from authflow.stores import MemoryStore

RESULTS: Final = Path(__file__).parent / "results" / "tickets.json"
PLACE: Final = ("eu-central-1_Abc123def", "1example23456789")
PENDING: Final = 1_000
"""Pending sign-ins whose memory is measured together."""
ROUNDS: Final = 9


@frozen(kw_only=True)
class Row:
    """The figures of one kind of pending sign-in."""

    kind: str
    session: int
    parameters: int
    ticket: int
    adds: int
    seal_us: float
    seal_fastest_us: float
    open_us: float
    open_fastest_us: float
    least_us: float
    kilobytes: float


def pending(session: str, parameters: dict[str, str]) -> ChallengeRequired:
    """Return a pending sign-in, of strings that nobody shares."""
    return ChallengeRequired(
        challenge=Challenge(name="CUSTOM_CHALLENGE", kind="captcha", parameters=parameters),
        sign_in=SignIn(
            flow=AuthFlow.CUSTOM_AUTH,
            state=State.CUSTOM_CHALLENGE,
            username="ada@example.com",
            canonical_username="0f1e2d3c-1111-4222-8333-444455556666",
            session=Secret(session),
            rounds=1,
            expires_at=time.time() + 600,
        ),
    )


def made(kind: str) -> ChallengeRequired:
    """Return a pending sign-in of a kind."""
    drawn = random.Random()  # noqa: S311  # lengths are what counts
    known = {"challenge": "captcha", "attempt": "1", "attempts": "3", "USERNAME": "ada"}
    session = base64.urlsafe_b64encode(drawn.randbytes(1200)).decode().rstrip("=")
    match kind:
        case "a code, session of 1,600":
            return pending(session, {**known, "hint": "sent to a***@e***"})
        case "session of 2,048":
            return pending(base64.b64encode(drawn.randbytes(1536)).decode(), known)
        case "a picture, left out":
            picture = base64.b64encode(drawn.randbytes(9000)).decode()
            return pending(session, {**known, "captchaUrl": f"data:image/png;base64,{picture}"})
        case "no base64, session of 2,048":
            return pending("".join(drawn.choices(string.printable[:94], k=2048)), known)
        case _:
            text = "".join(drawn.choices(string.printable[:94], k=4000))
            return pending(session, {**known, "text": text})


KINDS: Final = (
    "a code, session of 1,600",
    "session of 2,048",
    "a picture, left out",
    "no base64, session of 2,048",
    "a handle, text of 4,000",
)


async def measured(call: Callable[[], Awaitable[Any]], calls: int) -> tuple[float, float]:
    """Measure a call, in µs of processor time: the median of the rounds, and the fastest."""
    rounds = []
    for _ in range(ROUNDS):
        begun = time.thread_time()
        for _ in range(calls):
            await call()
        rounds.append((time.thread_time() - begun) / calls * 1e6)
    return statistics.median(rounds), min(rounds)


def memory(kind: str) -> float:
    """Measure what a pending sign-in takes in the process that waits for its answer, in kB."""
    kept = [made(kind)]
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        kept += [made(kind) for _ in range(PENDING)]
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    return (after - before) / PENDING / 1000


async def least(ring: KeyRing, what: ChallengeRequired) -> Callable[[], Awaitable[Any]]:
    """Return what any such ticket does at least: its data as JSON, sealed."""
    challenge = evolve(what.challenge, parameters={"challenge": "captcha"})
    data = take_apart(evolve(what, challenge=challenge))
    form = SealedText(version="xx1", purpose="benchmark", most_chars=10_000)

    async def seal() -> str:
        content = Secret(json.dumps(data).encode())
        return await form.seal(ring, content, PLACE, until=what.sign_in.expires_at)

    return seal


async def row(kind: str, calls: int) -> Row:
    """Measure a kind."""
    ring, what = KeyRing.generate(), made(kind)
    store = TicketStore(store=MemoryStore(most_entries=10**6), clock=time.time)
    tickets = Tickets(keys=ring, store=store, place=PLACE, clock=time.time)
    text = await tickets.seal(what, pictures=False)
    ticket = Secret(text)
    seal = await measured(lambda: tickets.seal(what, pictures=False), calls)
    opened = await measured(lambda: tickets.resume(ticket), calls)
    _, fastest = await measured(await least(ring, what), calls)
    session = 0 if what.sign_in.session is None else len(what.sign_in.session.reveal())
    parameters = sum(
        len(name) + len(value)
        for name, value in what.challenge.parameters.items()
        if not value.startswith("data:")
    )
    return Row(
        kind=kind,
        session=session,
        parameters=parameters,
        ticket=len(text),
        adds=len(text) - session - parameters,
        seal_us=seal[0],
        seal_fastest_us=seal[1],
        open_us=opened[0],
        open_fastest_us=opened[1],
        least_us=fastest,
        kilobytes=memory(kind),
    )


def table(rows: list[Row]) -> str:
    """Return the rows in Markdown."""
    times = ("seal µs, median", "fastest", "open µs, median", "fastest", "least to seal µs")
    names = ("pending sign-in", "session", "parameters", "ticket", "it adds", *times, "memory kB")
    lines = [f"| {' | '.join(names)} |", "|---" * len(names) + "|"]
    lines += [
        f"| {each.kind} | {each.session} | {each.parameters} | {each.ticket} | {each.adds}"
        f" | {each.seal_us:.0f} | {each.seal_fastest_us:.0f} | {each.open_us:.0f}"
        f" | {each.open_fastest_us:.0f} | {each.least_us:.0f} | {each.kilobytes:.1f} |"
        for each in rows
    ]
    return "\n".join(lines)


async def run(calls: int) -> list[Row]:
    """Measure all kinds."""
    return [await row(kind, calls) for kind in KINDS]


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--calls", type=int, default=1000, help="calls of each kind in a round")
    parser.add_argument("--json", type=Path, default=RESULTS, help="where to write the figures")
    options = parser.parse_args()
    rows = anyio.run(run, options.calls)
    report = {
        "machine": f"{platform.machine()}, {platform.system()}",
        "python": platform.python_version(),
        "calls": options.calls,
        "rows": [asdict(each) for each in rows],
    }
    options.json.parent.mkdir(parents=True, exist_ok=True)
    options.json.write_text(json.dumps(report, indent=2) + "\n")
    print(table(rows))


if __name__ == "__main__":
    main()
