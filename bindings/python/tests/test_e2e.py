# SPDX-License-Identifier: MIT
import math
import pickle

import numpy as np
import pytest
from reference import close, preconditioned

import depthopt

rng = np.random.default_rng(7)


@pytest.mark.parametrize("method", ["nested", "svd"])
@pytest.mark.parametrize("depth", [1, 2, 3, 5])
def test_apply_is_the_formula(method, depth):
    for shape in [(1, 5), (4, 6), (6, 6), (30, 12)]:
        w, grad = rng.normal(size=shape), rng.normal(size=shape)
        assert close(depthopt.E2E(*shape, depth, method=method).apply(w, grad), preconditioned(w, grad, depth))


def test_infinite_depth_is_the_limit():
    w, grad = rng.normal(size=(4, 6)), rng.normal(size=(4, 6))
    far = depthopt.e2e_apply(w, grad, 1e9) / 1e9
    assert np.allclose(depthopt.e2e_apply(w, grad, math.inf), far, rtol=1e-6)


def test_update_with_weight_decay():
    w, grad = rng.normal(size=(4, 6)), rng.normal(size=(4, 6))
    want = (1 - 0.1 * 0.01 * 3) * w - 0.1 * preconditioned(w, grad, 3)
    depthopt.e2e_update(w, grad, 3, 0.1, weight_decay=0.01)
    assert close(w, want)


def test_spectrum():
    w = rng.normal(size=(4, 6))
    sigma, eigenvalues = depthopt.E2E(4, 6, 2).spectrum(w)
    assert close(sigma, np.linalg.svd(w, compute_uv=False))
    padded = np.append(sigma, [0, 0])
    assert close(eigenvalues, sigma[:, None] + padded[None, :])  # at depth 2, K_rc = s_r + s_c


def test_what_it_did():
    e2e = depthopt.E2E(5, 5, 3, refresh_tolerance=0.1)
    assert e2e.route == "none" and e2e.refreshes == 0 and e2e.workspace_bytes > 0
    w, grad = rng.normal(size=(5, 5)), rng.normal(size=(5, 5))
    e2e.apply(w, grad)
    assert e2e.route == "nested" and e2e.refreshes == 1
    e2e.apply(w, grad)
    assert e2e.route == "reused" and e2e.refreshes == 1


def test_sym_power():
    root = rng.normal(size=(5, 5))
    a = root @ root.T
    assert close(depthopt.sym_power(a, 2), a @ a)
    half = depthopt.sym_power(a, 0.5)
    assert close(half @ half, a, 100)
    assert depthopt.sym_power(a, 1.5, out=a) is a


def test_random_numbers_are_those_of_c():
    """The first block of Philox4x32-10 for key 0 and counter 0 is published: 6627e8d5 e169c58d bc57ac4c 9b00dbd8."""
    r = depthopt.Rng(0)
    first, second = r.uint64(), r.uint64()
    words = {0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8}
    assert {first & 0xFFFFFFFF, first >> 32, second & 0xFFFFFFFF, second >> 32} == words
    r = depthopt.Rng(3, stream=9)
    r.uniform()
    copy = pickle.loads(pickle.dumps(r))
    assert [copy.normal() for _ in range(3)] == [r.normal() for _ in range(3)]
    a = depthopt.Rng(1).fill_normal(np.empty((3, 4), order="F"), 2.0)
    one = depthopt.Rng(1)
    assert np.array_equal(a, [[2.0 * one.normal() for _ in range(4)] for _ in range(3)])
    assert 0 <= depthopt.Rng(1).below(7) < 7
    assert sorted(depthopt.permutation(1, 2, 100)) == list(range(100))
    with pytest.raises(OverflowError):
        depthopt.Rng(-1)
