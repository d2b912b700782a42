"""The UNet and the classifier in guided-diffusion's layout: its parameter names and arithmetic, for the flags that are used here
(residual resampling, scale-shift norms, legacy attention order, learned variance). Written from the paper (Dhariwal & Nichol 2021)
and the names in released state dicts."""

import math

import torch
from torch import nn
from torch.nn import functional as F

import fused
import portraits
import scenes


def timestep_embedding(t, width):
    half = width // 2
    angles = t.float()[:, None] * torch.exp(-math.log(10000) * torch.arange(half, device=t.device) / half)
    return torch.cat([angles.cos(), angles.sin()], dim=1)


class GroupNorm32(nn.GroupNorm):
    """In f32 whatever comes. (PyTorch 1.13's of bf16 in channels-last order is wrong by 12 %.)"""

    def forward(self, x):
        return F.group_norm(x.float(), self.num_groups, self.weight.float(), self.bias.float(), self.eps).to(x.dtype)


def norm(channels, flags):
    """guided-diffusion has 32 groups everywhere. A group of one channel takes its mean away, and with it the picture's hue and
    brightness, so that narrow networks say `norm_num_groups` (diffusers' name for it) and have four channels or more a group, like
    EDM's (Karras et al. 2022)."""
    return GroupNorm32(flags.get("norm_num_groups", 32), channels)


def activated(norm, x, scale=None, shift=None):
    """silu(norm(x) · (1 + scale) + shift), scale and shift [N, C] of each picture."""
    if not fused.usable(x):
        h = norm(x)
        return F.silu(h if scale is None else h * (1 + scale[:, :, None, None]) + shift[:, :, None, None])
    weight, bias = norm.weight.float().expand(len(x), -1), norm.bias.float().expand(len(x), -1)
    if scale is not None:
        weight, bias = weight * (1 + scale.float()), bias * (1 + scale.float()) + shift.float()
    return fused.NormSilu.apply(x, weight, bias, norm.num_groups, norm.eps, True)


def embedding_width(flags):
    return 4 * flags["model_channels"]


def zero(module):
    """Starts as nothing, so that a block starts as its skip."""
    for parameter in module.parameters():
        nn.init.zeros_(parameter)
    return module


class ResBlock(nn.Module):
    def __init__(self, channels, out, flags, resample=None):
        super().__init__()
        self.resample = resample
        self.in_layers = nn.Sequential(norm(channels, flags), nn.SiLU(), nn.Conv2d(channels, out, 3, padding=1))
        self.emb_layers = nn.Sequential(nn.SiLU(), nn.Linear(embedding_width(flags), 2 * out))
        # Index 2 is guided-diffusion's dropout, which has no parameters.
        self.out_layers = nn.Sequential(norm(out, flags), nn.SiLU(), nn.Identity(), zero(nn.Conv2d(out, out, 3, padding=1)))
        self.skip_connection = nn.Identity() if channels == out else nn.Conv2d(channels, out, 1)

    def resized(self, x):
        if self.resample == "down":
            return F.avg_pool2d(x, 2)
        return F.interpolate(x, scale_factor=2, mode="nearest") if self.resample == "up" else x

    def forward(self, x, embedding):
        h = self.in_layers[2](self.resized(activated(self.in_layers[0], x)))
        h = activated(self.out_layers[0], h, *self.emb_layers(embedding).chunk(2, dim=1))
        return self.skip_connection(self.resized(x)) + self.out_layers[3](h)


