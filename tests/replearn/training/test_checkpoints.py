"""A checkpoint belongs to one run: another experiment is refused, and what differs is named."""

from __future__ import annotations

import copy
import functools
import importlib
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from replearn.autoencoders import (
    Gaussian,
    Masking,
    cross_entropy,
    dense_autoencoder,
    l1,
    objective,
)
from replearn.training import train

N, D = 12, 5
PENALTY = 0.1  # a global that losses read


def data(seed: int = 0) -> Tensor:
    return torch.rand(N, D, generator=torch.Generator().manual_seed(seed))


def linear(**settings: Any) -> nn.Module:
    return dense_autoencoder([D, 3], **settings)


def squared(model: nn.Module, x: Tensor) -> Tensor:
    return (model(x) - x).square().mean()


def weighted(model: nn.Module, x: Tensor, weight: float = 1.0, *, power: int = 2) -> Tensor:
    return weight * (model(x) - x).abs().pow(power).mean()


def in_a_closure(weight: float) -> Callable[..., Tensor]:
    def loss(model: nn.Module, x: Tensor) -> Tensor:
        return squared(model, x) + weight * model.encode(x).abs().mean()

    return loss


def by_a_global(model: nn.Module, x: Tensor) -> Tensor:
    return PENALTY * squared(model, x)


def through_a_helper(model: nn.Module, x: Tensor) -> Tensor:
    return helper(model, x) + 0


def helper(model: nn.Module, x: Tensor) -> Tensor:
    return squared(model, x)


def other_helper(model: nn.Module, x: Tensor) -> Tensor:
    return squared(model, x) * 2


class Loss:
    """A loss with state of its own."""

    def __init__(self, weight: float) -> None:
        self.weight = weight

    def __call__(self, model: nn.Module, x: Tensor) -> Tensor:
        return self.weight * squared(model, x)

    def method(self, model: nn.Module, x: Tensor) -> Tensor:
        return self.weight * squared(model, x)


class Teacher(nn.Module):
    """A module as a loss: its weights are its content."""

    def __init__(self, seed: int) -> None:
        super().__init__()
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            self.layer = nn.Linear(D, D)

    def forward(self, model: nn.Module, x: Tensor) -> Tensor:
        return (model(x) - self.layer(x)).square().mean()


def scaled(values: Tensor) -> Callable[..., Tensor]:
    return lambda model, x: ((model(x) - x) * values).square().mean()


def same_lines() -> tuple[Callable[..., Tensor], Callable[..., Tensor]]:
    """Two functions on one line, which a look at the source could not tell apart."""
    # fmt: off
    return (lambda model, x, p=2: squared(model, x)), (lambda model, x, p=2: squared(model, x) * p)
    # fmt: on


def run(path: Path, *, model: nn.Module | None = None, X: Tensor | None = None, **how: Any) -> Any:
    arguments = {"loss": squared, "epochs": 2, "batch_size": 5, "progress": False} | how
    chosen = linear() if model is None else model
    return train(chosen, data() if X is None else X, checkpoint=path, **arguments)


def step(lr: float) -> Callable[..., Any]:
    return lambda parameters: torch.optim.SGD(parameters, lr=lr, momentum=0.5)


def decay(size: int) -> Callable[..., Any]:
    return lambda optimizer: torch.optim.lr_scheduler.StepLR(optimizer, size)


def changed(model: nn.Module, change: Callable[[Any], object]) -> nn.Module:
    change(model)
    return model


first_lambda, second_lambda = same_lines()

