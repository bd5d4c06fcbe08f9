"""
Classification of new photos by a model folder, with ONNX Runtime, without torch or scikit-learn.

::

    predictor = Predictor.load(Path("models/final"))
    photo = predictor.prepare(Path("new.jpg"))
    predictor.answers(photo[None])[0].label  # "olivine", for one
"""

from thinsection.predict.folder import ModelCard, of_those_named
from thinsection.predict.likeness import Neighbour
from thinsection.predict.predictor import Answer, Predictor

__all__ = ["Answer", "ModelCard", "Neighbour", "Predictor", "of_those_named"]
