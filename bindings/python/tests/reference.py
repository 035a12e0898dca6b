# SPDX-License-Identifier: MIT
"""What the tests compare with: the formulas, in NumPy, by another route than the library's."""
import numpy as np


def preconditioned(w, grad, depth):
    """P_w(grad) from a full SVD in float64, term by term for an integer depth."""
    w, grad = np.atleast_2d(w).astype(float), np.atleast_2d(grad).astype(float)
    u, s, vt = np.linalg.svd(w)
    left, right = np.zeros(len(u)), np.zeros(len(vt))
    left[:len(s)] = right[:len(s)] = s
    kernel = sum(np.outer(left ** (2 * (j - 1) / depth), right ** (2 * (depth - j) / depth)) for j in range(1, depth + 1))
    return u @ (kernel * (u.T @ grad @ vt.T)) @ vt


def close(got, want, factor=30):
    """||got - want|| <= factor n eps ||want||, n the larger side, eps that of what we got."""
    got, want = np.asarray(got), np.asarray(want)
    eps = np.finfo(got.dtype).eps
    return np.linalg.norm(got - want) <= factor * max(got.shape) * eps * np.linalg.norm(want)


def layouts(a):
    """The matrix `a` in all layouts that are views: name, array of equal contents."""
    rows, cols = a.shape
    wide = np.full((rows + 3, cols + 5), np.nan, a.dtype)
    tall = np.full((rows + 3, cols + 5), np.nan, a.dtype, order="F")
    for name, found in (("C", np.array(a, order="C")), ("F", np.array(a, order="F")), ("block of C", wide[1:1 + rows, 2:2 + cols]),
                        ("block of F", tall[1:1 + rows, 2:2 + cols]), ("transposed", np.array(a.T, order="C").T)):
        found[...] = a
        yield name, found
