"""The page: made from tables, whole, offline, the same bytes each time."""

import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml

from synthetic_runs import run_stage
from thinsection.params import load_params
from thinsection.report import figures, sentences, views
from thinsection.report.evidence import read_evidence
from thinsection.report.pictures import Pictures
from thinsection.settings import TrainingSettings

STAGES = Path(__file__).parents[1] / "stages"


def test_page_is_one_file_without_addresses(project: Path) -> None:
    page = (project / "reports/report.html").read_text()
    assert len(page) < 10_000_000
    assert "http://" not in page.replace("http://www.w3.org", "")
    assert "https://" not in page
    assert 'src="data:' in page


def test_every_figure_is_there_as_png_and_svg(project: Path) -> None:
    figures = project / "reports/figures"
    names = {path.stem for path in figures.glob("*.png")}
    assert {
        "ranking",
        "depth_sweep",
        "confusion",
        "roc",
        "resnets_loss",
        "gradients",
        "gallery_mistakes",
    } <= names
    assert names == {path.stem for path in figures.glob("*.svg")}
    # by "PNG" and "<svg": whole files, no date in them
    assert all(path.read_bytes()[1:4] == b"PNG" for path in figures.glob("*.png"))
    assert not any(b"<dc:date>" in path.read_bytes() for path in figures.glob("*.svg"))


DRAW_RANKING = """
from pathlib import Path
from typing import Any
from thinsection.params import load_params
from thinsection.report import drawing, figures
from thinsection.report.evidence import read_evidence

evidence = read_evidence(load_params(Path("params.yaml")), Path())
drawing.save(figures.ranking(evidence), Path("again"), "ranking")
"""


def test_a_figure_has_the_same_bytes_again(project: Path) -> None:
    # in a process of its own, as the stage has: what else a process has drawn changes ids in an SVG
    subprocess.run([sys.executable, "-c", DRAW_RANKING], cwd=project, check=True)
    for name in ("ranking.png", "ranking.svg"):
        again = (project / "again" / name).read_bytes()
        assert again == (project / "reports/figures" / name).read_bytes()


def test_first_screen_says_what_the_numbers_say(project: Path) -> None:
    page = (project / "reports/report.html").read_text()
    models = pd.read_csv(project / "metrics/tables/models.csv").sort_values(["ca", "auc"])
    best = models.iloc[-1]
    said = f"accuracy {best['ca']:.2f} ({best['ca_low']:.2f} to {best['ca_high']:.2f})"
    assert said in page
    picked = pd.read_csv(project / "metrics/tables/selection.csv").iloc[0]
    assert (
        f"The best of {len(models)} is partly lucky: on new specimens expect an accuracy of "
        f"{picked['expected']:.2f} ("
    ) in page
    assert "a random split would have shown" in page
    (first,) = re.findall(r'<p class="best">(.)', page)
    assert first.isupper()
    assert "60 photos (augite 15, biotite 15, olivine 15, plagioclase 15) of 20 specimens" in page


@pytest.mark.parametrize(
    ("picked", "said"),
    [
        ("svm", "The best of 3 is partly lucky: on new specimens expect an accuracy of 0.60 ("),
        ("fcnn-2", "A model picked out of 3 is partly lucky: of FCNN-2, the smallest of those as "),
    ],
)
def test_what_is_expected_is_said_of_the_model_that_was_picked(picked: str, said: str) -> None:
    row = {"model": picked, "n_models": 3, "ca": 0.7, "expected": 0.6}
    selection = pd.DataFrame([row | {"expected_low": 0.5, "expected_high": 0.7}])
    evidence: Any = type("Tables", (dict,), {})(selection=selection)
    evidence.ranking = pd.DataFrame({"model": ["svm", "fcnn-2"]})
    evidence.titles = {"svm": "support vector machine", "fcnn-2": "FCNN-2"}
    assert said in sentences.expected(evidence)


def page_of(root: Path) -> str:
    """The page of a project whose files were spoilt before aggregate ran."""
    for name in ("aggregate", "report"):
        run_stage(root, name)
    return (root / "reports/report.html").read_text()


