# SPDX-License-Identifier: MIT
"""Training runs: options, a run step by step, a run in one call, and the search for a learning rate."""
from __future__ import annotations

import os
from dataclasses import dataclass, field, replace
from math import inf
from traceback import clear_frames
from typing import Any, Callable, Iterable, Mapping, Union

import numpy as np
from numpy import ndarray

from ._callbacks import Callback, call_log, raised_by  # noqa: F401
from ._handle import Handle, c_of
from ._names import Names
from ._native import ffi, lib
from ._view import Memory, view
from .errors import check
from .objective import Objective, route_name
from .optim import HYPERS, KINDS
from .schedule import Schedule

_MODELS = Names("dopt_model", "DOPT_MODEL_")
_INITS = Names("dopt_init", "DOPT_INIT_")
_REASONS = Names("dopt_stop_reason", "DOPT_STOP_")
_SLICE = 0.1  # seconds between two looks for an interrupt from the keyboard


class Event:
    """The state before a step: `step`, `value`, `gradient_norm`, `lr`; and `w`, a copy of W, made when asked for."""

    def __init__(self, event: Any) -> None:
        self.step: int = event.step
        self.value: float = event.value
        self.gradient_norm: float = event.gradient_norm
        self.lr: float = event.lr
        self._event = event

    @property
    def w(self) -> ndarray:
        """A copy of W, (k, d), before the step."""
        if self._event is None:
            raise RuntimeError("W is there during the callback only")
        return np.array(np.asarray(Memory(self._event.w, readonly=True)))

    def __repr__(self) -> str:
        return f"Event(step={self.step}, value={self.value}, gradient_norm={self.gradient_norm}, lr={self.lr})"


@dataclass(frozen=True)
class Options:
    """How to train; include/depthopt/trainer.h says more.

    model               "e2e": W by the end-to-end rule; "factored": the factors of W; "direct": W itself, depth 1
    depth               N; e2e: a real number >= 1 or inf; factored: an integer; direct: for the start only
    width               hidden width of the factors; 0: min(k, d)
    init                "given": the W passed; "normal", "identity", "balanced": drawn from `seed`
    init_std            deviation of what is drawn
    optimizer           "gd", "momentum", "nesterov", "adagrad", "adadelta", "rmsprop", "adam", "group_rmsprop"
    lr                  learning rate; 0: the optimizer's default
    weight_decay        of each factor
    hypers              further hyperparameters, {"momentum": 0.95}
    schedule            learning rates over time
    batch_size          rows a step; 0: all
    seed                of start and batches
    max_steps, target, value_tolerance, gradient_tolerance, step_tolerance, max_seconds      when to stop
    callback            function(event) before each step; return True to stop. What it raises comes out of the call.
    """

    model: str = "e2e"
    depth: float = 2.0
    width: int = 0
    init: str = "given"
    init_std: float = 0.01
    optimizer: str = "gd"
    lr: float = 0.0
    weight_decay: float = 0.0
    hypers: Mapping[str, float] = field(default_factory=dict)
    schedule: Schedule = Schedule()
    batch_size: int = 0
    seed: int = 0
    max_steps: int = 1000
    target: float = -inf
    value_tolerance: float = 0.0
    gradient_tolerance: float = 0.0
    step_tolerance: float = 0.0
    max_seconds: float = inf
    callback: Union[Callable[[Event], object], None] = None

    def _to_c(self) -> tuple[Any, tuple[Callback, ...], tuple]:
        """A dopt_fit_options, the callback if there is one, and the memory that they point to."""
        o = ffi.new("dopt_fit_options *", lib.default_fit_options())
        o.model, o.init, o.optimizer = _MODELS.value(self.model), _INITS.value(self.init), KINDS.value(self.optimizer)
        for name in _PLAIN:
            setattr(o, name, getattr(self, name))
        hypers = ffi.new("dopt_hyper_value[]", [(HYPERS.value(name), value) for name, value in self.hypers.items()])
        o.hypers, o.hyper_count = hypers, len(hypers)
        if not isinstance(self.schedule, Schedule):
            raise TypeError(f"schedule is {self.schedule!r}, must be a depthopt.Schedule")
        o.schedule = self.schedule._c()[0]
        o.logger.fn = lib.call_log
        if self.callback is None:
            return o, (), (hypers,)
        callback = Callback(_with_event(self.callback))
        o.callback, o.user = lib.call_event, callback.user
        return o, (callback,), (hypers,)


_PLAIN = ("depth", "width", "init_std", "lr", "weight_decay", "batch_size", "seed", "max_steps", "target", "value_tolerance",
          "gradient_tolerance", "step_tolerance", "max_seconds")


def _with_event(function: Callable[[Event], object]) -> Callable[[Any], object]:
    def call(c_event: Any) -> object:
        event = Event(c_event)
        try:
            return function(event)
        finally:
            event._event = None
    return call


@dataclass(frozen=True)
class Report:
    """How a run went, or stands. `value` and `gradient_norm` are of the last W that was evaluated.

    reason      why it ended: "steps", "target", "value", "gradient", "step", "seconds", "callback", "diverged"; "none": not yet
    w           the weights, (k, d): the array that was given, if one was. After "diverged": the last finite ones.
    """

    reason: str
    steps: int
    value: float
    gradient_norm: float
    best_value: float
    best_step: int
    seconds: float
    route: str
    w: ndarray = field(repr=False)


