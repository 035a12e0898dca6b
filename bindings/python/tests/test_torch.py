# SPDX-License-Identifier: MIT
import copy
import io
import subprocess
import sys

import numpy as np
import pytest
from reference import close, preconditioned

import depthopt

torch = pytest.importorskip("torch")
from depthopt.torch import EndToEnd  # noqa: E402  (needs torch)


@pytest.fixture(autouse=True)
def seeded():
    torch.set_num_threads(1)
    torch.manual_seed(5)


def parameter(*shape, dtype=torch.float64):
    p = torch.nn.Parameter(torch.randn(shape, dtype=dtype))
    p.grad = torch.randn(shape, dtype=dtype)
    return p


def test_import_of_depthopt_does_not_load_torch():
    subprocess.run([sys.executable, "-c", "import depthopt, sys; sys.exit('torch' in sys.modules)"], check=True)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
@pytest.mark.parametrize("depth", [1, 2, 3.5])
@pytest.mark.parametrize("shape", [(4, 6), (1, 5), (7, 3)])
def test_step_is_e2e_update(shape, depth, dtype):
    p = parameter(*shape, dtype=dtype)
    want, place = p.detach().numpy().copy(), p.data_ptr()
    depthopt.e2e_update(want, p.grad.numpy(), depth, 0.1, 0.01)
    EndToEnd([p], 0.1, depth, 0.01).step()
    assert np.array_equal(p.detach().numpy(), want) and p.data_ptr() == place


@pytest.mark.parametrize("layout", [lambda a: a.t().contiguous().t(), lambda a: torch.zeros(9, 11)[2:6, 3:9].copy_(a)])
def test_parameters_that_are_not_contiguous(layout):
    start, grad = torch.randn(4, 6), torch.randn(4, 6)
    p = torch.nn.Parameter(layout(start))
    p.grad = layout(grad)
    assert not p.is_contiguous() and not p.grad.is_contiguous()
    EndToEnd([p], 0.1, 3).step()
    assert close(p.detach().numpy(), start.numpy() - 0.1 * preconditioned(start, grad, 3))
    every_other = torch.nn.Parameter(torch.randn(4, 12)[:, ::2])
    every_other.grad = torch.ones(4, 6)
    with pytest.raises(ValueError, match="is no view"):
        EndToEnd([every_other], 0.1).step()


@pytest.mark.parametrize("memory", [torch.contiguous_format, torch.channels_last])
def test_kernels_as_matrices(memory):
    start, grad = torch.randn(4, 3, 2, 5, dtype=torch.float64), torch.randn(4, 3, 2, 5, dtype=torch.float64)
    p = torch.nn.Parameter(start.clone(memory_format=memory))
    p.grad = grad
    EndToEnd([p], 0.1, flatten=True).step()
    matrices = start.reshape(4, 30).numpy(), grad.reshape(4, 30).numpy()
    assert close(p.detach().reshape(4, 30).numpy(), matrices[0] - 0.1 * preconditioned(*matrices, 2))


@pytest.mark.parametrize("shape", [(6,), (), (2, 3, 2)])
def test_other_parameters_are_moved_by_sgd(shape):
    p = parameter(*shape)
    want = torch.nn.Parameter(p.detach().clone())
    ours, theirs = EndToEnd([p], 0.1, momentum=0.9), torch.optim.SGD([want], 0.1, momentum=0.9)
    for _ in range(3):
        p.grad = torch.randn(shape, dtype=torch.float64)
        want.grad = p.grad.clone()
        ours.step()
        theirs.step()
    assert torch.allclose(p, want, rtol=1e-14, atol=1e-14)
    with pytest.raises(ValueError, match="is no matrix"):
        EndToEnd([p], 0.1, fallback="error")


@pytest.mark.parametrize("exchange", [lambda a: a.clone(), lambda a: a.t(), lambda a: a.t().contiguous().t(),
                                      lambda a: a[1:, 2:], lambda a: a.float(), lambda a: a.flatten()])
def test_other_memory_between_steps(exchange):
    p = parameter(5, 5)
    optimizer = EndToEnd([p], 0.1, 3)
    optimizer.step()
    before = p.data
    p.grad, p.data = None, exchange(before)
    p.grad = torch.randn(p.shape, dtype=p.dtype)
    old, start, grad = before.clone(), p.detach().numpy().copy(), p.grad.numpy()
    shared = p.data.storage().data_ptr() == before.storage().data_ptr()
    optimizer.step()
    assert close(p.detach().numpy(), start - 0.1 * (preconditioned(start, grad, 3) if p.ndim == 2 else grad))
    assert shared != torch.equal(before, old)


