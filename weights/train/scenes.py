"""Procedural scenes without a scale of their own: landscapes, walls and paths, drawn large; training sees 64×64 crops at many scales.
Things to remove (posts, balloons, birds, people far away, signs) are in the example pictures only.

    python3 scenes.py grid OUT.png                                     4 drawings of each kind, to look at
    python3 scenes.py crops OUT.png                                    crops as training sees them
    python3 scenes.py data OUT.npz --size 64 --count 24000 --seed 1000
    python3 scenes.py examples FOLDER                                  NAME.jpg, NAME.fill.png (white is to be filled), NAME.small.jpg
    python3 scenes.py without FOLDER                                   NAME.png: the examples without the thing to remove
"""

import argparse
import json
import math
import os
from concurrent.futures import ProcessPoolExecutor

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

import files
import textures
from textures import cloudy, colour, lit, mix, receding, shifted, smooth, step, varied

CLASSES = ["meadow", "mountains", "lake", "beach", "bricks", "planks", "stones", "gravel"]
# A drawing, of which one and a half pixels become one of a picture: what is drawn hard gets soft edges so.
WIDTH, HEIGHT, OVER = 1536, 1152, 1.5
CROPS = 32

# Zenith, middle, horizon, the sun's light, clouds' light and dark.
SKIES = {
    "noon": [(52, 112, 188), (110, 164, 222), (196, 222, 238), (255, 252, 240), (255, 255, 252), (168, 184, 206)],
    "morning": [(94, 140, 204), (166, 190, 222), (252, 226, 196), (255, 236, 206), (255, 246, 230), (176, 170, 190)],
    "evening": [(66, 84, 150), (196, 132, 138), (252, 196, 126), (255, 210, 150), (255, 206, 164), (132, 98, 130)],
    "overcast": [(146, 158, 172), (178, 188, 198), (212, 216, 218), (226, 228, 228), (222, 226, 230), (142, 150, 162)],
    "clear": [(34, 88, 172), (84, 146, 214), (176, 214, 240), (255, 254, 246), (255, 255, 255), (190, 204, 224)],
    "dusk": [(38, 48, 98), (96, 92, 148), (220, 156, 148), (232, 180, 170), (206, 156, 170), (72, 66, 108)],
}


class Scene:
    """A drawing in progress: pixels [H, W, 3] of 0 … 255, where its light comes from, and what colours the air."""

    def __init__(self, rng, width=WIDTH, height=HEIGHT):
        self.rng, self.width, self.height, self.unit = rng, width, height, height / 768
        self.day = list(SKIES)[rng.choice(len(SKIES), p=[0.28, 0.18, 0.14, 0.14, 0.18, 0.08])]
        self.sky = [colour(c) + rng.normal(0, 5, 3).astype(np.float32) for c in SKIES[self.day]]
        side = rng.choice([-1, 1])
        angle = rng.uniform(0.25, 1.1)
        self.light = np.array([side * math.cos(angle), -math.sin(angle)])
        # How bright things are, and the light's hue on them.
        self.strength = {"noon": 1.0, "morning": 0.95, "evening": 0.8, "overcast": 0.82, "clear": 1.02, "dusk": 0.5}[self.day]
        self.tint = mix((255, 255, 255), self.sky[3], 0.8) / 255 * self.strength
        self.pixels = np.zeros((height, width, 3), np.float32)
        self.y, self.x = np.mgrid[:height, :width].astype(np.float32)

    @property
    def shape(self):
        return self.height, self.width

    def seen(self, base):
        """A thing's colour in this light."""
        return np.clip(colour(base) * self.tint, 0, 255)

    def far(self, base, distance):
        """The same through so much air (0 … 1)."""
        return mix(self.seen(base), mix(self.sky[2], self.sky[1], 0.35), distance)

    def strokes(self, draw):
        """draw(ImageDraw) on top of what is there."""
        image = Image.fromarray(np.clip(self.pixels, 0, 255).astype(np.uint8))
        draw(ImageDraw.Draw(image))
        self.pixels = np.asarray(image).astype(np.float32)

    def finish(self):
        return np.clip(self.pixels + 0.5, 0, 255).astype(np.uint8)


def ink(rgb):
    return tuple(int(v) for v in np.clip(rgb, 0, 255))


def paint_sky(s, horizon):
    rng, u = s.rng, s.unit
    up = np.clip((horizon - s.y) / (0.75 * s.height), 0, 1)
    zenith, middle, low, sun, pale, dark = s.sky
    s.pixels = np.where((up > 0.38)[..., None], mix(middle, zenith, step(0.38, 1.0, up)), mix(low, middle, np.clip(up / 0.38, 0, 1)))
    if s.day != "overcast":
        x, y = s.width * (0.5 + 0.42 * np.sign(s.light[0])), horizon - s.height * rng.uniform(0.1, 0.4)
        glow = np.exp(-np.hypot(s.x - x, s.y - y) / (0.28 * s.height))
        s.pixels = mix(s.pixels, sun, 0.55 * glow)
    kind = rng.choice(["none", "wisps", "heaps", "heaps", "layers"]) if s.day != "overcast" else "layers"
    # Clouds are small and flat near the horizon.
    sizes = u * (10 + 150 * np.clip((horizon - np.arange(s.height)) / (0.7 * s.height), 0, 1) ** 1.2)
    if kind == "none":
        return
    if kind == "wisps":
        thin = receding(rng, s.shape, sizes * 0.5, 7.0, 4)
        s.pixels = mix(s.pixels, pale, 0.55 * step(0.2, 2.4, thin) * step(0, 0.25, up))
        return
    body = receding(rng, s.shape, sizes, 2.2 if kind == "heaps" else 4.0, 5)
    cover = rng.uniform(-0.1, 0.9) if kind == "heaps" else rng.uniform(-0.9, 0.1)
    density = step(cover, cover + (0.5 if kind == "heaps" else 1.4), body)
    # Thicker towards the light than here means shade.
    reach = int(14 * u)
    towards = shifted(body, -s.light[1] * reach, -s.light[0] * reach)
    shade = np.clip(0.62 + 0.55 * (body - towards) - 0.16 * np.clip(body - cover, 0, 2), 0, 1)
    s.pixels = mix(s.pixels, mix(dark, pale, shade), density * (0.95 if kind == "heaps" else 0.7) * step(-0.02, 0.12, up))


