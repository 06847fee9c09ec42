"""The preparation of steps for the compiler: labels, and only the steps still to do."""

from collections import Counter

from attrs import evolve

from authflow import rounds
from authflow.errors import ConfigError
from authflow.triggers.policies.steps import (
    NOTHING,
    ChallengeStep,
    ChooseStep,
    ConditionalStep,
    DisabledStep,
    ImpossibleStep,
    OptionalStep,
    PasswordStep,
    SequenceStep,
    Step,
    begins_with_password,
    step_of,
    walk,
)


def prepared(step: Step) -> Step:
    """Remove disabled steps, and label the challenges: captcha, otp, captcha#2.

    Raises:
        ConfigError: Nothing is left of a choice to choose from.
    """
    enabled = _enabled(step_of(step))
    return _labelled(NOTHING if enabled is None else enabled, Counter())


def _enabled(step: Step) -> Step | None:
    match step:
        case DisabledStep():
            return None
        case SequenceStep(steps=steps):
            left = tuple(kept for each in steps if (kept := _enabled(each)) is not None)
            return SequenceStep(left) if left or step == NOTHING else None
        case ChooseStep(count=count, options=options):
            left = tuple(kept for each in options if (kept := _enabled(each)) is not None)
            if len(left) < count:
                msg = f"{count} of {len(left)} options cannot be passed: too many are disabled"
                raise ConfigError(msg)
            return ChooseStep(count, left)
        case OptionalStep(step=inner):
            kept = _enabled(inner)
            return None if kept is None else OptionalStep(kept)
        case ConditionalStep(step=then, otherwise=otherwise):
            held, lacked = _enabled(then), _enabled(otherwise)
            if held is None and lacked in {None, NOTHING}:
                return None
            return evolve(step, step=held or NOTHING, otherwise=lacked or NOTHING)
        case _:
            return step


def _labelled(step: Step, seen: Counter[str]) -> Step:
    match step:
        case ChallengeStep(name=name):
            seen[name] += 1
            return evolve(step, label=name if seen[name] == 1 else f"{name}#{seen[name]}")
        case SequenceStep(steps=steps):
            return SequenceStep(tuple(_labelled(each, seen) for each in steps))
        case ChooseStep(count=count, options=options):
            return ChooseStep(count, tuple(_labelled(each, seen) for each in options))
        case OptionalStep(step=inner):
            return OptionalStep(_labelled(inner, seen))
        case ConditionalStep(step=then, otherwise=otherwise):
            labelled = _labelled(then, seen)
            return evolve(step, step=labelled, otherwise=_labelled(otherwise, seen))
        case _:
            return step


def begun(step: Step, *, srp: bool) -> Step:
    """Return the steps that are left after the sign-in has begun, with SRP or without.

    Args:
        step: What a policy demands, prepared.
        srp: Whether the sign-in began with SRP. Then the password is owed, wherever it is an
            option, and a policy without one cannot be passed.
    """
    if not begins_with_password(step):
        return ImpossibleStep() if srp else step
    match step:
        case PasswordStep():
            return step if srp else ImpossibleStep()
        case SequenceStep(steps=(first, *rest)):
            return SequenceStep((begun(first, srp=srp), *rest))
        case ChooseStep(count=count, options=options):
            others = tuple(each for each in options if not begins_with_password(each))
            if not srp:
                return ChooseStep(count, others) if count <= len(others) else ImpossibleStep()
            (chosen,) = (each for each in options if begins_with_password(each))
            return SequenceStep((begun(chosen, srp=True), ChooseStep(count - 1, others)))
        case OptionalStep(step=inner):
            return OptionalStep(begun(inner, srp=True), taken=True) if srp else NOTHING
        case ConditionalStep(step=then, otherwise=otherwise):
            return evolve(step, step=begun(then, srp=srp), otherwise=begun(otherwise, srp=srp))
        case _:
            return ImpossibleStep()


def option_name(step: Step) -> str:
    """Return an option's name, made of its challenges: "otp", "captcha+otp"."""
    labels = [each.label for each in walk(step) if isinstance(each, ChallengeStep)]
    return "+".join(dict.fromkeys(labels)) or rounds.SKIP
