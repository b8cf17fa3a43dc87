"""The training loop: what a step computes, what an epoch visits, and that nothing is lost."""

import io
import re
import sys

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from replearn.training import History, train

# A deadline would make the tests depend on how busy the machine is.
no_deadline = settings(deadline=None)


def data(n=20, d=3, seed=0):
    return torch.randn(n, d, generator=torch.Generator().manual_seed(seed))


def autoencoder(d=3, seed=0, dropout=0.0):
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return nn.Sequential(nn.Linear(d, 4), nn.Tanh(), nn.Dropout(dropout), nn.Linear(4, d))


def squared_error(model, x):
    return ((x - model(x)) ** 2).sum(1).mean()


def weights(model):
    return torch.cat([p.detach().flatten() for p in model.parameters()])


class Mean(nn.Module):
    """One parameter b, and the loss mean ||x - b||^2 with the gradient 2 (b - mean x)."""

    def __init__(self, d=3):
        super().__init__()
        self.b = nn.Parameter(torch.zeros(d, dtype=torch.float64))

    def forward(self, x):
        return self.b.expand_as(x)


def descend(p):
    return torch.optim.SGD(p, lr=0.1)


@no_deadline
@given(st.integers(1, 12), st.integers(1, 6))
def test_full_batch_is_gradient_descent_in_closed_form(n, epochs):
    X, model = data(n).double(), Mean()
    history = train(model, X, loss=squared_error, epochs=epochs, batch_size=None, optimizer=descend)
    # b <- b - 0.2 (b - mean), from b = 0, is b = (1 - 0.8^k) mean after k steps.
    torch.testing.assert_close(model.b.detach(), (1 - 0.8**epochs) * X.mean(0))
    spread = float(((X - X.mean(0)) ** 2).sum(1).mean())
    expected = [spread + 0.64**k * float((X.mean(0) ** 2).sum()) for k in range(epochs)]
    assert history.loss == pytest.approx(expected, rel=1e-9)
    assert (history.epochs, history.steps) == (epochs, epochs)


