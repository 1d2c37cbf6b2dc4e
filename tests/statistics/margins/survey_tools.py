"""Other people's tools, unmodified, fed with our shapes. Each gives the weight of every answer."""

from __future__ import annotations

import io
import json
import warnings
from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from census_api.statistics.margins.document import MarginDocument
from census_api.statistics.margins.shapes import shape_document

Answers = Mapping[str, Sequence[str]]
Weights = NDArray[np.float64]


def weightipy_weights(document: MarginDocument, answers: Answers) -> Weights:
    weightipy = import_module("weightipy")
    scheme = weightipy.scheme_from_dict(
        json.loads(shape_document(document, "weightipy")), name="census", rim_params=_TO_THE_END
    )
    return _of_weightipy(scheme, answers)


def weightipy_weights_of_tidy_table(document: MarginDocument, answers: Answers) -> Weights:
    weightipy = import_module("weightipy")
    table = pd.read_csv(io.StringIO(shape_document(document, "csv")))
    scheme = weightipy.scheme_from_long_df(
        table, "dimension", "category", "value", name="census", rim_params=_TO_THE_END
    )
    return _of_weightipy(scheme, answers)


_TO_THE_END = {"convcrit": 1e-12, "max_iterations": 5000}


def _of_weightipy(scheme: Any, answers: Answers) -> Weights:
    weightipy = import_module("weightipy")
    found = weightipy.weight_dataframe(pd.DataFrame(dict(answers)), scheme, weight_column="weight")
    return np.asarray(found["weight"], dtype=float)


def samplics_weights(document: MarginDocument, answers: Answers) -> Weights:
    with warnings.catch_warnings():
        # it announces its successor whenever it is imported
        warnings.simplefilter("ignore")
        samplics = import_module("samplics")

    columns = {name: np.array(values) for name, values in answers.items()}
    ones = np.ones(len(next(iter(columns.values()))))
    control = json.loads(shape_document(document, "samplics"))
    found = samplics.SampleWeight().rake(
        samp_weight=ones, margins=columns, control=control, tol=1e-12, ctrl_tol=1e-12, max_iter=5000
    )
    return np.asarray(found, dtype=float)


def ipfn_weights(document: MarginDocument, answers: Answers) -> Weights:
    """ipfn gives the fitted table; a weight is a fitted cell over the answers in it."""
    ipfn = import_module("ipfn.ipfn")
    shape = json.loads(shape_document(document, "ipfn"))
    places = [
        np.array([categories.index(answer) for answer in answers[variable]])
        for variable, categories in zip(shape["variables"], shape["categories"], strict=True)
    ]
    table = np.zeros([len(categories) for categories in shape["categories"]])
    np.add.at(table, tuple(places), 1.0)
    aggregates = [np.array(values) for values in shape["aggregates"]]
    fitted = ipfn.ipfn(
        table.copy(), aggregates, shape["dimensions"], convergence_rate=1e-14, max_iteration=5000, rate_tolerance=0
    ).iteration()
    return np.asarray((fitted / np.where(table > 0, table, 1))[tuple(places)], dtype=float)


def deff(weights: Weights) -> float:
    """Kish's measure, written out."""
    return float(len(weights) * np.sum(weights**2) / np.sum(weights) ** 2)


def misses(document: MarginDocument, answers: Answers, weights: Weights) -> dict[str, float]:
    """The distance of each category's weighted share from the census's."""
    found = {}
    for dimension in document.dimensions:
        given = np.array(answers[dimension])
        for category, share in document.shares(dimension).items():
            achieved = np.sum(weights[given == category]) / np.sum(weights)
            found[f"{dimension} {category}"] = abs(float(achieved) - float(share))
    return found
