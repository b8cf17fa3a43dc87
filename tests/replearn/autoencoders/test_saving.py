"""Models in files: their weights come back bit for bit, and any other file is refused."""

import inspect
import json
from collections import OrderedDict

import pytest
import torch
from safetensors.torch import save_file
from torch import nn
from torch.nn.utils import prune

from replearn.autoencoders import (
    Autoencoder,
    DeepFactorisation,
    Dense,
    KSparse,
    PredictiveSparse,
    convolutional_autoencoder,
    dense_autoencoder,
    load_model,
    save_model,
)
from replearn.autoencoders.kinds import TORCH_LAYERS, arguments_of, layer_kinds
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
        (nn.Sequential(nn.Upsample(nn)), "an option <module"),
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
    with pytest.raises(ValueError, match="m: got version 99 of the format, want 2"):
        load_model(path)


def described(model):
    return json.dumps({"training": [], "frozen": [], "model": model})


@pytest.mark.parametrize(
    "description",
    [
        None,
        "not json",
        "[]",
        described({"kind": "os.system", "command": "true"}),
        described({"kind": "Dense", "d": 3, "m": 0}),
        described({"kind": "Dense", "d": 3, "wrong": 1}),
        described({"kind": "Dense", "d": 3, "m": 2}),  # not its size
        json.dumps({"model": {"kind": "Dense", "d": 5, "m": 5}}),  # no modes
    ],
)
def test_a_description_that_does_not_fit_is_refused(tmp_path, description):
    path = tmp_path / "m"
    metadata = {"format": "replearn model", "version": "2"}
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


# -- every option is written, or refused ------------------------------------------------------

# How a layer is made, and for each argument of its constructor another value than that one.
LAYERS = {
    nn.AvgPool2d: (
        {"kernel_size": 2},
        {
            "kernel_size": 3,
            "stride": 1,
            "padding": 1,
            "ceil_mode": True,
            "count_include_pad": False,
            "divisor_override": 3,
        },
    ),
    nn.BatchNorm1d: (
        {"num_features": 4},
        {
            "num_features": 5,
            "eps": 0.5,
            "momentum": None,
            "affine": False,
            "track_running_stats": False,
            "bias": False,
        },
    ),
    nn.BatchNorm2d: (
        {"num_features": 4},
        {
            "num_features": 5,
            "eps": 0.5,
            "momentum": None,
            "affine": False,
            "track_running_stats": False,
            "bias": False,
        },
    ),
    nn.Conv2d: (
        {"in_channels": 4, "out_channels": 4, "kernel_size": 3},
        {
            "in_channels": 2,
            "out_channels": 2,
            "kernel_size": (2, 3),
            "stride": 2,
            "padding": "same",
            "dilation": 2,
            "groups": 2,
            "bias": False,
            "padding_mode": "circular",
        },
    ),
    nn.ConvTranspose2d: (
        {"in_channels": 4, "out_channels": 4, "kernel_size": 3, "stride": 2},
        {
            "in_channels": 2,
            "out_channels": 2,
            "kernel_size": 2,
            "stride": 3,
            "padding": 1,
            "output_padding": 1,
            "groups": 2,
            "bias": False,
            "dilation": 2,
            "padding_mode": None,  # there is one only
        },
    ),
    nn.Dropout: ({}, {"p": 0.1, "inplace": True}),
    nn.Dropout2d: ({}, {"p": 0.1, "inplace": True}),
    nn.ELU: ({}, {"alpha": 0.5, "inplace": True}),
    nn.Flatten: ({}, {"start_dim": 2, "end_dim": 2}),
    nn.GELU: ({}, {"approximate": "tanh"}),
    nn.Identity: ({}, {}),
    nn.LayerNorm: (
        {"normalized_shape": 4},
        {"normalized_shape": (3, 4), "eps": 0.5, "elementwise_affine": False, "bias": False},
    ),
    nn.LeakyReLU: ({}, {"negative_slope": 0.3, "inplace": True}),
    nn.Linear: (
        {"in_features": 3, "out_features": 4},
        {"in_features": 4, "out_features": 3, "bias": False},
    ),
    nn.MaxPool2d: (
        {"kernel_size": 2},
        {
            "kernel_size": 3,
            "stride": 1,
            "padding": 1,
            "dilation": 2,
            "return_indices": True,
            "ceil_mode": True,
        },
    ),
    nn.ReLU: ({}, {"inplace": True}),
    nn.Sigmoid: ({}, {}),
    nn.Softplus: ({}, {"beta": 2.0, "threshold": 5.0}),
    nn.Tanh: ({}, {}),
    nn.Unflatten: ({"dim": 1, "unflattened_size": (2, 2)}, {"dim": 2, "unflattened_size": (4, 1)}),
    nn.Upsample: (
        {"scale_factor": 2.0},
        {
            "size": (4, 5),
            "scale_factor": (2.0, 3.0),
            "mode": "bilinear",
            "align_corners": True,
            "recompute_scale_factor": True,
        },
    ),
    Dense: ({"d": 3, "m": 4}, {"d": 4, "m": 3, "activation": "tanh"}),
    KSparse: ({"k": 2}, {"k": 3, "k_test": 5}),
    PredictiveSparse: (
        {"d": 4, "m": 5, "penalty": 0.1},
        {"d": 5, "m": 6, "penalty": 0.2, "pull": 2.0, "activation": "relu", "steps": 3, "seed": 1},
    ),
    DeepFactorisation: (
        {"n": 4, "sizes": [2, 5]},
        {
            "n": 5,
            "sizes": [3, 4],
            "penalty": 0.1,
            "activation": "tanh",
            "output": "sigmoid",
            "seed": 1,
        },
    ),
    RBM: (
        {"d": 4, "m": 3},
        {"d": 3, "m": 4, "visible": "gaussian", "hidden": "gaussian", "std": 2.0, "seed": 1},
    ),
    Classifier: (
        {"encoder": nn.Identity(), "m": 3},
        {
            "encoder": nn.Linear(3, 3),
            "m": 4,
            "n_classes": 3,
            "dropout": 0.1,
            "input_dropout": 0.1,
        },
    ),
    Autoencoder: (
        {"encoder": nn.Identity(), "decoder": nn.Identity()},
        {"encoder": nn.Linear(3, 3), "decoder": nn.Linear(3, 3), "output": "sigmoid"},
    ),
    nn.Sequential: ({}, {}),
}
CHANGES = [(cls, name) for cls, (_, others) in LAYERS.items() for name in others]


