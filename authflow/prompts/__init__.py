"""Prompts, which ask a person: the protocol, the terminal, a script, the web."""

from typing import TYPE_CHECKING

from authflow.lazy_names import lazy_names as _lazy_names

if TYPE_CHECKING:
    from authflow.forms.part_json import PartKind
    from authflow.prompts.prompt import FieldPrompt, Prompt, WidgetPrompt
    from authflow.prompts.scripted import ScriptedPrompt
    from authflow.prompts.terminal import TerminalPrompt
    from authflow.prompts.web import WebMessage, WebPrompt
else:
    __getattr__, __dir__ = _lazy_names(
        __name__,
        {
            "authflow.forms.part_json": "PartKind",
            "authflow.prompts.prompt": "FieldPrompt Prompt WidgetPrompt",
            "authflow.prompts.scripted": "ScriptedPrompt",
            "authflow.prompts.terminal": "TerminalPrompt",
            "authflow.prompts.web": "WebMessage WebPrompt",
        },
    )

__all__ = [
    "FieldPrompt",
    "PartKind",
    "Prompt",
    "ScriptedPrompt",
    "TerminalPrompt",
    "WebMessage",
    "WebPrompt",
    "WidgetPrompt",
]
