"""What processes forked for a test have loaded already: seconds of imports, done once."""

import captum.attr  # noqa: F401

import thinsection.models.fcnn
import thinsection.models.resnet  # noqa: F401
from thinsection.vision import torchvision_models

torchvision_models()
