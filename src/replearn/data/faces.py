r"""Frames of a video of one face, which turns and changes its expression.

The real ones are the Frey faces, 1,965 frames of 28 x 20 pixels of Brendan Frey's face. Without
them there is a face drawn from formulas with the same two ways to change, so that a page runs
anywhere: :func:`face_frames` returns what can be had, and its ``name`` says which.

Sources: Sam Roweis's page of data (https://cs.nyu.edu/~roweis/data.html) for the frames; the
package cems of S. Gerber (https://github.com/cran/cems) for the file, whose licence, GPL-2, is the
package's.
"""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from replearn._validate import check_integer, check_not_negative, check_seed
from replearn.data._r_format import read_r_table
from replearn.data.cache import RemoteFile
from replearn.data.errors import DataUnavailable, WrongContent

FACES_FILE = RemoteFile(
    "frey_faces/frey_faces.rda",
    "https://github.com/cran/cems/raw/master/data/frey_faces.rda",
    "b98840cc8c98f9158d04c46d48b40ac358134f44f1ce046db40b7376fcd5dff4",
)

_HEIGHT, _WIDTH = 28, 20
_N_FRAMES = 1965  # of the video, and so of what stands in for it
_LARGEST_TURN = 0.5  # radians to either side
_PERIODS = (25, 150)  # frames that a swing of the turn or of the smile takes
_SWINGS = 8

_Values = float | NDArray[np.float64]


@dataclass(frozen=True)
class Faces:
    """Frames of a video of a face, in the order in which they were taken.

    Attributes
    ----------
    name : str
        Where they are from; a page that shows results prints it.
    X : Tensor, (n, d)
        One frame a row, float32, grey values from 0 (black) to 1 (white).
    image_shape : (int, int)
        Height and width; their product is d.

    Examples
    --------
    >>> video = Faces("grey", torch.full((3, 6), 0.5), image_shape=(2, 3))
    >>> video.X[0].view(video.image_shape).shape
    torch.Size([2, 3])
    """

    name: str
    X: Tensor
    image_shape: tuple[int, int]


def face_frames(*, seed: int = 0) -> Faces:
    """Return the Frey faces if cached or downloaded, else :func:`drawn_faces`.

    Parameters
    ----------
    seed : int
        Of the drawn faces.

    Returns
    -------
    Faces

    Warns
    -----
    UserWarning
        The cache has a file of that name with other content, which is left as it is, or the
        package that reads it is not installed.

    Examples
    --------
    >>> video = face_frames()
    >>> video.X.shape, video.image_shape
    (torch.Size([1965, 560]), (28, 20))
    """
    try:
        return load_frey_faces()
    except (WrongContent, ModuleNotFoundError) as error:
        warnings.warn(f"{error} Using drawn faces.", stacklevel=2)
    except DataUnavailable:
        pass  # no news: the name of what is returned says it
    return drawn_faces(seed=seed)


def load_frey_faces() -> Faces:
    """Return the 1,965 Frey faces.

    From the cache folder, or downloaded into it (about 0.8 MB) and verified.

    Returns
    -------
    Faces
        Grey values are the stored ones, 8 to 238, divided by 255.

    Raises
    ------
    DataUnavailable
        The file is neither in the cache nor can it be downloaded.
    ModuleNotFoundError
        The package rdata, which reads R's format, is not installed.

    Examples
    --------
    >>> try:
    ...     video = load_frey_faces()
    ... except DataUnavailable:  # no network, and they are not in the cache
    ...     video = drawn_faces()
    >>> video.X.shape
    torch.Size([1965, 560])
    """
    table = read_r_table(FACES_FILE, "faces", what="Frey faces")
    X = torch.from_numpy(np.array(table, dtype=np.float32)) / 255
    return Faces("Frey faces", X, (_HEIGHT, _WIDTH))


