"""A table of states as a picture: in Mermaid, which GitHub draws, and in Graphviz's DOT.

Both are written here, for auth flows and policies alike, and not by `transitions.extensions`: its
exporters (0.9.3) were tried on both kinds of table. They write the names of states where both
languages want an identifier, so a name with a blank is no Mermaid and one with a colon becomes
another state in DOT; they draw no end and one beginning at most, want a label on every arrow, and
take the package `graphviz` beside the program. The 59 lines of CUSTOM_AUTH became 158, with each
state's way to four ends. What would be left to them is the ten lines that put an arrow into text.
"""

import shutil
import subprocess
from collections.abc import Iterator, Mapping
from typing import Final

from attrs import field, frozen

from authflow.errors import ConfigError

BEGINNING: Final = "[*]"
"""The source of an arrow that leads into the table."""

_TIMEOUT: Final = 30


@frozen(kw_only=True)
class Picture:
    """States and arrows to draw. It is the same for the same table every time.

    Args:
        boxes: For each state's identifier, a word of letters, digits and _, what is written in it.
        arrows: Source, label and target of each arrow; the label may be empty.
        ends: The identifiers of the states that lead nowhere.
        evaluated: Those that stand for a question which nobody is asked.
    """

    boxes: Mapping[str, str]
    arrows: tuple[tuple[str, str, str], ...]
    ends: tuple[str, ...]
    evaluated: frozenset[str] = field(default=frozenset())

    def mermaid(self) -> str:
        """Write it as a Mermaid stateDiagram-v2, without a fence and without a last line break."""
        return "\n".join(["stateDiagram-v2", *(f"    {line}" for line in self._mermaid_lines())])

    def dot(self) -> str:
        """Write it in Graphviz's DOT language."""
        lines = [
            "digraph {",
            "  rankdir=LR;",
            '  node [shape=box, style=rounded, fontname="Helvetica"];',
            '  begin [shape=circle, label="", width=0.2, style=filled, fillcolor=black];',
        ]
        for state, text in self.boxes.items():
            shape = "doublecircle" if state in self.ends else "box"
            if state in self.evaluated:
                shape = "diamond, style=solid"
            lines.append(f"  {state} [label={_quoted(text)}, shape={shape}];")
        for source, label, target in self.arrows:
            begun = "begin" if source == BEGINNING else source
            lines.append(f"  {begun} -> {target} [label={_quoted(label)}];")
        return "\n".join([*lines, "}"])

    def svg(self) -> str:
        """Draw it as an SVG picture, by Graphviz.

        Raises:
            ConfigError: Graphviz is not installed, or could not draw it.
        """
        program = shutil.which("dot")
        if program is None:
            msg = (
                "Graphviz draws SVG, and its program `dot` is not installed; Mermaid needs nothing"
            )
            raise ConfigError(msg)
        try:
            drawn = subprocess.run(  # noqa: S603  # Graphviz itself, found on the path
                [program, "-Tsvg"],
                input=self.dot(),
                capture_output=True,
                check=True,
                encoding="utf-8",
                timeout=_TIMEOUT,
            )
        except (OSError, subprocess.SubprocessError) as error:
            msg = f"Graphviz could not draw the picture: {type(error).__name__}"
            raise ConfigError(msg) from error
        return drawn.stdout

    def _mermaid_lines(self) -> Iterator[str]:
        for state, text in self.boxes.items():
            if text != state:
                yield f'state "{_plain(text)}" as {state}'
        for source, label, target in self.arrows:
            yield f"{source} --> {target}" + (f" : {_plain(label)}" if label else "")
        for end in self.ends:
            yield f"{end} --> [*]"


def _plain(text: str) -> str:
    """Write a text without what ends a description or a name in Mermaid."""
    return "".join(sign if sign.isprintable() and sign not in '":;#' else "'" for sign in text)


def _quoted(text: str) -> str:
    printable = "".join(sign if sign.isprintable() else "?" for sign in text)
    escaped = printable.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
