"""Cases on codes: that nothing public changes with them, and that there are enough of them."""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from attrs import frozen

from authflow.testing.cases import case, demand, skip
from authflow.testing.draws import Draw
from authflow.testing.guessing import bits_of_repetition, bits_of_signs
from authflow.testing.made import Made
from authflow.testing.same_sign_in import SameSignIn, Told
from authflow.testing.trigger_bench import ATTEMPTS, NEXT_SIGN_IN
from authflow.testing.trigger_subject import TriggerSubject

_OTHERS: Final = 5
"""Other codes for which a sign-in is made again."""
_MOST_DRAWS: Final = 24
"""Draws of one sign-in that are each taken anew."""
_FEW: Final = 4
"""Answers that are looked at where the draws tell how many there are."""
_MANY: Final = 24
"""And where they do not."""
_TURNS: Final = 16
"""How often something is drawn to get something else: of two options one comes again."""
_LEAST_CHANCES: Final = {False: 1000, True: 100}
"""One in so many sign-ins may succeed by guessing; the second if anybody can answer, by looking."""


@frozen(kw_only=True)
class _Difference:
    """Where two sign-ins differ.

    Args:
        what: In what.
        attempt: At which attempt.
    """

    what: str
    attempt: int


class CodeCases(TriggerSubject):
    """What a code is: drawn, and told to nobody."""

    @case
    async def test_nothing_public_changes_with_the_code(self) -> None:
        """Made again with another code and all else the same, a sign-in looks the same."""
        if self._may_all_change():
            skip("what is asked may depend on the answer: name the parameters that ask in `asks`")
        sign_in = self._again(self._plugin(), "same")
        first, again = await sign_in.told(), await sign_in.told()
        if self._answers(first) != self._answers(again):
            skip("the answer is not drawn from context.randomness")
        restless = {one.what for one in _differences(first, again, ())}
        ignored = (*restless, *map(_parameter, self.asks or ()))
        secret = []
        for draw in first.draws[:_MOST_DRAWS]:
            other = await _other(sign_in, draw)
            if self._answers(other) != self._answers(first):
                secret.append(draw.place)
                self._demand_same(first, other, ignored)
        for turn in range(2, 2 + _OTHERS if secret else 0):
            self._demand_same(first, await sign_in.told(anew=secret, turn=turn), ignored)

    @case
    async def test_there_is_too_much_to_guess(self) -> None:
        """Guessing at every attempt lets one sign-in in a thousand succeed, at most."""
        plugin = self._plugin()
        sign_in = self._again(plugin, "guess 0", attempts=1)
        told = await sign_in.told()
        answer = self._answers(told)[0]
        drawn = [
            draw
            for draw in told.draws[:_MOST_DRAWS]
            if self.single_use and self._answers(await _other(sign_in, draw)) != [answer]
        ]
        # Where the answer is what was drawn, the draws say exactly how many there are.
        exact = all(isinstance(one.drawn, str) and one.drawn in answer for one in drawn)
        answers = [answer]
        for number in range(1, _FEW if exact else _MANY):
            self.clock.advance(NEXT_SIGN_IN)
            answers += self._answers(
                await self._again(plugin, f"guess {number}", attempts=1).told()
            )
        bits = bits_of_signs(answers, drawn=bool(drawn))
        if drawn:
            bits = min(bits, sum(draw.bits for draw in drawn), bits_of_repetition(answers))
        chances = _LEAST_CHANCES[self.anybody_can_answer]
        demand(
            bits >= math.log2(ATTEMPTS * chances),
            f"there are about {2**bits:,.0f} answers to guess from: with {ATTEMPTS} attempts one"
            f" sign-in in {2**bits / ATTEMPTS:,.0f} succeeds by guessing, and one in {chances:,} is"
            " the most; draw longer codes",
            at=self.at("create"),
        )

    def _may_all_change(self) -> bool:
        return self.asks is None and (self.anybody_can_answer or not self.single_use)

    def _plugin(self) -> Any:
        bench = self.bench()
        return bench.plugin(**bench.settings)

    def _again(self, plugin: Any, seed: str, attempts: int = ATTEMPTS) -> SameSignIn:
        return SameSignIn(
            plugin=plugin,
            user=self.ada,
            clock=self.clock,
            outbox=self.outbox,
            seed=seed,
            attempts=attempts,
        )

    def _answers(self, told: Told) -> list[str]:
        return [self.right_answer(made) for made in told.made]

    def _demand_same(self, first: Told, other: Told, ignored: Sequence[str]) -> None:
        for found in _differences(first, other, ignored):
            demand(
                False,  # noqa: FBT003  # there is a difference
                f"{found.what} changes with the code, though all else is the same: whoever sees it"
                " learns of the code; draw what is public by a draw of its own, and name what is"
                " asked in `asks`",
                at=self.at("create", found.attempt),
            )


async def _other(sign_in: SameSignIn, draw: Draw) -> Told:
    """Make a sign-in again in which one draw gives something else."""
    for turn in range(1, _TURNS):
        if not draw.again(sign_in.seed, turn):
            break
    return await sign_in.told(anew={draw.place}, turn=turn)


def _parameter(name: str) -> str:
    return f"the public parameter {name!r}"


def _differences(first: Told, other: Told, ignored: Sequence[str]) -> Iterator[_Difference]:
    for number, (one, two) in enumerate(zip(first.made, other.made, strict=True), start=1):
        for what in _changed(one, two):
            if what not in ignored:
                yield _Difference(what=what, attempt=number)
    logged = "what is logged or printed"
    if first.heard != other.heard and logged not in ignored:
        yield _Difference(what=logged, attempt=1)


def _changed(one: Made, two: Made) -> Iterator[str]:
    """Say in what two challenges differ; the order of parameters is public, too."""
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
