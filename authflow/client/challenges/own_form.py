"""The form of one of Cognito's own challenges, made of what a reply says."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from attrs import frozen

from authflow.answers import TypedAnswer
from authflow.errors import MalformedReplyError, PluginFailedError
from authflow.forms.form import Filled, Form
from authflow.results import Challenge


@frozen
class OwnForm:
    """The form of one of Cognito's own challenges.

    Args:
        form: Makes the form; None if nobody can be asked for it here.
        read: Makes the answer from the form, filled in.
    """

    form: Callable[[Challenge], Form | None]
    read: Callable[[Challenge, Filled], TypedAnswer]


@contextmanager
def made_of_a_reply() -> Iterator[None]:
    """Blame the server for a form that cannot be shown, since no plugin has a part in it.

    Raises:
        MalformedReplyError: A part, or the form, was refused. No value is shown.
    """
    try:
        yield
    except PluginFailedError as error:
        msg = f"the challenge is not as Cognito documents it: {error.message}"
        raise MalformedReplyError(msg) from None
