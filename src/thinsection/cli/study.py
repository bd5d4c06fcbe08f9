"""Commands that set up a study folder on the installed package, and run it."""

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from thinsection.cli.app import app

PASSED_ON = {"allow_extra_args": True, "ignore_unknown_options": True}


@app.command()
def init(
    study: Annotated[Path, typer.Argument(help="Folder to create, for one study.")],
    photos: Annotated[
        Path | None, typer.Option(help="Labelled photos; without, demo photos are rendered.")
    ] = None,
) -> None:
    """Make a study folder: settings and pipeline, with git and DVC set up."""
    from thinsection.setup.folder import init as make

    make(study, photos)
    typer.echo(f"{study}: set up. Next:\n  cd {study}\n  thinsection repro")


@app.command()
def upgrade() -> None:
    """Renew a study folder for the installed version; your settings stay."""
    from thinsection import __version__
    from thinsection.setup.folder import upgrade as renew

    renewed = renew()
    typer.echo(f"thinsection {renewed.old} -> {__version__}")
    for key in renewed.added:
        typer.echo(f"params.yaml: {key} is new, with its default")
    for key in renewed.removed:
        typer.echo(f"params.yaml: {key} is no longer a setting and was taken out")
    if renewed.code:
        typer.echo(f"Parts of the program that changed: {', '.join(renewed.code)}")
        typer.echo("`dvc status` lists what `thinsection repro` will make again.")
    else:
        typer.echo("No code changed: no result will be made again.")


@app.command(context_settings=PASSED_ON)
def repro(context: typer.Context) -> None:
    """Run the whole comparison, as params.yaml says: `dvc repro` with this installation's DVC."""
    from thinsection.cli.comparison import check_params

    check_params()
    # pipx and uv show no more of an installation than `thinsection`; the stages need it
    os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    from dvc.cli import main as dvc

    raise SystemExit(dvc(["repro", *context.args]))


@app.command(hidden=True, context_settings=PASSED_ON)
def stage(name: str, context: typer.Context) -> None:
    """Run a stage of dvc.yaml; for DVC."""
    import runpy

    from thinsection.setup.template import STAGES

    sys.argv = [name, *context.args]
    runpy.run_path(str(STAGES / f"{name}.py"), run_name="__main__")


@app.command()
def doctor() -> None:
    """What is installed and what this machine has, to paste into a report of a problem."""
    from thinsection.setup.doctor import examined

    for line in examined():
        typer.echo(line)
