# SPDX-License-Identifier: MIT
"""Arrays are used where they are: every layout and dtype, and a clear refusal of the rest."""
import copy
import itertools
import pickle

import numpy as np
import pytest
from reference import close, layouts, preconditioned

import depthopt


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("shape", [(1, 7), (7, 1), (1, 1), (4, 6), (6, 4), (5, 5)])
def test_every_layout_moves_in_place(shape, dtype):
    rng = np.random.default_rng(1)
    w0, grad0 = rng.normal(size=shape).astype(dtype), rng.normal(size=shape).astype(dtype)
    want = w0 - 0.25 * preconditioned(w0, grad0, 3)
    for (name, w), (_, grad) in itertools.product(layouts(w0), layouts(grad0)):
        w[...] = w0
        before = w.__array_interface__["data"]
        around = None if w.base is None else np.isnan(w.base).sum()
        depthopt.E2E(*shape, 3).update(w, grad, 0.25)
        assert close(w, want), name
        assert w.__array_interface__["data"] == before
        assert around is None or np.isnan(w.base).sum() == around  # nothing outside of the block was written
        assert np.array_equal(grad, grad0)


def test_out_may_be_an_input_and_keeps_its_layout():
    rng = np.random.default_rng(2)
    w, grad = rng.normal(size=(4, 6)), np.asfortranarray(rng.normal(size=(4, 6)))
    want = preconditioned(w, grad, 2)
    got = depthopt.e2e_apply(w, grad, 2)
    assert got.flags.f_contiguous and close(got, want)
    assert depthopt.e2e_apply(w, grad, 2, out=grad) is grad and close(grad, want)


def test_vectors_are_rows_or_columns():
    rng = np.random.default_rng(3)
    table = rng.normal(size=(20, 4))
    w = rng.normal(size=3)
    loss = depthopt.Loss.squared()
    objective = depthopt.Objective(table[:, :3], table[:, 3], loss)  # a column of a larger table: no copy either
    value, grad = objective.value_and_grad(w)
    residual = table[:, :3] @ w - table[:, 3]
    assert grad.shape == (3,) and np.allclose(grad, table[:, :3].T @ residual / 20, rtol=1e-13)
    assert np.isclose(value, (residual ** 2).mean() / 2, rtol=1e-13)
    strided = np.zeros(6)[::2]
    strided[:] = w
    assert np.array_equal(depthopt.e2e_apply(strided, grad, 2), depthopt.e2e_apply(w, grad, 2))


@pytest.mark.parametrize("bad, error", [
    ([[1.0]], TypeError),
    (np.ones((2, 3), int), TypeError),
    (np.ones((2, 3), np.float16), TypeError),
    (np.ones((2, 3), ">f8"), TypeError),
    (np.ones((2, 3), complex), TypeError),
    (np.ones((1, 2, 3)), ValueError),
    (np.float64(1.0), TypeError),
    (np.ones((2, 3))[::-1], ValueError),
    (np.ones((2, 6))[:, ::2], ValueError),
    (np.broadcast_to(np.ones(3), (2, 3)), ValueError),
    (np.frombuffer(b"\0" * 49, np.float64, 6, offset=1).reshape(2, 3), ValueError),
    (np.ones((0, 3)), ValueError),
    (np.ones((2, 3), np.float32), TypeError),
    (np.full((2, 3), np.nan), ValueError),
])
def test_what_cannot_be_a_view_is_refused(bad, error):
    good, e2e = np.ones((2, 3)), depthopt.E2E(2, 3, 2)
    with pytest.raises(error):
        e2e.update(good, bad, 0.1)
    assert np.array_equal(good, np.ones((2, 3)))


def test_read_only_arrays_are_read_and_not_written():
    w, grad = np.eye(3), np.eye(3)
    w.flags.writeable = False
    for array in (w, w[:2, :2], w.T):
        e2e = depthopt.E2E(*array.shape, 2)
        e2e.apply(array, array)
        with pytest.raises(ValueError, match="read-only"):
            e2e.update(array, grad[:len(array), :len(array)], 0.1)
    assert np.array_equal(w, np.eye(3))


