"""Greedy training of layers, and the deep networks that are put together from them."""

import copy

import pytest
import torch
from torch import nn

from replearn.autoencoders import dense_autoencoder, objective, squared_error
from replearn.pretraining import (
    RBM,
    contrastive_divergence,
    encode,
    greedy,
    stacked_encoder,
    unroll,
)
from replearn.training import train

needs_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
SETTINGS = {"epochs": 3, "batch_size": 16, "lr": 0.01, "progress": False}
LOSS = objective(squared_error)


def samples(n=50, d=12, seed=0):
    return torch.rand(n, d, generator=torch.Generator().manual_seed(seed))


def machines():
    return [RBM(12, 8, seed=1), RBM(8, 6, seed=2), RBM(6, 3, hidden="gaussian", seed=3)]


def autoencoders(**options):
    options = {"activation": "sigmoid"} | options
    return [dense_autoencoder([d, m], seed=d, **options) for d, m in ((12, 8), (8, 6), (6, 3))]


def with_random_weights(layers):
    """As after training: no bias is 0."""
    random = torch.Generator().manual_seed(9)
    with torch.no_grad():
        for layer in layers:
            layer.double()
            for p in layer.parameters():
                p.copy_(torch.randn(p.shape, generator=random, dtype=p.dtype))
    return layers


STACKS = {
    "machines": machines,
    "free": autoencoders,
    "tied": lambda: autoencoders(tied=True),
    "mixed": lambda: [machines()[0], *autoencoders()[1:]],
}
EVERY_STACK = pytest.mark.parametrize("make", STACKS.values(), ids=STACKS.keys())


def same_weights(one, other):
    pairs = zip(one, other, strict=True)
    return all(
        torch.equal(a, b)
        for x, y in pairs
        for a, b in zip(x.parameters(), y.parameters(), strict=True)
    )


def test_greedy_trains_each_layer_on_the_codes_of_those_below():
    X, layers, by_hand = samples(), autoencoders(), autoencoders()
    histories = greedy(layers, X, LOSS, **SETTINGS)
    H = X
    for layer, history in zip(by_hand, histories, strict=True):
        wanted = train(layer, H, loss=LOSS, **SETTINGS)
        assert history.loss == wanted.loss
        assert len(history.loss) == 3
        H = layer.encode(H).detach()
    assert same_weights(layers, by_hand)


def test_greedy_takes_one_loss_for_each_layer():
    X, layers, by_hand = samples(), [machines()[0], autoencoders()[1]], None
    by_hand = copy.deepcopy(layers)
    losses = [contrastive_divergence(1), LOSS]
    greedy(layers, X, losses, **SETTINGS)
    train(by_hand[0], X, loss=losses[0], **SETTINGS)
    train(by_hand[1], by_hand[0].encode(X).detach(), loss=losses[1], **SETTINGS)
    assert same_weights(layers, by_hand)


def test_greedy_encodes_the_validation_samples_too():
    X, X_val = samples(), samples(20, seed=1)
    layers, by_hand = autoencoders(), autoencoders()
    histories = greedy(layers, X, LOSS, X_val=X_val, patience=2, **SETTINGS)
    H, H_val = X, X_val
    for layer, history in zip(by_hand, histories, strict=True):
        wanted = train(layer, H, loss=LOSS, X_val=H_val, patience=2, **SETTINGS)
        assert history.val_loss == wanted.val_loss
        H, H_val = layer.encode(H).detach(), layer.encode(H_val).detach()


def test_greedy_leaves_the_global_generator_and_the_samples():
    X = samples()
    kept, before = X.clone(), torch.get_rng_state()
    greedy(machines(), X, contrastive_divergence(1), **SETTINGS)
    assert torch.equal(torch.get_rng_state(), before)
    assert torch.equal(X, kept)


class Interrupted(Exception):
    pass


