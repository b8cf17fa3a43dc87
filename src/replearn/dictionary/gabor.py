r"""Gabor functions fitted to atoms, to say in numbers how local, oriented and bandpass they are.

A Gabor function is a plane wave under a Gaussian envelope. With x to the right and y downwards, in
pixels, the centre of the upper left pixel at (0, 0)::

    g(x, y) = amplitude exp(-x'^2 / (2 sigma_x^2) - y'^2 / (2 sigma_y^2))
              cos(2 pi frequency x' + phase)
    x' =  (x - x0) cos(theta) + (y - y0) sin(theta)      along the wave, across its stripes
    y' = -(x - x0) sin(theta) + (y - y0) cos(theta)      along its stripes

The fit is least squares by variable projection: amplitude and phase are linear parameters in
disguise, A cos(phase) and -A sin(phase), and are solved for exactly whenever the other six change;
those move by Levenberg-Marquardt steps. All atoms are fitted at once.

Sources: Daugman 1985, Uncertainty relation for resolution in space, spatial frequency, and
orientation optimized by two-dimensional visual cortical filters, Journal of the Optical Society of
America A 2(7); Jones and Palmer 1987, An evaluation of the two-dimensional Gabor filter model of
simple receptive fields in cat striate cortex, Journal of Neurophysiology 58(6); Golub and Pereyra
1973, The differentiation of pseudo-inverses and nonlinear least squares problems whose variables
separate, SIAM Journal on Numerical Analysis 10(2), with the Jacobian of Kaufman 1975, A variable
projection method for solving separable nonlinear least squares problems, BIT 15.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from replearn._validate import check_integer, check_matrix, check_tensor

_ITERATIONS = 100
_PADDED = 8  # the spectrum is looked at on a grid this many times finer than the patch's own
_SIGMAS = (0.08, 0.14, 0.25, 0.5)  # first widths to try, as shares of the side of the patch
# Nothing narrower than this can be told from a single pixel, nothing wider from a grating.
_LEAST_SIGMA, _MOST_SIGMA = 0.3, 2.0  # pixels; sides of the patch

_ROUNDING = 1e-6  # radians: what atoms in float32 leave open of an angle


@dataclass(frozen=True)
class GaborFits:
    """Gabor functions fitted to m atoms; every field is (m,) float64.

    An atom that is zero, or constant to rounding, has r2 and amplitude 0 and NaN elsewhere.

    Attributes
    ----------
    x0 : Tensor, (m,)
        Centre of the envelope, column, in pixels.
    y0 : Tensor, (m,)
        Centre of the envelope, row, in pixels.
    theta : Tensor, (m,)
        Direction in which the wave runs, across the stripes, in radians, 0 <= theta < pi; within
        1e-6 of pi it is 0.
    frequency : Tensor, (m,)
        Cycles per pixel, at least 0.
    sigma_x : Tensor, (m,)
        Standard deviation of the envelope along the wave, in pixels.
    sigma_y : Tensor, (m,)
        Standard deviation of the envelope across the wave, in pixels.
    phase : Tensor, (m,)
        Of the wave at the centre, in radians, -pi < phase <= pi; within 1e-6 of -pi it is pi.
    amplitude : Tensor, (m,)
        At least 0, in units of the atom.
    r2 : Tensor, (m,)
        Share of the atom's squared length that the fit explains, 0 to 1.

    Examples
    --------
    >>> stripes = torch.cos(2 * math.pi * torch.arange(8) / 4).expand(8, 8)
    >>> fits = fit_gabor(stripes.reshape(1, 64), size=8)
    >>> bool((fits.atoms(8) - stripes.reshape(1, 64)).abs().max() < 0.1)
    True
    """

    x0: Tensor
    y0: Tensor
    theta: Tensor
    frequency: Tensor
    sigma_x: Tensor
    sigma_y: Tensor
    phase: Tensor
    amplitude: Tensor
    r2: Tensor

    @property
    def bandwidth(self) -> Tensor:
        """Full width at half height of the spectrum along the wave, in octaves, (m,).

        The spectrum is a Gaussian of standard deviation 1 / (2 pi sigma_x), which has half its
        height at frequency -+ s with s = sqrt(2 ln 2) / (2 pi sigma_x); the bandwidth is
        log2((frequency + s) / (frequency - s)), infinite where frequency <= s: a low-pass.
        """
        s = math.sqrt(2 * math.log(2)) / (2 * math.pi * self.sigma_x)
        ratio = (self.frequency + s) / (self.frequency - s)
        return torch.where(self.frequency <= s, math.inf, ratio.log2())

    @property
    def aspect(self) -> Tensor:
        """Length over width of the envelope, sigma_y / sigma_x, (m,)."""
        return self.sigma_y / self.sigma_x

    def atoms(self, size: int) -> Tensor:
        """The fitted functions, 0 for atoms that have no fit.

        Parameters
        ----------
        size : int
            Side of the patch in pixels.

        Returns
        -------
        Tensor, (m, size * size)
        """
        nonlinear = torch.stack(
            [self.x0, self.y0, self.theta, self.frequency, self.sigma_x.log(), self.sigma_y.log()],
            1,
        )
        _, _, envelope, wave = _coordinates(nonlinear, size)
        return (
            self.amplitude[:, None] * envelope * torch.cos(wave + self.phase[:, None])
        ).nan_to_num(0.0)


@torch.no_grad()
def fit_gabor(atoms: Tensor, size: int) -> GaborFits:
    """The Gabor function nearest to each atom, in squared distance.

    Frequency and direction start at the peak of the atom's amplitude spectrum, the centre at the
    centroid of its envelope, the widths at the best of a few. As in all nonlinear least squares
    the result is a local minimum; r2 says how good it is. Centres stay within the patch.

    Parameters
    ----------
    atoms : Tensor, (m, size * size) or (size * size,)
        Rows of a patch one after the other. The columns of a dictionary D are
        ``fit_gabor(D.T, size)``.
    size : int
        Side of the patch in pixels, at least 4.

    Returns
    -------
    GaborFits

    Raises
    ------
    ValueError
        atoms has another shape, or is not finite and float.

    Examples
    --------
    Horizontal stripes, which come again after four pixels: the wave runs downwards.

    >>> stripes = torch.cos(2 * math.pi * torch.arange(8) / 4).expand(8, 8).T
    >>> fits = fit_gabor(stripes.reshape(1, 64), size=8)
    >>> fits.frequency.round(decimals=2), fits.theta.round(decimals=2)
    (tensor([0.2500], dtype=torch.float64), tensor([1.5700], dtype=torch.float64))
    """
    check_integer("size", size)
    if size < 4:
        raise ValueError(f"size: got {size}, want at least 4")
    check_tensor("atoms", atoms, "a torch tensor of shape (m, size * size)")
    A = atoms[None] if atoms.ndim == 1 else atoms
    check_matrix("atoms", A, size * size)
    scale = A.abs().amax(1)
    spread = A.amax(1) - A.amin(1)
    blank = spread <= 8 * torch.finfo(A.dtype).eps * scale
    Y = (A / torch.where(scale > 0, scale, 1)[:, None]).double()
    Y = torch.where(blank[:, None], torch.ones_like(Y), Y)  # something harmless to compute with
    p = _minimise(Y, _starts(Y, size), size)
    residual, _, coefficients = _project(Y, p, size)
    r2 = 1 - residual.square().sum(1) / Y.square().sum(1)
    a, b = coefficients.unbind(1)
    x0, y0, theta, f, log_x, log_y = p.unbind(1)
    phase = torch.atan2(-b, a)
    # g is unchanged when f and phase change sign, and when theta turns by pi and phase changes
    # sign: that puts every fit into the stated ranges.
    phase = torch.where(f < 0, -phase, phase)
    turned = torch.floor(theta / math.pi) % 2 == 1
    phase = torch.where(turned, -phase, phase)
    theta = theta.remainder(math.pi)
    # Where the circle closes, rounding must not decide between the two ends of a range.
    closing = theta >= math.pi - _ROUNDING
    theta, phase = torch.where(closing, 0.0, theta), torch.where(closing, -phase, phase)
    phase = torch.where(phase <= -math.pi + _ROUNDING, math.pi, phase)

    def or_nan(values: Tensor) -> Tensor:
        return torch.where(blank, math.nan, values)

    return GaborFits(
        x0=or_nan(x0),
        y0=or_nan(y0),
        theta=or_nan(theta),
        frequency=or_nan(f.abs()),
        sigma_x=or_nan(log_x.exp()),
        sigma_y=or_nan(log_y.exp()),
        phase=or_nan(phase),
        amplitude=torch.where(blank, 0.0, torch.hypot(a, b) * scale),
        r2=torch.where(blank, 0.0, r2.clamp(0, 1)),
    )


def _starts(Y: Tensor, size: int) -> Tensor:
    """First nonlinear parameters (m, 6): x0, y0, theta, frequency, log sigma_x, log sigma_y."""
    m, n = len(Y), _PADDED * size
    spectrum = torch.fft.fft2(Y.reshape(m, size, size), (n, n))
    half = spectrum[:, :, : n // 2 + 1].abs()
    peak = half.flatten(1).argmax(1)
    frequencies = torch.fft.fftfreq(n, dtype=Y.dtype, device=Y.device)
    v, u = frequencies[peak // half.shape[2]], frequencies[peak % half.shape[2]].abs()
    # The half of the spectrum on the peak's side makes the wave a complex one, and its modulus
    # the envelope.
    side = frequencies[:, None] * v[:, None, None] + frequencies * u[:, None, None]
    analytic = torch.fft.ifft2(torch.where(side >= 0, spectrum, 0.0))[:, :size, :size]
    energy = analytic.abs().square().square()  # a power that leaves little to the noise around
    energy = energy / energy.sum((1, 2), keepdim=True)
    pixel = torch.arange(size, dtype=Y.dtype, device=Y.device)
    x0, y0 = (energy.sum(1) * pixel).sum(1), (energy.sum(2) * pixel).sum(1)
    f, theta = torch.hypot(u, v), torch.atan2(v, u)
    best, least = Y.new_empty(0), Y.new_empty(0)
    for sigma_x in _SIGMAS:
        for sigma_y in _SIGMAS:
            sigmas = [torch.full_like(f, math.log(s * size)) for s in (sigma_x, sigma_y)]
            p = torch.stack([x0, y0, theta, f, *sigmas], 1)
            loss = _project(Y, p, size)[0].square().sum(1)
            if len(best) == 0:
                best, least = p, loss
            better = loss < least
            best = torch.where(better[:, None], p, best)
            least = torch.where(better, loss, least)
    return best


def _minimise(Y: Tensor, p: Tensor, size: int) -> Tensor:
    """Levenberg-Marquardt steps on all atoms, each with its own damping."""
    smallest = [0, 0, -math.inf, -0.75, *2 * [math.log(_LEAST_SIGMA)]]
    largest = [size - 1, size - 1, math.inf, 0.75, *2 * [math.log(_MOST_SIGMA * size)]]
    low, high = p.new_tensor(smallest), p.new_tensor(largest)
    p = torch.maximum(torch.minimum(p, high), low)
    damping = torch.full_like(p[:, 0], 1e-2)
    residual, J, _ = _project(Y, p, size)
    loss = residual.square().sum(1)
    for _ in range(_ITERATIONS):
        G = J.transpose(1, 2) @ J
        diagonal = G.diagonal(dim1=1, dim2=2)
        floor = 1e-9 * diagonal.amax(1, keepdim=True) + 1e-300
        G = G + torch.diag_embed(damping[:, None] * diagonal + floor)
        step = torch.linalg.solve(G, (J.transpose(1, 2) @ residual[:, :, None])).squeeze(2)
        trial = torch.maximum(torch.minimum(p + step, high), low)
        residual_trial, J_trial, _ = _project(Y, trial, size)
        loss_trial = residual_trial.square().sum(1)
        good = loss_trial < loss
        gain = torch.where(good, loss - loss_trial, 0.0)
        p = torch.where(good[:, None], trial, p)
        residual = torch.where(good[:, None], residual_trial, residual)
        J = torch.where(good[:, None, None], J_trial, J)
        damping = torch.where(good, damping / 4, damping * 4).clamp(1e-9, 1e9)
        loss = torch.where(good, loss_trial, loss)
        if bool(((gain <= 1e-10 * loss) & (good | (damping > 1e3))).all()):
            break
    return p


def _project(Y: Tensor, p: Tensor, size: int) -> tuple[Tensor, Tensor, Tensor]:
    """For the best linear coefficients: residual (m, d), Jacobian (m, d, 6), coefficients (m, 2).

    The Jacobian is negative and without the part that the coefficients of the waves take up
    (Kaufman).
    """
    theta, f = p[:, 2:3], p[:, 3:4]
    x, y, envelope, wave = _coordinates(p, size)
    cosine, sine = envelope * wave.cos(), envelope * wave.sin()
    # Gram-Schmidt on the two waves; the second is dropped where it is a multiple of the first.
    length = cosine.norm(dim=1, keepdim=True)
    tiny = torch.finfo(Y.dtype).tiny
    q1 = cosine / length.clamp(min=tiny)
    shared = (q1 * sine).sum(1, keepdim=True)
    rest = sine - shared * q1
    rest_length = rest.norm(dim=1, keepdim=True)
    apart = rest_length > 1e-8 * envelope.norm(dim=1, keepdim=True)
    q2 = torch.where(apart, rest / rest_length.clamp(min=tiny), 0.0)
    c1, c2 = (q1 * Y).sum(1, keepdim=True), (q2 * Y).sum(1, keepdim=True)
    residual = Y - c1 * q1 - c2 * q2
    b = torch.where(apart, c2 / rest_length.clamp(min=tiny), 0.0)
    a = (c1 - b * shared) / length.clamp(min=tiny)
    g = a * cosine + b * sine
    derivative = b * cosine - a * sine  # by the argument of the wave
    square_x, square_y = (2 * p[:, 4:5]).exp(), (2 * p[:, 5:6]).exp()
    by_x = 2 * math.pi * f * derivative - g * x / square_x
    by_y = -g * y / square_y
    J = torch.stack(
        [
            by_y * theta.sin() - by_x * theta.cos(),
            -by_x * theta.sin() - by_y * theta.cos(),
            by_x * y - by_y * x,
            2 * math.pi * x * derivative,
            g * x.square() / square_x,
            g * y.square() / square_y,
        ],
        2,
    )
    Q = torch.stack([q1, q2], 2)
    return residual, J - Q @ (Q.transpose(1, 2) @ J), torch.cat([a, b], 1)


def _coordinates(p: Tensor, size: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """x', y', the envelope and 2 pi frequency x' at all pixels, each (m, size * size)."""
    x0, y0, theta, f, log_x, log_y = (column[:, None] for column in p.unbind(1))
    pixel = torch.arange(size, dtype=p.dtype, device=p.device)
    row, column = torch.meshgrid(pixel, pixel, indexing="ij")
    dx, dy = column.flatten() - x0, row.flatten() - y0
    x = dx * theta.cos() + dy * theta.sin()
    y = dy * theta.cos() - dx * theta.sin()
    envelope = torch.exp(-0.5 * ((x * torch.exp(-log_x)) ** 2 + (y * torch.exp(-log_y)) ** 2))
    return x, y, envelope, 2 * math.pi * f * x