def ridge(s, base, rise, cell, octaves=5, gain=0.5):
    """A line [W] that rises from `base` by about `rise`."""
    noise = sum(gain**k * smooth(s.rng, (4, s.width), (4, cell / 2**k))[0] for k in range(octaves))
    return base - rise * (0.5 + 0.33 * noise)


def under(s, line, soft=0.8):
    return step(-soft, soft, s.y - line)


def paint_mountains(s, line, distance, snow):
    """Rock that is lit in facets, forest at its foot, snow above."""
    rng, u = s.rng, s.unit
    depth = s.y - line
    # A relief whose folds run down from the ridge.
    folds = cloudy(rng, s.shape, (120 * u, 64 * u), 6, 0.58)
    skewed = 1.2 * folds - abs(cloudy(rng, s.shape, (110 * u, 52 * u), 5, 0.55))
    slope = np.gradient(skewed, axis=1) * s.light[0] + 0.5 * np.gradient(skewed, axis=0) * s.light[1]
    bright = 1.02 - 0.4 * np.tanh(slope * 11 * u) + 0.05 * folds
    rock = varied(rng, [(112, 108, 112), (124, 112, 98), (96, 98, 108)][rng.integers(3)], 0.02, 1)[0]
    wood = varied(rng, (62, 84, 58), 0.02, 1)[0]
    foot = step(0.2, 0.75, depth / (np.maximum(40 * u, line.max() - line.min()) * 1.1) + 0.1 * folds)
    surface = mix(rock, wood, foot)
    if snow:
        top = step(0.42, 0.22, (s.y - line.min()) / max(1.0, line.max() - line.min()) + 0.13 * skewed - 0.12)
        surface = mix(surface, (238, 242, 250), top)
    face = s.seen(surface * bright[..., None])
    s.pixels = mix(s.pixels, mix(face, s.far((0, 0, 0), 1), distance), under(s, line))


def paint_hills(s, line, distance, base, woods):
    """A slope of fields and woods; woods have tree tops on their edge."""
    rng, u = s.rng, s.unit
    size = u * (26 - 19 * distance)
    if woods:
        tops = np.abs(smooth(rng, (4, s.width), (4, size * 0.45))[0]) + 0.6 * np.abs(smooth(rng, (4, s.width), (4, size * 0.2))[0])
        line = line - size * 0.55 * tops
    tufts = cloudy(rng, s.shape, (size * 0.6, size * 0.8), 3, 0.6) if woods else cloudy(rng, s.shape, (size * 1.2, size * 7), 4, 0.5)
    fields = cloudy(rng, s.shape, (30 * u, 170 * u), 2)
    bright = 1 + (0.2 if woods else 0.07) * np.clip(tufts, -2, 2) + 0.06 * fields
    if woods:
        bright = bright * lit(tufts * size * 0.3, s.light, 0.5)
    surface = colour(base) * bright[..., None] * mix((1, 1, 1), (1.12, 1.04, 0.8), step(0, 1.5, fields))
    s.pixels = mix(s.pixels, mix(s.seen(surface), s.far((0, 0, 0), 1), distance), under(s, line))


def near_sizes(s, horizon, near):
    """[H]: sizes on the ground, which grow from the horizon to `near` at the lower edge."""
    return np.maximum(1.2, near * np.clip((np.arange(s.height) - horizon) / (s.height - horizon), 0, 1) ** 1.3)


GREENS = [(98, 134, 56), (118, 144, 62), (84, 122, 62), (142, 150, 74), (158, 150, 88)]


def paint_grass(s, line, base, flowers=True):
    """Ground below a line [W]: patches, and blades that grow towards the viewer."""
    rng, u = s.rng, s.unit
    horizon = float(line.min())
    sizes = near_sizes(s, horizon, 46 * u)
    patches = receding(rng, s.shape, sizes * 2.2, 3.2, 4)
    surface = colour(base) * (1 + 0.13 * np.clip(patches, -2, 2))[..., None] * mix((1, 1, 1), (1.2, 1.06, 0.72), step(0.2, 1.8, receding(rng, s.shape, sizes * 4, 4, 2)))
    nearness = np.clip((s.y - horizon) / (s.height - horizon), 0, 1)
    ground = mix(s.seen(surface), s.far((0, 0, 0), 1), 0.3 * (1 - nearness) ** 3)
    s.pixels = mix(s.pixels, ground, under(s, line))
    count = 15000
    # More of them where they are small.
    near = np.sort(rng.random(count) ** 1.25)
    xs = rng.uniform(-5, s.width + 5, count)
    columns = np.clip(xs, 0, s.width - 1).astype(int)
    ys = np.maximum(horizon + near * (s.height * 1.03 - horizon), line[columns] + 2)
    tall = u * (2.5 + 26 * near**1.2) * rng.uniform(0.5, 1.1, count)
    lean = rng.normal(0.12 * np.sign(s.light[0]), 0.35, count) * tall
    under_it = s.pixels[np.clip(ys, 0, s.height - 1).astype(int), columns]
    shades = under_it * (1 + rng.normal(0.03, 0.13, count))[:, None] * np.where(rng.random((count, 1)) < 0.25, 1.12, 1.0)
    widths = np.maximum(1, np.round(u * (0.5 + 2.2 * near))).astype(int)

    def blades(draw):
        for x, y, h, d, w, shade in zip(xs, ys, tall, lean, widths, shades):
            draw.line([(x, y), (x + 0.35 * d, y - 0.6 * h), (x + d, y - h)], ink(shade), int(w))

    s.strokes(blades)
    if flowers and rng.random() < 0.6:
        hues = [[(250, 248, 240), (246, 214, 74)], [(222, 66, 56), (214, 84, 70)], [(246, 206, 66), (248, 226, 120)], [(150, 110, 196), (196, 160, 222)], [(240, 170, 190), (250, 246, 244)]][rng.integers(5)]
        where = cloudy(rng, s.shape, 130 * u, 2)
        count = rng.integers(250, 1300)
        near = np.sort(rng.random(count) ** 0.9)
        ys, xs = horizon + near * (s.height - horizon), rng.uniform(0, s.width, count)

        def dots(draw):
            for x, y, n in zip(xs, ys, near):
                if where[int(min(y, s.height - 1)), int(x)] < 0.3 or y < line[int(x)] + 4:
                    continue
                r = u * (0.6 + 4.2 * n) * rng.uniform(0.7, 1.1)
                shade = s.seen(varied(rng, hues[rng.integers(2)], 0.03, 1)[0])
                draw.ellipse([x - r, y - 0.75 * r, x + r, y + 0.75 * r], ink(shade))
                if r > 2.5 * u:
                    draw.ellipse([x - 0.35 * r, y - 0.3 * r, x + 0.35 * r, y + 0.3 * r], ink(s.seen((226, 176, 60) if hues[0][0] > 230 else (70, 40, 30))))

        s.strokes(dots)


