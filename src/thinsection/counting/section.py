"""A section: its fields of view, each a photo, photos in several lights, or a scan."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from thinsection.base.errors import InputError
from thinsection.counting.pictures import PhotoPicture, Picture, open_picture
from thinsection.predict.folder import ModelCard
from thinsection.predict.new_photos import NewPhoto, new_photos


@dataclass(frozen=True)
class FieldOfView:
    """
    One place of a section, seen in one light or in several that are in register.

    Attributes
    ----------
    name : of its first file
    files : light -> file
    um_per_pixel : scale; None if it is unknown
    """

    name: str
    files: dict[str, Path]
    width: int
    height: int
    um_per_pixel: float | None
    is_scan: bool

    @contextmanager
    def pictures(self, max_megapixels: float) -> Iterator[dict[str, Picture]]:
        """Light -> picture, open for the duration of the block."""
        with ExitStack() as stack:
            yield {
                light: stack.enter_context(open_picture(path, path.name, max_megapixels))
                for light, path in self.files.items()
            }


@contextmanager
def fields_of_view(
    given: list[str], card: ModelCard, um_per_pixel: float | None, light: str
) -> Iterator[tuple[list[FieldOfView], list[str]]]:
    """
    The fields of a section, and why files were left out, for the duration of the block.

    Parameters
    ----------
    given : photos, folders, archives or scans, as ``predict`` takes them
    um_per_pixel : of all of them; None: what a scan itself says
    light : of the files of which nothing else says it

    Raises
    ------
    InputError
        If there is none that the model can take.
    """
    with new_photos(given) as photos:
        fields, problems = [], []
        for sample in _by_sample(photos, together=bool(card.lights)):
            try:
                fields.append(_field(sample, card, um_per_pixel, light))
            except InputError as error:
                problems.append(str(error))
        if not fields:
            raise InputError.of_all(f"{', '.join(given)}: nothing to count", problems)
        yield fields, problems


def _by_sample(photos: list[NewPhoto], *, together: bool) -> list[list[NewPhoto]]:
    found: dict[object, list[NewPhoto]] = {}
    for number, photo in enumerate(photos):
        found.setdefault((together and photo.sample) or number, []).append(photo)
    return list(found.values())


def _field(
    sample: list[NewPhoto], card: ModelCard, um_per_pixel: float | None, light: str
) -> FieldOfView:
    lights = card.lights or ("",)
    files: dict[str, Path] = {}
    for photo in sample:
        if photo.problem:
            raise InputError(f"{photo.name}: {photo.problem}")
        own = (photo.light or light) if card.lights else ""
        if own not in lights:
            with open_picture(photo.path, photo.name, card.max_megapixels):
                pass  # what is no picture at all is said so instead
            allowed = ", ".join(each or "unknown" for each in lights)
            what = f"light is {own}" if own else "light unknown: its name does not say ppl or xpl"
            raise InputError(
                f"{photo.name}: {what}; this model takes {allowed}. Rename it, or give --light."
            )
        files.setdefault(own, photo.path)  # the first, of several angles of the stage
    with ExitStack() as stack:
        opened = [
            stack.enter_context(open_picture(path, path.name, card.max_megapixels))
            for path in files.values()
        ]
        first = opened[0]
        for each in opened:
            if (each.width, each.height) != (first.width, first.height):
                raise InputError(
                    f"{sample[0].name}: {each.name} has {each.width} x {each.height} pixels, {first.name} "
                    f"{first.width} x {first.height}; photos of one place must be in register. Crop them alike."
                )
        return FieldOfView(
            sample[0].name,
            files,
            first.width,
            first.height,
            um_per_pixel or first.um_per_pixel,
            not isinstance(first, PhotoPicture),
        )
