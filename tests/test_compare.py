"""Two versions of the comparison: differences worked out by hand, and versions of a repository."""

import subprocess
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from thinsection.base.errors import InputError
from thinsection.compare import WORKSPACE, Version, compare, in_words, read_version
from thinsection.params import load_params
from tiny import TOP

SETTINGS = load_params(TOP / "params.yaml").evidence
SAMPLES = [f"s{n:02d}" for n in range(20)]


def version(name: str, n_right: dict[str, int], samples: list[str] = SAMPLES) -> Version:
    """Each sample a specimen of its own; classifiers that name the first ``n_right`` rightly."""
    table = pd.DataFrame({"label": "augite", "group": samples}, index=samples)
    right = {
        model: pd.DataFrame({0: (np.arange(len(samples)) < n).astype(float)}, index=samples)
        for model, n in n_right.items()
    }
    return Version(name, right, table)


def test_a_change_is_judged_over_specimens() -> None:
    old = version("old", {"svm": 8, "fcnn-2": 10, "fcnn-4": 5})
    new = version("new", {"svm": 16, "fcnn-2": 11, "fcnn-4": 5})
    found = compare(old, new, SETTINGS, 1).set_index("model")
    assert found.loc["svm", "difference"] == pytest.approx(0.4)
    # eight specimens gained and none lost: 2 of 2**8 sign flips are as far from 0
    assert found.loc["svm", "p_value"] == pytest.approx(2 / 2**8)
    assert found.loc["fcnn-2", "p_value"] == 1
    # Holm: of two that were tested, not three
    assert found.loc["svm", "p_holm"] == pytest.approx(4 / 2**8)
    assert found["p_holm"].isna().tolist() == [False, False, True]
    # the standard error of a share of 0.4 over 20 specimens is 0.1095 (0.1124 with 19), t 2.093
    assert found.loc["svm", "high"] == pytest.approx(0.4 + 2.093 * 0.1124, abs=0.01)
    said = " ".join(in_words(found.reset_index(), old, new, 0.95))
    assert "new names significantly more samples with svm." in said
    assert "1 of 3 classifiers are right about the same samples in both: fcnn-4." in said
    backwards = " ".join(in_words(compare(new, old, SETTINGS, 1), new, old, 0.95))
    assert "old names significantly fewer samples with svm." in backwards


def test_repeats_put_the_luck_of_the_training_into_a_change() -> None:
    def repeated(name: str, *n_right: int) -> Version:
        each = [version(name, {"svm": n}).right["svm"][0] for n in n_right]
        one = version(name, {"svm": 0})
        return Version(name, {"svm": pd.concat(each, axis=1, keys=range(len(each)))}, one.samples)

    steady = compare(repeated("old", 8, 8), repeated("new", 14, 14), SETTINGS, 1).iloc[0]
    unsteady = compare(repeated("old", 8, 8), repeated("new", 10, 18), SETTINGS, 1).iloc[0]
    assert steady["difference"] == unsteady["difference"] == pytest.approx(0.3)
    assert unsteady["p_value"] > 0.05 > steady["p_value"]
    assert unsteady["high"] > steady["high"]
    # one repeat of the other version: nothing is known of its luck, and the exact test remains
    once = compare(repeated("old", 8), repeated("new", 14, 14), SETTINGS, 1).iloc[0]
    assert once["p_value"] == pytest.approx(2 / 2**6)


def test_only_samples_that_both_have_are_compared() -> None:
    old = version("old", {"svm": 8, "naive_bayes": 3})
    new = version("new", {"svm": 8, "fcnn-2": 3}, SAMPLES[:10])
    new.samples.loc["s00", "label"] = "biotite"  # labelled otherwise since
    found = compare(old, new, SETTINGS, 1)
    assert found["n_samples"].tolist() == [9]
    said = " ".join(in_words(found, old, new, 0.95))
    assert "9 samples are compared, of 20 in old and 10 in new." in said
    assert "Not compared: naive_bayes only in old; fcnn-2 only in new." in said
    with pytest.raises(
        InputError, match="old and new have no sample with the same label in common"
    ):
        compare(old, version("new", {"svm": 1}, ["other"]), SETTINGS, 1)
    with pytest.raises(InputError, match="no classifier in common"):
        compare(old, version("new", {"fcnn-2": 1}), SETTINGS, 1)


def run(folder: Path, *command: str) -> None:
    subprocess.run(command, cwd=folder, check=True, capture_output=True)


def write_predictions(folder: Path, predicted: list[str]) -> None:
    path = folder / "data/runs/baseline/svm/predictions.csv"
    path.parent.mkdir(parents=True, exist_ok=True)
    rows = pd.DataFrame({"sample": ["a", "b", "a", "b"], "repeat": [0, 0, 1, 1],
                         "fold": [0, 1, 0, 1], "label": "augite"})  # fmt: skip
    rows.assign(predicted=predicted).to_csv(path, index=False)


def test_versions_come_from_git_and_the_cache(tmp_path: Path) -> None:
    photos = pd.DataFrame(
        {"photo_id": ["a", "b"], "sample": ["a", "b"], "label": "augite", "specimen": ["A", "B"],
         "grain": "", "light": "", "group": ["A", "B"]}
    )  # fmt: skip
    for command in (
        ["git", "init", "-q"],
        ["git", "config", "user.email", "a@b"],
        ["git", "config", "user.name", "a"],
        ["dvc", "init", "-q"],
    ):
        run(tmp_path, *command)
    (tmp_path / "data/ingested").mkdir(parents=True)
    photos.to_csv(tmp_path / "data/ingested/photos.csv", index=False)
    write_predictions(tmp_path, ["augite", "biotite", "augite", "augite"])
    run(tmp_path, "dvc", "add", "-q", "data/runs")
    run(tmp_path, "git", "add", "-A")
    run(tmp_path, "git", "commit", "-qm", "first")
    write_predictions(tmp_path, ["augite"] * 4)

    first, workspace = read_version("HEAD", tmp_path), read_version(WORKSPACE, tmp_path)
    assert first.right["svm"].mean(axis=1).to_dict() == {"a": 1, "b": 0.5}
    assert workspace.right["svm"].mean(axis=1).to_dict() == {"a": 1, "b": 1}
    assert compare(first, workspace, SETTINGS, 1)["difference"].tolist() == [0.25]
    with pytest.raises(InputError, match="HEAD~9: git knows no such version here"):
        read_version("HEAD~9", tmp_path)
    for each in (tmp_path / ".dvc/cache").rglob("*"):  # another machine, without the remote
        if each.is_file():
            each.chmod(0o644)
            each.unlink()
    with pytest.raises(InputError, match="HEAD: its predictions can't be read"):
        read_version("HEAD", tmp_path)
