"""One field on a turning stage: extinction and pleochroism, frame by frame."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image

from thinsection.base.arrays import Bytes, Floats
from thinsection.base.files import writing_folder
from thinsection.render.camera import jpeg, photograph
from thinsection.render.dataset import disk_errors, specimen_of
from thinsection.render.field import (
    REFERENCE_UM_PER_PX,
    compose,
    draw_defocus,
    field_generator,
    scale_of,
)
from thinsection.render.light import illuminate
from thinsection.render.scene import Scene
from thinsection.render.specimen import Specimen
from thinsection.settings import RenderSettings

FRAME_MS = 120


def write_turn(
    folder: Path,
    seed: int,
    settings: RenderSettings,
    lights: Sequence[str],
    angles_deg: Sequence[float],
) -> int:
    """
    Write frames of the first mineral's first field, and an animated WebP, in each light.

    Returns
    -------
    n_frames : number of frames written
    """
    specimen = specimen_of(seed, settings.minerals[0], 0, settings)
    # no automatic exposure, which would compensate for the darkening of the field
    specimen = replace(specimen, camera=replace(specimen.camera, automatic=0.0))
    rows = []
    with disk_errors(folder), writing_folder(folder) as partial:
        scene = round_scene(specimen, settings)
        for light in lights:
            frames = []
            for angle in angles_deg:
                frames.append(turned_photo(scene, settings, light, angle))
                name = f"{light}-{angle:05.1f}.jpg"
                (partial / name).write_bytes(jpeg(frames[-1], specimen.camera.quality))
                rows.append(f"{name},{light},{angle:g}\n")
            _write_animation(partial / f"{light}.webp", frames)
        (partial / "turn.csv").write_text(
            "file,light,stage_deg\n" + "".join(rows), encoding="utf-8", newline="\n"
        )
    return len(rows)


def round_scene(specimen: Specimen, settings: RenderSettings) -> Scene:
    """A square field, large enough that no rotation shows its edge."""
    side = int(np.ceil(np.hypot(settings.width, settings.height))) + 2
    px_per_um = scale_of(settings.width, settings.height)
    share = (settings.share[0], settings.share[1])
    return compose(specimen, 0, (side, side), px_per_um, share)


def turned_photo(scene: Scene, settings: RenderSettings, light: str, angle_deg: float) -> Bytes:
    """
    (height, width, 3) uint8 photo after the stage was turned clockwise by ``angle_deg``.

    In the crystals' frame the polarisers turn the other way; the resulting image is rotated last.
    """
    camera, crossed = scene.specimen.camera, light == "xpl"
    rng = field_generator(scene.specimen, 0, "turn")
    polariser = np.radians(camera.polariser_deg - angle_deg)
    lit = illuminate(scene, camera.matrix, float(polariser), crossed, draw_defocus(rng))
    turned = turned_field(lit, angle_deg, settings.width, settings.height)
    return photograph(turned, camera, crossed, scene.px_per_um * REFERENCE_UM_PER_PX, rng)


def turned_field(light: Floats, angle_deg: float, width: int, height: int) -> Floats:
    """(height, width, 3) the middle of ``light``, turned clockwise about its centre."""
    cos, sin = np.cos(np.radians(angle_deg)), np.sin(np.radians(angle_deg))
    middle_y, middle_x = light.shape[0] / 2, light.shape[1] / 2
    # from output to input pixel, the inverse rotation; Pillow counts from pixel corners
    matrix = (
        cos,
        sin,
        middle_x - cos * width / 2 - sin * height / 2,
        -sin,
        cos,
        middle_y + sin * width / 2 - cos * height / 2,
    )
    how = (Image.Transform.AFFINE, matrix, Image.Resampling.BICUBIC)
    channels = [
        np.asarray(Image.fromarray(np.ascontiguousarray(c)).transform((width, height), *how))
        for c in np.moveaxis(light, -1, 0)
    ]
    turned: Floats = np.maximum(np.stack(channels, axis=-1), 0)
    return turned


def _write_animation(path: Path, frames: list[Bytes]) -> None:
    first, *others = [Image.fromarray(frame) for frame in frames]
    first.save(
        path, "WEBP", save_all=True, append_images=others, duration=FRAME_MS, loop=0, quality=80
    )
