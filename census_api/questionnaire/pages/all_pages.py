"""All reference pages: which there are, where they stand, and the two that belong to no year."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping, Sequence

from census_api.domain.kit.errors import CensusError
from census_api.questionnaire.model import Spec
from census_api.questionnaire.pages.dictionary import data_dictionary
from census_api.questionnaire.pages.differences import differences_page
from census_api.questionnaire.pages.markdown import quote_code, write_page, write_table
from census_api.questionnaire.pages.rule_pages import rule_catalogue, rules_over_years

_DIGITS = 16


def year_pages(spec: Spec, before: Spec | None) -> dict[str, str]:
    """File name -> Markdown of the pages of one year. `before` is the spec of the year before, if there is one."""
    return {"data-dictionary.md": data_dictionary(spec), "rules.md": rule_catalogue(spec, before)}


def common_pages(specs: Sequence[Spec], refusals: Mapping[str, str]) -> dict[str, str]:
    """Path under `docs/reference/` -> Markdown of the pages that belong to no year. `specs`: all years, oldest first.

    `refusals` maps each reason for which a file is refused to its message for people.
    """
    return {
        "README.md": _index(specs),
        "common/differences.md": differences_page(specs),
        "common/rules.md": rules_over_years(specs),
        "common/errors.md": error_catalogue(refusals),
    }


def error_catalogue(refusals: Mapping[str, str]) -> str:
    """Every refusal and every error code with what it means for the person who meets it."""
    return write_page(
        "Errors",
        "What the platform answers when it cannot do what was asked. Problems *inside* a return that can be read are "
        "not errors of this kind: they are findings, and the rule catalogue of the year lists them.",
        "## Files that are refused",
        f"Such a file gets no submission number; only the reason, its size and its fingerprint are noted. The answer has the reason below as its "
        f"{quote_code('code')}, and the sentence beside it; on the command line the exit code is 2. Words in braces are filled in.",
        write_table(
            ("Reason", "What we say"), ((quote_code(reason), message) for reason, message in sorted(refusals.items()))
        ),
        "## Error codes",
        f"The code stands in {quote_code('code')} of every problem answer and never changes its meaning. Those of the API alone "
        f"are in {quote_code('docs/api.md')}.",
        write_table(
            ("Code", "Meaning"), sorted((quote_code(kind.code), _meaning(kind)) for kind in _kinds(CensusError))
        ),
    )


def _kinds(kind: type[CensusError]) -> Iterator[type[CensusError]]:
    for child in kind.__subclasses__():
        # those of other modules are there or not, depending on what else the process has imported
        if child.__module__ == CensusError.__module__:
            yield child
            yield from _kinds(child)


def _meaning(kind: type[CensusError]) -> str:
    return inspect.cleandoc(kind.__doc__ or "").partition("\n\n")[0]


def _index(specs: Sequence[Spec]) -> str:
    headers = ("Year", "Reference date", "What is asked", "What is checked", "For programs", "Workbook", "Digest")
    rows = [
        (
            spec.year,
            f"{spec.collection.reference_date:%-d %B %Y}",
            quote_code(f"/dictionary/{spec.year}"),
            f"{quote_code(f'/rules/{spec.year}')}, {len(spec.rules)} rules",
            quote_code(f"/api/v1/collections/{spec.year}/schema.json"),
            f"[template](../../templates_xlsx/{spec.year}/census-{spec.year}.xlsx)",
            quote_code(spec.digest[:_DIGITS]),
        )
        for spec in specs
    ]
    newest = specs[-1].year
    return write_page(
        "Reference",
        "What each year's census asks and checks. The platform writes these pages from its own spec, and its site "
        "shows them for every year at the addresses below.",
        write_table(headers, rows),
        f"Written out here is the newest year, {newest}: [data dictionary]({newest}/data-dictionary.md), "
        f"[rules]({newest}/rules.md), [JSON Schema]({newest}/schema.json), [resolved spec]({newest}/spec.json). "
        f"{quote_code('census build YEAR -o FOLDER')} writes those of any other year.",
        "For all years: [what changed from year to year](common/differences.md), "
        "[which rule is in force when](common/rules.md), [errors](common/errors.md).",
        "The digest is the beginning of the one that reports name. A change to an earlier year shows here, whatever it is.",
    )
