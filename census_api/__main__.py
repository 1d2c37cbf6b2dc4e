"""`python -m census_api` is the `census` command."""

from __future__ import annotations

from census_api.cli import main

main()
