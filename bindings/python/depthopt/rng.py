# SPDX-License-Identifier: MIT
"""Counter-based random numbers: the same as in C, Fortran and R, on every machine."""
from __future__ import annotations

import numpy as np
from numpy import ndarray

from ._native import ffi, lib
from ._view import view
from .errors import check

_FIELDS = ("seed", "stream", "counter", "spare")


class Rng:
    """Philox4x32-10 at the start of a stream: the n-th number depends on (seed, stream, n) alone."""

    def __init__(self, seed: int, stream: int = 0) -> None:
        """seed, stream: integers in [0, 2^64)"""
        self._c = ffi.new("dopt_rng *", lib.dopt_rng_init(seed, stream))

    def uint64(self) -> int:
        """64 random bits."""
        return lib.dopt_rng_uint64(self._c)

    def uniform(self) -> float:
        """A number in [0, 1)."""
        return lib.dopt_rng_uniform(self._c)

    def normal(self) -> float:
        """A standard normal number."""
        return lib.dopt_rng_normal(self._c)

    def below(self, bound: int) -> int:
        """An integer in [0, bound)."""
        return lib.dopt_rng_below(self._c, bound)

    def fill_normal(self, out: ndarray, stddev: float = 1.0) -> ndarray:
        """Fill `out`, (rows, cols), in row order whatever its layout, with N(0, stddev^2), and return it."""
        check(lib.dopt_rng_fill_normal(self._c, view(out, True), stddev))
        return out

    def __getstate__(self) -> dict[str, int]:
        return {field: getattr(self._c, field) for field in _FIELDS}

    def __setstate__(self, state: dict[str, int]) -> None:
        self._c = ffi.new("dopt_rng *", state)

    def __repr__(self) -> str:
        return f"Rng({', '.join(f'{field}={value}' for field, value in self.__getstate__().items())})"


def permutation(seed: int, round: int, n: int) -> ndarray:
    """The order of the n rows in an epoch of minibatches: `round` is the epoch. Integers, shape (n,)."""
    rows = np.empty(n, np.intp)
    check(lib.dopt_rng_permute_rows(seed, round, n, 0, n, ffi.from_buffer("ptrdiff_t[]", rows)))
    return rows
