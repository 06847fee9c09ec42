"""Cases on codes: that nothing public changes with them, and that there are enough of them."""

import math
import time
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from typing import Any, Final

from attrs import frozen

from authflow.testing.cases import case, demand, skip
from authflow.testing.draws import Draw
from authflow.testing.guessing import answers_to_draw, bits_of_repetition, bits_of_signs
from authflow.testing.made import Made
from authflow.testing.same_sign_in import SameSignIn, SignInRecord
from authflow.testing.trigger_bench import ATTEMPTS, NEXT_SIGN_IN, SuiteUser
from authflow.testing.trigger_subject import TriggerSubject

_OTHERS: Final = 5
"""The number of other codes for which a sign-in is made again."""
_FEW: Final = 4
"""The number of answers that are looked at, if the draws show exactly how many there are."""
_LEAST_MANY: Final = 24
"""The fewest answers that are looked at otherwise, however long one takes."""
_LONGEST: Final = 25.0
"""Seconds for the sign-ins of one search, for one user."""
_TRIES: Final = 2
"""The number of times that several values are drawn anew together, to see whether any matters."""
_LEAST_CHANCES: Final = {False: 1000, True: 100}
"""One in so many sign-ins may succeed by guessing; the second number is for CAPTCHAs."""
_LOGGED: Final = "what is logged or printed"


@frozen(kw_only=True)
class _Difference:
    """A difference between two sign-ins.

    Args:
        what: In what.
        attempt: At which attempt.
    """

    what: str
    attempt: int


