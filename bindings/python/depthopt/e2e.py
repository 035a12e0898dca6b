# SPDX-License-Identifier: MIT
"""The preconditioner that depth puts on a linear map, and powers of symmetric matrices.

Gradient descent on the factors of W = W_N ... W_1 (k x d) moves W, to first order in the step, along -P_W(G), G = dL/dW:

    P_W(G) = sum_{j=1..N} [W W^T]^{(j-1)/N}  G  [W^T W]^{(N-j)/N}

for any real depth N >= 1; depth inf stands for the limit of P_W / N. W = 0 is a fixed point for N > 1: start elsewhere.
"""
from __future__ import annotations

import numpy as np
from numpy import ndarray

from ._callbacks import call_log  # noqa: F401  (defined before the library can call it)
from ._handle import Handle
from ._names import Names
from ._native import ffi, lib
from ._view import given_or_new, view
from .errors import check

_METHODS = Names("dopt_e2e_method", "DOPT_E2E_")
_ROUTES = Names("dopt_e2e_route", "DOPT_E2E_ROUTE_")
_apply, _update = lib.dopt_e2e_apply, lib.dopt_e2e_update


class E2E(Handle):
    """Workspace for matrices of one shape at one depth: make it once, and use it in every step.

    Arrays are float64 or float32 (all of one call alike), in C or Fortran order or blocks of such, of shape (rows, cols);
    one-dimensional arrays of `cols` numbers are taken as (1, cols). Nothing is copied. While a call computes, other
    threads of Python run; an object belongs to one thread at a time.
    """

    def __init__(self, rows: int, cols: int, depth: float, *, method: str = "nested", refresh_tolerance: float = 0.0) -> None:
        """
        rows, cols         k and d
        depth              N, a real number >= 1, or inf for the limit of P / N
        method             "nested": symmetric eigendecompositions; "svd": LAPACK's SVD
        refresh_tolerance  above 0, a basis is kept from call to call while it fits; include/depthopt/e2e.h says more
        """
        options = ffi.new("dopt_e2e_options *", lib.default_e2e_options())
        options.method = _METHODS.value(method)
        options.refresh_tolerance = refresh_tolerance
        options.logger.fn = lib.call_log
        super().__init__("dopt_e2e", lib.dopt_e2e_create, lib.dopt_e2e_destroy, rows, cols, depth, options)

    def apply(self, w: ndarray, grad: ndarray, out: ndarray | None = None) -> ndarray:
        """Return P_w(grad), shape (rows, cols); written to `out` if given, which may be `w` or `grad`."""
        if out is None:
            out = np.empty_like(grad)
        self._call(_apply, view(w), view(grad), view(out, True))
        return out

    def update(self, w: ndarray, grad: ndarray, lr: float, weight_decay: float = 0.0) -> None:
        """One step in place, w <- (1 - lr weight_decay N) w - lr P_w(grad). On failure `w` is untouched."""
        self._call(_update, view(w, True), view(grad), lr, weight_decay)

    def spectrum(self, w: ndarray) -> tuple[ndarray, ndarray]:
        """Singular values of w, descending, shape (min(rows, cols),), and eigenvalues of P_w, shape (rows, cols)."""
        rows, cols = view(w)[1:3]
        sigma, eigenvalues = np.empty(min(rows, cols)), np.empty((rows, cols))
        self._call(lib.dopt_e2e_spectrum, view(w), ffi.from_buffer("double[]", sigma), ffi.from_buffer("double[]", eigenvalues))
        return sigma, eigenvalues

    @property
    def route(self) -> str:
        """How the last call found its result: "none", "identity", "closed_form", "nested", ..., "reused"."""
        return _ROUTES.name(lib.dopt_e2e_route_taken(self._c))

    @property
    def refreshes(self) -> int:
        """Decompositions so far."""
        return lib.dopt_e2e_refreshes(self._c)

    @property
    def workspace_bytes(self) -> int:
        """Memory that the object holds."""
        return lib.dopt_e2e_workspace_bytes(self._c)


def e2e_apply(w: ndarray, grad: ndarray, depth: float, out: ndarray | None = None) -> ndarray:
    """Return P_w(grad) at a depth: E2E.apply() once, with a workspace of its own. w, grad, out: (k, d)."""
    return E2E(*view(w)[1:3], depth).apply(w, grad, out)


def e2e_update(w: ndarray, grad: ndarray, depth: float, lr: float, weight_decay: float = 0.0) -> None:
    """One step on w in place: E2E.update() once, with a workspace of its own. Loops keep an E2E instead."""
    E2E(*view(w)[1:3], depth).update(w, grad, lr, weight_decay)


def sym_power(a: ndarray, power: float, out: ndarray | None = None) -> ndarray:
    """Return a^power for a symmetric positive semidefinite a, (n, n), and power >= 0; `out` may be `a`."""
    of = view(a)
    out = given_or_new(out, a.shape, a.dtype)
    check(lib.dopt_sym_power(of, power, view(out, True)))
    return out
