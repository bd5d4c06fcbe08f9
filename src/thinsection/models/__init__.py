"""The families of classifiers, one module each."""

FAMILIES = {
    "fcnn": "thinsection.models.fcnn",
    "resnet": "thinsection.models.resnet",
    "baseline": "thinsection.models.baselines",
}
