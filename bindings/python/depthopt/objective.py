# SPDX-License-Identifier: MIT
"""What is minimised: a function of the end-to-end matrix W, with its gradient."""
from __future__ import annotations

from typing import Any, Callable, Optional, Union

import numpy as np
from numpy import ndarray

from ._callbacks import Callback
from ._handle import Handle, c_of
from ._names import Names
from ._native import ffi, lib
from ._view import NONE, dtype_of, view
from .loss import Loss

_REDUCTIONS = Names("dopt_reduction", "DOPT_REDUCTION_")
_ROUTES = Names("dopt_route", "DOPT_ROUTE_")

Rows = Union[None, slice, ndarray]
ObjectiveFunction = Callable[[ndarray, Optional[ndarray], Rows], float]


class Objective(Handle):
    """L(W) = loss(X W^T, Y) for data X, (m, d), and Y, (m, k), or a function of yours: see custom().

    Data are used where they are, not copied: do not change them while the objective lives.
    """

    def __init__(self, x: ndarray, y: ndarray, loss: Loss, *, threads: int = 0, reduction: str = "auto") -> None:
        """
        x          features, (m, d), one example a row, float64 or float32
        y          targets, (m, k), or (m,) for one output, of the same dtype
        loss       see Loss
        threads    that share an evaluation; 0: as many as pay
        reduction  "auto", "on", "off": whether the squared loss of all rows is evaluated from a factor of [X Y]
        """
        options = ffi.new("dopt_objective_options *", lib.default_objective_options())
        options.threads = threads
        options.reduction = _REDUCTIONS.value(reduction)
        self._setup(lib.dopt_objective_create_data, view(x), view(y, column=True), c_of(loss, Loss), options,
                    callbacks=loss._callbacks, keep=(x, y, loss))

    def _setup(self, create: Callable[..., int], *args: Any, callbacks: tuple[Callback, ...], keep: tuple = ()) -> None:
        self._callbacks = callbacks
        self._keep = (*keep, callbacks)
        super().__init__("dopt_objective", create, lib.dopt_objective_destroy, *args, keep=self._keep)

    @classmethod
    def custom(cls, rows: int, cols: int, function: ObjectiveFunction) -> Objective:
        """A function of yours on (rows, cols) matrices: function(w, grad, batch) returns the value at w.

        w      (rows, cols), read-only
        grad   (rows, cols), to be filled with dL/dW; None: not wanted
        batch  None: everything; else the rows of your data that count, a slice or an array of integers

        The arrays are lent for the call: keep copies only. What the function raises comes out of the call that needed it.
        """
        self = cls.__new__(cls)
        callback = Callback(function)
        self._setup(lib.dopt_objective_create_custom, rows, cols, lib.call_objective, callback.user, callbacks=(callback,))
        return self

    def clone(self) -> Objective:
        """A second objective over the same data, for another thread."""
        twin = type(self).__new__(type(self))
        twin._setup(lib.dopt_objective_clone, self._c, callbacks=self._callbacks, keep=self._keep)
        return twin

    def _eval(self, w: ndarray, rows: Any, grad: tuple) -> float:
        value = ffi.new("double *")
        batch, _memory = _batch(rows, self.examples)
        self._call(lib.dopt_objective_eval, view(w), batch, value, grad)
        return value[0]

    def value(self, w: ndarray, rows: Any = None) -> float:
        """L(w), w of shape (k, d); over some rows only: a slice, or integers in any order."""
        return self._eval(w, rows, NONE)

    def value_and_grad(self, w: ndarray, rows: Any = None, out: ndarray | None = None) -> tuple[float, ndarray]:
        """L(w) and dL/dW, of the shape of w; written to `out` if given."""
        out = np.empty_like(w) if out is None else out
        return self._eval(w, rows, view(out, True)), out

    @property
    def shape(self) -> tuple[int, int]:
        """(k, d), the shape of W."""
        return lib.dopt_objective_rows(self._c), lib.dopt_objective_cols(self._c)

    @property
    def examples(self) -> int:
        """m; 0 for a custom objective."""
        return lib.dopt_objective_examples(self._c)

    @property
    def dtype(self) -> np.dtype:
        """Element type of the data, and so of W. A custom objective takes either."""
        return dtype_of(lib.dopt_objective_dtype(self._c))

    @property
    def route(self) -> str:
        """How all rows are evaluated: "custom", "pass", "products" or "reduced"."""
        return _ROUTES.name(lib.dopt_objective_route(self._c))

    @property
    def threads(self) -> int:
        """Threads that share an evaluation."""
        return lib.dopt_objective_threads(self._c)


def route_name(code: int) -> str:
    return _ROUTES.name(code)


def _batch(rows: Any, examples: int) -> tuple[Any, Any]:
    """A dopt_batch, and the memory that it points to."""
    if rows is None:
        return ffi.NULL, None
    if isinstance(rows, slice):
        if rows.step not in (None, 1):
            raise ValueError(f"rows is {rows}: the step must be 1; give a list of rows instead")
        first, stop = (rows.start or 0, rows.stop) if not examples else rows.indices(examples)[:2]
        if stop is None:
            raise ValueError(f"rows is {rows}: it needs an end")
        return ffi.new("dopt_batch *", (ffi.NULL, first, max(stop - first, 0))), None
    numbers = np.ascontiguousarray(rows)
    if numbers.ndim != 1 or (numbers.size and numbers.dtype.kind not in "iu"):
        raise TypeError("rows must be a slice, or a list of integers")
    numbers = numbers.astype(np.intp, copy=False)
    memory = ffi.from_buffer("ptrdiff_t[]", numbers)
    return ffi.new("dopt_batch *", (memory, 0, numbers.size)), memory
