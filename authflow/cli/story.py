"""The demo's output: each step in plain words, its requests and replies, a table at the end."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from attrs import define, field
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from authflow.client.exchange import Exchange
from authflow.errors import AuthFlowError


@define
class Story:
    """Prints what happens, and stores the result of every step.

    Args:
        console: Where to write.
    """

    console: Console
    _rows: list[tuple[str, str, bool]] = field(factory=list, init=False)

    def say(self, text: str) -> None:
        """Print something about the current step."""
        self.console.print(f"  {escape(text)}", highlight=False)

    def exchange(self, exchange: Exchange) -> None:
        """Print a request and its reply, from which the secrets are already removed."""
        sent = _flat(exchange.sent)
        self.console.print(f"    → {exchange.operation}  {escape(sent)}", style="cyan")
        if exchange.error is None:
            received = _flat(exchange.received) or "done"
            self.console.print(f"    ← {escape(received)}", style="dim cyan")
        else:
            name = exchange.error.aws_code or type(exchange.error).__name__
            self.console.print(f"    ← {escape(name)}", style="yellow")

    async def step(self, title: str, act: Callable[[], Awaitable[str]]) -> None:
        """Run one step; a failure is printed and stored, and the story goes on.

        Args:
            title: What is going to happen.
            act: Makes it happen, and says how it ended.
        """
        self.console.print(f"\n[bold]{len(self._rows) + 1}. {escape(title)}[/bold]")
        try:
            outcome, ok = await act(), True
        except AuthFlowError as error:
            outcome, ok = f"{type(error).__name__}: {error}", False
        self._rows.append((title, outcome, ok))
        self.console.print(
            f"  {'[green]✓' if ok else '[red]✗'}[/] {escape(outcome)}", highlight=False
        )

    def finish(self) -> int:
        """Print the table of results, and return the exit code."""
        table = Table(title="What happened", title_justify="left", show_lines=False)
        table.add_column("step")
        table.add_column("outcome", overflow="fold")
        table.add_column("")
        for title, outcome, ok in self._rows:
            table.add_row(
                escape(title), escape(outcome), "[green]ok[/]" if ok else "[red]FAILED[/]"
            )
        self.console.print()
        self.console.print(table)
        return 0 if all(ok for _, _, ok in self._rows) else 1


def _flat(members: Mapping[str, Any]) -> str:
    """Return members as one line."""
    parts = []
    for name, value in members.items():
        shown = f"{{{_flat(value)}}}" if isinstance(value, Mapping) else str(value)
        parts.append(f"{name}={shown}")
    return " ".join(parts)
