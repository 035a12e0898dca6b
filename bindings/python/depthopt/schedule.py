# SPDX-License-Identifier: MIT
"""Learning rates over time."""
from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ._names import Names
from ._native import ffi, lib
from .errors import check

_KINDS = Names("dopt_schedule_kind", "DOPT_SCHEDULE_")


@dataclass(frozen=True)
class Schedule:
    """With t = step - warmup, T = period, f = factor:

        "constant"      lr
        "step"          lr f^floor(t / T)
        "exponential"   lr f^(t / T)
        "cosine"        lr (f + (1 - f) (1 + cos(pi min(t, T) / T)) / 2)
        "inverse_time"  lr / (1 + f t / T)

    after `warmup` steps of linear rise, lr (step + 1) / warmup.
    """

    kind: str = "constant"
    period: int = 1
    factor: float = 1.0
    warmup: int = 0

    def __post_init__(self) -> None:
        check(lib.dopt_schedule_check(self._c()))

    def _c(self) -> Any:
        return ffi.new("dopt_schedule *", (_KINDS.value(self.kind), self.warmup, self.period, self.factor))

    def lr(self, lr: float, step: int) -> float:
        """Learning rate of step 0, 1, 2, ... for the base rate `lr`."""
        return lib.dopt_schedule_lr(self._c(), lr, step)
