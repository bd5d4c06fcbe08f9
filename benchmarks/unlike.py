"""
How many photos of each kind are called "unlike anything seen".

    python benchmarks/unlike.py models/final FOLDER...

FOLDERs hold photos of another material; noise and pages of text are made here.
"""

import sys
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from thinsection.predict import Predictor
from thinsection.predict.command import outcomes
from thinsection.predict.new_photos import new_photos

N = 50  # of each kind that is made here


def noise(height: int, width: int, rng: np.random.Generator) -> np.ndarray:
    return rng.integers(0, 256, (height, width, 3)).astype(np.uint8)


def page(height: int, width: int, rng: np.random.Generator) -> np.ndarray:
    """Lines of letters, black on white."""
    image = Image.new("RGB", (width, height), "white")
    draw = ImageDraw.Draw(image)
    for y in range(4, height - 8, 11):
        letters = rng.integers(97, 123, 80)
        words = "".join(" " if rng.random() < 0.15 else chr(each) for each in letters)
        draw.text((4, y), words, fill="black")
    return np.asarray(image)


def main(model: Path, folders: list[str]) -> None:
    predictor = Predictor.load(model)
    card, rng = predictor.card, np.random.default_rng(0)
    print(f"false alarms on specimens not seen: {100 * card.false_alarms:.1f} %")
    for name, make in (("noise", noise), ("pages of text", page)):
        photos = np.stack([make(card.height, card.width, rng) for _ in range(N)])
        flags = [answer.unlike_anything for answer in predictor.answers(photos)]
        print(f"{name}: {sum(flags)} of {len(flags)} flagged")
    for folder in folders:
        with new_photos([folder]) as found:
            flags = [o.answer.unlike_anything for o in outcomes(predictor, found) if o.answer]
        print(f"{folder}: {sum(flags)} of {len(flags)} flagged")


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
