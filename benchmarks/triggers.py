"""The triggers: what a cold start pays for imports, and what an event costs.

    make bench                                          all of it, a few minutes
    python -m benchmarks.triggers --rounds 3 --calls 200        a glance

Imports and cold starts are whole processes: the kernel's accounting of a Python that imports, or
that builds `Triggers` and serves its first event by `lambda_handler` as Lambda's runtime has it do,
less that of one that does nothing. Events are served in this process, one after the other, as a
warm function serves them. Everything takes turns, so that a machine whose speed drifts is fair to
all, and the figures are medians over the rounds. Compare the ratios: absolute figures are one
machine's.
"""

import argparse
import asyncio
import json
import os
import platform
import shutil
import statistics
import sys
import time
from collections.abc import Awaitable, Callable
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, ClassVar, Final

from attrs import frozen

import authflow
from authflow.secret import Secret
from authflow.triggers import (
    CreateContext,
    CreateEvent,
    DefineEvent,
    Issued,
    Policy,
    SessionEntry,
    Triggers,
    VerifyContext,
    VerifyEvent,
    challenge,
    password,
    sequence,
)
from authflow.triggers.policies.facts import Facts

RESULTS: Final = Path(__file__).parent / "results" / "triggers.json"
OURS: Final = Path(authflow.__file__).parent.relative_to(Path(authflow.__file__).anchor)
CHALLENGES: Final = 9
"""With the password, a policy of ten steps."""
USER: Final = {"sub": "5f1c2d7e-0000-4000-8000-000000000000", "email": "ada@example.com"}
ABOUT: Final[dict[str, Any]] = {
    "user_pool_id": "eu-central-1_EXAMPLE01",
    "client_id": "1example23456789",
    "username": "ada",
    "user_attributes": USER,
}

BUILD: Final = """
from authflow.triggers import Issued, Triggers, challenge, password, sequence
class Quiz:
    name = "quiz"
    metadata = "QUIZ"
    async def create(self, context):
        return Issued(public={"question": "2 + 3"}, private={"sum": "5"})
    async def verify(self, context): ...
triggers = Triggers(policy=sequence(password(), challenge(Quiz())))
"""
BY_NAME: Final = """
from authflow.triggers import Triggers, challenge, password, sequence
triggers = Triggers(policy=sequence(password(), challenge("captcha")))
"""
ITSELF: Final = """
from authflow.triggers import Triggers, challenge, password, sequence
from authflow_captcha.trigger import Captcha
triggers = Triggers(policy=sequence(password(), challenge(Captcha())))
"""
SERVED: Final = """
import json
triggers.lambda_handler(json.loads({text!r}), None)
"""
"""As Lambda's runtime does it, which has read the event from JSON before."""


def first(source: str) -> str:
    """The part of a program that serves its first event."""
    session = [{"challengeName": "SRP_A", "challengeResult": True, "challengeMetadata": None}]
    if source == "CreateAuthChallenge":
        session.append({**session[0], "challengeName": "PASSWORD_VERIFIER"})
    request: dict[str, Any] = {"userAttributes": USER, "session": session}
    if source == "CreateAuthChallenge":
        request["challengeName"] = "CUSTOM_CHALLENGE"
    event = {
        "version": "1",
        "triggerSource": f"{source}_Authentication",
        "region": "eu-central-1",
        "userPoolId": ABOUT["user_pool_id"],
        "userName": "ada",
        "callerContext": {"awsSdkVersion": "1", "clientId": ABOUT["client_id"]},
        "request": request,
        "response": {},
    }
    return SERVED.format(text=json.dumps(event))


COLD: Final = "cold start: built, and the first Define by `lambda_handler`"
NO_BYTECODE: Final = f"{COLD}, without bytecode in the bundle"
PROGRAMS: Final = {
    "nothing": "pass",
    "import attrs": "import attrs",
    "import authflow.triggers": "import authflow.triggers",
    "Triggers, challenge, password, sequence": (
        "from authflow.triggers import Triggers, challenge, password, sequence"
    ),
    "Triggers built": BUILD,
    COLD: BUILD + first("DefineAuthChallenge"),
    "cold start: built, and the first Create": BUILD + first("CreateAuthChallenge"),
    "cold start of `challenge(Captcha())`": ITSELF + first("DefineAuthChallenge"),
    'cold start of `challenge("captcha")`': BY_NAME + first("DefineAuthChallenge"),
    "every public name": "from authflow.triggers import *",
}


class Quiz:
    """A challenge that costs next to nothing, so that what is around it shows."""

    name: ClassVar[str] = "quiz"
    metadata: ClassVar[str] = "QUIZ"

    async def create(self, context: CreateContext) -> Issued:
        """Ask."""
        return Issued(public={"question": "2 + 3", "for": context.username}, private={"sum": "5"})

    async def verify(self, context: VerifyContext) -> bool:
        """Compare."""
        return context.answer.reveal() == context.private["sum"]


