"""Every table of the platform on one metadata: what migrations are compared with, and what foreign keys resolve in."""

from __future__ import annotations

from sqlalchemy import MetaData

from census_api.store.kit import tables as _record
from census_api.store.kit import tables_audit as _audit
from census_api.store.kit import tables_life as _life
from census_api.store.kit import tables_snapshots as _snapshots
from census_api.store.kit.metadata import TableBase
from census_api.store.mail import tables as _mail
from census_api.store.people import tables as _people
from census_api.store.register import tables as _register

ROOMS = (_record, _life, _snapshots, _audit, _people, _register, _mail)
"""The modules that hold tables; importing them is what puts their tables on the metadata."""

METADATA: MetaData = TableBase.metadata
