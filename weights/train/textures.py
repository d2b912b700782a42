"""What scenes are drawn of: noise at any scale, light and shade, and the surfaces of walls and paths as arrays [H, W, 3] of 0 … 255.
Lengths are pixels, colours triples, and everything random comes out of the generator that is handed in."""

import numpy as np
from PIL import Image


def smooth(rng, shape, cell):
    """Noise [H, W] of mean 0 and about unit spread, whose blobs are as large as `cell` (height and width)."""
    height, width = shape
    cells = [max(1.0, float(side)) for side in (cell if isinstance(cell, (list, tuple)) else (cell, cell))]
    rows, columns = (int(np.ceil(side / step)) + 4 for side, step in zip(shape, cells))
    grid = rng.standard_normal((rows, columns)).astype(np.float32)
    y, x = (rng.uniform(1, 2) for _ in range(2))
    box = (x, y, x + width / cells[1], y + height / cells[0])
    # What bicubic interpolation takes of the spread.
    return np.asarray(Image.fromarray(grid).resize((width, height), Image.BICUBIC, box=box)) * 1.35


def cloudy(rng, shape, cell, octaves=5, gain=0.5):
    """Sum of noises, each half as large as the one before and `gain` times as strong; unit spread."""
    cells = np.array(cell if isinstance(cell, (list, tuple)) else (cell, cell), float)
    total = sum(gain**k * smooth(rng, shape, tuple(cells / 2**k)) for k in range(octaves))
    return total / sum(gain ** (2 * k) for k in range(octaves)) ** 0.5


def receding(rng, shape, sizes, aspect=2.5, octaves=3):
    """Noise whose blobs have the height sizes[y] [H] in each row, as on ground that reaches to the horizon."""
    wanted = np.log2(np.maximum(sizes, 1.0))
    total, strength = np.zeros(shape, np.float32), np.zeros(shape[0], np.float32)
    for k in range(int(np.floor(wanted.min())) - octaves + 1, int(np.ceil(wanted.max())) + 1):
        # Of a row's own size and the finer ones below it.
        lower = wanted - k
        weight = np.where(lower < 0, np.maximum(0, 1 + lower), np.maximum(0, 1 - lower / octaves)).astype(np.float32)
        if k >= 0 and weight.max() > 0:
            total += weight[:, None] * smooth(rng, shape, (2.0**k, aspect * 2.0**k))
            strength += weight**2
    return total / np.sqrt(np.maximum(strength, 1e-3))[:, None]


def step(a, b, x):
    """0 below a, 1 above b, smooth between."""
    t = np.clip((x - a) / (b - a), 0, 1)
    return t * t * (3 - 2 * t)


def colour(rgb):
    return np.asarray(rgb, np.float32)


def mix(a, b, w):
    """Of colours or pictures, w a number or [H, W]."""
    w = np.asarray(w, np.float32)
    w = w[..., None] if w.ndim >= 1 else w
    return colour(a) * (1 - w) + colour(b) * w


def shifted(picture, down, right):
    """Moved by whole pixels; the edges are repeated."""
    height, width = picture.shape
    return picture[np.clip(np.arange(height) - int(down), 0, height - 1)][:, np.clip(np.arange(width) - int(right), 0, width - 1)]


def lit(height, light, strength):
    """Brightness [H, W] around 1 of a relief under light that comes from (x, y)."""
    down, right = np.gradient(height)
    return 1 + np.clip(-(light[0] * right + light[1] * down) * strength, -0.5, 0.5)


def varied(rng, base, spread, count):
    """count colours around one: brighter and darker together, warmer and colder a little."""
    grey, warm = rng.normal(0, spread, (count, 1)), rng.normal(0, spread * 0.22, (count, 1))
    return np.clip(colour(base) + 255 * (grey + warm * np.array([[1.0, 0.1, -0.9]])), 0, 255).astype(np.float32)


