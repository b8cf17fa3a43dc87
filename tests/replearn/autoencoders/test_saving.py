"""Models in files: their weights come back bit for bit, and any other file is refused."""

import json

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from replearn.autoencoders import (
    DeepFactorisation,
    PredictiveSparse,
    convolutional_autoencoder,
    dense_autoencoder,
    load_model,
    save_model,
)
from replearn.pretraining import RBM, Classifier, stacked_encoder, unroll

needs_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")


def k_test():
    model = dense_autoencoder([12, 8], activation="linear", k=3)
    model.encoder[-1].k_test = 5  # changed after the model was made
    return model


def mixed_layers():
    return [
        RBM(12, 7, seed=1),
        dense_autoencoder([7, 5], activation="tanh", seed=2),
        RBM(5, 3, visible="binary", hidden="gaussian", seed=3),
    ]


MODELS = {
    "deep": lambda: dense_autoencoder([12, 8, 3], activation="softplus", code="linear"),
    "linear output": lambda: dense_autoencoder([12, 3], activation="tanh", output="linear"),
    "tied": lambda: dense_autoencoder([12, 8, 3], activation="sigmoid", tied=True),
    "tied and k-sparse": lambda: dense_autoencoder([12, 8], tied=True, k=2),
    "k-sparse": k_test,
    "convolutional": lambda: convolutional_autoencoder((4, 3), (3, 2)),
    "rbm": lambda: RBM(12, 5, visible="gaussian"),
    "rbm with real codes": lambda: RBM(12, 5, hidden="gaussian"),
    "unrolled": lambda: unroll(mixed_layers(), output="linear"),
    "stack": lambda: stacked_encoder(mixed_layers()),
    "classifier": lambda: Classifier(
        stacked_encoder(mixed_layers()), 3, 4, dropout=0.5, input_dropout=0.2
    ),
    "predictive": lambda: PredictiveSparse(12, 6, 0.2, 0.7, activation="sigmoid", steps=3),
    "factorisation": lambda: DeepFactorisation(9, [2, 5, 12], activation="tanh", output="sigmoid"),
    "deep sparse coding": lambda: DeepFactorisation(9, [4, 5, 12], penalty=0.3),
}


def shaken(model):
    """With other weights than its start's."""
    generator = torch.Generator().manual_seed(11)
    with torch.no_grad():
        for p in model.parameters():
            p += 0.3 * torch.randn(p.shape, generator=generator, dtype=torch.float64).to(p)
    return model


def outputs(model, X):
    """All that the model computes, with the same random numbers each time."""
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        torch.manual_seed(0)
        if isinstance(model, DeepFactorisation):
            return [model(torch.arange(9)), model.infer(X, 5), model.cost(X, model.infer(X, 2))]
        found = [model(X)]
        if isinstance(model, RBM):
            found += [model.encode(X), model.free_energy(X), model.gibbs(X.round(), 2)]
        if isinstance(model, PredictiveSparse):
            found += [model.infer(X), model.energy(X, model.encode(X))]
        return found


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("kind", MODELS)
def test_the_weights_come_back_bit_for_bit_and_compute_the_same(tmp_path, kind, training, dtype):
    model = shaken(MODELS[kind]()).to(dtype).train(training)
    X = torch.rand(6, 12, generator=torch.Generator().manual_seed(1), dtype=dtype)
    before = torch.get_rng_state()
    save_model(model, tmp_path / "new" / "model.safetensors")
    again = load_model(str(tmp_path / "new" / "model.safetensors"))
    assert torch.equal(torch.get_rng_state(), before)
    assert type(again) is type(model)
    assert repr(again) == repr(model)
    assert again.training == training
    for a, b in zip(outputs(model, X), outputs(again, X), strict=True):
        # Equal but for rounding: how a product is rounded depends on where its operands lie. Up
        # to 20 products one after the other, of sums of up to 12 terms of size 10.
        assert a.dtype == b.dtype == dtype
        torch.testing.assert_close(a, b, rtol=0, atol=20 * 12 * 10 * torch.finfo(dtype).eps)
    state = model.state_dict()
    assert list(again.state_dict()) == list(state)
    for name, value in again.state_dict().items():
        assert torch.equal(value, state[name])
    assert all(p.requires_grad for p in again.parameters())
    assert [p.name for p in (tmp_path / "new").iterdir()] == ["model.safetensors"]


def test_a_loaded_tied_decoder_is_tied(tmp_path):
    save_model(dense_autoencoder([6, 4, 3], activation="tanh", tied=True), tmp_path / "m")
    model = load_model(tmp_path / "m")
    H = torch.ones(2, 3)
    before = model.decoder(H)
    with torch.no_grad():
        model.encoder[0].weight += 1
    assert not torch.equal(model.decoder(H), before)
    assert len(list(model.parameters())) == 6


def test_a_layer_put_in_later_is_saved(tmp_path):
    model = dense_autoencoder([6, 4, 3])
    model.encoder = dense_autoencoder([6, 5, 3], activation="tanh").encoder
    save_model(model, tmp_path / "m")
    X = torch.rand(2, 6)
    again = load_model(tmp_path / "m")
    assert repr(again) == repr(model)
    torch.testing.assert_close(again(X), model(X), rtol=0, atol=1e-5)