def remove(root: Path, *patterns: str) -> None:
    for pattern in patterns:
        for file in list(root.glob(pattern)):
            file.unlink()


def test_what_is_missing_or_odd_is_said_and_the_page_comes(
    study_folder: Path, not_drawn: None
) -> None:
    root = study_folder
    remove(root, "data/runs/resnet/34/predictions.csv", "data/runs/*/*/history.csv",
           "data/runs/fcnn/*/gradients.csv", "data/leakage/*.csv", "data/learning_curve/*.csv")  # fmt: skip
    rows = pd.DataFrame(
        {"kind": "near copy", "file": "a.jpg", "detail": [f"<b> like b{n}" for n in range(9)]}
    )
    rows.to_csv(root / "data/ingested/warnings.csv", index=False)
    svm = root / "data/runs/baseline/svm/predictions.csv"
    predictions = pd.read_csv(svm)
    predictions["predicted"] = predictions["predicted"].replace("olivine", "augite")
    predictions.to_csv(svm, index=False)
    page = page_of(root)
    assert "near copy (9 times)" in page
    assert "a.jpg: &lt;b&gt; like b0" in page
    assert "… and 1 more in data/ingested/warnings.csv" in page
    assert "ResNet-34 is left out:" in page
    assert "No training history is stored for" in page
    assert "No gradients were recorded" in page
    assert "The stage leakage has not run" in page
    assert "No learning curve was trained" in page
    assert "No heat maps are stored" in page
    assert "Support vector machine never predicts olivine." in page


def test_one_model_on_one_specimen_still_has_a_page(study_folder: Path, not_drawn: None) -> None:
    root = study_folder
    params = yaml.safe_load((root / "params.yaml").read_text())
    params["fcnn"]["hidden_layers"] = [2]
    params["resnet"]["depths"] = [18]
    params["baselines"]["models"] = ["svm"]
    params["petrographic"]["models"] = ["svm"]
    params["transfer"]["models"] = ["linear"]
    params["average"]["of"] = []
    (root / "params.yaml").write_text(yaml.safe_dump(params))
    for run in ("resnet/18", "baseline/svm", "petrographic/svm", "transfer/linear"):
        remove(root, f"data/runs/{run}/predictions.csv")
    photos = root / "data/ingested/photos.csv"
    pd.read_csv(photos, keep_default_na=False).assign(group="only").to_csv(photos, index=False)
    page = page_of(root)
    assert "There is only one model" in page
    assert "A trend needs at least three depths." in page
    assert "(no interval)" in page


def test_model_to_take_away_is_named_where_it_is_not_the_best(project: Path) -> None:
    evidence = read_evidence(load_params(project / "params.yaml"), project)
    first = evidence.ranking["model"].iloc[0]
    models = evidence["models"].assign(n_parameters=lambda m: 9 - 8 * (m["model"] == first))
    evidence = replace(evidence, tables=evidence.tables | {"models": models})
    assert sentences.final_model(evidence) == ""
    final = evidence.params.final.model_copy(update={"select": "svm"})
    named = replace(evidence, params=evidence.params.model_copy(update={"final": final}))
    assert sentences.final_model(named) == (
        "The final model (models/final) is support vector machine: params.yaml selects it."
    )
    small = models.assign(ca_low=0.5, n_parameters=9 - 8 * (models["model"] == "fcnn-2"))
    other = replace(evidence, tables=evidence.tables | {"models": small})
    assert sentences.final_model(other).endswith(
        "is FCNN-2: the lower end of its interval is at most 0.02 below that of the best, and it has "
        "the fewest parameters."
    )


def test_few_repeats_are_said_to_tell_little_of_depth(project: Path) -> None:
    evidence = read_evidence(load_params(project / "params.yaml"), project)
    said = "Each depth was trained only 4 times (1 repeat of 4 folds)"
    assert said in " ".join(sentences.depth(evidence))
    split = evidence.params.split.model_copy(update={"repeats": 10})
    many = replace(evidence, params=evidence.params.model_copy(update={"split": split}))
    assert "little power" not in " ".join(sentences.depth(many))


