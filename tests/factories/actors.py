"""Who acts in tests, and when."""

from __future__ import annotations

import datetime as dt

from census_api.domain.access import Actor

NOW = dt.datetime(2024, 7, 15, 12, 30, tzinfo=dt.UTC)
ANN = Actor("ann", "127.0.0.1")
EVE = Actor("eve", "192.0.2.7")
