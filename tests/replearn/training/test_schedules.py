"""Learning rates, clipped gradients, and optimisers that do not fit the loop."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.optim import lr_scheduler

from replearn.training import train

N, BATCH, EPOCHS = 20, 8, 5  # three steps an epoch


def data() -> Tensor:
    return torch.randn(N, 3, generator=torch.Generator().manual_seed(0))


def model() -> nn.Module:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return nn.Sequential(nn.Linear(3, 3), nn.Dropout(0.3))


def loss(net: nn.Module, x: Tensor) -> Tensor:
    return (net(x) - x).square().mean()


def sgd(parameters: Any) -> torch.optim.Optimizer:
    return torch.optim.SGD(parameters, lr=1.0, momentum=0.5)


def run(net: nn.Module | None = None, **how: Any) -> Any:
    arguments = {"loss": loss, "epochs": EPOCHS, "batch_size": BATCH, "progress": False}
    return train(net or model(), data(), **(arguments | {"optimizer": sgd} | how))


def test_by_epochs_in_closed_form() -> None:
    history = run(schedule=lambda o: lr_scheduler.StepLR(o, 2, gamma=0.1))
    assert history.lr == pytest.approx([1, 1, 0.1, 0.1, 0.01])


def test_by_steps_in_closed_form() -> None:
    history = run(
        schedule=lambda o: lr_scheduler.LambdaLR(o, lambda k: 1 / (1 + k)), schedule_by="step"
    )
    assert history.lr == pytest.approx([1 / (1 + 3 * k) for k in range(EPOCHS)])


def test_without_a_schedule_the_rate_stays() -> None:
    assert run().lr == [1.0] * EPOCHS


def test_a_plateau_is_seen_in_the_validation_loss() -> None:
    values = iter([3.0, 2.0, 2.0, 2.0, 2.0])

    def scripted(net: nn.Module, x: Tensor) -> Tensor:
        return loss(net, x) if torch.is_grad_enabled() else torch.tensor(next(values))

    history = run(
        loss=scripted,
        X_val=data()[:4],
        schedule=lambda o: lr_scheduler.ReduceLROnPlateau(o, factor=0.1, patience=0),
    )
    assert history.lr == pytest.approx([1, 1, 1, 0.1, 0.01])


SCHEDULES: dict[str, tuple[str, Callable[[Any], Any]]] = {
    "step": ("epoch", lambda o: lr_scheduler.StepLR(o, 2)),
    "milestones": ("epoch", lambda o: lr_scheduler.MultiStepLR(o, [1, 3])),
    "cosine": ("step", lambda o: lr_scheduler.CosineAnnealingLR(o, 12)),
    "one cycle": ("step", lambda o: lr_scheduler.OneCycleLR(o, 0.5, total_steps=3 * EPOCHS)),
    "restarts": ("step", lambda o: lr_scheduler.CosineAnnealingWarmRestarts(o, 4)),
    "lambda": ("step", lambda o: lr_scheduler.LambdaLR(o, lambda k: 0.9**k)),
    "plateau": ("epoch", lambda o: lr_scheduler.ReduceLROnPlateau(o, patience=0, threshold=0.9)),
    "sequence": (
        "step",
        lambda o: lr_scheduler.SequentialLR(
            o, [lr_scheduler.LinearLR(o, 0.1), lr_scheduler.ExponentialLR(o, 0.9)], [4]
        ),
    ),
    "chained": (
        "epoch",
        lambda o: lr_scheduler.ChainedScheduler(
            [lr_scheduler.ConstantLR(o, 0.5, 2), lr_scheduler.ExponentialLR(o, 0.9)]
        ),
    ),
}


@pytest.mark.parametrize("name", SCHEDULES)
def test_a_schedule_goes_on_where_it_was(tmp_path: Path, name: str) -> None:
    """Killed within the third epoch and resumed: bitwise the run that was not interrupted."""

    class Killed(BaseException):
        pass

    def killed(state: Any) -> None:
        if state.history.epochs == 3:
            raise Killed

    by, schedule = SCHEDULES[name]
    how = {"schedule": schedule, "schedule_by": by, "max_norm": 0.1}
    whole, again, path = model(), model(), tmp_path / "run.pt"
    wanted = run(whole, **how)
    with pytest.raises(Killed):
        run(callbacks=[killed], checkpoint=path, **how)
    history = run(again, checkpoint=path, **how)
    assert history.lr == wanted.lr
    assert len(set(wanted.lr)) > 1
    assert torch.equal(again[0].weight, whole[0].weight)


def test_gradients_are_scaled_to_the_norm() -> None:
    """One plain step of rate 1 moves the weights by the gradient: its length is max_norm."""
    net = model().eval()
    before = [p.detach().clone() for p in net.parameters()]
    plain = lambda p: torch.optim.SGD(p, lr=1.0)  # noqa: E731
    run(net, epochs=1, batch_size=None, max_norm=1e-3, optimizer=plain)
    moved = [(p - q).detach().flatten() for p, q in zip(net.parameters(), before, strict=True)]
    assert float(torch.cat(moved).norm()) == pytest.approx(1e-3, rel=1e-3)


class Alternating(torch.optim.Optimizer):
    """One's own optimiser, whose step asks for a closure."""

    def __init__(self, params: Any) -> None:
        super().__init__(params, {})

    def step(self, closure: Any) -> Any:  # type: ignore[override]
        return closure()


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (
            {"optimizer": torch.optim.LBFGS},
            "optimizer: got LBFGS, whose step computes the loss again and again by a closure, want",
        ),
        ({"optimizer": Alternating}, "optimizer: got Alternating, whose step"),
        ({"optimizer": lambda p: None}, "optimizer: got a callable that returns NoneType, want"),
        ({"schedule": 3}, "schedule: got 3, want a callable"),
        (
            {"schedule": lr_scheduler.StepLR(sgd(model().parameters()), 3)},
            "schedule: got a StepLR object, want a callable that makes one",
        ),
        ({"schedule": lambda o: None}, "schedule: got a callable that returns NoneType, want"),
        (
            {"schedule": lambda o: lr_scheduler.StepLR(sgd(model().parameters()), 3)},
            "schedule: got a callable that returns StepLR, want one that makes a schedule of the",
        ),
        ({"schedule_by": "batch"}, 'schedule_by: got \'batch\', want "epoch" or "step"'),
        (
            {"schedule": lr_scheduler.ReduceLROnPlateau, "schedule_by": "step"},
            'schedule_by: got "step" for ReduceLROnPlateau',
        ),
        ({"max_norm": 0.0}, "max_norm: got 0.0, want a finite number above 0"),
        ({"max_norm": -1.0}, "max_norm: got -1.0, want a number"),
        ({"max_norm": "1"}, "max_norm: got '1', want a number"),
        ({"max_norm": float("inf")}, "max_norm: got inf, want a finite number"),
        ({"key": 3}, "key: got 3, want a text"),
        ({"loss": "mse"}, "loss: got 'mse', want a callable"),
    ],
)
def test_what_does_not_fit_is_named(changes: dict[str, Any], said: str) -> None:
    net = model()
    before = net[0].weight.detach().clone()
    with pytest.raises(ValueError, match=said):
        run(net, **changes)
    assert torch.equal(net[0].weight, before)


