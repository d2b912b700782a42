"""Drawing with masks: shapes in units of a 64th of the picture, larger than the picture will be, lit from one side."""

import colorsys
import math

import numpy as np
from PIL import Image, ImageChops, ImageDraw, ImageFilter


def hsv(h, s, v):
    return tuple(int(round(255 * c)) for c in colorsys.hsv_to_rgb(h % 1.0, min(max(s, 0), 1), min(max(v, 0), 1)))


def mix(a, b, w):
    return tuple(int(round(x * (1 - w) + y * w)) for x, y in zip(a, b))


class Canvas:
    """A picture of 64 × 64 units, drawn larger than it will be. Every shape is a mask, so that it can be blurred and cut."""

    def __init__(self, size):
        self.supersample = 4 if size <= 64 else 3
        self.side = size * self.supersample
        self.unit = self.side / 64
        self.image = Image.new("RGB", (self.side, self.side))

    def shape(self, kind, *arguments, blur=0, **options):
        """kind: a method of ImageDraw; coordinates and widths in units."""
        mask = Image.new("L", (self.side, self.side))
        points = [[tuple(c * self.unit for c in p) for p in a] if isinstance(a, list) else a for a in arguments]
        if "width" in options:
            options["width"] = max(1, round(options["width"] * self.unit))
        fill = {"outline": 255} if options.pop("hollow", False) else {"fill": 255}
        getattr(ImageDraw.Draw(mask), kind)(*points, **fill, **options)
        return self.blurred(mask, blur) if blur else mask

    def blurred(self, mask, radius):
        """Only where something is: most shapes are small."""
        box, pixels = mask.getbbox(), radius * self.unit
        if box is None or pixels < 0.7:
            return mask
        margin = math.ceil(3 * pixels)
        box = (max(0, box[0] - margin), max(0, box[1] - margin), min(self.side, box[2] + margin), min(self.side, box[3] + margin))
        mask.paste(mask.crop(box).filter(ImageFilter.GaussianBlur(pixels)), box)
        return mask

    def ellipse(self, x, y, rx, ry, **options):
        return self.shape("ellipse", [(x - rx, y - ry), (x + rx, y + ry)], **options)

    def line(self, points, width, **options):
        """With round ends and joints."""
        mask = self.shape("line", points, width=width, joint="curve", **options)
        for x, y in (points[0], points[-1]):
            mask = ImageChops.lighter(mask, self.ellipse(x, y, width / 2, width / 2))
        return mask

    def paint(self, mask, colour, opacity=1.0):
        box = mask.getbbox()
        if box is None:
            return
        part = mask.crop(box)
        self.image.paste(colour, box, part if opacity == 1 else part.point(lambda v: int(v * opacity)))

    def shaded(self, mask, colour, light, depth=0.3):
        """A body that is lit from one side: darker towards the other, a soft glow towards the light."""
        self.paint(mask, colour)
        moved = ImageChops.offset(mask, round(light * 5 * self.unit), round(-3 * self.unit))
        blurred = self.blurred(moved, 3.5)
        self.paint(ImageChops.multiply(mask, ImageChops.invert(blurred)), mix(colour, (40, 16, 36), 0.6), depth * 1.6)
        glow = ImageChops.offset(mask, round(light * 4 * self.unit), round(-4 * self.unit))
        inner = self.blurred(glow, 6).point(lambda v: max(0, (v - 170) * 2))
        self.paint(ImageChops.multiply(mask, inner), mix(colour, (255, 246, 226), 0.5), depth * 0.7)

    def finish(self):
        return np.asarray(self.image.reduce(self.supersample), dtype=np.uint8)


def curve(x0, y0, x1, y1, rise, steps=12):
    """A parabola between two points that rises by `rise` in the middle (upwards is negative)."""
    return [(x0 + (x1 - x0) * i / steps, y0 + (y1 - y0) * i / steps + rise * 4 * (i / steps) * (1 - i / steps)) for i in range(steps + 1)]