@no_deadline
@given(st.integers(1, 40), st.integers(1, 45), st.integers(1, 3))
def test_an_epoch_visits_every_sample_once_in_batches(n, batch_size, epochs):
    X, y = torch.arange(n).double().unsqueeze(1), torch.arange(n) + 100
    batches, model = [], Mean(1)

    def loss(model, x, targets):
        batches.append(x.squeeze(1).tolist())
        assert targets.tolist() == [v + 100 for v in batches[-1]]
        return squared_error(model, x)

    history = train(model, X, y=y, loss=loss, epochs=epochs, batch_size=batch_size)
    steps = -(-n // batch_size)
    assert history.steps == len(batches) == epochs * steps
    for k in range(epochs):
        epoch = batches[k * steps : (k + 1) * steps]
        assert all(len(b) == batch_size for b in epoch[:-1])
        assert sorted(i for batch in epoch for i in batch) == list(range(n))


def test_the_order_is_mixed_and_new_in_each_epoch():
    orders = []

    def loss(model, x):
        orders.extend(x.squeeze(1).tolist())
        return squared_error(model, x)

    train(Mean(1), torch.arange(50.0).unsqueeze(1), loss=loss, epochs=2, batch_size=10)
    assert orders[:50] != sorted(orders[:50])
    assert orders[:50] != orders[50:]


def test_history_is_the_mean_over_samples_though_the_last_batch_is_smaller():
    def loss(model, x):
        return x.mean() + 0 * model.b.sum()

    X = torch.arange(10.0).double().unsqueeze(1)
    history = train(Mean(1), X, loss=loss, epochs=3, batch_size=4, X_val=X + 1, optimizer=descend)
    assert history.loss == pytest.approx([4.5] * 3)
    assert history.val_loss == pytest.approx([5.5] * 3)


def test_validation_is_weighted_when_it_takes_several_batches():
    X = torch.arange(1500.0).double().unsqueeze(1)
    history = train(Mean(1), X[:4], loss=lambda m, x: x.mean() + 0 * m.b.sum(), epochs=1, X_val=X)
    assert history.val_loss == pytest.approx([X.mean().item()])


def test_fused_adam_by_default_takes_adams_first_step():
    # Whatever the gradient's size, Adam's first step is lr times its sign.
    X, model = data().double() + 5, Mean()
    train(model, X, loss=squared_error, epochs=1, batch_size=None, lr=0.25)
    torch.testing.assert_close(model.b.detach(), torch.full((3,), 0.25).double(), rtol=1e-6, atol=0)


def test_the_default_is_the_same_training_as_the_loop_written_out():
    X, ours, theirs = data(50), autoencoder(), autoencoder()
    train(ours, X, loss=squared_error, epochs=3, batch_size=8, seed=5)
    optimizer = torch.optim.Adam(theirs.parameters())
    generator = torch.Generator().manual_seed(5)
    for _ in range(3):
        for index in torch.randperm(50, generator=generator).split(8):
            optimizer.zero_grad()
            squared_error(theirs, X[index]).backward()
            optimizer.step()
    # The fused kernel rounds in another order: float32 over 21 steps.
    torch.testing.assert_close(weights(ours), weights(theirs), rtol=1e-4, atol=1e-5)


def test_frozen_parameters_stay():
    model = autoencoder()
    model[0].requires_grad_(False)
    before = [p.clone() for p in model.parameters()]
    train(model, data(), loss=squared_error, epochs=2)
    after = list(model.parameters())
    assert torch.equal(before[0], after[0])
    assert not torch.equal(before[2], after[2])


def test_modes_training_for_steps_evaluation_for_validation_then_as_before():
    modes, model = [], autoencoder().eval()

    def loss(model, x):
        modes.append(model.training)
        return squared_error(model, x)

    train(model, data(), loss=loss, epochs=2, X_val=data())
    assert modes == [True, False, True, False]
    train(model, data(), loss=loss, epochs=1)
    assert not model.training


def test_seed_decides_everything_and_the_global_generator_is_left_alone():
    results = []
    for global_seed, seed in ((1, 0), (2, 0), (2, 1)):
        model = autoencoder(dropout=0.5)
        torch.manual_seed(global_seed)
        before = torch.get_rng_state()
        train(model, data(), loss=squared_error, epochs=2, batch_size=7, seed=seed)
        assert torch.equal(torch.get_rng_state(), before)
        results.append(weights(model))
    assert torch.equal(results[0], results[1])
    assert not torch.equal(results[0], results[2])


# -- early stopping ---------------------------------------------------------------------------


def scripted(values):
    """A loss whose validation values are the given ones; training moves b by 0.1 a step."""
    left = list(values)

    def loss(model, x):
        if torch.is_grad_enabled():
            return -model.b.sum()
        return torch.tensor(left.pop(0))

    return loss


@no_deadline
@given(st.lists(st.integers(0, 9), min_size=1, max_size=12), st.integers(1, 4))
def test_stops_after_patience_epochs_without_improvement_with_the_best_weights(values, patience):
    # What the rule says, in words: count the epochs since the first lowest value so far.
    stop = next(
        (
            k
            for k in range(1, len(values) + 1)
            if k - 1 - values[:k].index(min(values[:k])) >= patience
        ),
        None,
    )
    epochs = stop or len(values)
    best = values[:epochs].index(min(values[:epochs])) + 1
    model = Mean(1)
    history = train(
        model,
        torch.zeros(3, 1).double(),
        loss=scripted(map(float, values)),
        epochs=len(values),
        optimizer=descend,
        X_val=torch.zeros(2, 1).double(),
        patience=patience,
    )
    assert history.epochs == epochs
    assert history.stopped_early == (stop is not None)
    assert history.val_loss == [float(v) for v in values[:epochs]]
    # One step of 0.1 an epoch, so b tells the epoch.
    assert model.b.item() == pytest.approx(0.1 * best)


def test_without_patience_the_last_weights_stay():
    model = Mean(1)
    history = train(
        model,
        torch.zeros(3, 1).double(),
        loss=scripted([1.0, 2.0, 3.0]),
        epochs=3,
        optimizer=descend,
        X_val=torch.zeros(2, 1).double(),
    )
    assert not history.stopped_early
    assert model.b.item() == pytest.approx(0.3)


# -- checkpoint and resume --------------------------------------------------------------------


class Interrupting:
    """A loss that is interrupted at its k-th call."""

    def __init__(self, at):
        self.left = at

    def __call__(self, model, x):
        self.left -= 1
        if self.left == 0:
            raise KeyboardInterrupt
        return squared_error(model, x)


def settings_of_a_run(**changes):
    return {
        "loss": squared_error,
        "epochs": 6,
        "batch_size": 7,
        "seed": 3,
        "lr": 0.05,
    } | changes


# 20 samples in batches of 7: three steps an epoch, and one validation where there is one.
@pytest.mark.parametrize("at", [1, 2, 4, 8, 17, 18])
def test_interrupted_and_resumed_ends_with_the_same_weights(tmp_path, at):
    X, whole, part = data(), autoencoder(dropout=0.3), autoencoder(dropout=0.3)
    kept = {"checkpoint": tmp_path / "new" / "run.pt", "key": "a run"}
    reference = train(whole, X, **settings_of_a_run())
    with pytest.raises(KeyboardInterrupt):
        train(part, X, **kept, **settings_of_a_run(loss=Interrupting(at)))
    again = autoencoder(seed=9, dropout=0.3)  # another process, another start
    history = train(again, X, **kept, **settings_of_a_run())
    assert torch.equal(weights(again), weights(whole))
    assert history.loss == reference.loss
    assert (history.epochs, history.steps) == (reference.epochs, reference.steps) == (6, 18)
    assert [p.name for p in kept["checkpoint"].parent.iterdir()] == ["run.pt"]


# Patience 6 means at least seven epochs, of four calls each.
@pytest.mark.parametrize("at", [1, 6, 11, 23, 27])
def test_the_same_with_early_stopping(tmp_path, at):
    # A validation set of another distribution, so that its loss soon rises.
    X, X_val = data(), 3 + data(9, seed=1)
    arguments = settings_of_a_run(
        epochs=60, X_val=X_val, patience=6, optimizer=lambda p: torch.optim.Adam(p, lr=0.5)
    )
    whole, part = autoencoder(), autoencoder()
    kept = {"checkpoint": tmp_path / "run.pt", "key": "a run"}
    reference = train(whole, X, **arguments)
    assert reference.stopped_early
    with pytest.raises(KeyboardInterrupt):
        train(part, X, **kept, **(arguments | {"loss": Interrupting(at)}))
    again = autoencoder(seed=9)
    history = train(again, X, **kept, **arguments)
    assert torch.equal(weights(again), weights(whole))
    assert (history.loss, history.val_loss) == (reference.loss, reference.val_loss)
    assert (history.epochs, history.stopped_early) == (reference.epochs, True)


def test_a_finished_run_is_not_repeated_and_can_be_carried_on(tmp_path):
    X, whole = data(), autoencoder()
    kept = {"checkpoint": str(tmp_path / "run.pt"), "key": "a run"}
    train(whole, X, **settings_of_a_run())
    train(autoencoder(), X, **kept, **settings_of_a_run(epochs=4))
    again = autoencoder(seed=9)
    history = train(again, X, **kept, **settings_of_a_run(epochs=4, loss=Interrupting(1)))
    assert history.epochs == 4
    longer = train(again, X, **kept, **settings_of_a_run())
    assert longer.epochs == 6
    assert longer.seconds > history.seconds
    assert torch.equal(weights(again), weights(whole))


def test_a_run_that_stopped_early_stays_stopped(tmp_path):
    X, path = torch.zeros(3, 1).double(), tmp_path / "run.pt"
    arguments = {"epochs": 9, "X_val": X, "patience": 2, "optimizer": descend}
    arguments |= {"checkpoint": path, "key": "a run"}
    train(Mean(1), X, loss=scripted([1.0, 2.0, 3.0]), **arguments)
    model = Mean(1)
    history = train(model, X, loss=scripted([]), **arguments)
    assert history.stopped_early
    assert history.epochs == 3
    assert model.b.item() == pytest.approx(0.1)


def test_a_failure_while_saving_leaves_the_checkpoint_before_it(tmp_path, monkeypatch):
    X, path = data(), tmp_path / "run.pt"
    train(autoencoder(), X, checkpoint=path, **settings_of_a_run(epochs=2))
    before = path.read_bytes()

    def broken(_, part):
        part.write(b"half")
        raise OSError("disk full")

    monkeypatch.setattr(torch, "save", broken)
    with pytest.raises(OSError, match="disk full"):
        train(autoencoder(), X, checkpoint=path, **settings_of_a_run())
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"seed": 4}, "seed is 4, there 3"),
        ({"batch_size": 8}, "batch_size is 8, there 7"),
        ({"batch_size": None}, "batch_size is None, there 7"),
        ({"lr": 0.1}, "lr is 0.1, there 0.05"),
        ({"optimizer": descend}, "optimizer is SGD, there Adam"),
        ({"X_val": data(4)}, r"X_val is \(4, 3\) torch.float32 on cpu, digest \w+, there None"),
        ({"X_val": data(4), "patience": 2}, "patience is 2, there None"),
        ({"epochs": 1}, "epochs: got 1, want at least the 2 that checkpoint .* has behind it"),
    ],
)
def test_a_checkpoint_of_another_run_is_refused_by_name(tmp_path, changes, said):
    path, model = tmp_path / "run.pt", autoencoder(seed=9)
    train(autoencoder(), data(), checkpoint=path, **settings_of_a_run(epochs=2))
    before, stored = weights(model), path.read_bytes()
    with pytest.raises(ValueError, match=said):
        train(model, data(), checkpoint=path, **settings_of_a_run(**changes))
    assert torch.equal(weights(model), before)
    assert path.read_bytes() == stored