def broadleaf(s, draw, x, base, tall, hue):
    """Trunk, boughs, and a crown of blobs, dark ones first and lit ones on top."""
    rng = s.rng
    bark = s.seen(varied(rng, (92, 72, 56), 0.03, 1)[0])
    wide, fork = tall * rng.uniform(0.02, 0.032), base - tall * rng.uniform(0.26, 0.36)
    draw.polygon([(x - wide * 1.5, base), (x - wide * 0.7, fork), (x + wide * 0.7, fork), (x + wide * 1.5, base)], ink(bark * 0.72))
    side = np.sign(s.light[0]) * wide
    draw.polygon([(x, base), (x, fork), (x + side * 0.7, fork), (x + side * 1.4, base)], ink(bark))
    middle, reach = base - tall * 0.64, tall * rng.uniform(0.26, 0.34)
    clusters = [(x + reach * 0.72 * math.cos(a) * r, middle + tall * 0.25 * math.sin(a) * r) for a, r in zip(rng.uniform(0, 6.28, 9), rng.uniform(0.3, 1.0, 9))] + [(x, middle)]
    for cx, cy in clusters[:6]:
        draw.line([(x, fork + wide), (cx, cy)], ink(bark * 0.66), max(1, int(wide * 0.5)))
    blobs = []
    for cx, cy in clusters:
        for k in range(70):
            a, r = rng.uniform(0, 6.28), rng.random() ** 0.5 * tall * 0.155
            blobs.append((cx + r * math.cos(a), cy + 0.85 * r * math.sin(a), (rng.uniform(0.02, 0.036) if k < 22 else rng.uniform(0.006, 0.014)) * tall, cx, cy))
    dark, pale = s.seen(colour(hue) * 0.5), s.seen(colour(hue) * 1.2 + [14, 10, -8])
    ranked = []
    for bx, by, r, cx, cy in blobs:
        own = ((bx - cx) * s.light[0] + (by - cy) * s.light[1]) / (0.15 * tall)
        whole = ((bx - x) * s.light[0] + (by - middle) * s.light[1]) / reach
        ranked.append((np.clip(0.42 + 0.3 * own + 0.26 * whole + rng.normal(0, 0.08), 0, 1), bx, by, r))
    # Leaves over the masses that they stand out of.
    for bright, bx, by, r in sorted(ranked, key=lambda blob: blob[0] + (0.25 if blob[3] < 0.016 * tall else 0)):
        bright = np.clip(bright + (rng.normal(0.06, 0.1) if r < 0.016 * tall else -0.06), 0, 1)
        draw.ellipse([bx - r, by - 0.85 * r, bx + r, by + 0.85 * r], ink(mix(dark, pale, bright)))


def conifer(s, draw, x, base, tall, hue):
    rng = s.rng
    wide = tall * rng.uniform(0.15, 0.21)
    draw.rectangle([x - tall * 0.014, base - tall * 0.14, x + tall * 0.014, base], ink(s.seen((74, 56, 46))))
    side = np.sign(s.light[0])
    tiers = rng.integers(7, 11)
    for k in range(tiers):
        low, high = base - tall * (0.08 + 0.82 * k / tiers), base - tall * min(1.0, 0.08 + 0.82 * (k + 2.1) / tiers)
        w = wide * (1 - k / tiers) ** 0.9 + tall * 0.012
        teeth = np.linspace(-1, 1, 9)
        hem = [(x + w * t, low + (rng.uniform(0.0, 0.035) * tall if i % 2 else -0.01 * tall) - 0.05 * tall * abs(t) * -1 * 0.6) for i, t in enumerate(teeth)]
        draw.polygon([(x, high), *reversed(hem)], ink(s.seen(colour(hue) * rng.uniform(0.52, 0.62))))
        for _ in range(14):
            t = side * rng.uniform(-0.15, 0.95)
            y = low + rng.uniform(-0.05, 0.015) * tall
            draw.line([(x + w * t * 0.55, y - 0.05 * tall), (x + w * t, y + 0.012 * tall)], ink(s.seen(colour(hue) * rng.uniform(0.8, 1.15))), max(1, int(tall * 0.008)))


LEAVES = [(96, 130, 52), (82, 116, 50), (116, 140, 58), (132, 136, 52), (176, 122, 46), (110, 134, 70)]


