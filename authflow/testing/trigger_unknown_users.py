"""Cases on users who do not exist: a challenge must not reveal that."""

import contextlib
import itertools
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Final

from authflow.errors import BadCredentialsError, RefusedError
from authflow.machine import AuthFlow
from authflow.results import ChallengeRequired
from authflow.testing.cases import Violation, case, demand
from authflow.testing.hooks import Hook, HookRun
from authflow.testing.plugin_code import PluginCode
from authflow.testing.same_sign_in import SameSignIn
from authflow.testing.shown_forms import another_form
from authflow.testing.trigger_bench import ATTEMPTS, NEXT_SIGN_IN, SuiteUser, TriggerBench
from authflow.testing.trigger_subject import TriggerSubject, every_attempt
from authflow.triggers import Outcome, Verdict

_BY_CHANCE: Final = 3
_SIGN_INS: Final = 4
"""The number of sign-ins with the same draws for all users."""
_STRANGERS: Final = ("bob", "carol", "dave", "erin", "frank", "heidi", "ivan", "judy", "mallory")
"""The number of further users who do not exist, each with other draws."""
_MANY_SIGNS: Final = 10_000
"""The number of a parameter's characters that show which characters it can have."""
_WRONG: Final = "wrong answer"
_TIMED: Final = 2
"""The number of timed runs: in the first one, hooks may still import modules."""
_MOST_TIMED: Final = 9
"""The number of timed runs if they seem to differ, since the computer may be busy."""
_LONGEST_LAG: Final = 0.05
"""Seconds by which the fastest runs may differ: those that lie between the runs of a computer that
has other work, and far less than a message or a hash takes."""

_PublicParameters = Sequence[Sequence[Mapping[str, str]]]
"""The public parameters, by sign-in and attempt."""


