"""
Speed and memory of the renderer.

    python benchmarks/render.py            one core: a photo by size and by mineral
    python benchmarks/render.py dataset    the default data set on all cores

Times are of the processor (one core), so that other work on the machine counts less; the data
set's is by the clock.
"""

import resource
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from threadpoolctl import threadpool_limits

from thinsection.params import load_params
from thinsection.render.camera import jpeg
from thinsection.render.command import settings_of
from thinsection.render.dataset import photos_of, plan, specimen_of, write_dataset

SEED = 2021


def times_ms(settings, n):
    """Processor time a photo of the first ``n`` fields of every mineral, specimen and JPEG included."""
    shots = [
        shot for shot in plan(SEED, settings) if shot.specimen * settings.fields + shot.field < n
    ]
    spent = []
    with threadpool_limits(1):
        for shot in [shots[0], *shots]:  # the first fills caches and is not counted
            start = time.process_time()
            specimen = specimen_of(SEED, shot.label, shot.specimen, settings)
            photos = photos_of(shot, specimen, settings)
            for photo in photos:
                jpeg(photo.pixels, specimen.camera.quality)
            spent.append(1000 * (time.process_time() - start) / len(photos))
    return np.array(spent[1:])


def megabytes():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def one_core():
    print("by mineral, 275 x 183, ms a photo: median, 95th percentile")
    everything = []
    for mineral in ("augite", "biotite", "olivine", "plagioclase"):
        settings = settings_of(minerals=[mineral], specimens=10, fields=2, width=275, height=183)
        spent = times_ms(settings, 20)
        everything.extend(spent)
        print(f"  {mineral:12s} {np.median(spent):6.0f} {np.percentile(spent, 95):6.0f}")
    print(f"  {'all':12s} {np.median(everything):6.0f} {np.percentile(everything, 95):6.0f}")
    print("by size, olivine: ms a photo, ns a pixel, peak MB")
    for width, height in (
        (138, 92),
        (275, 183),
        (550, 366),
        (1100, 732),
        (2200, 1464),
        (4000, 3000),
    ):
        settings = settings_of(
            minerals=["olivine"], specimens=3, fields=1, width=width, height=height
        )
        spent = np.median(times_ms(settings, 3 if width < 2000 else 1))
        per_pixel = 1e6 * spent / (width * height)
        print(f"  {width:4d} x {height:4d} {spent:8.0f} {per_pixel:6.0f} {megabytes():6.0f}")


def dataset():
    params = load_params()
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        n = write_dataset(Path(folder) / "demo", params.seed, params.render)
        spent = time.perf_counter() - start
    print(f"{n} photos in {spent:.1f} s by the clock, {1000 * spent / n:.0f} ms a photo")


if __name__ == "__main__":
    dataset() if sys.argv[1:] == ["dataset"] else one_core()
