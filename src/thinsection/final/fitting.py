"""A classifier of any family, fitted once, and kept: what cross-validation throws away."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import relu

from thinsection.console.progress import progress
from thinsection.dataset.folds import Fold
from thinsection.dataset.reduction import reduced
from thinsection.evidence.runs import Run
from thinsection.examples.examples import Examples, as_vectors
from thinsection.families import baselines
from thinsection.families.fcnn import training as fcnn
from thinsection.families.resnet import training as resnet
from thinsection.learning.training import memory_told, prepare_device
from thinsection.params import Params


@dataclass(frozen=True)
class Fitted:
    """
    A fitted classifier.

    Attributes
    ----------
    model : a network that gives logits, on the CPU and in evaluation mode; or scikit-learn's
    features : ``photos`` for a network that takes (n, 3, height, width), else as in params.yaml
    height, width : to which photos are reduced first, where the features need that
    probabilities : (n_held_out, n_classes) of the fold's held-out photos, as cross-validation
        would have kept them
    """

    model: Any
    features: str
    height: int
    width: int
    probabilities: np.ndarray


def whole(n_photos: int, number: int) -> Fold:
    """All photos to learn from. They are also judged, to compare exports of the model with it."""
    rows = np.arange(n_photos)
    return Fold(repeat=0, fold=number, train=rows, held_out=rows)


def fit(run: Run, examples: Examples, fold: Fold, params: Params) -> Fitted:
    """The classifier of a run, fitted on one fold as its family does it in cross-validation."""
    fit_family = {"fcnn": _fit_fcnn, "resnet": _fit_resnet, "baseline": _fit_baseline}
    return fit_family[run.family](run.name, examples, fold, params)


class StandardisedFcnn(nn.Module):
    """One network out of a stack, which standardises its features itself."""

    mean: Tensor
    std: Tensor

    def __init__(self, stack: fcnn.StackedFcnn, standardised: fcnn.TrainingSet) -> None:
        super().__init__()
        self.register_buffer("mean", standardised.mean.cpu())
        self.register_buffer("std", standardised.std.cpu())
        # copies: the stack may go on learning
        weights = [weight.detach()[0].cpu().clone() for weight in stack.weights]
        self.weights = nn.ParameterList(weights)
        self.biases = nn.ParameterList([bias.detach()[0].cpu().clone() for bias in stack.biases])

    def forward(self, x: Tensor) -> Tensor:
        """(B, n_features) to logits (B, n_classes)."""
        x = (x - self.mean) / self.std
        last = len(self.weights) - 1
        for layer, (weight, bias) in enumerate(zip(self.weights, self.biases, strict=True)):
            x = torch.addmm(bias, x, weight)
            if layer < last:
                x = relu(x)
        return x


def _fit_fcnn(name: str, examples: Examples, fold: Fold, params: Params) -> Fitted:
    settings, model = params.fcnn, f"FCNN-{name}"
    with memory_told(model, settings.batch_size, "fcnn.width"):
        training = fcnn.start_training(name, examples, [fold], params)
        (standardised,) = training.sets
        kept, network = None, None
        with progress(model, settings.epochs) as report:
            while not all(training.ended):
                training.run_epoch()
                if training.probabilities[0] is not kept:  # the epoch that is kept so far
                    kept = training.probabilities[0]
                    network = StandardisedFcnn(training.networks, standardised)
                report.advance(_said(training.history[0][-1]))
    assert network is not None
    size = settings.photo_height, settings.photo_width
    return Fitted(network.eval(), settings.features, *size, training.probabilities[0])


def _fit_resnet(name: str, examples: Examples, fold: Fold, params: Params) -> Fitted:
    settings, model = params.resnet, f"ResNet-{name}"
    with (
        memory_told(model, settings.batch_size, "resnet.height and resnet.width"),
        progress(model, settings.epochs) as report,
    ):
        device = prepare_device(params.compute)
        photos = reduced(examples.photos.pixels, settings.height, settings.width)
        labels = torch.from_numpy(examples.photos.labels)
        network = resnet.new_network(int(name), photos, fold, len(examples.photos.classes), params)
        training = resnet.Training(name, network.to(device), fold, photos, labels, params)
        for _ in range(settings.epochs):
            for _ in training.steps():
                pass
            training.end_epoch()
            report.advance(_said(training.history[-1]))
    size = settings.height, settings.width
    return Fitted(network.cpu().eval(), "photos", *size, training.probabilities)


def _said(epoch: dict[str, float]) -> str:
    """A row of history in a few words; what it calls held out are the training photos here."""
    return (
        f"all photos, epoch {epoch['epoch']}, loss {epoch['train_loss']:.3f}, "
        f"accuracy {epoch['train_accuracy']:.3f}"
    )


def _fit_baseline(name: str, examples: Examples, fold: Fold, params: Params) -> Fitted:
    settings = params.baselines
    vectors = as_vectors(examples, settings, params.embedding)
    classifier = baselines.fitted(name, vectors, fold, params)
    probabilities = classifier.predict_proba(vectors.x[vectors.held_out_rows(fold)])
    size = settings.photo_height, settings.photo_width
    return Fitted(classifier, settings.features, *size, probabilities)
