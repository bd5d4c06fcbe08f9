"""What processes forked for a test have loaded already: seconds of imports, done once."""

import captum.attr  # noqa: F401

import thinsection.families.fcnn.training
import thinsection.families.resnet.training  # noqa: F401
from thinsection.learning.examples.resnets import torchvision_models

torchvision_models()
