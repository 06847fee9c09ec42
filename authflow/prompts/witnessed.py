"""A prompt as it is given to a plugin of interface 1: what its methods raise is known as its own.

Such a plugin talks to the prompt by itself, so both their errors leave its `answer`. A prompt whose
connection breaks is no failure of the plugin's, and a plugin that shows what is no picture is none
of the prompt's. The error itself passes as it is: a plugin may look out for it.
"""

import inspect
import itertools
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final, cast

import anyio
from attrs import define, field

from authflow.errors import PromptEndedError, PromptError
from authflow.given_secrets import Unfit, wrapped
from authflow.prompts.prompt import Prompt
from authflow.raised import leaves

_UNBEGUN: Final = inspect.CORO_CREATED
_TEXTS: Final = frozenset({"text", "question", "description", "url", "media_type"})
_FILES: Final = frozenset({"image", "audio"})
_GIVE_TEXT: Final = frozenset({"ask", "choose", "ask_field", "solve_widget"})
_METHODS: Final = {
    name: inspect.signature(method)
    for name, method in vars(Prompt).items()
    if inspect.iscoroutinefunction(method)
}


@define(eq=False)
class PromptErrors:
    """The errors that the methods of a prompt have raised."""

    _raised: list[BaseException] = field(factory=list, init=False, repr=False)

    def note(self, error: BaseException, *, but: Sequence[BaseException] = ()) -> None:
        """Note an error as the prompt's, or all errors in it if it is a group.

        Args:
            error: The error.
            but: Errors that are not the prompt's, even in its group.
        """
        mine = [each for each in leaves(error) if not any(each is other for other in but)]
        self._raised.extend(mine)

    def behind(self, error: BaseException) -> BaseException | None:
        """Return the prompt's error behind one that a plugin raised; None if it is the plugin's.

        Args:
            error: The error; a group is the prompt's if all in it are. If one of them says that
                nobody answers any more, that is what happened.
        """
        found = [*leaves(error)]
        if not all(any(each is noted for noted in self._raised) for each in found):
            return None
        ended = (each for each in found if isinstance(each, PromptEndedError))
        return next(ended, found[0])


def witnessed(prompt: Prompt, errors: PromptErrors) -> Prompt:
    """Return a prompt that does what another one does, and notes what its methods raise.

    Args:
        prompt: The other one. A plugin that looks for its class or its attributes finds them.
        errors: Where it is noted.
    """
    return cast("Prompt", _Witnessed(prompt, errors))


class _Witnessed:
    def __init__(self, prompt: Prompt, errors: PromptErrors) -> None:
        vars(self).update(_prompt=prompt, _errors=errors)  # what others set goes to the prompt

    @property  # type: ignore[misc]  # `isinstance` asks for it
    def __class__(self) -> type[Any]:
        return type(vars(self)["_prompt"])

    def __getattr__(self, name: str) -> Any:
        value = getattr(vars(self)["_prompt"], name)
        return _noting(name, value, vars(self)["_errors"]) if callable(value) else value

    def __setattr__(self, name: str, value: object) -> None:
        setattr(vars(self)["_prompt"], name, value)


def _noting(name: str, method: Callable[..., Any], errors: PromptErrors) -> Callable[..., Any]:
    """Return a prompt's method that notes what it raises, unless it is used in a wrong way."""

    def call(*given: Any, **named: Any) -> Any:
        if name in _METHODS:
            bound = _bound(name, given, named)
            if bound is None:
                return method(*given, **named)
            if name == "wait_for":
                return waits(bound)
        try:
            result = method(*given, **named)
        except Exception as error:
            errors.note(error)
            raise
        return awaited(result) if inspect.isawaitable(result) else result

    async def awaited(result: Awaitable[Any]) -> Any:
        try:
            given = await result
        except Exception as error:
            errors.note(error)
            raise
        flaw = _flaw(given) if name in _GIVE_TEXT else None
        if flaw is None:
            return given
        del given, result  # tracebacks may show what was typed
        msg = f"the prompt gave no text, {flaw}"
        raise PromptError(msg)

    async def waits(bound: inspect.BoundArguments) -> Any:
        waited, own = bound.arguments["confirmation"], list[BaseException]()
        happening = waited if _sleeps(waited) else _happening(waited, own)
        try:
            return await method(bound.arguments["description"], happening)
        except Exception as error:
            errors.note(error, but=own)
            raise
        finally:
            for each in (happening, waited):  # a prompt that fails may not have awaited it
                if inspect.iscoroutine(each) and inspect.getcoroutinestate(each) == _UNBEGUN:
                    each.close()

    return call


async def _happening(confirmation: Awaitable[Any], own: list[BaseException]) -> Any:
    """Await what a plugin waits for, and write down what that raises."""
    try:
        return await confirmation
    except Exception as error:
        own.append(error)
        raise


def _flaw(given: object) -> str | None:
    """Return why what a prompt gave is no answer; None if it is one."""
    value = wrapped(given)
    return value.why if isinstance(value, Unfit) else None


def _sleeps(confirmation: object) -> bool:
    """Return whether seconds alone are waited for, which tests' prompts let pass at once."""
    return inspect.iscoroutine(confirmation) and confirmation.cr_code is anyio.sleep.__code__


def _bound(name: str, given: Any, named: Any) -> inspect.BoundArguments | None:
    """Return the arguments of a prompt's method; None if it takes no such ones."""
    try:
        bound = _METHODS[name].bind(None, *given, **named)
    except TypeError:
        return None
    return bound if all(itertools.starmap(_fits, bound.arguments.items())) else None


def _fits(name: str, value: object) -> bool:
    if name in _FILES:
        return isinstance(value, bytes | bytearray | memoryview)
    if name == "options":
        plain = isinstance(value, str)
        return (
            isinstance(value, Sequence)
            and not plain
            and all(isinstance(each, str) for each in value)
        )
    if name == "confirmation":
        return inspect.isawaitable(value)
    return isinstance(value, str) or name not in _TEXTS
