# SPDX-License-Identifier: MIT
"""depthopt: train linear maps as fast as deep linear networks do, without the network.

    fit, Trainer, Options, lr_search      training runs
    Objective, Loss                       what is minimised
    E2E, e2e_apply, e2e_update            only the step, for a loop and gradients of yours
    Net, Optim, Schedule                  the factors themselves; update rules; learning rates over time
    analysis                              what depth does to a run, in numbers
    torch.EndToEnd                        the step as an optimizer of PyTorch (`import depthopt.torch`, on its own)
    Rng, permutation, sym_power           the library's random numbers; powers of symmetric matrices
    depthopt.sklearn                      estimators for scikit-learn, to be imported by itself

Arrays are NumPy's, float64 or float32, in C or Fortran order or blocks of such, and are never copied: what cannot be used as
it is raises an error that says so. Failures raise DepthoptError, or a class of its own that is a ValueError, TypeError,
MemoryError, ... too, with the library's message. While the library computes, other threads of Python run.
"""
from . import analysis
from ._native import ffi, lib
from .e2e import E2E, e2e_apply, e2e_update, sym_power
from .errors import (BusyError, DepthoptError, DtypeError, FileError, FormatError, InvalidError, NoMemoryError, NonFiniteError,
                     NumericalError, ShapeError, VersionError)
from .loss import Loss
from .net import Net
from .objective import Objective
from .optim import Optim, optim_bounds
from .rng import Rng, permutation
from .schedule import Schedule
from .trainer import Event, LrSearch, LrTrial, Options, Report, Trainer, fit, lr_search

__version__ = ffi.string(lib.dopt_version()).decode()
__all__ = [
    "BusyError", "DepthoptError", "DtypeError", "E2E", "Event", "FileError", "FormatError", "InvalidError", "Loss", "LrSearch",
    "LrTrial", "Net", "NoMemoryError", "NonFiniteError", "NumericalError", "Objective", "Optim", "Options", "Report", "Rng",
    "Schedule", "ShapeError", "Trainer", "VersionError", "analysis", "e2e_apply", "e2e_update", "fit", "lr_search",
    "optim_bounds", "permutation", "sym_power",
]
