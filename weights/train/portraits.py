"""Procedural portraits in eight classes: an endless picture distribution without anybody's likeness or licence.

Left and right agree in what matters (eye colour, glasses, ears, earrings, hair), so a filled half can be judged: another eye
colour is an error, not a matter of taste. `portrait` returns the picture and what is in it.

    python3 portraits.py grid OUT.png            8 of each class, to look at
    python3 portraits.py data OUT.npz --size 64 --count 20000 --seed 1000
"""

import argparse
import json
import math
from concurrent.futures import ProcessPoolExecutor

import numpy as np
from PIL import Image, ImageChops

import files
from canvas import Canvas, curve, hsv, mix

CLASSES = ["short hair", "long hair", "curly hair", "bun", "bald", "hat", "headscarf", "hood"]

SKIN = [(252, 222, 200), (240, 196, 164), (222, 170, 128), (192, 134, 92), (146, 94, 60), (98, 62, 42)]
HAIR = [(30, 24, 24), (62, 40, 28), (110, 70, 40), (168, 116, 60), (222, 188, 120), (158, 66, 36), (170, 168, 170)]
IRIS = {"brown": (88, 52, 28), "green": (52, 142, 66), "blue": (46, 108, 210), "grey": (138, 148, 158), "amber": (196, 122, 28)}
INK = (34, 22, 24)


def background(c, rng):
    base, kind = rng.random(), ["plain", "bokeh", "hills", "window"][rng.choice(4, p=[0.35, 0.25, 0.2, 0.2])]
    top, bottom = hsv(base, rng.uniform(0.15, 0.5), rng.uniform(0.6, 0.95)), hsv(base + rng.uniform(-0.1, 0.1), rng.uniform(0.2, 0.55), rng.uniform(0.35, 0.8))
    ramp = np.linspace(0, 1, c.side)[:, None, None]
    rows = np.array(top) * (1 - ramp) + np.array(bottom) * ramp
    c.image = Image.fromarray(np.broadcast_to(rows, (c.side, c.side, 3)).round().astype(np.uint8), "RGB")
    if kind == "bokeh":
        for _ in range(rng.integers(6, 12)):
            r = rng.uniform(3, 8)
            spot = c.ellipse(rng.uniform(0, 64), rng.uniform(0, 48), r, r, blur=0.8)
            c.paint(spot, mix(top, hsv(base + rng.uniform(-0.15, 0.15), 0.3, 1), 0.7), rng.uniform(0.25, 0.6))
    elif kind == "hills":
        for level in range(3):
            y, phase, swing = 34 + 8 * level, rng.uniform(0, 6.3), rng.uniform(2, 5)
            ridge = [(x, y + swing * math.sin(x / 11 + phase)) for x in range(-2, 67, 3)]
            c.paint(c.shape("polygon", ridge + [(66, 66), (-2, 66)], blur=0.6), mix(top, hsv(base + 0.25, 0.45, 0.45), 0.35 + 0.22 * level))
    elif kind == "window":
        x, w = rng.uniform(2, 38), rng.uniform(14, 24)
        pane = c.shape("rectangle", [(x, -2), (x + w, 34)], blur=0.5)
        c.paint(pane, mix(top, (255, 252, 236), 0.65))
        for bar in (c.shape("rectangle", [(x + w / 2 - 0.6, -2), (x + w / 2 + 0.6, 34)]), c.shape("rectangle", [(x, 15), (x + w, 16.2)])):
            c.paint(bar, bottom)
    return kind


def head_outline(cx, cy, hw, hh, jaw):
    points = []
    for i in range(72):
        angle = 2 * math.pi * i / 72
        down = max(0.0, math.sin(angle))
        points.append((cx + hw * math.cos(angle) * (1 - jaw * down**2), cy + hh * math.sin(angle)))
    return points


def strands(c, rng, mask, colour, centre, count=26):
    """Fine lines that follow the hair down from its crown."""
    x0, y0 = centre
    for _ in range(count):
        side = rng.uniform(-1, 1)
        path = curve(x0 + side * 4, y0, x0 + side * 20, y0 + rng.uniform(16, 34), -rng.uniform(2, 6), 8)
        tone = mix(colour, (255, 240, 210) if rng.random() < 0.5 else (10, 4, 8), rng.uniform(0.12, 0.35))
        c.paint(ImageChops.multiply(mask, c.line(path, rng.uniform(0.3, 0.8))), tone, 0.6)


