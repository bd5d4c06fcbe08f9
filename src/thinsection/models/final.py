"""A classifier of any family, fitted once, and kept: what cross-validation throws away."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import relu

from thinsection.examples import Examples, as_vectors
from thinsection.folds import Fold
from thinsection.models import baselines, fcnn, resnet
from thinsection.params import Params
from thinsection.progress import progress
from thinsection.reduction import reduced
from thinsection.runs import Run
from thinsection.seeds import generator, torch_generator
from thinsection.training import prepare_device


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

    def __init__(self, stack: fcnn.StackedFcnn, mean: np.ndarray, std: np.ndarray) -> None:
        super().__init__()
        self.register_buffer("mean", torch.from_numpy(mean))
        self.register_buffer("std", torch.from_numpy(std))
        self.weights = nn.ParameterList([weight.detach()[0].cpu() for weight in stack.weights])
        self.biases = nn.ParameterList([bias.detach()[0].cpu() for bias in stack.biases])

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
    device = prepare_device(params.compute)
    settings, depth = params.fcnn, int(name)
    vectors = as_vectors(examples, settings, params.embedding)
    sets = [fcnn.training_set(vectors, fold).to(device)]
    rngs = [torch_generator(params.seed, "fcnn", depth, fold.repeat, fold.fold)]
    n_features, n_classes = vectors.x.shape[1], len(examples.photos.classes)
    networks = fcnn.StackedFcnn(n_features, settings.width, depth, n_classes, rngs).to(device)
    training = fcnn.Training(depth, networks, [fold], sets, settings, rngs)
    with progress(f"FCNN-{name}", settings.epochs) as report:
        for epoch in range(1, settings.epochs + 1):
            training.run_epoch(epoch)
            report.advance(training.status(epoch))
            if all(training.ended):
                break
    mean, std = fcnn.standardisation(vectors.x[vectors.train_rows(fold)])
    network = StandardisedFcnn(networks, mean, std).eval()
    size = settings.photo_height, settings.photo_width
    return Fitted(network, settings.features, *size, training.probabilities[0])


def _fit_resnet(name: str, examples: Examples, fold: Fold, params: Params) -> Fitted:
    device = prepare_device(params.compute)
    settings = params.resnet
    photos = reduced(examples.photos.pixels, settings.height, settings.width)
    labels = torch.from_numpy(examples.photos.labels)
    n_classes = len(examples.photos.classes)
    network = resnet.new_network(int(name), photos, fold, n_classes, params).to(device)
    training = resnet.Training(name, network, fold, photos, labels, params)
    with progress(f"ResNet-{name}", settings.epochs) as report:
        for epoch in range(1, settings.epochs + 1):
            report.advance(training.run_epoch(epoch))
    network = network.cpu().eval()
    return Fitted(network, "photos", settings.height, settings.width, training.probabilities)


def _fit_baseline(name: str, examples: Examples, fold: Fold, params: Params) -> Fitted:
    settings = params.baselines
    vectors = as_vectors(examples, settings, params.embedding)
    train = vectors.train_rows(fold)
    labels, groups = vectors.labels[train], vectors.groups[train]
    state = int(generator(params.seed, "baseline", name, fold.repeat, fold.fold).integers(2**31))
    classifier = baselines.make_classifier(name, settings, state, labels, groups)
    classifier.fit(vectors.x[train], labels)
    probabilities = classifier.predict_proba(vectors.x[vectors.held_out_rows(fold)])
    size = settings.photo_height, settings.photo_width
    return Fitted(classifier, settings.features, *size, probabilities)
