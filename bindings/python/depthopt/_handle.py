# SPDX-License-Identifier: MIT
"""What all classes over a handle of the library share: ownership, and what is raised when a call fails."""
from __future__ import annotations

from typing import Any, Callable

from ._callbacks import Callback, raised_by
from ._native import ffi, lib
from .errors import error


class Handle:
    """Owns a handle. The library serves one call at a time in each, and refuses a second one: BusyError."""

    _callbacks: tuple[Callback, ...] = ()

    def __init__(self, kind: str, create: Callable[..., int], destroy: Callable[[Any], None], *args: Any,
                 keep: tuple = ()) -> None:
        """Call create(*args, out). `keep` is what the handle borrows: it lives until after destroy()."""
        out = ffi.new(f"{kind} **")
        status = create(*args, out)
        if status:
            raise self._failure(status)
        self._c = ffi.gc(out[0], lambda c, keep=keep: destroy(ffi.new(f"{kind} **", c)))

    def _call(self, function: Callable[..., int], *args: Any) -> None:
        status = function(self._c, *args)
        if status:
            raise self._failure(status)

    def _failure(self, status: int) -> BaseException:
        """What a callback has raised, or else the library's message. What waits for another thread is left to it."""
        raised = None if status == lib.DOPT_ERR_BUSY else raised_by(*self._callbacks)
        return raised or error(status)

    def __reduce_ex__(self, protocol: Any) -> Any:
        raise TypeError(f"{type(self).__name__} holds memory of the library: it cannot be copied or pickled")


def c_of(thing: Any, kind: type[Any]) -> Any:
    """The C side of an argument that must be a `kind`."""
    if not isinstance(thing, kind):
        raise TypeError(f"depthopt.{kind.__name__} is needed, not {type(thing).__name__}")
    return thing._c
