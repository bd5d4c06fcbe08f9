"""What depth does, whether gradients vanish, and which networks have not learned."""

from collections.abc import Hashable
from typing import Any

import pandas as pd

from thinsection.evidence.paper import PAPER_SWEEP
from thinsection.families import FAMILIES
from thinsection.report.evidence import Evidence
from thinsection.report.sentences.ranking import SIGNIFICANT
from thinsection.report.wording import (
    counted,
    in_words,
    signed,
    signed_interval,
)

FADED = 0.1  # of the last layer's gradient: below this in the first layer, the gradient has faded
ENOUGH_REPEATS = 5  # of the cross-validation: from this many on, a test of depth has some power
FIRST_WEIGHTS = {
    "he": "first weights after He et al. (2015)",
    "glorot": "first weights after Glorot and Bengio (2010)",
    "orthogonal": "orthogonal first weights",
    "default": "PyTorch's own first weights",
}
LEARNED = 0.1  # above guessing: the least training accuracy of a network that has learned something


def depth(evidence: Evidence) -> list[str]:
    """Whether accuracy falls with depth, one sentence per family; power; what has not learned."""
    rows = evidence["depth"].query("index == 'ca'").to_dict("records")
    found = [_trend(evidence, row) for row in rows]
    split = evidence.params.split
    if found and split.repeats < ENOUGH_REPEATS:
        found.append(
            f"Each depth was trained only {split.folds * split.repeats} times "
            f"({counted(split.repeats, 'repeat')} of {split.folds} folds): these tests have "
            "little power, and finding no difference does not mean that there is none."
        )
    return found + paper_trend(evidence) + not_learned(evidence)


def paper_trend(evidence: Evidence) -> list[str]:
    """The trend with depth in the paper's own table, and what would decide it."""
    rows = evidence["paper_trend"].set_index("index")
    ca, f1 = rows.loc["ca"], rows.loc["f1"]
    if pd.isna(ca["slope"]):
        return []
    inside = ca["low"] <= ca["slope_paper"] <= ca["high"]
    return [
        f"In the paper's own Table 2, one training of each depth, accuracy changes by "
        f"{signed(ca['slope_paper'], 3)} for each 10 hidden layers (standard error {ca['error_paper']:.3f}, "
        f"p = {ca['p_paper']:.2f}) and F1 by {signed(f1['slope_paper'], 3)} (p = {f1['p_paper']:.2f}). "
        f"That of accuracy lies {'inside' if inside else 'outside'} our interval. To find it with a "
        f"power of 80 %, each depth trained as often as here, takes about {ca['n_specimens']:.0f} "
        f"specimens; here there are {evidence.dataset.table['group'].nunique()}. More specimens help; "
        "more repeats of the same ones (split.repeats) only average out the luck of the training."
    ]


def _trend(evidence: Evidence, row: dict[Hashable, Any]) -> str:
    name = FAMILIES[row["family"]].plural
    slope = signed_interval(row["slope"], row["low"], row["high"], 3)
    measured = (
        f"{slope} of accuracy for each {row['unit']}, interval over specimens; p = "
        f"{row['p_corrected_t']:.2f} over folds (corrected t), p = {row['p_page_falls']:.2f} "
        "that it falls from depth to depth (Page)"
    )
    way = "falls" if row["slope"] < 0 else "rises"
    untaught = [
        evidence.titles[str(end["model"])]
        for end in _untaught(evidence)
        if evidence.runs[str(end["model"])].family == row["family"]
    ]
    if not (row["high"] < 0 or row["low"] > 0):
        hidden = min(row["low"], 0.0)  # NaN stays NaN: nothing is known then
        still = (
            f" The interval still allows a fall of {-hidden:.3f} for each {row['unit']}."
            if hidden < 0
            else ""
        )
        return f"No difference with the depth of the {name} can be seen: {measured}.{still}"
    if untaught:
        has = "has" if len(untaught) == 1 else "have"
        return (
            f"Accuracy of the {name} {way} with depth, but {in_words(untaught)} {has} not learned "
            f"even the training photos, so this says nothing about depth: {measured}."
        )
    if row["p_corrected_t"] < SIGNIFICANT:
        return f"Accuracy of the {name} {way} with depth: {measured}."
    return (
        f"Accuracy of the {name} {way} with depth on these specimens, but not by more than other "
        f"folds could change: {measured}."
    )


def vanishing(evidence: Evidence) -> str:
    """How much of the signal reaches the first layer, in the shallowest and deepest FCNN."""
    rows = evidence["vanishing"]
    if rows.empty:
        return "No gradients were recorded, so it is unknown whether they vanish."
    ends = [rows.iloc[0], rows.iloc[-1]]
    said = [
        f"{_times(row['signal_first_epoch'])} times as strong in "
        f"{FAMILIES[PAPER_SWEEP].run_title(str(int(row['hidden_layers'])))}"
        for row in (ends if len(rows) > 1 else ends[:1])
    ]
    left = ends[-1]["signal_first_epoch"]
    verdict = "it fades on the way" if left < FADED else "it does not vanish here"
    fcnn = evidence.params.fcnn
    weights = FIRST_WEIGHTS[fcnn.initialisation]
    normal = {"batch": " and batch normalisation", "layer": " and layer normalisation"}
    return (
        "At the start of training the signal that comes back to the first hidden layer is, relative to "
        f"that in the last one, {' and '.join(said)}: with {weights}"
        f"{normal.get(fcnn.normalisation, '')}{' and shortcuts' * fcnn.shortcuts}, {verdict}."
    )


def not_learned(evidence: Evidence) -> list[str]:
    """
    Networks that have not learned even their training photos, one sentence each.

    Their rank reflects how they were trained, not their architecture.
    """
    guessing = evidence.guessing
    return [
        f"{evidence.titles[str(row['model'])]} has not learned its training photos: it classifies "
        f"{row['train_accuracy']:.2f} of them correctly after {row['epoch']} epochs; always "
        f"predicting the commonest class would reach {guessing:.2f}. Its rank says nothing about its depth; "
        "give it more epochs or another learning rate."
        for row in _untaught(evidence)
    ]


def _untaught(evidence: Evidence) -> list[dict[Hashable, Any]]:
    """The last epoch of the networks that name their own training photos hardly above guessing."""
    curves = evidence["plots/learning_curves"].sort_values("epoch").groupby("model", sort=False)
    last = curves.tail(1)
    return last[last["train_accuracy"] < evidence.guessing + LEARNED].to_dict("records")


def _times(ratio: float) -> str:
    """1.0, 0.031: enough digits to distinguish a faded gradient from one that is not."""
    return f"{ratio:.1f}" if ratio >= FADED else f"{ratio:.1g}"
