# SPDX-License-Identifier: MIT
"""Estimators after scikit-learn's conventions: DeepLinearRegressor and DeepLinearClassifier.

Import depthopt.sklearn for them: only this module needs scikit-learn (tested with 1.2).
"""
from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from numpy import ndarray
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_random_state
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted

from .errors import NumericalError
from .loss import Loss
from .objective import Objective
from .trainer import Report, fit, lr_search

__all__ = ["DeepLinearClassifier", "DeepLinearRegressor"]

_START = 0.1  # norm of each row of W at the start, in standardised units: small, as depth wants it, but off the saddle at 0
# Steps without depth diverge above 2/L; what depth and loss make of that differs by powers of ten, both ways.
_GRID = tuple(4.0 ** j for j in range(2, -7, -1))


def _scaling(a: ndarray, centre: bool) -> tuple[ndarray, ndarray]:
    """Mean (0 without `centre`) and scale of each column; what is constant up to rounding keeps its scale."""
    mean = a.mean(axis=0) if centre else np.zeros(a.shape[1])
    scale = np.sqrt(np.mean((a - mean) ** 2, axis=0))
    tiny = 10 * np.finfo(float).eps * np.abs(a).max(axis=0)
    return mean, np.where(scale > tiny, scale, 1.0)


class _DeepLinear(BaseEstimator):
    """What both share: a run on standardised columns, with the result in units of the data."""

    def _train(self, x: ndarray, y: ndarray, loss: Loss, y_scale: ndarray) -> tuple[ndarray, ndarray]:
        """Coefficients (k, d) and intercepts (k,) for targets y, (m, k), which stand for y_scale y."""
        mean, scale = _scaling(x, self.fit_intercept)
        z = (x - mean) / scale
        if self.fit_intercept:
            z = np.column_stack([z, np.ones(len(z))])
        w = check_random_state(self.random_state).normal(size=(y.shape[1], z.shape[1]))
        if self.fit_intercept:
            w[:, -1] = 0.0
        w *= _START / np.linalg.norm(w, axis=1, keepdims=True)
        report = self._run(Objective(z, np.ascontiguousarray(y), loss, threads=1), z, w)
        self.n_iter_ = max(report.steps, 1)
        if report.reason == "diverged":
            raise NumericalError(f"training diverged at step {report.steps}: choose a smaller learning_rate, or None")
        if report.reason == "steps":
            warnings.warn(f"no convergence in max_iter={self.max_iter} steps", ConvergenceWarning, stacklevel=3)
        w *= y_scale[:, np.newaxis]
        coef = w[:, :x.shape[1]] / scale
        return coef, (w[:, -1] if self.fit_intercept else np.zeros(len(w))) - coef @ mean

    def _run(self, objective: Objective, z: ndarray, w: ndarray) -> Report:
        options: dict[str, Any] = dict(model=self.solver, depth=1 if self.solver == "direct" else self.depth, max_steps=self.max_iter,
                       value_tolerance=self.tol, gradient_tolerance=self.tol)
        self.learning_rate_ = self.learning_rate
        if self.learning_rate is None:
            flatness = float(len(z) / np.linalg.norm(z, 2) ** 2) if z.any() else 1.0
            self.learning_rate_ = lr_search(objective, [flatness * g for g in _GRID], w, threads=1, **options).lr
        return fit(objective, w, lr=self.learning_rate_, **options)

    def _linear(self, X: Any) -> ndarray:
        check_is_fitted(self)
        return self._validate_data(X, dtype=np.float64, reset=False) @ self.coef_.T + self.intercept_


_PARAMETERS = """
    Parameters
    ----------{first}
    depth : float, default=2.0
        Number of factors N: real >= 1, finite, for "e2e", an integer for "factored"; "direct" has none.
    solver : "e2e", "factored" or "direct", default="e2e"
        W by the end-to-end rule; the factors of W, started balanced; W by plain gradient descent.
    learning_rate : float, default=None
        In standardised units. None: the one with the least training loss after max_iter steps, of nine around 1 / (largest
        eigenvalue of X^T X / n), which takes about ten times as long.
    max_iter : int, default=1000
        Largest number of steps.
    tol : float, default=1e-7
        Stop once a step changes the loss relatively, or the gradient is, no more than this.
    fit_intercept : bool, default=True
        Whether to centre the columns and fit an intercept.
    random_state : int, RandomState or None, default=None
        Of the start.

    Attributes
    ----------
    coef_ : ndarray, {coef}
    intercept_ : {intercept}
    n_iter_ : int
        Steps taken.
    learning_rate_ : float
        The learning rate in force.
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (n_features_in_,), if X had names
"""


