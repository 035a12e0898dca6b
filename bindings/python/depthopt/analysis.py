# SPDX-License-Identifier: MIT
"""What depth does to a training run, in numbers. None of this is needed to train."""
from __future__ import annotations

from dataclasses import dataclass
from traceback import clear_frames
from typing import Callable

import numpy as np
from numpy import ndarray

from ._callbacks import Callback, raised_by
from ._native import ffi, lib
from ._view import view
from .errors import check, error


def split(w: ndarray, grad: ndarray, depth: float) -> tuple[float, ndarray]:
    """(rate, momentum) with P_w(grad) = rate grad + momentum: adaptive learning rate, and pull along w. w, grad: (k, d)."""
    rate, momentum = ffi.new("double *"), np.empty_like(grad)
    check(lib.dopt_analysis_split(depth, view(w), view(grad), rate, view(momentum, True)))
    return rate[0], momentum


def memory(lr: float, hidden: ndarray, slope: ndarray) -> ndarray:
    """Depth 2, w = w_2 w_1 with scalar w_2, as a memory of past gradients: weights, shape (T, T + 1).

    hidden  (T,), w_2 at steps 1 ... T
    slope   (T,), dL/dw_2 there

    Row t - 1 belongs to step t, column tau to the gradient of step tau, column 0 to the start.
    """
    hidden, slope = (np.ascontiguousarray(a, np.float64) for a in (hidden, slope))
    if hidden.ndim != 1 or hidden.shape != slope.shape:
        raise ValueError(f"hidden and slope must be vectors of one length, not of shapes {hidden.shape} and {slope.shape}")
    steps = len(hidden)
    weights = np.empty((steps, steps + 1))
    check(lib.dopt_analysis_memory(lr, steps, ffi.from_buffer("double[]", hidden), ffi.from_buffer("double[]", slope),
                                   view(weights, True)))
    return weights


@dataclass(frozen=True)
class Circulation:
    """A line integral around a closed curve: 0 if the field were a gradient."""

    value: float
    error: float
    parts: tuple[float, ...]
    evaluations: int


def circulation(rows: int, cols: int, gradient: Callable[[ndarray, ndarray], object], *, depth: float = 3.0,
                inner: float = 0.3, outer: float = 1.1, tolerance: float = 1e-12) -> Circulation:
    """Integrate P_W(dL/dW) around a closed curve in the space of (rows, cols) matrices.

    gradient(w, grad) fills grad with dL/dW at w; both (rows, cols), lent for the call. What it raises comes out here.
    """
    options = ffi.new("dopt_circulation_options *", lib.default_circulation_options())
    options.depth, options.inner, options.outer, options.tolerance = depth, inner, outer, tolerance
    out, callback = ffi.new("dopt_circulation *"), Callback(gradient)
    status = lib.dopt_analysis_circulation(rows, cols, lib.call_gradient, callback.user, options, out)
    if status:
        raised = raised_by(callback)
        if raised:
            clear_frames(raised.__traceback__)  # the arrays there are gone
        raise raised or error(status)
    return Circulation(out.value, out.error, tuple(out.parts), out.evaluations)


def margin(w: ndarray, target: ndarray) -> float:
    """Deficiency margin, the largest c with ||w - target|| <= sigma_min(target) - c. w, target: (k, d)."""
    out = ffi.new("double *")
    check(lib.dopt_analysis_margin(view(w), view(target), out))
    return out[0]


def sigma_rates(w: ndarray, grad: ndarray, depth: float) -> tuple[ndarray, ndarray]:
    """Singular values of w, descending, and their speed under the end-to-end flow, each (min(k, d),)."""
    count = min(view(w)[1:3])
    sigma, rates = np.empty(count), np.empty(count)
    check(lib.dopt_analysis_sigma_rates(depth, view(w), view(grad), ffi.from_buffer("double[]", sigma),
                                        ffi.from_buffer("double[]", rates)))
    return sigma, rates
