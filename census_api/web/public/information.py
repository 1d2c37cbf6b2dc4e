"""Pages for everybody: what the census is, how its figures are made, what happens with what is sent, and help."""

from __future__ import annotations

from fastapi import APIRouter, Response

from census_api.api.kit.dependencies import everyone, may
from census_api.domain.collecting.deadlines import ANSWER_DAYS
from census_api.services.collecting.collections import list_collections
from census_api.statistics.disclosure.thresholds import DEFAULT_POLICY as DISCLOSURE
from census_api.statistics.policy import DEFAULT_POLICY
from census_api.web.kit.visit import TheVisit

router = APIRouter(include_in_schema=False)

_DAYS_IN_YEAR = 365


@router.get("/about", dependencies=[may("collection.read")])
def show_about(visit: TheVisit) -> Response:
    """What the census is, who answers it, and what comes of it."""
    years = [status.year for status in list_collections(visit.platform, visit.actor)]
    return visit.page("about.html", years=years, answer_days=ANSWER_DAYS)


@router.get("/methods", dependencies=[everyone()])
def show_methods(visit: TheVisit) -> Response:
    """The statistical methods as they are implemented, with the thresholds that are in force."""
    return visit.page("methods.html", policy=DEFAULT_POLICY, disclosure=DISCLOSURE, share=_share)


@router.get("/privacy", dependencies=[everyone()])
def show_privacy(visit: TheVisit) -> Response:
    """Which personal data there are, what for, and for how long."""
    settings = visit.platform.settings
    return visit.page(
        "privacy.html",
        drafts=_period(settings.keep_drafts_days),
        returns=_period(settings.keep_returns_days),
        idle=settings.session_idle_minutes,
        hours=settings.session_hours,
        contact=settings.contact_email,
    )


@router.get("/accessibility", dependencies=[everyone()])
def show_accessibility(visit: TheVisit) -> Response:
    """What these pages keep to, how that is tested, and whom to tell when one does not work."""
    return visit.page("accessibility.html", contact=visit.platform.settings.contact_email)


@router.get("/help", dependencies=[everyone()])
def help_page(visit: TheVisit) -> Response:
    """Whom to ask, and where common questions are answered."""
    settings = visit.platform.settings
    return visit.page("help.html", email=settings.contact_email, phone=settings.contact_phone)


def _share(value: float) -> str:
    """A share of 1 as a percentage, without digits that say nothing."""
    return f"{value * 100:g}%"


def _period(days: int | None) -> str:
    """A number of days in words; None is for ever."""
    if days is None:
        return "for as long as the census is run"
    years, rest = divmod(days, _DAYS_IN_YEAR)
    if years and not rest:
        return "1 year" if years == 1 else f"{years} years"
    return f"{days} days"
