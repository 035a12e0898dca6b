# SPDX-License-Identifier: MIT
"""Views: how NumPy arrays are handed to the library, and the library's memory to NumPy, both without copies."""
from __future__ import annotations

from typing import Any, Tuple

import numpy as np
from numpy import ndarray

from ._native import ffi, lib

_CHARS = ffi.typeof("char[]")
_CODES = {np.dtype(np.float64): lib.DOPT_F64, np.dtype(np.float32): lib.DOPT_F32}
_TYPES = {lib.DOPT_F64: ("<f8" if np.little_endian else ">f8", 8), lib.DOPT_F32: ("<f4" if np.little_endian else ">f4", 4)}
_from_buffer = ffi.from_buffer

View = Tuple[Any, int, int, int, int, int]
"""The fields of a dopt_mat or dopt_cmat."""

NONE: View = (ffi.NULL, 0, 0, 0, 0, 0)
"""No matrix, where one may be left out."""


def view(a: ndarray, writable: bool = False, column: bool = False) -> View:
    """A view of `a`, which must stay alive for as long as the view is used.

    A one-dimensional array is a matrix of one row, or, with `column`, of one column.
    """
    if not isinstance(a, ndarray):
        raise TypeError(f"a NumPy array is needed, not {type(a).__name__}")
    code = _CODES.get(a.dtype)
    if code is None:
        raise TypeError(f"an array of float64 or float32 is needed, not {a.dtype}; convert it with astype()")
    flags = a.flags
    if a.ndim == 2 and flags.aligned:
        rows, cols = a.shape
        if flags.c_contiguous and (flags.writeable or not writable):
            return _from_buffer(_CHARS, a), rows, cols, cols, 1, code
        if flags.f_contiguous and (flags.writeable or not writable):
            return _from_buffer(_CHARS, a.T), rows, cols, 1, rows, code
    return _strided(a, writable, column, code)


def _strided(a: ndarray, writable: bool, column: bool, code: int) -> View:
    """The rest: vectors, blocks of larger arrays, and what cannot be a view."""
    if a.ndim == 1:
        a = a[:, None] if column else a[None, :]
    if a.ndim != 2:
        raise ValueError(f"a matrix or a vector is needed, not an array of {a.ndim} dimensions")
    if writable and not a.flags.writeable:
        raise ValueError("the array is written to, but is read-only")
    if not a.flags.aligned or any(stride % a.itemsize for stride in a.strides):
        raise ValueError("the array is not aligned; copy it first, with numpy.array()")
    (rows, cols), (down, right) = a.shape, (stride // a.itemsize for stride in a.strides)
    # Along an extent of 1 a stride means nothing, and NumPy leaves anything there.
    if cols <= 1 and rows > 1:
        right = 1
    elif rows <= 1:
        down = cols if right == 1 or cols <= 1 else 1
        right = 1 if cols <= 1 else right
    if not ((right == 1 and down >= cols) or (down == 1 and right >= rows)):
        raise ValueError(f"an array of shape {a.shape} with strides {a.strides} is no view: neighbours must touch along rows "
                         "or columns, in ascending order; copy it first, with numpy.ascontiguousarray()")
    return ffi.cast("void *", a.__array_interface__["data"][0]), rows, cols, down, right, code


class Memory:
    """The library's memory, for NumPy to look at: arrays made of it keep it alive, and it keeps its owner alive."""

    __slots__ = ("__array_interface__", "owner", "__weakref__")

    def __init__(self, mat: Any, owner: object = None, readonly: bool = False) -> None:
        kind, size = _TYPES[mat.dtype]
        self.owner = owner
        self.__array_interface__ = {
            "version": 3, "typestr": kind, "shape": (mat.rows, mat.cols), "data": (int(ffi.cast("intptr_t", mat.data)), readonly),
            "strides": (mat.row_stride * size, mat.col_stride * size)}


def dtype_code(dtype: Any) -> int:
    """DOPT_F64 or DOPT_F32."""
    code = _CODES.get(np.dtype(dtype))
    if code is None:
        raise TypeError(f"float64 or float32 is needed, not {np.dtype(dtype)}")
    return code


def dtype_of(code: int) -> np.dtype:
    """float64 or float32."""
    return np.dtype(np.float64 if code == lib.DOPT_F64 else np.float32)


def given_or_new(out: ndarray | None, shape: tuple[int, ...], dtype: Any) -> ndarray:
    return np.empty(shape, dtype) if out is None else out
