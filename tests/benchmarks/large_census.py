"""A census as large as one likes, made inside the database: accepted returns in the ordinary tables, no file ever read.

One organisation in eleven stays silent, another one each year; the others answer with `rows` rows each. The same
numbers are made wherever and however often it is run.
"""

from __future__ import annotations

import json
from typing import Any

import psycopg

from census_api.questionnaire.model import Spec
from census_api.services.collecting.collections import ensure_collections
from census_api.services.kit.platform import Platform
from tests.factories.actors import ANN

FIRST_YEAR = 2022
ROWS_A_LINE = 20
_BREAKDOWN_ROWS = 10
_SILENT = 11
_SECTORS = ("voluntary", "nhs", "independent", "la_delivered", "lero")
_SERVICES = ("adult_community", "young_people", "residential_rehabilitation", "inpatient_detox", "lero")


def add_register(platform: Platform, respondents: int) -> None:
    """As many organisations as it takes for `respondents` to answer each year, a multiple of ten, and the collections."""
    ensure_collections(platform, ANN)
    with _owner(platform) as connection:
        connection.execute(
            "INSERT INTO organisation (id, code, name, sector, status) SELECT gen_random_uuid(), "
            "'L' || to_char(number, 'FM000000'), 'Large ' || number, (%s::text[])[1 + number %% 5], 'open' "
            "FROM generate_series(0, %s) AS number",
            [list(_SECTORS), respondents * _SILENT // (_SILENT - 1) - 1],
        )
        connection.execute("ANALYZE organisation")


def add_returns(platform: Platform, year: int, rows: int) -> int:
    """The frame of a year and accepted returns of `rows` rows each; says how many rows in all."""
    spec = platform.spec(year)
    with _owner(platform) as connection:
        values = _values(spec, rows)
        for statement in _RETURNS:
            connection.execute(statement, values)
        made = connection.execute(_STAFF, values).rowcount
        made += connection.execute(_SERVICES_ROWS, values).rowcount
        made += connection.execute(_AGES, values).rowcount
        for table in ("submission", "submission_row", '"return"', "frame_line", "sign_off"):
            connection.execute(f"ANALYZE {table}")
    return made


def _owner(platform: Platform) -> psycopg.Connection[Any]:
    """A connection of the owner's, for which neither rights nor triggers hold: these rows did not come in."""
    conninfo = platform.database.url().replace("postgresql+psycopg://", "postgresql://")
    return psycopg.connect(conninfo, options="-c session_replication_role=replica -c timezone=UTC -c jit=off")


def _values(spec: Spec, rows: int) -> dict[str, Any]:
    lines = max(1, rows // ROWS_A_LINE)
    roles = [role for role in spec.code_lists["roles"].codes if role.attributes["pay_basis"] == "paid"]
    ages = {question.key: 2 for question in spec.sheet["age"].counts}
    return {
        "year": spec.year,
        "areas": list(spec.code_lists["local_authorities"].by_code),
        "services": list(_SERVICES),
        "roles": [role.code for role in roles],
        "groups": list(spec.code_lists["role_groups"].by_code)[:_BREAKDOWN_ROWS],
        "ages": json.dumps(ages),
        "lines": lines,
        "staff": rows - lines - _BREAKDOWN_ROWS,
        "silent": _SILENT,
        "digest": spec.digest,
    }


_NUMBER = "right(code, 6)::int"
_AREA = "(%(areas)s::text[])[1 + (number * 7 + line) %% cardinality(%(areas)s::text[])]"
_SERVICE = "(%(services)s::text[])[1 + (number + line) %% 5]"
_ANSWERED = f"""
    SELECT submission.id AS submission_id, {_NUMBER} AS number FROM submission
    JOIN organisation ON organisation.id = organisation_id WHERE collection_year = %(year)s
"""

_RETURNS = (
    f"""
    INSERT INTO frame_line (collection_year, organisation_id, local_authority_code, service_type)
    SELECT %(year)s, id, {_AREA}, {_SERVICE}
    FROM (SELECT id, {_NUMBER} AS number FROM organisation WHERE code LIKE 'L%%') AS listed
    CROSS JOIN generate_series(0, %(lines)s - 1) AS line
    """,
    "UPDATE collection SET framed = true WHERE year = %(year)s",
    f"""
    INSERT INTO submission (collection_year, id, return_id, organisation_id, number, status, received_at, received_by,
        size, original_sha256, kind, content_sha256, spec_digest, outcome, rows_read, counts, rules, form)
    SELECT %(year)s, gen_random_uuid(), gen_random_uuid(), id, 1, 'checked', '2024-07-01', 'a benchmark', 1,
        encode(sha256(code::bytea), 'hex'), 'json', encode(sha256((code || %(year)s)::bytea), 'hex'), %(digest)s, 'clean',
        '{{}}', '{{}}', '{{}}', jsonb_build_object('organisation_code', code, 'sector', sector, 'nil_return', 'no')
    FROM organisation WHERE code LIKE 'L%%' AND {_NUMBER} %% %(silent)s <> %(year)s %% %(silent)s
    """,
    """
    INSERT INTO "return" (collection_year, id, organisation_id, state, version, last_number, accepted_submission_id,
        signed_submission_id)
    SELECT %(year)s, return_id, organisation_id, 'accepted', 3, 1, id, id FROM submission
    WHERE collection_year = %(year)s
    """,
    """
    INSERT INTO sign_off (collection_year, id, return_id, submission_id, organisation_id, reference, name, role,
        signed_at, timing, content_sha256, explanations_sha256)
    SELECT %(year)s, gen_random_uuid(), return_id, id, organisation_id, id::text, 'Benchmark', 'Director', '2024-07-02',
        'on_time', content_sha256, content_sha256
    FROM submission WHERE collection_year = %(year)s
    """,
)

_SERVICES_ROWS = f"""
    INSERT INTO submission_row (collection_year, submission_id, ordinal, sheet, position, business_key, cells)
    SELECT %(year)s, submission_id, line, 'services', line, area || '|' || service, jsonb_build_object(
        'local_authority_code', area, 'service_type', service, 'commissioning_route', 'la_commissioned',
        'data_available', 'full')
    FROM (SELECT submission_id, line, {_AREA} AS area, {_SERVICE} AS service
          FROM ({_ANSWERED}) AS answered CROSS JOIN generate_series(0, %(lines)s - 1) AS line) AS listed
"""

_STAFF = f"""
    INSERT INTO submission_row (collection_year, submission_id, ordinal, sheet, position, business_key, cells)
    SELECT %(year)s, submission_id, %(lines)s + row, 'staff', row, area || '|' || service || '|' || role,
        jsonb_build_object(
            'local_authority_code', area, 'service_type', service, 'role_code', role, 'paid_headcount', heads,
            'paid_wte', trim_scale(heads * 0.83)::text, 'unpaid_headcount', 0, 'unpaid_wte', '0',
            'opening_headcount', heads - 1, 'starters', 3, 'leavers', 2, 'transfers_in', 0, 'transfers_out', 0,
            'vacant_wte', CASE WHEN row %% 10 = 0 THEN 'NK' ELSE '1.25' END)
    FROM (SELECT submission_id, row, {_AREA} AS area, {_SERVICE} AS service,
                 (%(roles)s::text[])[1 + row / %(lines)s] AS role,
                 3 + (number * 31 + row * 7 + %(year)s * (1 + number %% 3)) %% 11 AS heads
          FROM ({_ANSWERED}) AS answered CROSS JOIN generate_series(0, %(staff)s - 1) AS row
          CROSS JOIN LATERAL (SELECT row %% %(lines)s AS line) AS its) AS listed
"""

_AGES = f"""
    INSERT INTO submission_row (collection_year, submission_id, ordinal, sheet, position, business_key, cells)
    SELECT %(year)s, submission_id, 1000000 + place, 'age', place, group_code,
        jsonb_build_object('role_group', group_code) || %(ages)s::jsonb
    FROM ({_ANSWERED}) AS answered CROSS JOIN unnest(%(groups)s::text[]) WITH ORDINALITY AS groups (group_code, place)
"""
