"""``thinsection predict``: classifies any number of photos, a few at a time."""

import csv
import re
import warnings
from collections import Counter, deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType

import numpy as np
from PIL import Image

from thinsection.base.arrays import Bytes
from thinsection.base.cores import n_cores
from thinsection.base.errors import InputError
from thinsection.base.files import check_output, writing
from thinsection.dataset.extinction import BRIGHTEST
from thinsection.decode.deep import DeepScale
from thinsection.decode.photo import UnusablePhoto
from thinsection.ingest.deep_scales import by_specimen, range_if_readable
from thinsection.ingest.photo_table import as_cells
from thinsection.ingest.sources import TABLE
from thinsection.predict.folder import of_those_named
from thinsection.predict.new_photos import NewPhoto, matches, new_photos
from thinsection.predict.predictor import CHUNK, Answer, Predictor
from thinsection.predict.specimens import SpecimenAnswer, Specimens

AHEAD = 2  # chunks of photos started for each core while the answers to others are written
SHOWN = 40  # rows on the terminal; --csv writes all of them
OVERLAY_PX = 480  # least length of the longer side of a saved heat map

NOTES = "; "  # between the notes on one photo


@dataclass(frozen=True)
class Outcome:
    """
    What became of a photo, or of a sample of several: pixels and answer, or a reason.

    Attributes
    ----------
    photos : of a sample, for a model that takes samples; otherwise a single one
    pixels : of each of them; None if it can't be used
    notes : those of decoding, such as "first of 3 pictures in the file", and why a photo of the sample
        was left out
    """

    photos: tuple[NewPhoto, ...]
    pixels: tuple[Bytes | None, ...]
    answer: Answer | None
    reason: str
    notes: tuple[str, ...] = ()

    @property
    def used(self) -> list[tuple[NewPhoto, Bytes]]:
        """The photos that can be used, with their pixels."""
        pairs = zip(self.photos, self.pixels, strict=True)
        return [(photo, pixels) for photo, pixels in pairs if pixels is not None]

    @property
    def name(self) -> str:
        """The name of the file, or those of all files of the sample."""
        first, *others = (photo.name for photo in self.photos)
        return " + ".join([first, *(name.rpartition("/")[2] for name in others)])


def predict(
    given: list[str],
    model: Path,
    table: Path | None = None,
    heatmaps: Path | None = None,
    *,
    by_specimen: bool = False,
    light: str = "",
) -> int:
    """
    Classify photos; print the answers, and write the table and heat maps asked for.

    Parameters
    ----------
    given : files, folders, patterns, archives
    model : a model folder
    table : CSV to write, one row per photo (or specimen)
    heatmaps : folder for a heat map of each photo
    by_specimen : one answer for each specimen, from all of its photos
    light : of the photos of which nothing else says it

    Returns
    -------
    How many files could not be used; the table gives the reason for each.

    Raises
    ------
    InputError
        If the model or the input can't be used at all.
    """
    _check_outputs(given, table, heatmaps)
    predictor = Predictor.load(model)
    seen, broken = _Printed(predictor), 0
    specimens = Specimens(predictor.card.classes)
    with new_photos(given) as photos, warnings.catch_warnings(), ExitStack() as stack:
        warnings.simplefilter("ignore")  # of damaged files; what matters is in the table
        write = stack.enter_context(_rows(table, predictor, by_specimen))
        number = 0
        for outcome in outcomes(predictor, [_in_light(photo, light) for photo in photos]):
            broken += sum(pixels is None for pixels in outcome.pixels)
            if by_specimen:
                specimens.add(outcome.photos[0].specimen, outcome.answer, outcome.notes)
                seen.count_problem(outcome)
                continue
            write.photo(outcome)
            seen.photo(outcome)
            if heatmaps is not None:
                heatmaps.mkdir(parents=True, exist_ok=True)
                _save_heatmaps(heatmaps, number, outcome, predictor)
            number += len(outcome.photos)
        for each in specimens.answers() if by_specimen else ():
            write.specimen(each)
            seen.specimen(each)
    seen.finish(broken, table)
    return broken


def _in_light(photo: NewPhoto, light: str) -> NewPhoto:
    return replace(photo, light=photo.light or light)


