"""How a person is asked: the protocol, the terminal, a script, the web."""

from typing import TYPE_CHECKING

from authflow.lazy_names import lazy_names as _lazy_names

if TYPE_CHECKING:
    from authflow.prompts.prompt import Prompt
    from authflow.prompts.scripted import ScriptedPrompt
    from authflow.prompts.terminal import TerminalPrompt
    from authflow.prompts.web import Message, MessageKind, WebPrompt
else:
    __getattr__, __dir__ = _lazy_names(
        __name__,
        {
            "authflow.prompts.prompt": "Prompt",
            "authflow.prompts.scripted": "ScriptedPrompt",
            "authflow.prompts.terminal": "TerminalPrompt",
            "authflow.prompts.web": "Message MessageKind WebPrompt",
        },
    )

__all__ = [
    "Message",
    "MessageKind",
    "Prompt",
    "ScriptedPrompt",
    "TerminalPrompt",
    "WebPrompt",
]
