"""The table of what the register remembers of an organisation: the sectors that it was in before."""

from __future__ import annotations

import datetime as dt
import uuid

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from census_api.store.kit.metadata import TableBase


class OrganisationSector(TableBase):
    """A sector that an organisation was in until a day, the first on which it no longer was. Its present one stands
    with the organisation. NULL is not known: the row then only says since when the next one holds."""

    __tablename__ = "organisation_sector"

    organisation_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("organisation.id"), primary_key=True)
    until: Mapped[dt.date] = mapped_column(primary_key=True)
    sector: Mapped[str | None]