def settings_of(module):
    """All that a module holds but for its parts, hooks and weights, and the weights."""
    return [
        {k: v for k, v in vars(part).items() if k[0] != "_" or k.startswith("_reversed")}
        for part in module.modules()
        if type(part) is not Autoencoder
    ], {name: (value.dtype, value.tolist()) for name, value in module.state_dict().items()}


def test_every_kind_and_every_argument_is_tried():
    assert set(LAYERS) == {kind[0] for kind in layer_kinds().values()}
    for cls, (made, others) in LAYERS.items():
        wanted = {
            name
            for name, p in inspect.signature(cls).parameters.items()
            if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD) and name not in ("device", "dtype")
        }
        assert wanted == set(others), cls
        assert set(made) <= wanted
    for cls in TORCH_LAYERS:
        assert set(arguments_of(cls)) == set(LAYERS[cls][1])


@pytest.mark.parametrize(("cls", "name"), CHANGES)
def test_every_argument_comes_back(tmp_path, cls, name):
    made, others = LAYERS[cls]
    if others[name] is None and name == "padding_mode":
        with pytest.raises(ValueError, match='Only "zeros" padding mode is supported'):
            cls(**made, padding_mode="circular")
        return
    if cls is nn.Upsample:  # of its options some go with one another only
        made = {"size": {}, "align_corners": {"scale_factor": 2.0, "mode": "bilinear"}}.get(
            name, made
        )
    model = shaken(cls(**(made | {name: others[name]})))
    save_model(model, tmp_path / "m")
    again = load_model(tmp_path / "m")
    assert repr(again) == repr(model)
    ours, weights = settings_of(model)
    theirs, others_weights = settings_of(again)
    assert weights == others_weights
    for a, b in zip(ours, theirs, strict=True):
        for key in a.keys() | b.keys():
            if not isinstance(a[key], nn.Module):
                assert a[key] == b[key], key


def test_a_convolution_with_circular_padding_computes_the_same(tmp_path):
    """As it was reported: it came back with zeros around."""
    model = nn.Sequential(nn.Conv2d(1, 2, 3, padding=1, padding_mode="circular"), nn.Flatten())
    X = torch.rand(3, 1, 5, 5)
    save_model(model, tmp_path / "m")
    assert torch.equal(load_model(tmp_path / "m")(X), model(X))


@pytest.mark.parametrize("training", [True, False])
def test_modes_and_frozen_weights_come_back_one_by_one(tmp_path, training):
    encoder = nn.Sequential(nn.Linear(6, 4), nn.BatchNorm1d(4), nn.ReLU())
    model = Autoencoder(encoder, nn.Sequential(nn.Dropout(0.3), nn.Linear(4, 6)))
    model.train(training)
    encoder[1].train(not training)
    encoder[0].weight.requires_grad_(False)
    encoder[1].double()
    model.decoder(encoder[2](torch.rand(5, 4)))
    encoder[1].running_mean += 3
    save_model(model, tmp_path / "m")
    again = load_model(tmp_path / "m")
    assert [m.training for m in again.modules()] == [m.training for m in model.modules()]
    for ours, theirs in zip(model.named_parameters(), again.named_parameters(), strict=True):
        assert ours[0] == theirs[0]
        assert ours[1].requires_grad == theirs[1].requires_grad
    for ours, theirs in zip(model.named_buffers(), again.named_buffers(), strict=True):
        assert ours[1].dtype == theirs[1].dtype
        assert torch.equal(ours[1], theirs[1])


def with_a(change):
    model = dense_autoencoder([6, 4, 3])
    change(model)
    return model


