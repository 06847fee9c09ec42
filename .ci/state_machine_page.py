"""Redraws the diagrams of docs/state-machine.md.

The page is written by hand but for what stands between `<!-- diagram FLOW -->` and
`<!-- /diagram -->`. `make state-machine-page` renews it, and a test fails where it differs from the
tables.
"""

import re
from pathlib import Path

from authflow.errors import ConfigError
from authflow.flow_diagram import picture
from authflow.machine import AuthFlow

PAGE = Path(__file__).resolve().parents[1] / "docs" / "state-machine.md"

_BLOCK = re.compile(
    r"(<!-- diagram (\S+) -->\n)(?:(?!<!-- diagram ).)*?(<!-- /diagram -->)", re.DOTALL
)
_MARKER = re.compile(r"<!-- /?diagram\b.*?-->")


def update(text: str) -> str:
    """Redraw the diagrams of a Markdown text.

    Args:
        text: Has `<!-- diagram FLOW -->` on a line before each diagram and `<!-- /diagram -->`
            after it. What is between them is replaced.

    Raises:
        ConfigError: A marker stands alone, or names no auth flow.
    """
    redrawn, blocks = _BLOCK.subn(_redraw, text)
    if len(_MARKER.findall(text)) != 2 * blocks:
        msg = "a diagram's marker stands alone: write <!-- diagram FLOW --> and <!-- /diagram -->"
        raise ConfigError(msg)
    return redrawn


def _redraw(block: re.Match[str]) -> str:
    opening, name, closing = block.groups()
    try:
        flow = AuthFlow(name)
    except ValueError:
        msg = f"there is no auth flow {name}; there are {', '.join(AuthFlow)}"
        raise ConfigError(msg) from None
    return f"{opening}```mermaid\n{picture(flow).mermaid()}\n```\n{closing}"


if __name__ == "__main__":
    PAGE.write_text(update(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
