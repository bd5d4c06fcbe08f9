"""
Whether the intervals of `thinsection count` hold the true share of each mineral, on rendered sections.

    python benchmarks/modes.py MODEL [--sections 200] [--points 500] [--rock granite ...]

MODEL is a model folder that was trained on windows of such rocks (docs/how-much.md), of other seeds than here. Each
section has ten fields of 1.65 x 1.1 mm, whose mineral maps say the truth. Compared are the model's names
taken as they are, the same corrected for the model's errors, a tenth of the points named by hand beside the
model, as many alone, and all points named by hand. For minerals above 2 % of the area: how often the 95 %
intervals hold the truth, how wide they are, and how far off the estimates.
"""

import argparse
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd
from PIL import Image

from thinsection.base.cores import n_cores
from thinsection.base.seeds import generator
from thinsection.base.workers import worker_processes
from thinsection.counting.count import Named, name_points, of_classes, shares_of, with_unlike
from thinsection.counting.errors import read_errors
from thinsection.counting.section import fields_of_view
from thinsection.counting.shares import Shares, by_hand, by_hand_alone, strata_of, wanted_by_hand
from thinsection.params import load_params
from thinsection.predict.predictor import Predictor
from thinsection.render.sections import draw_section, modes_of, section_field, um_per_pixel_of
from thinsection.render.texture import HOLE, HOLE_NAME, SPECIES

SEED, FIELDS, SIZE = 9000, 10, (550, 366)
ROCKS = ("granite", "granodiorite", "syenite", "diorite", "gabbro", "norite")
GRAINS_UM = [80.0, 250.0]
LEAST_SHARE, CONFIDENCE = 0.02, 0.95


def measured(job: tuple[Path, str, int, int]) -> list[dict[str, object]]:
    """One section: for each way of counting and mineral, whether the interval holds, its width, the error."""
    folder, rock, number, n_points = job
    predictor = Predictor.load(folder)
    errors = read_errors(folder, predictor.card)
    settings = load_params().render.model_copy(update={"grain_radius_um": GRAINS_UM})
    section = draw_section(SEED, rock, number, settings)
    with TemporaryDirectory() as place:
        maps, counts = [], np.zeros(HOLE + 1, int)
        for k in range(FIELDS):
            field = section_field(section, k, *SIZE)
            for light, photo in field.photos.items():
                Image.fromarray(photo).save(Path(place) / f"{k:02d}_{light}.png")
            maps.append(field.minerals)
            counts += np.bincount(field.minerals.ravel(), minlength=HOLE + 1)
        with fields_of_view([place], predictor.card, um_per_pixel_of(*SIZE), "") as (
            fields,
            _,
        ):
            named = name_points(predictor, fields, n_points, "random", SEED + number)
    names = [*SPECIES, HOLE_NAME]
    at = zip(named.points.field, named.points.x, named.points.y, strict=True)
    true = np.array([named.classes.index(names[maps[f][y, x]]) for f, x, y in at])
    truth = modes_of(counts)
    rows = []
    for n in (100, n_points):
        some = generator(SEED, "some", number, n).permutation(len(true))[:n]
        for way, shares in counted(part_of(named, some), true[some], errors, number).items():
            low, high = shares.interval(CONFIDENCE)
            for k, name in enumerate(shares.classes):
                share = truth.get(name, 0.0)
                if share > LEAST_SHARE:
                    held = bool(low[k] <= share <= high[k])
                    rows.append(
                        {
                            "section": number,
                            "rock": rock,
                            "mineral": name,
                            "points": n,
                            "way": way,
                            "held": held,
                        }
                        | {"width": high[k] - low[k], "error": abs(shares.share[k] - share)}
                    )
    right = float(np.mean((named.label == true)[~named.unlike]))
    rows.append(
        {
            "section": number,
            "rock": rock,
            "way": "right",
            "error": right,
            "width": float(named.unlike.mean()),
        }
    )
    return rows


def part_of(named: Named, rows: np.ndarray) -> Named:
    """Some of the points."""
    points = replace(
        named.points, field=named.points.field[rows], x=named.points.x[rows], y=named.points.y[rows]
    )
    sets = [named.sets[row] for row in rows]
    return replace(
        named, points=points, label=named.label[rows], probability=named.probability[rows], sets=sets,
        unlike=named.unlike[rows],
    )  # fmt: skip


def counted(named: Named, true: np.ndarray, errors: np.ndarray, seed: int) -> dict[str, Shares]:
    """Each way of counting."""
    rng = generator(SEED, "counted", seed, len(true))
    tenth = max(len(true) // 10, 1)
    label = with_unlike(named)
    strata = strata_of(label, named.probability)
    looked = wanted_by_hand(strata, named.probability, tenth, rng)
    seen = np.full(len(true), -1)
    seen[looked] = true[looked]
    alone = rng.permutation(true)[:tenth]
    kept = replace(named, unlike=np.zeros(len(true), bool))
    some = {
        "a tenth by hand beside the model": by_hand(named.classes, label, strata, seen, rng),
        "names as they are": by_hand_alone(named.classes, named.label[~named.unlike], rng),
        "a tenth by hand alone": by_hand_alone(named.classes, alone, rng),
        "all by hand": by_hand_alone(named.classes, true, rng),
    }
    return {
        "corrected": shares_of(named, errors, as_fields=False, seed=seed),
        "corrected, no point set aside": shares_of(kept, errors, as_fields=False, seed=seed),
        **{way: of_classes(shares, named.of_minerals) for way, shares in some.items()},
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", type=Path)
    parser.add_argument("--sections", type=int, default=200)
    parser.add_argument("--points", type=int, default=500)
    parser.add_argument("--rock", action="append")
    asked = parser.parse_args()
    rocks = asked.rock or ROCKS
    jobs = [(asked.model, rocks[k % len(rocks)], k, asked.points) for k in range(asked.sections)]
    with worker_processes(n_cores()) as pool:
        found = [row for rows in pool.map(measured, jobs, chunksize=2) for row in rows]
    table = pd.DataFrame(found)
    right = table[table["way"] == "right"]
    print(
        f"{asked.sections} sections; the model is right about {right['error'].mean():.3f} of the points "
        f"(from section to section {right['error'].std():.3f}), and sets {right['width'].mean():.3f} aside"
    )
    table = table[table["way"] != "right"]
    print(f"{'points':>6}  {'way':<34} {'held':>6} {'least':>6} {'width':>6} {'error':>6}")
    for (n, way), rows in table.groupby(["points", "way"], sort=False):
        by_mineral = rows.groupby("mineral")["held"].agg(["mean", "size"])
        least = by_mineral[by_mineral["size"] >= 20]["mean"].min()
        held, width, error = (rows[name].mean() for name in ("held", "width", "error"))
        print(f"{n:>6.0f}  {way:<34} {held:>6.3f} {least:>6.3f} {width:>6.3f} {error:>6.3f}")
    print("\nby mineral, all points, held: corrected, a tenth by hand beside the model")
    most = table[table["points"] == asked.points]
    both = most.pivot_table("held", "mineral", "way", observed=True)
    print(both[["corrected", "a tenth by hand beside the model"]].round(3).to_string())


if __name__ == "__main__":
    main()
