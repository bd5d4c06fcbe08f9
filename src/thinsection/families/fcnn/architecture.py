"""The shape of fully connected networks."""

from dataclasses import dataclass
from typing import Literal

Initialisation = Literal["he", "glorot", "orthogonal", "default"]
Normalisation = Literal["none", "batch", "layer"]


@dataclass(frozen=True)
class Architecture:
    """
    The shape of a fully connected network, ReLU after every hidden layer.

    Attributes
    ----------
    depth : hidden layers
    width : neurons in each of them
    initialisation : of the weights; biases are zero.
        he: normal, variance 2 / n_in (He et al. 2015). glorot: uniform, variance 2 / (n_in + n_out)
        (Glorot and Bengio 2010), as scikit-learn's. orthogonal: times the square root of 2 (Saxe et al.
        2014). default: PyTorch's own, uniform, variance 1 / (3 n_in)
    normalisation : before each ReLU. batch: Ioffe and Szegedy 2015. layer: Ba et al. 2016
    shortcuts : from the second hidden layer on, every two layers are passed by (He et al. 2016): their
        input is added before the last ReLU. A layer left over has none.
    """

    depth: int
    width: int
    initialisation: Initialisation = "he"
    normalisation: Normalisation = "none"
    shortcuts: bool = False

    def joins(self, layer: int) -> bool:
        """Whether the shortcut of a block ends in hidden layer ``layer``, counted from 0."""
        return self.shortcuts and layer >= 2 and layer % 2 == 0

    def sizes(self, n_features: int, n_classes: int) -> list[int]:
        """Numbers of values before the first layer, between the layers, and after the last."""
        return [n_features, *[self.width] * self.depth, n_classes]
