"""Plain words made from the numbers: what is shown, and also what is not."""

import pandas as pd

from thinsection.report.evidence import Evidence

SIGNIFICANT = 0.05  # of the p-value after Holm's correction


def percent(share: float) -> str:
    """0.826 -> 83 %."""
    return f"{100 * share:.0f} %"


def with_interval(value: float, low: float, high: float, digits: int = 2) -> str:
    """0.83 (0.77 to 0.88); without an interval where none could be made."""
    if pd.isna(value):
        return "not defined"
    if pd.isna(low) or pd.isna(high):
        return f"{value:.{digits}f} (no interval)"
    return f"{value:.{digits}f} ({low:.{digits}f} to {high:.{digits}f})"


def data_set(evidence: Evidence) -> str:
    """The data set in one line."""
    photos = evidence.dataset.table
    counts = photos["label"].value_counts().sort_index()
    by_class = ", ".join(f"{label} {count}" for label, count in counts.items())
    split = evidence.params.split
    specimens = photos["group"].nunique()
    times = "once" if split.repeats == 1 else f"{split.repeats} times"
    kept = (
        "a specimen is never parted"
        if split.scheme == "grouped"
        else "photos of one specimen may be parted"
    )
    return (
        f"{len(photos)} photos ({by_class}) of {specimens} specimens from "
        f"{evidence.params.dataset.path}; every photo is held out {times} in {split.folds} folds, "
        f"{kept}."
    )


def best(evidence: Evidence) -> str:
    """The best model with its interval."""
    row = evidence.ranking.iloc[0]
    return (
        f"{evidence.titles[row['model']]} is best on these photos: accuracy "
        f"{with_interval(row['ca'], row['ca_low'], row['ca_high'])}, AUC "
        f"{with_interval(row['auc'], row['auc_low'], row['auc_high'])}."
    )


def against_best(evidence: Evidence) -> pd.DataFrame:
    """The comparisons of every other model with the best, seen from the best."""
    first = evidence.ranking["model"].iloc[0]
    pairs = evidence["comparisons"]
    pairs = pairs[(pairs["model_a"] == first) | (pairs["model_b"] == first)].copy()
    turned = pairs["model_b"] == first
    pairs["other"] = pairs["model_a"].where(turned, pairs["model_b"])
    low, high = pairs["low"].copy(), pairs["high"].copy()
    pairs["low"], pairs["high"] = low.where(~turned, -high), high.where(~turned, -low)
    pairs["difference"] = pairs["difference"].where(~turned, -pairs["difference"])
    order = {model: place for place, model in enumerate(evidence.ranking["model"])}
    return pairs.sort_values("other", key=lambda models: models.map(order), kind="stable")


def significance(evidence: Evidence) -> list[str]:
    """Two sentences: which models are shown to be worse than the best, and which are not."""
    pairs = against_best(evidence).query("test == 'specimens' and index == 'ca'")
    if pairs.empty:
        return ["There is one model only: nothing to compare."]
    first = evidence.titles[evidence.ranking["model"].iloc[0]]
    worse = [evidence.titles[m] for m in pairs.loc[pairs["p_holm"] < SIGNIFICANT, "other"]]
    open_ = [evidence.titles[m] for m in pairs.loc[~(pairs["p_holm"] < SIGNIFICANT), "other"]]
    shown = (
        f"{first} is significantly more accurate than {_listed(worse)} "
        f"(sign flips of specimens, p < {SIGNIFICANT} after Holm's correction)."
        if worse
        else f"No model is shown to be less accurate than {first} "
        f"(sign flips of specimens, p < {SIGNIFICANT} after Holm's correction)."
    )
    rest = (
        f"Between {first} and {_listed(open_)} these photos can't decide."
        if open_
        else "All other models are shown to be less accurate."
    )
    return [shown, rest]


def _listed(titles: list[str]) -> str:
    if len(titles) == 1:
        return titles[0]
    return ", ".join(titles[:-1]) + " and " + titles[-1]
