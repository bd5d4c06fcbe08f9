"""
New photos named by the model in ``models/final``, on ONNX Runtime: no torch, no scikit-learn.

::

    predictor = Predictor.load(Path("models/final"))
    photo = predictor.prepare(Path("new.jpg"))
    predictor.answers(photo[None])[0].label  # "olivine", for one
"""

from thinsection.predict.folder import ModelCard
from thinsection.predict.likeness import Neighbour
from thinsection.predict.predictor import Answer, Predictor

__all__ = ["Answer", "ModelCard", "Neighbour", "Predictor"]