def test_a_checkpoint_of_another_model_or_data_set_is_refused(tmp_path):
    path = tmp_path / "run.pt"
    train(autoencoder(), data(), checkpoint=path, **settings_of_a_run(epochs=2))
    with pytest.raises(ValueError, match=r"0.out_features is 3, there 4; .* \d+ more; want"):
        train(nn.Sequential(nn.Linear(3, 3)), data(), checkpoint=path, **settings_of_a_run())
    with pytest.raises(ValueError, match=r"X is \(21, 3\) .*there \(20, 3\)"):
        train(autoencoder(), data(21), checkpoint=path, **settings_of_a_run())


def test_groups_of_parameters_are_told_apart(tmp_path):
    def groups(lr):
        return lambda p: torch.optim.SGD([{"params": q, "lr": lr * k} for k, q in enumerate(p, 1)])

    path = tmp_path / "run.pt"
    train(autoencoder(), data(), checkpoint=path, **settings_of_a_run(optimizer=groups(0.25)))
    with pytest.raises(ValueError, match=r"lr \(parameter group 1\) is 1.0, there 0.5"):
        train(autoencoder(), data(), checkpoint=path, **settings_of_a_run(optimizer=groups(0.5)))


@pytest.mark.parametrize(
    "content", [b"", b"junk", b"(((.", b"\x80\x02.", b"0", b"PK\x03\x04", b"}a."]
)
def test_any_other_file_is_refused(tmp_path, content):
    path = tmp_path / "run.pt"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"run.pt, which is not a file written by train"):
        train(autoencoder(), data(), checkpoint=path, **settings_of_a_run())
    assert path.read_bytes() == content