def plant_trees(s, line, horizon, count, tall):
    """Of one or two kinds, the far ones first; each throws a shadow."""
    rng = s.rng
    make, hue = [(broadleaf, LEAVES[rng.integers(len(LEAVES))]), (conifer, (66, 98, 62))][int(rng.random() < 0.4)]
    nears = np.sort(rng.random(count) ** 1.6)
    shadows = Image.new("L", (s.width, s.height))
    trees = []
    for n in nears:
        x = rng.uniform(-0.05, 1.05) * s.width
        base = max(line[int(np.clip(x, 0, s.width - 1))] + 3, horizon + n * 0.62 * (s.height - horizon))
        trees.append((x, base, tall * (0.2 + 0.8 * n) * rng.uniform(0.75, 1.15)))
    pencil = ImageDraw.Draw(shadows)
    for x, base, t in trees:
        away = -np.sign(s.light[0]) * t * 0.3
        pencil.ellipse([min(x, x + 2 * away) - t * 0.1, base - t * 0.045, max(x, x + 2 * away) + t * 0.1, base + t * 0.055], 255)
    dark = np.asarray(shadows.filter(ImageFilter.GaussianBlur(3 * s.unit))) / 255.0
    s.pixels = mix(s.pixels, s.pixels * colour((0.56, 0.6, 0.72)), dark * (0.35 if s.day in ("overcast", "dusk") else 0.85))

    def plant(draw):
        for x, base, t in trees:
            make(s, draw, x, base, t, varied(rng, hue, 0.025, 1)[0])

    s.strokes(plant)


def ground_line(s, y, rise=10.0):
    return ridge(s, y, rise * s.unit, 420 * s.unit, 3)


def meadow(s):
    rng, u = s.rng, s.unit
    horizon = s.height * rng.uniform(0.3, 0.56)
    paint_sky(s, horizon)
    if rng.random() < 0.35:
        paint_mountains(s, ridge(s, horizon, 120 * u, 300 * u), rng.uniform(0.55, 0.75), rng.random() < 0.4)
    green = GREENS[rng.integers(len(GREENS))]
    for k, distance in enumerate((0.62, 0.38, 0.2)[rng.integers(0, 2) :]):
        woods = rng.random() < 0.5
        paint_hills(s, ridge(s, horizon + 14 * k * u, (64 - 14 * k) * u, rng.uniform(260, 520) * u, 4), distance, (74, 98, 54) if woods else green, woods)
    line = ground_line(s, horizon + 26 * u, 16)
    paint_grass(s, line, green)
    if rng.random() < 0.75:
        plant_trees(s, line, horizon, rng.integers(1, 9), rng.uniform(170, 420) * u)


def mountains(s):
    rng, u = s.rng, s.unit
    horizon = s.height * rng.uniform(0.5, 0.72)
    paint_sky(s, horizon)
    count = rng.integers(2, 4)
    for k in range(count):
        distance = 0.66 * (1 - k / count) ** 1.2 + 0.08
        paint_mountains(s, ridge(s, horizon + 30 * k * u, (290 - 70 * k) * u * rng.uniform(0.7, 1.25), rng.uniform(260, 460) * u, 6, 0.52), distance, rng.random() < 0.6)
    paint_hills(s, ridge(s, horizon + 50 * u, 60 * u, 330 * u, 4), 0.22, (66, 90, 54), True)
    line = ground_line(s, horizon + 60 * u, 26)
    paint_grass(s, line, GREENS[rng.integers(len(GREENS))])
    if rng.random() < 0.6:
        plant_trees(s, line, horizon, rng.integers(2, 14), rng.uniform(140, 360) * u)


def paint_water(s, shore, deep, rough, bottom=None):
    """Below the row `shore` what stands above it, upside down, torn by ripples and mixed with the water's own colour."""
    rng, u = s.rng, s.unit
    rows = np.arange(s.height)
    sizes = np.maximum(1.0, 10 * u * np.clip((rows - shore) / (s.height - shore), 0, 1) ** 1.2)
    ripples = receding(rng, s.shape, sizes, 7.0, 3)
    below = s.y - shore
    source_y = np.clip(shore - below * 0.92 - ripples * (0.6 * u + below * 0.05 * rough), 0, shore - 1).astype(int)
    source_x = np.clip(s.x + ripples * below * 0.02 * rough, 0, s.width - 1).astype(int)
    mirrored = s.pixels[source_y, source_x]
    nearness = np.clip(below / (s.height - shore), 0, 1)
    water = mix(mirrored, s.seen(deep), 0.22 + 0.4 * nearness)
    water = water * (1 + (0.05 + 0.05 * rough) * np.clip(ripples, -2.5, 2.5) * step(0, 12 * u, below))[..., None]
    sparkle = step(1.5, 2.3, ripples) * rough * 0.5
    water = mix(water, s.sky[3], sparkle * (0.2 if s.day == "overcast" else 0.55))
    mask = step(-0.8, 0.8, below)
    if bottom is not None:
        mask = mask * (1 - under(s, bottom))
    s.pixels = mix(s.pixels, water, mask)


def lake(s):
    rng, u = s.rng, s.unit
    horizon = s.height * rng.uniform(0.4, 0.56)
    paint_sky(s, horizon)
    if rng.random() < 0.8:
        for k in range(rng.integers(1, 3)):
            paint_mountains(s, ridge(s, horizon + 10 * k * u, (210 - 80 * k) * u * rng.uniform(0.6, 1.2), rng.uniform(240, 420) * u, 6), 0.6 - 0.28 * k, rng.random() < 0.6)
    woods = rng.random() < 0.7
    paint_hills(s, ridge(s, horizon + 6 * u, 44 * u, 380 * u, 4), 0.26, (62, 86, 54) if woods else GREENS[rng.integers(len(GREENS))], woods)
    near_shore = rng.random() < 0.55
    bottom = ridge(s, s.height * rng.uniform(0.86, 0.99), 60 * u, 500 * u, 3) if near_shore else None
    paint_water(s, horizon + 4 * u, [(40, 78, 92), (46, 92, 116), (58, 84, 78)][rng.integers(3)], rng.uniform(0.15, 1.0))
    if near_shore:
        paint_grass(s, bottom, GREENS[rng.integers(len(GREENS))], False)
        if rng.random() < 0.5:
            plant_trees(s, bottom, float(bottom.min()), rng.integers(1, 4), rng.uniform(260, 520) * u)