@pytest.mark.filterwarnings("ignore:Using backward")
def test_gradients_with_a_graph_of_their_own():
    p = parameter(3, 4)
    want = p.detach().numpy().copy()
    p.grad = None
    p.pow(4).sum().backward(create_graph=True)
    assert p.grad.requires_grad
    depthopt.e2e_update(want, p.grad.detach().numpy().copy(), 2, 0.01)
    EndToEnd([p], 0.01).step()
    assert np.array_equal(p.detach(), want)


def test_groups_and_a_changed_learning_rate():
    a, b, idle = parameter(3, 4), parameter(3, 4), torch.nn.Parameter(torch.ones(2, 2))
    want_a, want_b = a.detach().numpy().copy(), b.detach().numpy().copy()
    optimizer = EndToEnd([{"params": [a, idle]}, {"params": [b], "lr": 0.3, "depth": 4}], 0.1)
    for factor in (1.0, 0.5):
        depthopt.e2e_update(want_a, a.grad.numpy(), 2, factor * 0.1)
        depthopt.e2e_update(want_b, b.grad.numpy(), 4, factor * 0.3)
    schedule = torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.5)
    for _ in range(2):
        optimizer.step()
        schedule.step()
    assert np.array_equal(a.detach(), want_a) and np.array_equal(b.detach(), want_b) and torch.equal(idle, torch.ones(2, 2))


def test_state_goes_around():
    model = torch.nn.Sequential(torch.nn.Linear(5, 4), torch.nn.Tanh(), torch.nn.Linear(4, 2))
    x = torch.randn(20, 5)

    def train(model, optimizer, steps):
        for _ in range(steps):
            optimizer.zero_grad()
            model(x).square().mean().backward()
            optimizer.step()
        return torch.cat([p.detach().flatten() for p in model.parameters()])

    optimizer = EndToEnd(model.parameters(), 0.1, 3, momentum=0.9)
    train(model, optimizer, 3)
    state = optimizer.state_dict()
    assert set(state) == {"state", "param_groups"} and sorted(state["state"]) == [1, 3]  # the momentum of the biases
    file = io.BytesIO()
    torch.save([model.state_dict(), state], file)
    file.seek(0)
    again, (weights, state) = copy.deepcopy(model), torch.load(file)
    again.load_state_dict(weights)
    loaded = EndToEnd(again.parameters(), 7.0)
    loaded.load_state_dict(state)
    assert torch.equal(train(again, loaded, 3), train(model, optimizer, 3))


def test_network_learns_and_closure_is_called():
    model = torch.nn.Sequential(torch.nn.Linear(5, 16), torch.nn.Tanh(), torch.nn.Linear(16, 1))
    x = torch.randn(100, 5)
    y = torch.sin(x[:, :1]) + x[:, 1:2]
    optimizer = EndToEnd(model.parameters(), 0.05)

    def closure():
        optimizer.zero_grad()
        loss = torch.nn.functional.mse_loss(model(x), y)
        loss.backward()
        return loss

    losses = [optimizer.step(closure).item() for _ in range(500)]
    assert losses[-1] < 0.05 * losses[0]


def test_autograd_notices_the_step():
    p = parameter(3, 3)
    loss = p.square().sum()
    EndToEnd([p], 0.1).step()
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        loss.backward()


def test_zero_stays_and_bad_gradients_are_told():
    p = parameter(3, 4)
    p.data.zero_()
    EndToEnd([p], 0.1).step()
    assert not p.any()
    p.data.fill_(1.0)
    p.grad[0, 0] = float("nan")
    with pytest.raises(depthopt.NonFiniteError):
        EndToEnd([p], 0.1).step()
    assert torch.equal(p, torch.ones(3, 4, dtype=torch.float64))


@pytest.mark.parametrize("name, value", [("lr", -1), ("depth", 0.5), ("weight_decay", -1), ("momentum", 1), ("fallback", "adam")])
def test_bad_options(name, value):
    p = parameter(2, 2)
    with pytest.raises(ValueError, match=name):
        EndToEnd([p], **{"lr": 0.1, name: value})
    optimizer = EndToEnd([p], 0.1)
    with pytest.raises(ValueError, match=name):
        optimizer.add_param_group({"params": [parameter(2, 2)], name: value})
    assert len(optimizer.param_groups) == 1
