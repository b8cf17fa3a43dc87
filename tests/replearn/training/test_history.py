"""A history draws itself."""

from __future__ import annotations

import pytest
from matplotlib import pyplot as plt

from replearn.training import History


def test_both_losses_over_the_epochs_from_one() -> None:
    fig, ax = History(loss=[3.0, 2.0, 1.0], val_loss=[3.5, 2.5, 2.0], epochs=3).plot()
    training, validation = ax.lines[:2]
    assert training.get_xydata().tolist() == [[1, 3], [2, 2], [3, 1]]
    assert validation.get_xydata().tolist() == [[1, 3.5], [2, 2.5], [3, 2]]
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("epoch", "loss")
    assert {"training", "validation"} <= {text.get_text() for text in ax.texts}
    plt.close(fig)


def test_into_given_axes_on_a_logarithmic_scale() -> None:
    fig, ax = plt.subplots()
    drawn = History(loss=[3.0, 2.0], epochs=2).plot(ax, logy=True, ylabel="nats a sample")
    assert drawn == (fig, ax)
    assert (ax.get_yscale(), ax.get_ylabel()) == ("log", "nats a sample")
    plt.close(fig)


def test_one_epoch_is_a_point() -> None:
    fig, ax = History(loss=[3.0], epochs=1).plot()
    assert ax.lines[0].get_marker() == "o"
    plt.close(fig)


def test_nothing_to_draw_is_said() -> None:
    with pytest.raises(ValueError, match="history: got no epoch, want at least one"):
        History().plot()
