"""Runs that are interrupted, saved and taken up: nothing is lost, and nothing mixed up."""

import pytest
import torch

from replearn.dictionary import alternating as alternating_module
from replearn.dictionary import (
    learning,
    runs,
)
from replearn.dictionary import online as online_module
from replearn.dictionary.update import update_atoms
from tests.replearn.dictionary.problems import METHODS, gaussian, quick

# Most models stop early, on purpose.
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def interrupt(monkeypatch, method, after):
    """Ctrl-C in the step after so many, at its dictionary step: the codes have been computed."""
    calls = 0

    def fails(*arguments, **options):
        nonlocal calls
        calls += 1
        if calls > after:
            raise KeyboardInterrupt
        return update_atoms(*arguments, **options)

    module = online_module if method == "online" else alternating_module
    monkeypatch.setattr(module, "update_atoms", fails)


@pytest.mark.parametrize("after", [0, 1, 3, 4, 6, 8, 11])
@pytest.mark.parametrize("method", METHODS)
def test_interrupted_and_resumed_is_uninterrupted_bit_for_bit(tmp_path, method, after):
    # Three atoms that no sample uses, so that replacements are drawn on both sides of the break.
    X = gaussian(60, 6, dtype=torch.float32)
    X[:, 4:] = 0
    D0 = torch.eye(6)
    D0[:4, :3] = gaussian(4, 3, seed=1, dtype=torch.float32)
    arguments = {"D0": D0, "penalty": 0.3, "max_iter": 12}
    whole = quick(method, **arguments).fit(X)
    assert whole.n_steps_ == 12
    assert whole.replaced_ > 0
    path = tmp_path / "new" / "state.pt"
    model = quick(method, **arguments, checkpoint=path)
    with pytest.MonkeyPatch.context() as patch:
        interrupt(patch, method, after)
        with pytest.raises(KeyboardInterrupt):
            model.fit(X)
    assert model.n_steps_ == after  # what was learned is there, and in the file
    saved = torch.load(path)
    if method == "online":
        assert saved["progress"]["state"]["steps"] == after
    else:
        assert len(saved["state"]["objective"]) == after
    resumed = quick(method, **arguments, checkpoint=path).fit(X)
    for name in ("components_", "objective_", "n_iter_", "n_steps_", "replaced_"):
        a, b = getattr(resumed, name), getattr(whole, name)
        assert torch.equal(a, b) if name == "components_" else a == b, name
    assert [file.name for file in path.parent.iterdir()] == ["state.pt"]


@pytest.mark.parametrize("method", METHODS)
def test_a_finished_run_is_not_repeated_and_can_be_carried_on(tmp_path, monkeypatch, method):
    X, path = gaussian(60, 5), tmp_path / "state.pt"
    longer = {"epochs": 5, "max_iter": 7}
    first = quick(method, checkpoint=path).fit(X)
    carried = quick(method, checkpoint=path, **longer).fit(X)
    assert torch.equal(carried.components_, quick(method, **longer).fit(X).components_)
    assert carried.n_steps_ > first.n_steps_
    interrupt(monkeypatch, method, 0)
    again = quick(method, checkpoint=path, **longer).fit(X)
    assert torch.equal(again.components_, carried.components_)
    name = "epochs" if method == "online" else "max_iter"
    with pytest.raises(ValueError, match=rf"{name}: got \d, but checkpoint .* has \d behind it"):
        quick(method, checkpoint=path).fit(X)


def test_the_checkpoint_is_written_on_the_way(tmp_path, monkeypatch):
    monkeypatch.setattr(runs, "_SAVE_EVERY", 0.0)
    X, path = gaussian(60, 5), tmp_path / "state.pt"
    saves = []
    save = learning._checkpoint.save
    monkeypatch.setattr(
        learning._checkpoint, "save", lambda path, state: (saves.append(state), save(path, state))
    )
    quick(checkpoint=path).fit(X)
    done = [state["progress"]["state"]["steps"] for state in saves]
    assert done == [0, *range(1, 13), 12]


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"penalty": 0.3}, "penalty is 0.3, there 0.2"),
        ({"n_atoms": 5}, "n_atoms is 5, there 6"),
        ({"forgetting": 1.0}, "forgetting is 1.0, there"),
        ({"random_state": 1}, "random_state is 1, there 0"),
        ({"positive_dictionary": True}, "positive_dictionary is True, there False"),
        ({"method": "alternating"}, "method is alternating, there online"),
        ({"D0": torch.eye(5, 6) + 1}, "D0 is .*, there None"),
        ({"X": gaussian(60, 5, seed=9)}, "X is .*, there .* digest"),
        ({"X": gaussian(60, 5).float()}, "X is .*float32.*, there .*float64"),
    ],
)
def test_a_checkpoint_of_another_run_is_refused(tmp_path, changes, sentence):
    path = tmp_path / "state.pt"
    X = gaussian(60, 5)
    quick(checkpoint=path).fit(X)
    before = path.read_bytes()
    arguments = {"X": X, "checkpoint": path} | changes
    X = arguments.pop("X")
    with pytest.raises(ValueError, match=f"belongs to another run: .*{sentence}") as caught:
        quick(**arguments).fit(X)
    assert "\n" not in str(caught.value)
    assert path.read_bytes() == before


def test_a_damaged_or_foreign_checkpoint_is_refused(tmp_path):
    X, path = gaussian(60, 5), tmp_path / "state.pt"
    quick(checkpoint=path).fit(X)
    whole = path.read_bytes()
    for damaged in (b"", b"text", whole[: len(whole) // 2]):
        path.write_bytes(damaged)
        with pytest.raises(ValueError, match="is not a file written by DictionaryLearning"):
            quick(checkpoint=path).fit(X)
    torch.save({"weights": torch.ones(3)}, path)
    with pytest.raises(ValueError, match="is not a file written by DictionaryLearning"):
        quick(checkpoint=path).fit(X)
    with pytest.raises(ValueError, match="is a folder"):
        quick(checkpoint=tmp_path).fit(X)


def test_a_checkpoint_needs_a_seed_that_can_be_named(tmp_path):
    with pytest.raises(ValueError, match="random_state: got None, want an integer with a checkp"):
        quick(checkpoint=tmp_path / "state.pt", random_state=None).fit(gaussian(20, 5))