def cells(rng, shape, size, jitter=0.8, aspect=1.0):
    """Irregular stones: the number of each pixel's stone, its place from the stone's middle (in stones), and how far off the next
    stone is (0 at the border); count of stones."""
    height, width = shape
    rows, columns = int(height / size) + 4, int(width / size / aspect) + 4
    points = rng.uniform(0.5 - jitter / 2, 0.5 + jitter / 2, (rows, columns, 2)).astype(np.float32)
    y, x = np.meshgrid((np.arange(height) / size + 1.5).astype(np.float32), (np.arange(width) / size / aspect + 1.5).astype(np.float32), indexing="ij")
    # Borders that are not straight.
    y, x = y + 0.05 * cloudy(rng, shape, size * 0.4, 2), x + 0.05 * cloudy(rng, shape, size * 0.4, 2)
    row, column = np.floor(y).astype(np.int32), np.floor(x).astype(np.int32)
    y, x = y - row, x - column
    best, second, which = np.full(shape, 9.0, np.float32), np.full(shape, 9.0, np.float32), np.zeros(shape, np.int8)
    row, column = np.clip(row, 1, rows - 2), np.clip(column, 1, columns - 2)
    place = row * columns + column
    flat = points.reshape(-1, 2)
    for k in range(9):
        i, j = k // 3 - 1, k % 3 - 1
        own = flat[place + (i * columns + j)]
        distance = np.hypot(y - i - own[..., 0], x - j - own[..., 1])
        np.minimum(second, np.maximum(best, distance), out=second)
        nearer = distance < best
        which[nearer] = k
        np.minimum(best, distance, out=best)
    i, j = which // 3 - 1, which % 3 - 1
    number = place + (i.astype(np.int32) * columns + j)
    dy, dx = y - i - flat[number, 0], x - j - flat[number, 1]
    return number, dy, dx, second - best, rows * columns


def shade_of_day(rng, picture, unit, light):
    """One side darker, stains, and the soft shadow of something that is not in the picture."""
    height, width = picture.shape[:2]
    y, x = np.mgrid[:height, :width].astype(np.float32)
    ramp = 1 + rng.uniform(0.05, 0.2) * (light[0] * (x / width - 0.5) + light[1] * (y / height - 0.5)) * 2
    picture = picture * ramp[..., None] * (1 + 0.05 * cloudy(rng, (height, width), 180 * unit, 4))[..., None]
    if rng.random() < 0.4:
        slope, at = rng.uniform(-0.8, 0.8), rng.uniform(0.2, 0.8)
        edge = (x / width - at) + slope * (y / height - 0.5) + 0.05 * cloudy(rng, (height, width), 60 * unit, 3)
        shadow = step(-0.02, 0.03, edge * (1 if rng.random() < 0.5 else -1))
        picture = mix(picture, picture * colour((0.62, 0.64, 0.74)), shadow)
    return picture


BRICKS = [(164, 78, 56), (146, 62, 50), (184, 112, 78), (126, 66, 58), (196, 150, 112), (222, 214, 202), (110, 100, 98)]


def bricks(rng, shape, unit, light):
    """A wall in running, stack or header bond."""
    height, width = shape
    tall = rng.uniform(24, 46) * unit
    long = tall * rng.uniform(2.3, 3.4)
    base, mortar = BRICKS[rng.integers(len(BRICKS))], varied(rng, (176, 166, 152), 0.1, 1)[0]
    gap, bond = tall * rng.uniform(0.05, 0.09), [0.5, 0.5, 0.33, 0.0][rng.integers(4)]
    wobble = cloudy(rng, shape, tall * 0.6, 3) * tall * 0.012
    y, x = np.meshgrid(np.arange(height, dtype=np.float32) + rng.uniform(0, tall), np.arange(width, dtype=np.float32) + 2 * long, indexing="ij")
    row = np.floor((y + wobble) / tall).astype(np.int32)
    shifted = x + row * bond * long + np.roll(wobble, 37, 1)
    column = np.floor(shifted / long).astype(np.int32)
    inside_y, inside_x = y + wobble - row * tall, shifted - column * long
    edge = np.minimum(np.minimum(inside_y, tall - inside_y), np.minimum(inside_x, long - inside_x)) - gap
    number = (row * 7919 + column * 104729) % 4093
    colours = varied(rng, base, rng.uniform(0.03, 0.07), 4093)
    odd = rng.random(4093) < rng.uniform(0, 0.15)
    colours[odd] = colours[odd] * rng.uniform(0.55, 0.85)
    fine, coarse = cloudy(rng, shape, 6 * unit, 3, 0.7), cloudy(rng, shape, tall * 0.8, 3)
    face = colours[number] * (1 + 0.05 * fine + 0.05 * coarse)[..., None]
    pits = step(1.5, 2.2, fine + 0.5 * coarse)
    face = face * (1 - 0.25 * pits)[..., None]
    joint = mortar * (0.86 + 0.05 * fine + 0.04 * coarse)[..., None]
    # Bricks stand out of their joints: a bright edge towards the light, a shadow away from it.
    relief = step(0, 2.2 * unit, edge) * 2.2 * unit
    wall = mix(joint, face, step(-0.4 * unit, 0.9 * unit, edge)) * lit(relief, light, 0.4)[..., None]
    return wall