def entries(passed: int) -> tuple[SessionEntry, ...]:
    """A session in which the password and some challenges were passed."""
    names = ["SRP_A", "PASSWORD_VERIFIER", *["CUSTOM_CHALLENGE"] * passed]
    return tuple(
        SessionEntry(
            challenge_name=name,
            challenge_result=True,
            challenge_metadata="QUIZ" if name == "CUSTOM_CHALLENGE" else None,
        )
        for name in names
    )


def written_by_hand(raw: dict[str, Any]) -> dict[str, Any]:
    """The same flow as people write it: no types, no plugins, no errors for what is malformed."""
    request, response = raw["request"], raw["response"]
    match raw["triggerSource"].partition("_")[0]:
        case "DefineAuthChallenge":
            session = request["session"]
            expected = ["SRP_A", "PASSWORD_VERIFIER", *["CUSTOM_CHALLENGE"] * CHALLENGES]
            names = [entry["challengeName"] for entry in session]
            in_order = names == expected[: len(names)]
            sound = in_order and all(entry["challengeResult"] is True for entry in session)
            done = sound and len(names) == len(expected)
            response["issueTokens"] = done and not request["userNotFound"]
            response["failAuthentication"] = not sound
            response["challengeName"] = expected[len(names)] if sound and not done else None
        case "CreateAuthChallenge":
            response["publicChallengeParameters"] = {"question": "2 + 3"}
            response["privateChallengeParameters"] = {"sum": "5"}
            response["challengeMetadata"] = "QUIZ"
        case _:
            right = request["challengeAnswer"] == request["privateChallengeParameters"]["sum"]
            response["answerCorrect"] = right
    return raw


def cpu_ms(program: str, bytecode: Path) -> float:
    """Run a program in a Python of its own; give the processor time it took, in milliseconds."""
    writes = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    environment = {**writes, "PYTHONPYCACHEPREFIX": str(bytecode)}
    child = os.posix_spawn(sys.executable, [sys.executable, "-c", program], environment)
    _, status, usage = os.wait4(child, 0)
    if status:
        sys.exit(f"this program failed:\n{program}")
    return (usage.ru_utime + usage.ru_stime) * 1000


def measure_imports(rounds: int) -> list[dict[str, Any]]:
    """Measure every program in turn; give medians over that of the empty one."""
    taken: dict[str, list[float]] = {name: [] for name in (*PROGRAMS, NO_BYTECODE)}
    with TemporaryDirectory() as folder:
        full, without_ours = Path(folder, "full"), Path(folder, "without ours")
        for program in PROGRAMS.values():
            cpu_ms(program, full)  # writes the bytecode
        for _ in range(rounds):
            for name, program in PROGRAMS.items():
                taken[name].append(cpu_ms(program, full))
            shutil.copytree(full, without_ours)
            shutil.rmtree(without_ours / OURS)
            taken[NO_BYTECODE].append(cpu_ms(PROGRAMS[COLD], without_ours))
            shutil.rmtree(without_ours)
    nothing = taken["nothing"]
    over = {
        name: [figure - least for figure, least in zip(figures, nothing, strict=True)]
        for name, figures in taken.items()
    }
    attrs = statistics.median(over["import attrs"])
    return [
        {
            "program": name,
            "cpu_ms": statistics.median(figures),
            "fastest_ms": min(taken[name]) - min(nothing),
            "attrs": statistics.median(figures) / attrs,
        }
        for name, figures in over.items()
        if name != "nothing"
    ]


@frozen(kw_only=True)
class Served:
    """An event, and the part of serving it that is not ours to save.

    Args:
        raw: The event.
        work: What the policy or the plugin does for it; the rest is the dispatcher's.
    """

    raw: dict[str, Any]
    work: Callable[[], Awaitable[object]]


def served_by(triggers: Triggers, policy: Policy) -> dict[str, Served]:
    """Name the events that are measured."""
    beginning = DefineEvent(**ABOUT, session=entries(0)[:1])
    end = DefineEvent(**ABOUT, session=entries(CHALLENGES))
    last = CreateEvent(**ABOUT, session=entries(CHALLENGES - 1))
    private = last.read_reply(asyncio.run(triggers.handle(last.to_json()))).private
    answered = VerifyEvent(**ABOUT, private=private, answer=Secret("5"))
    quiz = Quiz()
    known: dict[str, Any] = {"username": "ada", "user_attributes": USER, "user_not_found": False}
    facts = Facts(user_attributes=USER, groups=frozenset(), client_metadata={})

    def replay(passed: int | None) -> Callable[[], Awaitable[object]]:
        session = () if passed is None else entries(passed)

        async def work() -> object:
            return policy.replay(session, {Quiz.name: Quiz.metadata}, facts)

        return work

    async def create() -> object:
        await replay_last()
        return await quiz.create(CreateContext(attempt=1, attempts=3, **known))

    async def verify() -> object:
        secret = Secret("5")
        return await quiz.verify(VerifyContext(private=private, answer=secret, **known))

    replay_last = replay(CHALLENGES - 1)
    return {
        "Define, at the beginning": Served(raw=beginning.to_json(), work=replay(None)),
        "Define, after ten steps": Served(raw=end.to_json(), work=replay(CHALLENGES)),
        "Create, for the tenth step": Served(raw=last.to_json(), work=create),
        "Verify": Served(raw=answered.to_json(), work=verify),
    }