def test_a_checkpoint_that_was_cut_short_is_refused(tmp_path):
    path = tmp_path / "run.pt"
    train(autoencoder(), data(), checkpoint=path, **settings_of_a_run(epochs=1))
    whole = path.read_bytes()
    for kept in (1, len(whole) // 4, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:kept])
        with pytest.raises(ValueError, match=r"run.pt, which is not a file written by train"):
            train(autoencoder(), data(), checkpoint=path, **settings_of_a_run())


def test_a_file_that_is_no_checkpoint_is_refused(tmp_path):
    with pytest.raises(ValueError, match="which is a folder, want a file written by train"):
        train(autoencoder(), data(), checkpoint=tmp_path, **settings_of_a_run())
    path = tmp_path / "run.pt"
    path.write_bytes(b"notes")
    with pytest.raises(ValueError, match="not a file written by train"):
        train(autoencoder(), data(), checkpoint=path, **settings_of_a_run())
    assert path.read_bytes() == b"notes"
    torch.save({"weights": torch.ones(2)}, path)
    with pytest.raises(ValueError, match="not a file written by train"):
        train(autoencoder(), data(), checkpoint=path, **settings_of_a_run())
    torch.save({"writer": "train", "version": 99, "identity": {}}, path)
    with pytest.raises(ValueError, match="by train, version 99, want train, version 3"):
        train(autoencoder(), data(), checkpoint=path, **settings_of_a_run())


# -- what goes wrong --------------------------------------------------------------------------


def test_a_loss_that_is_not_a_number_stops_the_run_and_says_where(tmp_path):
    X, path = data(), tmp_path / "run.pt"
    calls = iter(range(1, 100))

    def loss(model, x):
        value = squared_error(model, x)
        return value * float("nan") if next(calls) == 5 else value

    kept = {"checkpoint": path, "key": "a run"}
    with pytest.raises(
        FloatingPointError, match="nan in epoch 2, step 2 of 3: try a smaller learning rate"
    ):
        train(autoencoder(), X, **kept, **settings_of_a_run(loss=loss))
    # The checkpoint holds the epoch before: with a sound loss it carries on.
    assert train(autoencoder(), X, **kept, **settings_of_a_run()).epochs == 6


def test_divergence_is_an_infinite_loss():
    with pytest.raises(FloatingPointError, match="inf in epoch"):
        train(
            Mean(),
            data().double(),
            loss=squared_error,
            epochs=2000,
            optimizer=lambda p: torch.optim.SGD(p, lr=10.0),
        )


def test_validation_that_is_not_a_number_is_said():
    X_val = torch.full((2, 3), float("nan"))
    with pytest.raises(FloatingPointError, match="nan in the validation after epoch 1"):
        train(autoencoder(), data(), loss=squared_error, epochs=2, X_val=X_val)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"epochs": 0}, "epochs: got 0, want at least 1"),
        ({"batch_size": 0}, "batch_size: got 0, want at least 1"),
        ({"X_val": data(), "patience": 0}, "patience: got 0, want at least 1"),
        ({"patience": 3}, "patience: got 3 without X_val, want X_val"),
        ({"y_val": data()}, "y_val: got y_val, want y_val exactly where y and X_val are"),
        ({"y": data(), "X_val": data()}, "y_val: got y, X_val, want y_val exactly where"),
        ({"y": data(19)}, r"y: got shape \(19, 3\), want \(20, ...\) to go with X"),
        ({"y": torch.tensor(1.0)}, r"y: got shape \(\), want \(20, ...\)"),
        (
            {"y": data(), "X_val": data(), "y_val": data(4)},
            r"y_val: got shape \(4, 3\), want \(20, ...\) to go with X_val",
        ),
        ({"X_val": data(0)}, r"X_val: got shape \(0, 3\)"),
        ({"y": torch.empty(20, device="meta")}, "y: got device meta, want cpu, as the model"),
        ({"loss": lambda m, x: m(x)}, r"loss: got \(20, 3\), want a scalar"),
        ({"loss": lambda m, x: 1.0}, "loss: got float, want a scalar"),
        (
            {"loss": lambda m, x: squared_error(m, x).detach()},
            "loss: got a tensor without a gradient, want one computed from the model",
        ),
        ({"epochs": 1.5}, "epochs: got 1.5, want an integer"),
        ({"epochs": True}, "epochs: got True, want an integer"),
        ({"epochs": None}, "epochs: got None, want an integer"),
        ({"batch_size": 8.0}, "batch_size: got 8.0, want an integer"),
        ({"seed": "a"}, "seed: got 'a', want an integer"),
        ({"seed": torch.tensor(0.5)}, r"seed: got tensor\(0.5000\), want an integer"),
        ({"seed": 2**64}, "seed: got 18446744073709551616, want an integer of at most 64 bits"),
        ({"lr": -1}, "lr: got -1, want a number of at least 0"),
        ({"lr": float("nan")}, "lr: got nan, want a number"),
        ({"lr": float("inf")}, "lr: got inf, want a finite number"),
        ({"lr": "fast"}, "lr: got 'fast', want a number"),
        ({"y": [0] * 20}, "y: got list, want a torch tensor"),
        ({"X_val": data().numpy()}, "X_val: got ndarray, want a torch tensor"),
        (
            {"X_val": data().double()},
            "X_val: got .* dtype torch.float64, want those of X, .* torch.float32",
        ),
        ({"X_val": data(4, 2)}, r"X_val: got shape \(4, 2\) .* want those of X, \(20, 3\)"),
        ({"optimizer": "sgd"}, "optimizer: got 'sgd', want a callable that makes an optimiser"),
        (
            {"optimizer": torch.optim.SGD(autoencoder().parameters(), lr=0.1)},
            "optimizer: got a SGD object, want a callable that makes one from the parameters",
        ),
    ],
)
def test_bad_arguments_are_named(changes, said):
    arguments = {"loss": squared_error, "epochs": 2} | changes
    with pytest.raises(ValueError, match=said):
        train(autoencoder(), data(), **arguments)