WOODS = [(150, 104, 66), (124, 84, 56), (178, 138, 96), (96, 66, 48), (148, 138, 126), (112, 128, 132), (168, 92, 62), (86, 112, 104)]


def planks(rng, shape, unit, light):
    """Boards side by side, upright or lying, with grain, knots and nails."""
    upright = rng.random() < 0.5
    long_side, across = shape if upright else shape[::-1]
    wide = rng.uniform(44, 110) * unit
    base = WOODS[rng.integers(len(WOODS))]
    v, u = np.meshgrid(np.arange(long_side, dtype=np.float32), np.arange(across, dtype=np.float32) + rng.uniform(0, wide), indexing="ij")
    board = np.floor(u / wide).astype(np.int32)
    count = board.max() + 1
    inside = u - board * wide
    # Where boards end, another begins.
    ends = (rng.uniform(0.2, 1.6, count) * long_side).astype(np.float32)
    piece = board + count * (v > ends[board])
    colours = varied(rng, base, rng.uniform(0.025, 0.06), 2 * count)
    offsets = rng.uniform(0, 400, 2 * count).astype(np.float32)
    # Grain: rings cut along, bent around knots.
    rings = inside / (wide * 0.055) + 2.2 * cloudy(rng, (long_side, across), (260 * unit, wide * 0.5), 3) + offsets[piece]
    knots = np.zeros((long_side, across), np.float32)
    for _ in range(rng.integers(0, 2 + int(long_side * across / (300 * unit) ** 2))):
        y, x = rng.uniform(0, long_side), rng.integers(count) * wide + rng.uniform(0.25, 0.75) * wide
        r = rng.uniform(0.06, 0.13) * wide
        reach = int(9 * r)
        y0, y1, x0, x1 = (int(np.clip(value, 0, limit)) for value, limit in ((y - reach, long_side), (y + reach, long_side), (x - reach, across), (x + reach, across)))
        if y1 <= y0 or x1 <= x0:
            continue
        own = board[y0:y1, x0:x1] == int(x / wide)
        far = np.hypot((v[y0:y1, x0:x1] - y) / 1.7, u[y0:y1, x0:x1] - x) / r
        rings[y0:y1, x0:x1] += own * 5 * np.exp(-((far / 2.2) ** 2)) * np.sign(u[y0:y1, x0:x1] - x + 0.01)
        knots[y0:y1, x0:x1] = np.maximum(knots[y0:y1, x0:x1], own * step(1.15, 0.75, far))
    grain = np.sin(rings) * 0.5 + 0.5
    fibre = smooth(rng, (long_side, across), (70 * unit, 1.6 * unit)) + 0.6 * smooth(rng, (long_side, across), (160 * unit, 4 * unit))
    wood = colours[piece] * (1 + 0.045 * fibre - 0.16 * grain**2 + 0.04 * cloudy(rng, (long_side, across), (200 * unit, 60 * unit), 3))[..., None]
    wood = mix(wood, colour(base) * 0.42, 0.8 * knots)
    gap = rng.uniform(1.2, 2.4) * unit
    edge = np.minimum(np.minimum(inside, wide - inside), abs(v - ends[board]) + gap * 0.3) - gap
    side = light[0] if upright else light[1]
    bevel = 1 + 0.25 * side * (step(5 * unit, gap, wide - inside) - step(5 * unit, gap, inside))
    wood = wood * bevel[..., None]
    wood = mix(colour(base) * 0.16, wood, step(-0.5 * unit, 0.8 * unit, edge))
    if rng.random() < 0.7:
        spacing = rng.uniform(150, 330) * unit
        near = (v + rng.uniform(0, spacing)) % spacing
        for place in (0.22, 0.78):
            head = np.hypot(near - spacing / 2, inside - place * wide)
            wood = mix(wood, colour((70, 66, 64)), step(3.4 * unit, 2.4 * unit, head))
            wood = mix(wood, colour((150, 146, 142)), 0.6 * step(1.6 * unit, 0.6 * unit, np.hypot(near - spacing / 2 + 0.9 * unit, inside - place * wide + 0.9 * unit)))
    return wood if upright else np.ascontiguousarray(wood.transpose(1, 0, 2))


