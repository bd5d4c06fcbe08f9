"""Commands that name what a model has not seen: photos, and the points of a section."""

from pathlib import Path
from typing import Annotated

import typer

from thinsection.base.errors import InputError
from thinsection.cli.app import app


@app.command()
def predict(
    photos: Annotated[
        list[str], typer.Argument(help="Photos, folders, patterns like 'new/*.jpg', .zip or .tar.")
    ],
    model: Annotated[Path, typer.Option(help="A model folder.")] = Path("models/final"),
    csv: Annotated[Path | None, typer.Option(help="Table to write, one row per photo.")] = None,
    heatmap: Annotated[
        Path | None, typer.Option(help="Folder for heat maps of the areas behind each answer.")
    ] = None,
    by_specimen: Annotated[
        bool, typer.Option("--by-specimen", help="One answer per specimen (photos.csv or folder).")
    ] = False,
    light: Annotated[
        str | None, typer.Option(help="ppl | xpl, of photos whose names don't say it.")
    ] = None,
) -> None:
    """Classify new photos, those of one place together. Exit code 1 if some could not be used."""
    from thinsection.predict import command

    if light not in (None, "ppl", "xpl"):
        raise InputError(f"--light is {light!r}; allowed: ppl, xpl.")
    if command.predict(photos, model, csv, heatmap, by_specimen=by_specimen, light=light or ""):
        raise SystemExit(1)


@app.command()
def count(
    section: Annotated[
        list[str],
        typer.Argument(help="Photos of fields, folders, archives, or a scan of a whole section."),
    ],
    model: Annotated[Path, typer.Option(help="A model folder.")] = Path("models/final"),
    into: Annotated[Path, typer.Option(help="Folder to write.")] = Path("count"),
    points: Annotated[int, typer.Option(min=10, help="How many to count.")] = 500,
    grid: Annotated[
        bool, typer.Option("--grid", help="On a square grid, not stratified random.")
    ] = False,
    um_per_pixel: Annotated[
        float | None, typer.Option(min=0.01, help="Of the section, unless a scan says it.")
    ] = None,
    light: Annotated[
        str | None, typer.Option(help="ppl | xpl, of files whose names don't say it.")
    ] = None,
    by_hand: Annotated[
        Path | None,
        typer.Option(help="points.csv of this count with names in its column by_hand."),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of the places of the points.")] = 2021,
) -> None:
    """Count points: how much of each mineral is in a section, with intervals."""
    from thinsection.counting import command

    if light not in (None, "ppl", "xpl"):
        raise InputError(f"--light is {light!r}; allowed: ppl, xpl.")
    options = command.Options(
        points, "grid" if grid else "random", um_per_pixel, light or "", by_hand, seed
    )
    command.count(section, model, into, options)


@app.command()
def serve(
    model: Annotated[
        Path | None,
        typer.Option(help="A model folder.  [models/final; with --count that of the count]"),
    ] = None,
    port: Annotated[int, typer.Option(min=0, max=65535, help="0: any free port.")] = 8000,
    host: Annotated[
        str, typer.Option(help="0.0.0.0 accepts connections from the network.")
    ] = "127.0.0.1",
    corrections: Annotated[Path, typer.Option(help="Folder for corrected photos.")] = Path(
        "corrections"
    ),
    count: Annotated[
        Path | None, typer.Option(help="Folder of `thinsection count`, to name its points by hand.")
    ] = None,
) -> None:
    """Serve a local page that classifies photos and saves corrections for the next training."""
    from thinsection.serve.server import serve as serve_page

    serve_page(model, host, port, corrections, count)
