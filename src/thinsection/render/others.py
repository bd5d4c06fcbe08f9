"""Photos of minerals that are none of the demo's classes: what the final model doesn't know."""

from pathlib import Path

from thinsection.base.seeds import generator
from thinsection.render.dataset import write_dataset
from thinsection.render.minerals import MINERALS
from thinsection.settings import RenderSettings


def write_others(folder: Path, seed: int, settings: RenderSettings, *, workers: int = 0) -> int:
    """
    Render every mineral that the demo lacks, half as many photos of each, in specimens of their own.

    Parameters
    ----------
    settings : those of the demo photos, which these resemble in all but their minerals
    workers : processes; 0 for one per core. The bytes don't depend on it.

    Returns
    -------
    n_photos : number of photos written; 0, and an empty folder, if the demo has every mineral
    """
    lacking = [name for name in MINERALS if name not in settings.minerals]
    changes = {"minerals": lacking, "fields": -(-settings.fields // 2)}
    other_seed = int(generator(seed, "render", "others").integers(2**31))
    if not lacking:
        folder.mkdir(parents=True, exist_ok=True)
        return 0
    return write_dataset(folder, other_seed, settings.model_copy(update=changes), workers=workers)
