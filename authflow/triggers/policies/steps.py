"""The steps of a policy, and the demand of each.

    sequence(
        password(),
        any_of(challenge("otp"), challenge("question")),
        when(attribute("custom:tier", "gold"), challenge("captcha")),
    )

| level | as a step |
|---|---|
| required | every step of a `sequence` |
| alternative | an option of `any_of` or `k_of` |
| conditional | `when(condition, step)` |
| at will | `optional(step)` |
| disabled | `disabled(step)` |

A password can only come first, since Cognito takes SRP at the beginning of a sign-in or never. By
beginning with SRP or without it, a client has chosen already: `any_of(password(),
challenge("otp"))` asks nothing more, and `optional(password())` neither.
"""

from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, overload

from attrs import field, frozen

from authflow.errors import ConfigError
from authflow.plugins.names import NAME, NAME_RULE, OWN_NAMES, PUBLISHED, nearest
from authflow.triggers.policies.facts import Facts
from authflow.unframed import whole

if TYPE_CHECKING:
    from authflow.plugins.trigger_challenge import TriggerChallenge
    from authflow.triggers.policies.conditions import Condition

ATTEMPTS: Final = range(1, 21)
"""The numbers of attempts that a challenge may have."""


class Step:
    """A demand of a policy."""

    __slots__ = ()


def step_of(value: object) -> Step:
    """Check that a value is a step.

    Raises:
        ConfigError: It is none.
    """
    if not isinstance(value, Step):
        msg = (
            "a policy is made of password(), challenge(...), sequence(...), any_of(...), k_of(...),"
            f" optional(...), when(...) and disabled(...), not {type(value).__name__}"
        )
        raise ConfigError(msg)
    return value


def _steps(values: Iterable[Step]) -> tuple[Step, ...]:
    return tuple(map(step_of, values))


def _frozen_settings(settings: Mapping[str, Any]) -> Mapping[str, Any]:
    return MappingProxyType(dict(settings))


@frozen
class PasswordStep(Step):
    """The password, proved by SRP; Cognito verifies it."""


@whole
@frozen(kw_only=True)
class ChallengeStep(Step):
    """A custom challenge of one kind.

    Args:
        name: The name of the plugin that makes and verifies it.
        attempts: How many answers a user may give, 1 to 20.
        settings: What the plugin is made with.
        label: The step's own name within its policy, which may ask for one kind twice.
        plugin: The plugin itself, or its class, where the policy does not only name it.

    Raises:
        ConfigError: The name or the number of attempts is not allowed.
    """

    name: str
    attempts: int = 3
    settings: Mapping[str, Any] = field(
        factory=dict, converter=_frozen_settings, repr=False, hash=False
    )
    label: str = ""
    plugin: "TriggerChallenge | type[TriggerChallenge] | None" = field(
        default=None, repr=False, eq=id, hash=False
    )

    def __attrs_post_init__(self) -> None:
        if not isinstance(self.name, str) or NAME.fullmatch(self.name) is None:
            msg = f"a challenge's name is {NAME_RULE}, not {self.name!r:.80}"
            small = self.name.lower() if isinstance(self.name, str) else ""
            own = small if NAME.fullmatch(small) else None
            if meant := nearest(small, PUBLISHED) or own:
                msg += f": did you mean {meant!r}?"
            raise ConfigError(msg)
        if self.name in OWN_NAMES:
            msg = f"{self.name!r} is a name of authflow's own: give the challenge another"
            raise ConfigError(msg)
        if type(self.attempts) is not int or self.attempts not in ATTEMPTS:
            msg = (
                f"the challenge {self.name!r} needs {ATTEMPTS[0]} to {ATTEMPTS[-1]} attempts,"
                f" not {self.attempts!r:.80}"
            )
            raise ConfigError(msg)


@whole
@frozen
class SequenceStep(Step):
    """All of some steps, one after the other."""

    steps: tuple[Step, ...] = field(converter=_steps)


@whole
@frozen
class ChooseStep(Step):
    """Some of several options, in the order in which the client chooses them."""

    count: int
    options: tuple[Step, ...] = field(converter=_steps)


