"""What the workbook calls its own parts. Light on purpose: readers of workbooks use these words too."""

from __future__ import annotations

from typing import Final

INSTRUCTIONS: Final = "Instructions"
LISTS: Final = "Lists"
PROVENANCE: Final = "_census"
HELPER_SHEETS: Final = (INSTRUCTIONS, LISTS, PROVENANCE)
"""Sheets of the template that hold no answers."""

LAST_YEAR: Final = "Last year: "
"""A header that begins so stands over last year's answers, which are shown for comparison and never read."""

FORM_HEADERS: Final = ("Question", "Your answer", "Last year", "Help")
"""Row 1 of a form. Questions stand in column A and answers in column B; `Last year` only if prefilled."""

CENSUS_YEAR: Final = "census_year"
TEMPLATE_VERSION: Final = "template_version"
SPEC_DIGEST: Final = "spec_digest"
PREFILLED_FOR: Final = "prefilled_for"
"""Keys in column A of the provenance sheet; values in column B, as text."""

FINDINGS_SHEET: Final = "Findings"
FINDINGS_TITLE: Final = "Census check: findings"


def is_findings_sheet(name: str, first_cell: str | None) -> bool:
    """Whether a sheet of an upload is one that we wrote into an earlier annotated copy, by its name and cell A1."""
    return name.startswith(FINDINGS_SHEET) and first_cell == FINDINGS_TITLE
