"""Pictures as Pillow reads them, for test/full/pictureSuites.test.ts: a path a line in, a line of JSON a picture out.

The pixels go to the second path of the line (tab between): width and height as little-endian uint32, then RGBA, upright
by EXIF, numbers as they stand in the file: no colour profile is applied.
"""
import json
import struct
import sys
import warnings

import numpy
from PIL import Image, ImageOps

# Pillow refuses twice as many.
Image.MAX_IMAGE_PIXELS = 134_000_000
warnings.simplefilter("ignore")


def rgba(picture):
    # Pillow's own conversion of 16 bits cuts values off at 255.
    if picture.mode.startswith("I"):
        values = numpy.asarray(picture).astype(numpy.int64)
        gray = Image.fromarray(((values * 255 + 32767) // 65535).clip(0, 255).astype(numpy.uint8))
        return gray.convert("RGBA")
    return picture.convert("RGBA")


for line in sys.stdin:
    path, out = line.rstrip("\n").split("\t")
    try:
        with Image.open(path) as picture:
            picture.load()
            isTurning = picture.format in ("JPEG", "MPO")
            pixels = rgba(ImageOps.exif_transpose(picture) if isTurning else picture)
        with open(out, "wb") as file:
            file.write(struct.pack("<II", *pixels.size) + pixels.tobytes())
        answer = {"read": True}
    except Exception as error:  # a refusal, whatever it is
        answer = {"read": False, "reason": f"{type(error).__name__}: {error}".replace(path, "it")[:100]}
    print(json.dumps(answer), flush=True)
