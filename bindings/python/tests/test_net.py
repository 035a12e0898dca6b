# SPDX-License-Identifier: MIT
"""Nets, losses and optimizers, against the same in NumPy."""
import gc

import numpy as np
import pytest
from reference import close

import depthopt

rng = np.random.default_rng(8)


def random_net(dims=(6, 5, 4, 3), **options):
    net = depthopt.Net(dims, **options)
    net.init_normal(depthopt.Rng(1), 0.5)
    return net


def test_shapes_and_memory():
    net = random_net(bias=True)
    assert net.depth == 3 and net.dims == (6, 5, 4, 3) and net.dtype == np.float64
    assert [w.shape for w in net.factors] == [(5, 6), (4, 5), (3, 4)] and net.bias.shape == (1, 3)
    net.factors[0][...] = 2.0  # the net's own memory
    assert (net.factors[0] == 2.0).all()
    first = net.factors[0]
    del net
    gc.collect()
    assert (first == 2.0).all()  # an array keeps the memory alive
    assert depthopt.Net([3, 2], np.float32).factors[0].dtype == np.float32 and depthopt.Net([3, 2]).bias is None


@pytest.mark.parametrize("m", [2, 500])
def test_forward_and_backprop(m):
    net = random_net(bias=True)
    net.bias[...] = rng.normal(size=(1, 3))
    w1, w2, w3 = net.factors
    x, dz = rng.normal(size=(m, 6)), rng.normal(size=(m, 3))
    assert close(net.product(), w3 @ w2 @ w1)
    assert close(net.forward(x), x @ (w3 @ w2 @ w1).T + net.bias)
    dx = np.empty_like(x)
    net.backprop(x, dz, dx)
    assert close(dx, dz @ w3 @ w2 @ w1)
    wanted = [w2.T @ w3.T @ dz.T @ x, w3.T @ dz.T @ x @ w1.T, dz.T @ x @ w1.T @ w2.T]
    assert all(close(got, want) for got, want in zip(net.grads, wanted)) and close(net.bias_grad, dz.sum(0, keepdims=True))
    net.backward(dz.T @ x)
    assert all(close(got, want) for got, want in zip(net.grads, wanted))


def test_starts():
    net, w0 = depthopt.Net([6, 4, 4]), rng.normal(size=(4, 6))
    net.init_balanced(w0)
    assert close(net.product(), w0) and net.imbalance < 1e-13
    net.init_identity(2.0)
    assert np.array_equal(net.product(), 4 * np.eye(4, 6))
    net.init_orthogonal(depthopt.Rng(2), 3.0)
    assert close(net.factors[1] @ net.factors[1].T, 9 * np.eye(4))


def test_penalty_and_costs():
    net = random_net(penalty=True)
    assert np.isclose(net.penalty(0.5), 0.25 * (net.product() ** 2).sum(), rtol=1e-13)
    assert net.costs(100)["forward_by_rows"] == 2 * 100 * (30 + 20 + 12)
    with pytest.raises(depthopt.InvalidError):
        random_net().penalty(0.5)


def test_collapse():
    net = random_net(bias=True)
    x = rng.normal(size=(7, 6))
    before, kept = net.forward(x), net.factors[1][0]  # a view of a view
    with pytest.raises(BufferError):
        net.collapse()
    del kept
    net.collapse()
    assert net.dims == (6, 3) and close(net.forward(x), before)


@pytest.mark.parametrize("loss, formula, derivative, weight", [
    (depthopt.Loss.lp(3), lambda r, y: abs(r) ** 3, lambda r, y: 3 * r * abs(r), 1 / 3),
    (depthopt.Loss.squared(weight=2), lambda r, y: r ** 2, lambda r, y: 2 * r, 2),
    (depthopt.Loss.huber(0.5), lambda r, y: np.where(abs(r) <= 0.5, r * r / 2, 0.5 * (abs(r) - 0.25)),
     lambda r, y: np.clip(r, -0.5, 0.5), 1),
    (depthopt.Loss.logistic(), lambda r, y: np.log1p(np.exp(-y * (r + y))), lambda r, y: -y / (1 + np.exp(y * (r + y))), 1),
])
def test_losses(loss, formula, derivative, weight):
    y = np.where(rng.normal(size=(50, 2)) > 0, 1.0, -1.0)
    z = rng.normal(size=(50, 2))
    value, dz = loss.value_and_grad(z, y)
    assert loss.weight == weight and np.isclose(value, weight * formula(z - y, y).sum() / 50, rtol=1e-13)
    assert loss.value(z, y) == value and close(dz, weight * derivative(z - y, y) / 50)
    assert loss.value(z[:, 0], y[:, 0]) == loss.value(z[:, :1], y[:, :1])


def test_softmax_and_bad_weights():
    z, y = rng.normal(size=(20, 3)), np.eye(3)[rng.integers(0, 3, 20)]
    value, dz = depthopt.Loss.softmax_ce().value_and_grad(z, y)
    p = np.exp(z) / np.exp(z).sum(1, keepdims=True)
    assert np.isclose(value, -(y * np.log(p)).sum() / 20, rtol=1e-13) and close(dz, (p - y) / 20)
    for weight in (0, -1, np.nan):
        with pytest.raises(ValueError):
            depthopt.Loss.squared(weight=weight)
    with pytest.raises(depthopt.InvalidError, match="dopt_loss_create_lp"):
        depthopt.Loss.lp(0.5)


def test_optimizers():
    params, grads = [rng.normal(size=(3, 4)), rng.normal(size=(2, 2)).astype(np.float32)], [np.ones((3, 4)), np.ones((2, 2), "f4")]
    momentum, want = depthopt.Optim("momentum", lr=0.1, momentum=0.5), [p - 0.1 - 0.1 * 1.5 for p in params]
    for _ in range(2):
        momentum.apply(params, grads)
    assert momentum.steps == 2 and all(close(p, w) for p, w in zip(params, want))
    adam = depthopt.Optim("adam")
    adam.set(lr=0.25)
    assert adam.hypers == {"lr": 0.25, "weight_decay": 0, "decoupled": 0, "beta1": 0.9, "beta2": 0.999, "epsilon": 1e-8}
    assert depthopt.optim_bounds("adam", "beta1")["upper"] == 1.0
    with pytest.raises(depthopt.InvalidError):
        adam.set(momentum=0.5)
    with pytest.raises(ValueError, match="optim kind is 'sgd', must be one of gd, momentum"):
        depthopt.Optim("sgd")
    with pytest.raises(ValueError, match="hyper is 'rate', must be one of lr, weight_decay"):
        depthopt.Optim("gd", rate=1)
    with pytest.raises(depthopt.ShapeError):
        momentum.apply(params[:1], grads[:1])
    momentum.reset()
    assert momentum.steps == 0


def test_steps_on_a_net():
    net, optim, grad = random_net(), depthopt.Optim("gd", lr=0.1), rng.normal(size=(3, 6))
    net.backward(grad)
    want = [w - 0.1 * g for w, g in zip(net.factors, net.grads)]
    optim.step(net, grad)
    assert all(close(w, wanted) for w, wanted in zip(net.factors, want))
    want = [w - 0.1 * g for w, g in zip(net.factors, net.grads)]
    optim.apply_net(net)
    assert all(close(w, wanted) for w, wanted in zip(net.factors, want))
