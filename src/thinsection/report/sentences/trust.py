"""How far the figures can be trusted: leakage, machines, few folds, calibration, more photos."""

from thinsection.evidence.metrics import METRIC_TITLES
from thinsection.report.evidence import Evidence
from thinsection.report.sentences.naming import named
from thinsection.report.wording import (
    capital,
    counted,
    in_words,
    percent,
    signed_interval,
    with_interval,
)

WARNINGS_SHOWN = 8  # of each kind
ENOUGH_FOLDS = 10  # of all repeats: from so many on, probabilities over folds are worth reading


def warnings(evidence: Evidence) -> list[tuple[str, int, list[str]]]:
    """For each kind of ingestion warning: its name, how many there are, and the first few."""
    if evidence.warnings.empty:
        return []
    kind = evidence.warnings.columns[0]
    found = []
    for name, rows in evidence.warnings.groupby(kind, sort=False):
        texts = [
            ": ".join(cell for cell in row if cell)
            for row in rows.drop(columns=kind).itertuples(index=False)
        ]
        found.append((str(name), len(texts), texts[:WARNINGS_SHOWN]))
    return found


def has_groups(evidence: Evidence) -> bool:
    """Whether any two photos are in the same group."""
    photos = evidence.dataset.table
    return bool(photos["group"].nunique() < len(photos))


def leakage(evidence: Evidence) -> str:
    """The accuracy that a random split would have shown, and what to expect on new specimens."""
    if evidence["leakage"].empty and has_groups(evidence):
        return "The stage leakage has not run, so the effect of a random split is unknown."
    if evidence["leakage"].empty:
        return (
            "No specimen has more than one photo (or none is known), so this data set can't show "
            "how much a random split would overestimate accuracy."
        )
    row = evidence["leakage"].query("index == 'ca'").to_dict("records")[0]
    told = with_interval(row["random"], row["random_low"], row["random_high"])
    expect = with_interval(row["grouped"], row["grouped_low"], row["grouped_high"])
    gap = signed_interval(row["gap"], row["gap_low"], row["gap_high"])
    others = evidence["leakage"].query("index != 'ca' and gap_low > 0").to_dict("records")
    if row["gap_low"] > 0:
        real = "that much comes from recognising the specimen, not the mineral"
    elif others:
        # an effect in any index is one: accuracy sees only the most probable class
        shown = [
            f"{signed_interval(other['gap'], other['gap_low'], other['gap_high'])} in "
            f"{METRIC_TITLES[other['index']]}"
            for other in others
        ]
        real = f"its interval contains 0, but a random split does flatter by {in_words(shown)}"
    else:
        real = "the interval contains 0, so an effect of the split can't be shown here"
    tested, more = f"the best classifier that is trained here, {evidence.titles[row['model']]}", ""
    if evidence.params.evidence.leakage_model != "best":
        tested = f"one cheap model, {evidence.titles[row['model']]} without augmented photos"
        more = " A network may take more from it; evidence.leakage_model: best measures how much."
    return (
        f"Tested with {tested} "
        f"({counted(row['n_repeats'], 'repeat')} of each split): a random split would have shown "
        f"{told}; on new specimens expect {expect}. The gap is {gap}: {real}.{more}"
    )


def mixed_environments(evidence: Evidence) -> list[str]:
    """One sentence for each thing in which the runs' machines and versions differ; mostly none."""
    table = evidence["environments"].set_index("model")
    found = []
    for name in table.columns:
        told = table[name][table[name] != ""]
        if told.nunique() < 2:
            continue
        parts = [
            f"{value} ({in_words(named(evidence, list(models)))})"
            for value, models in told.groupby(told).groups.items()
        ]
        found.append(
            f"Not all models were trained with the same {name}: {'; '.join(parts)}. Rounding differs between "
            "them, and training amplifies it, for a network to some hundredths of accuracy. "
            "compute.same_environment: require trains all of them in one."
        )
    return found


def rough_probabilities(evidence: Evidence) -> str:
    """That few folds give no sure probability of being better; empty where there are enough."""
    split = evidence.params.split
    n = split.folds * split.repeats
    if n >= ENOUGH_FOLDS:
        return ""
    return (
        f"From {n} trainings of each model the probabilities of being better or equal are rough, and may "
        "be near 1 where no test finds a difference: rely on the p-values."
    )


def luck_of_the_training(evidence: Evidence) -> str:
    """Whether intervals and p-values hold the luck of the training, which one repeat does not tell."""
    n = evidence.params.split.repeats
    if n > 1:
        return (
            f"Intervals and p-values hold the luck of the training, as far as {n} repeats tell it "
            "(docs/statistics.md)."
        )
    return (
        "Each model was trained once in each fold, so intervals and p-values are of these trained models: "
        "other specimens to learn from, or other first weights, would move them further than the intervals "
        "say (docs/statistics.md tells by how much). More repeats (split.repeats) take that in."
    )


def learning(evidence: Evidence) -> list[str]:
    """How accuracy grew with the specimens, one sentence per model, and whether it still does."""
    found = []
    for model, rows in evidence["training_shares"].groupby("model", sort=False):
        steps = rows.sort_values("share").to_dict("records")
        if len(steps) < 2:
            continue  # too few specimens to leave any out
        first, before, last = steps[0], steps[-2], steps[-1]
        gain = signed_interval(last["gain"], last["gain_low"], last["gain_high"])
        more = (
            "more specimens would probably help"
            if last["gain_low"] > 0
            else "it is unclear whether more specimens would help"
        )
        found.append(
            f"{capital(evidence.titles[str(model)])}: {first['ca']:.2f} with "
            f"{percent(first['share'])} of the training specimens, "
            f"{with_interval(last['ca'], last['ca_low'], last['ca_high'])} with all "
            f"{last['n_specimens']:.0f}. The last {percent(1 - before['share'])} of them added "
            f"{gain}: {more}."
        )
    return found


def calibrated(evidence: Evidence) -> str:
    """Whether the best model's probabilities can be trusted."""
    first = evidence.ranking["model"].iloc[0]
    row = evidence["calibration"].set_index("model").loc[first]
    sure = "overconfident" if row["temperature"] > 1 else "underconfident"
    if abs(row["temperature"] - 1) < 0.1:
        sure = "well calibrated on the whole"
    scaled = (
        f"temperature scaling, fitted on the other folds, brings the gap to {row['ece_scaled']:.3f}"
        if row["ece_scaled"] < row["ece"]
        else f"temperature scaling does not help (gap {row['ece_scaled']:.3f})"
    )
    return (
        f"The confidence of {evidence.titles[first]} differs from its accuracy by {row['ece']:.3f} "
        f"on average; it is {sure} (temperature {row['temperature']:.2f}), and {scaled}."
    )
