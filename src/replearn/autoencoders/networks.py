r"""Autoencoders: an encoder h = f(x), a decoder, and the mean of a sample given its code.

::

    h = f(x)                  encode    (n, d) -> (n, m)
    a = g(h)                  decoder   (n, m) -> (n, d)
    x_hat = o(a)              decode    o = identity ("linear") or sigmoid ("sigmoid")

The decoder ends before the output's activation o, so that the cross-entropy can be computed from
a, the logits, without loss of accuracy (:mod:`replearn.autoencoders.losses`). Samples are rows of
d values also where the layers are convolutions.

Sources: Hinton & Salakhutdinov (2006), Reducing the dimensionality of data with neural networks,
Science 313; Vincent et al. (2010), Stacked denoising autoencoders, JMLR 11.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from torch import Tensor, nn

from replearn._validate import check_rows
from replearn.autoencoders.layers import (
    ACTIVATIONS,
    Dense,
    KSparse,
    TiedDecoder,
    check_activation,
    dense_stack,
    entrance,
)
from replearn.device import seeded

__all__ = ["Autoencoder", "convolutional_autoencoder", "dense_autoencoder"]

OUTPUTS = ("linear", "sigmoid")


class Autoencoder(nn.Module):
    """An encoder and a decoder: see the module's text.

    Parameters
    ----------
    encoder : nn.Module
        Module (n, d) -> (n, m).
    decoder : nn.Module
        Module (n, m) -> (n, d), without the output's activation.
    output : str
        "linear" for real values, "sigmoid" for values between 0 and 1.

    Attributes
    ----------
    encoder : nn.Module
        As given.
    decoder : nn.Module
        As given.
    output : str
        As given.

    Raises
    ------
    ValueError
        ``output`` is neither.

    Examples
    --------
    >>> import torch
    >>> model = Autoencoder(nn.Linear(6, 2), nn.Linear(2, 6))
    >>> X = torch.zeros(3, 6)
    >>> model.encode(X).shape, model(X).shape
    (torch.Size([3, 2]), torch.Size([3, 6]))
    """

    def __init__(self, encoder: nn.Module, decoder: nn.Module, *, output: str = "linear") -> None:
        super().__init__()
        check_output(output)
        self.encoder, self.decoder, self.output = encoder, decoder, output

    def encode(self, X: Tensor) -> Tensor:
        """Codes H of samples.

        Parameters
        ----------
        X : Tensor, (n, d)
            Samples. NaN gives NaN.

        Returns
        -------
        Tensor, (n, m)

        Raises
        ------
        ValueError
            X does not fit the encoder's weights.
        """
        check_rows("X", X, *entrance(self.encoder))
        return cast(Tensor, self.encoder(X))

    def decode(self, H: Tensor) -> Tensor:
        """Reconstructions X_hat of codes.

        Parameters
        ----------
        H : Tensor, (n, m)
            Codes. NaN gives NaN.

        Returns
        -------
        Tensor, (n, d)

        Raises
        ------
        ValueError
            H does not fit the decoder's weights.
        """
        check_rows("H", H, *entrance(self.decoder))
        return ACTIVATIONS[self.output](self.decoder(H))

    def forward(self, X: Tensor) -> Tensor:
        """Reconstructions X_hat of samples.

        Parameters
        ----------
        X : Tensor, (n, d)
            Samples. NaN gives NaN.

        Returns
        -------
        Tensor, (n, d)

        Raises
        ------
        ValueError
            X does not fit the encoder's weights.
        """
        return self.decode(self.encode(X))


def dense_autoencoder(
    sizes: Sequence[int],
    *,
    activation: str = "relu",
    code: str | None = None,
    output: str = "sigmoid",
    tied: bool = False,
    k: int | None = None,
    seed: int = 0,
) -> Autoencoder:
    """A dense autoencoder, of any depth and width.

    Parameters
    ----------
    sizes : sequence of int
        Widths from the input to the code, such as ``[784, 128, 64, 32]``; the decoder has the same
        in reverse.
    activation : str
        Activation of the hidden layers.
    code : str, optional
        Activation of the code; None: as the others.
    output : str
        "linear" or "sigmoid".
    tied : bool
        Whether the decoder's matrices are the encoder's, transposed.
    k : int, optional
        Keep the k largest entries of the code only (``KSparse``).
    seed : int
        Seed of the start; the global generator is left as it was.

    Returns
    -------
    Autoencoder

    Raises
    ------
    ValueError
        An argument does not fit.

    Examples
    --------
    >>> import torch
    >>> model = dense_autoencoder([64, 32, 8])
    >>> model.encode(torch.zeros(5, 64)).shape
    torch.Size([5, 8])
    """
    check_activation(activation)
    if k is not None and len(sizes) and k > sizes[-1]:
        raise ValueError(f"k: got {k} for codes of width {sizes[-1]}, want at most that")
    last = activation if code is None else code
    with seeded(seed):
        layers = dense_stack(sizes, activation, last)
        decoder: nn.Module
        if tied:
            decoder = TiedDecoder(cast(Sequence[Dense], tuple(layers)))
        else:
            decoder = dense_stack(sizes[::-1], activation, "linear")
    encoder = layers if k is None else nn.Sequential(*layers, KSparse(k))
    return Autoencoder(encoder, decoder, output=output)


def convolutional_autoencoder(
    shape: tuple[int, int] = (28, 28),
    channels: Sequence[int] = (16, 8, 8),
    *,
    output: str = "sigmoid",
    seed: int = 0,
) -> Autoencoder:
    r"""A convolutional autoencoder with the layers of the Keras blog (Chollet 2016).

    The encoder has for each number of channels a 3 x 3 convolution with ReLU and a 2 x 2 maximum
    pooling; sizes that are odd are rounded up. The decoder convolves and doubles the size, with the
    numbers of channels in reverse, and ends with a convolution to one channel. The code is the last
    map of channels, flattened: for (28, 28) and (16, 8, 8) it has 8 x 4 x 4 = 128 values.

    Parameters
    ----------
    shape : (int, int)
        (height, width) of the images; X is (n, height * width).
    channels : sequence of int
        Channels of each level.
    output : str
        As for ``dense_autoencoder``.
    seed : int
        As for ``dense_autoencoder``.

    Returns
    -------
    Autoencoder

    Raises
    ------
    ValueError
        An argument does not fit.

    Examples
    --------
    >>> import torch
    >>> convolutional_autoencoder().encode(torch.zeros(5, 784)).shape
    torch.Size([5, 128])
    """
    height, width = shape
    if not channels or min(height, width, *channels) < 1:
        raise ValueError(
            f"shape, channels: got {tuple(shape)} and {list(channels)}, want positive numbers and "
            "at least one level"
        )
    with seeded(seed):
        down: list[nn.Module] = [nn.Unflatten(1, (1, height, width))]
        heights, before = [(height, width)], 1
        for count in channels:
            down += [nn.Conv2d(before, count, 3, padding=1), nn.ReLU()]
            down += [nn.MaxPool2d(2, ceil_mode=True)]
            heights.append(tuple(-(-size // 2) for size in heights[-1]))  # type: ignore[arg-type]
            before = count
        up: list[nn.Module] = [nn.Unflatten(1, (before, *heights[-1]))]
        for count, size in zip(channels[::-1], heights[-2::-1], strict=True):
            up += [nn.Conv2d(before, count, 3, padding=1), nn.ReLU(), nn.Upsample(size)]
            before = count
        up += [nn.Conv2d(before, 1, 3, padding=1), nn.Flatten()]
    return Autoencoder(nn.Sequential(*down, nn.Flatten()), nn.Sequential(*up), output=output)


def check_output(output: str) -> None:
    """Refuse the name of an output's activation that there is none of."""
    if output not in OUTPUTS:
        raise ValueError(f"output: got {output!r}, want one of {', '.join(OUTPUTS)}")
