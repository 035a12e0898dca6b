# SPDX-License-Identifier: MIT
"""Factored linear networks: W = W_N ... W_1, trained factor by factor."""
from __future__ import annotations

import weakref
from typing import Any, Iterable

import numpy as np
from numpy import ndarray

from ._handle import Handle, c_of
from ._native import ffi, lib
from ._view import NONE, Memory, dtype_code, dtype_of, given_or_new, view
from .rng import Rng


class Net(Handle):
    """A network of linear layers, dims[0] = d inputs, ..., dims[-1] = k outputs, and of depth len(dims) - 1.

    Factors and gradients are arrays over the library's own memory: write to the factors as you like between calls.
    """

    def __init__(self, dims: Iterable[int], dtype: Any = np.float64, *, bias: bool = False, block_rows: int = 0,
                 keep_activations: bool = False, penalty: bool = False) -> None:
        """All factors are zero at first.

        dims              widths, inputs first
        dtype             float64 or float32, for factors and all arrays passed later
        bias              one bias, added to the outputs, zero at first
        block_rows        rows that forward and backprop take at a time; 0: 256
        keep_activations  a backprop right after the forward on the same rows takes its activations
        penalty           workspace for penalty()
        """
        options = ffi.new("dopt_net_options *", lib.default_net_options())
        options.bias, options.keep_activations, options.penalty = bool(bias), bool(keep_activations), bool(penalty)
        options.block_rows = block_rows
        dims = list(dims)
        widths = ffi.new("ptrdiff_t[]", dims or [0])
        super().__init__("dopt_net", lib.dopt_net_create, lib.dopt_net_destroy, dtype_code(dtype), len(dims) - 1, widths,
                         options)
        self._lent: weakref.WeakSet = weakref.WeakSet()

    def _array(self, mat: Any) -> ndarray:
        memory = Memory(mat, owner=self._c)
        self._lent.add(memory)
        return np.asarray(memory)

    @property
    def depth(self) -> int:
        """Number of factors N."""
        return lib.dopt_net_depth(self._c)

    @property
    def dtype(self) -> np.dtype:
        """Element type of the factors."""
        return dtype_of(lib.dopt_net_dtype(self._c))

    @property
    def dims(self) -> tuple[int, ...]:
        """Widths, inputs first."""
        return tuple(lib.dopt_net_width(self._c, j) for j in range(self.depth + 1))

    @property
    def factors(self) -> list[ndarray]:
        """[W_1, ..., W_N]: W_j of shape (dims[j], dims[j - 1]), writable, not copies."""
        return [self._array(lib.dopt_net_factor(self._c, j)) for j in range(1, self.depth + 1)]

    @property
    def grads(self) -> list[ndarray]:
        """[dL/dW_1, ..., dL/dW_N] that the last backward or backprop left; not copies."""
        return [self._array(lib.dopt_net_grad(self._c, j)) for j in range(1, self.depth + 1)]

    @property
    def bias(self) -> ndarray | None:
        """The bias, shape (1, k), writable, not a copy; None if there is none."""
        mat = lib.dopt_net_bias(self._c)
        return self._array(mat) if mat.data else None

    @property
    def bias_grad(self) -> ndarray | None:
        """dL/db that the last backprop left, shape (1, k)."""
        mat = lib.dopt_net_bias_grad(self._c)
        return self._array(mat) if mat.data else None

    def init_normal(self, rng: Rng, stddev: float) -> None:
        """All factors i.i.d. N(0, stddev^2)."""
        self._call(lib.dopt_net_init_normal, c_of(rng, Rng), stddev)

    def init_identity(self, scale: float = 1.0) -> None:
        """All factors `scale` on the diagonal and 0 elsewhere."""
        self._call(lib.dopt_net_init_identity, scale)

    def init_orthogonal(self, rng: Rng, scale: float = 1.0) -> None:
        """All factors `scale` times a random matrix with orthonormal rows or columns."""
        self._call(lib.dopt_net_init_orthogonal, c_of(rng, Rng), scale)

    def init_balanced(self, w0: ndarray) -> None:
        """Exactly balanced factors whose product is w0, shape (k, d)."""
        self._call(lib.dopt_net_init_balanced, view(w0))

    def product(self, out: ndarray | None = None) -> ndarray:
        """The end-to-end matrix W_N ... W_1, shape (k, d)."""
        dims = self.dims
        out = given_or_new(out, (dims[-1], dims[0]), self.dtype)
        self._call(lib.dopt_net_product, view(out, True))
        return out

    def collapse(self) -> None:
        """Become a net of depth 1, of the same map. Arrays from before must be gone: copy those that you keep."""
        if len(self._lent):
            raise BufferError("arrays from factors, grads or bias are still in use: collapse() would free their memory")
        self._call(lib.dopt_net_collapse)

    def backward(self, grad: ndarray) -> None:
        """From dL/dW, shape (k, d), to all dL/dW_j."""
        self._call(lib.dopt_net_backward, view(grad))

    def forward(self, x: ndarray, out: ndarray | None = None) -> ndarray:
        """Predictions x W^T + b, shape (m, k), of rows x, shape (m, d)."""
        rows = view(x)
        out = given_or_new(out, (rows[1], self.dims[-1]), self.dtype)
        self._call(lib.dopt_net_forward, rows, view(out, True))
        return out

    def backprop(self, x: ndarray, dz: ndarray, dx: ndarray | None = None) -> None:
        """From x, (m, d), and dL/dZ, (m, k), to all dL/dW_j, and to dL/dX, (m, d), if `dx` is given to hold it."""
        self._call(lib.dopt_net_backprop, view(x), view(dz, column=self.dims[-1] == 1), NONE if dx is None else view(dx, True))

    def costs(self, m: int) -> dict[str, float]:
        """Floating-point operations of the ways that a net can take for m rows."""
        cost = lib.dopt_net_costs(self._c, m)
        return {name: getattr(cost, name) for name, _ in ffi.typeof(cost).fields}

    def penalty(self, weight: float) -> float:
        """weight/2 ||W||^2; its gradient is added to those that the net holds. Needs Net(..., penalty=True)."""
        value = ffi.new("double *")
        self._call(lib.dopt_net_penalty, weight, value)
        return value[0]

    @property
    def imbalance(self) -> float:
        """max_j || W_{j+1}^T W_{j+1} - W_j W_j^T ||; NaN if a factor is not finite, or another thread uses the net."""
        return lib.dopt_net_imbalance(self._c)
