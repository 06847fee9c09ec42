"""Further cases for client halves in interface 2: for `form` and `read`.

Each is skipped for a half that has no forms.
"""

import contextlib
import json
from collections.abc import Callable, Iterator, MutableMapping, Sequence
from typing import Any, Final
from weakref import WeakKeyDictionary

from attrs import evolve, frozen

from authflow.client.pending_data import put_together, take_apart
from authflow.errors import AskAgainError, PluginFailedError, PromptError
from authflow.forms.form import Filled, Form
from authflow.machine import AuthFlow
from authflow.plugins.form_challenge import read_by
from authflow.plugins.registry import answers_by_form
from authflow.prompts.asking import ask
from authflow.raised import kind_and_place
from authflow.results import Challenge, ChallengeRequired, SignedIn, Unanswered
from authflow.testing.cases import Violation, case, demand, skip
from authflow.testing.client_subject import ClientSubject, challenge_of, damaged
from authflow.testing.clock import MovableClock
from authflow.testing.filled_forms import (
    all_with,
    is_of_nothing,
    plain,
    typed,
    values,
    wanted,
)
from authflow.testing.kept_state import KeptState
from authflow.testing.leaks import leaks, shows
from authflow.testing.made import Made
from authflow.testing.moved_clock import TIMES, clock_at
from authflow.testing.outbox import Outbox
from authflow.testing.plugin_code import PluginCode
from authflow.testing.purity import Effects
from authflow.testing.readings import CERTAIN
from authflow.testing.second_process import forms_elsewhere, readings_elsewhere
from authflow.testing.secrecy import heard
from authflow.testing.trigger_bench import ATTEMPTS, TriggerBench
from authflow.testing.trigger_subject import TriggerSubject
from authflow.testing.watched_prompt import WatchedPrompt

_CANARY: Final = "canary-471108"
_STRANGE: Final = (
    *("x", "0", "-1", " ", "\0", "\N{RIGHT-TO-LEFT OVERRIDE}", "\N{ARABIC-INDIC DIGIT ONE}"),
    *(_CANARY, "9" * 400, "{}", "%s", "\N{PILE OF POO}", "\N{ZERO WIDTH SPACE}", " - "),
)
_EMPTY: Final = (
    "`read` makes an answer of nothing, which costs an attempt: raise AskAgainError, as `read_code`"
    " and `read_words` do"
)
_FORMLESS: Final = "it has no forms, as of interface 1"
_KEEPS: Final = "it keeps something in its modules or classes, each time anew"
_FIRST: Final[MutableMapping[type[Any], KeptState]] = WeakKeyDictionary()
"""The state of each client half before a case asked it for a form."""
_UNFIT: Final[MutableMapping[type[Any], str | None]] = WeakKeyDictionary()
"""For each suite, why its `typed` does not fill in the form; None if it does."""


@frozen
class Unfitting:
    """A flaw of `typed`: it gives nothing that can be typed.

    Args:
        why: Why not.
    """

    why: str


