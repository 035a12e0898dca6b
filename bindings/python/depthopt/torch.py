# SPDX-License-Identifier: MIT
"""The end-to-end update rule as a torch.optim.Optimizer. Only this module needs PyTorch; `import depthopt` does not load it."""
from __future__ import annotations

from typing import Any, Callable, Iterable

import torch
from torch import Tensor

from .e2e import E2E


class EndToEnd(torch.optim.Optimizer):
    """Moves weight matrices as if each were a product of `depth` matrices that are trained by gradient descent:

        W <- (1 - lr weight_decay depth) W - lr P_W(dL/dW)

    for parameters of two dimensions, (out, in), of float64 or float32 on the CPU: in the tensor's own memory, in C or Fortran
    order or a block of such; anything else in memory is a ValueError. Gradients are read where they are if they are so too.

    All other parameters (biases, of no or more than two dimensions, empty, of other types, on other devices) follow `fallback`:

        "sgd"    v <- momentum v + dL/dp,  p <- (1 - lr weight_decay) p - lr v, by PyTorch
        "error"  ValueError when such a parameter is given

    W = 0 does not move at depth > 1, and a tiny W hardly does: leave out initialisations by zeros.
    A gradient that is not finite raises NonFiniteError; its parameter and those after it have not moved.
    """

    def __init__(self, params: Iterable, lr: float, depth: float = 2.0, weight_decay: float = 0.0, *, fallback: str = "sgd",
                 momentum: float = 0.0, flatten: bool = False) -> None:
        """Each group of parameters may have its own value of everything after `params`.

        lr            learning rate, >= 0
        depth         a real number >= 1, or inf, see depthopt.e2e; 1 is gradient descent
        weight_decay  >= 0
        fallback      "sgd" or "error", for parameters that are no matrices
        momentum      of "sgd", in [0, 1); matrices have none
        flatten       True: a parameter of more than two dimensions, such as the kernel (out, in, kh, kw) of a convolution, is
                      a matrix of shape (out, in kh kw)
        """
        self._matrices: dict[Tensor, _Matrix] = {}
        super().__init__(params, {"lr": lr, "depth": depth, "weight_decay": weight_decay, "fallback": fallback,
                                  "momentum": momentum, "flatten": flatten})

    def __setstate__(self, state: dict) -> None:
        """After a copy, unpickling or load_state_dict(): workspaces are made anew when they are needed."""
        super().__setstate__(state)
        self._matrices = {}

    def add_param_group(self, param_group: dict) -> None:
        """Add {"params": ...}, with values of its own where they differ; refused as a whole if something is out of range."""
        super().add_param_group(param_group)
        try:
            _check(self.param_groups[-1])
        except ValueError:
            self.param_groups.pop()
            raise

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Move all parameters that have a gradient; return what `closure`, if given, returns: it is called once, before."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            depth, flatten, lr, weight_decay = group["depth"], group["flatten"], group["lr"], group["weight_decay"]
            for p in group["params"]:
                grad = p.grad
                if grad is None:
                    continue
                matrix = self._matrices.get(p)
                if matrix is None or matrix.made_for != (p.data_ptr(), p.shape, p.stride(), p.dtype, depth, flatten):
                    if not _is_matrix(p, group):
                        self._fall_back(p, grad, group)
                        continue
                    matrix = self._matrices[p] = _Matrix(p, depth, flatten)
                matrix.move(grad, lr, weight_decay)
        return loss

    @torch.no_grad()
    def _fall_back(self, p: Tensor, grad: Tensor, group: dict) -> None:
        if group["fallback"] == "error":
            raise ValueError(_refusal(p))
        direction = grad
        if group["momentum"] > 0:
            state = self.state[p]
            if "momentum_buffer" not in state:
                state["momentum_buffer"] = torch.zeros_like(p)
            direction = state["momentum_buffer"].mul_(group["momentum"]).add_(direction)
        p.mul_(1 - group["lr"] * group["weight_decay"]).add_(direction, alpha=-group["lr"])


class _Matrix:
    """A parameter as the library sees it, kept from step to step: its memory as an array, and a workspace."""

    def __init__(self, p: Tensor, depth: float, flatten: bool) -> None:
        self.made_for = p.data_ptr(), p.shape, p.stride(), p.dtype, depth, flatten
        # Which column is which does not matter to the rule: take them as they lie in memory (channels_last).
        self._order = [0, *sorted(range(1, p.ndim), key=p.stride, reverse=True)] if p.ndim > 2 else None
        w = p.detach()
        self._nothing = w[:0]
        self._w = (w if self._order is None else w.permute(self._order).view(len(w), -1)).numpy()
        rows, cols = self._w.shape
        self._e2e = E2E(rows, cols, depth)

    def move(self, grad: Tensor, lr: float, weight_decay: float) -> None:
        """One step in place; `grad` has the shape of the parameter."""
        if grad.is_sparse:
            raise ValueError("a matrix has a sparse gradient; EndToEnd takes dense ones only")
        if grad.requires_grad:
            grad = grad.detach()
        if self._order is not None:
            grad = grad.permute(self._order).reshape(self._w.shape)
        self._e2e.update(self._w, grad.numpy(), lr, weight_decay)
        self._nothing.zero_()  # tells autograd that the memory has changed


def _is_matrix(p: Tensor, group: dict) -> bool:
    dims = p.ndim == 2 or (p.ndim > 2 and group["flatten"])
    memory = p.layout == torch.strided and p.device.type == "cpu" and p.dtype in (torch.float32, torch.float64)
    return dims and memory and p.numel() > 0


def _refusal(p: Tensor) -> str:
    return (f"a parameter of shape {tuple(p.shape)}, {p.dtype} on {p.device} is no matrix of float32 or float64 on the CPU: "
            'leave it out, or take fallback="sgd"')


def _check(group: dict) -> None:
    ranges = (("lr", "at least 0", group["lr"] >= 0), ("depth", "at least 1", group["depth"] >= 1),
              ("weight_decay", "at least 0", group["weight_decay"] >= 0), ("momentum", "in [0, 1)", 0 <= group["momentum"] < 1),
              ("fallback", '"sgd" or "error"', group["fallback"] in ("sgd", "error")))
    for name, allowed, fits in ranges:
        if not fits:
            raise ValueError(f"EndToEnd: {name} is {group[name]!r}; it must be {allowed}")
    for p in group["params"]:
        if group["fallback"] == "error" and not _is_matrix(p, group):
            raise ValueError(_refusal(p))
