# SPDX-License-Identifier: MIT
"""Enums of the library by name: "nested" for DOPT_E2E_NESTED."""
from __future__ import annotations

from typing import Iterator

from ._native import ffi


class Names:
    """The values of an enum, by lower-case names without the prefix."""

    def __init__(self, enum: str, prefix: str) -> None:
        self._what = enum.removeprefix("dopt_").replace("_", " ")
        values = sorted(ffi.typeof(enum).elements.items())
        self._values = {name.removeprefix(prefix).lower(): value for value, name in values}
        self._names = {value: name for name, value in self._values.items()}

    def value(self, name: str) -> int:
        """The number of a name, or a ValueError that lists the names."""
        try:
            return self._values[name]
        except (KeyError, TypeError):
            raise ValueError(f"{self._what} is {name!r}, must be one of {', '.join(self._values)}") from None

    def name(self, value: int) -> str:
        return self._names.get(value, "unknown")

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)
