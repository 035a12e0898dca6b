# SPDX-License-Identifier: MIT
"""What all classes over a handle of the library share: ownership, and one thread at a time."""
from __future__ import annotations

import threading
from typing import Any, Callable

from ._native import ffi
from .errors import BusyError, error


class Handle:
    """Owns a handle. The library allows one thread at a time in each; a second one gets BusyError instead of a crash."""

    def __init__(self, kind: str, create: Callable[..., int], destroy: Callable[[Any], None], *args: Any,
                 keep: tuple = ()) -> None:
        """Call create(*args, out). `keep` is what the handle borrows: it lives until after destroy()."""
        out = ffi.new(f"{kind} **")
        status = create(*args, out)
        if status:
            raise self._failure(status)
        self._lock = threading.Lock()
        self._c = ffi.gc(out[0], lambda c, keep=keep: destroy(ffi.new(f"{kind} **", c)))

    def _call(self, function: Callable[..., int], *args: Any) -> None:
        if not self._lock.acquire(False):
            raise BusyError(f"this {type(self).__name__} is in use by another thread or by a callback of its own")
        try:
            status = function(self._c, *args)
        finally:
            self._lock.release()
        if status:
            raise self._failure(status)

    def _failure(self, status: int) -> BaseException:
        """What to raise; classes with callbacks put the callback's own exception first."""
        return error(status)