STONES = [(150, 144, 134), (128, 130, 134), (172, 156, 130), (118, 108, 98), (186, 178, 164), (140, 120, 104)]


def stones(rng, shape, unit, light, size=None, flat=False):
    """A wall of irregular stones in mortar, or flat flags."""
    size = size or rng.uniform(60, 120) * unit
    number, dy, dx, edge, count = cells(rng, shape, size, rng.uniform(0.55, 0.85), rng.uniform(1.0, 1.7))
    base = STONES[rng.integers(len(STONES))]
    colours = varied(rng, base, rng.uniform(0.04, 0.08), count)
    coarse, fine = cloudy(rng, shape, size * 0.45, 4, 0.6), cloudy(rng, shape, 5 * unit, 3, 0.7)
    gap = rng.uniform(0.05, 0.1)
    dome = step(gap * 0.6, gap + (0.08 if flat else 0.3), edge)
    relief = dome * size * (0.05 if flat else 0.16) + coarse * size * 0.016 + fine * 0.5 * unit
    face = colours[number] * (1 + 0.07 * coarse + 0.04 * fine)[..., None]
    if rng.random() < 0.5:
        moss = step(0.5, 1.6, cloudy(rng, shape, size * 1.4, 4) - 0.6 * dome + 0.3 * fine)
        face = mix(face, varied(rng, (96, 112, 58), 0.04, 1)[0] * (1 + 0.08 * fine)[..., None], 0.75 * moss)
    mortar = varied(rng, [(168, 160, 148), (92, 88, 82), (120, 112, 100)][rng.integers(3)], 0.04, 1)[0]
    joint = mortar * (0.9 + 0.06 * fine + 0.04 * coarse)[..., None]
    return mix(joint, face, step(gap * 0.55, gap, edge)) * lit(relief, light, 0.55)[..., None]


def gravel(rng, shape, unit, light, size=None):
    """Pebbles of two sizes on sand, lit as round things are."""
    size = size or rng.uniform(13, 30) * unit
    base = STONES[rng.integers(len(STONES))]
    ground = colour(base) * 0.55 * (1 + 0.1 * cloudy(rng, shape, 4 * unit, 3, 0.7))[..., None]
    for scale, spread in ((0.6, 0.07), (1.0, 0.1)):
        number, dy, dx, edge, count = cells(rng, shape, size * scale, 0.9, rng.uniform(1.0, 1.3))
        colours = varied(rng, base, spread, count)
        tinted = rng.random(count) < 0.12
        colours[tinted] = colours[tinted] * colour((1.12, 0.92, 0.8))
        present = rng.random(count) < (1.0 if scale < 1 else 0.45)
        radius = rng.uniform(0.3, 0.46, count).astype(np.float32)[number]
        far = np.hypot(dy, dx) / radius
        inside = present[number] & (edge > 0.02)
        body = step(1.04, 0.9, far) * step(0.02, 0.08, edge) * inside
        shadow = step(1.5, 0.8, np.hypot(dy + 0.14 * light[1], dx + 0.14 * light[0]) / radius) * present[number] * step(0.0, 0.06, edge)
        bright = 1.0 + 0.42 * np.clip((light[0] * dx + light[1] * dy) / radius, -1, 1) - 0.12 * np.clip(far, 0, 1) ** 2
        ground = ground * (1 - 0.45 * shadow)[..., None]
        grain = 1 + 0.05 * smooth(rng, shape, 2.5 * unit)
        ground = mix(ground, colours[number] * (bright * grain)[..., None], body)
    return ground
