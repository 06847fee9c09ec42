"""Cases on secrecy: the places that must not reveal an answer."""

import traceback
from collections.abc import Collection, Mapping, Sequence
from typing import Final

from attrs import evolve, field, frozen

from authflow.plugins.trigger_challenge import Issued
from authflow.testing.cases import Violation, case, demand
from authflow.testing.comparisons import Comparisons
from authflow.testing.hooks import HookRun
from authflow.testing.leaks import PLAIN, Leak, Seen, revealed_forms
from authflow.testing.made import Made
from authflow.testing.plugin_code import PluginCode
from authflow.testing.secrecy import heard
from authflow.testing.trigger_bench import (
    ATTEMPTS,
    CLIENT_ID,
    NEXT_SIGN_IN,
    POOL_ID,
    SuiteUser,
    TriggerBench,
    own_private,
)
from authflow.testing.trigger_subject import TriggerSubject, every_attempt

_SIGN_INS: Final = 2
"""The number of sign-ins of which all attempts are looked at."""
_HEARD: Final = 5
"""The number of sign-ins whose logs and reprs are read: enough to recognise chance."""
_LOGGED: Final = "what is logged or printed"
_PLUGIN: Final = "the plugin"
_LEAST: Final = 4
"""The fewest characters of an answer that is looked for in errors."""
_MOST_CHARS: Final = 131_072
"""The most characters of a parameter: StringType in the API's model."""
_MOST_BYTES: Final = 1_000_000
"""The most bytes of all parameters of one challenge, a sixth of AWS's limit for a reply."""
_MOST_STATE: Final = 1_024


@frozen(kw_only=True)
class _Heard:
    """A challenge that was made and judged, with the logs and prints of that time.

    Args:
        made: The challenge.
        right: Its right answer.
        wrong: A wrong one.
        said: What was logged and printed.
        runs: What the hooks did.
    """

    made: Made
    right: str = field(repr=False)
    wrong: str = field(repr=False)
    said: str = field(repr=False)
    runs: Sequence[HookRun]


