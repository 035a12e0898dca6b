# SPDX-License-Identifier: MIT
"""Other threads of Python run while the library computes, and two in one handle are an error, not a crash."""
import os
import signal
import threading
import time

import numpy as np
import pytest

import depthopt

rng = np.random.default_rng(6)


def test_python_runs_while_the_library_computes():
    n = 500
    w, grad, e2e = rng.normal(size=(n, n)), rng.normal(size=(n, n)), depthopt.E2E(n, n, 3)
    shares = []
    for _ in range(5):  # the machine may be busy with others
        spans = []

        def compute():
            start = time.perf_counter()
            e2e.apply(w, grad)
            spans.append((start, time.perf_counter()))

        worker = threading.Thread(target=compute)
        ticks = [time.perf_counter()]
        worker.start()
        while worker.is_alive():
            ticks.append(time.perf_counter())
            time.sleep(1e-4)
        ticks.append(time.perf_counter())
        start, end = spans[0]
        shares.append(np.diff(ticks).max() / (end - start))  # 1 or more, if Python had to wait for the call
    assert min(shares) < 0.5, shares


def test_a_second_thread_in_a_handle_is_told():
    entered, leave = threading.Event(), threading.Event()

    def waiting(w, grad, batch):
        entered.set()
        assert leave.wait(60)
        return 1.0

    objective, w = depthopt.Objective.custom(1, 2, waiting), np.ones((1, 2))
    results = []
    worker = threading.Thread(target=lambda: results.append(objective.value(w)))
    worker.start()
    assert entered.wait(60)
    with pytest.raises(depthopt.BusyError, match="objective is in use by another call"):
        objective.value(w)
    with pytest.raises(depthopt.BusyError):
        depthopt.Trainer(objective, w).step()
    with pytest.raises(depthopt.BusyError, match="dopt_objective_clone") as caught:
        objective.clone()
    assert caught.value.status == -10
    leave.set()
    worker.join()
    assert results == [1.0] and objective.value(w) == 1.0


def test_a_callback_cannot_enter_its_own_handle():
    def recursive(w, grad, batch):
        return objective.value(w)

    objective = depthopt.Objective.custom(1, 2, recursive)
    with pytest.raises(depthopt.BusyError):
        objective.value(np.ones((1, 2)))


def test_a_reset_in_use_is_told():
    optim, p, grad = depthopt.Optim("adam", lr=0.0), np.ones(10**6), np.ones(10**6)
    done = threading.Event()

    def work():
        while not done.is_set():
            try:
                optim.apply([p], [grad])
            except depthopt.BusyError:
                pass

    worker = threading.Thread(target=work)
    worker.start()
    try:
        with pytest.raises(depthopt.BusyError):
            end = time.monotonic() + 60
            while time.monotonic() < end:
                optim.reset()
    finally:
        done.set()
        worker.join()
    optim.reset()
    assert optim.steps == 0


def test_an_interrupt_stops_a_long_run_between_steps():
    objective = depthopt.Objective(rng.normal(size=(300, 5)), rng.normal(size=300), depthopt.Loss.lp(4), threads=1)
    trainer = depthopt.Trainer(objective, init="normal", init_std=0.3, lr=1e-9, max_steps=10**12)
    timer = threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        trainer.run()
    steps = trainer.report.steps
    assert steps > 0 and trainer.step() == "none" and trainer.report.steps == steps + 1


def test_a_search_on_many_threads_calls_back():
    steps = []
    objective = depthopt.Objective(rng.normal(size=(50, 3)), rng.normal(size=50), depthopt.Loss.squared())
    found = depthopt.lr_search(objective, [0.1, 0.2, 0.3, 0.4], init="normal", init_std=0.3, threads=4, max_steps=20,
                               callback=lambda event: steps.append(event.step) and None)
    assert len(steps) == 4 * 21 and {trial.steps for trial in found.trials} == {20}