class DeepLinearRegressor(RegressorMixin, _DeepLinear):
    __doc__ = "Linear regression with l_p loss, by gradient steps that depth accelerates.\n" + _PARAMETERS.format(
        first="""
    p : float, default=2.0
        Loss |prediction - y|^p / p, p >= 1.""", coef="(n_features,), or (n_targets, n_features) where y is a matrix",
        intercept="float, or ndarray (n_targets,)")

    def __init__(self, depth: float = 2.0, p: float = 2.0, *, solver: str = "e2e", learning_rate: float | None = None,
                 max_iter: int = 1000, tol: float = 1e-7, fit_intercept: bool = True, random_state: Any = None) -> None:
        self.depth = depth
        self.p = p
        self.solver = solver
        self.learning_rate = learning_rate
        self.max_iter = max_iter
        self.tol = tol
        self.fit_intercept = fit_intercept
        self.random_state = random_state

    def fit(self, X: Any, y: Any) -> DeepLinearRegressor:
        """Train on X, (n_samples, n_features), and y, (n_samples,) or (n_samples, n_targets)."""
        X, y = self._validate_data(X, y, dtype=np.float64, multi_output=True, y_numeric=True)
        targets = y.reshape(len(y), -1).astype(np.float64)
        mean, scale = _scaling(targets, self.fit_intercept)
        loss = Loss.squared() if self.p == 2 else Loss.lp(self.p)
        coef, intercept = self._train(X, (targets - mean) / scale, loss, scale)
        intercept = intercept + mean
        self.coef_, self.intercept_ = (coef, intercept) if y.ndim == 2 else (coef[0], float(intercept[0]))
        return self

    def predict(self, X: Any) -> ndarray:
        """Predictions, of the shape that y had."""
        return self._linear(X)

    def _more_tags(self) -> dict:
        return {"multioutput": True}


class DeepLinearClassifier(ClassifierMixin, _DeepLinear):
    __doc__ = ("Logistic regression, of two classes or (softmax) more, by gradient steps that depth accelerates.\n"
               + _PARAMETERS.format(first="", coef="(1, n_features) for two classes, else (n_classes, n_features)",
                                    intercept="ndarray, (1,) or (n_classes,)")
               + "    classes_ : ndarray of shape (n_classes,)\n")

    def __init__(self, depth: float = 2.0, *, solver: str = "e2e", learning_rate: float | None = None, max_iter: int = 1000,
                 tol: float = 1e-7, fit_intercept: bool = True, random_state: Any = None) -> None:
        self.depth = depth
        self.solver = solver
        self.learning_rate = learning_rate
        self.max_iter = max_iter
        self.tol = tol
        self.fit_intercept = fit_intercept
        self.random_state = random_state

    def fit(self, X: Any, y: Any) -> DeepLinearClassifier:
        """Train on X, (n_samples, n_features), and labels y, (n_samples,)."""
        X, y = self._validate_data(X, y, dtype=np.float64)
        check_classification_targets(y)
        self.classes_, label = np.unique(y, return_inverse=True)
        count = len(self.classes_)
        if count < 2:
            raise ValueError("y has one class only, at least two are needed")
        if count == 2:
            loss, targets = Loss.logistic(), 2.0 * label[:, np.newaxis] - 1.0
        else:
            loss, targets = Loss.softmax_ce(), np.eye(count)[label]
        self.coef_, self.intercept_ = self._train(X, targets, loss, np.ones(targets.shape[1]))
        return self

    def decision_function(self, X: Any) -> ndarray:
        """Scores: (n_samples,) for two classes, > 0 for the second; else (n_samples, n_classes)."""
        score = self._linear(X)
        return score[:, 0] if len(self.classes_) == 2 else score

    def predict_proba(self, X: Any) -> ndarray:
        """Probabilities of the classes, (n_samples, n_classes)."""
        score = self._linear(X)
        if len(self.classes_) == 2:
            score = np.hstack([np.zeros_like(score), score])
        odds = np.exp(score - score.max(axis=1, keepdims=True))
        return odds / odds.sum(axis=1, keepdims=True)

    def predict(self, X: Any) -> ndarray:
        """The likeliest class of each row, (n_samples,)."""
        score = self.decision_function(X)
        return self.classes_[(score > 0).astype(int) if score.ndim == 1 else score.argmax(axis=1)]
