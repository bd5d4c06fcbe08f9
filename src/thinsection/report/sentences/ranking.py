"""What the ranking shows: the data, the best, what to expect, which differences are real."""

import pandas as pd

from thinsection.evidence.choice import BEST, chosen
from thinsection.evidence.paper import PAPER_FAMILIES
from thinsection.families import FAMILIES
from thinsection.report.evidence import Evidence
from thinsection.report.sentences.naming import named
from thinsection.report.wording import (
    capital,
    counted,
    in_words,
    isolated,
    with_interval,
)

SIGNIFICANT = 0.05  # a p-value after Holm's correction


def data_set(evidence: Evidence) -> str:
    """The data set in one line."""
    photos, lights = evidence.dataset.table, evidence.dataset.lights
    counts = photos["label"].value_counts().sort_index()
    things = f"{len(photos)} photos"
    if lights.together:
        seen = " and ".join(name or "an unknown light" for name in lights.names)
        things = f"{len(photos)} samples in {seen}, {int((~lights.of_angles).sum())} photos"
    by_class = ", ".join(f"{isolated(str(label))} {count}" for label, count in counts.items())
    split = evidence.params.split
    specimens = photos["group"].nunique()
    times = "once" if split.repeats == 1 else f"{split.repeats} times"
    kept = "no specimen split" if split.scheme == "grouped" else "no two of them of one specimen"
    return (
        f"{things} ({by_class}) of {specimens} specimens from "
        f"{evidence.params.dataset.path}; each held out {times} in {split.folds} folds, "
        f"{kept}."
    )


def best(evidence: Evidence) -> str:
    """The best model with its interval."""
    row = evidence.ranking.iloc[0]
    alike = with_interval(row["balanced"], row["balanced_low"], row["balanced_high"])
    return (
        f"{capital(evidence.titles[row['model']])} is best on these photos: accuracy "
        f"{with_interval(row['ca'], row['ca_low'], row['ca_high'])}, "
        + (f"{alike} with every class counting alike, " if evidence.is_uneven else "")
        + f"AUC {with_interval(row['auc'], row['auc_low'], row['auc_high'])}."
    )


def best_of_study(evidence: Evidence) -> str:
    """The best of the kinds of classifiers that the study compared; empty if it is best of all."""
    family_of = evidence["models"].set_index("model")["family"]
    ranking = evidence.ranking
    in_study = ranking["model"].map(family_of).isin(PAPER_FAMILIES)
    if not in_study.any() or in_study.iloc[0]:
        return ""
    place = int(in_study.to_numpy().argmax())
    row = ranking.iloc[place]
    return (
        f"Of the {counted(int(in_study.sum()), 'classifier')} of the replicated study, "
        f"{evidence.titles[row['model']]} is best, in place {place + 1} of {len(ranking)}: accuracy "
        f"{with_interval(row['ca'], row['ca_low'], row['ca_high'])}."
    )


def expected(evidence: Evidence) -> str:
    """The accuracy of the picked model corrected for its selection; empty for a single model."""
    row = evidence["selection"].to_dict("records")[0]
    if row["n_models"] < 2 or pd.isna(row["expected"]):
        return ""
    left = with_interval(row["expected"], row["expected_low"], row["expected_high"])
    if row["model"] == evidence.ranking["model"].iloc[0]:
        return (
            f"The best of {row['n_models']} is partly lucky: on new specimens expect an accuracy of "
            f"{left}."
        )
    return (
        f"A model picked out of {row['n_models']} is partly lucky: of "
        f"{evidence.titles[row['model']]}, the smallest of those as good as the best, expect an "
        f"accuracy of {left} on new specimens."
    )


def final_model(evidence: Evidence) -> str:
    """Which model models/final contains, if that is not the best one; else empty."""
    final, rope = evidence.params.final, evidence.params.evidence.rope
    first = evidence.ranking["model"].iloc[0]
    named = final.select != BEST
    model = final.select if named else chosen(evidence["models"], BEST, rope)["model"]
    if model == first:
        return ""
    why = (
        "params.yaml selects it"
        if named
        else f"the lower end of its interval is at most {rope} below that of the best, and it "
        "has the fewest parameters"
    )
    return f"The final model (models/final) is {evidence.titles.get(model, model)}: {why}."


def significance(evidence: Evidence) -> list[str]:
    """Two sentences: which models are significantly worse than the best, and which are not."""
    pairs = evidence.against_best().query("test == 'specimens' and index == 'ca'")
    if pairs.empty:
        return ["There is only one model, so nothing to compare."]
    first = evidence.titles[evidence.ranking["model"].iloc[0]]
    worse = named(evidence, list(pairs.loc[pairs["p_holm"] < SIGNIFICANT, "other"]))
    open_ = named(evidence, list(pairs.loc[~(pairs["p_holm"] < SIGNIFICANT), "other"]))
    n_pairs = len(evidence["comparisons"].query("test == 'specimens' and index == 'ca'"))
    once = evidence.params.split.repeats == 1
    how = (
        " when models swap their answers specimen by specimen"
        if once
        else " over specimens and repeats"
    )
    test = f"(p < {SIGNIFICANT}{how}, corrected for {counted(n_pairs, 'comparison')})"
    shown = (
        f"{capital(first)} is significantly more accurate than {in_words(worse)} {test}."
        if worse
        else f"No model is significantly less accurate than {first} {test}."
    )
    rest = (
        f"Between {first} and {in_words(open_)} these photos can't decide."
        if open_
        else "All other models are significantly less accurate."
    )
    return [shown, rest]


def no_better_than_guessing(evidence: Evidence) -> list[str]:
    """One sentence on the models whose intervals contain the accuracy of guessing, if any."""
    rows = evidence.ranking[evidence.ranking["ca_low"] <= evidence.guessing]
    if rows.empty:
        return []
    names = in_words(named(evidence, list(rows["model"])))
    return [
        f"Always predicting the commonest class would be right for {evidence.guessing:.2f} of "
        f"these photos; {names} {'is' if len(rows) == 1 else 'are'} not significantly better."
    ]


def never_named(evidence: Evidence) -> list[str]:
    """The classes that a model never predicts."""
    counts = evidence["confusion"].pivot_table("n_photos", "model", "predicted", aggfunc="sum")
    return [
        f"{capital(evidence.titles[model])} never predicts {isolated(label)}."
        for model in evidence.ranking["model"]
        for label in counts.columns
        if counts.loc[model, label] == 0
    ]


def features(evidence: Evidence) -> str:
    """What each family learns from; families that take photos last, as they need more words."""
    params = evidence.params
    shown = [(family, getattr(params, family.section)) for family in FAMILIES.values()]
    shown.sort(key=lambda pair: not pair[1].kinds)
    parts = [f"{family.plural} from {family.learns_from(settings)}" for family, settings in shown]
    first = parts[0].replace(" from ", " learn from ", 1)
    alike = " Every class counts alike in training, whatever its number of photos."
    return f"The {', the '.join([first, *parts[1:]])}." + (
        alike if params.training.class_weight == "balanced" else ""
    )