def beach(s):
    rng, u = s.rng, s.unit
    horizon = s.height * rng.uniform(0.28, 0.48)
    paint_sky(s, horizon)
    if rng.random() < 0.5:
        paint_hills(s, ridge(s, horizon + 30 * u, 90 * u, 460 * u, 4) + 60 * u * (s.x[0] / s.width - rng.uniform(-0.2, 0.7)), 0.5, (92, 108, 74), rng.random() < 0.5)
    shore = ridge(s, s.height * rng.uniform(0.58, 0.74), 46 * u, 560 * u, 3) + rng.uniform(-60, 60) * u * (s.x[0] / s.width - 0.5)
    paint_water(s, horizon, [(38, 112, 140), (52, 138, 148), (44, 96, 132)][rng.integers(3)], rng.uniform(0.5, 1.2))
    # Shallow water is paler, and waves break in lines along the shore.
    before = shore - s.y
    span = np.maximum(20 * u, shore - horizon)
    shallow = np.clip(1 - before / span, 0, 1) ** 2.2
    in_sea = (s.y > horizon) & (before > 0)
    sand = varied(rng, [(222, 198, 156), (206, 184, 148), (232, 214, 182)][rng.integers(3)], 0.015, 1)[0]
    s.pixels = np.where(in_sea[..., None], mix(s.pixels, s.seen(mix((120, 196, 186), sand, 0.35)), 0.6 * shallow), s.pixels)
    tear = receding(rng, s.shape, near_sizes(s, horizon, 26 * u), 3.5, 4)
    for k in range(rng.integers(2, 6)):
        at = 5 * u + span * (0.1 * k + 0.045 * k * k)
        thick = u * (9 - 1.3 * k)
        crest = np.exp(-(((before - at - 7 * u * tear / (1 + 0.3 * k)) / np.maximum(1.5, thick)) ** 2))
        s.pixels = mix(s.pixels, s.seen((250, 252, 250)), in_sea * crest * np.clip(0.7 + 0.5 * tear, 0, 1) * (0.95 - 0.13 * k))
        s.pixels = mix(s.pixels, s.pixels * 0.8, in_sea * 0.5 * np.exp(-(((before - at - 2.4 * thick) / (1.3 * thick)) ** 2)))
    # Sand: wet near the water, ripples, grains, a few pebbles.
    sizes = near_sizes(s, horizon, 30 * u)
    dunes, grain = receding(rng, s.shape, sizes * 1.6, 4.5, 3), receding(rng, s.shape, np.maximum(1.2, sizes * 0.1), 1.2, 2)
    surface = sand * lit(dunes * 6 * u, s.light, 0.22)[..., None] * (1 + 0.035 * grain + 0.03 * dunes)[..., None]
    wet = step(70 * u, 12 * u, s.y - shore - 9 * u * tear)
    surface = mix(surface, sand * colour((0.62, 0.6, 0.58)), 0.85 * wet)
    s.pixels = mix(s.pixels, mix(s.seen(surface), s.sky[1], 0.25 * wet), under(s, shore, 1.5))
    near = np.sort(rng.random(rng.integers(0, 160)))

    def pebbles(draw):
        for n in near:
            x = rng.uniform(0, s.width)
            y = shore[int(x)] + 14 * u + n * (s.height - shore[int(x)])
            r = u * (1 + 6 * n) * rng.uniform(0.5, 1.2)
            tone = s.seen(varied(rng, (168, 156, 146), 0.1, 1)[0])
            dx, dy = -s.light[0] * r * 0.5, r * 0.35
            draw.ellipse([x - r + dx, y - 0.6 * r + dy, x + r + dx, y + 0.6 * r + dy], ink(s.seen(sand * 0.62)))
            draw.ellipse([x - r, y - 0.65 * r, x + r, y + 0.65 * r], ink(tone))
            draw.ellipse([x - 0.5 * r - dx * 0.4, y - 0.45 * r, x + 0.4 * r - dx * 0.4, y + 0.1 * r], ink(tone * 1.12))

    s.strokes(pebbles)


def wall(s, surface):
    """Fills the picture; half of them stand on a strip of ground."""
    rng, u = s.rng, s.unit
    s.pixels = surface(rng, s.shape, u, s.light)
    if rng.random() < 0.5:
        top = s.height * rng.uniform(0.72, 0.9)
        if rng.random() < 0.5:
            line = np.full(s.width, top) + 3 * u * smooth(rng, (4, s.width), (4, 90 * u))[0]
            s.pixels = s.pixels * (1 - 0.45 * np.exp(-np.clip(line - s.y, 0, None) / (26 * u)))[..., None]
            paint_grass(s, line, colour(GREENS[rng.integers(len(GREENS))]) * 0.9)
        else:
            floor = textures.gravel(rng, s.shape, u, s.light, rng.uniform(10, 18) * u) if rng.random() < 0.6 else textures.stones(rng, s.shape, u, s.light, rng.uniform(60, 110) * u, True)
            contact = np.exp(-abs(s.y - top) / (22 * u))
            s.pixels = mix(s.pixels, floor, step(-1.5, 1.5, s.y - top)) * (1 - 0.45 * contact)[..., None]
    s.pixels = textures.shade_of_day(rng, s.pixels, u, s.light) * mix((1, 1, 1), s.tint, 0.7)


