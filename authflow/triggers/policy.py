"""A policy: what a user must pass before Define issues tokens, declared instead of programmed.

    sequence(password(), challenge("captcha", attempts=3))

RULES

1. A policy compiles to one table on a synchronous `transitions.Machine`, as `authflow.machine`
   does. A state is what is still owed ("captcha 2/3"), "passed" or "failed"; an event is the
   result of a round.
2. Cognito calls Define without memory, so where a sign-in stands is found by replaying its whole
   session. Rounds are never just counted: a session that begins with SRP is longer, and so is one
   that Cognito put an MFA into.
3. An entry of the session counts only if it is the round that was owed. Any other one (a foreign
   challenge, a round too many, SRP where no password is wanted) fails the authentication.
4. Cognito's own challenges may follow the password; the policy takes no notice of those passed.
5. Nothing here awaits, reads a clock, draws a random number or logs.

Source: "Define Auth challenge Lambda trigger" and "Custom authentication flow and challenges" in
the Amazon Cognito developer guide.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any, Final

from attrs import define, evolve, field, frozen
from transitions import Machine

from authflow.errors import ConfigError
from authflow.machine import CHALLENGES, State
from authflow.plugins import NAME, NAME_RULE
from authflow.triggers.events import SessionEntry

ATTEMPTS: Final = range(1, 21)
"""How many attempts a challenge may have."""

PASSED: Final = "passed"
FAILED: Final = "failed"
BEGIN: Final = "SRP_A"
PASSWORD: Final = "password"

_COGNITOS_OWN: Final = CHALLENGES - {State.PASSWORD_VERIFIER, State.CUSTOM_CHALLENGE}


@frozen
class PasswordStep:
    """The password, proved by SRP; Cognito verifies it."""


def _frozen_settings(settings: Mapping[str, Any]) -> Mapping[str, Any]:
    return MappingProxyType(dict(settings))


@frozen(kw_only=True)
class ChallengeStep:
    """A custom challenge of one kind.

    Args:
        name: The name of the plugin that makes and verifies it.
        attempts: How many answers a user may give, 1 to 20.
        settings: What the plugin is made with.
        label: The step's own name within its policy, which may ask for one kind twice.

    Raises:
        ConfigError: The name or the number of attempts is not allowed.
    """

    name: str
    attempts: int = 3
    settings: Mapping[str, Any] = field(
        factory=dict, converter=_frozen_settings, repr=False, hash=False
    )
    label: str = ""

    def __attrs_post_init__(self) -> None:
        if not isinstance(self.name, str) or NAME.fullmatch(self.name) is None:
            msg = f"a challenge's name is {NAME_RULE}, not {self.name!r:.80}"
            raise ConfigError(msg)
        if type(self.attempts) is not int or self.attempts not in ATTEMPTS:
            msg = (
                f"the challenge {self.name!r} needs {ATTEMPTS[0]} to {ATTEMPTS[-1]} attempts,"
                f" not {self.attempts!r:.80}"
            )
            raise ConfigError(msg)


Step = PasswordStep | ChallengeStep


@frozen
class Owed:
    """A round is owed: the password, or an answer to a challenge.

    Args:
        step: What is owed.
        attempt: Which try the answer will be, from 1.
    """

    step: Step
    attempt: int = 1


@frozen
class Passed:
    """All that the policy asks for was passed."""


@frozen
class Failed:
    """The authentication has failed.

    Args:
        reason: Why, for the owner of the pool; it holds nothing that the client sent.
    """

    reason: str


Standing = Owed | Passed | Failed


def _checked(steps: Iterable[Step]) -> tuple[Step, ...]:
    """Check a policy's steps, and label its challenges: captcha, otp, captcha#2."""
    seen: Counter[str] = Counter()
    checked: list[Step] = []
    for step in steps:
        match step:
            case PasswordStep() if not checked:
                checked.append(step)
            case PasswordStep():
                msg = "password() can only be the first step: Cognito takes SRP at the beginning"
                raise ConfigError(msg)
            case ChallengeStep(name=name):
                seen[name] += 1
                label = name if seen[name] == 1 else f"{name}#{seen[name]}"
                checked.append(evolve(step, label=label))
            case _:
                msg = (
                    f"a policy is made of password() and challenge(...), not {type(step).__name__}"
                )
                raise ConfigError(msg)
    if not checked:
        msg = "a policy without a step would let everybody in: name a challenge"
        raise ConfigError(msg)
    return tuple(checked)


