"""The ranking as a table for a paper: LaTeX, Markdown or CSV, with a caption that says what it is."""

from typing import Any, Literal, get_args

import pandas as pd

from thinsection import __version__
from thinsection.evidence.metrics import METRIC_TITLES
from thinsection.params import Params

Form = Literal["latex", "markdown", "csv"]
FORMS: tuple[str, ...] = get_args(Form)
WITH_INTERVAL = ("ca", "auc")  # the others would make the table too wide for a page
DASH = {"latex": "--", "markdown": "–", "csv": "–"}


def table_for_paper(
    models: pd.DataFrame, ingested: dict[str, Any], params: Params, form: Form
) -> str:
    """
    The ranking, best first, with a caption; CSV has no caption and every interval in columns.

    Parameters
    ----------
    models : metrics/tables/models.csv
    ingested : metrics/ingest.json, of which the numbers of specimens and classes are told
    """
    titles = {run.model: run.title for run in params.runs}
    ranked = models.sort_values(["ca", "auc"], ascending=False, kind="stable")
    named = [titles.get(model, model) for model in ranked["model"]]
    indexes = _indexes(ranked)
    if form == "csv":
        ends = [f"{index}{end}" for index in indexes for end in ("", "_low", "_high")]
        return _with_names(ranked[ends].round(4), named).to_csv(index=False, lineterminator="\n")
    shown = pd.DataFrame({METRIC_TITLES[i]: _cells(ranked, i, form) for i in indexes})
    shown = _with_names(shown, named)
    words = caption(models, ingested, params)
    if form == "latex":
        return _as_latex(shown, words)
    return _as_markdown(shown, words)


def caption(models: pd.DataFrame, ingested: dict[str, Any], params: Params) -> str:
    """What the table shows, of how much, and what its intervals are."""
    split, n = params.split, int(models["n_photos"].iloc[0])
    unit = "samples" if ingested.get("samples") else "photos"
    of = ""
    if ingested:
        of = f" of {ingested['groups']} specimens in {len(ingested['classes'])} classes"
    kept = ", each specimen within one fold" if split.scheme == "grouped" else " by photo"
    repeated = "" if split.repeats == 1 else f", repeated {split.repeats} times"
    return (
        f"{len(models)} classifiers on {n} {unit}{of}, named by models that had not seen them: "
        f"{split.folds}-fold cross-validation{kept}{repeated}. In brackets, intervals of "
        f"{params.evidence.confidence:.0%} over specimens. CA: share of {unit} named rightly; AUC, F1 and "
        f"precision are weighted by the size of the classes. Made with thinsection {__version__}."
    )


def _indexes(models: pd.DataFrame) -> list[str]:
    """CA first; balanced accuracy differs from it, and from recall, only if class sizes differ."""
    uneven = (models["balanced"] - models["ca"]).abs().max() > 1e-6
    others = [index for index in METRIC_TITLES if index not in ("ca", "recall", "balanced")]
    return ["ca", *(["balanced"] if uneven else []), *others]


def _cells(models: pd.DataFrame, index: str, form: Form) -> list[str]:
    if index not in WITH_INTERVAL:
        return [f"{value:.3f}" for value in models[index]]
    triples = models[[index, f"{index}_low", f"{index}_high"]].itertuples(index=False)
    return [f"{value:.3f} ({low:.3f}{DASH[form]}{high:.3f})" for value, low, high in triples]


def _with_names(frame: pd.DataFrame, named: list[str]) -> pd.DataFrame:
    frame = frame.reset_index(drop=True)
    frame.insert(0, "Classifier", named)
    return frame


def _as_latex(frame: pd.DataFrame, words: str) -> str:
    """A floating table in the style of the package booktabs."""
    styled = frame.style.format(escape="latex").format_index(escape="latex", axis=1)
    text: str = styled.hide(axis="index").to_latex(
        hrules=True,
        column_format="l" + "r" * (frame.shape[1] - 1),
        position_float="centering",
        caption=words.replace("%", r"\%"),
        label="tab:classifiers",
    )
    return f"% \\usepackage{{booktabs}}\n{text}"


def _as_markdown(frame: pd.DataFrame, words: str) -> str:
    def line(cells: list[str]) -> str:
        return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"

    head = [line(list(frame.columns)), line(["---", *["---:"] * (frame.shape[1] - 1)])]
    rows = [line(list(row)) for row in frame.itertuples(index=False)]
    return "\n".join([*head, *rows, "", words, ""])
