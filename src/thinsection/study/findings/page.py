"""The page docs/study.md and its figure, from the tables."""

from pathlib import Path

import jinja2
import pandas as pd

from thinsection.study.findings.claims import Verdict
from thinsection.study.findings.tables import Study

PAGE = Path("study/page.md.j2")
NAMES = {
    "product": "this project's network",
    "paper": "as the paper's tables look",
    "mlp": "scikit-learn's MLPClassifier",
    "paper-variants": "as the paper's tables look, augmented photos",
    "paper-embedding": "as the paper's tables look, on an embedding",
}


def page(study: Study, tables: dict[str, pd.DataFrame], claims: list[Verdict]) -> str:
    """The page as Markdown."""
    environment = jinja2.Environment(undefined=jinja2.StrictUndefined, trim_blocks=True)
    template = environment.from_string(PAGE.read_text(encoding="utf-8"))
    missing = [name for name in study.settings.designs if name not in study.outcomes]
    return template.render(
        settings=study.settings,
        n_specimens=study.n_specimens,
        n_photos=len(study.group_of),
        claims=claims,
        missing=missing,
        names=NAMES,
        **{name: table.to_dict("records") for name, table in tables.items()},
    )


def draw(study: Study, depths: pd.DataFrame, path: Path) -> None:
    """Accuracy of each sweep against depth, held out and on the training photos."""
    from matplotlib import pyplot as plt

    sweeps = [name for name in NAMES if name in study.outcomes]
    figure, axes = plt.subplots(1, 2, figsize=(11, 4.4), sharex=True, layout="constrained")
    for name in sweeps:
        rows = depths[depths["design"] == name]
        (line,) = axes[0].plot(rows["depth"], rows["ca"], "o-", markersize=4, label=NAMES[name])
        axes[0].set_xticks(rows["depth"])
        axes[0].fill_between(
            rows["depth"], rows["ca_low"], rows["ca_high"], color=line.get_color(), alpha=0.12
        )
        axes[1].plot(rows["depth"], rows["train_accuracy"], "o-", markersize=4)
    axes[0].set(title="held-out photos", xlabel="hidden layers", ylabel="accuracy", ylim=(0, 1))
    axes[1].set(title="training photos, last epoch", xlabel="hidden layers", ylim=(0, 1.02))
    axes[0].legend(fontsize=8, loc="lower left")
    figure.savefig(path, dpi=110)
    plt.close(figure)
