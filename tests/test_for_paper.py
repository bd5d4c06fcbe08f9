"""The ranking as a table for a paper."""

from io import StringIO
from typing import Any

import pandas as pd
import pytest

from thinsection.evidence.metrics import METRIC_TITLES
from thinsection.params import Params
from thinsection.report.for_paper import table_for_paper

INGESTED = {"groups": 12, "classes": {"basalt": 30, "chalk": 30}, "samples": {"total": 60}}


def ranking(**changes: Any) -> pd.DataFrame:
    """Two models: a tree with a CA of 0.5 (0.4 to 0.6), and naive Bayes with 0.8125 (0.7 to 0.9)."""
    figures: dict[str, Any] = {}
    for index in METRIC_TITLES:
        figures |= {index: [0.5, 0.8125], f"{index}_low": [0.4, 0.7], f"{index}_high": [0.6, 0.9]}
    named = {"model": ["decision_tree", "naive_bayes"], "n_photos": [60, 60]}
    return pd.DataFrame(named | figures | changes)


def test_latex_is_best_first_with_intervals_and_a_caption(tiny: Params) -> None:
    text = table_for_paper(ranking(), INGESTED, tiny, "latex")
    bayes, tree = [line for line in text.splitlines() if line.endswith("\\\\") and "0." in line]
    assert bayes.startswith("naive Bayes & 0.812 (0.700--0.900) & 0.812 (0.700--0.900) & 0.812 &")
    assert tree.startswith("decision tree & 0.500 (0.400--0.600)")
    assert "\\toprule" in text
    assert "2 classifiers on 60 samples of 12 specimens in 2 classes" in text
    assert "2-fold cross-validation, each specimen within one fold. In brackets" in text
    assert "intervals of 95\\% over specimens" in text


@pytest.mark.parametrize(
    ("form", "as_written"), [("latex", r"a\_b \& c|d \%"), ("markdown", r"a_b & c\|d %")]
)
def test_a_name_with_signs_of_the_language_stays_a_name(
    form: Any, as_written: str, tiny: Params
) -> None:
    models = ranking(model=["decision_tree", "a_b & c|d %"])
    assert as_written in table_for_paper(models, INGESTED, tiny, form)


def test_csv_reads_back_with_every_interval(tiny: Params) -> None:
    read = pd.read_csv(StringIO(table_for_paper(ranking(), {}, tiny, "csv")))
    assert list(read["Classifier"]) == ["naive Bayes", "decision tree"]
    assert list(read["ca_high"]) == [0.9, 0.6]
    assert "balanced" not in read.columns  # equal to CA where classes are of one size


def test_balanced_accuracy_is_there_where_it_differs(tiny: Params) -> None:
    text = table_for_paper(ranking(balanced=[0.4, 0.8]), {}, tiny, "markdown")
    assert text.startswith("| Classifier | CA | Balanced | AUC |")
    assert "2 classifiers on 60 photos, named by models" in text  # nothing is known of specimens