def test_data_or_model_that_cannot_be_trained_are_named():
    with pytest.raises(ValueError, match=r"X: got shape \(\), want"):
        train(autoencoder(), torch.tensor(1.0), loss=squared_error, epochs=1)
    with pytest.raises(ValueError, match="X: got device meta, want cpu, as the model"):
        train(autoencoder(), data().to("meta"), loss=squared_error, epochs=1)
    with pytest.raises(ValueError, match="model: got no parameter that requires a gradient"):
        train(nn.Tanh(), data(), loss=squared_error, epochs=1)
    with pytest.raises(ValueError, match="X: got ndarray, want a torch tensor"):
        train(autoencoder(), data().numpy(), loss=squared_error, epochs=1)
    with pytest.raises(ValueError, match="X: got NoneType, want a torch tensor"):
        train(autoencoder(), None, loss=squared_error, epochs=1)
    with pytest.raises(ValueError, match=r"model: got function, want a torch.nn.Module"):
        train(lambda x: x, data(), loss=squared_error, epochs=1)
    with pytest.raises(
        ValueError, match=r"X: got dtype torch.float64, want torch.float32, as the model"
    ):
        train(autoencoder(), data().double(), loss=squared_error, epochs=1)


def test_a_loss_may_bring_the_data_to_the_dtype_of_the_model():
    def loss(model, x):
        return squared_error(model, x.float())

    wide, narrow = autoencoder(), autoencoder()
    train(wide, data().double(), loss=loss, epochs=2)
    train(narrow, data(), loss=loss, epochs=2)
    # Batches lie elsewhere in memory, so that each of 6 steps may round otherwise.
    torch.testing.assert_close(weights(wide), weights(narrow), rtol=0, atol=1e-5)


