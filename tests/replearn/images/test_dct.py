"""The overcomplete cosine dictionary."""

import pytest
import torch
from scipy.fft import dctn

from replearn.images import dct_dictionary


def test_with_as_many_frequencies_as_pixels_it_is_the_discrete_cosine_transform():
    D = dct_dictionary(5, 5, dtype=torch.float64)
    patch = torch.rand(5, 5, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    expected = torch.from_numpy(dctn(patch.numpy(), norm="ortho"))
    torch.testing.assert_close((D.T @ patch.flatten()).reshape(5, 5), expected)


@pytest.mark.parametrize(("size", "n"), [(8, 16), (6, 11), (8, 4), (2, 1)])
def test_atoms_have_length_1_and_all_but_the_first_mean_0(size, n):
    D = dct_dictionary(size, n, dtype=torch.float64)
    assert D.shape == (size * size, n * n)
    torch.testing.assert_close(D.norm(dim=0), torch.ones(n * n, dtype=D.dtype))
    torch.testing.assert_close(D[:, 0], torch.full((size * size,), 1 / size, dtype=D.dtype))
    assert float(D[:, 1:].sum(0).abs().sum()) < 1e-12 * n * n


def test_atoms_differ():
    D = dct_dictionary(8, 16, dtype=torch.float64)
    cosines = (D.T @ D).abs().fill_diagonal_(0)
    assert float(cosines.max()) < 0.999


def test_the_type_is_chosen_and_float32_by_default():
    assert dct_dictionary(3, 3).dtype == torch.float32


@pytest.mark.parametrize(
    ("size", "n", "said"), [(1, 3, "size: got 1"), (3, 0, "n_per_axis: got 0"), (3.0, 3, "integer")]
)
def test_bad_arguments_are_named(size, n, said):
    with pytest.raises(ValueError, match=said):
        dct_dictionary(size, n)
