"""Each claim of the paper, measured and judged (the rules are those of claims.py)."""

import numpy as np

from thinsection.base.arrays import Floats
from thinsection.study.findings.claims import (
    Verdict,
    of_alike,
    of_all_above,
    of_cause,
    of_cure,
    of_fall,
    of_no_fall,
)
from thinsection.study.findings.effects import TEN, Estimate, estimate, mean_of_trainings, slope
from thinsection.study.findings.tables import Study

SWEEPS = {
    "paper": "as the paper's tables look, on pixels",
    "paper-variants": "the same with augmented photos",
    "paper-embedding": "the same on the embedding of a pretrained network",
    "mlp": "scikit-learn's MLPClassifier, on pixels",
    "product": "the network of this project, on pixels",
    "paper-many": "as the paper's tables look, on pixels of 1,000 specimens",
    "mlp-many": "scikit-learn's MLPClassifier, on pixels of 1,000 specimens",
}
MANY = "-many"  # designs that ask again, of 1,000 specimens, what fewer could not decide
PAPER = 27  # specimens of each of four minerals, a photo each: the paper's 108 photos
TABLE_1 = "fcnn-4"  # the paper's Table 1
CLASSICAL = {
    "decision_tree": "decision tree",
    "svm": "SVM",
    "random_forest": "random forest",
    "naive_bayes": "naive Bayes",
    "adaptive_boosting": "adaptive boosting",
}


def verdicts(study: Study) -> list[Verdict]:
    """A row for each claim of which these designs can say something."""
    return [
        *_falls(study),
        *_cause(study, ""),
        *_cause(study, MANY),
        *_cures(study),
        *_resnets(study, ""),
        *_resnets(study, MANY),
        *_classical(study),
    ]


def _falls(study: Study) -> list[Verdict]:
    found = []
    for name, words in SWEEPS.items():
        if name in study.outcomes:
            fall = study.estimate(slope(study.draws(name), study.design(name).depths))
            found.append(
                Verdict(
                    f"fall-{name}",
                    f"More hidden layers reduce accuracy ({words})",
                    f"{shown(fall)} for each {TEN} layers",
                    of_fall(fall, study.settings.claimed_fall),
                )
            )
    return found


def _cause(study: Study, which: str) -> list[Verdict]:
    plain, normal = f"glorot-none{which}", f"glorot-batch{which}"
    if not {plain, normal} <= set(study.outcomes):
        return []
    networks = study.outcomes[plain].networks
    deep = networks["depth"] == networks["depth"].max()
    left = float(np.exp(np.log(networks.loc[deep, "signal_first"].clip(1e-30)).mean()))
    kept = study.estimate(study.draws(normal)[:, -1] - study.draws(plain)[:, -1])
    words = (
        f"{left:.2g} of the signal is left at {networks['depth'].max()} layers; batch "
        f"normalisation, which keeps it, changes accuracy there by {shown(kept)}"
    )
    return [
        Verdict(
            f"vanishing{which}",
            f"... because the gradient vanishes (Glorot's first weights{_specimens(which)})",
            words,
            of_cause(kept, left < study.settings.faded),
        )
    ]


def _cures(study: Study) -> list[Verdict]:
    found = []
    for key, without, with_them, where in (
        ("cure-fcnn", "glorot-none", "glorot-none-shortcuts", "in fully connected networks"),
        ("cure-resnet", "plain", "resnet", "in residual networks, of 18 and 34 layers"),
    ):
        if {without, with_them} <= set(study.outcomes):
            n_depths = len(study.design(without).depths)
            assert study.design(with_them).depths[:n_depths] == study.design(without).depths
            change = study.draws(with_them)[:, :n_depths] - study.draws(without)
            cured = study.estimate(change[:, -1] - change[:, 0])
            found.append(
                Verdict(
                    key,
                    f"Shortcuts cure what depth does ({where})",
                    f"they change the difference between the deepest and the shallowest by {shown(cured)}",
                    of_cure(cured, study.settings.claimed_fall),
                )
            )
    return found


def _resnets(study: Study, which: str) -> list[Verdict]:
    name = f"resnet{which}"
    if name not in study.outcomes:
        return []
    tolerated, depths = study.settings.tolerated, study.design(name).depths
    draws: Floats = study.draws(name)
    change = study.estimate(draws[:, -1] - draws[:, 0])
    degrade = Verdict(
        f"resnet-depth{which}",
        f"ResNets do not degrade with depth, {depths[0]} to {depths[-1]} layers{_specimens(which)}",
        f"{shown(change)} from the shallowest to the deepest",
        of_no_fall(change, tolerated),
    )
    if 34 not in depths:
        return [degrade]
    networks = study.outcomes[name].networks
    learned = networks.set_index(["depth", "repeat", "fold"])["train_accuracy"]
    differences = learned[34].to_numpy() - learned[18].to_numpy()
    meeting = mean_of_trainings(differences, study.settings.confidence)
    return [
        degrade,
        Verdict(
            "resnet-meet",
            "ResNet-18 and -34 meet on their training photos in the end",
            f"ResNet-34 names {shown(meeting)} more of them in the last epoch, over {len(differences)} trainings",
            of_alike(meeting, tolerated),
        ),
    ]


def _classical(study: Study) -> list[Verdict]:
    numbers = study.settings.numbers
    if not (numbers and PAPER in numbers.specimens):
        return []
    if not {TABLE_1, *CLASSICAL} <= set(study.by_number):
        return []
    place = numbers.specimens.index(PAPER)
    network = study.number_draws(TABLE_1)[:, place]
    confidence = 1 - (1 - study.settings.confidence) / len(CLASSICAL)
    found = {
        title: estimate(network - study.number_draws(name)[:, place], confidence)
        for name, title in CLASSICAL.items()
    }
    words = "; ".join(f"{title} {shown(each)}" for title, each in found.items())
    return [
        Verdict(
            "classical",
            "Every classical classifier is below the fully connected network of four hidden layers "
            "(108 photos to learn from, on pixels)",
            f"the network names more by: {words}",
            of_all_above(list(found.values())),
        )
    ]


def _specimens(which: str) -> str:
    return ", 1,000 specimens" if which == MANY else ""


def shown(found: Estimate) -> str:
    """An estimate with its interval, signed."""
    return f"{found.value:+.3f} ({found.low:+.3f} to {found.high:+.3f})"