def test_an_error_of_the_loss_itself_is_left_alone():
    def loss(model, x):
        raise RuntimeError("a mistake of mine")

    with pytest.raises(RuntimeError, match="a mistake of mine"):
        train(autoencoder(), data(), loss=loss, epochs=1)

    def backward_twice(model, x):
        value = squared_error(model, x)
        value.backward()
        return value

    with pytest.raises(RuntimeError, match="backward through the graph a second time"):
        train(autoencoder(), data(), loss=backward_twice, epochs=1)


def test_integers_of_numpy_and_torch_are_integers():
    reference, model = autoencoder(), autoencoder()
    train(reference, data(), loss=squared_error, epochs=2, batch_size=8, seed=3)
    counts = {"epochs": np.int64(2), "batch_size": torch.tensor(8), "seed": np.int32(3)}
    train(model, data(), loss=squared_error, **counts)
    assert torch.equal(weights(model), weights(reference))


# -- the progress bar -------------------------------------------------------------------------


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.mark.parametrize(
    ("stream", "progress", "shown"),
    [
        (Terminal, True, True),
        (Terminal, False, False),
        (io.StringIO, True, False),
        (io.StringIO, "always", True),
    ],
)
def test_the_bar_is_for_terminals_unless_it_is_asked_for(monkeypatch, stream, progress, shown):
    monkeypatch.setattr(sys, "stderr", stream())
    train(autoencoder(), data(), loss=squared_error, epochs=2, X_val=data(), progress=progress)
    printed = sys.stderr.getvalue()
    assert bool(printed) == shown
    assert ("2/2" in printed and "val_loss=" in printed) == shown