def path(s):
    """Gravel from above, with grass at its side in half of them, and leaves that fell on it."""
    rng, u = s.rng, s.unit
    s.pixels = textures.gravel(rng, s.shape, u, s.light)
    s.pixels = textures.shade_of_day(rng, s.pixels, u, s.light) * mix((1, 1, 1), s.tint, 0.7)
    if rng.random() < 0.5:
        green = colour(GREENS[rng.integers(len(GREENS))])
        side = s.x / s.width if rng.random() < 0.5 else s.y / s.height
        side = side if rng.random() < 0.5 else 1 - side
        where = side < rng.uniform(0.15, 0.4) + 0.02 * cloudy(rng, s.shape, 50 * u, 3)
        surface = s.seen(green * 0.62 * (1 + 0.15 * cloudy(rng, s.shape, 16 * u, 3))[..., None])
        s.pixels = mix(s.pixels, surface, np.asarray(Image.fromarray((where * 255).astype(np.uint8)).filter(ImageFilter.GaussianBlur(1.5 * u))) / 255.0)
        ys, xs = np.nonzero(where[::4, ::4])
        chosen = rng.permutation(len(ys))[:16000]
        tones = varied(rng, green, 0.09, len(chosen))

        def tufts(draw):
            for i, tone in zip(chosen, tones):
                x, y, angle, long = 4 * xs[i], 4 * ys[i], rng.uniform(0, 6.28), rng.uniform(6, 17) * u
                draw.line([(x, y), (x + long * math.cos(angle), y + long * math.sin(angle))], ink(s.seen(tone)), int(rng.integers(1, 4)))

        s.strokes(tufts)
    if rng.random() < 0.5:
        hue = [(198, 132, 44), (172, 78, 40), (150, 142, 62)][rng.integers(3)]

        def leaves(draw):
            for _ in range(rng.integers(6, 60)):
                x, y, a, long = rng.uniform(0, s.width), rng.uniform(0, s.height), rng.uniform(0, 6.28), rng.uniform(8, 17) * u
                along, across = np.array([math.cos(a), math.sin(a)]) * long, np.array([-math.sin(a), math.cos(a)]) * long * 0.42
                outline = [np.array([x, y]) + along * math.cos(t) + across * math.sin(t) * (1 - 0.35 * math.cos(t)) for t in np.linspace(0, 6.28, 15)]
                tone = s.seen(varied(rng, hue, 0.06, 1)[0])
                draw.polygon([tuple(p - s.light * 2.5 * u) for p in outline], ink(s.pixels[int(y), int(x)] * 0.45))
                draw.polygon([tuple(p) for p in outline], ink(tone))
                draw.line([(x - along[0], y - along[1]), (x + along[0] * 1.2, y + along[1] * 1.2)], ink(tone * 0.72), max(1, int(u)))

        s.strokes(leaves)


KINDS = {
    "meadow": meadow,
    "mountains": mountains,
    "lake": lake,
    "beach": beach,
    "bricks": lambda s: wall(s, textures.bricks),
    "planks": lambda s: wall(s, textures.planks),
    "stones": lambda s: wall(s, textures.stones),
    "gravel": path,
}


def scene(rng, kind, width=WIDTH, height=HEIGHT):
    s = Scene(rng, width, height)
    KINDS[kind](s)
    return s


def drawing(seed, index):
    """Drawing `index` of a seed, kinds by turns: pixels, and the number of its kind."""
    label = index % len(CLASSES)
    return scene(np.random.default_rng([seed, index]), CLASSES[label]).finish(), label


def crop(rng, pixels, size):
    """A square at a random place and scale, from a picture's own pixels to the whole height; small ones are more frequent."""
    height, width = pixels.shape[:2]
    least = size * OVER
    side = least * (height / least) ** (rng.random() ** 1.5)
    y, x = rng.uniform(0, height - side), rng.uniform(0, width - side)
    image = Image.fromarray(pixels).resize((size, size), Image.BOX if side < 2 * least else Image.LANCZOS, box=(x, y, x + side, y + side), reducing_gap=3.0)
    return np.asarray(image), [round(float(value), 1) for value in (side, y, x)]


def _part(arguments):
    """Crops of one drawing."""
    seed, index, size, count = arguments
    pixels, label = drawing(seed, index)
    rng = np.random.default_rng([seed, index, 1])
    return [(*crop(rng, pixels, size), label) for _ in range(count)]


def dataset(count, seed, size, workers=None, progress=print):
    """Crops [count, size, size, 3] uint8, their kinds, and where they were. Those of a drawing stand together, so that
    the last ones, which train.py does not train on, are of drawings of their own."""
    drawings = math.ceil(count / CROPS)
    pictures, labels, attributes = [], [], []
    with ProcessPoolExecutor(workers) as pool:
        for i, part in enumerate(pool.map(_part, [(seed, index, size, CROPS) for index in range(drawings)])):
            for picture, box, label in part:
                pictures.append(picture)
                labels.append(label)
                attributes.append({"class": label, "drawing": i, "box": box})
            if i % 10 == 9:
                progress(f"{len(pictures)}/{count} crops", flush=True)
    return np.stack(pictures[:count]), labels[:count], attributes[:count]


def shadow_of(s, outline, strength=0.42):
    """A soft dark place on the ground."""
    mask = Image.new("L", (s.width, s.height))
    ImageDraw.Draw(mask).polygon([tuple(map(float, p)) for p in outline], fill=255)
    s.pixels = s.pixels * (1 - strength * np.asarray(mask.filter(ImageFilter.GaussianBlur(2.5 * s.unit)), np.float32) / 255)[..., None]


