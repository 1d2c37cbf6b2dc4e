"""Adapters of the operations of methods.md sections 2, 3 and 6: JSON arguments to the functions that serve them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from census_api.statistics import rates
from census_api.statistics.nonresponse.classes import (
    ClassSums,
    Missing,
    collapse_classes,
    collapsed_total,
    dominant_nonrespondent,
    ratio_adjust,
    roll_forward,
)
from census_api.statistics.plausibility.editing import selective_score
from census_api.statistics.plausibility.soft_edits import HBEdit, Limits, hb_edit, robust_z
from census_api.statistics.policy import DEFAULT_POLICY, EstimatePolicy, PlausibilityPolicy

Given = Mapping[str, Any]
Values = dict[str, Any]


def give_reason(reason: str | None) -> Values:
    """The reason of an answer that has one."""
    return {} if reason is None else {"reason": str(reason)}


def _ratio_adjust(given: Given) -> Values:
    found = ratio_adjust(given["y"], given["z"], given["z_frame"], given["N"], given.get("parents"))
    return {
        "factor": found.factor,
        "total": found.total,
        "var_linear": found.var_linear,
        "var_jackknife": found.var_jackknife,
    }


def _roll_forward(given: Given) -> Values:
    found = roll_forward(
        (given["matched0"], given["matched1"]),
        (given["resp_y1"], given["resp_z"]),
        given["missing_prev"],
        given["never_z"],
    )
    return {
        "link": found.link,
        "imputed": list(found.imputed),
        "total": found.total,
        "imputed_share": found.imputed_share,
    }


def _estimate_policy(given: Given) -> EstimatePolicy:
    default = DEFAULT_POLICY.estimate
    return EstimatePolicy(
        min_respondents=given.get("min_n", default.min_respondents),
        max_factor=given.get("factor_cap", default.max_factor),
    )


def _ratio_collapse(given: Given) -> Values:
    classes = [ClassSums(len(one["y"]), sum(one["y"]), sum(one["z"]), one["z_frame"]) for one in given["classes"]]
    groups = collapse_classes(classes, _estimate_policy(given))
    return {"collapsed": len(groups) < len(classes), "total": collapsed_total(classes, groups)}


def _dominant_nonrespondent(given: Given) -> Values:
    matched = [(old, new) for old, new in zip(given["y0"], given["y"], strict=True) if old is not None]
    before = sum(old for old, _ in matched)
    found = dominant_nonrespondent(
        ClassSums(len(given["y"]), sum(given["y"]), sum(given["z"]), given["z_frame"]),
        sum(new for _, new in matched) / before if before else None,
        [Missing(one["z"], one.get("y0")) for one in given["missing"]],
        _estimate_policy(given),
    )
    return {
        "plain_factor": found.plain_factor,
        "plain_total": found.plain_total,
        "used": found.used.value,
        "total": found.total,
        "imputed_share": found.imputed_share,
    }


def _vacancy_rate(given: Given) -> Values:
    found = rates.vacancy_rate(given["vacancies"], given["in_post"])
    answer: Values = {"rate": found.value} | give_reason(found.reason)
    if given.get("establishment") is not None:
        answer["rate_establishment"] = rates.establishment_vacancy_rate(
            given["vacancies"], given["establishment"]
        ).value
    return answer


def _turnover(given: Given) -> Values:
    leavers, starters, opening, closing = (given.get(key) for key in ("leavers", "starters", "open", "close"))
    average = rates.turnover_avg(leavers, opening, closing)
    yearend = rates.turnover_yearend(leavers, closing)
    started = rates.starters_rate(starters, opening, closing)
    moved = (given.get("transfers_in", 0), given.get("transfers_out", 0))
    reasons = {found.reason for found in (average, yearend, started)} - {None}
    return {
        "turnover_avg": average.value,
        "turnover_yearend": yearend.value,
        "starters_rate_avg": started.value,
        "flow_gap": rates.flow_gap(opening, closing, starters, leavers, *moved),
    } | give_reason(next((reason for reason in _GRAVEST if reason in reasons), None))


_GRAVEST = (
    rates.NoRate.NUMERATOR_WITHOUT_DENOMINATOR,
    rates.NoRate.ZERO_DENOMINATOR,
    rates.NoRate.NOT_REPORTED,
)
"""Three rates share one reason in this operation: the one that needs a query comes first."""


def _stability(given: Given) -> Values:
    found = rates.measure_stability(*(given.get(key) for key in ("open", "cohort_leavers", "leavers", "starters")))
    # bounds without an index are an answer, and need no reason
    reason = found.index.reason if given.get("open") == 0 else None
    return {"index": found.index.value, "lower": found.lower, "upper": found.upper} | give_reason(reason)


def _regulated_ratio(given: Given) -> Values:
    pair = (given["regulated"], given["unregulated"])
    return {
        "ratio": rates.regulated_ratio(*pair, rates.RateBase.HEADCOUNT).value,
        "share": rates.share_of(*pair, rates.RateBase.HEADCOUNT).value,
    }


def _unpaid_share(given: Given) -> Values:
    return {"share": rates.share_of(given["unpaid"], given["paid"], rates.RateBase.HEADCOUNT).value}


def _part_year(given: Given) -> Values:
    found = rates.part_year(given["leavers"], given["open"], given["close"], given["months"])
    return {
        "raw": found.raw.value,
        "exposure": found.exposure,
        "annualised": found.annualised.value,
    } | give_reason(found.annualised.reason)


def _pooled(given: Given) -> Values:
    pairs = list(zip(given["num"], given["den"], strict=True))
    found = rates.pooled_rate(pairs, rates.RateBase.HEADCOUNT)
    answer: Values = {"pooled": found.rate.value, "mean_of_ratios": rates.mean_of_ratios(pairs)}
    if found.excluded:
        answer["excluded"] = list(found.excluded)
    return answer | give_reason(found.rate.reason)


def _limits(limits: Limits | None, edit: HBEdit) -> Values:
    if limits is None:
        return {"lo": None, "hi": None, "flagged": []}
    return {"lo": limits.low, "hi": limits.high, "flagged": list(limits.outside(edit.effects))}


def _hb(given: Given) -> Values:
    default = DEFAULT_POLICY.plausibility
    policy = PlausibilityPolicy(
        hb_u=given.get("U", default.hb_u), hb_a=given.get("A", default.hb_a), hb_c=given.get("C", default.hb_c)
    )
    edit = hb_edit(given["y0"], given["y1"], policy)
    return {"E": list(edit.effects), "classic": _limits(edit.classic, edit), "floored": _limits(edit.floored, edit)}


def _robust_z(given: Given) -> Values:
    found = robust_z(given["x"][given["i"]], given["x"], given.get("parent", ()))
    return {"z": found.z, "flag": found.flag}


def _selective_score(given: Given) -> Values:
    score = selective_score(given["ar"], given["pv"], given["w"], given["sf"], given.get("apv"))
    return {"score": score, "query": score is not None and score >= given["threshold"]}


ESTIMATE_OPS: dict[str, Callable[[Given], Values]] = {
    "ratio_adjust": _ratio_adjust,
    "roll_forward": _roll_forward,
    "ratio_collapse": _ratio_collapse,
    "dominant_nonrespondent": _dominant_nonrespondent,
    "vacancy_rate": _vacancy_rate,
    "turnover": _turnover,
    "stability": _stability,
    "regulated_ratio": _regulated_ratio,
    "unpaid_share": _unpaid_share,
    "part_year": _part_year,
    "pooled": _pooled,
    "hb": _hb,
    "robust_z": _robust_z,
    "selective_score": _selective_score,
}
