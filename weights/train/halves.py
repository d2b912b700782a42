"""Fills the right halves of portraits with exported networks or runs of train.py, and measures how well they agree with the left ones:
what `repaint reproduce` measures (src/evaluate/meaning.ts, measures.ts), in a minute or two, while a network still learns.

    python3 halves.py ../portraits64.safetensors RUN                             the 64 portraits of weights/unseen
    python3 halves.py RUN --count 16 --picture fills.png                         the first 16, to look at
    python3 halves.py RUN --data portraits64.npz --count 256                     of train.py's held-out pictures: narrower intervals

The sampler is the engine's guided Langevin steps; the default of 10 levels with 2 inner steps has 28 calls. A line says: share of
fills whose two eyes look like one colour (%), difference of the eyes and asymmetry of the head (0 … 255), PSNR of the fill (dB), each with
half the width of its 95 % interval.
"""

import argparse
import json
import os

import numpy as np
import torch
from PIL import Image

import diffusion
import files
import heldout
import model
import portraits
import train

HERE = os.path.dirname(os.path.abspath(__file__))
UNSEEN = os.path.join(HERE, "..", "unseen")


def load(path):
    """Of a run: the average so far."""
    if not os.path.isdir(path):
        return heldout.load(path)
    tensors, state = files.load_tensors(train.state_path(path))
    network = model.build(json.loads(state["settings"])["preset"])
    network.load_state_dict(train.part(tensors, "average"))
    return network.eval()


