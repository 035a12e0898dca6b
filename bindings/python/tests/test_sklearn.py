# SPDX-License-Identifier: MIT
"""The estimators: scikit-learn's own checks, and what they fit."""
import subprocess
import sys

import numpy as np
import pytest

pytest.importorskip("sklearn")
from sklearn.exceptions import ConvergenceWarning  # noqa: E402
from sklearn.utils.estimator_checks import parametrize_with_checks  # noqa: E402

import depthopt  # noqa: E402
from depthopt.sklearn import DeepLinearClassifier, DeepLinearRegressor  # noqa: E402

SOLVERS = [("e2e", 2.5), ("e2e", 4), ("factored", 3), ("direct", 1)]


def table(seed=3, heavy=False):
    """Columns of different units and means, and targets of theirs with noise."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(300, 4)) * [1e-3, 1.0, 50.0, 1e4] + [1.0, -2.0, 0.0, 1e5]
    noise = rng.exponential(size=300) - 1 if heavy else rng.normal(size=300)
    return x, x @ [2e3, -1.0, 0.02, 3e-4] + 7 + noise


@parametrize_with_checks([DeepLinearRegressor(), DeepLinearRegressor(p=4, depth=3), DeepLinearClassifier(),
                          DeepLinearRegressor(solver="factored")])
def test_scikit_learns_checks(estimator, check):
    check(estimator)


@pytest.mark.parametrize("solver, depth", SOLVERS)
@pytest.mark.parametrize("intercept", [True, False])
def test_least_squares(solver, depth, intercept):
    x, y = table()
    if not intercept:
        x, y = x - x.mean(axis=0), y - y.mean() + 0.5  # else a column is nearly constant: steps would take for ever
    y = np.column_stack([y, -3 * y + x[:, 1]])
    full = np.column_stack([x, np.ones(len(x))]) if intercept else x
    want = full @ np.linalg.lstsq(full, y, rcond=None)[0]
    for columns in (slice(0, 2), 0):  # a matrix, and a vector
        model = DeepLinearRegressor(depth, solver=solver, tol=1e-12, max_iter=5000, fit_intercept=intercept, random_state=0)
        model.fit(x, y[:, columns])
        got, best = model.predict(x), want[:, columns]
        assert got.shape == best.shape
        # Steps end where the loss changes by 1e-12 of itself: predictions are then within its root, times the condition.
        assert np.linalg.norm(got - best) < 1e-4 * np.linalg.norm(best - best.mean(axis=0))


@pytest.mark.parametrize("solver, depth", SOLVERS)
def test_p_is_the_loss(solver, depth):
    x, y = table(heavy=True)
    fits = {p: DeepLinearRegressor(depth, p, solver=solver, tol=1e-10, max_iter=3000, random_state=0).fit(x, y) for p in (2, 4)}
    loss = {(p, q): np.mean(np.abs(fits[p].predict(x) - y) ** q) for p in fits for q in (2, 4)}
    assert loss[4, 4] < 0.95 * loss[2, 4] and loss[2, 2] < 0.95 * loss[4, 2]
    residual = fits[4].predict(x) - y  # at the least l_4 loss, residual^3 is orthogonal to the columns and to 1
    z = np.column_stack([(x - x.mean(axis=0)) / x.std(axis=0), np.ones(len(x))])
    assert np.abs(z.T @ residual ** 3).max() < 1e-3 * np.sum(np.abs(residual) ** 3)


@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("solver, depth", SOLVERS)
def test_separable_classes(classes, solver, depth):
    rng = np.random.default_rng(5)
    label = rng.integers(classes, size=150)
    x = np.array([[0.0, 0.0], [8.0, 0.0], [0.0, 800.0]])[label] + rng.uniform(-1, 1, size=(150, 2)) * [1.0, 100.0]
    y = np.array(["a", "b", "c"])[label]
    model = DeepLinearClassifier(depth, solver=solver, random_state=0).fit(x, y)
    proba = model.predict_proba(x)
    assert model.score(x, y) == 1.0 and proba.shape == (150, classes)
    assert np.allclose(proba.sum(axis=1), 1.0) and (model.classes_[proba.argmax(axis=1)] == y).all()
    assert proba.max(axis=1).min() > 0.9


def test_steps_that_do_not_end_well():
    x, y = table()
    with pytest.warns(ConvergenceWarning, match="max_iter=3"):
        assert DeepLinearRegressor(max_iter=3, random_state=0).fit(x, y).n_iter_ == 3
    with pytest.raises(depthopt.NumericalError, match="smaller learning_rate"):
        DeepLinearRegressor(learning_rate=1e3, random_state=0).fit(x, y)
    with pytest.raises(ValueError, match="'exact', must be one of direct, factored, e2e"):
        DeepLinearRegressor(solver="exact").fit(x, y)


def test_the_package_does_not_need_scikit_learn():
    subprocess.run([sys.executable, "-c", "import sys; sys.modules['sklearn'] = None; import depthopt"], check=True)