def test_a_gap_in_any_index_is_leakage(project: Path) -> None:
    evidence = read_evidence(load_params(project / "params.yaml"), project)
    table = evidence["leakage"]
    table[["gap", "gap_low", "gap_high"]] = [0.01, -0.02, 0.04]
    assert "an effect of the split can't be shown here" in sentences.leakage(evidence)
    table.loc[table["index"] == "auc", ["gap", "gap_low", "gap_high"]] = [0.041, 0.011, 0.072]
    said = sentences.leakage(evidence)
    assert said.endswith(
        "The gap is +0.01 (−0.02 to +0.04): its interval contains 0, but a random split does flatter by "
        "+0.04 (+0.01 to +0.07) in AUC. A network may take more from it; evidence.leakage_model: best "
        "measures how much."
    )
    table.loc[table["index"] == "ca", "gap_low"] = 0.005
    assert "that much comes from recognising the specimen" in sentences.leakage(evidence)


def test_runs_of_unlike_machines_are_told(project: Path) -> None:
    evidence = read_evidence(load_params(project / "params.yaml"), project)
    assert sentences.mixed_environments(evidence) == []
    table = evidence["environments"]
    table["processor"] = "Intel"
    # what a run has no need of, it has no version of
    table["torch"] = ["2.13.0"] * (len(table) - 1) + [""]
    assert sentences.mixed_environments(evidence) == []
    table.loc[0, "processor"] = "AMD"
    (said,) = sentences.mixed_environments(evidence)
    assert said.startswith("Not all models were trained with the same processor: AMD (")
    assert "compute.same_environment: require" in said


def test_one_training_knows_nothing_of_its_luck(project: Path) -> None:
    evidence = read_evidence(load_params(project / "params.yaml"), project)
    assert "trained once in each fold" in sentences.luck_of_the_training(evidence)
    split = evidence.params.split.model_copy(update={"repeats": 5})
    many = replace(evidence, params=evidence.params.model_copy(update={"split": split}))
    assert "as far as 5 repeats tell it" in sentences.luck_of_the_training(many)


def test_few_folds_give_no_sure_probability(project: Path) -> None:
    evidence = read_evidence(load_params(project / "params.yaml"), project)
    assert sentences.rough_probabilities(evidence).startswith("From 4 trainings of each model")
    split = evidence.params.split.model_copy(update={"repeats": 3})
    many = replace(evidence, params=evidence.params.model_copy(update={"split": split}))
    assert sentences.rough_probabilities(many) == ""


def test_the_best_of_the_study_is_told_beside_the_best_of_all(project: Path) -> None:
    evidence = read_evidence(load_params(project / "params.yaml"), project)
    models = evidence["models"]
    models["ca"] = np.linspace(0.5, 0.6, len(models))
    of_study = models["family"].isin(["fcnn", "resnet", "baseline"])
    models.loc[models["model"] == "resnet-34", "ca"] = 0.7
    models.loc[models["model"] == "transfer-linear", "ca"] = 0.8
    said = sentences.best_of_study(evidence)
    assert f"Of the {of_study.sum()} classifiers of the replicated study, ResNet-34 is best" in said
    assert f"in place 2 of {len(models)}: accuracy 0.70 (" in said
    models.loc[models["model"] == "transfer-linear", "ca"] = 0.6
    assert sentences.best_of_study(evidence) == ""  # the best of all is


def test_models_no_better_than_one_class_always_are_named(project: Path) -> None:
    evidence = read_evidence(load_params(project / "params.yaml"), project)
    assert evidence.guessing == 0.25
    evidence["models"].loc[:, "ca_low"] = 0.4
    assert sentences.no_better_than_guessing(evidence) == []
    evidence["models"].loc[evidence["models"]["model"] == "svm", "ca_low"] = 0.2
    assert sentences.no_better_than_guessing(evidence) == [
        "Always predicting the commonest class would be right for 0.25 of these photos; support "
        "vector machine is not significantly better."
    ]


