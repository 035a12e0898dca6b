# SPDX-License-Identifier: MIT
import math

import numpy as np
import pytest
from reference import close, preconditioned

import depthopt
from depthopt import analysis

rng = np.random.default_rng(10)


def test_split():
    w, grad = rng.normal(size=5), rng.normal(size=5)
    rate, momentum = analysis.split(w, grad, 3)
    assert math.isclose(rate, np.linalg.norm(w) ** (2 - 2 / 3), rel_tol=1e-14)
    assert momentum.shape == (5,) and close(rate * grad + momentum, preconditioned(w, grad, 3)[0])


def test_memory():
    """Two steps by hand."""
    weights = analysis.memory(0.1, [0.5, 0.4], [1.0, -2.0])
    rho, gamma = 0.1 * np.array([0.25, 0.16]), 0.1 * np.array([1.0 / 0.5, -2.0 / 0.4])
    assert np.allclose(weights, [[gamma[0], rho[0], 0], [gamma[1] * (1 - gamma[0]), -gamma[1] * rho[0], rho[1]]], rtol=1e-14)
    with pytest.raises(ValueError):
        analysis.memory(0.1, [0.5, 0.4], [1.0])


@pytest.mark.parametrize("depth", [2, 3, 5])
def test_circulation_of_a_constant_gradient(depth):
    def constant(w, grad):
        grad[...] = 0
        grad[0, 1] = 1
    got = analysis.circulation(2, 3, constant, depth=depth, inner=0.3, outer=1.1)
    want = 2 * (depth - 1) * (depth - 2) / (3 * depth - 2) * (1.1 ** (3 - 2 / depth) - 0.3 ** (3 - 2 / depth))
    assert abs(got.value - want) <= max(got.error, 1e-14) and math.isclose(sum(got.parts), got.value, abs_tol=1e-14)

    def raising(w, grad):
        raise KeyError("field")
    with pytest.raises(KeyError, match="field"):
        analysis.circulation(2, 3, raising)
    with pytest.raises(depthopt.InvalidError, match="inner"):
        analysis.circulation(2, 3, constant, inner=2.0)


def test_margin_and_rates():
    w, target, grad = rng.normal(size=(3, 4)), rng.normal(size=(3, 4)), rng.normal(size=(3, 4))
    margin = np.linalg.svd(target, compute_uv=False)[-1] - np.linalg.norm(w - target)
    assert math.isclose(analysis.margin(w, target), margin, rel_tol=1e-13)
    u, s, vt = np.linalg.svd(w, full_matrices=False)
    sigma, rates = analysis.sigma_rates(w, grad, 3)
    assert close(sigma, s) and close(rates, -3 * s ** (2 - 2 / 3) * np.einsum("ir,ij,rj->r", u, grad, vt))
