"""Commands that make, check and join photos to learn from."""

from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from thinsection.base.errors import InputError
from thinsection.cli.app import app
from thinsection.cli.comparison import shortages_of
from thinsection.console.arithmetic import same_arithmetic

SpecimenPattern = Annotated[
    str | None, typer.Option(help="Takes the specimen from file names: 'sample_{specimen}_'.")
]
LightPattern = Annotated[
    str,
    typer.Option(
        help="Takes the light from file names: '_{light}'. auto: ppl or xpl anywhere; '': not at all."
    ),
]
AnglePattern = Annotated[
    str,
    typer.Option(
        help="Takes the angle of the stage from file names: '_{angle}deg'. auto: the number right "
        "after the light; '': not at all."
    ),
]
Rename = Annotated[
    list[str] | None,
    typer.Option(help="Another name for a label: Olivine=olivine. Repeat for more."),
]


def _renamings(given: list[str] | None) -> dict[str, str]:
    renamings = {old: new for each in given or [] for old, _, new in [each.partition("=")]}
    if not all(old and new for old, new in renamings.items()):
        raise InputError(
            "--rename: allowed: the label, = and its other name, such as Olivine=olivine."
        )
    return renamings


@app.command()
def render(
    out: Annotated[Path, typer.Argument(help="Folder to create.")],
    mineral: Annotated[
        list[str] | None,
        typer.Option(help="One class each; repeat for more. [the four of params.yaml]"),
    ] = None,
    light: Annotated[
        str | None,
        typer.Option(help="both: each field in both | either: each in one | ppl | xpl  [both]"),
    ] = None,
    angles: Annotated[
        str | None, typer.Option(help="Of the stage between crossed polarisers, e.g. 0,30,60.")
    ] = None,
    specimens: Annotated[int, typer.Option(help="Thin sections of each mineral.")] = 10,
    fields: Annotated[int, typer.Option(help="Fields of view of each section.")] = 6,
    size: Annotated[
        str | None, typer.Option(help="Width x height in pixels.  [275x183; with --points 550x366]")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same photos.")] = 2021,
    share: Annotated[
        str | None, typer.Option(help="Of the area that the mineral covers, e.g. 0.62:0.98.")
    ] = None,
    grain: Annotated[str | None, typer.Option(help="Grain radius in um, e.g. 30:80.")] = None,
    supersample: Annotated[
        float | None, typer.Option(help="1 to 4; more gives smoother edges.")
    ] = None,
    mask: Annotated[bool, typer.Option("--mask", help="Also write mineral maps.")] = False,
    points: Annotated[
        int | None,
        typer.Option(
            min=1, help="Windows about so many points of each mineral in a field of rock."
        ),
    ] = None,
    window_um: Annotated[float, typer.Option(min=10, help="Side of these windows.")] = 100.0,
    scan: Annotated[
        str | None, typer.Option(help="A scan of a whole section, width x height in pixels.")
    ] = None,
    rock: Annotated[
        list[str] | None, typer.Option(help="For --points and --scan; repeat for more. [all]")
    ] = None,
    turn_stage: Annotated[
        str | None, typer.Option(help="Turn the stage over one field, e.g. 0:90:5 degrees.")
    ] = None,
    workers: Annotated[int, typer.Option(min=0, help="Processes; 0: one per core.")] = 0,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace OUT if it exists.")
    ] = False,
) -> None:
    """Render photos of thin sections from the physics of polarised light."""
    same_arithmetic()
    from thinsection.render import command

    lights, of_lights = command.lights_of(light)
    if angles is not None and (light not in (None, "both") or turn_stage):
        raise InputError(
            "--angles goes with photos in both lights, not with --light or --turn-stage. Leave one out."
        )
    width, height = command.size_of(size or ("550x366" if points else "275x183"))
    settings = command.settings_of(
        minerals=mineral,
        specimens=specimens,
        fields=fields,
        width=width,
        height=height,
        angles=None if angles is None else command.stage_angles_of(angles),
        **of_lights,
        share=share and command.range_of("--share", share),
        grain_radius_um=grain and command.range_of("--grain", grain),
        supersample=supersample,
    )
    if rock and not (points or scan):
        raise InputError("--rock goes with --points or --scan. Add one, or leave it out.")
    if points:
        n = command.windows(
            out, overwrite, seed, settings,
            rocks=rock or (), points=points, window_um=window_um, workers=workers,
        )  # fmt: skip
        typer.echo(
            f"{out}: {n} photos, photos.csv; {command.how_to_train(out, settings, window_um)}"
        )
    elif scan:
        command.scan(
            out, overwrite, seed, settings,
            rocks=rock or (), size=command.size_of(scan), workers=workers,
        )  # fmt: skip
        typer.echo(f"{out}: section_ppl.tif, section_xpl.tif, and the true shares in modes.csv")
    elif turn_stage:
        n = command.turn(out, overwrite, seed, settings, lights, command.angles_of(turn_stage))
        typer.echo(f"{out}: {n} frames, {' and '.join(f'{each}.webp' for each in lights)}")
    else:
        n = command.render(out, overwrite, seed, settings, workers, mask)
        typer.echo(f"{out}: {n} photos, photos.csv")


@app.command()
def check(
    path: Annotated[Path, typer.Argument(help="A folder, .zip or .tar.")],
    page: Annotated[Path, typer.Option(help="Page to write, with the photos concerned.")] = Path(
        "check.html"
    ),
    specimen_pattern: SpecimenPattern = None,
    light_pattern: LightPattern = "auto",
    angle_pattern: AnglePattern = "auto",
    rename: Rename = None,
    params: Annotated[Path, typer.Option(help="File with the ingest settings.")] = Path(
        "params.yaml"
    ),
) -> None:
    """Check a folder of photos for problems before training."""
    from thinsection.forecast.cost import told
    from thinsection.ingest.check import check_photos
    from thinsection.params import load_params

    asked = load_params(params)
    accepted = check_photos(
        path,
        page,
        asked.ingest,
        specimen_pattern,
        light_pattern,
        angle_pattern,
        labels=_renamings(rename),
        shortages=partial(shortages_of, params=asked),
        forecast=partial(told, params=asked),
    )
    if not accepted:
        raise SystemExit(1)


@app.command()
def join(
    folders: Annotated[
        list[Path], typer.Argument(help="Data sets; for a photo in several, the last one counts.")
    ],
    into: Annotated[Path, typer.Option(help="Folder to create.")],
    specimen_pattern: SpecimenPattern = None,
    light_pattern: LightPattern = "auto",
    angle_pattern: AnglePattern = "auto",
    rename: Rename = None,
) -> None:
    """Combine data sets into one, such as your photos and corrections of them."""
    from thinsection.ingest.join import join as join_folders

    labels = _renamings(rename)
    patterns = (specimen_pattern or None, light_pattern or None, angle_pattern or None)
    joined = join_folders(folders, into, *patterns, labels=labels)
    for part, n in joined.n_photos.items():
        left_out = joined.n_left_out[part]
        typer.echo(f"{part}: {n} photos" + (f", {left_out} without a label" * bool(left_out)))
    for name, old, new in joined.relabelled:
        typer.echo(f"{name}: was {old}, is {new}")
    typer.echo(f"{into}: {sum(joined.n_photos.values())} photos, photos.csv")


@app.command()
def chart(out: Annotated[Path, typer.Argument(help="File to write: .png, .pdf or .svg.")]) -> None:
    """Draw the Michel-Levy interference colour chart, to print on A4."""
    from thinsection.render.chart import write_chart

    write_chart(out)
    typer.echo(str(out))
