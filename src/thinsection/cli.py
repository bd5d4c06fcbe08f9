"""The ``thinsection`` command. Heavy libraries are imported by the commands that need them."""

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from thinsection.base.errors import InputError, refusal
from thinsection.base.places import ENVIRONMENT, INGESTED, TABLES_FOLDER

if TYPE_CHECKING:
    import pandas as pd

    from thinsection.params import Params

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Fair comparison of image classifiers for photos of mineral thin sections.",
)


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


@app.command("params")
def check_params(
    file: Annotated[Path, typer.Argument(help="The file to check.")] = Path("params.yaml"),
) -> None:
    """Check params.yaml and list what `dvc repro` will run."""
    from thinsection.families import FAMILIES
    from thinsection.learning.environment import write_environment
    from thinsection.params import load_params
    from thinsection.render.minerals import check_minerals

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

        for problem in _shortages(read_table(ingested, PHOTOS), params):
            typer.echo(f"{ingested}, as last ingested: {problem}")


def _cost_here(params: "Params") -> list[str]:
    """What the comparison will take on this machine, and what would make it faster."""
    from thinsection.forecast import precision
    from thinsection.forecast.cost import n_photos_to_come, told

    n_photos = n_photos_to_come(params)
    return [*(told(n_photos, params) if n_photos else []), *precision.told(params)]


def _shortages(photos: "pd.DataFrame", params: "Params") -> list[str]:
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
        shortages=partial(_shortages, params=asked),
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


@app.command()
def chart(out: Annotated[Path, typer.Argument(help="File to write: .png, .pdf or .svg.")]) -> None:
    """Draw the Michel-Levy interference colour chart, to print on A4."""
    from thinsection.render.chart import write_chart

    write_chart(out)
    typer.echo(str(out))


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


def main() -> None:
    """Run the command; an ``InputError``, or a file refused, ends it with a message and exit code 1."""
    try:
        app()
    except InputError as error:
        typer.echo(f"ERROR: {error}", err=True)
        raise SystemExit(1) from None
    except OSError as error:  # for what no reader or writer expected
        message = refusal(error)
        if message is None:
            raise
        typer.echo(f"ERROR: {message}", err=True)
        raise SystemExit(1) from None
    except ModuleNotFoundError as error:
        if not error.name or error.name.startswith("thinsection"):
            raise
        typer.echo(
            f"ERROR: {error.name} is not installed, but this command needs the whole pipeline. "
            "Install it with `pip install 'thinsection[pipeline]'`.",
            err=True,
        )
        raise SystemExit(1) from None
