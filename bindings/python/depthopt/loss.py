# SPDX-License-Identifier: MIT
"""Losses of predictions z against targets y, one example a row."""
from __future__ import annotations

from typing import Any, Callable, Optional

import numpy as np
from numpy import ndarray

from ._callbacks import Callback
from ._handle import Handle
from ._native import ffi, lib
from ._view import NONE, view

LossFunction = Callable[[ndarray, ndarray, Optional[ndarray]], float]


class Loss(Handle):
    """weight times the mean over the m rows of l(z_i, y_i), summed over outputs. Make one with a class method.

    Predictions and targets have shape (m, k), or (m,) for one output. Any number of threads may evaluate one loss.
    """

    def __init__(self, kind: str, *args: Any, weight: float | None = None, callback: Callback | None = None) -> None:
        """Not to be called: see lp(), squared(), huber(), logistic(), softmax_ce(), custom()."""
        options = ffi.new("dopt_loss_options *", lib.default_loss_options())
        if weight is not None:
            if not weight > 0:  # 0 is how C asks for the default
                raise ValueError(f"weight is {weight}, must be > 0")
            options.weight = weight
        self._callbacks = () if callback is None else (callback,)
        super().__init__("dopt_loss", getattr(lib, f"dopt_loss_create_{kind}"), lib.dopt_loss_destroy, *args, options,
                         keep=(callback,))

    @classmethod
    def lp(cls, p: float, *, weight: float | None = None) -> Loss:
        """|z - y|^p, any real p >= 1; weight 1/p by default."""
        return cls("lp", p, weight=weight)

    @classmethod
    def squared(cls, *, weight: float | None = None) -> Loss:
        """(z - y)^2; weight 1/2 by default."""
        return cls("squared", weight=weight)

    @classmethod
    def huber(cls, delta: float = 1.0, *, weight: float | None = None) -> Loss:
        """Half the square of z - y up to delta, linear beyond."""
        return cls("huber", delta, weight=weight)

    @classmethod
    def logistic(cls, *, weight: float | None = None) -> Loss:
        """log(1 + exp(-y z)); targets -1 or +1."""
        return cls("logistic", weight=weight)

    @classmethod
    def softmax_ce(cls, *, weight: float | None = None) -> Loss:
        """Cross-entropy of softmax(z); targets are rows >= 0 that sum to 1."""
        return cls("softmax_ce", weight=weight)

    @classmethod
    def custom(cls, function: LossFunction, *, weight: float | None = None) -> Loss:
        """A loss of yours: function(z, y, dz) returns the SUM of l over the rows that it is given.

        z, y  (b, k), some of the rows, read-only
        dz    (b, k), to be filled with dl/dz; None: not wanted

        The arrays are lent for the call: keep copies only. What the function raises comes out of the call that needed it.
        """
        callback = Callback(function)
        return cls("custom", lib.call_loss, callback.user, weight=weight, callback=callback)

    def value(self, z: ndarray, y: ndarray) -> float:
        """The mean loss."""
        value = ffi.new("double *")
        self._call(lib.dopt_loss_eval, view(z, column=True), view(y, column=True), value, NONE)
        return value[0]

    def value_and_grad(self, z: ndarray, y: ndarray, out: ndarray | None = None) -> tuple[float, ndarray]:
        """The mean loss, and its derivative by z, of the shape of z; written to `out` if given, which may be `z`."""
        out = np.empty_like(z) if out is None else out
        value = ffi.new("double *")
        self._call(lib.dopt_loss_eval, view(z, column=True), view(y, column=True), value, view(out, True, True))
        return value[0], out

    @property
    def name(self) -> str:
        """"lp", "squared", "huber", "logistic", "softmax_ce" or "custom"."""
        return ffi.string(lib.dopt_loss_name(self._c)).decode()

    @property
    def weight(self) -> float:
        """The factor in force."""
        return lib.dopt_loss_weight(self._c)