@pytest.mark.parametrize("step", [1, 6, 13, 18, 33])
@pytest.mark.parametrize("make", [machines, autoencoders])
def test_a_run_that_was_interrupted_ends_with_the_weights_of_one_that_was_not(tmp_path, make, step):
    """Twelve steps a layer: in the first, within and between epochs, in a middle and the last."""
    X = samples()
    loss = contrastive_divergence(1) if make is machines else LOSS
    whole = make()
    wanted = greedy(whole, X, loss, **SETTINGS)

    calls = 0

    def breaks(model, X):
        nonlocal calls
        calls += 1
        if calls == step:
            raise Interrupted
        return loss(model, X)

    kept = {"checkpoint": tmp_path / "stack", "key": "a run"}  # the count in the loss changes
    with pytest.raises(Interrupted):
        greedy(make(), X, breaks, **kept, **SETTINGS)
    begun = len(list(tmp_path.iterdir()))
    assert begun == 1 + (step - 1) // 12
    calls = 1000  # from here on only counted
    resumed = make()
    histories = greedy(resumed, X, breaks, **kept, **SETTINGS)
    assert same_weights(resumed, whole)
    assert [h.loss for h in histories] == [h.loss for h in wanted]
    assert {file.name for file in tmp_path.iterdir()} == {"stack.1", "stack.2", "stack.3"}
    # what was finished was not done again: only the epoch that was cut short
    assert calls - 1000 == 36 - (step - 1) // 4 * 4


@pytest.mark.parametrize(
    ("layers", "losses", "sentence"),
    [
        ([], LOSS, "losses: got 0 for 0 layers"),
        (machines(), [LOSS, LOSS], "losses: got 2 for 3 layers, want one for all, or one each"),
        ([RBM(12, 8), RBM(7, 3)], LOSS, "layers: got layer 2 for 7 values, want one for 8"),
        ([RBM(11, 8)], LOSS, "layers: got layer 1 for 11 values, want one for 12"),
        ([dense_autoencoder([12, 8, 4])], LOSS, "layers: got an encoder of 2 dense layers, want 1"),
    ],
)
def test_greedy_names_what_does_not_fit_before_it_trains(layers, losses, sentence):
    kept = copy.deepcopy(layers)
    with pytest.raises(ValueError, match=sentence):
        greedy(layers, samples(), losses, **SETTINGS)
    assert same_weights(layers, kept)


def test_greedy_names_samples_of_another_shape():
    for X, got in ((torch.ones(5), "shape"), ([1.0], "list")):
        with pytest.raises(ValueError, match=f"X: got {got}"):
            greedy(machines(), X, LOSS, **SETTINGS)


@EVERY_STACK
def test_the_stacked_encoder_is_the_chain_of_encoders(make):
    layers, X = with_random_weights(make()), samples().double()
    H = X
    for layer in layers:
        H = layer.encode(H)
    torch.testing.assert_close(stacked_encoder(layers)(X), H, rtol=1e-12, atol=1e-12)


@EVERY_STACK
def test_unroll_is_the_chain_of_encoders_and_decoders(make):
    layers, X = with_random_weights(make()), samples().double()
    H = X
    for layer in layers:
        H = layer.encode(H)
    model = unroll(layers)
    assert model.output == "sigmoid"
    torch.testing.assert_close(model.encode(X), H, rtol=1e-12, atol=1e-12)
    for layer in reversed(layers):
        H = layer.decode(H)
    torch.testing.assert_close(model(X), H, rtol=1e-12, atol=1e-12)


def test_between_linear_outputs_unroll_puts_the_codes_own_activation():
    layers = with_random_weights(autoencoders(activation="relu", output="linear"))
    X = samples().double()
    model = unroll(layers)
    H = model.encode(X)
    for layer in layers[:0:-1]:
        H = torch.relu(layer.decode(H))
    torch.testing.assert_close(model(X), layers[0].decode(H))


@pytest.mark.parametrize(
    ("first", "given", "wanted"),
    [
        (RBM(12, 8), None, "sigmoid"),
        (RBM(12, 8, visible="gaussian"), None, "linear"),
        (dense_autoencoder([12, 8], output="linear"), None, "linear"),
        (dense_autoencoder([12, 8]), "linear", "linear"),
    ],
)
def test_the_output_is_the_first_layers_unless_given(first, given, wanted):
    assert unroll([first, RBM(8, 3)], output=given).output == wanted


