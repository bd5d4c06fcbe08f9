"""The model card: what a model is for, what it is not for, how good it is, where it is in doubt."""

from typing import Any

import jinja2

PAGE = """\
# {{ title }} for {{ classes | join(", ") }}

A classifier of photos of mineral thin sections, made by thinsection {{ versions.thinsection }}. It takes one photo and
gives a probability for each of {{ classes | length }} classes. Licence: {{ licence }}.

## What it was trained on

{{ n_photos }} photos of {{ n_specimens }} specimens, all that the comparison had: \
{% for label, n in photos_of_class.items() %}{{ n }} of {{ label }}{{ ", " if not loop.last else "." }}{% endfor %}
Each was brought to {{ height }} x {{ width }} pixels ({{ fit }}). It knows no other class, no other kind of photo and no other
microscope than these photos show.

## What it must not be used for

- Photos unlike those: another magnification, light, preparation or camera; scans of whole slides; other
  materials. It names them all the same. Heed "unlike anything seen", which catches some of them, not all.
- A mineral that is not among its classes: it will be called one that is.
- Decisions on one photo alone where an error has a price. Ask for several photos of a specimen, and for a petrographer.

## How good it is

| | |
|---|---|
| accuracy to expect on specimens that it has not seen | {{ "%.3f" | format(ca) }} ({{ "%.0f" | format(100 * confidence) }} % interval {{ "%.3f" | format(ca_low) }} to {{ "%.3f" | format(ca_high) }}) |
| prediction sets: asked to hold the true class for | {{ "%.0f" | format(100 * coverage) }} % of photos |
| ... and held it, on specimens not seen, for | {{ "%.1f" | format(100 * measured_coverage) }} %, with {{ "%.2f" | format(mean_set_size) }} of {{ classes | length }} classes in a set |
| photos of known classes called unlike anything seen | {{ "%.1f" | format(100 * false_alarms) }} % of those of specimens not seen |
| temperature that calibrates its probabilities | {{ "%.3f" | format(temperature) }} |
| `model.onnx` against the classifier itself, at most | {{ "%.1e" | format(largest_difference) }} of a probability, over all training photos |

## Where it is in doubt

- The accuracy is of models fitted on a part of these photos, one for each fold; this one is fitted on all of them, and no
  photo is left to judge it by.
{%- if n_compared > 1 %}
- {% if ca != ca_in_comparison %}It was chosen as the best of {{ n_compared }} by the same photos. Its figure there, {{ "%.3f" | format(ca_in_comparison) }}, \
owes something to luck; the accuracy above is what is left without it (by the bootstrap of Tsamardinos et al. 2018).\
{% elif select == "best" %}It was chosen out of {{ n_compared }} by the same photos, which may flatter its figure a little.\
{% else %}It was chosen by name out of {{ n_compared }} that were compared.{% endif %}
{%- endif %}
- Temperature, prediction sets and their coverage come from {{ n_specimens }} specimens; with few, they are rough.
- Predictions for photos of one specimen err together.

## Files

`model.onnx`: from `uint8 (n, {{ height }}, {{ width }}, 3)` photos {% if takes != "photos" %}(here from their {{ takes }} vectors) {% endif %}to `probabilities` (calibrated) \
and `uncalibrated`, with the preparation inside. `{{ weights }}`: the classifier itself. `model.json`: everything
above, the parameters, versions and hashes. `reference.npz`: descriptions, names and thumbnails of {{ n_reference }} of the training photos;
leave that in mind before you pass the folder on.

ONNX Runtime 1.29 and newer reports its use to its maker. `thinsection` switches that off; where a program of your own runs
`model.onnx`, set `ORT_DISABLE_TELEMETRY=1` in the environment before it starts.

```
thinsection predict new-photos/ --model .
```
"""


def model_card(found: dict[str, Any], weights: str) -> str:
    """The card as Markdown, from what model.json holds and the name of the file of weights."""
    environment = jinja2.Environment(undefined=jinja2.StrictUndefined, keep_trailing_newline=True)
    return environment.from_string(PAGE).render(found, weights=weights)
