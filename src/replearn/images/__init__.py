"""Images: patches in and out, a cosine dictionary, denoising, inpainting, super-resolution."""

from replearn.images.dct import dct_dictionary
from replearn.images.patches import PatchWhitener, all_patches, assemble, remove_mean
from replearn.images.restore import denoise, inpaint, psnr
from replearn.images.super_resolution import (
    CoupledDictionary,
    bicubic,
    shrink,
    train_coupled,
    upscale,
)
from replearn.images.tv import total_variation

__all__ = [
    "CoupledDictionary",
    "PatchWhitener",
    "all_patches",
    "assemble",
    "bicubic",
    "dct_dictionary",
    "denoise",
    "inpaint",
    "psnr",
    "remove_mean",
    "shrink",
    "total_variation",
    "train_coupled",
    "upscale",
]
