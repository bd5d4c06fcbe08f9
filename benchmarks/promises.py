"""
Whether a model keeps on new specimens what its card promises: of the renderer's minerals.

    python benchmarks/promises.py models/final [specimens of each mineral, 40 by default]

New specimens are rendered as params.yaml describes the demo's, with another seed, and named as
`thinsection predict` names them. Beside each promise stands what came of it; goals: prediction sets hold at
least 85 % of each class where 90 % are asked, and of the photos named with probabilities from 0.6 to 0.9
as many are right as these say, to within 0.03. Intervals of the card are over its own specimens; the figures
here are of so many others that their own luck is small.
"""

import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from thinsection.params import load_params
from thinsection.predict import Answer, Predictor
from thinsection.predict.command import outcomes
from thinsection.predict.new_photos import new_photos
from thinsection.render.dataset import write_dataset

SEED = 9  # other specimens than those of any data set of the project
BAND = 0.6, 0.9


def answered(predictor: Predictor, n_specimens: int) -> tuple[np.ndarray, list[Answer]]:
    """The true class and the answer of each sample."""
    settings = load_params().render
    classes = predictor.card.classes
    settings = settings.model_copy(update={"specimens": n_specimens, "minerals": list(classes)})
    labels, answers = [], []
    with TemporaryDirectory() as folder:
        write_dataset(Path(folder) / "fresh", SEED, settings)
        for place, mineral in enumerate(classes):
            with new_photos([f"{folder}/fresh/{mineral}"]) as found:
                known = [o.answer for o in outcomes(predictor, found) if o.answer]
            labels += [place] * len(known)
            answers += known
    return np.array(labels), answers


def main(model: Path, n_specimens: int = 40) -> None:
    predictor = Predictor.load(model)
    card = predictor.card
    labels, answers = answered(predictor, n_specimens)
    classes = card.classes
    named = np.array([classes.index(answer.label) for answer in answers])
    held = np.array([classes[k] in a.prediction_set for k, a in zip(labels, answers, strict=True)])
    sizes = [len(answer.prediction_set) for answer in answers]
    surest = np.array([max(answer.probabilities.values()) for answer in answers])
    flagged = np.mean([answer.unlike_anything for answer in answers])
    right = named == labels
    print(
        f"{card.title}, {len(labels)} samples of {n_specimens} new specimens of each class: promised, found"
    )
    print(f"accuracy {card.ca:.3f} ({card.ca_low:.3f} to {card.ca_high:.3f}), {right.mean():.3f}")
    print(f"sets hold the true class {card.measured_coverage:.1%} with {card.mean_set_size:.2f} classes, "
          f"{held.mean():.1%} with {np.mean(sizes):.2f}")  # fmt: skip
    print(f"flagged as unlike anything seen {card.false_alarms:.1%}, {flagged:.1%}")
    within = (surest >= BAND[0]) & (surest < BAND[1])
    print(f"named with {BAND[0]} to {BAND[1]}: {within.sum()} samples, on average with "
          f"{surest[within].mean():.3f}, of which are right {right[within].mean():.3f}")  # fmt: skip
    for place, name in enumerate(classes):
        promise, own, given = card.by_class.get(name, {}), labels == place, named == place
        print(f"{name:12} recognised {promise.get('recognised', np.nan):.2f}, {right[own].mean():.2f}; "
              f"right when named {promise.get('right_when_named') or np.nan:.2f}, {right[given].mean():.2f}; "
              f"sets hold it {promise.get('covered', np.nan):.0%}, {held[own].mean():.0%}")  # fmt: skip


if __name__ == "__main__":
    main(Path(sys.argv[1]), *map(int, sys.argv[2:]))
