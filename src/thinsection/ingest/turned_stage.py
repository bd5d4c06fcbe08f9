"""What a turned stage adds to a sample: a photo of each pixel at its brightest angle."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from PIL import Image

from thinsection.base.arrays import Bytes
from thinsection.dataset.extinction import BRIGHTEST, brightest_photo, fits_extinction
from thinsection.dataset.registration import Registered, registered, way_of_turning
from thinsection.ingest.doubts import Doubt
from thinsection.ingest.pack import PackSettings, Scratch, pixel_hash
from thinsection.settings import Registration

LOOKED_AT = 24  # samples that tell how the photos of a data set are turned
SHIFTED_PX = 1.0  # a greater shift of the middle sample is worth a warning
SHOWN = 5  # names in a sentence


@dataclass(frozen=True)
class TurnedStage:
    """
    The photos of brightest angles of a data set.

    Attributes
    ----------
    photos : rows of photos.csv
    pixels : one for each row, (height, width, 3) uint8
    way : how the photos are turned, one of ``registration.WAYS``; None: they are left as they are
    doubts : samples whose photos don't lie on each other
    told : what was made, in lines for people
    """

    photos: pd.DataFrame
    pixels: list[Bytes]
    way: int | None
    doubts: list[Doubt]
    told: list[str]


@dataclass(frozen=True)
class _Stack:
    """The photos of a sample between crossed polarisers."""

    sample: str
    rows: pd.DataFrame
    photos: Bytes
    angles_deg: list[float]


def turned_stage(
    photos: pd.DataFrame,
    scratch: Scratch,
    rows: list[int],
    settings: PackSettings,
    registration: Registration,
) -> TurnedStage:
    """
    A photo for each sample with enough angles between crossed polarisers: each pixel at its brightest.

    It shows the interference colours of all grains at once, also of those that are extinct in one photo or
    another. Measured against photos of amplitude and angle in docs/training.md.

    Parameters
    ----------
    photos : rows of photos.csv
    rows : of each of these photos in the scratch file
    registration : see ``IngestSettings``
    """
    place = dict(zip(photos["photo_id"], rows, strict=True))
    crossed = photos[(photos["light"] == "xpl") & photos["angle"].notna()]
    crossed = crossed.sort_values(["angle", "photo_id"], kind="stable")
    stacks = [
        (str(sample), members)
        for sample, members in crossed.groupby("sample", sort=True)
        if fits_extinction(members["angle"].tolist())
    ]
    if not stacks:
        return TurnedStage(photos.iloc[:0], [], None, [], [])

    def read(sample: str, members: pd.DataFrame) -> _Stack:
        found = scratch.read_pixels([place[each] for each in members["photo_id"]], settings)
        return _Stack(sample, members, found, members["angle"].tolist())

    some = [read(*stacks[n]) for n in range(0, len(stacks), -(-len(stacks) // LOOKED_AT))]
    turned, doubts = _turning(some, registration)
    made, pixels, moved, lost = [], [], [], []
    for sample, members in stacks:
        stack = read(sample, members)
        if turned is not None:
            found = registered(stack.photos, stack.angles_deg, turned)
            if not found.succeeded:
                lost.append(stack.sample)
                doubts.append(_out_of_register(stack, found))
                continue
            moved.append(found)
            stack = _Stack(stack.sample, stack.rows, found.photos, stack.angles_deg)
        pixels.append(
            brightest_photo(stack.photos, stack.angles_deg, settings.height, settings.width)
        )
        made.append(_row(stack, pixel_hash(Image.fromarray(pixels[-1]))))
    table = pd.DataFrame(made, columns=list(photos.columns)).astype(photos.dtypes.to_dict())
    return TurnedStage(table, pixels, turned, doubts, _told(len(made), turned, moved, lost))


def _turning(some: list[_Stack], registration: Registration) -> tuple[int | None, list[Doubt]]:
    """How the photos are to be put in register; or that they should be, which is not done."""
    if registration == "shifts":
        return 0, []
    way = way_of_turning((stack.photos, stack.angles_deg) for stack in some)
    if registration == "turns":
        return way, []
    if way:
        return None, [
            Doubt(
                "photos turned",
                some[0].rows["photo_id"].iloc[0],
                "photos between crossed polarisers seem to be turned with the stage, so they don't lie "
                "on each other pixel by pixel. Set ingest.registration to turns",
            )
        ]
    shifts = [registered(stack.photos, stack.angles_deg, 0).shift_px for stack in some]
    if np.median(shifts) <= SHIFTED_PX:
        return None, []
    return None, [
        Doubt(
            "photos shifted",
            some[0].rows["photo_id"].iloc[0],
            f"photos of one sample at several angles are shifted, by {np.median(shifts):.1f} pixels in "
            "the middle sample. Set ingest.registration to shifts",
        )
    ]


def _out_of_register(stack: _Stack, found: Registered) -> Doubt:
    return Doubt(
        "angles out of register",
        stack.rows["photo_id"].iloc[0],
        f"the {len(stack.rows)} photos of {stack.sample} at several angles don't lie on each other "
        f"({found.residual_px:.1f} pixels are left), so no photo of the brightest angles is made of them. "
        "Take them of one place, or leave the angles empty",
    )


def _row(stack: _Stack, sha256: str) -> dict[str, object]:
    first = stack.rows.iloc[0]
    made = {
        "photo_id": f"{stack.sample} ({BRIGHTEST})",
        "file": "",
        "light": BRIGHTEST,
        "angle": float("nan"),
        "sha256": sha256,
    }
    return {str(name): value for name, value in first.items()} | made


def _told(n: int, turned: int | None, moved: list[Registered], lost: list[str]) -> list[str]:
    lines = [f"A photo of the brightest angles was made of {n} samples, as a light of its own."]
    if turned is not None:
        ways = {0: "not turned", 1: "turned clockwise with the stage"}
        shift = max((each.shift_px for each in moved), default=0.0)
        left = max((each.residual_px for each in moved), default=0.0)
        lines.append(
            f"Photos at several angles are {ways.get(turned, 'turned counter-clockwise with the stage')}; "
            f"put in register, by up to {shift:.1f} pixels, with at most {left:.1f} left."
        )
    if lost:
        more = f" and {len(lost) - SHOWN} more" if len(lost) > SHOWN else ""
        lines.append(f"Out of register: {', '.join(lost[:SHOWN])}{more}.")
    return lines