def along_ground(s, x, base, wide, tall):
    """What a standing thing's shadow covers."""
    away = -np.sign(s.light[0]) * tall * 0.8
    return [(x - wide, base), (x + wide, base), (x + away + wide, base + tall * 0.1), (x + away - wide, base + tall * 0.1)]


def balloon(s, x, y, size):
    stripes = [(204, 58, 48), (244, 238, 226), (38, 84, 150), (244, 190, 62)]

    def outline(left, right):
        """Of a gore: between two meridians (-1 … 1)."""
        turn = np.linspace(0, 1, 30)
        width = size * np.where(turn < 0.55, np.sin(np.pi * (turn / 0.55) / 2) ** 0.75, 1 - 0.8 * (np.maximum(0, turn - 0.55) / 0.45) ** 1.5)
        down = y - size + 2.25 * size * turn
        return [(x + w * left, d) for w, d in zip(width, down)] + [(x + w * right, d) for w, d in reversed(list(zip(width, down)))]

    def body(draw):
        edges = np.sin(np.linspace(-np.pi / 2, np.pi / 2, 13))
        for i in range(12):
            middle = (edges[i] + edges[i + 1]) / 2
            bright = 0.86 + 0.26 * middle * np.sign(s.light[0])
            draw.polygon(outline(edges[i], edges[i + 1]), ink(s.seen(colour(stripes[i % 4]) * bright)))
        low = y + 1.25 * size
        for t in (-0.2, 0.2):
            draw.line([(x + t * size, low), (x + 0.7 * t * size, low + 0.38 * size)], ink(s.seen((60, 48, 40))), max(1, int(s.unit)))
        draw.rectangle([x - 0.15 * size, low + 0.36 * size, x + 0.15 * size, low + 0.6 * size], ink(s.seen((130, 88, 52))))
        draw.rectangle([x - 0.15 * size, low + 0.36 * size, x + 0.15 * size, low + 0.41 * size], ink(s.seen((88, 58, 36))))

    s.strokes(body)


def birds(s, x, y, size, count):
    def flock(draw):
        for _ in range(count):
            bx, by, w = x + s.rng.normal(0, 5 * size), y + s.rng.normal(0, 2.2 * size), size * s.rng.uniform(0.6, 1.1)
            lift, tone = s.rng.uniform(0.2, 0.75), ink(s.seen((48, 48, 56)))
            for side in (-1, 1):
                draw.line([(bx, by), (bx + side * 0.45 * w, by - lift * 0.6 * w), (bx + side * w, by - lift * 0.25 * w)], tone, max(2, int(0.16 * w)), joint="curve")
            draw.ellipse([bx - 0.16 * w, by - 0.08 * w, bx + 0.16 * w, by + 0.14 * w], tone)

    s.strokes(flock)


def person(s, x, base, tall, coat, legs):
    shadow_of(s, along_ground(s, x, base, 0.07 * tall, tall))

    def body(draw):
        stride = 0.1 * tall
        for side in (-1, 1):
            draw.line([(x + side * 0.04 * tall, base - 0.48 * tall), (x + side * stride, base)], ink(s.seen(colour(legs) * (1 if side == np.sign(s.light[0]) else 0.75))), max(2, int(0.085 * tall)))
        for side in (-1, 1):
            draw.line([(x + side * 0.1 * tall, base - 0.8 * tall), (x + side * 0.17 * tall, base - 0.46 * tall)], ink(s.seen(colour(coat) * (0.95 if side == np.sign(s.light[0]) else 0.66))), max(2, int(0.065 * tall)))
        draw.rounded_rectangle([x - 0.115 * tall, base - 0.85 * tall, x + 0.115 * tall, base - 0.43 * tall], 0.06 * tall, ink(s.seen(coat)))
        draw.ellipse([x - 0.072 * tall, base - tall, x + 0.072 * tall, base - 0.835 * tall], ink(s.seen((206, 158, 124))))
        draw.chord([x - 0.078 * tall, base - 1.015 * tall, x + 0.078 * tall, base - 0.85 * tall], 180, 360, ink(s.seen((70, 48, 36))))

    s.strokes(body)


def sign(s, x, base, tall):
    shadow_of(s, along_ground(s, x, base, 0.02 * tall, tall))

    def body(draw):
        w = 0.022 * tall
        draw.rectangle([x - w, base - 0.8 * tall, x + w, base], ink(s.seen((112, 114, 116))))
        draw.rectangle([x - w, base - 0.8 * tall, x - 0.2 * w, base], ink(s.seen((176, 178, 180))))
        r, cy = 0.25 * tall, base - 0.78 * tall
        corners = lambda k: [(x + k * r * math.sin(a), cy - k * r * math.cos(a)) for a in (0, 2.094, 4.189)]
        draw.polygon(corners(1.0), ink(s.seen((196, 42, 40))))
        draw.polygon(corners(0.72), ink(s.seen((246, 244, 238))))
        draw.rectangle([x - 0.03 * tall, cy - 0.09 * tall, x + 0.03 * tall, cy + 0.03 * tall], ink(s.seen((34, 32, 34))))
        draw.ellipse([x - 0.03 * tall, cy + 0.05 * tall, x + 0.03 * tall, cy + 0.1 * tall], ink(s.seen((34, 32, 34))))

    s.strokes(body)


