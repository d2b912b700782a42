"""Portraits of another seed than the training data's, for people and measures: the sheet that `repaint reproduce` fills, and the
examples with their masks. The same command writes the same pixels.

    python3 unseen.py sheet weights/unseen          portraits.png, 64 of them, and portraits.json: what is in each
    python3 unseen.py examples weights/examples     eight portraits with a mask each
    python3 unseen.py poster site/pictures          many portraits as one picture with two holes
    python3 unseen.py looks OUT.json                how eye_colours reads the sheet, to compare other programs with
"""

import argparse
import json
import os

import numpy as np
from PIL import Image

import files
import portraits

SEED, SIZE = 777, 64
COLUMNS, ROWS = 8, 8
POSTER_COLUMNS, POSTER_ROWS, POSTER_FIRST = 9, 6, 200


def person(index):
    """Classes by turns. The sheet has the first 64, examples and poster have others."""
    return portraits.numbered(SEED, index, SIZE, index % len(portraits.CLASSES))


def grid(pictures, columns):
    rows = [np.concatenate(pictures[i : i + columns], 1) for i in range(0, len(pictures), columns)]
    return np.concatenate(rows, 0)


def save(pixels, path):
    files.write_whole(path, lambda temporary: Image.fromarray(pixels).save(temporary, "png", optimize=True))


def save_text(text, path):
    def body(temporary):
        with open(temporary, "w", encoding="utf8") as file:
            file.write(text)

    files.write_whole(path, body)


def facts(attributes):
    """What measures need, in pixels of the cell."""
    rounded = lambda values: [round(float(value), 3) for value in values]
    return {
        "class": attributes["class"],
        "iris": attributes["iris"],
        "eyes": [rounded(eye) for eye in attributes["eyes"]],
        "irisRadius": round(float(attributes["iris_radius"]), 3),
        "head": rounded(attributes["head"]),
    }


def sheet(out):
    people = [person(index) for index in range(COLUMNS * ROWS)]
    save(grid([picture for picture, _ in people], COLUMNS), os.path.join(out, "portraits.png"))
    head = {"seed": SEED, "size": SIZE, "columns": COLUMNS, "classes": portraits.CLASSES, "irises": portraits.IRIS}
    lines = ",\n  ".join(json.dumps(facts(attributes)) for _, attributes in people)
    members = "".join(f" {json.dumps(key)}: {json.dumps(value)},\n" for key, value in head.items())
    save_text(f'{{\n{members} "portraits": [\n  {lines}\n ]\n}}\n', os.path.join(out, "portraits.json"))


def around(*eyes, left=7, right=7):
    """From left of the first eye to right of the last: lids, lashes and glasses, and of a neighbour eye nothing."""
    ys = [y for _, y in eyes]
    box = [eyes[0][0] - left, min(ys) - 7, eyes[-1][0] + right, max(ys) + 7]
    return [round(value) for value in box]


def box_mask(box):
    mask = np.zeros((SIZE, SIZE), bool)
    mask[box[1] : box[3], box[0] : box[2]] = True
    return mask


def pattern(test):
    """Where test(x, y) of pixels' places."""
    return test(*np.meshgrid(np.arange(SIZE), np.arange(SIZE)))


# A person, and what is to be filled: of the attributes where it lies on something. Those of the halves have glasses and earrings, so
# that it shows whether the sides agree; every class is there once.
EXAMPLES = {
    "1-half-right": (120, lambda a: pattern(lambda x, y: x >= 32)),
    "2-half-left": (133, lambda a: pattern(lambda x, y: x < 32)),
    "3-one-eye": (135, lambda a: box_mask(around(a["eyes"][1], right=8))),
    "4-both-eyes": (134, lambda a: box_mask(around(*a["eyes"]))),
    "5-expand": (138, lambda a: pattern(lambda x, y: (x < 16) | (x >= 48) | (y < 16) | (y >= 48))),
    "6-alternate-lines": (140, lambda a: pattern(lambda x, y: y % 2 == 1)),
    "7-super-resolve": (161, lambda a: pattern(lambda x, y: (x % 2 == 1) | (y % 2 == 1))),
    "8-top": (147, lambda a: pattern(lambda x, y: y < 24)),
}
# Cells (column, row) of the poster, and which eye is to be filled there.
POSTER_HOLES = {(4, 2): 1, (7, 4): 0}


def white(mask):
    return mask.astype(np.uint8) * 255


def examples(out):
    for name, (index, fill) in EXAMPLES.items():
        picture, attributes = person(index)
        save(picture, os.path.join(out, f"{name}.png"))
        save(white(fill(attributes)), os.path.join(out, f"{name}.fill.png"))


def poster(out):
    people = [person(POSTER_FIRST + cell) for cell in range(POSTER_COLUMNS * POSTER_ROWS)]
    holes = [np.zeros((SIZE, SIZE), bool) for _ in people]
    for (column, row), eye in POSTER_HOLES.items():
        cell = row * POSTER_COLUMNS + column
        holes[cell] = box_mask(around(people[cell][1]["eyes"][eye], left=7 + (eye == 0), right=7 + (eye == 1)))
    save(grid([picture for picture, _ in people], POSTER_COLUMNS), os.path.join(out, "poster.png"))
    save(grid([white(hole) for hole in holes], POSTER_COLUMNS), os.path.join(out, "poster.fill.png"))


def looks(out):
    """Of the true pictures, and of pictures whose right half is the next one's, which rarely agree; with the sheet's own figures."""
    people = [person(index) for index in range(COLUMNS * ROWS)]
    pictures = [picture for picture, _ in people]
    places = [{"eyes": own["eyes"], "iris_radius": own["irisRadius"]} for own in (facts(attributes) for _, attributes in people)]
    halves = [np.concatenate([a[:, : SIZE // 2], b[:, SIZE // 2 :]], 1) for a, b in zip(pictures, pictures[1:] + pictures[:1])]
    read = lambda all_pictures: [portraits.eye_colours(picture, place) for picture, place in zip(all_pictures, places)]
    save_text(json.dumps({"true": read(pictures), "mixed": read(halves)}) + "\n", out)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    writers = {"sheet": sheet, "examples": examples, "poster": poster, "looks": looks}
    parser.add_argument("what", choices=sorted(writers))
    parser.add_argument("out")
    given = parser.parse_args()
    if given.what != "looks":
        os.makedirs(given.out, exist_ok=True)
    writers[given.what](given.out)


if __name__ == "__main__":
    main()
