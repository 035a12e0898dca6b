# SPDX-License-Identifier: MIT
"""Training runs: what the options do, against loops in NumPy."""
import math

import numpy as np
import pytest
from reference import preconditioned

import depthopt

rng = np.random.default_rng(9)
x, y = rng.normal(size=(60, 5)), rng.normal(size=(60, 3))
objective = depthopt.Objective(x, y, depthopt.Loss.lp(4))
start = 0.3 * rng.normal(size=(3, 5))


def gradient(w):
    residual = x @ w.T - y
    return (residual ** 3).T @ x / len(x)


@pytest.mark.parametrize("order", ["C", "F"])
def test_the_end_to_end_rule(order):
    w, want = np.array(start, order=order), start.copy()
    schedule = depthopt.Schedule("exponential", period=10, factor=0.5, warmup=3)
    report = depthopt.fit(objective, w, depth=3, lr=0.01, weight_decay=0.1, schedule=schedule, max_steps=50)
    for step in range(50):
        lr = 0.01 * ((step + 1) / 3 if step < 3 else 0.5 ** ((step - 3) / 10))
        assert math.isclose(schedule.lr(0.01, step), lr, rel_tol=1e-14)
        want = (1 - 3 * 0.1 * lr) * want - lr * preconditioned(want, gradient(want), 3)
    assert report.w is w and report.reason == "steps" and report.steps == 50 and report.route == "pass"
    assert np.allclose(w, want, rtol=1e-11)


def test_the_factors():
    report = depthopt.fit(objective, start.copy(), model="factored", depth=2, lr=0.01, max_steps=20)
    trainer = depthopt.Trainer(objective, start.copy(), model="factored", depth=2, lr=0.01, max_steps=20)
    w1, w2 = trainer.factors
    while trainer.step() == "none":
        grad = gradient(w2 @ w1)
        w1, w2 = w1 - 0.01 * w2.T @ grad, w2 - 0.01 * grad @ w1.T
    assert np.allclose(report.w, w2 @ w1, rtol=1e-11) and np.allclose(trainer.w, w2 @ w1, rtol=1e-11)
    assert depthopt.Trainer(objective, start.copy()).factors is None


def test_optimizers_and_hyperparameters():
    w, want, velocity = start.copy(), start.copy(), 0
    depthopt.fit(objective, w, model="direct", optimizer="momentum", hypers={"momentum": 0.5}, lr=0.01, max_steps=30)
    for _ in range(30):
        velocity = 0.5 * velocity + gradient(want)
        want = want - 0.01 * velocity
    assert np.allclose(w, want, rtol=1e-11)


def test_why_it_ends():
    easy = depthopt.Objective(x, x @ start.T, depthopt.Loss.squared())
    fit = lambda **o: depthopt.fit(easy, rng.normal(size=(3, 5)), depth=1, lr=0.3, **o)
    assert fit(target=1e-3).reason == "target"
    assert fit(value_tolerance=1e-3).reason == "value"
    assert fit(gradient_tolerance=1e-3).reason == "gradient"
    assert fit(step_tolerance=1e-3).reason == "step"
    assert fit(max_seconds=1e-9).reason == "seconds"
    diverged = depthopt.fit(easy, start + 1, depth=1, lr=1e3, max_steps=10**6)
    assert diverged.reason == "diverged" and np.isfinite(diverged.w).all()


def test_batches_depend_on_the_seed_alone():
    run = lambda seed: depthopt.fit(objective, start.copy(), lr=0.01, batch_size=7, seed=seed, max_steps=30).w
    assert np.array_equal(run(1), run(1)) and not np.array_equal(run(1), run(2))


def test_starts():
    for init in ("normal", "identity", "balanced"):
        w = depthopt.fit(objective, init=init, init_std=0.1, max_steps=0).w
        assert w.shape == (3, 5) and w.any()
    with pytest.raises(ValueError, match="a start is needed"):
        depthopt.fit(objective)
    with pytest.raises(TypeError, match="learning_rate"):
        depthopt.fit(objective, start, learning_rate=1)
    with pytest.raises(depthopt.InvalidError, match="max_steps"):
        depthopt.fit(objective, start.copy(), max_steps=-1)
    with pytest.raises(ValueError, match="model is 'deep', must be one of direct, factored, e2e"):
        depthopt.fit(objective, start.copy(), model="deep")
    with pytest.raises(depthopt.InvalidError, match="period"):
        depthopt.Schedule("step", period=0, factor=0.5)


def test_search():
    options = depthopt.Options(depth=2, max_steps=100)
    grid = [1e-4, 1e-3, 1e-2, 1e3]
    found = depthopt.lr_search(objective, grid, start, options)
    assert [t.lr for t in found.trials] == grid and found.trials[3].reason == "diverged" and found.trials[3].value == math.inf
    for trial in found.trials[:3]:
        w = start.copy()
        depthopt.fit(objective, w, options, lr=trial.lr)
        assert math.isclose(objective.value(w), trial.value, rel_tol=1e-12)
    assert found.lr == min(found.trials, key=lambda t: t.value).lr
    with pytest.raises(depthopt.NumericalError, match="diverged"):
        depthopt.lr_search(objective, [1e3, 1e4], start)
    with pytest.raises(depthopt.InvalidError):
        depthopt.lr_search(objective, [], start)


@pytest.mark.parametrize("model", ["direct", "e2e", "factored"])
def test_a_run_goes_on_from_its_checkpoint(model, tmp_path):
    path = tmp_path / "run.safetensors"
    options = depthopt.Options(model=model, depth=2, optimizer="adam", lr=0.01, batch_size=16, seed=4, max_steps=40)
    whole = depthopt.fit(objective, start.copy(), options)
    first = depthopt.Trainer(objective, start.copy(), options)
    for _ in range(13):
        first.step()
    first.save(path)
    second = depthopt.Trainer(objective, np.ones_like(start), options)
    second.load(str(path))
    assert second.report.steps == 13 and np.array_equal(second.w, first.w)
    report = second.run()
    assert report.steps == 40 and np.array_equal(report.w, whole.w)

    other = depthopt.Trainer(objective, start.copy(), options, lr=0.02)
    with pytest.raises(depthopt.InvalidError, match="lr"):
        other.load(path)
    with pytest.raises(depthopt.FileError):
        other.load(tmp_path / "none")
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(depthopt.FormatError):
        second.load(path)