class SecrecyCases(TriggerSubject):
    """Cases on the places where an answer must not be found."""

    @case
    async def test_nothing_public_lets_the_answer_be_found(self) -> None:
        """Neither the answer nor a hash of it is public, with or without a salt."""
        for user in (self.ada, self.grace):
            bench = self.bench()
            seen: list[Seen] = []
            for _ in range(_SIGN_INS):
                seen += [self._seen(made) async for made in bench.attempts(user)]
                self.clock.advance(NEXT_SIGN_IN)
            found = _said(revealed_forms(seen))
            where = ", ".join(dict.fromkeys(leak.where for leak in found))
            forms = ", ".join(dict.fromkeys(leak.form for leak in found))
            first = min((leak.first for leak in found), default=0)
            demand(
                not found,
                f"the answer can be found in what is public, in {where}, as: {forms}",
                at=self.at("create", first % ATTEMPTS + 1),
            )

    @case
    async def test_its_metadata_never_changes(self) -> None:
        """The metadata is seen by all triggers, and later ones know the challenge by it."""
        before = self.challenge.metadata
        bench = self.bench()
        for user in (self.ada, self.grace, self.nobody):
            made = await bench.create(user)
            same = before == self.challenge.metadata == made.metadata.partition("#")[0]
            demand(same, "the metadata differs from one challenge to the next")
            self.clock.advance(NEXT_SIGN_IN)

    @case
    async def test_strings_and_sizes_are_within_cognitos_limits(self) -> None:
        """All parameters are well-formed text, and small enough for Cognito and Lambda."""
        bench = self.bench()
        for user in (self.ada, self.nobody):
            await bench.create(user)
            issued = bench.log.of("create")[-1].result
            sizes = [_size("public", issued.public), _size("private", issued.private)]
            demand(sum(sizes) <= _MOST_BYTES, "the parameters are more than 1,000,000 bytes")
            state = getattr(issued, "state", None)
            demand(
                state is None or len(state.reveal()) <= _MOST_STATE,
                f"the state is more than {_MOST_STATE} bytes",
            )

    @every_attempt
    async def test_answers_are_compared_in_constant_time(self) -> None:
        """Answers are compared by `hmac.compare_digest`, and never by `==`."""
        bench = self.bench()
        made = await bench.create(self.ada)
        right = self.right_answer(made)
        await bench.verify(self.ada, made, self.wrong_answer(made))
        for answer in (self.wrong_answer(made), right):
            seen = Comparisons(secret=right)
            private = {
                name: seen.probe(value) if value == right else value
                for name, value in own_private(made).items()
            }
            with seen.watched():
                await bench.verify_alone(seen.probe(answer), private)
            demand(not seen.plain, "an answer is compared by ==: use hmac.compare_digest")
            demand(
                seen.digests or self.compared_elsewhere,
                "no call of hmac.compare_digest was seen: use it, or say in `compared_elsewhere`"
                " who compares",
            )

    @case
    async def test_no_answer_is_logged_printed_or_shown(self) -> None:
        """Logs at DEBUG, the standard streams and reprs hold no answer.

        Another user has one attempt, and of the retries only what is plain is looked for: hashes
        take long to look for.
        """
        alone = self.bench()
        plugin = alone.plugin(**alone.settings)
        shown = repr(plugin) + str(plugin)
        for user, attempts in ((self.ada, ATTEMPTS), (self.grace, 1)):
            bench = self.bench()
            heard_at: list[list[_Heard]] = [[] for _ in range(attempts)]
            for _ in range(_HEARD):
                rounds: tuple[str, ...] = ()
                for sign_ins in heard_at:
                    sign_ins.append(await self._heard(bench, user, rounds))
                    rounds += (sign_ins[-1].made.metadata,)
                self.clock.advance(NEXT_SIGN_IN)
            for number, sign_ins in enumerate(heard_at):
                for right in (True, False):
                    self._demand_unlogged(sign_ins, PLAIN if number else None, right=right)
                    self._demand_unshown(sign_ins, shown, right=right)

    async def _heard(self, bench: TriggerBench, user: SuiteUser, rounds: tuple[str, ...]) -> _Heard:
        """Make and judge a challenge, and record the output."""
        first = len(bench.log.runs)
        with heard() as text:
            made = await bench.create(user, rounds)
            right, wrong = self.right_answer(made), self.wrong_answer(made)
            for answer in (wrong, right):
                await bench.verify(user, made, answer)
        return _Heard(
            made=made, right=right, wrong=wrong, said=text.getvalue(), runs=bench.log.runs[first:]
        )

    def _demand_unlogged(
        self, sign_ins: Sequence[_Heard], forms: Collection[str] | None, *, right: bool
    ) -> None:
        seen = [
            Seen(
                answer=one.right if right else one.wrong,
                public={_LOGGED: one.said},
                context=self._context(one.made),
            )
            for one in sign_ins
        ]
        found = [leak for leak in _said(revealed_forms(seen, forms)) if leak.where == _LOGGED]
        demand(
            not found,
            f"an answer stands in {_LOGGED}, as {', '.join(leak.form for leak in found)}: keep it"
            " in a Secret",
            at=sign_ins[-1].runs[-1].whereabouts(PluginCode.of(self.challenge)),
        )

    def _demand_unshown(self, sign_ins: Sequence[_Heard], plugin: str, *, right: bool) -> None:
        seen = [
            Seen(
                answer=one.right if right else one.wrong,
                public={
                    _PLUGIN: plugin,
                    **{str(number): _shown(run) for number, run in enumerate(one.runs)},
                },
            )
            for one in sign_ins
        ]
        # Hashes and parts of an answer may occur in reprs, since these show settings.
        for leak in revealed_forms(seen, PLAIN):
            runs = sign_ins[-1].runs
            run = runs[int(leak.where)] if leak.where.isdigit() else None
            demand(
                leak.where not in seen[0].public,
                f"an answer stands in a repr, as {leak.form}: keep it in a Secret",
                at="" if run is None else run.whereabouts(PluginCode.of(self.challenge)),
            )

    @every_attempt
    async def test_errors_tell_no_answer(self) -> None:
        """Whatever makes the plugin raise, the text of its errors holds no answer."""
        bench = self.bench()
        made = await bench.create(self.ada)
        right, wrong = self.right_answer(made), self.wrong_answer(made)
        own = own_private(made)
        core = {name: value for name, value in made.private.items() if name not in own}
        damaged = [{**made.private}, core, core | dict.fromkeys(own, "")]
        damaged += [core | dict.fromkeys(own, "\N{SNOWMAN}"), core | dict.fromkeys(own, "null")]
        damaged += [{**made.private, name: ""} for name in own]
        # A plugin reads its state in the same way at each attempt, but its errors may differ.
        damaged = damaged if bench.attempt == 1 else damaged[:2]
        for private in damaged:
            for answer in (wrong, right, ""):
                await bench.verify(self.ada, evolve(made, private=private), answer)
        for run in bench.log.runs:
            text = "" if run.error is None else "".join(traceback.format_exception(run.error))
            for answer in (wrong, right):
                demand(
                    not (len(answer) >= _LEAST and answer in text),
                    f"{type(run.error).__qualname__} of {run.hook} tells an answer",
                    at=run.whereabouts(PluginCode.of(self.challenge)),
                )

    def _seen(self, made: Made) -> Seen:
        """Return the public values of a challenge, with its answer."""
        return Seen(
            answer=self.right_answer(made),
            public={**made.public, "metadata": made.metadata.partition("#")[0]},
            context=self._context(made),
        )

    def _context(self, made: Made) -> tuple[str, ...]:
        """Return the possible salts, the likeliest first: long values, and the user's own."""
        attributes = sorted(made.user_attributes.values(), key=len, reverse=True)
        return (made.username, *attributes, POOL_ID, CLIENT_ID)


def _said(found: Sequence[Leak]) -> Sequence[Leak]:
    """Return the most important leaks: beside a whole answer, its halves do not count."""
    return [leak for leak in found if leak.form in PLAIN] or found


def _shown(run: HookRun) -> str:
    """Return the repr of a hook's arguments and results, without the public values."""
    result = evolve(run.result, public={}) if type(run.result) is Issued else run.result
    return repr(result) + repr(run.context)


def _size(kind: str, parameters: Mapping[str, str]) -> int:
    size = 0
    for name, value in parameters.items():
        demand(name and len(name) <= _MOST_CHARS, f"a {kind} parameter has no usable name")
        demand(
            len(value) <= _MOST_CHARS,
            f"the {kind} parameter {name!a:.40} has more than {_MOST_CHARS:,} characters",
        )
        try:
            size += len(name.encode()) + len(value.encode())
        except UnicodeEncodeError:
            msg = f"the {kind} parameter {name!a:.40} is no well-formed Unicode"
            raise Violation(msg) from None
    return size
