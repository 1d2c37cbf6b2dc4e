"""What must hold between the parts of a spec: no dangling code, no rule about a column that is not there."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from census_api.domain.kit.errors import SpecError
from census_api.questionnaire.model import Spec


def verify_links(spec: Spec, declared: Mapping[str, Mapping[str, Mapping[str, str]]], where: str) -> None:
    """Every code in a linked column of a list or mapping exists in the list it links to."""
    for name, columns in declared["code_lists"].items():
        rows = [{"code": code.code, **code.attributes} for code in spec.code_lists[name].codes]
        _check_links(spec, name, rows, columns, where)
    for name, columns in declared["mappings"].items():
        _check_links(spec, name, [dict(row) for row in spec.mappings[name]], columns, where)


def _check_links(spec: Spec, name: str, rows: list[dict[str, str]], columns: Mapping[str, str], where: str) -> None:
    for column, target in columns.items():
        if target not in spec.code_lists:
            raise SpecError(where, f"{name}.links.{column}", f"{target} is not a code list")
        known = spec.code_lists[target].by_code
        for row in rows:
            if column not in row:
                raise SpecError(f"{name}.csv", column, "there is no such column")
            for code in filter(None, row[column].split(";")):
                if code not in known:
                    key = row.get("code") or ", ".join(list(row.values())[:2])
                    raise SpecError(f"{name}.csv", f"{key}: {column}", f"`{code}` is not in {target}.csv")


def verify_sheets(spec: Spec, where: str) -> None:
    """Fields name code lists that exist, keys name fields, headers of a sheet are all different."""
    for sheet in spec.sheets:
        for key in sheet.business_key:
            if key not in sheet.by_key:
                raise SpecError(where, f"sheets.{sheet.key}.business_key", f"{key} is not a field")
        seen: set[str] = set()
        for field in sheet.fields:
            at = f"sheets.{sheet.key}.fields.{field.key}"
            if (field.type == "code") != (field.code_list is not None):
                raise SpecError(where, at, "a field of type `code`, and only such a field, has a code_list")
            if field.code_list is not None and field.code_list not in spec.code_lists:
                raise SpecError(where, f"{at}.code_list", f"{field.code_list} is not a code list")
            for header in {field.key.casefold(), " ".join(field.label.split()).casefold()}:
                if header in seen:
                    raise SpecError(where, at, f"the header `{header}` stands twice on the sheet")
                seen.add(header)


def verify_rule_places(spec: Spec, where: str, register: Path) -> None:
    """Rules use views, columns, checks and parameters that exist, and codes of the register of rule codes."""
    from census_api.questionnaire.rulebook import verify_rules

    verify_rules(spec, where, register)