@whole
@frozen
class OptionalStep(Step):
    """A step that the client may skip, and that may fail without consequence.

    Args:
        step: The step.
        taken: The client has chosen it by how it began; it may still fail.
    """

    step: Step = field(converter=step_of)
    taken: bool = False


@whole
@frozen(kw_only=True)
class ConditionalStep(Step):
    """A step for users for whom a condition holds, and another step for the others.

    Args:
        condition: The condition.
        step: What is owed if it holds.
        otherwise: What is owed if it does not.
        unknown: Whether it counts as holding for users who do not exist.
    """

    condition: "Condition"
    step: Step = field(converter=step_of)
    otherwise: Step = SequenceStep(())
    unknown: bool = False

    def holds(self, facts: Facts) -> bool:
        """Return whether the condition holds for a sign-in."""
        # Unknown users' clients send metadata, too, so the result must not show who exists.
        if facts.user_not_found and not self.condition.is_told_by_client:
            return self.unknown
        return self.condition.holds(facts)


@whole
@frozen
class DisabledStep(Step):
    """A step that is switched off: its policy ignores it."""

    step: Step = field(converter=step_of)


@frozen
class ImpossibleStep(Step):
    """A step that nobody can pass: the policy does not allow this beginning of a sign-in."""


NOTHING: Final = SequenceStep(())


def password() -> Step:
    """Ask for the password first: the client begins with SRP, and Cognito verifies it."""
    return PasswordStep()


@overload
def challenge(plugin: "TriggerChallenge", /, *, attempts: int = 3) -> Step: ...
@overload
def challenge(
    plugin: "str | type[TriggerChallenge]", /, *, attempts: int = 3, **settings: Any
) -> Step: ...
def challenge(
    plugin: "str | TriggerChallenge | type[TriggerChallenge]",
    /,
    *,
    attempts: int = 3,
    **settings: Any,
) -> Step:
    """Ask for a custom challenge: `challenge("captcha", length=5)`, `challenge(Captcha(length=5))`.

    Args:
        plugin: The trigger half that makes and verifies it, its class, or its name. The name of a
            half that the policy has elsewhere, as an object or a class, means that one's class.
        attempts: How many answers a user may give, 1 to 20; the last wrong one fails the sign-in.
        settings: What the plugin is made with, unless it was made already.

    Raises:
        ConfigError: It is no trigger half, or one that was made already is given settings, or the
            name or the number of attempts is not allowed.
    """
    if isinstance(plugin, str):
        return ChallengeStep(name=plugin, attempts=attempts, settings=settings)
    made_by = plugin if isinstance(plugin, type) else type(plugin)
    missing = [each for each in ("create", "verify") if not callable(getattr(made_by, each, None))]
    if missing:
        msg = (
            "a challenge is the name of a plugin, its trigger half, or the class of that:"
            f" {made_by.__name__} has no method {' and no '.join(missing)}"
        )
        raise ConfigError(msg)
    if settings and made_by is not plugin:
        msg = (
            f"{made_by.__name__}(...) has its settings already: give it {', '.join(settings)} where"
            " it is made"
        )
        if any(nearest(each, ["attempts"]) for each in settings):
            msg += "; did you mean 'attempts'?"
        raise ConfigError(msg)
    return ChallengeStep(
        name=getattr(made_by, "name", ""), attempts=attempts, settings=settings, plugin=plugin
    )


def sequence(*steps: Step) -> Step:
    """Ask for one step after the other; all of them must be passed.

    Args:
        steps: The steps.

    Raises:
        ConfigError: There is no step, or something that is none, or a password is not first.
    """
    if not steps:
        msg = "a sequence without a step would let everybody in: name a challenge"
        raise ConfigError(msg)
    return _password_first(SequenceStep(steps))


def any_of(*options: Step) -> Step:
    """Ask for one of several options. The client chooses, in a round of its own.

    Args:
        options: Two or more; one of them may begin with the password.

    Raises:
        ConfigError: There are too few options, or something that is none, or several begin with
            the password.
    """
    return k_of(1, *options)