def clothes(c, rng, cx, chin, light):
    colour, kind = hsv(rng.random(), rng.uniform(0.2, 0.75), rng.uniform(0.3, 0.9)), ["crew", "v-neck", "collar", "stripes", "hoodie"][rng.integers(0, 5)]
    width, top = rng.uniform(23, 28), chin + rng.uniform(5, 7)
    body = c.shape("polygon", curve(cx - width, 66, cx - 7, top, -3.5) + curve(cx + 7, top, cx + width, 66, -3.5), blur=0.3)
    c.shaded(body, colour, light, 0.25)
    dark, pale = mix(colour, (20, 10, 20), 0.3), mix(colour, (255, 255, 255), 0.55)
    if kind == "stripes":
        for y in np.arange(top + 3, 66, 4.5):
            c.paint(ImageChops.multiply(body, c.line(curve(cx - 32, y + 4, cx + 32, y + 4, -4), 1.6)), pale)
    if kind == "collar":
        for s in (-1, 1):
            c.paint(c.shape("polygon", [(cx + s * 7.5, top - 1.5), (cx + s * 0.6, top + 6), (cx + s * 7.5, top + 8), (cx + s * 11, top + 1)], blur=0.2), pale)
    if kind == "hoodie":
        c.paint(c.line(curve(cx - 11, top + 0.5, cx + 11, top + 0.5, 6), 2.6), dark)
        for s in (-1, 1):
            c.paint(c.line([(cx + s * 3.5, top + 4), (cx + s * 4, top + 13)], 0.8), pale)
    return kind, colour, top