class CodeCases(TriggerSubject):
    """Cases on codes: they are drawn at random, and told to nobody."""

    @case
    async def test_nothing_public_changes_with_the_code(self) -> None:
        """Made again with another code and all else the same, a sign-in looks the same."""
        if self._may_all_change():
            skip("what is asked may depend on the answer: name the parameters that ask in `asks`")
        plugin = self._plugin()
        for user in (self.ada, self.grace):
            await self._demand_nothing_changes(self._again(plugin, user, "same"))

    async def _demand_nothing_changes(self, sign_in: SameSignIn) -> None:
        first, again = await sign_in.run(), await sign_in.run()
        if self._answers(first) != self._answers(again):
            skip("the answer is not drawn from context.randomness")
        asks = [*map(_parameter, self.asks or ())]
        restless = [one for one in _differences(first, again, asks) if one.what != _LOGGED]
        for found in restless:
            demand(
                False,  # noqa: FBT003  # there is a difference
                f"{found.what} changes from one run to the next, though all is the same: it may"
                " be salted anew and tell the code; draw it from context.randomness, take the time"
                " from context.now, and name what is asked in `asks`",
                at=self.at("create", found.attempt),
            )
        logged = first.heard != again.heard
        ignored = (*asks, _LOGGED) if logged else asks
        secret: dict[tuple[int, int], Draw] = {}
        async for draw, other in self._of_the_answer(sign_in, first):
            secret[draw.place] = draw
            self._demand_same(first, other, ignored)
        if not secret:
            skip("the answer depends on nothing that is drawn from context.randomness")
        turn = 1
        for _ in range(_OTHERS):
            anew = {place: draw.turn(sign_in.seed, turn + 1) for place, draw in secret.items()}
            turn = max(anew.values())
            self._demand_same(first, await sign_in.run(anew=anew), ignored)

    @case
    async def test_there_is_too_much_to_guess(self) -> None:
        """Guessing at every attempt lets one sign-in in a thousand succeed, at most."""
        plugin = self._plugin()
        chances = _LEAST_CHANCES[self.anybody_can_answer]
        for user in (self.ada, self.grace):
            bits = await self._bits(plugin, user, ATTEMPTS * chances)
            demand(
                bits >= math.log2(ATTEMPTS * chances),
                f"there are about {2**bits:,.0f} answers to guess from: with {ATTEMPTS} attempts"
                f" one sign-in in {2**bits / ATTEMPTS:,.0f} succeeds by guessing, and one in"
                f" {chances:,} is the most; draw longer codes",
                at=self.at("create"),
            )

    async def _bits(self, plugin: Any, user: SuiteUser, least: int) -> float:
        """Return an upper bound for the number of answers, as a binary logarithm.

        Args:
            plugin: What makes the challenges.
            user: Who signs in.
            least: How many there must be.
        """
        sign_in = self._again(plugin, user, "guess 0", attempts=1)
        began = time.monotonic()
        told = await sign_in.run()
        took = time.monotonic() - began
        answers = self._answers(told)
        drawn: list[Draw] = []
        if self.single_use:
            drawn = [draw async for draw, _ in self._of_the_answer(sign_in, told)]
        # If the answer itself was drawn, the draws show exactly how many answers there are.
        exact = all(isinstance(one.drawn, str) and one.drawn in answers[0] for one in drawn)
        enough = math.log2(least)
        affordable = max(_LEAST_MANY, int(_LONGEST / max(took, 1e-6)))
        for number in range(1, _FEW if exact else min(affordable, answers_to_draw(least))):
            self.clock.advance(NEXT_SIGN_IN)
            again = self._again(plugin, user, f"guess {number}", attempts=1)
            answers += self._answers(await again.run())
            if drawn and number % _LEAST_MANY == 0 and bits_of_repetition(answers) < enough:
                break
        bits = bits_of_signs(answers, drawn=bool(drawn))
        if drawn:
            bits = min(bits, sum(draw.bits for draw in drawn), bits_of_repetition(answers))
        return bits

    async def _of_the_answer(
        self, sign_in: SameSignIn, first: SignInRecord
    ) -> AsyncIterator[tuple[Draw, SignInRecord]]:
        """Find the draws on which answers depend, each with a sign-in in which it differs.

        However many there are, all are looked at: several at once where no answer depends on any.

        Raises:
            unittest.SkipTest: There are too many for the time that there is.
        """
        answers = self._answers(first)
        until = time.monotonic() + _LONGEST
        groups: list[Sequence[Draw]] = [first.draws] if first.draws else []
        while groups:
            draws = groups.pop()
            turn = 1
            for _ in range(_TRIES):
                if time.monotonic() > until:
                    skip(
                        f"it draws {len(first.draws)} times, and is too slow for a look at each"
                        " draw: draw more at once"
                    )
                anew = {draw.place: draw.turn(sign_in.seed, turn) for draw in draws}
                other = await sign_in.run(anew=anew)
                if self._answers(other) != answers:
                    break
                turn = max(anew.values()) + 1
            else:
                continue
            if len(draws) == 1:
                yield draws[0], other
            else:
                middle = len(draws) // 2
                groups += [draws[middle:], draws[:middle]]

    def _may_all_change(self) -> bool:
        return self.asks is None and (self.anybody_can_answer or not self.single_use)

    def _plugin(self) -> Any:
        bench = self.bench()
        return bench.plugin(**bench.settings)

    def _again(
        self, plugin: Any, user: SuiteUser, seed: str, attempts: int = ATTEMPTS
    ) -> SameSignIn:
        return SameSignIn(
            plugin=plugin,
            user=user,
            clock=self.clock,
            outbox=self.outbox,
            keys=self.keys,
            seed=seed,
            attempts=attempts,
        )

    def _answers(self, told: SignInRecord) -> list[str]:
        return [self.right_answer(made) for made in told.made]

    def _demand_same(
        self, first: SignInRecord, other: SignInRecord, ignored: Sequence[str]
    ) -> None:
        for found in _differences(first, other, ignored):
            demand(
                False,  # noqa: FBT003  # there is a difference
                f"{found.what} changes with the code, though all else is the same: whoever sees it"
                " learns of the code; draw what is public by a draw of its own, and name what is"
                " asked in `asks`",
                at=self.at("create", found.attempt),
            )


def _parameter(name: str) -> str:
    return f"the public parameter {name!r}"


def _differences(
    first: SignInRecord, other: SignInRecord, ignored: Sequence[str]
) -> Iterator[_Difference]:
    for number, (one, two) in enumerate(zip(first.made, other.made, strict=True), start=1):
        for what in _changed(one, two):
            if what not in ignored:
                yield _Difference(what=what, attempt=number)
    if first.heard != other.heard and _LOGGED not in ignored:
        yield _Difference(what=_LOGGED, attempt=1)


def _changed(one: Made, two: Made) -> Iterator[str]:
    """Return the difference between two challenges; the order of parameters counts, too."""
    if one.metadata != two.metadata:
        yield "the metadata"
    for name in dict.fromkeys((*one.public, *two.public)):
        if name in one.public and name in two.public:
            if one.public[name] != two.public[name]:
                yield _parameter(name)
        else:
            yield "the set of names of public parameters"
    if _order(one.public, two.public) != _order(two.public, one.public):
        yield "the order of the public parameters"


def _order(one: Mapping[str, str], two: Mapping[str, str]) -> list[str]:
    return [name for name in one if name in two]
