"""Callbacks see each epoch once, may end the run, and change nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from replearn.training import State, train


def data() -> Tensor:
    return torch.randn(20, 3, generator=torch.Generator().manual_seed(0))


def model() -> nn.Module:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return nn.Sequential(nn.Linear(3, 3), nn.Dropout(0.3))


def loss(net: nn.Module, x: Tensor) -> Tensor:
    return (net(x) - x).square().mean()


SETTINGS = {"loss": loss, "batch_size": 8, "progress": False}


def test_a_callback_sees_each_epoch() -> None:
    seen = []

    def watch(state: State) -> None:
        assert isinstance(state.optimizer, torch.optim.Adam)
        seen.append((state.history.epochs, state.history.loss[-1], state.model is net))

    net = model()
    history = train(net, data(), epochs=3, callbacks=[watch], **SETTINGS)
    assert seen == [(k + 1, history.loss[k], True) for k in range(3)]


def test_a_callback_ends_the_run() -> None:
    def enough(state: State) -> None:
        state.stop = state.history.epochs == 2

    history = train(model(), data(), epochs=9, callbacks=[enough], **SETTINGS)
    assert (history.epochs, history.stopped_early) == (2, True)


def test_what_a_callback_returns_is_of_no_matter() -> None:
    history = train(model(), data(), epochs=3, callbacks=[lambda state: True], **SETTINGS)
    assert (history.epochs, history.stopped_early) == (3, False)


def test_a_watched_run_is_the_same_run() -> None:
    def noisy(state: State) -> None:
        torch.rand(7)
        state.model.eval()

    alone, watched = model(), model()
    train(alone, data(), epochs=3, **SETTINGS)
    train(watched, data(), epochs=3, callbacks=[noisy], **SETTINGS)
    assert torch.equal(alone[0].weight, watched[0].weight)
    assert watched.training


def test_a_run_that_is_resumed_calls_them_with_what_it_took_up(tmp_path: Path) -> None:
    seen: list[int] = []
    watch = lambda state: seen.append(state.history.epochs)  # noqa: E731
    path = tmp_path / "run.pt"
    train(model(), data(), epochs=2, callbacks=[watch], checkpoint=path, **SETTINGS)
    train(model(), data(), epochs=4, callbacks=[watch], checkpoint=path, **SETTINGS)
    assert seen == [1, 2, 2, 3, 4]


def test_whether_to_stop_is_asked_again(tmp_path: Path) -> None:
    """A checkpoint holds no decision of a callback, which may be another one next time."""

    def after(epochs: int):
        def stop(state: State) -> None:
            state.stop = state.history.epochs >= epochs

        return [stop]

    path = tmp_path / "run.pt"
    first = train(model(), data(), epochs=9, callbacks=after(2), checkpoint=path, **SETTINGS)
    again = train(model(), data(), epochs=9, callbacks=after(2), checkpoint=path, **SETTINGS)
    more = train(model(), data(), epochs=9, callbacks=after(4), checkpoint=path, **SETTINGS)
    assert [h.epochs for h in (first, again, more)] == [2, 2, 4]
    assert again.stopped_early


def test_what_a_callback_changes_is_changed_once(tmp_path: Path) -> None:
    """It is called after the epoch is saved, and again when that is taken up."""

    class Killed(BaseException):
        pass

    def halve(state: State) -> None:
        with torch.no_grad():
            state.model[0].weight.mul_(0.5)

    def killed(state: State) -> None:
        if state.history.epochs == 2:
            raise Killed

    whole, part, again = model(), model(), model()
    train(whole, data(), epochs=4, callbacks=[halve], **SETTINGS)
    path = tmp_path / "run.pt"
    with pytest.raises(Killed):
        train(part, data(), epochs=4, callbacks=[halve, killed], checkpoint=path, **SETTINGS)
    train(again, data(), epochs=4, callbacks=[halve], checkpoint=path, **SETTINGS)
    assert torch.equal(whole[0].weight, again[0].weight)


@pytest.mark.parametrize("bad", [[1], 3, "ab"])
def test_what_cannot_be_called_is_named(bad: object) -> None:
    with pytest.raises(ValueError, match=r"callbacks: got .*, want a sequence of callables"):
        train(model(), data(), epochs=1, callbacks=bad, **SETTINGS)  # type: ignore[arg-type]
