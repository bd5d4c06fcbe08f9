"""
What classifiers that learned from rendered photos make of real ones: quartz against feldspar.

    python benchmarks/rendered_to_real.py REAL [specimens of each rendered mineral, 30 by default]

REAL is a folder with photos of quartz and feldspar in folders of these names, such as sandstone-grains
(docs/sandstone.md). Three ways to render are compared: fine grains as in the demo photos, grains up to one that
fills the photo, and the same with all flaws. Two classifiers are trained on the photos of each: a logistic
regression on the embedding of the pretrained network, and a random forest on colour and texture. The
balanced accuracy is 0.5, and the area under the curve too, for guessing.
"""

import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import balanced_accuracy_score, roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from thinsection.dataset.colour_texture import colour_texture
from thinsection.decode.photo import decode_photo, fit_to_size
from thinsection.learning.examples.embedding import embed
from thinsection.params import load_params
from thinsection.render.dataset import write_dataset
from thinsection.render.flaws import FLAWS

SIDE = 224
SEED = 31
FELDSPARS = ("k-feldspar", "plagioclase")
WAYS = {
    "fine grains": {"flaws": [], "grain_radius_um": [30.0, 80.0], "share": [0.62, 0.98]},
    "up to one grain": {"flaws": [], "grain_radius_um": [60.0, 700.0], "share": [0.5, 1.0]},
    "and flaws": {"flaws": list(FLAWS), "grain_radius_um": [60.0, 700.0], "share": [0.5, 1.0]},
}


def read(files: list[Path]) -> dict[str, np.ndarray]:
    """Vectors of photos, by kind."""
    own = load_params()
    decoded = [decode_photo(file, (SIDE, SIDE), own.ingest.max_megapixels) for file in files]
    photos = np.stack([np.asarray(fit_to_size(p.image, SIDE, SIDE, "crop")) for p in decoded])
    embedding = own.embedding.model_copy(update={"height": SIDE, "width": SIDE, "views": 1})
    return {
        "embedding": embed(photos, embedding),
        "colour and texture": np.stack([colour_texture(photo) for photo in photos]),
    }


def classifier(kind: str) -> object:
    if kind == "embedding":
        return make_pipeline(StandardScaler(), LogisticRegression(C=0.01, max_iter=2000))
    return RandomForestClassifier(400, min_samples_leaf=2, random_state=SEED, n_jobs=2)


def rendered(
    way: dict[str, object], n_specimens: int, folder: Path
) -> tuple[list[Path], np.ndarray]:
    """Files of rendered photos, and whether each shows quartz."""
    minerals = ["quartz", *FELDSPARS]
    shape = {"width": SIDE, "height": SIDE, "lights": "together", "alteration": 0.8}
    counts = {"minerals": minerals, "specimens": n_specimens, "fields": 1}
    settings = load_params().render.model_copy(update=counts | shape | way)
    write_dataset(folder, SEED, settings)
    files = [file for mineral in minerals for file in sorted((folder / mineral).iterdir())]
    return files, np.array([file.parent.name == "quartz" for file in files])


def main(real: Path, n_specimens: int = 30) -> None:
    files = [f for name in ("quartz", "feldspar") for f in sorted((real / name).iterdir())]
    is_quartz, tested = np.array([file.parent.name == "quartz" for file in files]), read(files)
    print(f"{len(files)} real photos, {is_quartz.mean():.0%} of them quartz")
    for name, way in WAYS.items():
        with TemporaryDirectory() as folder:
            made, labels = rendered(way, n_specimens, Path(folder) / "made")
            learned = read(made)
        for kind, vectors in learned.items():
            # as many of quartz as of feldspar count
            weights = np.where(labels, 1 / labels.mean(), 1 / (1 - labels.mean()))
            fitted = classifier(kind)
            step = "logisticregression__" if kind == "embedding" else ""
            fitted.fit(vectors, labels, **{f"{step}sample_weight": weights})
            chances = fitted.predict_proba(tested[kind])[:, 1]
            print(f"{name} ({len(labels)} photos), {kind}: balanced accuracy "
                  f"{balanced_accuracy_score(is_quartz, chances > 0.5):.3f}, area under the curve "
                  f"{roc_auc_score(is_quartz, chances):.3f}")  # fmt: skip


if __name__ == "__main__":
    path, *numbers = sys.argv[1:]
    main(Path(path), *map(int, numbers))