def test_balanced_accuracy_is_told_where_classes_are_not_of_one_size(project: Path) -> None:
    even = read_evidence(load_params(project / "params.yaml"), project)
    table = even.dataset.photos.assign(label=["olivine", *even.dataset.photos["label"][1:]])
    uneven = replace(even, dataset=replace(even.dataset, photos=table))
    titles = [[title for title, _ in views.models(each).columns] for each in (even, uneven)]
    assert titles[1] == [*titles[0], "Balanced"]
    row = even.ranking.iloc[0]
    assert f"{row['balanced']:.2f} (" in sentences.best(uneven)
    assert "every class counting alike" in sentences.best(uneven)
    assert "every class counting alike" not in sentences.best(even)
    weighed = TrainingSettings(class_weight="balanced")
    params = even.params.model_copy(update={"training": weighed})
    assert "Every class counts alike" in sentences.features(replace(even, params=params))
    assert "Every class counts alike" not in sentences.features(even)


def test_many_fcnns_are_named_together(project: Path) -> None:
    evidence = read_evidence(load_params(project / "params.yaml"), project)
    models = evidence["models"].assign(ca=0.9, ca_low=0.8)
    shown = replace(evidence, tables=evidence.tables | {"models": models})

    def said(*worse: str) -> str:
        models["ca_low"] = 0.8 - 0.7 * models["model"].isin(worse)
        return sentences.no_better_than_guessing(shown)[0].partition("; ")[2]

    deep = [f"fcnn-{depth}" for depth in range(6, 23, 2)]
    assert said("fcnn-4", "fcnn-2", "svm").startswith("FCNN-2, FCNN-4 and support vector machine")
    assert said(*deep).startswith("9 of 11 FCNNs (all but FCNN-2 and FCNN-4)")
    assert said(*deep[:4]).startswith("4 of 11 FCNNs (with 6, 8, 10, 12 hidden layers)")
    assert said("fcnn-2", "fcnn-4", *deep).startswith("all 11 FCNNs are")


def test_dead_units_are_drawn_where_runs_tell_of_them(project: Path) -> None:
    evidence = read_evidence(load_params(project / "params.yaml"), project)
    assert figures.dead_units(evidence) is None
    told = evidence.tables | {"plots/dead_units": evidence["plots/gradients"]}
    assert figures.dead_units(replace(evidence, tables=told)) is not None


def test_heat_maps_are_laid_over_their_photos(study_template: Path, project: Path) -> None:
    evidence = read_evidence(load_params(project / "params.yaml"), project)
    maps = np.zeros((60, 3, 4), np.uint8)
    maps[0, 1, 2] = 255
    pictures = Pictures(replace(evidence, heatmaps={"resnet-18": maps}))
    first, second = evidence.dataset.table["sample"][:2]
    assert pictures.heat(first, "resnet-18") != pictures.photo(first)
    assert pictures.heat(second, "resnet-18") == pictures.photo(second)  # looked nowhere
    assert pictures.heat(first, "resnet-34") == ""


def test_missing_table_says_what_to_run(
    study_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        run_stage(study_folder, "report")
    assert "models.csv: no such table. Run `dvc repro` to make it." in capsys.readouterr().err
    assert not (study_folder / "reports").exists()


def test_a_network_that_learned_nothing_is_named(project: Path) -> None:
    evidence = read_evidence(load_params(project / "params.yaml"), project)
    assert sentences.not_learned(evidence) == []
    curves = evidence["plots/learning_curves"]
    curves.loc[curves["model"] == "resnet-152", "train_accuracy"] = 0.3
    said = sentences.not_learned(evidence)
    assert len(said) == 1
    assert "this says nothing about depth" not in " ".join(sentences.depth(evidence))
    evidence["depth"].loc[evidence["depth"]["family"] == "resnet", ["low", "high"]] = [-0.2, -0.1]
    assert "ResNet-152 has not learned even the training photos, so this says nothing" in (
        " ".join(sentences.depth(evidence))
    )
    assert said[0].startswith("ResNet-152 has not learned its training photos: it classifies 0.30")
