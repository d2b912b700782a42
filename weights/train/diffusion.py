"""The diffusion that the networks learn: DDPM's linear schedule of 1000 steps, the hybrid loss of Improved DDPM (Nichol & Dhariwal
2021) with min-SNR weights (Hang et al. 2023), and DDIM (Song et al. 2021) to look at samples."""

import math

import torch
from torch.nn import functional as F

STEPS = 1000
RANGES = [(0, 100), (100, 300), (300, 600), (600, 1000)]

_betas = torch.linspace(1e-4, 0.02, STEPS, dtype=torch.float64)
_alpha_bar = torch.cumprod(1 - _betas, 0)
# Steps that a respaced chain may take at once: 1000 of them, 100 or 25.
STRIDES = torch.tensor([1, 2, 5, 10, 20, 40])


def wide(values):
    """[N] beside pictures."""
    return values.float()[:, None, None, None]


def at(values, t):
    return wide(values.to(t.device)[t])


def alpha_bar(t):
    return _alpha_bar[t].item()


def noised(x0, t, noise):
    return at(_alpha_bar.sqrt(), t) * x0 + at((1 - _alpha_bar).sqrt(), t) * noise


# Variance of the mean of a square of a picture, roughly, whatever the square's size.
_COARSE_VARIANCE = 0.1


def coarse_error(difference, snr, weights=None):
    """Σ 0.25 · k² · mean²(k×k) / (1 + 0.1 · k² · snr) over k = 4, 16, … up to the picture [N]: what the mean square hides. Of a
    picture's hue one pixel in thousands tells, so that without this the network learns hues last, and samples have unnatural ones.
    The mean over k×k pixels sees the noise k² times weaker: the divisor takes away what even the best network cannot know of it.
    (After the multiscale loss of simple diffusion, Hoogeboom et al. 2023; the minimum is the same, since each term is a square of
    the same difference.)"""
    total, k = 0, 4
    while k <= difference.shape[-1]:
        weight = 0.25 * k * k / (1 + _COARSE_VARIANCE * k * k * snr)
        squares = F.avg_pool2d(difference, k) ** 2
        total = total + weight * (squares if weights is None else F.avg_pool2d(weights, k) * squares).mean(dim=(1, 2, 3))
        k *= 4
    return total


def losses(out, x0, x, t, noise, stride, gamma=5.0, variational=0.2, weights=None):
    """Loss [N] of the network's output at x = noised(x0, t, noise), and the plain ε-error [N]. The variance is learned of steps from t
    to t − stride [N]: of single steps alone it hardly matters, and would be noise where a respaced chain takes larger ones. weights
    [1, 1, H, W]: of places, whatever the picture, so that the minimum is the same."""
    epsilon, fraction = out.chunk(2, dim=1)
    squares = (epsilon - noise) ** 2
    error = squares.mean(dim=(1, 2, 3))
    weighted = error if weights is None else (weights * squares).mean(dim=(1, 2, 3))
    snr = (_alpha_bar / (1 - _alpha_bar)).to(t.device)[t].float()
    # The variance learns from the variational term alone, whose mean is held fixed.
    fixed = epsilon.detach()
    start = ((x - at((1 - _alpha_bar).sqrt(), t) * fixed) / at(_alpha_bar.sqrt(), t)).clamp(-1, 1)
    # The last step adds no noise, so nothing is learned of it.
    is_last = t < stride
    now, before = (_alpha_bar.to(t.device)[index] for index in (t, torch.where(is_last, t, t - stride)))
    beta = torch.where(is_last, torch.ones_like(now), 1 - now / before)
    posterior = beta * (1 - before) / (1 - now)
    f = (fraction + 1) / 2
    log_variance = f * wide(beta.log()) + (1 - f) * wide(posterior.log())
    distance = wide(before.sqrt() * beta / (1 - now)) * (start - x0)
    kl = 0.5 * (log_variance - wide(posterior.log()) - 1 + (wide(posterior) + distance**2) * torch.exp(-log_variance))
    bound = torch.where(is_last, torch.zeros_like(snr), kl.mean(dim=(1, 2, 3)) / math.log(2))
    return (gamma / snr).clamp(max=1) * (weighted + coarse_error(epsilon - noise, snr, weights)) + variational * bound, error


@torch.no_grad()
def ddim(model, labels, size, steps=50, seed=0, eta=1.0):
    """Samples [N, 3, size, size] in [−1, 1]; the same seed gives the same pictures. Fresh noise (η = 1) covers what the network gets
    wrong of the first, which without it (η = 0) is carried through to the end."""
    device = labels.device
    generator = torch.Generator().manual_seed(seed)
    draw = lambda: torch.randn(len(labels), 3, size, size, generator=generator).to(device)
    x = draw()
    times = torch.linspace(STEPS - 1, 0, steps).round().long()
    for now, then in zip(times, [*times[1:], None]):
        t = torch.full((len(labels),), int(now), device=device)
        epsilon = model(x, t, labels)[:, :3]
        signal = _alpha_bar[now].sqrt().item()
        start = ((x - (1 - signal**2) ** 0.5 * epsilon) / signal).clamp(-1, 1)
        epsilon = (x - signal * start) / (1 - signal**2) ** 0.5
        after = 1.0 if then is None else _alpha_bar[then].sqrt().item()
        fresh = eta * ((1 - after**2) / (1 - signal**2) * (1 - (signal / after) ** 2)) ** 0.5
        x = after * start + (1 - after**2 - fresh**2) ** 0.5 * epsilon + fresh * draw()
    return x
