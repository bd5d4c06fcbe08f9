"""Commands of the comparison: its settings, its ranking, and two versions of it."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from thinsection.base.errors import InputError
from thinsection.base.places import ENVIRONMENT, INGESTED, TABLES_FOLDER
from thinsection.cli.app import app
from thinsection.console.installed import check_installed

if TYPE_CHECKING:
    import pandas as pd

    from thinsection.params import Params


@app.command("params")
def check_params(
    file: Annotated[Path, typer.Argument(help="The file to check.")] = Path("params.yaml"),
) -> None:
    """Check params.yaml and list what `dvc repro` will run."""
    from thinsection.families import FAMILIES
    from thinsection.learning.environment import write_environment
    from thinsection.params import load_params
    from thinsection.render.minerals import check_minerals

    check_installed()
    params = load_params(file)
    check_minerals(params.render.minerals, f"{file}: render.minerals")
    _check_lock(Path("dvc.lock"))
    if file == Path("params.yaml") and write_environment(params.compute):
        typer.echo(
            f"{ENVIRONMENT}: changed with compute.same_environment, so all classifiers are trained again"
        )
    trainings = params.split.folds * params.split.repeats
    typer.echo(f"{file} is valid. Photos: {params.dataset.path}")
    typer.echo(f"{len(params.runs)} classifiers, each trained {trainings} times:")
    for key, family in FAMILIES.items():
        titles = [run.title for run in params.runs if run.family == key]
        typer.echo(f"  {family.plural}: {', '.join(titles)}")
    for line in _cost_here(params):
        typer.echo(line)
    ingested = INGESTED / "photos.csv"
    if ingested.is_file():
        from thinsection.base.tables import PHOTOS, read_table

        for problem in shortages_of(read_table(ingested, PHOTOS), params):
            typer.echo(f"{ingested}, as last ingested: {problem}")


def _cost_here(params: "Params") -> list[str]:
    """What the comparison will take on this machine, and what would make it faster."""
    from thinsection.forecast import precision
    from thinsection.forecast.cost import n_photos_to_come, told

    n_photos = n_photos_to_come(params)
    return [*(told(n_photos, params) if n_photos else []), *precision.told(params)]


def shortages_of(photos: "pd.DataFrame", params: "Params") -> list[str]:
    """What params.yaml asks for and there are too few specimens for."""
    from thinsection.dataset.folds import as_folds, assign_folds
    from thinsection.dataset.samples import samples_of
    from thinsection.dataset.shortages import shortages

    samples, _ = samples_of(photos)
    split, shares = params.split, params.evidence.learning_curve_shares
    try:
        folds = assign_folds(samples, split.scheme, split.folds, split.repeats, params.seed)
    except InputError as error:
        return [f"the stage split will stop. {error}"]
    trainings = as_folds(folds, samples)
    return shortages(samples, trainings, params.early_stopping, shares, params.seed)


def _check_lock(path: Path) -> None:
    """
    Stop if dvc.lock is there but not whole; DVC's own messages then don't say what to do.

    DVC writes it in place after every stage: killed in that moment, it leaves it empty or cut short.
    """
    import yaml

    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:  # before the first run
        return
    try:
        content = yaml.load(text, getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    except yaml.YAMLError:
        content = None
    stages = content.get("stages") if isinstance(content, dict) else None
    whole = isinstance(stages, dict) and all("cmd" in (stage or ()) for stage in stages.values())
    if not (whole and text.endswith("\n")):
        raise InputError(
            f"{path} is {'cut short' if text else 'empty'}: DVC was stopped while it wrote it. Run "
            f"`git checkout {path}` and then `dvc repro`: results made since then come back from "
            "DVC's cache, without training."
        )


@app.command("models")
def show_models(
    file: Annotated[Path, typer.Argument(help="The table to show.")] = TABLES_FOLDER / "models.csv",
) -> None:
    """Show the ranking of the classifiers, with the intervals of their accuracy."""
    from rich.console import Console
    from rich.table import Table

    from thinsection.base.tables import read_table
    from thinsection.evidence.result_tables import MODELS, PAPER_INDEXES

    models = read_table(file, MODELS).sort_values("ca", ascending=False, kind="stable")
    # recall always equals CA; balanced accuracy differs from it only if class sizes differ
    uneven = (models["balanced"] - models["ca"]).abs().max() > 1e-6
    indexes = ["balanced" if uneven and i == "recall" else i for i in PAPER_INDEXES]
    shown = Table("model", "CA, from", "to", *(index.upper() for index in indexes), box=None)
    for _, row in models.iterrows():
        figures = [f"{row[index]:.3f}" for index in indexes]
        shown.add_row(row["model"], f"{row['ca_low']:.3f}", f"{row['ca_high']:.3f}", *figures)
    console = Console()
    if not console.is_terminal:  # a pipe or a file, where nothing needs to be cut off
        console.width = 200
    console.print(shown)
    n_photos = models["n_photos"].iloc[0]
    typer.echo(f"{n_photos} samples, each classified by models that never saw its specimen")


@app.command("compare")
def compare_versions(
    old: Annotated[str, typer.Argument(help="A commit, branch, tag or experiment.")],
    new: Annotated[str, typer.Argument(help="Another; the workspace if left out.")] = "workspace",
) -> None:
    """Compare two versions of the comparison: did a change make a classifier better?"""
    from rich.console import Console
    from rich.table import Table

    from thinsection.compare import compare, in_words, read_version
    from thinsection.params import load_params

    params = load_params()
    versions = read_version(old), read_version(new)
    table = compare(*versions, params.evidence, params.seed)
    shown = Table("model", old, new, "difference", "from", "to", "p", "p (Holm)", box=None)
    for _, row in table.dropna(subset=["p_value"]).iterrows():
        accuracies = [f"{row[name]:.3f}" for name in ("old", "new")]
        change = [f"{row[name]:+.3f}" for name in ("difference", "low", "high")]
        p_values = [f"{row[name]:.3f}" for name in ("p_value", "p_holm")]
        shown.add_row(row["model"], *accuracies, *change, *p_values)
    console = Console()
    if not console.is_terminal:
        console.width = 200
    if shown.row_count:
        console.print(shown)
    for sentence in in_words(table, *versions, params.evidence.confidence):
        typer.echo(sentence)
