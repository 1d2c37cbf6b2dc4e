"""A frozen snapshot of any size for the benchmarks: made inside the database, the same every time."""

from __future__ import annotations

import uuid

from sqlalchemy import text
from sqlalchemy.orm import Session

from census_api.questionnaire.load import load_spec
from census_api.store.kit.copy import add_rows
from tests.factories.snapshots import begin_snapshot, finish_snapshot, role_rows

YEAR = 2024
LINES_EACH = 10
SECTORS = ("voluntary", "voluntary", "voluntary", "nhs", "nhs", "independent", "la_delivered", "lero")
SERVICES = ("adult_community", "young_people", "residential_rehabilitation", "inpatient_detox", "lero")

_LINES = text(
    """
    INSERT INTO snapshot_line
        (collection_year, snapshot_id, line_no, organisation, parent, local_authority_code, service_type, region,
         sector, organisation_type, commissioning_route, data_available, in_frame, reported, size)
    SELECT :year, :id, (o - 1) * :each + l, 'ORG' || lpad(o::text, 6, '0'), 'ORG' || lpad((o - o % 4)::text, 6, '0'),
           area.code, (CAST(:services AS text[]))[1 + (o + l * 3) % 5], area.region,
           kind.sector, kind.organisation_type, 'la_commissioned', 'full', true, o % 5 <> 0, 40 + o % 100
    FROM generate_series(1, :organisations) AS o CROSS JOIN generate_series(1, :each) AS l
    JOIN areas AS area ON area.number = (o * 7 + l / 3) % (SELECT count(*) FROM areas)
    JOIN kinds AS kind ON kind.number = o % (SELECT count(*) FROM kinds)
    """
)
_STAFF = text(
    """
    INSERT INTO snapshot_staff
        (collection_year, snapshot_id, line_no, role, paid_headcount, paid_wte, opening_headcount, starters, leavers,
         transfers_in, transfers_out, vacant_wte, unpaid_headcount, unpaid_wte, establishment_wte, states)
    SELECT collection_year, snapshot_id, line_no, role,
           h % 23, round((h % 23) * 0.83, 2), h % 21, CASE WHEN h % 31 > 0 THEN h % 5 END,
           CASE WHEN h % 29 > 0 THEN h % 4 END, 0, 0, CASE WHEN h % 17 > 0 THEN (h % 9) * 0.25 END, NULL, NULL, NULL,
           'VVAAV' || CASE WHEN h % 31 > 0 THEN 'V' ELSE 'B' END || CASE WHEN h % 29 > 0 THEN 'V' ELSE 'N' END
           || 'VV' || CASE WHEN h % 17 > 0 THEN 'V' WHEN h % 2 = 0 THEN 'B' ELSE 'R' END || 'B'
    FROM (
        SELECT snapshot_line.collection_year, snapshot_line.snapshot_id, line_no, role,
               hashint4(line_no * 97 + number) & 2147483647 AS h
        FROM snapshot_line JOIN listed ON number < :roles
        WHERE (snapshot_line.collection_year, snapshot_line.snapshot_id) = (:year, :id) AND reported
    ) AS made
    """
)


def large_snapshot(session: Session, organisations: int, roles_each: int = 60) -> uuid.UUID:
    """A frozen snapshot of ten lines an organisation and `roles_each` staff rows a line; a fifth did not answer."""
    spec = load_spec(YEAR)
    snapshot_id = begin_snapshot(session, spec)
    key = {"year": YEAR, "id": snapshot_id}
    add_rows(
        session,
        "snapshot_role",
        ("collection_year", "snapshot_id", "role", "label", "role_group", "regulated", "profession_group", "pay_basis"),
        [(YEAR, snapshot_id, *row) for row in role_rows(spec)],
    )
    _lists(session)
    session.execute(_LINES, key | {"organisations": organisations, "each": LINES_EACH, "services": list(SERVICES)})
    session.execute(_STAFF, key | {"roles": roles_each})
    facts = session.scalar(text("SELECT count(*) FROM snapshot_staff WHERE snapshot_id = :id"), {"id": snapshot_id})
    finish_snapshot(session, YEAR, snapshot_id, lines=organisations * LINES_EACH, facts=facts or 0)
    return snapshot_id


def _lists(session: Session) -> None:
    """The codes of the year, numbered from 0, as temporary tables."""
    spec = load_spec(YEAR)
    areas = spec.code_lists["local_authorities"].codes
    types = {code.code: code.attributes["organisation_type"] for code in spec.code_lists["sectors"].codes}
    paid = [code for code in spec.code_lists["roles"].codes if code.attributes["pay_basis"] == "paid"]
    tables = (
        ("areas", "code text, region text", [(area.code, area.attributes["region"]) for area in areas]),
        ("kinds", "sector text, organisation_type text", [(sector, types[sector]) for sector in SECTORS]),
        ("listed", "role text", [(code.code,) for code in paid]),
    )
    for name, columns, rows in tables:
        session.execute(text(f"CREATE TEMP TABLE {name} (number int, {columns}) ON COMMIT DROP"))
        values = ", ".join(f"(:n{n}, {', '.join(f':v{n}_{i}' for i in range(len(row)))})" for n, row in enumerate(rows))
        given: dict[str, object] = {f"n{n}": n for n in range(len(rows))}
        given |= {f"v{n}_{i}": value for n, row in enumerate(rows) for i, value in enumerate(row)}
        session.execute(text(f"INSERT INTO {name} VALUES {values}"), given)
