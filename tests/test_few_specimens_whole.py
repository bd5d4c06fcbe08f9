"""The whole pipeline on what people have: two specimens a class, mixed specimens, and copies."""

import json
import runpy
import shutil
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml
from PIL import Image

from ingesting import save, texture
from thinsection.ingest.join import join
from tiny import TOP, tiny_params

BRIGHTER = {"augite": -40, "biotite": 0, "olivine": 40}
CLASSICAL = ["decision_tree", "svm", "random_forest", "naive_bayes", "adaptive_boosting"]
BEFORE = ["params", "ingest", "split", "augment"]
AFTER = ["best", "leakage", "learning_curve", "aggregate", "final", "report"]


def take(folder: Path, photos: list[tuple[str, str]]) -> Path:
    """Photos of these labels and specimens, in order, listed in a photos.csv."""
    rows = ["file,label,specimen"]
    for number, (label, specimen) in enumerate(photos):
        pixels = np.asarray(texture(number)).astype(int) + BRIGHTER[label]
        save(Image.fromarray(pixels.clip(0, 255).astype(np.uint8)), folder / f"{number:02}.png")
        rows.append(f"{number:02}.png,{label},{specimen}")
    (folder / "photos.csv").write_text("\n".join(rows) + "\n")
    return folder


def run_all(root: Path, **sections: dict[str, Any]) -> pd.DataFrame:
    """Every stage on ``root``/photos, in this process; models.csv by model."""
    params = tiny_params()
    params["dataset"]["path"] = "photos"
    params["fcnn"] |= {"hidden_layers": [2], "width": 8}
    params["resnet"] |= {"height": 16, "width": 24, "batch_size": 8}
    params["embedding"]["views"] = 1
    params["baselines"] |= {"models": CLASSICAL, "random_forest": {"trees": 5}}
    params["baselines"]["adaptive_boosting"]["rounds"] = 3
    params["evidence"]["learning_curve_shares"] = [0.25, 0.5, 0.75]
    for section, entries in sections.items():
        params[section] |= entries
    (root / "params.yaml").write_text(yaml.safe_dump(params))
    shutil.copytree(TOP / "data/paper", root / "data/paper")
    vectors = [f"features {kind}" for kind in ("pixels", "colour_texture", "embedding")]
    fits = ["fit fcnn 2", "fit resnet 18"]
    for family, section in (("baseline", "baselines"), ("petrographic", "petrographic")):
        fits += [f"fit {family} {name}" for name in params[section]["models"]]
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(root)
        for stage in [*BEFORE, *vectors, *fits, *AFTER]:
            patch.setattr(sys, "argv", stage.split())
            runpy.run_path(str(TOP / f"stages/{sys.argv[0]}.py"), run_name="__main__")
    assert (root / "reports/report.html").is_file()
    assert (root / "models/final/model.onnx").is_file()
    models = pd.read_csv(root / "metrics/tables/models.csv").set_index("model")
    assert len(models) == len(fits)
    return models


def shares_of(root: Path) -> dict[str, list[float]]:
    rows = pd.read_csv(root / "metrics/tables/training_shares.csv")
    return {str(model): part["share"].tolist() for model, part in rows.groupby("model")}


def test_two_specimens_of_each_class_one_of_a_single_photo(tmp_path: Path) -> None:
    photos = [("augite", "a0"), ("biotite", "b0"), ("augite", "a1"), ("biotite", "b1")]
    take(tmp_path / "photos", [*photos, ("augite", "a0"), ("augite", "a1")])
    fcnn = {"early_stopping_share": 0.5}
    models = run_all(tmp_path, fcnn=fcnn, final={"select": "svm"})
    # one specimen of each class trains: it can't be set aside, nor be learned from in part
    told = {
        name: json.loads((tmp_path / f"data/runs/{name}/model.json").read_text())
        for name in ("baseline/svm", "fcnn/2")
    }
    assert "specimens learned from" in told["baseline/svm"]["calibrated_on"]
    assert "no specimen of a fold could be set aside" in told["fcnn/2"]["ended_by"]
    assert shares_of(tmp_path) == {}
    assert models.loc["svm", "n_photos"] == 6


def test_specimens_of_several_minerals_one_of_which_is_never_the_commonest(
    tmp_path: Path, not_drawn: None
) -> None:
    each = [("augite", 2), ("biotite", 1), ("olivine", 1)]
    photos = [(label, f"s{n}") for n in range(5) for label, k in each for _ in range(k)]
    # olivine in three of five: one or two of them train
    take(
        tmp_path / "photos", [p for p in photos if p not in (("olivine", "s0"), ("olivine", "s4"))]
    )
    models = run_all(tmp_path, fcnn={"early_stopping_share": 0.25},
                     training={"class_weight": "balanced"})  # fmt: skip
    assert models["balanced"].notna().all()
    curves = shares_of(tmp_path)
    assert "fcnn-2" in curves
    assert all(shares[-1] == 1 and len(shares) > 1 for shares in curves.values())
    shown = pd.read_csv(tmp_path / "metrics/tables/per_class.csv")
    assert set(shown["label"]) == {"augite", "biotite", "olivine"}


def test_copies_of_photos_with_corrections_joined(tmp_path: Path, not_drawn: None) -> None:
    labels = [("augite", "a"), ("olivine", "o")]
    photos = [(label, f"{short}{n}") for label, short in labels for n in range(3) for _ in range(2)]
    first = take(tmp_path / "first", photos)
    # a copy of photo 0 in another specimen ties the two together; both are named otherwise later
    shutil.copy(first / "00.png", first / "copy.png")
    with (first / "photos.csv").open("a") as table:
        table.write("copy.png,augite,a1\n")
    later = tmp_path / "later"
    save(Image.open(first / "00.png"), later / "biotite.png")
    shutil.copy(first / "00.png", later / "biotite.png")
    (later / "photos.csv").write_text("file,label\nbiotite.png,olivine\n")
    join([first, later], tmp_path / "photos")
    run_all(tmp_path, baselines={"models": ["decision_tree"]}, petrographic={"models": ["svm"]})
    kept = pd.read_csv(tmp_path / "data/ingested/photos.csv").set_index("photo_id")
    rejected = pd.read_csv(tmp_path / "data/ingested/rejected.csv")
    assert rejected["reason"].tolist() == ["copy: the same pixels as first/00.png"]
    assert len(kept) == 12
    assert kept.loc["first/00.png", "label"] == "olivine"
    # the rest of a0, and a1 by the copy
    tied = kept[kept["group"] == kept.loc["first/00.png", "group"]]
    assert sorted(tied["specimen"]) == ["a0", "a0", "a1", "a1"]