# What is changed, from what, to what, and what the refusal names.
CHANGES: dict[str, tuple[dict[str, Any], dict[str, Any], str]] = {
    "weight in a closure": (
        {"loss": in_a_closure(0.1)},
        {"loss": in_a_closure(0.2)},
        "loss, weight is 0.2, there 0.1",
    ),
    "weight of a penalty": (
        {"loss": objective(penalties={l1: 0.1})},
        {"loss": objective(penalties={l1: 0.2})},
        r"loss, weighted\[l1\] is 0.2, there 0.1",
    ),
    "level of a corruption": (
        {"loss": objective(corruption=Masking(0.3))},
        {"loss": objective(corruption=Masking(0.4))},
        "loss, corruption.rate is 0.4, there 0.3",
    ),
    "kind of a corruption": (
        {"loss": objective(corruption=Masking(0.3))},
        {"loss": objective(corruption=Gaussian(0.3))},
        "loss, corruption is Gaussian, there Masking",
    ),
    "kind of a loss": (
        {"loss": objective()},
        {"loss": objective(cross_entropy)},
        r"loss, loss is cross_entropy, .* there squared_error",
    ),
    "partial": (
        {"loss": functools.partial(weighted, weight=1.0)},
        {"loss": functools.partial(weighted, weight=2.0)},
        "loss, weight is 2.0, there 1.0",
    ),
    "partial instead of the function": (
        {"loss": weighted},
        {"loss": functools.partial(weighted, power=3)},
        "loss is partial, there weighted",
    ),
    "default of a lambda": (
        {"loss": lambda model, x, w=1.0: squared(model, x) * w},
        {"loss": lambda model, x, w=3.0: squared(model, x) * w},
        "loss, w is 3.0, there 1.0",
    ),
    "code of a lambda": (
        {"loss": lambda model, x: squared(model, x) * 1},
        {"loss": lambda model, x: squared(model, x) * 2},
        "loss is <lambda>, code .*, there <lambda>, code",
    ),
    "lambdas on one line": (
        {"loss": first_lambda},
        {"loss": second_lambda},
        "loss is same_lines.<locals>.<lambda>, code",
    ),
    "object": ({"loss": Loss(1.0)}, {"loss": Loss(2.0)}, "loss.weight is 2.0, there 1.0"),
    "bound method": (
        {"loss": Loss(1.0).method},
        {"loss": Loss(2.0).method},
        "loss, self.weight is 2.0, there 1.0",
    ),
    "module": ({"loss": Teacher(0)}, {"loss": Teacher(1)}, r"loss.layer.weight is \(5, 5\)"),
    "tensor in a closure": (
        {"loss": scaled(torch.ones(D))},
        {"loss": scaled(torch.ones(D) * 2)},
        r"loss, values is \(5,\) torch.float32 on cpu, digest",
    ),
    "data of the same shape": (
        {},
        {"X": data(1)},
        r"X is \(12, 5\) .* digest \w+, there \(12, 5\)",
    ),
    "targets": (
        {"loss": lambda m, x, y: (m(x) - y).square().mean(), "y": data(2)},
        {"loss": lambda m, x, y: (m(x) - y).square().mean(), "y": data(3)},
        r"y is \(12, 5\)",
    ),
    "validation data": ({"X_val": data(2)}, {"X_val": data(3)}, r"X_val is \(12, 5\)"),
    "learning rate": ({"lr": 0.1}, {"lr": 0.2}, "lr is 0.2, there 0.1"),
    "of an optimiser": (
        {"optimizer": step(0.1)},
        {"optimizer": step(0.2)},
        "lr is 0.2, there 0.1",
    ),
    "optimiser": (
        {"optimizer": step(0.1)},
        {"optimizer": lambda p: torch.optim.RMSprop(p, lr=0.1)},
        "optimizer is RMSprop, there SGD",
    ),
    "schedule": (
        {"schedule": decay(3)},
        {"schedule": decay(4)},
        "schedule, size is 4, there 3",
    ),
    "no schedule": ({"schedule": decay(3)}, {}, "schedule is None, there decay"),
    "by steps": (
        {"schedule": decay(3)},
        {"schedule": decay(3), "schedule_by": "step"},
        "schedule_by is 'step', there 'epoch'",
    ),
    "clipping": ({"max_norm": 1.0}, {"max_norm": 2.0}, "max_norm is 2.0, there 1.0"),
    "batch size": ({}, {"batch_size": 6}, "batch_size is 6, there 5"),
    "seed": ({}, {"seed": 1}, "seed is 1, there 0"),
    "a setting of the model": (
        {"model": nn.Sequential(nn.Linear(D, D), nn.Dropout(0.1))},
        {"model": nn.Sequential(nn.Linear(D, D), nn.Dropout(0.2))},
        "model.1.p is 0.2, there 0.1",
    ),
    "an activation": (
        {"model": linear(activation="tanh")},
        {"model": linear(activation="relu")},
        "model.encoder.0.activation is 'relu', there 'tanh'",
    ),
    "frozen weights": (
        {},
        {"model": changed(linear(), lambda m: m.encoder.requires_grad_(False))},
        r"model.encoder.0.weight is \(3, 5\) torch.float32, frozen, there \(3, 5\) torch.float32",
    ),
    "a frozen normalisation": (
        {"model": nn.Sequential(nn.Linear(D, D), nn.BatchNorm1d(D))},
        {
            "model": changed(
                nn.Sequential(nn.Linear(D, D), nn.BatchNorm1d(D)), lambda m: m[1].eval()
            )
        },
        r"model, in evaluation mode is \['1'\], there absent",
    ),
    "key": ({"key": "a"}, {"key": "b"}, "key is 'b', there 'a'"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_another_experiment_is_refused_by_what_differs(tmp_path: Path, change: str) -> None:
    before, after, said = CHANGES[change]
    path = tmp_path / "run.pt"
    run(path, **before)
    stored = path.read_bytes()
    with pytest.raises(ValueError, match=f"belongs to another run: .*{said}"):
        run(path, **after)
    assert path.read_bytes() == stored
    assert run(path, **before).epochs == 2  # and the first is still taken


def test_a_changed_helper_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "run.pt"
    run(path, loss=through_a_helper)
    monkeypatch.setitem(globals(), "helper", other_helper)
    with pytest.raises(ValueError, match=r"loss, helper is other_helper, code .*, there helper"):
        run(path, loss=through_a_helper)


def test_a_changed_global_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "run.pt"
    run(path, loss=by_a_global)
    monkeypatch.setitem(globals(), "PENALTY", 0.5)
    with pytest.raises(ValueError, match=r"loss, PENALTY is 0.5, there 0.1"):
        run(path, loss=by_a_global)


# One process imports torch, and forks for each run: as it ends, so does all that it knew.
PROGRAM = """
import json, os, sys
import torch
from torch import nn
from replearn.training import train

def run(folder, scale, factor, power, killed):
    os.makedirs(folder, exist_ok=True)
    os.chdir(folder)
    sys.path.insert(0, folder)
    with open("losses.py", "w") as file:
        file.write(f"from parts import distance\\ndef of(a, b): return {factor} * distance(a, b)")
    with open("parts.py", "w") as file:
        file.write(f"def distance(a, b): return (a - b).abs().pow({power}).mean()")
    body = f'''
import losses
class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(4, 4)
    def forward(self, x):
        return self.layer(x) * {scale}
loss = lambda model, x: losses.of(model(x), x)
torch.manual_seed(0)
model = Model()
'''
    exec(body, globals())
    def callback(state):
        if state.history.epochs == killed:
            os._exit(9)
    history = train(model, torch.linspace(0, 1, 80).view(20, 4), loss=loss, epochs=4,
                    batch_size=8, checkpoint="run.pt", callbacks=[callback], progress=False)
    return [value.hex() for value in history.loss]

for arguments in json.loads(sys.argv[1]):
    out, into = os.pipe()
    child = os.fork()
    if child == 0:
        sys.dont_write_bytecode = True
        try:
            said = run(*arguments)
        except ValueError as error:
            said = str(error)
        os.write(into, json.dumps(said).encode())
        os._exit(0)
    os.close(into)
    status = os.waitpid(child, 0)[1]
    with os.fdopen(out) as pipe:
        print(json.dumps([os.waitstatus_to_exitcode(status), pipe.read()]))
"""


def test_processes_that_are_killed_and_changed(tmp_path: Path) -> None:
    """Modules of the user's own count by their content; the same code is the same run."""
    whole, part = str(tmp_path / "whole"), str(tmp_path / "part")
    runs = [  # folder, scale in the model, factor in the loss, power in its helper, killed at
        [whole, 1.0, 1.0, 2, 0],
        [part, 1.0, 1.0, 2, 2],
        [part, 1.0, 2.0, 2, 0],
        [part, 1.0, 1.0, 3, 0],
        [part, 2.0, 1.0, 2, 0],
        [part, 1.0, 1.0, 2, 0],
    ]
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, json.dumps(runs)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    said = [json.loads(line) for line in done.stdout.splitlines()]
    assert [status for status, _ in said] == [0, 9, 0, 0, 0, 0], said
    wanted, _, factor, power, scale, resumed = (text for _, text in said)
    assert "loss, losses.of is of, code" in factor
    assert "loss, losses.of, distance is distance, code" in power
    assert "model, class is Model, code" in scale
    assert resumed == wanted
    assert len(json.loads(wanted)) == 4


@pytest.mark.parametrize(
    "value",
    [torch.Generator(), iter([1.0]), object(), sys.stdout.buffer, __import__("random").Random(0)],
    ids=lambda value: type(value).__name__,
)
def test_what_has_no_content_is_refused_and_can_be_named(tmp_path: Path, value: object) -> None:
    def loss(model: nn.Module, x: Tensor) -> Tensor:
        return squared(model, x) + 0 * (value is None)

    path = tmp_path / "run.pt"
    with pytest.raises(ValueError, match=r"loss, value: got a .*; or name the run yourself, as in"):
        run(path, loss=loss)
    assert not path.exists()
    assert run(path, loss=loss, key="mine").epochs == 2
    assert run(path, loss=loss, key="mine", epochs=3).epochs == 3


def test_without_a_checkpoint_nothing_is_asked() -> None:
    generator = torch.Generator()
    loss = lambda model, x: squared(model, x) + 0 * torch.rand((), generator=generator)  # noqa: E731
    assert train(linear(), data(), loss=loss, epochs=1, progress=False).epochs == 1


def test_what_belongs_to_the_run_is_known_by_name(tmp_path: Path) -> None:
    """A loss may hold the model and the data: their values change, their part does not."""
    path, model, X = tmp_path / "run.pt", linear(), data()

    def loss(_: nn.Module, x: Tensor) -> Tensor:
        return (model(x) - x).square().mean() + 0 * X.sum() + 0 * model.encoder[0].weight.sum()

    run(path, model=model, X=X, loss=loss)
    assert run(path, model=model, X=X, loss=loss, epochs=4).epochs == 4


def test_comments_and_places_do_not_count(tmp_path: Path) -> None:
    source = "def loss(model, x):\n    return (model(x) - x).square().mean()\n"
    moved = "\n\n# a comment\n" + source.replace("return", "# another\n    return")
    losses = []
    for text in (source, moved):
        namespace: dict[str, Any] = {}
        exec(text, namespace)
        losses.append(namespace["loss"])
    path = tmp_path / "run.pt"
    run(path, loss=losses[0])
    assert run(path, loss=losses[1], epochs=3).epochs == 3


def test_a_changed_bit_of_a_checkpoint_is_refused(tmp_path: Path) -> None:
    path, model = tmp_path / "run.pt", linear()
    options: dict[str, Any] = {"loss": squared, "epochs": 1, "progress": False}
    train(model, data(), **options, checkpoint=path)
    weight = next(model.parameters()).detach().numpy().tobytes()
    content = bytearray(path.read_bytes())
    content[content.index(weight) + 3] ^= 0x40
    path.write_bytes(content)
    with pytest.raises(ValueError, match="not a file written by train"):
        train(linear(), data(), **options, checkpoint=path)


class Counting(nn.Module):
    """Its buffer, which no state_dict holds, changes the output."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(D, D)
        self.register_buffer("steps", torch.zeros(()), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        if self.training:
            self.steps += 1
        out: Tensor = self.layer(x) * (1 + 0.1 * self.steps)
        return out


def test_a_buffer_that_is_not_persistent_is_resumed_too(tmp_path: Path) -> None:
    def stop(state: Any) -> None:
        if state.history.epochs == 3:
            raise KeyboardInterrupt

    options: dict[str, Any] = {"loss": squared, "epochs": 6, "progress": False}
    torch.manual_seed(0)
    start = Counting()
    whole, parts, resumed = (copy.deepcopy(start) for _ in range(3))
    train(whole, data(), **options)
    with pytest.raises(KeyboardInterrupt):
        train(parts, data(), **options, checkpoint=tmp_path / "run.pt", callbacks=[stop])
    train(resumed, data(), **options, checkpoint=tmp_path / "run.pt")
    assert int(resumed.steps) == int(whole.steps) == 6
    assert torch.equal(resumed.layer.weight, whole.layer.weight)


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("import lazy_factor", "lazy_factor.FACTOR * x"),
        ("from lazy_factor import FACTOR", "FACTOR * x"),
        ("from lazy_factor import times", "times(x)"),
    ],
)
def test_a_module_that_the_loss_imports_is_part_of_it(
    line: str, value: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Imported before the first step or not: the same run is taken up, another one is refused."""
    source = tmp_path / "lazy_factor.py"
    source.write_text("FACTOR = 1.0\ndef times(x): return FACTOR * x\n")
    monkeypatch.syspath_prepend(tmp_path)
    scope: dict[str, Any] = {"__name__": "__main__"}
    exec(f"def loss(m, x):\n {line}\n x = (m(x) - x).square().mean()\n return {value}", scope)

    def run() -> None:
        path = tmp_path / "run.pt"
        train(linear(), data(), loss=scope["loss"], epochs=1, checkpoint=path, progress=False)

    def forget() -> None:
        sys.modules.pop("lazy_factor", None)
        importlib.invalidate_caches()

    try:
        run()
        run()
        forget()
        run()
        source.write_text("FACTOR = 22.0\ndef times(x): return FACTOR * x\n")
        forget()
        with pytest.raises(ValueError, match="lazy_factor"):
            run()
    finally:
        forget()
