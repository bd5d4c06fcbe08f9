"""A family more: one file, one entry, one section and one stage are all that it takes."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
import yaml

from synthetic_runs import synthetic_params, write_study
from thinsection.base.tables import VARIANTS, write_table
from tiny import TOP

MODULE = '''
"""Logistic regression."""

from typing import ClassVar

from thinsection.dataset.folds import Fold
from thinsection.learning.examples.examples import Examples, as_vectors
from thinsection.families.family import Family, vectors_in_words
from thinsection.learning.checkpoints import NOT_KEPT, Checkpoint
from thinsection.learning.contract import Classifier, FitSettings, FoldResult
from thinsection.settings import VectorSettings


class LogisticSettings(VectorSettings):
    """Logistic regression of one strength or more."""

    RUN_LIST: ClassVar[str] = "c"
    c: list[int]


FAMILY = Family(
    title="linear",
    plural="logistic regressions",
    short_plural="logistic regressions",
    section="logistic",
    settings=LogisticSettings,
    module=__name__,
    run_title=lambda name: f"logistic regression (C = {name})",
    run_prefix="logistic-",
    colours=lambda names: ["#56b4e9"] * len(names),
    colour="#56b4e9",
    mark=("v", "triangles"),
    learns_from=vectors_in_words,
    exported_as="scikit-learn",
    keeps_state=False,
)


def fit_folds(name, examples, folds, settings, checkpoint=NOT_KEPT):
    """Fit it on every fold."""
    from sklearn.linear_model import LogisticRegression

    own, vectors = settings.own, as_vectors(examples)
    for fold in folds:
        rows = vectors.train_rows(fold)
        model = LogisticRegression(C=float(name), max_iter=200)
        model.fit(vectors.x[rows], vectors.labels[rows])
        probabilities = model.predict_proba(vectors.x[vectors.held_out_rows(fold)])
        classifier = Classifier(model, own.features, n_features=vectors.x.shape[1])
        yield FoldResult(fold, probabilities, model.coef_.size, classifier=classifier)
'''
ENTRY = '    "logistic": logistic.FAMILY,\n'
SECTION = {"c": [1], "features": "pixels"}
STAGE = """
  logistic:
    matrix:
      c: ${logistic.c}
    cmd: python stages/fit.py logistic ${item.c}
    deps:
      - data/features/${logistic.features}
      - data/folds.csv
      - data/ingested
      - stages/fit.py
      - src/thinsection/base
      - src/thinsection/dataset
      - src/thinsection/families/logistic.py
      - src/thinsection/learning
    params:
      - seed
      - training
      - logistic.features
    outs:
      - data/runs/logistic/${item.c}

  best:
"""


# in one process, for each would load the same libraries
RUN_STAGES = """
import runpy, sys
for stage in ("params", "features pixels", "fit logistic 1", "best", "aggregate", "final", "report"):
    sys.argv = stage.split()
    runpy.run_path(f"stages/{sys.argv[0]}.py", run_name="__main__")
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the project with the family added, and runs of all others on 60 photos."""
    root = tmp_path_factory.mktemp("family") / "project"
    ignored = shutil.ignore_patterns("__pycache__", "cache", "tmp")
    for folder in ("src", "stages", "tests", "data/paper", ".dvc"):
        shutil.copytree(TOP / folder, root / folder, ignore=ignored)
    (root / "src/thinsection/families/logistic.py").write_text(MODULE)
    index = root / "src/thinsection/families/__init__.py"
    text = index.read_text()
    text = text.replace(
        "import average, baselines, fcnn, petrographic",
        "import average, baselines, fcnn, logistic, petrographic",
    )
    index.write_text(text.replace("\n}\n", f"\n{ENTRY}}}\n"))
    pipeline = (TOP / "dvc.yaml").read_text()
    (root / "dvc.yaml").write_text(pipeline.replace("\n  best:\n", STAGE))
    write_study(root, synthetic_params())
    photos = pd.read_csv(root / "data/ingested/photos.csv")
    (root / "data/augmented").mkdir()
    shutil.copy(root / "data/ingested/pixels.npy", root / "data/augmented/pixels.npy")
    variants = {"variant_id": photos["photo_id"] + "#0", "photo_id": photos["photo_id"]}
    write_table(pd.DataFrame(variants), root / "data/augmented/variants.csv", VARIANTS)
    raw = synthetic_params().model_dump(mode="json") | {"logistic": SECTION}
    raw["final"] |= {"select": "logistic-1"}
    raw["embedding"] |= {"height": 32, "width": 48, "views": 1}
    (root / "params.yaml").write_text(yaml.safe_dump(raw))
    return root


def run(project: Path, *command: str) -> str:
    own = {"PYTHONPATH": str(project / "src"), "DVC_NO_ANALYTICS": "1", "OMP_NUM_THREADS": "1"}
    site = {"DVC_SITE_CACHE_DIR": str(project.parent / "site")}
    ran = subprocess.run(
        [sys.executable, *command],
        cwd=project,
        env=os.environ | own | site,
        capture_output=True,
        text=True,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout


def test_a_family_of_one_file_one_entry_and_one_stage_goes_all_the_way(project: Path) -> None:
    assert "logistic regression (C = 1)" in run(
        project, "-c", "from thinsection.cli import main; main()", "params"
    )
    run(project, "-c", RUN_STAGES)
    models = pd.read_csv(project / "metrics/tables/models.csv").set_index("model")
    assert len(models) == 25
    assert models.loc["logistic-1", "family"] == "logistic"
    report = (project / "reports/report.html").read_text()
    assert "triangles: logistic regressions" in report
    assert "the logistic regressions from reduced pixels" in report
    assert '"name": "logistic-1"' in (project / "models/final/model.json").read_text()


def test_the_new_family_meets_what_is_asked_of_the_pipeline(project: Path) -> None:
    subprocess.run(["git", "init", "--quiet"], cwd=project, check=True)
    listed = run(project, "-m", "dvc", "stage", "list", "--name-only").split()
    assert "logistic@1" in listed
    # every check of dvc.yaml against the code, in the project that has the family
    run(project, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/test_dvc_yaml.py")