def test_an_empty_history_has_run_nothing():
    assert History() == History([], [], 0, False, 0.0, 0, [])


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs CUDA")
def test_on_cuda_it_trains_resumes_and_leaves_the_generator_alone(tmp_path):
    X, path = data().cuda(), tmp_path / "run.pt"
    whole, part, again = (autoencoder(dropout=0.3).cuda() for _ in range(3))
    before = torch.cuda.get_rng_state()
    reference = train(whole, X, **settings_of_a_run())
    assert reference.loss[-1] < reference.loss[0]
    with pytest.raises(KeyboardInterrupt):
        train(part, X, checkpoint=path, key="a", **settings_of_a_run(loss=Interrupting(8)))
    history = train(again, X, checkpoint=path, key="a", **settings_of_a_run())
    assert history.loss == reference.loss
    assert torch.equal(weights(again), weights(whole))
    assert torch.equal(torch.cuda.get_rng_state(), before)
    with pytest.raises(ValueError, match="X: got device cpu, want cuda:0, as the model"):
        train(again, data(), **settings_of_a_run())


class AtTheOrigin(nn.Module):
    """sqrt((w - 1)^2) has no derivative where it begins, though a value."""

    def __init__(self):
        super().__init__()
        self.w = nn.Parameter(torch.ones(1))

    def forward(self, x):
        return x


@pytest.mark.parametrize("epochs", [1, 3])
def test_a_nan_gradient_of_a_finite_loss_is_said_and_not_kept(epochs, tmp_path):
    def loss(model, x):
        return (model.w - 1).square().sum().sqrt()

    path = tmp_path / "run.pt"
    for _ in range(2):  # the checkpoint is that of before the first epoch
        with pytest.raises(FloatingPointError, match="w became infinite or NaN in epoch 1"):
            train(
                AtTheOrigin(),
                torch.zeros(3, 1),
                loss=loss,
                epochs=epochs,
                checkpoint=path,
                progress=False,
            )
        assert torch.load(path)["model"]["w"].tolist() == [1.0]


def test_an_optimiser_of_another_models_parameters_is_refused():
    other = nn.Linear(4, 4)
    with pytest.raises(ValueError, match="optimizer: got one of none of the model's parameters"):
        train(
            nn.Linear(4, 4),
            torch.ones(3, 4),
            loss=lambda model, x: model(x).square().mean(),
            epochs=1,
            optimizer=lambda _: torch.optim.SGD(other.parameters(), lr=0.1),
            progress=False,
        )


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"checkpoint": 3}, "checkpoint: got 3, want a path or None"),
        ({"progress": "maybe"}, "progress: got 'maybe', want True, False or 'always'"),
    ],
)
def test_what_is_neither_is_refused(changes, sentence):
    arguments = {"loss": lambda m, x: m(x).square().mean(), "epochs": 1, "progress": False}
    with pytest.raises(ValueError, match=re.escape(sentence)):
        train(nn.Linear(4, 4), torch.ones(3, 4), **arguments | changes)


def test_it_trains_where_gradients_are_off():
    net = nn.Linear(4, 4)
    before = net.weight.detach().clone()
    with torch.no_grad():
        train(
            net, torch.ones(3, 4), loss=lambda m, x: m(x).square().mean(), epochs=1, progress=False
        )
        assert not torch.is_grad_enabled()
    assert not torch.equal(net.weight, before)