class UnknownUserCases(TriggerSubject):
    """A user who does not exist looks like one who does."""

    @case
    async def test_an_unknown_user_gets_a_challenge_of_the_same_form(self) -> None:
        """The same parameters, equally long, and as constant, when all users draw the same."""
        users = {user.name: user for user in (self.ada, self.grace, self.nobody)}
        told: dict[str, list[list[Mapping[str, str]]]] = {name: [] for name in users}
        strangers: list[Mapping[str, str]] = []
        bench = self.bench()
        plugin = bench.plugin(**bench.settings)
        for number in range(_SIGN_INS):
            for name, user in users.items():
                sign_in = SameSignIn(
                    plugin=plugin,
                    user=user,
                    clock=self.clock,
                    outbox=self.outbox,
                    keys=self.keys,
                    seed=f"unknown {number}",
                    attempts=1 if number or user == self.grace else ATTEMPTS,
                )
                told[name].append([made.public for made in (await sign_in.run()).made])
            if number < _SIGN_INS - 1:
                self.clock.advance(NEXT_SIGN_IN)
        known = [*told["ada"], *told["grace"]]
        for name in _STRANGERS if _says_little(known, told["nobody"]) else ():
            sign_in = SameSignIn(
                plugin=plugin,
                user=SuiteUser(name=name, attributes={}, exists=False),
                clock=self.clock,
                outbox=self.outbox,
                keys=self.keys,
                seed=name,
                attempts=1,
            )
            strangers.append((await sign_in.run()).made[0].public)
        for ada, grace, nobody in zip(*told.values(), strict=True):
            for attempt, (own, unknown) in enumerate(zip(ada, nobody, strict=True), start=1):
                demand(
                    tuple(unknown) in {tuple(own), tuple(grace[0])},
                    "the public parameters of an unknown user have other names",
                    at=self.at("create", attempt),
                )
        for name in told["ada"][0][0]:
            wrong = _difference(*(_values(told[user], name) for user in users))
            wrong = wrong or another_form(
                {*_values(told["ada"], name), *_values(told["grace"], name)},
                [public[name] for public in strangers if name in public],
                _values(told["nobody"], name),
            )
            demand(
                wrong is None,
                f"the public parameter {name!r} of an unknown user {wrong}",
                at=self.at("create"),
            )
            for attempt, changes in ((1, _sign_ins), (2, _attempts)):
                wrong = _constancy(*(changes(told[user], name) for user in users))
                demand(
                    wrong is None,
                    f"the public parameter {name!r} of an unknown user {wrong}",
                    at=self.at("create", attempt),
                )

    @case
    async def test_an_unknown_user_is_answered_as_soon_as_others(self) -> None:
        """No hook takes longer, or less long, at any attempt; and none says another verdict.

        Answers are timed that are of no form and of the right one's, and the right one where
        anybody can give it: for others only who signs in has one.
        """
        bench = self.bench()
        runs: dict[tuple[Hook, int, str], tuple[list[HookRun], list[HookRun]]] = {}
        for number in range(_MOST_TIMED):
            if number >= _TIMED and all(_as_soon(*pair) for pair in runs.values()):
                return
            typed: list[str] = []
            for place, user in enumerate((self.ada, self.nobody)):
                async for kind, run in self._timed(bench, user, typed):
                    key = run.hook, run.attempt, kind
                    runs.setdefault(key, ([], []))[place].append(run)
                self.clock.advance(NEXT_SIGN_IN)
            for ada, nobody in runs.values():
                self._demand_same_verdict(ada[-1], nobody[-1])
        for (hook, attempt, _), pair in runs.items():
            known, unknown = map(_fastest, pair)
            demand(
                _as_soon(*pair),
                f"{hook} takes {unknown:.3f} seconds for an unknown user and {known:.3f} for"
                " others: whoever measures it learns who exists; do the same work for both, and"
                " where a message is sent, let create last as long without one: take the time"
                " before, and after it `await anyio.sleep_until(before + pace)`",
                at=self.at(hook, attempt),
            )

    async def _timed(
        self, bench: TriggerBench, user: SuiteUser, typed: list[str]
    ) -> AsyncIterator[tuple[str, HookRun]]:
        """Make and judge all attempts of a sign-in.

        Args:
            bench: Where.
            user: Who signs in.
            typed: Wrong answers of the right one's form, by attempt: what one user types, the next
                does.
        """
        sign_in = [made async for made in bench.attempts(user)]
        for run in bench.log.runs[-len(sign_in) :]:
            yield "made", run
        for number, made in enumerate(sign_in):
            if len(typed) <= number:
                typed.append(self.wrong_answer(made))
            answers = {"of no form": _WRONG, "wrong": typed[number]}
            if self.anybody_can_answer:
                answers["right"] = self.right_answer(made)
            for kind, answer in answers.items():
                await bench.verify(user, made, answer)
                yield kind, bench.log.runs[-1]

    def _demand_same_verdict(self, ada: HookRun, nobody: HookRun) -> None:
        known, unknown = (_verdict(run) for run in (ada, nobody))
        demand(
            known == unknown,
            f"{ada.hook} gives {unknown} for an unknown user and {known} for others: that tells who"
            " exists",
            at=nobody.whereabouts(PluginCode.of(self.challenge)),
        )

    @every_attempt
    async def test_nothing_is_sent_to_an_unknown_user(self) -> None:
        """An unknown user has no address: `context.deliver` sends nothing."""
        bench = self.bench()
        await bench.create(self.nobody)
        demand(not bench.sent, "a message was sent for a user who does not exist")

    @every_attempt
    async def test_an_unknown_user_costs_the_same_calls_of_the_store(self) -> None:
        """The time of a reply must not reveal who exists."""
        calls = []
        for user in (self.ada, self.nobody):
            self.outbox.clear()
            bench = self.bench()
            made = await bench.create(user)
            await bench.verify(user, made, "wrong answer")
            calls.append(bench.store.calls)
        demand(
            calls[0] == calls[1],
            f"an unknown user costs {len(calls[1])} calls of the store, a known one"
            f" {len(calls[0])}: call deliver, once and claim for both",
        )

    @every_attempt
    async def test_an_answer_of_an_unknown_user_is_judged_as_it_should(self) -> None:
        """An answer that only a user can know is wrong; a CAPTCHA's is judged as usual."""
        bench = self.bench()
        known = await bench.create(self.ada)
        made = await bench.create(self.nobody)
        answers = [self.right_answer(known)]
        if self.anybody_can_answer:
            judged = await bench.verify(self.nobody, made, self.right_answer(made))
            demand(
                judged.right,
                "an unknown user's right answer is wrong, though anybody can give it: that tells"
                " who exists",
            )
            return
        with contextlib.suppress(Exception):  # an unknown user may rightly have no answer
            answers.insert(0, self.right_answer(made))
        for answer in answers:
            judged = await bench.verify(self.nobody, made, answer)
            demand(not judged.right, "an answer of a user who does not exist is right")

    @case
    async def test_an_unknown_user_is_refused_over_the_protocol(self) -> None:
        """A client is asked the same, and is refused as if the answers had been wrong."""
        bench = self.bench()
        async with bench.pool(self.ada) as (_, client):
            asked = await client.sign_in("ada", flow=AuthFlow.CUSTOM_AUTH)
            likewise = await client.sign_in("nobody", flow=AuthFlow.CUSTOM_AUTH)
            if not isinstance(asked, ChallengeRequired) or not isinstance(
                likewise, ChallengeRequired
            ):
                msg = "the sign-in asks nothing"
                raise Violation(msg)
            same = asked.challenge.parameters.keys() == likewise.challenge.parameters.keys()
            demand(same, "an unknown user is shown a challenge of another form")
            answer = "wrong answer"
            with contextlib.suppress(Exception):  # there may be no answer
                answer = self.right_answer(bench.last_made(self.nobody))
            ended: object = None
            attempts = 0
            try:
                while isinstance(likewise, ChallengeRequired):
                    attempts += 1
                    likewise = await client.answer(likewise, answer)
            except RefusedError as refused:
                ended = refused
            demand(
                isinstance(ended, BadCredentialsError),
                "the end of an unknown user's sign-in tells that there is no such user",
            )
            demand(
                attempts == ATTEMPTS or self.anybody_can_answer,
                f"an unknown user has {attempts} attempts, and others have {ATTEMPTS}",
            )


