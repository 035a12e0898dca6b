# SPDX-License-Identifier: MIT
"""Exceptions: one for each status of the library, with its message. Each is also the built-in one that fits best."""
from __future__ import annotations

from ._native import ffi, lib


class DepthoptError(Exception):
    """Base class. `status` is the number that the library returned."""

    status: int = 0


class InvalidError(DepthoptError, ValueError):
    """A value is out of its range."""


class ShapeError(DepthoptError, ValueError):
    """Shapes or strides do not fit."""


class DtypeError(DepthoptError, TypeError):
    """Arrays of different element types in one call."""


class NoMemoryError(DepthoptError, MemoryError):
    """No memory."""


class NonFiniteError(DepthoptError, ValueError):
    """A NaN or an infinity where a finite number is needed."""


class NumericalError(DepthoptError, ArithmeticError):
    """A decomposition failed, or a result overflows."""


class FileError(DepthoptError, OSError):
    """Reading or writing failed."""


class FormatError(DepthoptError, ValueError):
    """A file is not what it should be."""


class VersionError(DepthoptError, RuntimeError):
    """Made for another release."""


class BusyError(DepthoptError, RuntimeError):
    """An object is used by two threads at a time, or by a callback that it called."""


_CLASSES = {
    lib.DOPT_ERR_INVALID: InvalidError,
    lib.DOPT_ERR_SHAPE: ShapeError,
    lib.DOPT_ERR_DTYPE: DtypeError,
    lib.DOPT_ERR_NOMEM: NoMemoryError,
    lib.DOPT_ERR_NONFINITE: NonFiniteError,
    lib.DOPT_ERR_NUMERICAL: NumericalError,
    lib.DOPT_ERR_IO: FileError,
    lib.DOPT_ERR_FORMAT: FormatError,
    lib.DOPT_ERR_VERSION: VersionError,
    lib.DOPT_ERR_BUSY: BusyError,
}


def error(status: int) -> DepthoptError:
    """The exception for the call of this thread that has just returned `status`."""
    made = _CLASSES.get(status, DepthoptError)(ffi.string(lib.dopt_last_error()).decode())
    made.status = status
    return made


def check(status: int) -> None:
    """Raise the exception for what a call of this thread has just returned, unless that is DOPT_OK."""
    if status != lib.DOPT_OK:
        raise error(status)
