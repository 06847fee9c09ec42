"""Writes the parts of docs/pool.md that are made of the pool's own tables.

The page is written by hand but for what stands between `<!-- name -->` and `<!-- /name -->`: the
operations that are served, and what becomes of the settings. `make pool-page` renews them, and a
test fails where they differ from the tables.
"""

import inspect
from collections.abc import Mapping
from pathlib import Path

from authflow.pool.operations import operations
from authflow.pool.settings.app_client_table import APP_CLIENT
from authflow.pool.settings.factor_table import FACTORS_OF_POOL
from authflow.pool.settings.fates import Case, Fate, Setting, SettingsTable
from authflow.pool.settings.user_pool_table import USER_POOL

PAGE = Path(__file__).resolve().parents[1] / "docs" / "pool.md"
_SHOWN = {
    Fate.CARRIED_OUT: "carried out",
    Fate.KEPT: "kept",
    Fate.TOLD: "**kept and told**",
    Fate.REFUSED: "**refused at the sign-in**",
}


def served() -> str:
    """Give the list of the operations."""
    # The names of a table whose handlers are not called: nothing that they need is needed.
    names = operations(**dict.fromkeys(inspect.signature(operations).parameters))  # type: ignore[arg-type]
    return ", ".join(f"`{name}`" for name in sorted(names)) + "."


def _members(row: Setting) -> str:
    """Give a row's members; those that begin alike are named with their beginning once."""
    grouped: dict[str, list[str]] = {}
    for path in row.paths:
        group, _, name = path.rpartition(".")
        grouped.setdefault(group, []).append(name)
    return "<br>".join(
        ", ".join(f"`{name}`" for name in names)
        if not group
        else f"`{group}.{names[0]}`" + "".join(f", `.{name}`" for name in names[1:])
        for group, names in grouped.items()
    )


def _values(row: Setting, case: Case) -> str:
    """Say to which values a case applies."""
    if case.lacks is not None:
        return f"without `{case.lacks}`"
    if case.without_kms:
        return "without a KMS endpoint or `KMSKeyID`"
    if case.values:
        return ", ".join(f"`{value}`" for value in case.values)
    if any(other.without_kms for other in row.cases):
        return "any"
    return "any" if len(row.cases) == 1 else "any other"


def settings(table: SettingsTable) -> str:
    """Give a table of settings as Markdown."""
    lines = ["| member | value | what becomes of it | why, or how |", "|---|---|---|---|"]
    for row in table.rows:
        members = _members(row)
        for case in row.cases:
            cells = (members, _values(row, case), _SHOWN[case.fate], case.because)
            lines.append(f"| {' | '.join(cells)} |")
            members = ""
    return "\n".join(lines)


def parts() -> Mapping[str, str]:
    """Give what is generated, by the names of the marks."""
    return {
        "operations": served(),
        "user pools": settings(USER_POOL),
        "second factors": settings(FACTORS_OF_POOL),
        "app clients": settings(APP_CLIENT),
    }


def renewed(page: str) -> str:
    """Give the page with its generated parts as they should be.

    Args:
        page: The page as it is.

    Raises:
        ValueError: A part has no place in it.
    """
    for name, text in parts().items():
        begin, end = f"<!-- {name} -->\n", f"<!-- /{name} -->\n"
        before, begun, rest = page.partition(begin)
        _, ended, after = rest.partition(end)
        if not (begun and ended):
            msg = f"the page has no place for {name}, between {begin.strip()} and {end.strip()}"
            raise ValueError(msg)
        page = f"{before}{begin}{text}\n{end}{after}"
    return page


if __name__ == "__main__":
    PAGE.write_text(renewed(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