@EVERY_STACK
@pytest.mark.parametrize("build", [stacked_encoder, unroll])
def test_the_deep_networks_weights_are_copies_and_draw_nothing(make, build):
    layers, X = make(), samples()
    kept, before = copy.deepcopy(layers), torch.get_rng_state()
    network = build(layers)
    assert torch.equal(torch.get_rng_state(), before)
    own = {p.data_ptr() for layer in layers for p in layer.parameters()}
    assert not own & {p.data_ptr() for p in network.parameters()}
    network(X).square().sum().backward()
    assert all(p.grad is not None for p in network.parameters())
    with torch.no_grad():
        for p in network.parameters():
            p.add_(1.0)
    assert same_weights(layers, kept)


def test_fine_tuning_moves_both_ends_of_what_was_tied():
    model = unroll(autoencoders(tied=True))
    first, last = model.encoder[0].weight, model.decoder[-1].weight
    assert torch.equal(first, last.T)
    history = train(model, samples(), loss=LOSS, epochs=5, lr=0.01, progress=False)
    assert history.loss[-1] < history.loss[0]
    assert not torch.equal(first, last.T)


@pytest.mark.parametrize("build", [stacked_encoder, unroll])
def test_what_cannot_be_put_together_is_named(build):
    wide = [
        ([], "layers: got none, want at least one"),
        ([RBM(12, 8), RBM(7, 3)], "layers: got layer 2 for 7 values, want one for 8"),
        ([dense_autoencoder([12, 8, 4])], "layers: got an encoder of 2 dense layers"),
        ([dense_autoencoder([12, 8], k=2)], "layers: got an encoder with KSparse, want one Dense"),
    ]
    for layers, sentence in wide:
        with pytest.raises(ValueError, match=sentence):
            build(layers)


def test_unroll_refuses_other_decoders_and_outputs():
    layer = dense_autoencoder([12, 8])
    layer.decoder = dense_autoencoder([12, 9, 8]).decoder
    with pytest.raises(ValueError, match="layers: got a decoder of 2 dense layers, want 1"):
        unroll([layer])
    with pytest.raises(ValueError, match="output: got 'tanh', want one of"):
        unroll(machines(), output="tanh")


@pytest.mark.parametrize("rows", [1, 7, 50, 4096])
def test_encode_takes_so_many_rows_at_a_time_and_keeps_no_gradient(rows):
    model, X = autoencoders()[0], samples()
    sizes = []
    model.encoder.register_forward_hook(lambda module, given, out: sizes.append(len(given[0])))
    H = encode(model, X, rows=rows)
    assert not H.requires_grad
    assert max(sizes) == min(rows, 50)
    assert sum(sizes) == 50
    torch.testing.assert_close(H, model.encode(X).detach())


def test_encode_evaluates_and_restores_the_mode():
    model = autoencoders()[0]
    model.encoder = nn.Sequential(model.encoder[0], nn.Dropout(0.9))
    H = encode(model, samples())
    assert bool((H > 0).all())
    assert model.training
    model.eval()
    encode(model, samples())
    assert not model.training


@needs_gpu
@EVERY_STACK
def test_a_stack_on_the_gpu_gives_the_same(make):
    layers, X = with_random_weights(make()), samples().double()
    wanted = unroll(layers)(X)
    there = [layer.cuda() for layer in layers]
    torch.testing.assert_close(unroll(there)(X.cuda()).cpu(), wanted)
    torch.testing.assert_close(encode(there[0], X.cuda(), rows=7), there[0].encode(X.cuda()))


@needs_gpu
def test_machines_train_on_the_gpu():
    layers = [machine.cuda() for machine in machines()]
    histories = greedy(layers, samples().cuda(), contrastive_divergence(2), **SETTINGS)
    assert [history.epochs for history in histories] == [3, 3, 3]
    assert all(bool(p.isfinite().all()) for layer in layers for p in layer.parameters())


@pytest.mark.parametrize("rows", [0, -1, 1.5])
def test_rows_are_a_number_of_rows(rows):
    with pytest.raises(ValueError, match=r"^rows: got"):
        encode(dense_autoencoder([4, 3]), torch.zeros(5, 4), rows)
