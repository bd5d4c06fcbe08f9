"""
Speed and memory of the renderer.

    python benchmarks/render.py            one core: a photo by size and by mineral
    python benchmarks/render.py steps      one core: the share of each step
    python benchmarks/render.py dataset    the default data set on all cores
    python benchmarks/render.py dataset 42 the same with 42 specimens of each mineral: 1,008 photos

A photo is one of a field in both lights, as by default, or of a field in one light only: a field is
made once, however many photos are taken of it. NumPy computes as it does for ``thinsection render``.
Times are of the processor (one core), so that other work on the machine counts less; the data
set's is by the clock.
"""

# ruff: noqa: E402 - NumPy is told how to compute before it is loaded
import cProfile
import pstats
import resource
import sys
import tempfile
import time
from pathlib import Path

from thinsection.console.arithmetic import same_arithmetic

same_arithmetic()

import numpy as np
from threadpoolctl import threadpool_limits

from thinsection.params import load_params
from thinsection.render.camera import jpeg
from thinsection.render.command import settings_of
from thinsection.render.dataset import photos_of, plan, specimen_of, write_dataset

SEED = 2021
MINERALS = ("augite", "biotite", "olivine", "plagioclase")
STEPS = {  # functions, whose times include those of the functions that they call
    "race of the grains": ["race.race"],
    "light": ["light.illuminate"],
    "smooth noise": ["fields.noise"],
    "cleavage and cracks": ["wear.add_cleavage_and_cracks"],
    "twins": ["twins.add_twins_and_zoning"],
    "inclusions and pits": ["flaws.stamp"],
    "camera and JPEG": ["camera.photograph", "camera.jpeg"],
}


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


def megabytes(whose=resource.RUSAGE_SELF):
    return resource.getrusage(whose).ru_maxrss / 1024


def one_core():
    for lights, what in (("together", "both lights"), ("apart", "one light")):
        print(f"fields in {what}, 275 x 183, ms a photo: median, 95th percentile")
        everything = []
        for mineral in MINERALS:
            settings = settings_of(
                minerals=[mineral], specimens=10, fields=2, width=275, height=183, lights=lights
            )
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


def steps():
    settings = settings_of(specimens=10, fields=1, width=275, height=183)
    times_ms(settings, 1)
    profile = cProfile.Profile()
    profile.runcall(times_ms, settings, 10)
    found = {}
    for (file, _, name), (*_, spent, _) in pstats.Stats(profile).stats.items():
        found[f"{Path(file).stem}.{name}"] = spent
    for step, functions in STEPS.items():
        share = sum(found[each] for each in functions) / found["render.times_ms"]
        print(f"  {step:20s} {share:5.0%}")


def dataset(specimens=None):
    params = load_params()
    settings = params.render
    if specimens:
        settings = settings.model_copy(update={"specimens": int(specimens)})
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        n = write_dataset(Path(folder) / "demo", params.seed, settings)
        spent = time.perf_counter() - start
    print(
        f"{n} photos in {spent:.1f} s by the clock, {1000 * spent / n:.0f} ms a photo, "
        f"peak of a worker {megabytes(resource.RUSAGE_CHILDREN):.0f} MB"
    )


if __name__ == "__main__":
    what, *options = sys.argv[1:] or ["one_core"]
    {"one_core": one_core, "steps": steps, "dataset": dataset}[what](*options)
