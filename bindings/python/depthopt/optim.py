# SPDX-License-Identifier: MIT
"""Update rules on blocks of parameters: gd, momentum, nesterov, adagrad, adadelta, rmsprop, adam, group_rmsprop."""
from __future__ import annotations

from typing import Sequence

from numpy import ndarray

from ._handle import Handle, c_of
from ._names import Names
from ._native import ffi, lib
from ._view import view
from .errors import BusyError, check
from .net import Net

KINDS = Names("dopt_optim_kind", "DOPT_OPTIM_")
HYPERS = Names("dopt_hyper", "DOPT_")


class Optim(Handle):
    """An optimizer: a rule, its hyperparameters, and its state for one list of arrays. optim.h has the formulas."""

    def __init__(self, kind: str = "gd", **hypers: float) -> None:
        """
        kind    "gd", "momentum", "nesterov", "adagrad", "adadelta", "rmsprop", "adam" or "group_rmsprop"
        hypers  lr, weight_decay, decoupled, momentum, rho, beta1, beta2, epsilon, accumulator, as the kind has them
        """
        super().__init__("dopt_optim", lib.dopt_optim_create, lib.dopt_optim_destroy, KINDS.value(kind))
        self.set(**hypers)

    @property
    def kind(self) -> str:
        """Name of the rule."""
        return KINDS.name(lib.dopt_optim_get_kind(self._c))

    @property
    def steps(self) -> int:
        """Steps taken since creation or the last reset."""
        return lib.dopt_optim_steps(self._c)

    @property
    def hypers(self) -> dict[str, float]:
        """All hyperparameters that the rule has."""
        values = {name: lib.dopt_optim_get(self._c, HYPERS.value(name)) for name in HYPERS}
        return {name: value for name, value in values.items() if value == value}

    def set(self, **hypers: float) -> None:
        """Set hyperparameters, from the next step on."""
        for name, value in hypers.items():
            self._call(lib.dopt_optim_set, HYPERS.value(name), value)

    def apply(self, params: Sequence[ndarray], grads: Sequence[ndarray]) -> None:
        """One step on parameters in place, against gradients of the same shapes: the same list every time."""
        if len(params) != len(grads):
            raise ValueError(f"{len(params)} parameters, but {len(grads)} gradients")
        self._call(lib.dopt_optim_apply, len(params), [view(p, True) for p in params], [view(g) for g in grads])

    def step(self, net: Net, grad: ndarray) -> None:
        """One step on every factor of a net, from dL/dW, shape (k, d)."""
        self._call(lib.dopt_step, c_of(net, Net), view(grad))

    def apply_net(self, net: Net) -> None:
        """One step on every factor and the bias, from the gradients that backprop() left in the net."""
        self._call(lib.dopt_optim_apply_net, c_of(net, Net))

    def reset(self) -> None:
        """Back to step 0 and zero state; hyperparameters stay."""
        lib.dopt_optim_reset(self._c)
        if self.steps:  # it has no status, and does nothing then
            raise BusyError("this Optim is in use by another call")


def optim_bounds(kind: str, hyper: str) -> dict[str, float]:
    """Default ("initial") and range ("lower", "upper", and whether they are open) of a hyperparameter."""
    bounds = ffi.new("dopt_hyper_bounds *")
    check(lib.dopt_optim_bounds(KINDS.value(kind), HYPERS.value(hyper), bounds))
    return {name: getattr(bounds, name) for name, _ in ffi.typeof("dopt_hyper_bounds").fields}
