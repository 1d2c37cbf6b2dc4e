"""Returns as files, made once: broken ones are spoilt by the test that needs them."""

from __future__ import annotations

import functools
import json

from census_api.domain.collecting.content import Content
from census_api.questionnaire.load import load_spec
from census_api.questionnaire.templates.workbook import fill_template
from tests.factories.whole_returns import whole_return

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
CHECK = "/api/v1/collections/2024/check"
SUBMISSIONS = "/api/v1/collections/2024/returns/ALPHA/submissions"


@functools.cache
def content(year: int = 2024) -> Content:
    made = whole_return(load_spec(year))
    made.organisation["organisation_code"] = "ALPHA"
    return made


@functools.cache
def workbook(year: int = 2024) -> bytes:
    return fill_template(load_spec(year), content(year))


@functools.cache
def as_json(year: int = 2024) -> bytes:
    return json.dumps(content(year).as_json()).encode()


def form(data: bytes, name: str = "return.xlsx") -> dict[str, tuple[str, bytes, str]]:
    return {"file": (name, data, XLSX)}


def multipart(data: bytes, boundary: str = "edge", name: str = "file") -> bytes:
    head = f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"; filename="r.xlsx"\r\n\r\n'
    return head.encode() + data + f"\r\n--{boundary}--\r\n".encode()
