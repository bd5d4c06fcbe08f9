"""The ``thinsection`` command. Heavy libraries are imported by the commands that need them."""

from pathlib import Path
from typing import Annotated

import typer

from thinsection.errors import InputError

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Fair comparison of image classifiers for photos of mineral thin sections.",
)


@app.command("params")
def check_params(
    file: Annotated[Path, typer.Argument(help="The parameters to check.")] = Path("params.yaml"),
) -> None:
    """Check params.yaml and say what `dvc repro` will run."""
    from thinsection.params import load_params

    params = load_params(file)
    depths = ", ".join(map(str, params.fcnn.hidden_layers))
    resnets = ", ".join(map(str, params.resnet.depths))
    baselines = ", ".join(name.replace("_", " ") for name in params.baselines.models)
    runs = (params.fcnn.hidden_layers, params.resnet.depths, params.baselines.models)
    trainings = params.split.folds * params.split.repeats
    typer.echo(f"{file} is valid. Photos: {params.dataset.path}")
    typer.echo(f"{sum(map(len, runs))} classifiers, each trained {trainings} times:")
    typer.echo(f"  FCNN of {depths} hidden layers\n  ResNet-{resnets}\n  {baselines}")


@app.command("models")
def show_models(
    file: Annotated[Path, typer.Argument(help="The table to show.")] = Path("metrics/models.csv"),
) -> None:
    """Show the classifiers, best first, with the intervals of their accuracy."""
    from rich.console import Console
    from rich.table import Table

    from thinsection.tables import INDEXES, MODELS, read_table

    models = read_table(file, MODELS).sort_values("ca", ascending=False, kind="stable")
    shown = Table("model", *(index.upper() for index in INDEXES), "interval of CA", "photos")
    for _, row in models.iterrows():
        figures = [f"{row[index]:.3f}" for index in INDEXES]
        interval = f"{row['ca_low']:.3f} to {row['ca_high']:.3f}"
        shown.add_row(row["model"], *figures, interval, str(row["n_photos"]))
    Console().print(shown)


def main() -> None:
    """Run the command; an ``InputError`` is one message and exit code 1."""
    try:
        app()
    except InputError as error:
        typer.echo(f"ERROR: {error}", err=True)
        raise SystemExit(1) from None