def portrait(rng, size=64, label=None, large_eyes=False):
    """A picture [size, size, 3] uint8 and its attributes; positions in pixels of the picture."""
    c = Canvas(size)
    label = int(rng.integers(0, len(CLASSES))) if label is None else label
    name = CLASSES[label]
    scene = background(c, rng)
    light = float(rng.choice([-1, 1]) * rng.uniform(0.4, 1))
    tone = rng.uniform(0, len(SKIN) - 1.001)
    skin = mix(SKIN[int(tone)], SKIN[int(tone) + 1], tone % 1)
    deep = mix(skin, (70, 18, 24), 0.35)
    hair = mix(HAIR[rng.integers(0, len(HAIR))], (255, 250, 240), rng.uniform(0, 0.1))
    iris_name = list(IRIS)[rng.integers(0, len(IRIS))]
    iris = IRIS[iris_name]
    cx, cy = 32 + rng.uniform(-1.5, 1.5), 30 + rng.uniform(-1, 1)
    hw, hh, jaw = rng.uniform(12.5, 14.8), rng.uniform(16.5, 18.5), rng.uniform(0.08, 0.3)
    cloth = hsv(rng.random(), rng.uniform(0.3, 0.8), rng.uniform(0.35, 0.9))
    crown = (cx, cy - hh)

    # Behind the head.
    back = None
    if name == "long hair":
        length = rng.uniform(12, 26)
        back = c.shape("rounded_rectangle", [(cx - hw - 4, cy - hh - 2.5), (cx + hw + 4, cy + hh * 0.3 + length)], radius=13 * c.unit, blur=0.4)
    elif name == "curly hair":
        back, spread = c.ellipse(cx, cy - 4, hw + 4, hh + 1), rng.uniform(3.5, 6.5)
        for i in range(40):
            angle, r = math.pi * (0.82 + 1.36 * i / 39), rng.uniform(2.2, 3.8)
            x, y = cx + (hw + spread) * math.cos(angle) * 0.98, cy - 3 + (hh + spread - 1) * math.sin(angle)
            back = ImageChops.lighter(back, c.ellipse(x + rng.uniform(-1, 1), y + rng.uniform(-1, 1), r, r))
    elif name == "bun":
        back = ImageChops.lighter(c.ellipse(cx, cy - hh - 3.6, rng.uniform(5.5, 7), 5.6), c.ellipse(cx, cy - 5, hw + 1.5, hh - 1))
    elif name == "hood":
        back = c.shape("polygon", head_outline(cx, cy - 1, hw + 7.5, hh + 6.5, -0.25), blur=0.4)
    elif name == "headscarf":
        back = c.shape("polygon", head_outline(cx, cy + 1, hw + 4.5, hh + 4.5, -0.1), blur=0.3)
    if back:
        c.shaded(back, mix(cloth if name in ("hood", "headscarf") else hair, (0, 0, 0), 0.22), light, 0.3)
        if name == "long hair":
            strands(c, rng, back, hair, crown, 34)

    # Neck, clothes, ears.
    neck = c.shape("polygon", [(cx - 5.6, cy + 6), (cx + 5.6, cy + 6), (cx + 7.5, 60), (cx - 7.5, 60)], blur=0.3)
    c.shaded(neck, mix(skin, deep, 0.3), light, 0.3)
    c.paint(ImageChops.multiply(neck, c.ellipse(cx, cy + hh - 1, 11, 6, blur=1.6)), deep, 0.65)
    garment, _, neckline = clothes(c, rng, cx, cy + hh, light)
    if garment == "v-neck":
        c.paint(c.shape("polygon", [(cx - 6.5, neckline - 1.5), (cx + 6.5, neckline - 1.5), (cx, neckline + 9)], blur=0.3), mix(skin, deep, 0.15))
    hides_ears = name in ("long hair", "headscarf", "hood")
    if not hides_ears:
        for s in (-1, 1):
            ear = c.ellipse(cx + s * (hw - 0.2), cy + 1.2, 2.5, 4, blur=0.2)
            c.shaded(ear, mix(skin, deep, 0.12), light, 0.2)
            c.paint(c.ellipse(cx + s * (hw + 0.3), cy + 1.4, 1, 2.2, blur=0.3), deep, 0.5)

    # The head, lit.
    head = c.shape("polygon", head_outline(cx, cy, hw, hh, jaw), blur=0.25)
    c.shaded(head, skin, light, 0.32)
    blush = rng.uniform(0.08, 0.35)
    for s in (-1, 1):
        c.paint(ImageChops.multiply(head, c.ellipse(cx + s * 7.8, cy + 6, 3.6, 2.6, blur=1.5)), mix(skin, (226, 70, 80), 0.6), blush)
    freckles = bool(rng.random() < 0.15)
    if freckles:
        for _ in range(16):
            c.paint(c.ellipse(cx + rng.uniform(-9, 9), cy + rng.uniform(2, 7), 0.35, 0.35, blur=0.1), deep, 0.6)

    # Eyes: one shape, one iris, one gaze.
    ex, ey = rng.uniform(5.4, 6.6), cy - rng.uniform(0, 1.2)
    wide, high = (3.7, 2.6) if large_eyes else (3.1, 1.9)
    ew, eh, slant = rng.uniform(wide, wide + 0.6), rng.uniform(high, high + 0.6), rng.uniform(-0.5, 0.5)
    gaze = rng.uniform(-0.6, 0.6)
    lid = mix(skin, deep, 0.8)
    for s in (-1, 1):
        x = cx + s * ex
        inner, outer = (x - s * ew, ey + slant * 0.3), (x + s * ew, ey - slant)
        upper, lower = curve(*inner, *outer, -eh), curve(*outer, *inner, eh * 0.75)
        c.paint(c.ellipse(x, ey - 0.3, ew + 0.9, eh + 1.3, blur=0.9), deep, 0.35)
        eye = c.shape("polygon", upper + lower, blur=0.12)
        c.paint(eye, (246, 244, 242))
        ball = ImageChops.multiply(eye, c.ellipse(x + gaze, ey - 0.15, eh * 0.98, eh * 0.98, blur=0.08))
        c.paint(ball, mix(iris, (0, 0, 0), 0.25))
        c.paint(ImageChops.multiply(eye, c.ellipse(x + gaze, ey + 0.1, eh * 0.78, eh * 0.78, blur=0.15)), mix(iris, (255, 255, 255), 0.12))
        c.paint(ImageChops.multiply(eye, c.ellipse(x + gaze, ey - 0.1, eh * 0.42, eh * 0.42)), (12, 10, 14))
        c.paint(ImageChops.multiply(eye, c.line(upper, 0.9, blur=0.3)), INK, 0.45)
        c.paint(c.ellipse(x + gaze + light * 0.5, ey - 0.6, 0.42, 0.42), (255, 255, 255))
        c.paint(c.line(upper, 0.55), INK)
        c.paint(c.line(curve(inner[0], inner[1] - 1.3, outer[0], outer[1] - 1.2, -eh), 0.35), lid, 0.7)

    brow_colour = mix(skin, (40, 24, 18), 0.65) if name in ("bald", "headscarf", "hood") else mix(hair, (20, 10, 8), 0.35)
    brow, tilt, arch = rng.uniform(0.8, 1.6), rng.uniform(-0.9, 0.9), rng.uniform(-1.4, -0.5)
    for s in (-1, 1):
        c.paint(c.line(curve(cx + s * (ex - 3.2), ey - 3.6 - tilt, cx + s * (ex + 3.6), ey - 3.4 + tilt * 0.4, arch), brow, blur=0.15), brow_colour, 0.9)

    # Nose: light on one side, shadow under it.
    nose = cy + rng.uniform(5.2, 6.4)
    c.paint(c.line([(cx - light * 0.9, ey + 1), (cx - light * 1.5, nose - 1.2)], 1.1, blur=0.5), deep, 0.4)
    c.paint(c.line([(cx + light * 0.4, ey + 1.5), (cx + light * 0.4, nose - 1.5)], 0.9, blur=0.5), mix(skin, (255, 250, 240), 0.6), 0.55)
    c.paint(c.line(curve(cx - 1.9, nose - 0.2, cx + 1.9, nose - 0.2, 0.9), 0.7, blur=0.15), deep, 0.85)

    # Beard and moustache under the mouth.
    beard = bool(rng.random() < 0.22) and name not in ("bun", "headscarf")
    mouth = cy + rng.uniform(9.4, 10.6)
    if beard:
        lower = c.shape("rectangle", [(0, mouth - 3.2), (64, 64)], blur=1.6)
        chin = ImageChops.multiply(ImageChops.multiply(head, lower), ImageChops.invert(c.ellipse(cx, mouth + 0.3, 4.6, 2.2, blur=0.5)))
        c.paint(chin, mix(hair, (10, 6, 6), 0.3), 0.88)
        strands(c, rng, chin, hair, (cx, mouth - 6), 24)

    expression, width = ["smile", "grin", "calm", "open"][rng.integers(0, 4)], rng.uniform(3.6, 5.2)
    lip = mix(skin, (176, 44, 58), rng.uniform(0.4, 0.75))
    if expression in ("grin", "open"):
        opening = 2.6 if expression == "grin" else 3.4
        cavity = c.shape("polygon", curve(cx - width, mouth - 0.4, cx + width, mouth - 0.4, 0.5) + curve(cx + width, mouth - 0.4, cx - width, mouth - 0.4, opening), blur=0.15)
        c.paint(cavity, (92, 22, 34))
        c.paint(ImageChops.multiply(cavity, c.shape("rectangle", [(cx - width, mouth - 1), (cx + width, mouth + (1.0 if expression == "grin" else 0.6))], blur=0.2)), (248, 244, 238))
        c.paint(c.line(curve(cx - width, mouth - 0.4, cx + width, mouth - 0.4, opening), 0.9), lip)
        c.paint(c.line(curve(cx - width, mouth - 0.4, cx + width, mouth - 0.4, 0.4), 0.7), lip)
    else:
        bend = 1.5 if expression == "smile" else 0.2
        c.paint(c.line(curve(cx - width * 0.8, mouth + 0.7, cx + width * 0.8, mouth + 0.7, bend + 0.5), 1.5, blur=0.25), lip)
        c.paint(c.line(curve(cx - width, mouth, cx + width, mouth, bend), 0.55), mix(lip, INK, 0.5))
    c.paint(c.line(curve(cx - 2, mouth + 4, cx + 2, mouth + 4, 0.6), 0.8, blur=0.5), deep, 0.4)

    # In front of the head.
    dome = ImageChops.multiply(c.shape("polygon", head_outline(cx, cy - 1, hw + 1.6, hh + 1.8, jaw), blur=0.2), c.shape("rectangle", [(0, 0), (64, cy - 2)], blur=1))
    accessory = None
    if name in ("short hair", "long hair", "bun", "curly hair"):
        rise = rng.uniform(7.5, 10)
        part = rng.uniform(-5, 5)
        forehead = c.shape("polygon", [(cx - hw * 0.93, cy + 3)] + curve(cx - hw * 0.88, cy - 5, cx + part, cy - rise - 1, -2.5) + curve(cx + part, cy - rise - 1, cx + hw * 0.88, cy - 5, -2.5) + [(cx + hw * 0.93, cy + 3)], blur=0.35)
        front = ImageChops.multiply(dome, ImageChops.invert(forehead))
        c.shaded(front, hair, light, 0.35)
        if name == "curly hair":
            for _ in range(46):
                x, y = cx + rng.uniform(-hw, hw), cy - rng.uniform(rise + 1, hh + 2)
                curl = c.ellipse(x, y, 1.7, 1.7, hollow=True, width=0.6)
                c.paint(ImageChops.multiply(ImageChops.lighter(front, back), curl), mix(hair, (255, 240, 210) if rng.random() < 0.5 else (0, 0, 0), 0.3), 0.7)
        else:
            strands(c, rng, front, hair, (cx + part, cy - hh - 1), 22)
    elif name == "bald":
        c.paint(c.ellipse(cx + light * 4.5, cy - hh * 0.62, 3.6, 2, blur=1.2), (255, 252, 244), 0.4)
    elif name == "hat":
        accessory = ["beanie", "cap", "brim"][rng.integers(0, 3)]
        sides = ImageChops.multiply(dome, ImageChops.invert(c.ellipse(cx, cy + 3, hw * 0.9, hh * 0.8)))
        c.shaded(sides, hair, light, 0.3)
        line = cy - rng.uniform(7, 8.6)
        crown_mask = ImageChops.multiply(c.shape("polygon", head_outline(cx, cy - 1.5, hw + 2.4, hh + 3.4, 0), blur=0.3), c.shape("rectangle", [(0, 0), (64, line)]))
        c.shaded(crown_mask, cloth, light, 0.35)
        trim = mix(cloth, (20, 12, 24), 0.35)
        if accessory == "beanie":
            c.shaded(c.shape("rounded_rectangle", [(cx - hw - 2.6, line - 3), (cx + hw + 2.6, line + 1.2)], radius=2 * c.unit), mix(cloth, (255, 255, 255), 0.2), light, 0.3)
            for x in np.arange(cx - hw - 1, cx + hw + 2, 2.4):
                c.paint(c.line([(x, line - 2.6), (x, line + 0.8)], 0.35), trim, 0.6)
        elif accessory == "cap":
            c.paint(c.shape("polygon", curve(cx - hw - 1, line - 0.6, cx + hw + 1, line - 0.6, -1.2) + curve(cx + hw + 1, line + 0.4, cx - hw - 1, line + 0.4, 3), blur=0.2), trim)
        else:
            c.shaded(c.ellipse(cx, line + 0.4, hw + 7.5, 2.6, blur=0.2), mix(cloth, (20, 12, 24), 0.15), light, 0.3)
            c.paint(c.shape("rectangle", [(cx - hw - 1.6, line - 3), (cx + hw + 1.6, line - 0.6)], blur=0.2), trim)
    elif name in ("headscarf", "hood"):
        around = 2.2 if name == "headscarf" else 5.2
        outer = c.shape("polygon", head_outline(cx, cy, hw + around, hh + around, -0.15), blur=0.3)
        opening = c.shape("polygon", head_outline(cx, cy + 0.8, hw * 0.9, hh * 0.9, jaw), blur=0.4)
        wrap = ImageChops.multiply(outer, ImageChops.invert(opening))
        if name == "headscarf":
            wrap = ImageChops.lighter(wrap, c.shape("polygon", curve(cx - hw - 3, cy + 8, cx, 60, 3) + curve(cx, 60, cx + hw + 3, cy + 8, 3) + curve(cx + hw * 0.7, cy + hh * 0.75, cx - hw * 0.7, cy + hh * 0.75, 4), blur=0.4))
        c.shaded(wrap, cloth, light, 0.35)
        for _ in range(7):
            s = rng.choice([-1, 1])
            fold = c.line(curve(cx + s * rng.uniform(2, hw), cy - hh - 3, cx + s * (hw + rng.uniform(0, 4)), cy + rng.uniform(2, 16), -s), 0.5, blur=0.2)
            c.paint(ImageChops.multiply(wrap, fold), mix(cloth, (20, 8, 24), 0.5), 0.5)

    glasses = ["round", "square"][rng.integers(0, 2)] if rng.random() < 0.25 else None
    if glasses:
        frame = (28, 26, 32) if rng.random() < 0.6 else hsv(rng.random(), 0.7, 0.75)
        rx, ry = ew + 1.2, eh + (2.0 if glasses == "round" else 1.4)
        for s in (-1, 1):
            box = [(cx + s * ex - rx, ey - ry), (cx + s * ex + rx, ey + ry)]
            rim = {"kind": "ellipse"} if glasses == "round" else {"kind": "rounded_rectangle", "radius": 1.4 * c.unit}
            kind = rim.pop("kind")
            c.paint(c.shape(kind, box, **rim), (235, 245, 255), 0.12)
            c.paint(c.shape(kind, box, hollow=True, width=0.75, **rim), frame)
            if not hides_ears:
                c.paint(c.line([(cx + s * (ex + rx), ey - 0.4), (cx + s * hw, ey + 0.2)], 0.7), frame)
        c.paint(c.line(curve(cx - ex + rx, ey - 0.4, cx + ex - rx, ey - 0.4, -0.5), 0.7), frame)
    earrings = bool(rng.random() < 0.25) and not hides_ears
    if earrings:
        metal = (238, 202, 92) if rng.random() < 0.6 else hsv(rng.random(), 0.7, 0.9)
        for s in (-1, 1):
            c.shaded(c.ellipse(cx + s * (hw + 0.4), cy + 6.6, 1.3, 1.5), metal, light, 0.4)

    pixel = size / 64
    attributes = {
        "class": label,
        "iris": iris_name,
        "eyes": [[(cx - ex + gaze) * pixel, ey * pixel], [(cx + ex + gaze) * pixel, ey * pixel]],
        "iris_radius": eh * pixel,
        "head": [cx * pixel, cy * pixel, hw * pixel, hh * pixel],
        "colours": {"iris": iris, "skin": skin, "hair": hair, "cloth": cloth},
        **{"glasses": glasses, "earrings": earrings, "beard": beard, "freckles": freckles, "hat": accessory},
        **{"expression": expression, "garment": garment, "background": scene, "light": light},
    }
    return c.finish(), attributes


