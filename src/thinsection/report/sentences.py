"""The sentences of the report, from the numbers: what they show, and what they do not."""

from collections.abc import Hashable
from typing import Any

import pandas as pd

from thinsection.dataset.extinction import BRIGHTEST, ONE_ANGLE
from thinsection.evidence.choice import BEST, chosen
from thinsection.evidence.metrics import METRIC_TITLES
from thinsection.evidence.paper import PAPER_FAMILIES, PAPER_SWEEP
from thinsection.families import FAMILIES
from thinsection.report.evidence import Evidence
from thinsection.report.wording import (
    capital,
    counted,
    in_words,
    isolated,
    percent,
    signed,
    signed_interval,
    with_interval,
)

WARNINGS_SHOWN = 8  # of each kind
FADED = 0.1  # of the last layer's gradient: below this in the first layer, the gradient has faded
ENOUGH_REPEATS = 5  # of the cross-validation: from this many on, a test of depth has some power
ENOUGH_FOLDS = 10  # of all repeats: from so many on, probabilities over folds are worth reading
FEW = 3  # up to this many models of a family are listed one by one
SIGNIFICANT = 0.05  # a p-value after Holm's correction
FIRST_WEIGHTS = {
    "he": "first weights after He et al. (2015)",
    "glorot": "first weights after Glorot and Bengio (2010)",
    "orthogonal": "orthogonal first weights",
    "default": "PyTorch's own first weights",
}
ALONE = {
    "ppl": "in ppl",
    "xpl": "in xpl",
    BRIGHTEST: "by the photo of their brightest angles",
    "": "in an unknown light",
}
LEARNED = 0.1  # above guessing: the least training accuracy of a network that has learned something


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


def lights(evidence: Evidence) -> list[str]:
    """What all lights of a sample add to one, in a few sentences; none where there is one light."""
    table = evidence["lights"]
    if table.empty:
        return []
    by_light = table.pivot(index="model", columns="light", values="ca")
    rows = table.set_index(["model", "light"])
    first = next(m for m in evidence.ranking["model"] if m in by_light.index)
    title = capital(evidence.titles[first])
    n = int(table["n_samples"].iloc[0])
    alone = by_light.drop(columns=["together", ONE_ANGLE], errors="ignore")
    found = []
    if alone.shape[1]:
        row = rows.loc[(first, alone.loc[first].idxmax())]
        found.append(
            f"{title} names {percent(by_light.loc[first, 'together'])} of the {n} samples that were "
            "seen in all lights, and "
            + " and ".join(
                f"{percent(value)} of the same samples {ALONE[light]} alone"
                for light, value in alone.loc[first].items()
            )
            + f"; all lights add {signed_interval(row['gain'], row['gain_low'], row['gain_high'])} to "
            "the better one."
        )
        found.append(_on_average(by_light, alone.max(axis=1), "the better light alone"))
    if ONE_ANGLE in by_light:
        row = rows.loc[(first, ONE_ANGLE)]
        found.append(
            f"At one angle of the stage, {evidence.titles[first]} names {percent(row['ca'])} of them; the "
            f"other angles add {signed_interval(row['gain'], row['gain_low'], row['gain_high'])}."
        )
        found.append(_on_average(by_light, by_light[ONE_ANGLE], "one angle"))
    compared = table[table["light"] != "together"]
    real = int(((compared["p_holm"] < SIGNIFICANT) & (compared["gain"] > 0)).sum())
    found.append(
        f"Of the {len(compared)} gains in the table, "
        + (f"{real} are" if real > 1 else "one is" if real else "none is")
        + " significant after correction for their number (Holm)."
    )
    worse = by_light.index[by_light["together"] < alone.max(axis=1) - 1e-9]
    if len(worse) and alone.shape[1]:
        names = in_words([evidence.titles[m] for m in evidence.ranking["model"] if m in set(worse)])
        found.append(f"Less accurate together than in their better light: {names}.")
    return found


def _on_average(by_light: pd.DataFrame, other: pd.Series, what: str) -> str:
    mean = float((by_light["together"] - other).mean())
    return (
        f"On average of {counted(len(by_light), 'classifier')}, all photos together are "
        f"{abs(mean):.2f} {'above' if mean >= 0 else 'below'} {what}."
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
    worse = _named(evidence, list(pairs.loc[pairs["p_holm"] < SIGNIFICANT, "other"]))
    open_ = _named(evidence, list(pairs.loc[~(pairs["p_holm"] < SIGNIFICANT), "other"]))
    n_pairs = len(evidence["comparisons"].query("test == 'specimens' and index == 'ca'"))
    test = (
        f"(p < {SIGNIFICANT} when models swap their answers specimen by specimen, corrected for "
        f"{counted(n_pairs, 'comparison')})"
    )
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


def _named(evidence: Evidence, models: list[str]) -> list[str]:
    """Titles of models; those of a family of many depths are combined."""
    family_of = evidence["models"].set_index("model")["family"]
    together = [
        key
        for key, family in FAMILIES.items()
        if family.depth and sum(family_of[model] == key for model in models) > FEW
    ]
    single = [evidence.titles[model] for model in models if family_of[model] not in together]
    return [*single, *(_of_family(evidence, key, models) for key in together)]


def _of_family(evidence: Evidence, key: str, models: list[str]) -> str:
    """Many models of one family in a few words, shallow to deep."""
    family = FAMILIES[key]
    every = [str(row["model"]) for _, row in evidence["models"].iterrows() if row["family"] == key]
    named = [model for model in every if model in models]
    rest = [evidence.titles[model] for model in every if model not in models]
    if not rest:
        return f"all {len(every)} {family.short_plural}"
    depths = ", ".join(str(evidence.runs[model].depth) for model in named)
    assert family.depth is not None
    which = f"all but {in_words(rest)}" if len(rest) <= 2 else f"with {depths} {family.depth.title}"
    return f"{len(named)} of {len(every)} {family.short_plural} ({which})"


def _times(ratio: float) -> str:
    """1.0, 0.031: enough digits to distinguish a faded gradient from one that is not."""
    return f"{ratio:.1f}" if ratio >= FADED else f"{ratio:.1g}"


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
        more = " A network may take more from it; `evidence.leakage_model: best` measures how much."
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
            f"{value} ({in_words(_named(evidence, list(models)))})"
            for value, models in told.groupby(told).groups.items()
        ]
        found.append(
            f"Not all models were trained with the same {name}: {'; '.join(parts)}. Rounding differs between "
            "them, and training amplifies it, for a network to some hundredths of accuracy. "
            "`compute.same_environment: require` trains all of them in one."
        )
    return found


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


def no_better_than_guessing(evidence: Evidence) -> list[str]:
    """One sentence on the models whose intervals contain the accuracy of guessing, if any."""
    rows = evidence.ranking[evidence.ranking["ca_low"] <= evidence.guessing]
    if rows.empty:
        return []
    names = in_words(_named(evidence, list(rows["model"])))
    return [
        f"Always predicting the commonest class would be right for {evidence.guessing:.2f} of "
        f"these photos; {names} {'is' if len(rows) == 1 else 'are'} not significantly better."
    ]


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
