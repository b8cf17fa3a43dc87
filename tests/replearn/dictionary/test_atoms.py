"""Atoms: unit lengths, assignment up to order and sign, coherence."""

import itertools
import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from replearn.dictionary import match_atoms, mutual_coherence, normalise_atoms

no_deadline = settings(deadline=None)  # it would depend on how busy the machine is


def gaussian(*shape, seed=0, dtype=torch.float64):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_columns_get_unit_length_and_keep_their_direction(dtype):
    D = gaussian(5, 7, dtype=dtype)
    unit = normalise_atoms(D)
    assert unit.dtype == dtype
    torch.testing.assert_close(unit.norm(dim=0), torch.ones(7, dtype=dtype))
    torch.testing.assert_close(unit * D.norm(dim=0), D)


def test_columns_of_zeros_stay_and_extreme_lengths_do_not_overflow():
    D = torch.tensor([[0.0, 3e30, 3e-30], [0.0, 4e30, 4e-30]])
    torch.testing.assert_close(normalise_atoms(D), torch.tensor([[0.0, 0.6, 0.6], [0.0, 0.8, 0.8]]))


def test_gradients_flow_through_normalising_also_beside_a_column_of_zeros():
    D = torch.tensor([[3.0, 0.0], [4.0, 0.0]], dtype=torch.float64, requires_grad=True)
    normalise_atoms(D)[0].sum().backward()
    # d (d_1 / |d|) / d d = (e_1 - d_1 d / |d|^2) / |d|
    torch.testing.assert_close(D.grad[:, 0], torch.tensor([0.128, -0.096], dtype=torch.float64))
    assert bool(D.grad.isfinite().all())


@no_deadline
@given(st.integers(0, 10**6), st.integers(1, 6), st.integers(0, 3))
def test_a_shuffled_signed_scaled_dictionary_is_matched_exactly(seed, m, more):
    d = 8
    D_true = gaussian(d, m, seed=seed)
    generator = torch.Generator().manual_seed(seed)
    order = torch.randperm(m + more, generator=generator)
    scale = 0.5 + torch.rand(m + more, generator=generator, dtype=torch.float64)
    scale *= torch.where(torch.rand(m + more, generator=generator) < 0.5, -1.0, 1.0)
    D = (torch.cat([D_true, gaussian(d, more, seed=seed + 1)], 1) * scale)[:, order]
    match = match_atoms(D, D_true)
    torch.testing.assert_close(order[match.permutation], torch.arange(m))
    torch.testing.assert_close(match.sign, scale[:m].sign())
    torch.testing.assert_close(match.similarity, torch.ones(m, dtype=torch.float64))
    aligned = normalise_atoms(D[:, match.permutation] * match.sign)
    torch.testing.assert_close(aligned, normalise_atoms(D_true))


@no_deadline
@given(st.integers(0, 10**6))
def test_the_assignment_is_the_best_of_all(seed):
    D, D_true = gaussian(3, 5, seed=seed), gaussian(3, 4, seed=seed + 1)
    cosines = (normalise_atoms(D_true).T @ normalise_atoms(D)).abs()
    best = max(
        sum(float(cosines[i, j]) for i, j in enumerate(order))
        for order in itertools.permutations(range(5), 4)
    )
    match = match_atoms(D, D_true)
    assert len(set(match.permutation.tolist())) == 4
    assert float(match.similarity.sum()) == pytest.approx(best)


def test_coherence_is_the_largest_cosine_between_two_atoms():
    angle = math.radians(60)
    D = torch.tensor([[1.0, 0.0, -5 * math.cos(angle)], [0.0, 2.0, 5 * math.sin(angle)]])
    assert mutual_coherence(D) == pytest.approx(math.sin(angle))
    assert mutual_coherence(torch.eye(3)) == 0.0
    assert mutual_coherence(torch.tensor([[1.0, -2.0], [1.0, -2.0]])) == pytest.approx(1.0)
    assert mutual_coherence(torch.ones(3, 1)) == 0.0


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: normalise_atoms([[1.0]]), "D: got list, want"),
        (lambda: normalise_atoms(torch.ones(3)), r"D: got shape \(3,\), want \(n, d\)"),
        (lambda: mutual_coherence(torch.full((2, 2), torch.nan)), "D: got NaN"),
        (
            lambda: match_atoms(torch.ones(3, 2), torch.ones(3, 4)),
            r"D, D_true: got shapes \(3, 2\) and \(3, 4\), want",
        ),
        (
            lambda: match_atoms(torch.ones(3, 2), torch.ones(4, 2)),
            r"D, D_true: got shapes \(3, 2\) and \(4, 2\), want",
        ),
    ],
)
def test_bad_input_is_refused_by_name(call, sentence):
    with pytest.raises(ValueError, match=sentence):
        call()