def _save_heatmaps(folder: Path, number: int, outcome: Outcome, predictor: Predictor) -> None:
    """A heat map of each photo, for the answer that all photos of the sample give together."""
    for place, (photo, pixels) in enumerate(outcome.used):
        others = [(o, p.light) for n, (p, o) in enumerate(outcome.used) if n != place]
        label = outcome.answer.label if outcome.answer else None
        heat = predictor.heatmap(pixels, label, photo.light, others)
        overlay(pixels, heat).save(folder / file_name(number + place, photo.name))


def _check_outputs(given: list[str], table: Path | None, heatmaps: Path | None) -> None:
    """Stop before any work if an output can't be written, or would overwrite or join the photos."""
    if table is not None:
        check_output(table, "file", "--csv")
    if heatmaps is not None:
        check_output(heatmaps, "folder", "--heatmap")
    inputs = [path for name in given for path in matches(name)]
    if any(_same(table, file) for path in inputs for file in (path, path / TABLE)):
        raise InputError(f"--csv: {table} is one of the given files. Give another name.")
    if any(_same(heatmaps, path) for path in inputs):
        raise InputError(
            f"--heatmap: {heatmaps} is the folder of the given photos, and heat maps would be taken "
            "for photos there. Give another name."
        )


def _same(output: Path | None, given: Path) -> bool:
    return output is not None and output.exists() and given.exists() and output.samefile(given)


def scales_of_new(predictor: Predictor, photos: list[NewPhoto]) -> dict[str, DeepScale]:
    """
    Specimen -> the scale of its deep photos, from those given; empty unless training had it so.

    It takes a first pass over the files.
    """
    card = predictor.card
    if card.deep_photos != "specimen":
        return {}
    with ThreadPoolExecutor(n_cores()) as pool:
        readable = [photo for photo in photos if not photo.problem]
        found = pool.map(lambda p: range_if_readable(p.path, card.max_megapixels), readable)
        specimens = [photo.specimen for photo in readable]
        scales = by_specimen(list(found), specimens, "its specimen is unknown")
    return dict(zip(specimens, scales, strict=True))


