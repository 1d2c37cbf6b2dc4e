"""`census compare`: two years side by side on the terminal, with the reasons where they must not be compared."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from census_api.cli.kit.database import OPERATOR, opened_platform
from census_api.cli.kit.printing import open_console
from census_api.domain.comparing import REASONS, STATUSES
from census_api.settings import read_settings

if TYPE_CHECKING:
    from rich.console import Console

_STYLES = {"BLOCKED": "bold red", "CAUTION": "bold yellow", "COMPARABLE": "bold green", "NOT_APPLICABLE": "dim"}


def run_compare(
    before: str,
    after: str,
    by: Sequence[str],
    measure: str,
    policy: str | None,
    wanted: str,
    data_dir: Path | None,
) -> int:
    """Prints the comparison. 0 when it was made, blocked cells included. Raises CensusError."""
    from census_api.services.comparing.comparisons import compare_snapshots

    with opened_platform(read_settings(data_dir=data_dir)) as platform:
        found = compare_snapshots(platform, OPERATOR, before, after, measure=measure, by=",".join(by), policy=policy)
    if wanted == "json":
        sys.stdout.write(json.dumps(found, ensure_ascii=False, indent=1) + "\n")
    elif wanted == "csv":
        _write_csv(found)
    else:
        _print_table(found)
    return 0


def _write_csv(found: Mapping[str, Any]) -> None:
    from census_api.services.comparing.tables import comparison_sheet
    from census_api.services.kit.tables_out import write_sheet

    for piece in write_sheet(comparison_sheet(found), "csv"):
        sys.stdout.write(piece.decode().replace("\r\n", "\n"))


def _print_table(found: Mapping[str, Any]) -> None:
    from rich.table import Table

    out = open_console(sys.stdout)
    out.print(f"{found['label']}: {found['from']['name']} to {found['to']['name']}", style="bold")
    out.print(STATUSES[found["total"]["status"]], style=_STYLES[found["total"]["status"]])
    is_rate = "rate" in found["total"]
    table = Table(box=None, pad_edge=False)
    headings = [*found["by"], str(found["from"]["collection"]), str(found["to"]["collection"]), "status", "change"]
    for name in [*headings, "matched", *([] if is_rate else ["adjusted"])]:
        table.add_column(name.replace("_", " "), justify="left" if name in (*found["by"], "status") else "right")
    for cell in (*found["cells"], found["total"]):
        table.add_row(*_row(cell, found["by"], is_rate=is_rate))
    out.print(table)
    _print_reasons(out, found)


def _row(cell: Mapping[str, Any], by: Sequence[str], *, is_rate: bool) -> list[str]:
    names = [value or "(several)" for value in cell["by"].values()] or (["all"] + [""] * (len(by) - 1) if by else [])
    figures = [cell["from"], cell["to"]]
    changes = [cell["change"], cell["matched"]["change"]]
    if not is_rate:
        changes.append((cell["adjusted"] or {}).get("change"))
    shown = _rate if is_rate else _number
    first, *others = [_signed(change, is_rate=is_rate) for change in changes]
    return [*names, *(shown(figure) for figure in figures), cell["status"], first, *others]


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:,.1f}"


def _rate(value: float | None) -> str:
    return "-" if value is None else f"{100 * value:.1f}%"


def _signed(value: float | None, *, is_rate: bool) -> str:
    if value is None:
        return "-"
    return f"{100 * value:+.1f} pp" if is_rate else f"{value:+,.1f}"


def _print_reasons(out: Console, found: Mapping[str, Any]) -> None:
    """A sentence for each reason that any cell has."""
    reasons = sorted({reason for cell in (*found["cells"], found["total"]) for reason in cell["reasons"]})
    if reasons:
        out.print()
    for reason in reasons:
        out.print(f"{reason}: {REASONS[reason]}")
    out.print()
    out.print("change: of what was reported, where it may be shown; matched: of those that answered in both years.")
    out.print(f"Policy {found['policy_version']} ({found['policy'][:12]}).", style="dim")
