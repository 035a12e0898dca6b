# SPDX-License-Identifier: MIT
"""Functions of yours inside of the library: they compute what they should, and what they raise comes out."""
import logging

import numpy as np
import pytest

import depthopt

rng = np.random.default_rng(5)
x, y = rng.normal(size=(200, 4)), rng.normal(size=(200, 2))


class Trouble(Exception):
    pass


def fourth_power(z, y, dz):
    if dz is not None:
        dz[...] = 4 * (z - y) ** 3
    return ((z - y) ** 4).sum()


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_a_loss_of_ones_own_trains_as_the_librarys(dtype):
    data = x.astype(dtype), y.astype(dtype)
    reports = [depthopt.fit(depthopt.Objective(*data, loss), init="normal", init_std=0.3, lr=0.01, batch_size=50, max_steps=100)
               for loss in (depthopt.Loss.lp(4, weight=1), depthopt.Loss.custom(fourth_power))]
    assert reports[0].steps == 100
    # Gradient descent takes rounding along, about as it is: 100 steps of a few eps.
    assert np.allclose(reports[0].w, reports[1].w, rtol=0, atol=1000 * np.finfo(dtype).eps)


def test_an_objective_of_ones_own_sees_the_batches():
    seen = []

    def squares(w, grad, batch):
        seen.append(batch)
        rows = slice(None) if batch is None else batch
        residual = x[rows] @ w.T - y[rows]
        if grad is not None:
            grad[...] = residual.T @ x[rows] / len(residual)
        return (residual ** 2).sum() / 2 / len(residual)

    mine, theirs = depthopt.Objective.custom(2, 4, squares), depthopt.Objective(x, y, depthopt.Loss.squared())
    w = rng.normal(size=(2, 4))
    for rows in (None, slice(10, 30), [3, 1, 4, 1, 5], np.arange(200)[::-3]):
        value, grad = mine.value_and_grad(w, rows)
        wanted, wanted_grad = theirs.value_and_grad(w, rows)
        assert np.isclose(value, wanted, rtol=1e-13) and np.allclose(grad, wanted_grad, rtol=1e-12)
        assert mine.value(w, rows) == value
    assert seen[0] is None and seen[2] == slice(10, 30) and list(seen[4]) == [3, 1, 4, 1, 5]


def test_what_a_loss_raises_comes_out():
    calls = []

    def failing(z, y, dz):
        calls.append(1)
        if len(calls) == 5:
            raise Trouble("the fifth call")
        return fourth_power(z, y, dz)

    loss = depthopt.Loss.custom(failing)
    trainer = depthopt.Trainer(depthopt.Objective(x, y, loss), init="normal", init_std=0.3, lr=1e-3, max_steps=1000)
    with pytest.raises(Trouble, match="the fifth call"):
        trainer.run()
    calls.extend([1] * 10)
    assert trainer.run().steps == 1000  # and the run goes on

    def raising(z, y, dz):
        raise Trouble
    with pytest.raises(Trouble):
        depthopt.Loss.custom(raising).value(y, y)
    with pytest.raises(Trouble):
        depthopt.lr_search(depthopt.Objective(x, y, depthopt.Loss.custom(raising)), [0.1, 0.2, 0.3], init="normal", threads=2)


@pytest.mark.parametrize("wrong, error", [(lambda *_: None, TypeError), (lambda *_: "three", TypeError), (lambda: 1.0, TypeError)])
def test_a_wrong_function_is_an_error_of_python(wrong, error):
    with pytest.raises(error):
        depthopt.Loss.custom(wrong).value(y, y)
    with pytest.raises(error):
        depthopt.Objective.custom(1, 2, wrong).value(np.ones((1, 2)))
    with pytest.raises(TypeError, match="a function is needed"):
        depthopt.Loss.custom(3)


def test_progress_stops_raises_and_reports():
    objective = depthopt.Objective(x, y, depthopt.Loss.lp(4))
    events = []

    def stop_at_three(event):
        events.append((event.step, event.value, event.lr, event.w))
        return event.step == 3

    report = depthopt.fit(objective, init="normal", init_std=0.3, lr=1e-3, callback=stop_at_three)
    assert report.reason == "callback" and report.steps == 3 and [e[0] for e in events] == [0, 1, 2, 3]
    assert np.array_equal(events[3][3], report.w) and events[3][1] == report.value and not np.array_equal(events[2][3], report.w)

    def raises(event):
        raise Trouble(event.step)
    with pytest.raises(Trouble, match="0"):
        depthopt.fit(objective, init="normal", callback=raises)
    with pytest.raises(Trouble):
        depthopt.lr_search(objective, [0.1, 0.01, 0.001], init="normal", callback=raises)

    kept = []
    depthopt.fit(objective, init="normal", max_steps=1, callback=kept.append)
    with pytest.raises(RuntimeError, match="during the callback"):
        kept[0].w


def test_progress_may_evaluate_the_objective():
    objective, values = depthopt.Objective(x, y, depthopt.Loss.lp(4)), []
    depthopt.fit(objective, init="normal", init_std=0.3, max_steps=3,
                 callback=lambda event: values.append(objective.value(event.w) - event.value))
    assert len(values) == 4 and not any(values)


def test_what_a_search_raises_holds_no_memory_of_its_runs():
    def raises(w, grad, batch):
        raise Trouble
    for call in (lambda: depthopt.lr_search(depthopt.Objective.custom(1, 2, raises), [0.1, 0.2], init="normal"),
                 lambda: depthopt.analysis.circulation(1, 2, lambda w, grad: raises(w, grad, None))):
        with pytest.raises(Trouble) as caught:
            call()
        lent_to = [entry for entry in caught.traceback if entry.name == "raises"]
        assert lent_to and not any(entry.frame.f_locals.values() for entry in lent_to)


def test_an_interrupt_in_a_callback_comes_out():
    def interrupted(event):
        raise KeyboardInterrupt
    with pytest.raises(KeyboardInterrupt):
        depthopt.fit(depthopt.Objective(x, y, depthopt.Loss.lp(4)), init="normal", callback=interrupted)


def test_lent_memory_cannot_be_kept():
    kept = []
    with pytest.raises(BufferError):
        depthopt.Loss.custom(lambda z, y, dz: kept.append(z) or 0.0).value(y, y)
    with pytest.raises(BufferError):  # through a view of it
        depthopt.Objective.custom(2, 2, lambda w, grad, batch: kept.append(w[0]) or 0.0).value(np.eye(2))
    with pytest.raises(ValueError):  # lent for reading
        depthopt.Objective.custom(2, 2, lambda w, grad, batch: w.fill(0) or 0.0).value(np.eye(2))
    kept.clear()


def test_the_log_goes_to_logging(caplog):
    with caplog.at_level(logging.INFO, logger="depthopt"):
        depthopt.Trainer(depthopt.Objective(x, y, depthopt.Loss.squared()), init="normal", model="factored", depth=3)
        depthopt._native.lib.call_log(depthopt._native.lib.DOPT_LOG_WARNING, b"a fallback stepped in", depthopt._native.ffi.NULL)
    assert ("depthopt", logging.WARNING, "a fallback stepped in") in caplog.record_tuples