def us(calls: int, call: Callable[[], object]) -> float:
    """Give the processor time of one call, in microseconds."""
    begun = time.process_time()
    for _ in range(calls):
        call()
    return (time.process_time() - begun) / calls * 1e6


def us_awaited(calls: int, call: Callable[[], Awaitable[object]]) -> float:
    """The same for a coroutine function, on a loop that runs already."""

    async def run() -> float:
        begun = time.process_time()
        for _ in range(calls):
            await call()
        return (time.process_time() - begun) / calls * 1e6

    return asyncio.run(run())


def measure(triggers: Triggers, served: Served, calls: int) -> dict[str, float]:
    """Measure one event once, in all ways."""
    text = json.dumps(served.raw)
    handle_us = us_awaited(calls, lambda: triggers.handle(served.raw))
    work_us = us_awaited(calls, served.work)
    return {
        "handle_us": handle_us,
        "work_us": work_us,
        "overhead_us": handle_us - work_us,
        "lambda_us": us(calls, lambda: triggers.lambda_handler(served.raw, None)),
        "by_hand_us": us(calls, lambda: written_by_hand({**served.raw, "response": {}})),
        "json_us": us(calls, lambda: json.dumps(json.loads(text))),
    }


def measure_events(rounds: int, calls: int) -> list[dict[str, Any]]:
    """Measure every event in turn, and give the medians."""
    policy = Policy(sequence(password(), *[challenge("quiz")] * CHALLENGES))
    triggers = Triggers(policy=policy, challenges=[Quiz])
    rows = []
    for name, served in served_by(triggers, policy).items():
        taken = [measure(triggers, served, calls) for _ in range(rounds)]
        medians = {key: statistics.median(each[key] for each in taken) for key in taken[0]}
        rows.append({"event": name, **medians})
    return rows


def tables(imports: list[dict[str, Any]], served: list[dict[str, Any]]) -> str:
    """Lay the figures out in Markdown."""
    lines = ["| a new process does | CPU ms, median | fastest | `import attrs` = 1 |"]
    lines.append("|---" * 4 + "|")
    lines += [
        f"| {row['program']} | {row['cpu_ms']:.1f} | {row['fastest_ms']:.1f} | {row['attrs']:.2f} |"
        for row in imports
    ]
    headings = ["event", "handle µs", "of it policy or plugin", "overhead", "`lambda_handler`"]
    headings += ["by hand", "its JSON, read and written", "handle, JSON = 1"]
    lines += ["", f"| {' | '.join(headings)} |", "|---" * len(headings) + "|"]
    lines += [
        f"| {row['event']} | {row['handle_us']:.1f} | {row['work_us']:.1f} "
        f"| {row['overhead_us']:.1f} | {row['lambda_us']:.0f} | {row['by_hand_us']:.1f} "
        f"| {row['json_us']:.1f} | {row['handle_us'] / row['json_us']:.1f} |"
        for row in served
    ]
    return "\n".join(lines)


def main() -> None:
    """Measure, print the tables, and keep the figures as JSON."""
    parser = argparse.ArgumentParser(description="Measure imports, and events served.")
    parser.add_argument("--rounds", type=int, default=15, help="how often each is measured")
    parser.add_argument("--calls", type=int, default=2000, help="how many events a measurement")
    parser.add_argument("--json", type=Path, default=RESULTS, help="where to write the figures")
    options = parser.parse_args()
    imports = measure_imports(options.rounds)
    served = measure_events(options.rounds, options.calls)
    report = {
        "machine": f"{platform.machine()}, {platform.system()}",
        "python": platform.python_version(),
        "versions": {name: version(name) for name in ("cognito-authflow", "attrs")},
        "rounds": options.rounds,
        "imports": imports,
        "events": served,
    }
    options.json.parent.mkdir(parents=True, exist_ok=True)
    options.json.write_text(json.dumps(report, indent=2) + "\n")
    print(tables(imports, served))


if __name__ == "__main__":
    main()
