"""Writes resize.json: resampling by Pillow's rule, a second implementation to compare with.

The places where the kernel is read are float64 as in Pillow (its rounding decides ties), everything else is exact rational
arithmetic. Support grows by the scale when shrinking, window (int)(centre -+ support + 0.5), weights normalised, then rounded to multiples of 2^-22; each pass rounds to a byte. No dependency but Python: python3 make_resize.py
"""
import json
import pathlib
from fractions import Fraction as F


def bicubic(x):
    x, a = abs(x), F(-1, 2)
    if x < 1:
        return (a + 2) * x**3 - (a + 3) * x**2 + 1
    return a * x**3 - 5 * a * x**2 + 8 * a * x - 4 * a if x < 2 else F(0)


def box(x):
    return F(1) if -F(1, 2) < x <= F(1, 2) else F(0)


def matrix(n, m, kernel, support):
    scale = n / m
    stretch = max(scale, 1.0)
    rows = []
    for i in range(m):
        centre = (i + 0.5) * scale
        lo = max(0, int(centre - support * stretch + 0.5))
        hi = min(n, int(centre + support * stretch + 0.5))
        w = {j: kernel(F((j - centre + 0.5) * (1.0 / stretch))) for j in range(lo, hi)}
        total = sum(w.values())
        rows.append({j: v / total for j, v in w.items()})
    return rows


def fixed(v):
    return int(v * 2**22 + (F(1, 2) if v >= 0 else -F(1, 2)))


def line(values, rows, as_bytes):
    if not as_bytes:
        return [sum(values[j] * v for j, v in r.items()) for r in rows]
    return [min(255, max(0, (sum(values[j] * fixed(v) for j, v in r.items()) + 2**21) >> 22)) for r in rows]


def resize(grid, width, height, name, as_bytes):
    kernel, support = {"box": (box, 0.5), "bicubic": (bicubic, 2.0)}[name]
    across = matrix(len(grid[0]), width, kernel, support)
    down = matrix(len(grid), height, kernel, support)
    grid = [line(r, across, as_bytes) for r in grid]
    columns = [line(c, down, as_bytes) for c in zip(*grid)]
    return [list(r) for r in zip(*columns)]


state = 12345


def byte():
    global state
    state = (state * 1103515245 + 12345) % 2**31
    # Mostly extremes, so that overshoot is clamped somewhere.
    return [0, 255, (state >> 16) % 256, (state >> 8) % 256][(state >> 24) % 4]


cases = []
for n, m in [(13, 9), (8, 8), (5, 17)]:
    grid = [[byte() for _ in range(n)] for _ in range(m)]
    for width, height in [(6, 4), (n // 2, m // 2), (20, 9), (13, 31), (1, 1), (n, 7)]:
        for name in ["box", "bicubic"]:
            cases.append({
                "width": n, "height": m, "input": sum(grid, []), "filter": name, "toWidth": width, "toHeight": height,
                "bytes": sum(resize(grid, width, height, name, True), []),
                "floats": [round(float(v), 6) for v in sum(resize(grid, width, height, name, False), [])],
            })
out = pathlib.Path(__file__).with_name("resize.json")
out.write_text("[\n" + ",\n".join(json.dumps(c, separators=(",", ":")) for c in cases) + "\n]\n")
