"""
What a classifier that learned from photos makes of points, beside one that learned from windows about points.

    python benchmarks/windows_or_photos.py [specimens of each mineral or rock, 12 by default]

Both are random forests on colour and texture in both lights, of as many samples. The photos show their mineral on 60
to 100 % of the area; the windows are labelled by their centre. Both name points of sections of other seeds.
"""

import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd
from PIL import Image
from sklearn.ensemble import RandomForestClassifier

from modes import GRAINS_UM, ROCKS
from thinsection.dataset.colour_texture import colour_texture
from thinsection.params import load_params
from thinsection.render.dataset import write_dataset
from thinsection.render.rocks import ROCKS as RECIPES
from thinsection.render.texture import HOLE_NAME
from thinsection.render.windows import WindowPlan, write_windows

SIDE_UM, FIELDS = 100.0, 3


def vectors(folder: Path) -> tuple[np.ndarray, np.ndarray]:
    """Colour and texture of each sample, one light after the other, and its label."""
    table = pd.read_csv(folder / "photos.csv").sort_values(["sample", "light"])
    each = [colour_texture(np.asarray(Image.open(folder / file))) for file in table["file"]]
    return np.stack(each).reshape(len(each) // 2, -1), table["label"].to_numpy(str)[::2]


def main() -> None:
    n = int(sys.argv[1]) if len(sys.argv) > 1 else 12
    minerals = sorted({name for rock in ROCKS for name in RECIPES[rock].minerals})
    own = load_params().render.model_copy(update={"grain_radius_um": GRAINS_UM, "fields": FIELDS})
    with TemporaryDirectory() as place:
        root = Path(place)
        photos = own.model_copy(update={"minerals": minerals, "specimens": n})
        write_dataset(root / "photos", 100, photos)
        wide = own.model_copy(update={"width": 550, "height": 366})
        plan = WindowPlan(ROCKS, 2, SIDE_UM)
        write_windows(root / "windows", 100, wide.model_copy(update={"specimens": n}), plan)
        write_windows(root / "points", 9000, wide.model_copy(update={"specimens": 6}), plan)
        points, true = vectors(root / "points")
        is_mineral = true != HOLE_NAME
        rng = np.random.default_rng(0)
        found = {name: vectors(root / name) for name in ("photos", "windows")}
    size = min(len(labels) for _, labels in found.values())
    for name, (x, labels) in found.items():
        kept = rng.permutation(len(labels))[:size]
        forest = RandomForestClassifier(300, min_samples_leaf=2, random_state=0, n_jobs=2)
        said = forest.fit(x[kept], labels[kept]).predict(points)
        right = [
            np.mean(said[true == label] == label) for label in minerals if (true == label).any()
        ]
        print(
            f"trained on {size} samples of {name}: right about {np.mean((said == true)[is_mineral]):.3f} of the points "
            f"on minerals, {np.mean(right):.3f} as a mean over minerals"
        )


if __name__ == "__main__":
    main()