class FormCases(ClientSubject):
    """Cases for the forms of a client half."""

    @case
    async def test_what_a_person_types_fills_in_its_form(self) -> None:
        """The suite says by `typed` what is chosen and typed; without it nothing else is judged."""
        unfit = await self._unfit()
        demand(unfit is None, unfit or "", "typed in the suite")
        if not answers_by_form(self.challenge):
            skip(_FORMLESS)

    @case
    async def test_a_form_is_a_function_of_its_challenge(self) -> None:
        """A form made again from the same challenge is equal to the first one."""
        made, _ = await self._asked_for_a_form()
        challenges = [challenge_of(made, attempt) for attempt in range(1, ATTEMPTS + 1)]
        forms = []
        for challenge in challenges:
            at, plugin = self._at("form", challenge.attempt), self.challenge()
            before = _state(plugin, self.challenge)
            with self._as_first():
                effects = _effects(plugin.form, challenge)
            demand(not effects, f"it is not pure: it calls {', '.join(effects)}", at)
            form = plugin.form(challenge)
            forms.append(form)
            plugin.form(evolve(challenge, attempt=challenge.attempt % ATTEMPTS + 1))
            same = "makes another form of the same challenge: no clock, no chance, nothing kept"
            demand(form == plugin.form(challenge), same, at)
            kept = KeptState.of(self.challenge)
            demand(form == self.challenge().form(challenge), f"another object {same}", at)
            demand(not kept.has_changed(), _KEEPS, at)
            kept_own = _state(plugin, self.challenge) == before
            demand(kept_own, "it keeps something, on `self` or on its class", at)
            for now in TIMES:
                with clock_at(now, self.challenge):
                    demand(form == plugin.form(challenge), f"at another time it {same}", at)
        elsewhere = await forms_elsewhere(self.challenge, challenges) or ()
        for challenge, form, other in zip(challenges, forms, elsewhere, strict=False):
            at = self._at("form", challenge.attempt)
            effects = other["effects"]
            demand(not effects, f"it is not pure: it calls {', '.join(effects)}", at)
            written = form.to_json() if isinstance(form, Form) else repr(form)
            equal = other.get("given") == json.loads(json.dumps(written))
            demand(equal, "another process makes another form of the same challenge", at)

    @case
    async def test_a_form_loses_nothing_as_json(self) -> None:
        """A page gets it as JSON."""
        made, _ = await self._asked_for_a_form()
        for attempt in range(1, ATTEMPTS + 1):
            form = self._form(challenge_of(made, attempt))
            again = Form.from_json(json.loads(json.dumps(form.to_json())))
            demand(again == form, "its JSON is another form", self._at("form", attempt))

    @case
    async def test_a_form_tells_nothing_of_an_answer(self) -> None:
        """Neither the right answer nor one typed before appears in a form, in whatever encoding."""
        made, subject = await self._asked_for_a_form()
        wrong, right = subject.wrong_answer(made), subject.right_answer(made)
        await self._filled(made, 1, wrong)
        for attempt in range(1, ATTEMPTS + 1):
            written = json.dumps(self._form(challenge_of(made, attempt)).to_json())
            told = [each for each in (wrong, right) if _tells(written, each, made)]
            why = "an answer stands in the form, or something that it can be found by"
            demand(not told, why, self._at("form", attempt))

    @case
    async def test_a_damaged_challenge_has_no_form_or_one_that_can_be_shown(self) -> None:
        """A user pool's challenge is not trusted: it leads to a form, or to a PluginFailedError."""
        made, _ = await self._asked_for_a_form()
        for number, public in enumerate(damaged(made)):
            attempt = number % ATTEMPTS + 1
            challenge = evolve(challenge_of(made, attempt), parameters=public)
            try:
                form = self.challenge().form(challenge)
            except PluginFailedError:
                continue
            except Exception as error:  # noqa: BLE001  # whatever it is, it is a finding
                place = PluginCode.of(self.challenge).of_error(error) or self._at("form", attempt)
                kind = type(error).__qualname__
                msg = f"a damaged challenge makes `form` raise {kind}: raise PluginFailedError"
                raise Violation(msg, place) from None
            is_form = isinstance(form, Form | Unanswered)
            demand(is_form, "it gives no form", self._at("form", attempt))

    @case
    async def test_what_is_filled_in_is_read_or_asked_for_again(self) -> None:
        """Whatever the form takes, `read` makes an answer of it or asks again; it shows none."""
        made, subject = await self._asked_for_a_form()
        for attempt in range(1, ATTEMPTS + 1):
            challenge = challenge_of(made, attempt)
            at = self._at("read", attempt)
            form = self._form(challenge)
            right = subject.right_answer(made)
            filled = [await self._filled(made, attempt, right)]
            filled += [one for strange in _STRANGE for one in all_with(form, strange)]
            with self._as_first():
                before = KeptState.of(self.challenge)
                read = [self._read(challenge, one, at) for one in filled]
                for one in filled:
                    if any(value in {right, _CANARY} for value in values(one)):
                        self._demand_forgotten(challenge, one, before, at)
            for one, (told, _) in zip(filled, read, strict=True):
                long = [value for value in typed(form, one) if len(value) > len("123")]
                others = [
                    other
                    for other, (same, _) in zip(filled, read, strict=True)
                    if same == told and {*typed(form, other)}.isdisjoint(long)
                ]
                shown = not others and any(shows(told, value) for value in long)
                demand(not shown, "what was filled in is shown or logged", at)
            answered = [
                (one, answer)
                for one, (_, answer) in zip(filled, read, strict=True)
                if answer is not None
            ]
            for now in TIMES:
                with clock_at(now, self.challenge):
                    for one, answer in answered:
                        same = self._read_again(challenge, one) == answer
                        demand(same, "it reads the same otherwise at another time", at)
            for one, answer in answered:
                demand(not is_of_nothing(form, one, plain(answer)), _EMPTY, at)
            found = [one for one, _ in answered]
            elsewhere = await readings_elsewhere(self.challenge, challenge, found) or ()
            for (_, answer), other in zip(answered, elsewhere, strict=False):
                effects = other["effects"]
                demand(not effects, f"it is not pure: it calls {', '.join(effects)}", at)
                same = other.get("given") == plain(answer)
                demand(same, "another process reads the same otherwise", at)

    def _read(self, challenge: Challenge, one: Filled, at: str) -> tuple[str, Any]:
        """Read a form as in another process.

        Returns:
            What was told, logged and printed, and the answer; None if it is asked for again.
        """
        plugin, effects = self.challenge(), list[str]()
        with heard() as text:
            try:
                with Effects.recorded(effects):
                    told, answer = "", read_by(plugin, challenge, one)
            except AskAgainError as error:
                told, answer = error.message, None
            except Exception as error:  # noqa: BLE001  # whatever it is, it is a finding
                kind = type(error).__qualname__
                place = PluginCode.of(self.challenge).of_error(error) or at
                msg = f"`read` raises {kind}: give an answer, or raise AskAgainError"
                raise Violation(msg, place) from None
        demand(not effects, f"it is not pure: it calls {', '.join(effects)}", at)
        if answer is not None:
            again = self._read_again(challenge, one, plugin)
            demand(answer == again, "it reads the same otherwise the second time", at)
        return told + text.getvalue(), answer

    def _read_again(self, challenge: Challenge, one: Filled, plugin: Any = None) -> Any:
        with contextlib.suppress(Exception), heard():  # an error means that it reads otherwise
            return read_by(plugin or self.challenge(), challenge, one)
        return None

    def _demand_forgotten(
        self, challenge: Challenge, one: Filled, before: KeptState, at: str
    ) -> None:
        """Raise if the plugin's modules and classes keep something of a form that was read."""
        self._read_again(challenge, one)
        after = KeptState.of(self.challenge)
        self._read_again(challenge, one)
        demand(not after.has_changed(), _KEEPS, at)
        secret = [value for value in values(one) if len(value) >= CERTAIN]
        keeps = any(after.texts_with(value) > before.texts_with(value) for value in secret)
        demand(not keeps, "it keeps what was filled in, in its modules or classes", at)

    @contextlib.contextmanager
    def _as_first(self) -> Iterator[None]:
        """Take away meanwhile what the plugin's modules and classes have kept since the start."""
        now = KeptState.of(self.challenge)
        _FIRST[self.challenge].restore()
        try:
            yield
        finally:
            now.restore()

    @case
    async def test_its_form_signs_in_from_another_process_over_the_protocol(self) -> None:
        """A page asks by JSON, and a pending sign-in that was taken apart goes on elsewhere."""
        _, subject = await self._asked_for_a_form()
        bench = subject.bench()
        async with bench.pool(subject.ada) as (pool, _):
            async with pool.client(challenges=[self.challenge]) as client:
                pending = await client.sign_in("ada", flow=AuthFlow.CUSTOM_AUTH)
            if not isinstance(pending, ChallengeRequired):
                raise Violation("nothing is asked without a prompt", self._at("form"))
            pending = put_together(json.loads(json.dumps(take_apart(pending))))
            async with pool.client(challenges=[self.challenge]) as client:
                form = client.form(pending)
                if not isinstance(form, Form):
                    raise Violation("a page gets no form", self._at("form"))
                page = Form.from_json(json.loads(json.dumps(form.to_json())))
                typed = self.typed(subject.right_answer(bench.last_made(subject.ada)))
                filled = await ask(page, WatchedPrompt(typed))
                if not isinstance(filled, Filled):
                    raise Violation("its form cannot be filled in", self._at("form"))
                result = await client.answer(pending, filled)
        demand(isinstance(result, SignedIn), "the form, filled in, does not sign in")

    async def _asked_for_a_form(self) -> tuple[Made, TriggerSubject]:
        if not answers_by_form(self.challenge):
            skip(_FORMLESS)
        return await self._made()

    async def _bench(self) -> tuple[TriggerBench, TriggerSubject]:
        """Make a bench of the trigger half, if what is typed fills in the form."""
        if await self._unfit() is not None:
            skip("`typed` does not fill in its form: another case tells what it must say")
        return await super()._bench()

    async def _unfit(self) -> str | None:
        if type(self) not in _UNFIT:
            if self.challenge not in _FIRST:
                _FIRST[self.challenge] = KeptState.of(self.challenge)
            _UNFIT[type(self)] = await self._why_unfit()
        return _UNFIT[type(self)]

    async def _why_unfit(self) -> str | None:
        """Fill in the form of each attempt, on a bench of its own.

        Returns:
            What `typed` must say; None if it does. What else is wrong is for the other cases.
        """
        subject = self.trigger()
        subject.clock, subject.outbox = MovableClock(), Outbox()
        with contextlib.suppress(Exception):
            await subject.prepare()
            made = await subject.bench().create(subject.ada)
            answer = subject.right_answer(made)
            typed = self._typed(answer)
            if isinstance(typed, Unfitting):
                return typed.why
            if answers_by_form(self.challenge):
                return await self._why_unfilled(made, typed)
        return None

    def _typed(self, answer: str) -> "Sequence[str] | Unfitting":
        """Return what the suite says is typed, or why that is nothing to type."""
        try:
            typed: object = self.typed(answer)
        except Exception as error:  # noqa: BLE001  # whatever the suite's own code raises
            return Unfitting(f"`typed` raised {kind_and_place(error)}")
        if isinstance(typed, Sequence) and not isinstance(typed, str | bytes):
            return typed
        kind = type(typed).__name__
        return Unfitting(f"`typed` must give a tuple or list of texts, one a field, and not {kind}")

    async def _why_unfilled(self, made: Made, typed: Sequence[str]) -> str | None:
        left: set[int] = set()
        for attempt in range(1, ATTEMPTS + 1):
            with self._as_first():
                form = self._form(challenge_of(made, attempt))
            rest = iter(typed)
            try:
                filled = await ask(form, WatchedPrompt(rest))
            except PromptError:
                fields = "; ".join(map(wanted, form.fields))
                said = f"say by `typed` what is chosen and what is typed, field by field: {fields}"
                return said if attempt == 1 else f"at attempt {attempt} there is more: {said}"
            if isinstance(filled, Filled):
                left.add(len([*rest]))
        more = min(left, default=0)
        if more:
            return f"`typed` gives {more} more than the form asks for: one text for each field"
        return None

    def _form(self, challenge: Challenge) -> Form:
        form = self.challenge().form(challenge)
        if not isinstance(form, Form):
            skip("it gives no form, but says why")
        return form

    async def _filled(self, made: Made, attempt: int, answer: str) -> Filled:
        challenge = challenge_of(made, attempt)
        filled = await ask(self._form(challenge), WatchedPrompt(self.typed(answer)))
        if not isinstance(filled, Filled):
            raise Violation("its form cannot be filled in", self._at("form"))
        with contextlib.suppress(Exception):  # another case checks what it raises
            self.challenge().read(challenge, filled)
        return filled

    def _at(self, hook: str, attempt: int = 1) -> str:
        return f"{hook} at attempt {attempt}, {PluginCode.of(self.challenge).of_hook(hook)}"


def _state(plugin: object, kind: type[Any]) -> list[str]:
    """Return the contents of an object and its class, as text."""
    held = [*getattr(plugin, "__dict__", {}).items(), *vars(kind).items()]
    return [f"{name}={value!r}" for name, value in held if not name.startswith("__")]


def _tells(written: str, answer: str, made: Made) -> bool:
    """Return whether a form shows an answer that is not public anyway."""
    told = leaks(answer, {"form": written}, ())
    return bool(told and told - leaks(answer, made.public, ()))


def _effects(call: Callable[..., object], *told: object) -> list[str]:
    found: list[str] = []
    with Effects.recorded(found):
        call(*told)
    return found