def test_messages_are_the_librarys():
    with pytest.raises(depthopt.InvalidError, match=r"^dopt_e2e_create: depth is 0.5, must be in \[1, inf\]$") as caught:
        depthopt.E2E(2, 3, 0.5)
    assert caught.value.status == -1
    with pytest.raises(depthopt.ShapeError, match="grad is 2 x 2, must be 2 x 3"):
        depthopt.e2e_apply(np.ones((2, 3)), np.ones((2, 2)), 2)
    with pytest.raises(depthopt.DtypeError):
        depthopt.e2e_apply(np.ones((2, 3)), np.ones((2, 3), np.float32), 2)
    with pytest.raises(depthopt.NumericalError):
        depthopt.sym_power(-np.eye(3), 0.5)
    with pytest.raises(depthopt.NoMemoryError):
        depthopt.E2E(32000, 2**31 - 1, 2)
    with pytest.raises(ValueError, match="method is 'qr', must be one of nested, svd"):
        depthopt.E2E(2, 3, 2, method="qr")


@pytest.mark.parametrize("call", [
    lambda: depthopt.Objective(np.eye(2), np.eye(2), None),
    lambda: depthopt.Objective(np.eye(2), np.eye(2), "squared"),
    lambda: depthopt.fit(None, np.eye(2)),
    lambda: depthopt.lr_search(depthopt.Loss.squared(), [0.1], np.eye(2)),
    lambda: depthopt.Net([2, 2]).init_normal(7, 1.0),
    lambda: depthopt.Net([2, 2]).init_orthogonal(None),
    lambda: depthopt.Optim("gd").step(None, np.eye(2)),
    lambda: depthopt.Optim("gd").apply_net([np.eye(2)]),
    lambda: depthopt.Trainer(depthopt.Objective(np.eye(2), np.eye(2), depthopt.Loss.squared()), np.eye(2), schedule="cosine"),
])
def test_other_objects_than_needed(call):
    with pytest.raises(TypeError, match="depthopt[.](Loss|Objective|Rng|Net|Schedule)"):
        call()


def test_objects_are_not_copied_silently(tmp_path):
    objective = depthopt.Objective(np.eye(2), np.eye(2), depthopt.Loss.squared())
    for thing in (objective, depthopt.E2E(2, 2, 2), depthopt.Net([2, 2]), depthopt.Trainer(objective, np.eye(2))):
        for action in (copy.copy, copy.deepcopy, pickle.dumps):
            with pytest.raises(TypeError, match="cannot be copied or pickled"):
                action(thing)
    with pytest.raises(ValueError, match="null byte"):
        depthopt.Trainer(objective, np.eye(2)).save(str(tmp_path / "name") + "\0of a file")
    assert not list(tmp_path.iterdir())


def test_lists_are_not_arrays_but_any_iterable_is_a_list():
    with pytest.raises(TypeError, match="a NumPy array is needed"):
        depthopt.sym_power([[1.0]], 0.5)
    assert depthopt.Net(width for width in (3, 2)).dims == (3, 2)
    objective = depthopt.Objective(np.eye(2), np.eye(2), depthopt.Loss.squared())
    assert depthopt.lr_search(objective, (lr for lr in (0.1, 0.5)), np.zeros((2, 2)), depth=1, max_steps=5).lr == 0.5


def test_data_outlive_their_names():
    """The objective keeps what it borrows, and is destroyed before it."""
    rng = np.random.default_rng(4)
    objective = depthopt.Objective(rng.normal(size=(500, 30)), rng.normal(size=500), depthopt.Loss.lp(4))
    trainer = depthopt.Trainer(objective, init="normal", lr=1e-3)
    value = objective.value(trainer.w)
    del objective
    for _ in range(100):
        rng.normal(size=(500, 30))  # takes the memory, if it was given back
    trainer.step()
    assert trainer.report.value == value