def shared(model):
    model.decoder[1].weight = nn.Parameter(model.encoder[0].weight.T.clone())
    model.encoder[1].weight = nn.Parameter(torch.ones(3, 4))
    model.decoder[0].weight = nn.Parameter(torch.ones(4, 3))
    model.decoder[0].bias = model.encoder[0].bias


def tied_elsewhere(model):
    model.decoder = dense_autoencoder([6, 4, 3], tied=True).decoder


ADDITIONS = {
    "forward hook": (lambda m: m.register_forward_hook(print), "a hook, which a file"),
    "hook of a layer": (
        lambda m: m.encoder[0].register_forward_pre_hook(print),
        "a hook in 'encoder.0'",
    ),
    "backward hook": (lambda m: m.encoder.register_full_backward_hook(print), "a hook in 'enc"),
    "parametrisation": (
        lambda m: nn.utils.parametrizations.weight_norm(m.encoder[0]),
        "a ParametrizedDense in it",
    ),
    "pruning": (
        lambda m: prune.l1_unstructured(m.encoder[0], "weight", 0.5),
        "in 'encoder.0'",
    ),
    "buffer": (lambda m: m.register_buffer("mean", torch.ones(2)), "weights 'mean' more or less"),
    "buffer that is not in the state": (
        lambda m: m.encoder.register_buffer("mean", torch.ones(2), persistent=False),
        "in 'encoder'",
    ),
    "parameter": (
        lambda m: m.encoder[0].register_parameter("scale", nn.Parameter(torch.ones(2))),
        "weights 'encoder.0.scale' more or less",
    ),
    "no bias": (lambda m: setattr(m.encoder[0], "bias", None), "weights 'encoder.0.bias'"),
    "attribute": (lambda m: setattr(m, "note", "mine"), "an attribute 'note', which"),
    "forward": (
        lambda m: setattr(m.encoder[0], "forward", torch.square),
        "an attribute 'forward' in 'encoder.0'",
    ),
    "shared weights": (shared, "weights that layers share"),
    "tied to another encoder": (tied_elsewhere, "an attribute '_layers' in 'decoder'"),
    "a part in place of another": (
        lambda m: setattr(m, "encoder", nn.Sequential(nn.RReLU())),
        "a RReLU in it",
    ),
    "meta": (lambda m: m.encoder.to("meta"), "sparse, quantised or on meta"),
    "part of a model of its own": (
        lambda m: setattr(m, "extra", nn.Linear(2, 2)),
        "a part 'extra'",
    ),
}


@pytest.mark.parametrize("addition", ADDITIONS)
def test_what_a_file_does_not_hold_is_refused_and_nothing_is_written(tmp_path, addition):
    change, said = ADDITIONS[addition]
    with pytest.raises(ValueError, match=f"model: got .*{said}"):
        save_model(with_a(change), tmp_path / "m")
    assert list(tmp_path.iterdir()) == []


def test_options_that_make_no_layer_are_refused(tmp_path):
    layer = nn.Conv2d(2, 2, 3)
    layer.stride = "far"
    with pytest.raises(ValueError, match="model: got "):
        save_model(nn.Sequential(layer), tmp_path / "m")
    with pytest.raises(ValueError, match=r"model: got list, want a torch.nn.Module"):
        save_model([layer], tmp_path / "m")


def test_a_changed_bit_anywhere_in_a_file_is_noticed(tmp_path):
    """Weights too, whose bytes the format takes as they are."""
    path = tmp_path / "model"
    save_model(dense_autoencoder([4, 2]), path)
    content = path.read_bytes()
    for place in range(0, len(content), 7):
        path.write_bytes(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])
        with pytest.raises(ValueError, match=r"got (a file that|version)"):
            load_model(path)


@pytest.mark.parametrize("register", ["register_hook", "register_post_accumulate_grad_hook"])
def test_a_hook_on_weights_is_refused(register, tmp_path):
    model = dense_autoencoder([4, 2])
    getattr(model.encoder[0].weight, register)(lambda _: None)
    with pytest.raises(ValueError, match=r"a hook on weights 'encoder\.0\.weight'"):
        save_model(model, tmp_path / "model")


@pytest.mark.parametrize(
    ("layers", "sentence"),
    [
        (
            lambda: nn.Sequential(nn.Linear(4, 4), nn.SiLU()),
            "a SiLU in it, want .* torch AvgPool2d",
        ),
        (
            lambda: nn.Sequential(OrderedDict(first=nn.Linear(4, 4))),
            "a part 'encoder.first' .those of a Sequential are numbered",
        ),
        (lambda: nn.Sequential(*[nn.Linear(4, 4)] * 2), "one layer in two places, .* 'encoder.1'"),
    ],
)
def test_what_a_file_does_not_hold_is_named(layers, sentence, tmp_path):
    model = dense_autoencoder([4, 4])
    model.encoder = layers()
    with pytest.raises(ValueError, match=f"model: got {sentence}"):
        save_model(model, tmp_path / "m")