def lamp_post(s, x, base, tall):
    """Before a wall: its shadow stands on the wall."""
    w, away = 0.018 * tall, -np.sign(s.light[0]) * 0.09 * tall
    shadow_of(s, [(x + away - w, base), (x + away + w, base), (x + away + w, base - 0.86 * tall), (x + away - w, base - 0.86 * tall)], 0.35)

    def body(draw):
        iron, glint = s.seen((46, 54, 52)), s.seen((108, 120, 116))
        draw.rectangle([x - w, base - 0.86 * tall, x + w, base], ink(iron))
        draw.rectangle([x - 0.6 * w, base - 0.86 * tall, x - 0.1 * w, base], ink(glint))
        draw.rectangle([x - 2.2 * w, base - 0.16 * tall, x + 2.2 * w, base], ink(iron * 0.92))
        draw.rectangle([x - 1.4 * w, base - 0.16 * tall, x - 0.6 * w, base], ink(glint * 0.9))
        for at in (0.2, 0.6, 0.84):
            draw.rectangle([x - 1.9 * w, base - (at + 0.012) * tall, x + 1.9 * w, base - at * tall], ink(iron * 0.85))
        glass = [(x - 0.045 * tall, base - 0.86 * tall), (x + 0.045 * tall, base - 0.86 * tall), (x + 0.07 * tall, base - 0.97 * tall), (x - 0.07 * tall, base - 0.97 * tall)]
        draw.polygon(glass, ink(s.seen((250, 226, 164))), ink(iron))
        draw.line([glass[0], glass[3]], ink(iron), int(w))
        draw.line([glass[1], glass[2]], ink(iron), int(w))
        draw.polygon([(x - 0.085 * tall, base - 0.965 * tall), (x + 0.085 * tall, base - 0.965 * tall), (x, base - 1.03 * tall)], ink(iron))

    s.strokes(body)


# Kind, number of the drawing, and what somebody would want out of it (places in shares of the width and height, sizes of the height).
EXAMPLES = {
    "1-sign": ("meadow", 4, lambda s, w, h: sign(s, 0.52 * w, 0.86 * h, 0.44 * h)),
    "2-balloon": ("mountains", 4, lambda s, w, h: balloon(s, 0.62 * w, 0.2 * h, 0.085 * h)),
    "3-birds": ("lake", 0, lambda s, w, h: birds(s, 0.45 * w, 0.2 * h, 0.03 * h, 9)),
    "4-people": ("beach", 1, lambda s, w, h: [person(s, x * w, y * h, t * h, coat, legs) for x, y, t, coat, legs in ((0.55, 0.83, 0.15, (196, 58, 54), (52, 62, 92)), (0.62, 0.82, 0.14, (238, 200, 90), (90, 84, 80)), (0.24, 0.76, 0.085, (70, 112, 168), (60, 56, 58)))]),
    "5-post": ("bricks", 0, lambda s, w, h: lamp_post(s, 0.6 * w, 0.93 * h, 0.8 * h)),
}
EXAMPLE_SEED, BRUSH = 778, 9
SMALL, MASK_COLOUR = (240, 180), (225, 29, 82)


def drawn_examples():
    """Of each example its name and the picture of 1024 × 768 with the thing and without it."""
    reduced = lambda pixels: np.asarray(Image.fromarray(pixels).resize((round(WIDTH / OVER), round(HEIGHT / OVER)), Image.BOX))
    for name, (kind, number, add) in EXAMPLES.items():
        s = scene(np.random.default_rng([EXAMPLE_SEED, number]), kind)
        without = reduced(s.finish())
        add(s, s.width, s.height)
        yield name, reduced(s.finish()), without


def examples(out):
    """Pictures, masks that cover the thing and its shadow as a brush would, and small ones with the mask in the page's red."""
    for name, picture, without in drawn_examples():
        changed = Image.fromarray((abs(picture.astype(int) - without).max(-1) > 5).astype(np.uint8) * 255)
        # As with a round brush: larger all round, and no holes. First three pixels wide, so that no thin line is lost.
        grown = changed.filter(ImageFilter.MaxFilter(3)).filter(ImageFilter.GaussianBlur(BRUSH / 2)).point(lambda v: 255 * (v > 24))
        save_jpeg(Image.fromarray(picture), os.path.join(out, f"{name}.jpg"))
        save(np.asarray(grown), os.path.join(out, f"{name}.fill.png"))
        marked = Image.composite(Image.new("RGB", grown.size, MASK_COLOUR), Image.fromarray(picture), grown)
        save_jpeg(marked.resize(SMALL, Image.BOX), os.path.join(out, f"{name}.small.jpg"))


def without_things(out):
    for name, _, without in drawn_examples():
        save(without, os.path.join(out, f"{name}.png"))


def save(pixels, path):
    files.write_whole(path, lambda temporary: Image.fromarray(pixels).save(temporary, "png", optimize=True))


def save_jpeg(image, path):
    files.write_whole(path, lambda temporary: image.save(temporary, "jpeg", quality=90, subsampling=0, optimize=True))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["grid", "crops", "data", "examples", "without"])
    parser.add_argument("out")
    parser.add_argument("--size", type=int, default=64)
    parser.add_argument("--count", type=int, default=24000)
    parser.add_argument("--seed", type=int, default=1000)
    parser.add_argument("--workers", type=int)
    given = parser.parse_args()
    if given.what == "grid":
        small = lambda index: np.asarray(Image.fromarray(drawing(given.seed, index)[0]).resize((384, 288), Image.LANCZOS))
        rows = [np.concatenate([small(len(CLASSES) * i + label) for i in range(4)], 1) for label in range(len(CLASSES))]
        save(np.concatenate(rows, 0), given.out)
    elif given.what == "crops":
        rows = []
        for label in range(len(CLASSES)):
            rows.append([picture for picture, _, _ in _part((given.seed, label, given.size, 16))])
        save(np.concatenate([np.concatenate(row, 1) for row in rows], 0), given.out)
    elif given.what == "data":
        pictures, labels, attributes = dataset(given.count, given.seed, given.size, given.workers)
        texts = np.array([json.dumps(facts) for facts in attributes])

        def body(temporary):
            with open(temporary, "wb") as file:
                np.savez(file, pictures=pictures, labels=np.array(labels, np.uint8), attributes=texts)

        files.write_whole(given.out, body)
    else:
        os.makedirs(given.out, exist_ok=True)
        {"examples": examples, "without": without_things}[given.what](given.out)


if __name__ == "__main__":
    main()