def eye_colours(picture, attributes):
    """The names in IRIS that both irises of a picture look like, left and right, where the attributes say that the eyes are."""
    names, tints = list(IRIS), np.array(list(IRIS.values()), float)
    tint = lambda colour: (colour - colour.mean(-1, keepdims=True)) / 90
    rows, columns = np.mgrid[: picture.shape[0], : picture.shape[1]] + 0.5
    found = []
    for x, y in attributes["eyes"]:
        distance = np.hypot(columns - x, rows - y) / attributes["iris_radius"]
        # Between pupil and rim.
        colour = np.median(picture[(distance > 0.35) & (distance < 0.9)].astype(float), axis=0)
        far = np.linalg.norm(tint(tints) - tint(colour), axis=1) + 0.003 * abs(tints.mean(1) - colour.mean())
        found.append(names[int(np.argmin(far))])
    return found


def numbered(seed, index, size, label=None, large_eyes=False):
    """Picture `index` of the data set `seed`: the same however many others are drawn, and at 64 and 128 of one person."""
    return portrait(np.random.default_rng([seed, index]), size, label, large_eyes)


def _part(arguments):
    seed, indices, size, large_eyes = arguments
    return [numbered(seed, index, size, None, large_eyes) for index in indices]


def dataset(count, seed, size, workers=None, progress=print, large_eyes=False):
    """Pictures [count, size, size, 3] uint8, and a list of attributes."""
    pictures, attributes = np.empty((count, size, size, 3), np.uint8), []
    parts = [(seed, range(i, min(i + 100, count)), size, large_eyes) for i in range(0, count, 100)]
    with ProcessPoolExecutor(workers) as pool:
        for part in pool.map(_part, parts):
            for picture, facts in part:
                pictures[len(attributes)] = picture
                attributes.append(facts)
            progress(f"{len(attributes)}/{count} portraits", flush=True)
    return pictures, attributes


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["grid", "data"])
    parser.add_argument("out")
    parser.add_argument("--size", type=int, default=64)
    parser.add_argument("--count", type=int, default=20000)
    parser.add_argument("--seed", type=int, default=1000)
    parser.add_argument("--workers", type=int)
    parser.add_argument("--large-eyes", action="store_true", help="irises of 1.7 times the pixels, whose agreement is learned sooner")
    given = parser.parse_args()
    if given.what == "grid":
        rows = [[numbered(given.seed, 8 * label + i, given.size, label, given.large_eyes)[0] for i in range(8)] for label in range(len(CLASSES))]
        Image.fromarray(np.concatenate([np.concatenate(row, 1) for row in rows], 0)).save(given.out)
        return
    pictures, attributes = dataset(given.count, given.seed, given.size, given.workers, large_eyes=given.large_eyes)
    labels = np.array([facts["class"] for facts in attributes], np.uint8)
    texts = np.array([json.dumps(facts) for facts in attributes])

    def body(temporary):
        with open(temporary, "wb") as file:
            np.savez(file, pictures=pictures, labels=labels, attributes=texts)

    files.write_whole(given.out, body)


if __name__ == "__main__":
    main()