class Attention(nn.Module):
    def __init__(self, channels, flags):
        super().__init__()
        self.heads = channels // flags["num_head_channels"]
        self.norm = norm(channels, flags)
        self.qkv = nn.Conv1d(channels, 3 * channels, 1)
        self.proj_out = zero(nn.Conv1d(channels, channels, 1))

    def forward(self, x, embedding):
        batch, channels, *size = x.shape
        flat = x.reshape(batch, channels, -1)
        # Legacy order: q, k and v of one head stand together.
        qkv = self.qkv(self.norm(flat)).reshape(batch * self.heads, 3 * channels // self.heads, -1)
        q, k, v = (part.transpose(1, 2) for part in qkv.chunk(3, dim=1))
        # guided-diffusion scales q and k by the fourth root each, and takes the softmax in f32.
        scale = q.shape[-1] ** -0.25
        weights = torch.softmax((q * scale @ (k * scale).transpose(1, 2)).float(), dim=-1).to(v.dtype)
        out = (weights @ v).transpose(1, 2).reshape(batch, channels, -1)
        return (flat + self.proj_out(out)).reshape(batch, channels, *size)


class Stage(nn.Sequential):
    """Numbered modules, of which the blocks take the embedding."""

    def forward(self, x, embedding):
        for module in self:
            x = module(x, embedding) if isinstance(module, (ResBlock, Attention)) else module(x)
        return x


class Encoder(nn.Module):
    """time_embed, input_blocks and middle_block, which both networks have."""

    def __init__(self, flags):
        super().__init__()
        self.flags = flags
        width, embedding = flags["model_channels"], embedding_width(flags)
        self.time_embed = nn.Sequential(nn.Linear(width, embedding), nn.SiLU(), nn.Linear(embedding, embedding))
        levels = [int(multiplier * width) for multiplier in flags["channel_mult"]]
        channels, factor = levels[0], 1
        self.input_blocks = nn.ModuleList([Stage(nn.Conv2d(flags["in_channels"], channels, 3, padding=1))])
        self.skips = [channels]
        for level, out in enumerate(levels):
            for _ in range(flags["num_res_blocks"]):
                attention = [Attention(out, flags)] if factor in flags["attention_resolutions"] else []
                self.input_blocks.append(Stage(ResBlock(channels, out, flags), *attention))
                channels = out
                self.skips.append(channels)
            if level < len(levels) - 1:
                self.input_blocks.append(Stage(ResBlock(channels, channels, flags, "down")))
                self.skips.append(channels)
                factor *= 2
        self.middle_block = Stage(
            ResBlock(channels, channels, flags), Attention(channels, flags), ResBlock(channels, channels, flags)
        )
        self.levels, self.factor = levels, factor

    def embed(self, t):
        waves = timestep_embedding(t, self.flags["model_channels"])
        return self.time_embed(waves.to(self.time_embed[0].weight.dtype))


class UNet(Encoder):
    """x [N, 3, H, W] in [−1, 1], t [N] in 0 … 999, y [N] → [N, 6, H, W]: ε, and the variance's interpolation."""

    def __init__(self, flags):
        super().__init__(flags)
        channels, factor = self.levels[-1], self.factor
        if flags["num_classes"] is not None:
            self.label_emb = nn.Embedding(flags["num_classes"], embedding_width(flags))
        self.output_blocks, skips = nn.ModuleList(), list(self.skips)
        for level, out in reversed(list(enumerate(self.levels))):
            for index in range(flags["num_res_blocks"] + 1):
                modules = [ResBlock(channels + skips.pop(), out, flags)]
                channels = out
                if factor in flags["attention_resolutions"]:
                    modules.append(Attention(out, flags))
                if level > 0 and index == flags["num_res_blocks"]:
                    modules.append(ResBlock(out, out, flags, "up"))
                    factor //= 2
                self.output_blocks.append(Stage(*modules))
        self.out = nn.Sequential(norm(channels, flags), nn.SiLU(), zero(nn.Conv2d(channels, flags["out_channels"], 3, padding=1)))

    def forward(self, x, t, y=None):
        embedding = self.embed(t)
        if self.flags["num_classes"] is not None:
            embedding = embedding + self.label_emb(y)
        kept = []
        for block in self.input_blocks:
            x = block(x, embedding)
            kept.append(x)
        x = self.middle_block(x, embedding)
        for block in self.output_blocks:
            x = block(torch.cat([x, kept.pop()], dim=1), embedding)
        return self.out[2](activated(self.out[0], x)).float()


class Classifier(Encoder):
    """x [N, 3, H, W] noised to t [N] → logits [N, classes]; the head is guided-diffusion's pool "adaptive"."""

    def __init__(self, flags):
        super().__init__(flags)
        channels = self.levels[-1]
        self.out = nn.Sequential(
            norm(channels, flags), nn.SiLU(), nn.AdaptiveAvgPool2d(1), zero(nn.Conv2d(channels, flags["out_channels"], 1)), nn.Flatten()
        )

    def forward(self, x, t, y=None):
        embedding = self.embed(t)
        for block in self.input_blocks:
            x = block(x, embedding)
        return self.out(self.middle_block(x, embedding)).float()


SHARED = {"in_channels": 3, "num_head_channels": 32, "use_scale_shift_norm": True, "resblock_updown": True, "use_new_attention_order": False}

# attention_resolutions are factors of downsampling.
PRESETS = {
    "portraits64": {**SHARED, "image_size": 64, "model_channels": 32, "norm_num_groups": 8, "channel_mult": [1, 1, 2, 3], "num_res_blocks": 1, "attention_resolutions": [4, 8], "out_channels": 6},
    "portraits128": {**SHARED, "image_size": 128, "model_channels": 64, "norm_num_groups": 16, "channel_mult": [1, 1, 2, 2, 3], "num_res_blocks": 2, "attention_resolutions": [8, 16], "out_channels": 6},
    "scenes64": {**SHARED, "image_size": 64, "model_channels": 32, "norm_num_groups": 8, "channel_mult": [1, 1, 3, 3], "num_res_blocks": 1, "attention_resolutions": [4, 8], "out_channels": 6},
    "classifier64": {**SHARED, "image_size": 64, "model_channels": 32, "channel_mult": [1, 2, 3, 4], "num_res_blocks": 1, "attention_resolutions": [4, 8], "pool": "adaptive"},
    "classifier128": {**SHARED, "image_size": 128, "model_channels": 32, "channel_mult": [1, 1, 2, 3, 4], "num_res_blocks": 1, "attention_resolutions": [8, 16], "pool": "adaptive"},
    # For tests: nothing is to be learned with them.
    "tiny": {**SHARED, "image_size": 16, "model_channels": 32, "norm_num_groups": 8, "channel_mult": [1, 2], "num_res_blocks": 1, "attention_resolutions": [2], "out_channels": 6},
    "tiny-classifier": {**SHARED, "image_size": 16, "model_channels": 32, "channel_mult": [1, 2], "num_res_blocks": 1, "attention_resolutions": [2], "pool": "adaptive"},
}


def classes_of(preset):
    return scenes.CLASSES if preset.startswith("scenes") else portraits.CLASSES


def build(preset):
    """The network of a preset for its pictures' classes, of which a UNet has one more, which means none of them."""
    flags, classes = dict(PRESETS[preset]), len(classes_of(preset))
    if "pool" in flags:
        return Classifier({**flags, "out_channels": classes})
    return UNet({**flags, "num_classes": classes + 1})