def unseen():
    """Pictures [64, 64, 64, 3] of weights/unseen, and what is in them."""
    with open(os.path.join(UNSEEN, "portraits.json"), encoding="utf8") as file:
        sheet = json.load(file)
    size, columns = sheet["size"], sheet["columns"]
    pixels = np.asarray(Image.open(os.path.join(UNSEEN, "portraits.png")).convert("RGB"))
    cells = [pixels[i // columns * size :, i % columns * size :][:size, :size] for i in range(len(sheet["portraits"]))]
    return np.stack(cells), [{**facts, "iris_radius": facts["irisRadius"]} for facts in sheet["portraits"]]


def held_out(path):
    with np.load(path) as stored:
        return stored["pictures"][-train.HELD_OUT :], [json.loads(text) for text in stored["attributes"][-train.HELD_OUT :]]


@torch.no_grad()
def langevin(network, known, keep, labels, levels=10, inner=2, step=1.0, strength=8.0, still=1, seed=0):
    """known [N, 3, S, S] in [−1, 1], keep [1, 1, S, S] → the same pictures with what is not kept painted anew."""
    rng = torch.Generator().manual_seed(seed)
    draw = lambda: torch.randn(known.shape, generator=rng).to(known.device)
    times = torch.linspace(diffusion.STEPS - 1, 0, levels).round().long()
    bars = [diffusion.alpha_bar(t) for t in times]
    f, g = np.exp(-step), np.exp(-step * (1 + strength))
    x = draw()
    x = keep * (bars[0] ** 0.5 * known + (1 - bars[0]) ** 0.5 * draw()) + (1 - keep) * x

    def call(x, level):
        bar, v = bars[level], 1 - bars[level]
        t = torch.full((len(x),), int(times[level]), device=x.device)
        kind = next(network.parameters()).dtype
        epsilon = network(x.to(kind).contiguous(memory_format=torch.channels_last), t, labels)[:, :3].float()
        start = ((x - v**0.5 * epsilon) / bar**0.5).clamp(-1, 1)
        return start, (x - bar**0.5 * start) / v**0.5

    for level, bar in enumerate(bars):
        v = 1 - bar
        for _ in range(inner if level < levels - still else 0):
            start, epsilon = call(x, level)
            z = draw()
            free = bar**0.5 * start + f * (x - bar**0.5 * start) + (v * (1 - f * f)) ** 0.5 * z
            centre = bar**0.5 * known + strength / (1 + strength) * v**0.5 * epsilon
            held = centre + g * (x - centre) + (v / (1 + strength) * (1 - g * g)) ** 0.5 * z
            x = keep * held + (1 - keep) * free
        start, epsilon = call(x, level)
        after = bars[level + 1] if level + 1 < levels else 1.0
        free = after**0.5 * start + (1 - after) ** 0.5 * epsilon
        held = after**0.5 * known + (1 - after) ** 0.5 * (x - bar**0.5 * known) / v**0.5
        x = keep * held + (1 - keep) * free
    return keep * known + (1 - keep) * x


def iris_colour(picture, eye, radius):
    rows, columns = np.mgrid[: picture.shape[0], : picture.shape[1]] + 0.5
    distance = np.hypot(columns - eye[0], rows - eye[1]) / radius
    return np.median(picture[(distance > 0.35) & (distance < 0.9)].astype(float), axis=0)


def asymmetry(picture, facts):
    """Of the head's right, filled half to its left one's mirror image, where that is known."""
    size = picture.shape[1]
    x0, y0, half_width, half_height = facts["head"]
    rows, columns = np.mgrid[: picture.shape[0], :size]
    mirrored = 2 * x0 - (columns + 0.5) - 0.5
    left = np.floor(mirrored).astype(int)
    in_head = ((columns + 0.5 - x0) / half_width) ** 2 + ((rows + 0.5 - y0) / half_height) ** 2 <= 1
    seen = in_head & (columns >= size // 2) & (left >= 0) & (left + 1 < size // 2)
    rows, columns, left, share = (array[seen] for array in (rows, columns, left, mirrored - left))
    pixels = picture.astype(float)
    other = pixels[rows, left] * (1 - share)[:, None] + pixels[rows, left + 1] * share[:, None]
    return np.sqrt(np.mean((pixels[rows, columns] - other) ** 2))


def measures(picture, truth, facts):
    left, right = (iris_colour(picture, eye, facts["iris_radius"]) for eye in facts["eyes"])
    names = portraits.eye_colours(picture, facts)
    half = picture.shape[1] // 2
    error = np.mean((picture[:, half:].astype(float) - truth[:, half:]) ** 2)
    psnr = 10 * np.log10(255**2 / error) if error > 0 else np.nan
    return [100.0 * (names[0] == names[1]), np.sqrt(np.mean((left - right) ** 2)), asymmetry(picture, facts), psnr]


def line(name, figures):
    means, widths = np.mean(figures, 0), 1.96 * np.std(figures, 0) / len(figures) ** 0.5
    cells = [f"{title} {mean:.1f} ± {width:.1f}" for title, mean, width in zip(("alike", "difference", "asymmetry", "PSNR"), means, widths)]
    return f"{name}: n {len(figures)}  " + "  ".join(cells)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("networks", nargs="+", help="safetensors files, or folders of train.py")
    parser.add_argument("--data", metavar="FILE", help="of portraits.py data, instead of weights/unseen")
    parser.add_argument("--count", type=int, default=64)
    parser.add_argument("--levels", type=int, default=10)
    parser.add_argument("--inner", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--precision", choices=["f32", "bf16"], default="f32", help="bf16 is several times as fast on some processors, and near enough to look")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--picture", metavar="FILE", help="a PNG: rows of true pictures, and below each what the last network made of them")
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    pictures, facts = held_out(given.data) if given.data else unseen()
    pictures, facts = pictures[: given.count], facts[: given.count]
    print(line("true", [measures(*both) for both in zip(pictures, pictures, facts)]), flush=True)
    keep = (torch.arange(pictures.shape[2]) < pictures.shape[2] // 2).float()[None, None, None, :].expand(1, 1, *pictures.shape[1:3])
    for path in given.networks:
        network, fills = load(path).to({"f32": torch.float32, "bf16": torch.bfloat16}[given.precision]).to(memory_format=torch.channels_last), []
        for i in range(0, len(pictures), given.batch):
            known = torch.from_numpy(pictures[i : i + given.batch]).permute(0, 3, 1, 2) / 127.5 - 1
            labels = torch.full((len(known),), len(portraits.CLASSES))
            filled = langevin(network, known, keep, labels, given.levels, given.inner, seed=given.seed * 1000 + i)
            fills.append(((filled + 1) * 127.5).round().clamp(0, 255).byte().permute(0, 2, 3, 1).numpy())
        fills = np.concatenate(fills)
        print(line(path, [measures(*all_three) for all_three in zip(fills, pictures, facts)]), flush=True)
    if given.picture:
        rows = [np.concatenate(side[i : i + 16], 1) for i in range(0, len(pictures), 16) for side in (pictures, fills)]
        files.write_whole(given.picture, lambda temporary: Image.fromarray(np.concatenate(rows, 0)).save(temporary, "png"))


if __name__ == "__main__":
    main()