def drawn_faces(n: int = _N_FRAMES, *, noise: float = 0.005, seed: int = 0) -> Faces:
    r"""A synthetic video of a drawn face with two degrees of freedom, turn and smile.

    The head is a cylinder of radius R under an ellipse. A feature at the angle phi from the middle
    of the face stands at the column R sin(phi + theta) when the head is turned by theta, and the
    smile bends the mouth into a parabola, widens it, lights the cheeks and narrows the eyes.
    Everything is a smooth function of the place, of theta and of the smile, so that frames without
    noise lie on a smooth surface of dimension two. Over the frames i both go their random smooth
    ways between -1 and 1, and theta is half a radian times its own::

        tanh(sum_j a_j cos(2 pi i / p_j + b_j)),   8 terms, periods p_j of 25 to 150 frames

    It is a model of a face, and what is found in it says nothing about faces.

    Parameters
    ----------
    n : int
        Number of frames, at least 1.
    noise : float
        Standard deviation of the noise of each pixel, before values are cut off at 0 and 1.
    seed : int
        The same seed gives the same frames.

    Returns
    -------
    Faces
        Of 28 x 20 pixels.

    Raises
    ------
    ValueError
        A number is out of range.

    Examples
    --------
    >>> drawn_faces(10).X.shape
    torch.Size([10, 560])
    """
    seed = check_seed(seed)
    check_integer("n", n)
    if n < 1:
        raise ValueError(f"n: got {n}, want at least 1")
    check_not_negative("noise", noise)
    rng = np.random.default_rng(seed % 2**64)  # numpy takes no negative seeds
    turn, smile = _smooth_way(n, rng), _smooth_way(n, rng)
    X = _draw(_LARGEST_TURN * turn, smile).reshape(n, -1)
    X = np.clip(X + noise * rng.standard_normal(X.shape), 0, 1)
    return Faces("drawn faces (synthetic)", torch.from_numpy(X).float(), (_HEIGHT, _WIDTH))


def _smooth_way(n: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Numbers (n,) between -1 and 1 of which successive ones are near each other."""
    periods = rng.uniform(*_PERIODS, _SWINGS)
    phases = rng.uniform(0, 2 * math.pi, _SWINGS)
    amplitudes = rng.uniform(0.3, 0.7, _SWINGS)
    angles = 2 * math.pi * np.arange(n)[:, None] / periods + phases
    way: NDArray[np.float64] = np.tanh((amplitudes * np.cos(angles)).sum(1))
    return way


def _draw(theta: NDArray[np.float64], smile: NDArray[np.float64]) -> NDArray[np.float64]:
    """Images (n, 28, 20) of the face turned by theta (n,) with that smile (n,), from 0 to 1."""
    row = np.arange(_HEIGHT)[None, :, None] - (_HEIGHT - 1) / 2
    column = np.arange(_WIDTH)[None, None, :] - (_WIDTH - 1) / 2
    theta, smile = theta[:, None, None], smile[:, None, None]
    radius = 9.0

    def spot(phi: float, down: _Values, width: float, height: _Values) -> NDArray[np.float64]:
        """A blurred spot of the face, narrower where the cylinder turns away."""
        middle = radius * np.sin(phi + theta)
        wide = width * np.cos(phi + theta)
        return np.exp(-(((column - middle) / wide) ** 2) - ((row - down) / height) ** 2)

    # A step of the head's outline, spread over about a pixel, and light from the upper left.
    outside = (column / 9.5) ** 2 + ((row - 0.5) / 14.5) ** 2 - 1
    head = 1 / (1 + np.exp(7 * outside))
    skin = 0.72 - 0.012 * column - 0.006 * row
    eyes = sum(spot(phi, -6.0, 2.4, 1.0 - 0.25 * smile) for phi in (-0.5, 0.5))
    brows = sum(spot(phi, -8.6 - 0.3 * smile, 3.0, 0.7) for phi in (-0.5, 0.5))
    nose = spot(0.0, 1.8, 2.2, 1.2)
    ridge = spot(0.0, -2.0, 1.0, 3.5)
    cheeks = sum(spot(phi, 3.0 - smile, 2.2, 2.2) for phi in (-0.65, 0.65))
    # The mouth's corners go up, that is to smaller rows, with the smile.
    beside = column - radius * np.sin(theta)
    wide = (3.4 + 0.8 * smile) * np.cos(theta)
    line = 7.5 - 0.16 * smile * (beside**2 - 6)
    mouth = np.exp(-((beside / wide) ** 4) - ((row - line) / 1.1) ** 2)
    face = skin - 0.45 * eyes - 0.25 * brows - 0.2 * nose + 0.12 * ridge
    face = face + 0.08 * smile * cheeks - 0.4 * mouth
    image: NDArray[np.float64] = head * face + (1 - head) * 0.15
    return image.clip(0, 1)
