"""Cases on users who do not exist: nobody may learn that from a challenge."""

import contextlib
from collections.abc import Mapping, Sequence
from typing import Final

from authflow.errors import BadCredentialsError, RefusedError
from authflow.machine import AuthFlow
from authflow.results import ChallengeRequired
from authflow.testing.cases import Violation, case, demand
from authflow.testing.trigger_bench import NEXT_SIGN_IN, TriggerBench, User
from authflow.testing.trigger_subject import TriggerSubject

_BY_CHANCE: Final = 3
_DRAWS: Final = 3


class UnknownUserCases(TriggerSubject):
    """A user who does not exist looks like one who does."""

    @case
    async def test_an_unknown_user_gets_a_challenge_of_the_same_form(self) -> None:
        """The same parameters, equally long, and as constant as for users who exist."""
        bench = self.bench()
        ada, grace, nobody = [
            await self._draws(bench, user) for user in (self.ada, self.grace, self.nobody)
        ]
        names = {frozenset(public) for public in (*ada, *grace)}
        demand(
            {frozenset(public) for public in nobody} <= names,
            "the public parameters of an unknown user have other names",
        )
        for name in frozenset.intersection(*names):
            values = [[public[name] for public in draws] for draws in (ada, grace, nobody)]
            wrong = _difference(*values)
            demand(wrong is None, f"the public parameter {name!r} of an unknown user {wrong}")

    @case
    async def test_nothing_is_sent_to_an_unknown_user(self) -> None:
        """There is nobody to send to: `context.deliver` sees to it."""
        bench = self.bench()
        await bench.create(self.nobody)
        demand(not bench.sent, "a message was sent for a user who does not exist")

    @case
    async def test_an_unknown_user_costs_the_same_calls_of_the_store(self) -> None:
        """Whoever can measure how long a reply takes must not learn who exists."""
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
            f" {len(calls[0])}: call deliver and use_once for both",
        )

    @case
    async def test_an_answer_of_an_unknown_user_is_judged_as_it_should(self) -> None:
        """What only the user can know is wrong; what anybody can see is judged as always."""
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
        with contextlib.suppress(Exception):  # there may be none, which is as it should be
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
            with contextlib.suppress(Exception):  # there may be none
                answer = self.right_answer(bench.last_made(self.nobody))
            ended: object = None
            try:
                while isinstance(likewise, ChallengeRequired):
                    likewise = await client.answer(likewise, answer)
            except RefusedError as refused:
                ended = refused
            demand(
                isinstance(ended, BadCredentialsError),
                "the end of an unknown user's sign-in tells that there is no such user",
            )

    async def _draws(self, bench: TriggerBench, user: User) -> list[Mapping[str, str]]:
        drawn = []
        for _ in range(_DRAWS):
            drawn.append((await bench.create(user)).public)
            self.clock.advance(NEXT_SIGN_IN)
        return drawn


def _difference(ada: Sequence[str], grace: Sequence[str], nobody: Sequence[str]) -> str | None:
    """Say how one parameter differs for an unknown user, if it does."""
    known = {*ada, *grace}
    if len(known) == 1:
        return None if set(nobody) == known else "differs, though it is the same for all others"
    if len({*ada}) == len({*grace}) == 1 and len({*nobody}) > 1:
        return "changes from sign-in to sign-in, though others' does not"
    sizes = {len(value) for value in known}
    # A few values of one length may be so by chance, as the names of two questions.
    fixed = len(sizes) == 1 and len(known) > _BY_CHANCE
    least, most = (min(sizes), max(sizes)) if fixed else (min(sizes) / 2, max(sizes) * 2)
    if all(least <= len(value) <= most for value in nobody):
        return None
    return "is longer or shorter than others' are"
