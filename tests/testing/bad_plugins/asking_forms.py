"""Good client challenges in interface 2 that ask for more than the code."""

from typing import Any

from form_clients import FormPrompter

from authflow.plugins import ChoiceField, Form, TextField, WaitField
from authflow.results import Challenge


class ChoosesHow(FormPrompter):
    """Asks how the code comes, and waits until it is there."""

    def form(self, challenge: Challenge) -> Any:
        parts = super().form(challenge).parts
        how = ChoiceField(name="how", label="How?", options=("by e-mail", "by post"))
        here = WaitField(name="here", label="Is it there?")
        soon = WaitField(name="soon", label="Wait for it.", poll_after=30)
        return Form(parts=(how, here, soon, *parts))


class AsksMore(FormPrompter):
    """Asks for more at a later attempt."""

    def form(self, challenge: Challenge) -> Any:
        parts = super().form(challenge).parts
        why = (TextField(name="why", label="Why?"),) if challenge.is_retry else ()
        return Form(parts=(*parts, *why))
