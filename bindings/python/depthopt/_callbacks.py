# SPDX-License-Identifier: MIT
"""Functions of yours that the library calls. What they raise is kept, the library told to stop, and raised again."""
from __future__ import annotations

import logging
import sys
from collections import deque
from typing import Any, Callable

import numpy as np

from ._native import ffi, lib
from ._view import Memory

_log = logging.getLogger("depthopt")


class Callback:
    """A function, and what it has raised. `user` is what the library hands back to find it."""

    def __init__(self, function: Callable[..., Any]) -> None:
        if not callable(function):
            raise TypeError(f"a function is needed, not {type(function).__name__}")
        self.function = function
        self.raised: deque[BaseException] = deque()
        self.user = ffi.new_handle(self)


def raised_by(*callbacks: Callback) -> BaseException | None:
    """The first exception that is waiting in one of them; none waits after."""
    found = None
    for callback in callbacks:
        if callback.raised:
            found = found or callback.raised.popleft()
            callback.raised.clear()
    return found


def _run(user: Any, body: Callable[[Callback], None]) -> int:
    callback = ffi.from_handle(user)
    try:
        body(callback)
    except BaseException as problem:  # KeyboardInterrupt too: it goes on where the library was called
        callback.raised.append(problem)
        return lib.DOPT_ERR_INVALID
    return lib.DOPT_OK


def _lend(mat: Any, readonly: bool) -> np.ndarray | None:
    return np.asarray(Memory(mat, readonly=readonly)) if mat.data else None


def _returned(*arrays: np.ndarray | None) -> None:
    """The library's memory was lent for the call only. Whoever kept an array would read what is no longer there."""
    for array in arrays:
        if array is not None and sys.getrefcount(array) > _UNUSED:
            raise BufferError("the callback kept an array that it was lent; keep a copy instead")


def _count_references(*arrays: np.ndarray) -> int:
    for array in arrays:
        return sys.getrefcount(array)
    return 0


def _probe() -> int:
    first, second = np.empty(1), np.empty(1)
    return _count_references(first, second)


_UNUSED = _probe()


@ffi.def_extern(error=lib.DOPT_ERR_INVALID)
def call_loss(z, y, total, dz, user):
    def body(callback):
        a, b, c = _lend(z, True), _lend(y, True), _lend(dz, False)
        total[0] = callback.function(a, b, c)
        _returned(a, b, c)
    return _run(user, body)


@ffi.def_extern(error=lib.DOPT_ERR_INVALID)
def call_objective(w, batch, value, grad, user):
    def body(callback):
        a, b = _lend(w, True), _lend(grad, False)
        value[0] = callback.function(a, b, rows_of(batch))
        _returned(a, b)
    return _run(user, body)


@ffi.def_extern(error=lib.DOPT_ERR_INVALID)
def call_gradient(w, grad, user):
    def body(callback):
        a, b = _lend(w, True), _lend(grad, False)
        callback.function(a, b)
        _returned(a, b)
    return _run(user, body)


@ffi.def_extern(error=1)
def call_event(event, user):
    wish = [True]  # of the callback, to stop

    def body(callback):
        if not callback.raised:  # another run of a search may have failed
            wish[0] = bool(callback.function(event))
    return 1 if _run(user, body) != lib.DOPT_OK or wish[0] else 0


@ffi.def_extern()
def call_log(level, message, user):
    _log.log(logging.WARNING if level == lib.DOPT_LOG_WARNING else logging.INFO, "%s", ffi.string(message).decode())


def rows_of(batch: Any) -> slice | np.ndarray | None:
    """A dopt_batch as an index for NumPy."""
    if not batch:
        return None
    if not batch.rows:
        return slice(batch.first, batch.first + batch.count)
    return np.frombuffer(ffi.buffer(batch.rows, batch.count * ffi.sizeof("ptrdiff_t")), np.intp).copy()