def outcomes(predictor: Predictor, photos: list[NewPhoto]) -> Iterator[Outcome]:
    """
    The outcome for every photo, or for every sample where the model takes samples, in order.

    Each core processes whole chunks, from the files to the answers, so that no core waits for
    another; only a few chunks are in memory, however many photos there are.
    """
    cores = n_cores()
    samples = _samples(photos, together=bool(predictor.card.lights))
    size = max(1, min(CHUNK, -(-len(samples) // cores)))
    scales = scales_of_new(predictor, photos)
    begun: deque[Future[list[Outcome]]] = deque()
    with ThreadPoolExecutor(cores) as pool:
        for start in range(0, len(samples), size):
            begun.append(pool.submit(_outcomes, predictor, samples[start : start + size], scales))
            if len(begun) > AHEAD * cores:
                yield from begun.popleft().result()
        while begun:
            yield from begun.popleft().result()


def overlay(photo: Bytes, heatmap: Bytes) -> Image.Image:
    """The photo, grey where nothing rests on it, red where the name does."""
    height, width = photo.shape[:2]
    scale = max(1, -(-OVERLAY_PX // max(height, width)))
    size = width * scale, height * scale
    picture = Image.fromarray(photo).resize(size, Image.Resampling.BICUBIC)
    weight = Image.fromarray(heatmap).resize(size, Image.Resampling.BICUBIC)
    grey = Image.blend(picture.convert("L").convert("RGB"), picture, 0.35)
    red = Image.blend(picture, Image.new("RGB", size, (255, 40, 0)), 0.55)
    return Image.composite(red, grey, weight)


def file_name(number: int, name: str) -> str:
    """File name of a photo's heat map: unique by its number, and without path separators."""
    plain = re.sub(r"[^\w.-]+", "_", name.rpartition("/")[2])[-80:]
    return f"{number + 1:05}-{plain}.png"


def _samples(photos: list[NewPhoto], *, together: bool) -> list[tuple[NewPhoto, ...]]:
    """The photos by sample, in the order of the first of each; each alone if not together."""
    found: dict[object, list[NewPhoto]] = {}
    for number, photo in enumerate(photos):
        found.setdefault((together and photo.sample) or number, []).append(photo)
    return [tuple(sample) for sample in found.values()]


def _outcomes(
    predictor: Predictor, samples: list[tuple[NewPhoto, ...]], scales: dict[str, DeepScale]
) -> list[Outcome]:
    prepared = [
        [_prepared(predictor, photo, scales.get(photo.specimen)) for photo in photos]
        for photos in samples
    ]
    found = [
        Outcome(
            photos,
            tuple(pixels for pixels, _, _ in parts),
            None,
            next((reason for _, reason, _ in parts if reason), ""),
            tuple(note for _, _, notes in parts for note in notes),
        )
        for photos, parts in zip(samples, prepared, strict=True)
    ]
    if not predictor.card.lights:
        good = [pixels for outcome in found for _, pixels in outcome.used]
        answers = iter(predictor.answers(np.stack(good)) if good else [])
        return [replace(each, answer=next(answers)) if each.used else each for each in found]
    return [_answered(predictor, each, parts) for each, parts in zip(found, prepared, strict=True)]


def _answered(
    predictor: Predictor, outcome: Outcome, parts: list[tuple[Bytes | None, str, tuple[str, ...]]]
) -> Outcome:
    """The answer for a sample, from the photos of it that can be used."""
    if not outcome.used:
        return outcome
    lost = [
        f"{photo.name} not used: {reason}"
        for photo, (_, reason, _) in zip(outcome.photos, parts, strict=True)
        if reason
    ]
    lights = [photo.light for photo, _ in outcome.used]
    angles = [photo.angle_deg for photo, _ in outcome.used]
    photos, lights = predictor.with_brightest(
        np.stack([pixels for _, pixels in outcome.used]), lights, angles
    )
    missing = [light for light in predictor.card.lights if light not in lights]
    seen = ["at fewer than three known angles"] * (BRIGHTEST in missing)
    if others := [light for light in missing if light != BRIGHTEST]:
        seen.append(f"without {' and '.join(others)}")
    answer = predictor.answer_for_sample(photos, lights)
    return replace(outcome, answer=answer, reason="", notes=(*seen, *outcome.notes, *lost))


def _prepared(
    predictor: Predictor, photo: NewPhoto, scale: DeepScale | None
) -> tuple[Bytes | None, str, tuple[str, ...]]:
    """Pixels or a reason, and notes."""
    lights = predictor.card.lights
    if photo.problem:
        return None, photo.problem, ()
    try:
        pixels, notes = predictor.prepare_with_notes(photo.path, scale)
    except UnusablePhoto as error:
        return None, str(error), ()
    if lights and photo.light not in lights:
        return None, _without_light(photo.light, lights), ()
    return pixels, "", notes


def _without_light(light: str, lights: tuple[str, ...]) -> str:
    allowed = ", ".join(each or "unknown" for each in lights)
    what = f"light is {light}" if light else "light unknown: its name does not say ppl or xpl"
    return f"{what}; this model takes {allowed}. Rename it, or give --light"


class _rows:
    """The CSV file, written row by row; it appears complete or not at all."""

    def __init__(self, path: Path | None, predictor: Predictor, by_specimen: bool) -> None:
        self.path, self.classes = path, predictor.card.classes
        of_classes = [f"p_{label}" for label in self.classes]
        self.of_sample = ("lights",) if predictor.card.lights else ()
        self.columns = (
            [
                "specimen",
                "label",
                *of_classes,
                "n_photos",
                "n_unlike_anything",
                "n_problems",
                "notes",
            ]
            if by_specimen
            else [
                *("file", "specimen", *self.of_sample, "label", *of_classes, "prediction_set"),
                *("unlike_anything", "novelty", "problem", "notes"),
            ]
        )

    def __enter__(self) -> "_rows":
        self.stack = ExitStack()
        if self.path is not None:
            partial = self.stack.enter_context(writing(self.path))
            file = self.stack.enter_context(partial.open("w", encoding="utf-8", newline=""))
            self.writer = csv.writer(file, lineterminator="\n")
            self.writer.writerow(as_cells(self.columns))
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        where: TracebackType | None,
    ) -> None:
        self.stack.__exit__(kind, error, where)

    def photo(self, outcome: Outcome) -> None:
        if self.path is None:
            return
        answer = outcome.answer
        lights = "+".join(dict.fromkeys(photo.light for photo, _ in outcome.used))
        row = [outcome.name, outcome.photos[0].specimen, *[lights] * len(self.of_sample)]
        if answer is None:
            row += ["", *[""] * len(self.classes), "", "", ""]
            row += [outcome.reason, ""]
        else:
            chances = [f"{answer.probabilities[label]:.6f}" for label in self.classes]
            inside = "|".join(answer.prediction_set)
            unlike = int(answer.unlike_anything)
            row += [answer.label, *chances, inside]
            row += [str(unlike), f"{answer.novelty:.4f}", "", NOTES.join(outcome.notes)]
        self.writer.writerow(as_cells(row))

    def specimen(self, each: SpecimenAnswer) -> None:
        if self.path is None:
            return
        chances = [f"{each.probabilities[label]:.6f}" for label in self.classes]
        if not each.label:
            chances = [""] * len(self.classes)
        counts = map(str, (each.n_photos, each.n_unlike_anything, each.n_problems))
        notes = NOTES.join(each.notes)
        self.writer.writerow(as_cells([each.specimen, each.label, *chances, *counts, notes]))


class _Printed:
    """
    The answers as they are printed, then counts.

    On a terminal the first rows as a table as wide as it; elsewhere every row, whole, on a line of
    its own, its cells parted by tabs.
    """

    def __init__(self, predictor: Predictor) -> None:
        from rich.console import Console
        from rich.table import Table

        self.card = predictor.card
        self.table = Table(box=None, pad_edge=False)
        self.console = Console()
        self.labels: Counter[str] = Counter()
        self.n_rows = self.n_unlike = 0

    def photo(self, outcome: Outcome) -> None:
        answer = outcome.answer
        if not self.table.columns:
            percent = f"{100 * self.card.coverage:.0f} %"
            for name in ("photo", "name", "probability", f"one of these, {percent}", ""):
                self.table.add_column(name, overflow="fold")
        if answer is None:
            self._row(outcome.name, "-", "", "", f"not used: {outcome.reason}")
            return
        if (
            answer.unlike_anything
        ):  # probability and set hold only for photos like the training photos
            self.n_unlike += 1
            notes = ["unlike anything seen, may be none of the classes", *outcome.notes]
            self._row(outcome.name, f"{answer.label}?", "", "", NOTES.join(notes))
            return
        self.labels[answer.label] += 1
        self._row(
            outcome.name,
            answer.label,
            f"{answer.probabilities[answer.label]:.2f}",
            ", ".join(answer.prediction_set),
            NOTES.join(outcome.notes),
        )

    def specimen(self, each: SpecimenAnswer) -> None:
        if not self.table.columns:
            for name in ("specimen", "name", "probability", "photos", ""):
                self.table.add_column(name, overflow="fold")
        mostly_unlike = 2 * each.n_unlike_anything > each.n_photos
        self.labels[each.label] += bool(each.label) and not mostly_unlike
        self.n_unlike += each.n_unlike_anything
        unlike = [f"{each.n_unlike_anything} unlike anything seen"] * bool(each.n_unlike_anything)
        sure = each.label and not mostly_unlike
        self._row(
            each.specimen,
            (each.label or "-") + "?" * mostly_unlike,
            f"{each.probabilities[each.label]:.2f}" if sure else "",
            str(each.n_photos),
            NOTES.join([*unlike, *each.notes]),
        )

    def count_problem(self, outcome: Outcome) -> None:
        if outcome.reason:
            print(f"{outcome.name}: not used: {outcome.reason}")

    def finish(self, broken: int, table: Path | None) -> None:
        if self.table.rows:
            self.console.print(self.table)
        if self.console.is_terminal and self.n_rows > SHOWN:
            print(f"... and {self.n_rows - SHOWN} more; --csv FILE writes all of them")
        card = self.card
        named = ", ".join(f"{n} {label}" for label, n in self.labels.most_common() if n)
        print(
            f"{named or 'no photo classified'}; {self.n_unlike} unlike anything seen, "
            f"{broken} not used"
        )
        print(
            f"{card.title}: expect accuracy {card.ca:.2f} ({card.ca_low:.2f} to "
            f"{card.ca_high:.2f}) on new specimens, for photos like its {card.n_photos} training photos"
        )
        for label in self.labels:
            if promise := of_those_named(card.by_class, label):
                print(f"on unseen specimens, {promise}")
        if table is not None:
            print(f"Table: {table}")

    def _row(self, *cells: str) -> None:
        from rich.markup import escape

        self.n_rows += 1
        if not self.console.is_terminal:
            # a name may contain what would part lines or cells
            plain = [cell.replace("\t", r"\t").replace("\n", r"\n") for cell in cells]
            print("\t".join(plain).rstrip("\t"))
        elif self.n_rows <= SHOWN:
            self.table.add_row(*map(escape, cells))
