r"""Total variation: smoothing and filling in that keep edges.

For an image f, of which the pixels in a set K are known, the minimiser over images u of::

    1/2 sum_{K} (u - f)^2 + weight * TV(u),    TV(u) = sum over pixels of |grad u|

with the isotropic (Euclidean) length of forward differences, zero across the border.

Sources: Rudin, Osher and Fatemi 1992, Nonlinear total variation based noise removal algorithms,
Physica D 60; Chambolle and Pock 2011, A first-order primal-dual algorithm for convex problems with
applications to imaging, Journal of Mathematical Imaging and Vision 40(1), algorithms 1 and 2.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from replearn._validate import check_integer, check_not_negative, check_tensor, check_values
from replearn.images.patches import check_image

_NORM = math.sqrt(8.0)  # bound of the norm of the gradient (Chambolle 2004)
_CHECK_EVERY = 10  # a gap costs about as much as an iteration


@torch.no_grad()
def total_variation(
    image: Tensor,
    weight: float,
    *,
    mask: Tensor | None = None,
    max_iter: int = 2000,
    tol: float = 1e-3,
) -> Tensor:
    r"""The minimiser of 1/2 sum_{known} (u - image)^2 + weight * TV(u).

    Stops when the duality gap is at most tol times the objective: then the objective is that close
    to its minimum, and without a mask 1/2 ||u - u*||^2 is at most the gap.

    Parameters
    ----------
    image : Tensor
        (h, w); what it holds where mask is False is not looked at, NaN included.
    weight : float
        At least 0, in the units of image. With a mask, 0 is the limit from above: of all images
        that agree with the known pixels, one of least total variation.
    mask : Tensor, (h, w), optional
        Of bool, True where the pixel is known; None: everywhere.
    max_iter : int
        At most so many iterations; the last image is returned then.
    tol : float
        The gap, as a share of the objective.

    Returns
    -------
    Tensor, (h, w)
        Of the dtype and on the device of image.

    Raises
    ------
    ValueError
        ``image`` is not a finite float (h, w) tensor, mask is not of its shape, of bool and with a
        known pixel, or weight, tol or max_iter is out of range.

    Examples
    --------
    >>> image = torch.zeros(8, 8)
    >>> image[:, 4:] = 1.0  # an edge stays sharp, its height falls by 2 weight / 4 pixels
    >>> u = total_variation(image, 0.4, tol=1e-6)
    >>> round(float(u[0, 4] - u[0, 3]), 2)
    0.8
    """
    known = check_mask(mask, image)
    f = torch.where(known, image, torch.zeros((), dtype=image.dtype, device=image.device))
    check_image("image", f)
    check_not_negative("weight", weight)
    check_not_negative("tol", tol)
    check_integer("max_iter", max_iter)
    if max_iter < 1:
        raise ValueError(f"max_iter: got {max_iter}, want at least 1")
    everywhere = bool(known.all())
    if everywhere and weight == 0:
        return image.clone()
    exact = weight == 0
    radius = 1.0 if exact else float(weight)
    # Cutting u at the range of the known pixels raises neither term, so there is a minimiser
    # within; where nothing is known, this makes the dual finite and the gap a bound.
    low, high = float(f[known].min()), float(f[known].max())
    u = torch.where(known, f, f[known].mean())
    u_bar = u
    p = torch.zeros(2, *u.shape, dtype=u.dtype, device=u.device)
    # Steps with tau * sigma * 8 = 1. Primal values range over high - low, dual ones over radius.
    ratio = 1.0 if everywhere else max(high - low, 1e-12) / radius
    tau, sigma = ratio / _NORM, 1 / (ratio * _NORM)
    for iteration in range(1, max_iter + 1):
        p = _project(p + sigma * _gradient(u_bar), radius)
        v = u - tau * _adjoint(p)
        fitted = f if exact else (v + tau * f) / (1 + tau)
        u_next = torch.where(known, fitted, v.clamp(low, high))
        if everywhere:  # strongly convex: accelerated, O(1/k^2)
            theta = 1 / math.sqrt(1 + 2 * tau)
            tau, sigma = theta * tau, sigma / theta
        else:
            theta = 1.0
        u_bar = u_next + theta * (u_next - u)
        u = u_next
        if iteration % _CHECK_EVERY == 0:
            objective, bound = _values(u, p, f, known, radius, exact, low, high)
            if objective - bound <= tol * objective:
                break
    return u


def _gradient(u: Tensor) -> Tensor:
    """Forward differences (2, h, w), down and to the right, zero across the border."""
    g = torch.zeros(2, *u.shape, dtype=u.dtype, device=u.device)
    g[0, :-1] = u[1:] - u[:-1]
    g[1, :, :-1] = u[:, 1:] - u[:, :-1]
    return g


def _adjoint(p: Tensor) -> Tensor:
    """The adjoint of _gradient, the negative divergence: (2, h, w) -> (h, w)."""
    y = torch.zeros_like(p[0])
    y[:-1] -= p[0, :-1]
    y[1:] += p[0, :-1]
    y[:, :-1] -= p[1, :, :-1]
    y[:, 1:] += p[1, :, :-1]
    return y


def _project(p: Tensor, radius: float) -> Tensor:
    """The nearest field with vectors of length at most radius."""
    length = (p[0].square() + p[1].square()).sqrt()
    return p * (radius / length.clamp(min=radius))


def _values(
    u: Tensor,
    p: Tensor,
    f: Tensor,
    known: Tensor,
    radius: float,
    exact: bool,
    low: float,
    high: float,
) -> tuple[float, float]:
    """Objective at u, and the lower bound of its minimum that p gives; both summed in float64."""
    length = _gradient(u).double().square().sum(0).sqrt()
    objective = radius * float(length.sum())
    y = -_adjoint(p).double()
    f = f.double()
    conjugate = torch.where(known, f * y, torch.maximum(low * y, high * y))
    if not exact:
        objective += 0.5 * float((u.double() - f)[known].square().sum())
        conjugate = conjugate + torch.where(known, 0.5 * y.square(), 0.0)
    return objective, -float(conjugate.sum())


def check_mask(mask: Tensor | None, image: Tensor) -> Tensor:
    """The mask (h, w) of known pixels, all if None; refuse one that does not fit the image."""
    check_tensor("image", image, "a torch tensor of shape (h, w)")
    check_values("image", image)
    shape = tuple(image.shape)
    if mask is None:
        return torch.ones(shape, dtype=torch.bool, device=image.device)
    check_tensor("mask", mask, f"torch.bool of the shape of image, {shape}")
    check_values("mask", mask)
    if mask.dtype != torch.bool or tuple(mask.shape) != shape:
        raise ValueError(
            f"mask: got {mask.dtype} of shape {tuple(mask.shape)}, want torch.bool of the shape of "
            f"image, {shape}"
        )
    if not bool(mask.any()):
        raise ValueError("mask: got no known pixel, want at least one True")
    return mask