@pytest.mark.parametrize(
    "dtype", [torch.int64, torch.uint8, torch.bool, torch.float64, torch.bfloat16, torch.complex64]
)
def test_samples_of_another_dtype_are_named(dtype: torch.dtype) -> None:
    X = (data() > 0).to(dtype)
    with pytest.raises(ValueError, match=f"X: got dtype {dtype}, want torch.float32, as the model"):
        train(model(), X, loss=loss, epochs=1, progress=False)


def test_targets_of_another_dtype_are_named() -> None:
    with pytest.raises(ValueError, match=r"y: got dtype torch.float32, want one that the loss can"):
        train(
            nn.Linear(3, 2),
            data(),
            y=torch.zeros(N),
            loss=lambda net, x, y: nn.functional.nll_loss(net(x), y.double()),
            epochs=1,
            progress=False,
        )
    with pytest.raises(ValueError, match=r"y: got dtype torch.int64, want one that the loss can"):
        train(
            nn.Linear(3, 1),
            data(),
            y=torch.zeros(N, dtype=torch.int64),
            loss=lambda net, x, y: nn.functional.binary_cross_entropy(net(x).squeeze(1), y),
            epochs=1,
            progress=False,
        )


def test_sparse_samples_are_named() -> None:
    with pytest.raises(ValueError, match=r"X: got a tensor of layout sparse_coo, want a dense one"):
        train(model(), data().to_sparse(), loss=loss, epochs=1, progress=False)


def test_a_complex_loss_is_named() -> None:
    with pytest.raises(ValueError, match=r"loss: got a value of torch.complex64, want a real one"):
        train(model(), data(), loss=lambda n, x: loss(n, x) * 1j, epochs=1, progress=False)


@pytest.mark.parametrize(
    ("size", "limit", "step"),
    [(1e20, 0.5, 0.5), (1e25, 0.5, 0.5), (1e-7, 5e-7, 1e-7), (1e-6, 5e-7, 5e-7), (0.5, 0.5, 0.5)],
)
def test_gradients_of_any_size_are_scaled_to_the_norm_and_not_below(size, limit, step):
    """Squares of 1e20 overflow float32; torch's own division adds 1e-6 to the norm."""
    net = nn.Linear(1, 1, bias=False)
    nn.init.zeros_(net.weight)

    def loss(model, x):
        return size * model(x).mean()

    train(
        net,
        torch.ones(3, 1),
        loss=loss,
        epochs=1,
        max_norm=limit,
        optimizer=lambda p: torch.optim.SGD(p, lr=1.0),
        progress=False,
    )
    assert float(net.weight.detach()) == pytest.approx(-step, rel=1e-6)
