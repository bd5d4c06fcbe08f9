"""The model card: what a model is for and not for, how accurate and how uncertain it is."""

from typing import Any

import jinja2

from thinsection.dataset.extinction import BRIGHTEST, ONE_ANGLE

# what is given of a sample where it is not one light that ppl or xpl names
WAYS = {
    "": "only a photo in an unknown light is given",
    BRIGHTEST: "only the photo of the brightest angles is seen",
    ONE_ANGLE: "photos at one angle of the stage are given",
}
PAGE = """\
# {{ title }} for {{ classes | join(", ") }}

A classifier for photos of mineral thin sections, made by thinsection {{ versions.thinsection }}. It takes {% if lights %}the photos of one place, in {{ taken | map("default", "an unknown light", true) | join(" and ") }}{% if taken | length > 1 %} or in {{ "one of them" if taken | length == 2 else "some of them" }}{% endif %}{% if brightest in lights %}, at several angles of the stage or at one,{% endif %}{% else %}one photo{% endif %} and
gives a probability for each of {{ classes | length }} classes. Licence: {{ licence }}.

## What it was trained on

{{ n_photos }} photos{% if lights %} of {{ n_samples }} places{% endif %} of {{ n_specimens }} specimens, all photos of the comparison: \
{% for label, n in photos_of_class.items() %}{{ n }} of {{ label }}{{ ", " if not loop.last else "." }}{% endfor %}
Each was resized to {{ height }} x {{ width }} pixels ({{ fit }}).
{%- if deep_photos != "each" %}
Of photos with more than 8 bits a sample, {% if deep_photos == "specimen" %}those of a specimen share one scale{% elif deep_photos == "dataset" %}all share one scale, {% for kind, ends in deep_ranges.items() %}of {{ kind }} values {{ "%g" | format(ends[0]) }} to {{ "%g" | format(ends[1]) }}{{ ", " if not loop.last }}{% else %}though there were none{% endfor %}{% else %}the camera filled {{ deep_photos }} bits{% endif %}; `thinsection predict` scales new ones likewise.
{%- endif %} The model knows only the classes, the kind of photo and the
microscope of these photos.
{%- if contains %}

The model contains weights that were trained on other photos: {{ contains | join("; ") }}.
{%- endif %}

## What it must not be used for

- Photos unlike those: another magnification, light, preparation or camera; scans of whole slides; other
  materials. It still gives them a name. Heed "unlike anything seen", which catches some of them, not all.
- A mineral that is not among its classes: it will get the name of one that is. The table below says how
  often "unlike anything seen" warns of that.
- Decisions from a single photo where errors are costly. Use several photos of a specimen, and ask a petrographer.

## How accurate it is

| | |
|---|---|
| accuracy to expect on new specimens | {{ "%.3f" | format(ca) }} ({{ "%.0f" | format(100 * confidence) }} % interval {{ "%.3f" | format(ca_low) }} to {{ "%.3f" | format(ca_high) }}) |
| prediction sets should contain the true class for | {{ "%.0f" | format(100 * coverage) }} % of {{ unit }}s |
| ... and, on unseen specimens, contained it for | {{ "%.1f" | format(100 * measured_coverage) }} %, with {{ "%.2f" | format(mean_set_size) }} of {{ classes | length }} classes in a set |
| {{ unit }}s of known classes flagged as unlike anything seen | {{ "%.1f" | format(100 * false_alarms) }} % of those of unseen specimens |
| {{ unit }}s of a class that it never saw, flagged so | {% if found_unseen %}{{ "%.0f" | format(100 * found_unseen_mean) }} % on average: \
{% for label, share in found_unseen.items() %}{{ "%.0f" | format(100 * share) }} % of {{ label }}{{ ", " if not loop.last }}{% endfor %}\
{% else %}not measured: with fewer than three classes none can be left out{% endif %} |
{% for light, alone in by_lights.items() %}| accuracy where {{ ways.get(light, "only a photo in " ~ light ~ " is given") }} | {{ "%.3f" | format(alone.ca) }} in the comparison; prediction sets have {{ "%.2f" | format(alone.mean_set_size) }} classes and contained the true one for {{ "%.1f" | format(100 * alone.measured_coverage) }} % |
{% endfor %}| temperature that calibrates the probabilities | {{ "%.3f" | format(temperature) }} |
| largest difference between `model.onnx` and the classifier itself | {{ "%.1e" | format(largest_difference) }} in probability, over all training photos |

### Class by class

| class | specimens | {{ unit }}s that get its name | {{ unit }}s with its name that show it | sets contain it for | mostly taken for | mostly taken for it |
|---|---|---|---|---|---|---|
{% for label, each in by_class.items() %}| {{ label }} | {{ each.n_specimens }} | {{ each | share("recognised") }} | {{ each | share("right_when_named") }} | {{ "%.0f" | format(100 * each.covered) }} % | {{ each.taken_for or "-" }} | {{ each.taken_for_it or "-" }} |
{% endfor %}
On unseen specimens, with {{ "%.0f" | format(100 * confidence) }} % intervals. How many {{ unit }}s with a name show it depends on how frequent the classes are; here they are as frequent as in training.
{%- if n_compared > 1 and ca != ca_in_comparison %} Like the accuracy in the comparison, these figures are those of the best of many, and so a little too high: on average by {{ "%.2f" | format(ca_in_comparison - ca) }}.{% endif %}

## Where it is uncertain

- The accuracy was measured with models fitted on part of these photos, one for each fold. This model is fitted on all of them, so no
  photo is left to test it.
{%- if n_compared > 1 %}
- {% if ca != ca_in_comparison %}It was selected as the best of {{ n_compared }} on the same photos. Its accuracy there, {{ "%.3f" | format(ca_in_comparison) }}, \
is partly luck; the accuracy above is corrected for that (by the bootstrap of Tsamardinos et al. 2018).\
{% elif select == "best" %}It was selected from {{ n_compared }} models on the same photos, so its accuracy may be slightly too high.\
{% else %}The user chose it from the {{ n_compared }} models compared.{% endif %}
{%- endif %}
- Temperature, prediction sets and their coverage come from {{ n_specimens }} specimens; with few specimens they are rough.
- Errors are correlated between photos of one specimen.
{%- if found_unseen %}
- How often a class that it never saw is flagged was measured by leaving out each of its own, so a mineral that looks less like
  them than they look like each other is flagged more often, and one that looks more like them less often.
{%- endif %}
{%- if n_others %}
- {{ n_others }} rendered photos of other minerals served as examples of what is none of the classes.
{%- endif %}

## Files

`model.onnx`: from `uint8 ({{ "p" if lights else "n" }}, {{ height }}, {{ width }}, 3)` photos{% if lights %}, and `weights` `(n, {{ lights | length }}, p)` that say which photo shows which place in which light,{% endif %} {% if takes != "photos" %}(here from {{ takes.replace("+", " and their ").replace("colour_texture", "vectors of colour and texture") }}) {% endif %}to `probabilities` (calibrated) \
and `uncalibrated`, including the preprocessing{% if gives_embedding %}, and to the `embedding` that the flag judges by{% endif %}. `{{ weights | join("`, `") }}`: the classifier itself. `model.json`: everything
above, the parameters, versions and hashes. `reference.npz`: descriptions, names and thumbnails of {{ n_reference }} of the training photos;
bear that in mind before you share the folder.

ONNX Runtime 1.29 and newer reports its use to its maker. `thinsection` switches that off; if a program of your own runs
`model.onnx`, set `ORT_DISABLE_TELEMETRY=1` in the environment before it starts.

```
thinsection predict new-photos/ --model .
```
"""


def model_card(found: dict[str, Any], weights: list[str]) -> str:
    """The card as Markdown, from the content of model.json and the names of the weights files."""
    environment = jinja2.Environment(undefined=jinja2.StrictUndefined, keep_trailing_newline=True)
    environment.filters["share"] = _share
    return environment.from_string(PAGE).render(
        found,
        weights=weights,
        unit="sample" if found["lights"] else "photo",
        taken=[light for light in found["lights"] if light != BRIGHTEST],
        brightest=BRIGHTEST,
        ways=WAYS,
    )


def _share(of_class: dict[str, Any], name: str) -> str:
    """A share with its interval; a dash where there is none."""
    if of_class[name] is None:
        return "-"
    low, high = of_class[f"{name}_low"], of_class[f"{name}_high"]
    ends = "" if low is None else f" ({low:.2f} to {high:.2f})"
    return f"{of_class[name]:.2f}{ends}"