def test_what_happens_to_the_file_later_changes_no_weight(tmp_path):
    path = tmp_path / "m"
    save_model(dense_autoencoder([60, 40]), path)
    model = load_model(path)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    with path.open("r+b") as file:  # in place: another file of that name would be another file
        file.write(bytes(path.stat().st_size))
    for name, value in model.state_dict().items():
        assert torch.equal(value, before[name])


def test_saving_again_replaces_and_a_failure_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "m"
    save_model(dense_autoencoder([6, 4]), path)
    second = dense_autoencoder([6, 3], seed=1)
    save_model(second, path)
    assert torch.equal(load_model(path).encoder[0].weight, second.encoder[0].weight)

    def full(*_):
        raise OSError("disk full")

    monkeypatch.setattr("replearn._files.os.replace", full)
    with pytest.raises(OSError, match="disk full"):
        save_model(dense_autoencoder([6, 2]), path)
    assert list(tmp_path.iterdir()) == [path]
    assert torch.equal(load_model(path).encoder[0].weight, second.encoder[0].weight)


@needs_gpu
def test_a_model_on_a_gpu_comes_back_on_the_cpu(tmp_path):
    model = dense_autoencoder([6, 4], tied=True).cuda()
    save_model(model, tmp_path / "m")
    again = load_model(tmp_path / "m")
    assert next(again.parameters()).device.type == "cpu"
    assert torch.equal(again.encoder[0].weight, model.encoder[0].weight.cpu())


class Own(nn.Module):
    def forward(self, X):
        return X


class Wider(type(dense_autoencoder([2, 2]))):
    """A subclass whose arguments the parent's do not tell."""


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (Own(), "model: got a Own in it, want layers and models of replearn"),
        (Classifier(Own(), 3), "model: got a Own in it, want layers and models of replearn"),
        (Wider(nn.Sequential(), nn.Sequential()), "model: got a Wider in it, want layers"),
        (type("Dense", (Own,), {})(), "model: got a Dense in it, want layers"),  # only by name
        (nn.Sequential(nn.Upsample(scale_factor=2)), "got an Upsample layer without a size"),
    ],
)
def test_a_model_that_can_not_be_rebuilt_is_refused_and_nothing_is_written(
    tmp_path, model, message
):
    with pytest.raises(ValueError, match=message):
        save_model(model, tmp_path / "m")
    assert list(tmp_path.iterdir()) == []


EMPTY = b"\x08" + 7 * b"\x00" + b"{}      "  # safetensors without a tensor


@pytest.mark.parametrize("content", [b"", b"junk", b"PK\x03\x04", EMPTY])
def test_any_other_file_is_refused(tmp_path, content):
    path = tmp_path / "m"
    path.write_bytes(content)
    with pytest.raises(ValueError, match="m: got a file that save_model did not write, want one"):
        load_model(path)


def test_safetensors_of_others_are_refused(tmp_path):
    path, tensors = tmp_path / "m", {"weight": torch.ones(2)}
    for metadata in (None, {"format": "pt"}):
        save_file(tensors, path, metadata)
        with pytest.raises(ValueError, match="got a file that save_model did not write"):
            load_model(path)
    save_file(tensors, path, {"format": "replearn model", "version": "99"})
    with pytest.raises(ValueError, match="m: got version 99 of the format, want 1"):
        load_model(path)


@pytest.mark.parametrize(
    "description",
    [
        None,
        "not json",
        "[]",
        json.dumps({"training": True, "model": {"kind": "os.system", "command": "true"}}),
        json.dumps({"training": True, "model": {"kind": "Dense", "d": 3, "m": 0}}),
        json.dumps({"training": True, "model": {"kind": "Dense", "d": 3, "wrong": 1}}),
        json.dumps({"training": True, "model": {"kind": "Dense", "d": 3, "m": 2}}),  # not its size
        json.dumps({"model": {"kind": "KSparse", "k": 3, "k_test": 3}}),
    ],
)
def test_a_description_that_does_not_fit_is_refused(tmp_path, description):
    path = tmp_path / "m"
    metadata = {"format": "replearn model", "version": "1"}
    if description is not None:
        metadata["description"] = description
    save_file({"weight": torch.ones(5, 5), "bias": torch.ones(5)}, path, metadata)
    with pytest.raises(ValueError, match="got a file that save_model did not write"):
        load_model(path)


def test_a_file_cut_short_is_refused(tmp_path):
    path = tmp_path / "m"
    save_model(dense_autoencoder([6, 4]), path)
    whole = path.read_bytes()
    for kept in (1, 8, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:kept])
        with pytest.raises(ValueError, match="got a file that save_model did not write"):
            load_model(path)


def test_no_file_and_a_folder_are_said_to_be_that(tmp_path):
    with pytest.raises(FileNotFoundError):
        load_model(tmp_path / "none")
    with pytest.raises(ValueError, match="got a folder, want a file that save_model wrote"):
        load_model(tmp_path)