def k_of(count: int, *options: Step) -> Step:
    """Ask for some of several options. The client chooses, in a round of its own for each.

    Args:
        count: How many must be passed; fewer than there are options.
        options: The options; one of them may begin with the password, and is passed first then.

    Raises:
        ConfigError: The numbers do not go together, or an option is none, or several begin with
            the password.
    """
    if type(count) is not int or not 1 <= count < len(options):
        msg = (
            f"{count!r:.20} of {len(options)} options leaves no choice: give 1 or more, and fewer"
            " than there are options, or write sequence(...)"
        )
        raise ConfigError(msg)
    return _password_first(ChooseStep(count, options))


def optional(step: Step) -> Step:
    """Offer a step that the client may skip, in a round of its own, and that may fail.

    One that may begin with the password is taken by beginning with SRP, and skipped by not.

    Args:
        step: The step.

    Raises:
        ConfigError: It is no step.
    """
    return OptionalStep(step)


def when(
    condition: "Condition", *steps: Step, otherwise: Step | None = None, unknown: bool = False
) -> Step:
    """Ask for steps only if a condition holds; see `conditions` for when it is evaluated.

    Args:
        condition: What must hold, such as `attribute("phone_number_verified", "true")`.
        steps: One or more, asked for in order.
        otherwise: What to ask for if it does not hold; nothing, by default.
        unknown: Whether a user who does not exist is treated as if it held. Choose what most users
            have: what differs from it tells strangers who does not exist.

    Raises:
        ConfigError: It is no condition, or there is no step, or something that is none.
    """
    # Most policies have no condition, and a Lambda function starts faster without the module.
    from authflow.triggers.policies.conditions import ClientMetadata, Condition  # noqa: PLC0415

    if not isinstance(condition, Condition):
        msg = (
            "when() wants a condition: attribute(...), in_group(...) or client_metadata(...),"
            f" not {type(condition).__name__}"
        )
        raise ConfigError(msg)
    if type(unknown) is not bool:
        msg = f"unknown= of when() is True or False, not {unknown!r:.80}"
        raise ConfigError(msg)
    if len({isinstance(part, ClientMetadata) for part in condition.parts}) > 1:
        msg = (
            "client metadata is told in a round of its own, and what is known of a user is not:"
            " write when(client_metadata(...), when(attribute(...), ...))"
        )
        raise ConfigError(msg)
    other = NOTHING if otherwise is None else step_of(otherwise)
    if condition.is_told_by_client and any(map(begins_with_password, (*_steps(steps), other))):
        msg = "client metadata comes after the beginning, and a password cannot: drop one of them"
        raise ConfigError(msg)
    return ConditionalStep(
        condition=condition, step=sequence(*steps), otherwise=other, unknown=unknown
    )


def disabled(step: Step) -> Step:
    """Switch a step off, and leave it in its place.

    Args:
        step: The step.

    Raises:
        ConfigError: It is no step.
    """
    return DisabledStep(step)


def parts(step: Step) -> tuple[Step, ...]:
    """Return the steps that a step is directly made of."""
    match step:
        case SequenceStep(steps=steps) | ChooseStep(options=steps):
            return steps
        case ConditionalStep(step=then, otherwise=otherwise):
            return (then, otherwise)
        case OptionalStep(step=inner):
            return (inner,)
        case _:
            return ()


def walk(step: Step) -> Iterator[Step]:
    """Yield a step and all steps in it, in order; disabled ones are left out."""
    yield step
    for part in parts(step):
        yield from walk(part)


def begins_with_password(step: Step) -> bool:
    """Return whether a step may begin with the password."""
    match step:
        case PasswordStep():
            return True
        case SequenceStep(steps=(first, *_)):
            return begins_with_password(first)
        case SequenceStep():
            return False
        case _:
            return any(map(begins_with_password, parts(step)))


def _password_first(step: SequenceStep | ChooseStep) -> Step:
    """Refuse a password that can never be asked for."""
    late = step.steps[1:] if isinstance(step, SequenceStep) else ()
    if any(isinstance(inner, PasswordStep) for part in late for inner in walk(part)):
        msg = "password() can only be the first step: Cognito takes SRP at the beginning"
        raise ConfigError(msg)
    if isinstance(step, ChooseStep) and sum(map(begins_with_password, step.options)) > 1:
        msg = "only one option may begin with password(): beginning with SRP chooses it"
        raise ConfigError(msg)
    return step
