#!/usr/bin/python3
"""Pictures as people have them, and what other decoders make of them: PIL of JPEG and WebP, avifdec of AVIF.

Usage: make_files.py OUT. Needs Debian's python3-pil, python3-numpy, libjpeg-turbo-progs (cjpeg, jpegtran), libavif-bin.
Writes the files and `expected.png`, all decoded pictures (RGBA) one below the other in the order of the files' names, each upright as EXIF
wants it and 37x29 (29x37 where it is turned is brought back to 37x29 by a quarter turn against the clock).
"""
import io, os, subprocess, sys
import numpy as np
from PIL import Image, ImageOps

out = sys.argv[1]
os.makedirs(out, exist_ok=True)
at = lambda name: os.path.join(out, name)
y, x = np.mgrid[0:29, 0:37]
scene = np.stack([128 + 110 * np.sin(x / 4), 128 + 100 * np.cos(y / 3), (x * 7 + y * 3) % 256], -1)
scene[8:20, 10:24] = [230, 25, 30]  # a red patch on what surrounds it: its edges show how chroma is interpolated
scene = scene.clip(0, 255).astype(np.uint8)
photo = Image.fromarray(scene)

for name, sampling in {"444": 0, "422": 1, "420": 2}.items():
    photo.save(at(f"baseline-{name}.jpg"), quality=88, subsampling=sampling)
    photo.save(at(f"progressive-{name}.jpg"), quality=88, subsampling=sampling, progressive=True)
photo.convert("L").save(at("gray.jpg"), quality=90)
photo.convert("CMYK").save(at("cmyk.jpg"), quality=90)
ppm = io.BytesIO()
photo.save(ppm, "PPM")
for name, options in {
    "440": ["-sample", "1x2"],
    "411": ["-sample", "4x1"],
    "restart": ["-sample", "2x2", "-restart", "1"],
    "rgb": ["-rgb"],
    "scans": ["-sample", "2x2", "-scans", "/dev/stdin"],
}.items():
    ppm_file = at("scene.ppm")
    open(ppm_file, "wb").write(ppm.getvalue())
    made = subprocess.run(["cjpeg", "-quality", "88", *options, ppm_file], input=b"0;\n1;\n2;\n", capture_output=True, check=True)
    open(at(f"{name}.jpg"), "wb").write(made.stdout)
os.remove(at("scene.ppm"))
for orientation in range(2, 9):
    exif = Image.Exif()
    exif[274] = orientation
    photo.save(at(f"orientation-{orientation}.jpg"), quality=80, exif=exif)

alpha = photo.convert("RGBA")
alpha.putalpha(Image.fromarray(((x * 9) % 256).astype(np.uint8)))
photo.save(at("lossy.webp"), quality=80)
alpha.save(at("lossy-alpha.webp"), quality=80)
alpha.save(at("lossless-alpha.webp"), lossless=True, exact=True)
alpha.save(at("animated.webp"), save_all=True, append_images=[alpha.rotate(180)], lossless=True, exact=True, duration=100)

alpha.save(at("alpha.png"))
for name, source, options in [
    ("444.avif", "alpha.png", ["-y", "444", "--min", "5", "--max", "20"]),
    ("420-10-bits.avif", "alpha.png", ["-y", "420", "-d", "10", "--min", "5", "--max", "20"]),
    ("turned.avif", "alpha.png", ["-y", "444", "--irot", "1", "--imir", "1", "--min", "5", "--max", "20"]),
]:
    subprocess.run(["avifenc", "-s", "9", *options, at(source), at(name)], capture_output=True, check=True)
os.remove(at("alpha.png"))

expected = []
for name in sorted(os.listdir(out)):
    if not name.endswith((".jpg", ".webp", ".avif")):
        continue
    if name.endswith(".avif"):
        subprocess.run(["avifdec", at(name), at("decoded.png")], capture_output=True, check=True)
        picture = Image.open(at("decoded.png")).convert("RGBA")
        os.remove(at("decoded.png"))
        if name.startswith("turned"):  # avifdec leaves turning to its caller: a quarter turn against the clock, then left to right
            picture = ImageOps.mirror(picture.rotate(90, expand=True))
    else:
        picture = ImageOps.exif_transpose(Image.open(at(name))).convert("RGBA")
    pixels = np.asarray(picture)
    expected.append(np.rot90(pixels) if pixels.shape[0] == 37 else pixels)
Image.fromarray(np.concatenate(expected)).save(at("expected.png"), optimize=True)