def _as_soon(ada: Sequence[HookRun], nobody: Sequence[HookRun]) -> bool:
    """Return whether the fastest runs take about as long.

    What computes for long waits for others on a busy computer, as long again or so, beside what
    all do.
    """
    lag = abs(_fastest(ada) - _fastest(nobody))
    return lag <= _LONGEST_LAG + min(run.worked for run in (*ada, *nobody))


def _fastest(runs: Sequence[HookRun]) -> float:
    return min(run.seconds for run in runs)


def _verdict(run: HookRun) -> str:
    """Return a hook's result, as far as it shows who exists."""
    if run.error is not None:
        return type(run.error).__qualname__
    if isinstance(run.result, Outcome):
        return run.result.verdict.value
    if isinstance(run.result, bool):
        return (Verdict.PASSED if run.result else Verdict.RETRY).value
    return type(run.result).__name__


def _sign_ins(told: _PublicParameters, name: str) -> list[bool]:
    """Return for each pair of sign-ins whether the first value of a parameter changed."""
    firsts = [sign_in[0].get(name) for sign_in in told]
    return [one != other for one, other in itertools.combinations(firsts, 2)]


def _attempts(told: _PublicParameters, name: str) -> list[bool]:
    """Return for each retry whether a parameter changed."""
    return [
        one.get(name) != other.get(name)
        for sign_in in told
        for one, other in itertools.pairwise(sign_in)
    ]


def _constancy(ada: Sequence[bool], grace: Sequence[bool], nobody: Sequence[bool]) -> str | None:
    """Return how an unknown user's changes differ from all others'; None if they do not."""
    known = [changes for changes in (ada, grace) if changes]
    if all(map(any, known)) and not any(nobody):
        return "never changes, though others' does"
    if not any(map(any, known)) and any(nobody):
        return "changes, though others' does not"
    if all(map(all, known)) and not all(nobody):
        return "comes again, though others' does not"
    return None


def _values(told: _PublicParameters, name: str) -> list[str]:
    """Return all values of a parameter."""
    return [public[name] for sign_in in told for public in sign_in if name in public]


def _says_little(known: _PublicParameters, nobody: _PublicParameters) -> bool:
    """Return whether one unknown user's values leave open whether others' are like them.

    It does not where all that changes is long and new each time, as a picture is.
    """
    names = {name for sign_in in known for public in sign_in for name in public}
    changing = [name for name in names if len({*_values(known, name)}) > 1]
    shown = [_values(nobody, name) for name in changing]
    return any(
        len({*values}) < len(values) or sum(map(len, values)) < _MANY_SIGNS for values in shown
    )


def _difference(ada: Sequence[str], grace: Sequence[str], nobody: Sequence[str]) -> str | None:
    """Return how one parameter differs for an unknown user; None if it does not."""
    known = {*ada, *grace}
    if len(known) == 1:
        return None if set(nobody) == known else "differs, though it is the same for all others"
    sizes = {len(value) for value in known}
    # A few values may have one length by chance, as the names of two questions.
    fixed = len(sizes) == 1 and len(known) > _BY_CHANCE
    least, most = (min(sizes), max(sizes)) if fixed else (min(sizes) / 2, max(sizes) * 2)
    if all(least <= len(value) <= most for value in nobody):
        return None
    return "is longer or shorter than others' are"
