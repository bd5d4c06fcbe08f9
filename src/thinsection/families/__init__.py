"""
The families of classifiers.

A new one is a module or a folder here, an entry in ``FAMILIES``, a section of params.yaml and a
stage of dvc.yaml (CONTRIBUTING.md).
"""

from thinsection.families import average, baselines, fcnn, petrographic, resnet, transfer
from thinsection.families.family import Family

FAMILIES: dict[str, Family] = {
    "fcnn": fcnn.FAMILY,
    "resnet": resnet.FAMILY,
    "baseline": baselines.FAMILY,
    "petrographic": petrographic.FAMILY,
    "transfer": transfer.FAMILY,
    "average": average.FAMILY,
}