class Trainer(Handle):
    """A training run, one step at a time. `w` is W, (k, d): look at it between steps, but do not write to it."""

    def __init__(self, objective: Objective, w: ndarray | None = None, options: Options | None = None, **changes: Any) -> None:
        """
        objective  what to minimise
        w          W, (k, d), moved in place; the start if init is "given"; None: a new array
        options    see Options; `changes` are fields of it, as in Trainer(objective, w, depth=3, lr=0.1)
        """
        options = replace(options or Options(), **changes)
        c_of(objective, Objective)
        self.w = _start(objective, w, options)
        c_options, callbacks, memory = options._to_c()
        self._callbacks = callbacks + objective._callbacks
        super().__init__("dopt_trainer", lib.dopt_trainer_create, lib.dopt_trainer_destroy, objective._c, c_options,
                         view(self.w, True), keep=(objective, self.w, callbacks))
        del memory  # the library has copied what it needs

    def _advance(self, function: Callable[..., int], *args: Any) -> str:
        reason = ffi.new("dopt_stop_reason *")
        self._call(function, *args, reason)
        raised = raised_by(*self._callbacks)
        if raised:
            raise raised
        return _REASONS.name(reason[0])

    def step(self) -> str:
        """Evaluate, check the stopping rules, call the callback, and move W once. Returns "none", or why the run ended."""
        return self._advance(lib.dopt_trainer_step)

    def run(self) -> Report:
        """Step until the run ends. An interrupt from the keyboard stops it between two steps."""
        while self._advance(lib.take_steps, _SLICE) == "none":
            pass
        return self.report

    @property
    def report(self) -> Report:
        """How the run stands."""
        r = lib.dopt_trainer_report(self._c)
        return Report(_REASONS.name(r.reason), r.steps, r.value, r.gradient_norm, r.best_value, r.best_step, r.seconds,
                      route_name(r.route), self.w)

    @property
    def factors(self) -> list[ndarray] | None:
        """Copies of the factors of a factored model, [W_1, ..., W_N]; None for the others."""
        net = lib.dopt_trainer_net(self._c)
        if not net:
            return None
        return [np.array(np.asarray(Memory(lib.dopt_net_factor(net, j)))) for j in range(1, lib.dopt_net_depth(net) + 1)]

    def save(self, path: str | os.PathLike) -> None:
        """Write a checkpoint, atomically: all that the run depends on but data and loss."""
        self._call(lib.dopt_trainer_save, _path(path))

    def load(self, path: str | os.PathLike) -> None:
        """Go on from a checkpoint of a run with the same objective and options, as if there had been no break."""
        self._call(lib.dopt_trainer_load, _path(path))


def fit(objective: Objective, w: ndarray | None = None, options: Options | None = None, **changes: Any) -> Report:
    """Minimise over W in one call: Trainer(objective, w, options, **changes).run().

    w, (k, d), is moved in place. Divergence is no error: report.reason says "diverged".
    """
    return Trainer(objective, w, options, **changes).run()


@dataclass(frozen=True)
class LrTrial:
    """One candidate: `value` of all data at the end of its run, inf if it diverged; why it ended; its steps."""

    lr: float
    value: float
    reason: str
    steps: int


@dataclass(frozen=True)
class LrSearch:
    """The best learning rate, and what became of each candidate, in the order of the grid."""

    lr: float
    trials: tuple[LrTrial, ...]


def lr_search(objective: Objective, grid: Iterable[float], w: ndarray | None = None, options: Options | None = None, *,
              threads: int = 0, **changes: Any) -> LrSearch:
    """Run every learning rate of a grid over the whole horizon, and choose the one with the smallest value at its end.

    w        the start, (k, d), if init is "given"; not changed
    threads  runs side by side; 0: as many as there are processors. A callback is called from all of them.

    Raises NumericalError if every candidate diverges.
    """
    options = replace(options or Options(), **changes)
    c_objective, rates = c_of(objective, Objective), [float(lr) for lr in grid]
    c_options, callbacks, _memory = options._to_c()
    start = _start(objective, w, options)
    trials, best = ffi.new("dopt_lr_trial[]", max(len(rates), 1)), ffi.new("int *")
    status = lib.dopt_lr_search(c_objective, c_options, view(start), len(rates), rates, threads, trials, best)
    raised = raised_by(*callbacks, *objective._callbacks)
    if raised:
        clear_frames(raised.__traceback__)  # arrays there are of runs that are gone
        raise raised
    check(status)
    return LrSearch(trials[best[0]].lr, tuple(LrTrial(t.lr, t.value, _REASONS.name(t.reason), t.steps) for t in trials))


def _path(path: str | os.PathLike) -> bytes:
    name = os.fsencode(path)
    if b"\0" in name:
        raise ValueError("embedded null byte in a file name")
    return name


def _start(objective: Objective, w: ndarray | None, options: Options) -> ndarray:
    if w is None and options.init == "given":
        raise ValueError('a start is needed: pass w, or init="normal", "identity" or "balanced"')
    return np.zeros(objective.shape, objective.dtype) if w is None else w