@frozen
class Policy:
    """What a user must pass. Build it with `sequence`.

    Args:
        steps: The password first, if it is wanted, then challenges.

    Raises:
        ConfigError: There is no step, or something that is none, or the password is not first.
    """

    steps: tuple[Step, ...] = field(converter=_checked)
    table: Mapping[str, Mapping[str, str]] = field(init=False, repr=False, eq=False)
    """For each state that is not an end: where each event leads."""
    _owed: Mapping[str, Owed] = field(init=False, repr=False, eq=False)
    _machine: Machine = field(init=False, repr=False, eq=False)

    @_owed.default
    def _states(self) -> Mapping[str, Owed]:
        """Name the states in their order; BEGIN is the one in which SRP was not begun yet."""
        owed: dict[str, Owed] = {}
        for step in self.steps:
            if isinstance(step, PasswordStep):
                owed[BEGIN] = owed[PASSWORD] = Owed(step)
            else:
                for attempt in range(1, step.attempts + 1):
                    owed[f"{step.label} {attempt}/{step.attempts}"] = Owed(step, attempt)
        return owed

    @table.default
    def _compiled(self) -> Mapping[str, Mapping[str, str]]:
        states = list(self._states().items())
        table: dict[str, dict[str, str]] = {}
        for position, (state, owed) in enumerate(states):
            later = states[position + 1 :]
            retry = later[0][0] if later and later[0][1].step is owed.step else FAILED
            if isinstance(owed.step, PasswordStep):
                # Cognito ends a sign-in with a wrong password itself: there is no second try.
                table[state] = {PASSED: later[0][0] if later else PASSED, FAILED: FAILED}
            else:
                after = (name for name, other in later if other.step is not owed.step)
                table[state] = {PASSED: next(after, PASSED), FAILED: retry}
        return table

    @_machine.default
    def _put_on_a_machine(self) -> Machine:
        machine = Machine(
            model=None,
            states=[*self.table, PASSED, FAILED],
            initial=None,
            auto_transitions=False,
        )
        for state, followers in self.table.items():
            for event, follower in followers.items():
                machine.add_transition(event, state, follower)
        return machine

    @property
    def challenges(self) -> tuple[ChallengeStep, ...]:
        """The steps that are custom challenges."""
        return tuple(step for step in self.steps if isinstance(step, ChallengeStep))

    def replay(self, session: Iterable[SessionEntry], metadata: Mapping[str, str]) -> Standing:
        """Say where a sign-in stands.

        Args:
            session: All its rounds so far, the first one first.
            metadata: For each challenge's name, what stands in its challengeMetadata.

        Returns:
            What is owed next, or that it has passed, or that it has failed.
        """
        model = _Model(next(iter(self.table)))
        for entry in session:
            if self._password_passed(model.state) and entry.challenge_name in _COGNITOS_OWN:
                if not entry.challenge_result:
                    return Failed(f"Cognito's own {entry.challenge_name} was not passed")
                continue
            if not self._is_owed(entry, model.state, metadata):
                return Failed(f"the session holds another round than the one owed: {model.state}")
            event = PASSED if entry.challenge_result else FAILED
            self._machine.events[event].trigger(model)
        return self._standing(model.state)

    def _standing(self, state: str) -> Standing:
        if state == PASSED:
            return Passed()
        if state == FAILED:
            return Failed("a challenge was not passed, and no attempt is left")
        if state == BEGIN:
            return Failed("the policy wants the password, and the client did not begin with SRP")
        return self._owed[state]

    def _password_passed(self, state: str) -> bool:
        return BEGIN in self.table and state not in {BEGIN, PASSWORD, FAILED}

    def _is_owed(self, entry: SessionEntry, state: str, metadata: Mapping[str, str]) -> bool:
        """Say whether an entry is the round that a state waits for; an end waits for none."""
        if state in {BEGIN, PASSWORD}:
            return entry.challenge_name == (BEGIN if state == BEGIN else State.PASSWORD_VERIFIER)
        owed = self._owed.get(state)
        return (
            owed is not None
            and isinstance(owed.step, ChallengeStep)
            and entry.challenge_name == State.CUSTOM_CHALLENGE
            and entry.challenge_metadata is not None
            and entry.challenge_metadata == metadata[owed.step.name]
        )


@define
class _Model:
    """What `transitions` moves: a state and nothing else, never registered with the machine."""

    state: str


def password() -> PasswordStep:
    """Ask for the password first: the client begins with SRP, and Cognito verifies it."""
    return PasswordStep()


def challenge(name: str, *, attempts: int = 3, **settings: Any) -> ChallengeStep:
    """Ask for a custom challenge.

    Args:
        name: The name of the plugin that makes and verifies it.
        attempts: How many answers a user may give, 1 to 20; the last wrong one fails the sign-in.
        settings: What the plugin is made with.

    Raises:
        ConfigError: The name or the number of attempts is not allowed.
    """
    return ChallengeStep(name=name, attempts=attempts, settings=settings)


def sequence(*steps: Step) -> Policy:
    """Ask for one step after the other; all of them must be passed.

    Args:
        steps: `password()` first, if it is wanted, then `challenge(...)` as often as you like.

    Raises:
        ConfigError: There is no step, or something that is none, or the password is not first.
    """
    return Policy(steps)
