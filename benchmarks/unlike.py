"""
How many photos of each kind are called "unlike anything seen", at the model's own threshold.

    python benchmarks/unlike.py models/final FOLDER...

FOLDERs hold photos of another material; noise and pages of text are made here. If the model's classes are
minerals of the renderer, so are photos of new specimens of these and of every other mineral, as
params.yaml describes the demo photos.
"""

import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from PIL import Image, ImageDraw

from thinsection.params import load_params
from thinsection.predict import Predictor
from thinsection.predict.command import outcomes
from thinsection.predict.new_photos import new_photos
from thinsection.render.dataset import write_dataset
from thinsection.render.minerals import MINERALS

N = 50  # of each kind that is made here
SEED = 7  # other specimens than the demo's and those of the stage `others`, with its seed 2021
FRESH = {"specimens": 20, "fields": 2}  # of each mineral
GOALS = {"quartz": 0.5, "calcite": 0.5, "hornblende": 0.5}  # share flagged, at least


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


def flags_of(predictor: Predictor, folder: str) -> list[bool]:
    with new_photos([folder]) as found:
        return [o.answer.unlike_anything for o in outcomes(predictor, found) if o.answer]


def shown(what: str, flags: list[bool], goal: str = "") -> None:
    share = 100 * np.mean(flags)
    print(f"{what:40} {sum(flags):4} of {len(flags):4} flagged, {share:5.1f} %  {goal}")


def of_minerals(predictor: Predictor) -> None:
    """New specimens of the classes, which should pass, and other minerals, which should not."""
    settings = load_params().render.model_copy(update=FRESH | {"minerals": list(MINERALS)})
    with TemporaryDirectory() as folder:
        fresh = Path(folder) / "fresh"
        write_dataset(fresh, SEED, settings)
        known = []
        for mineral in MINERALS:
            flags = flags_of(predictor, str(fresh / mineral))
            if mineral in predictor.card.classes:
                known += flags
            goal = GOALS.get(mineral)
            shown(mineral, flags, f"goal: at least {goal:.0%}" if goal else "")
        shown("new specimens of all classes", known, "goal: at most 5 %")


def main(model: Path, folders: list[str]) -> None:
    predictor = Predictor.load(model)
    card, rng = predictor.card, np.random.default_rng(0)
    print(
        f"the card: {100 * card.false_alarms:.1f} % false alarms on specimens not seen; of a class"
    )
    print(f"left out are found {', '.join(f'{k} {s:.0%}' for k, s in card.found_unseen.items())}")
    for name, make in (("noise", noise), ("pages of text", page)):
        photos = np.stack([make(card.height, card.width, rng) for _ in range(N)])
        lights = (
            [card.lights[place % len(card.lights)] for place in range(N)] if card.lights else []
        )
        shown(name, [answer.unlike_anything for answer in predictor.answers(photos, lights)])
    if set(card.classes) <= set(MINERALS):
        of_minerals(predictor)
    for folder in folders:
        shown(folder, flags_of(predictor, folder))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
