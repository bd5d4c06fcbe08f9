"""Every family, on photos that are easy to tell apart."""

import numpy as np
import pytest
import torch

from thinsection.augment import stored_variants
from thinsection.crossval import cross_validate
from thinsection.dataset import Dataset, Variants
from thinsection.errors import InputError
from thinsection.examples import Examples, as_vectors
from thinsection.folds import Fold
from thinsection.models import FAMILIES
from thinsection.models.baselines import count_numbers, make_classifier
from thinsection.models.fcnn import StackedFcnn, Training, training_set
from thinsection.params import BASELINE_NAMES
from thinsection.seeds import torch_generator

RUNS = [("fcnn", "2"), ("resnet", "18"), *(("baseline", name) for name in BASELINE_NAMES)]


@pytest.fixture
def settings(tiny):
    """Enough epochs to learn bright from dark, and no more."""
    return tiny.model_copy(
        update={
            "fcnn": tiny.fcnn.model_copy(update={"epochs": 30, "batch_size": 8}),
            "resnet": tiny.resnet.model_copy(
                update={"epochs": 6, "height": 16, "width": 24, "batch_size": 4}
            ),
            "augment": tiny.augment.model_copy(update={"variants": 1}),
        }
    )


@pytest.fixture
def examples(easy_photos, settings) -> Examples:
    ids = easy_photos.table["photo_id"].tolist()
    chunks, _ = stored_variants(easy_photos.pixels, ids, settings.augment, 1, seed=0)
    return Examples(easy_photos, Variants(np.concatenate(list(chunks)), np.arange(24)))


@pytest.fixture
def folds() -> list[Fold]:
    """Two folds of four groups each; a group has three photos."""
    first, second = np.arange(12), np.arange(12, 24)
    return [Fold(0, 0, second, first), Fold(0, 1, first, second)]


@pytest.mark.parametrize(("family", "name"), RUNS)
def test_a_family_learns_easy_photos_and_gives_the_same_again(
    family, name, examples, folds, settings
):
    run, again = (
        cross_validate(FAMILIES[family].load(), name, examples, folds, settings) for _ in range(2)
    )
    table = run.predictions
    probabilities = table[["p_basalt", "p_chalk"]].to_numpy()
    assert sorted(table["photo_id"]) == sorted(examples.photos.table["photo_id"])
    assert np.allclose(probabilities.sum(axis=1), 1)
    assert (table["predicted"] == table["label"]).mean() >= 0.9
    of_true = np.where(table["label"] == "basalt", probabilities[:, 0], probabilities[:, 1])
    assert np.allclose(table["loss"], -np.log(np.maximum(of_true, 1e-15)))
    assert run.facts["n_parameters"] > 0
    assert table.equals(again.predictions)
    assert run.history.equals(again.history)


@pytest.mark.parametrize(("family", "name"), RUNS)
def test_held_out_labels_decide_nothing(family, name, examples, folds, settings):
    # another answer sheet for the photos that are held out: the same probabilities
    held_out = folds[0].held_out
    table = examples.photos.table.copy()
    flipped = table["label"].iloc[held_out].map({"basalt": "chalk", "chalk": "basalt"})
    table.loc[table.index[held_out], "label"] = flipped
    other = Examples(Dataset(examples.photos.pixels, table), examples.variants)
    before, after = (
        cross_validate(FAMILIES[family].load(), name, e, folds[:1], settings).predictions
        for e in (examples, other)
    )
    assert not before["label"].equals(after["label"])
    assert before["p_basalt"].equals(after["p_basalt"])


@pytest.mark.parametrize(("family", "name"), [("fcnn", "2"), ("resnet", "18")])
def test_history_has_every_epoch_of_every_fold(family, name, examples, folds, settings):
    run = cross_validate(FAMILIES[family].load(), name, examples, folds, settings)
    section = getattr(settings, family)
    for _, rows in run.history.groupby("fold"):
        assert rows["epoch"].tolist() == list(range(1, len(rows) + 1))
        assert len(rows) <= section.epochs
    assert run.history["held_out_accuracy"].between(0, 1).all()
    # the history ends with what the predictions hold
    if family == "resnet":
        assert len(run.heatmaps) == len(run.predictions)
    last = run.history.groupby("fold").tail(1).set_index("fold")["held_out_loss"]
    assert np.allclose(run.predictions.groupby("fold")["loss"].mean(), last, rtol=1e-4)


def test_variants_train_only_where_their_photo_trains_and_are_never_held_out(examples, folds):
    vectors = as_vectors(examples, _pixels(), None)
    for fold in folds:
        train, held_out = vectors.train_rows(fold), vectors.held_out_rows(fold)
        assert len(train) == 24  # 12 photos and the variant of each
        assert set(vectors.parents[train]) == set(fold.train)
        assert set(vectors.parents[held_out]) == set(fold.held_out)
        assert held_out.max() < 24
        assert not set(vectors.groups[train]) & set(vectors.groups[held_out])


def _pixels():
    from thinsection.params import VectorSettings

    return VectorSettings(features="pixels", photo_height=8, photo_width=12)


def test_standardisation_sees_the_training_fold_alone(examples, folds):
    vectors = as_vectors(examples, _pixels(), None)
    one = training_set(vectors, folds[0])
    assert torch.allclose(one.train.mean(0), torch.zeros(()), atol=1e-4)
    assert torch.allclose(one.train.std(0, correction=0), torch.ones(()), atol=1e-3)
    vectors.x[folds[0].held_out] += 100
    other = training_set(vectors, folds[0])
    assert torch.equal(one.train, other.train)
    assert not torch.equal(one.held_out, other.held_out)


def test_folds_side_by_side_learn_what_each_learns_alone(examples, folds, settings):
    vectors = as_vectors(examples, settings.fcnn, settings.embedding)
    uneven = [Fold(0, 0, np.arange(5, 24), np.arange(5)), folds[1]]

    def losses(some: list[Fold], n_steps: int) -> list[list[float]]:
        rngs = [torch_generator(0, "test", f.fold) for f in some]
        sets = [training_set(vectors, f) for f in some]
        networks = StackedFcnn(sets[0].train.shape[1], 16, 3, 2, rngs)
        training = Training(3, networks, some, sets, settings.fcnn, rngs)
        training.n_steps = n_steps
        for epoch in range(1, 6):
            training.run_epoch(epoch)
        return [[row["train_loss"] for row in rows] for rows in training.history]

    together = losses(uneven, 5)
    alone = [losses([fold], 5)[0] for fold in uneven]
    assert np.allclose(together, alone, rtol=1e-4)


def test_gradient_norms_are_those_of_each_network():
    # one sample x = 2, one linear layer, label 0 of two: logits 0, softmax (1/2, 1/2),
    # gradient of the loss in the weights = x * (p - y) = 2 * (-1/2, 1/2), norm sqrt(2)
    networks = StackedFcnn(1, 1, 0, 2, [torch.Generator().manual_seed(0)] * 3)
    for weight in networks.weights:
        torch.nn.init.zeros_(weight)
    logits = networks(torch.tensor([[[2.0]], [[4.0]], [[0.0]]]))
    labels = torch.zeros(3, dtype=torch.long)
    torch.nn.functional.cross_entropy(logits[:, 0], labels, reduction="sum").backward()
    assert torch.allclose(networks.gradient_norms()[:, 0], torch.tensor([2.0, 4.0, 0.0]) / 2**0.5)


def test_gradients_are_kept_for_every_layer(examples, folds, settings):
    run = cross_validate(FAMILIES["fcnn"].load(), "2", examples, folds, settings)
    assert set(run.gradients["layer"]) == {1, 2, 3}  # two hidden layers and the output
    assert (run.gradients["gradient_norm"] > 0).all()
    assert len(run.gradients) == 3 * len(run.history)


def test_depth_counts_hidden_layers():
    # 10 inputs, 4 hidden layers of 7, 3 classes: 11*7 + 3 * 8*7 + 8*3 weights and biases
    networks = StackedFcnn(10, 7, 4, 3, [torch.Generator().manual_seed(0)] * 2)
    assert networks.n_parameters_each == 11 * 7 + 3 * 8 * 7 + 8 * 3
    assert networks(torch.zeros(2, 5, 10)).shape == (2, 5, 3)


def test_weights_are_drawn_after_he():
    networks = StackedFcnn(800, 400, 2, 4, [torch.Generator().manual_seed(0)])
    assert networks.weights[0].std().item() == pytest.approx((2 / 800) ** 0.5, rel=0.02)
    assert networks.weights[1].std().item() == pytest.approx((2 / 400) ** 0.5, rel=0.02)
    assert all((bias == 0).all() for bias in networks.biases)


def test_training_ends_when_the_loss_falls_no_more(examples, folds, settings):
    # a learning rate at which nothing changes: the first epoch is the best, patience more follow
    still = settings.fcnn.model_copy(
        update={"learning_rate": 1e-12, "patience": 4, "epochs": 50, "tolerance": 0.01}
    )
    run = cross_validate(
        FAMILIES["fcnn"].load(), "2", examples, folds, settings.model_copy(update={"fcnn": still})
    )
    assert run.history.groupby("fold")["epoch"].max().tolist() == [5, 5]


@pytest.mark.parametrize(("family", "name"), [("fcnn", "2"), ("resnet", "18")])
def test_a_loss_that_is_no_number_stops_at_once(family, name, examples, folds, settings):
    section = getattr(settings, family).model_copy(update={"learning_rate": 1e30})
    wild = settings.model_copy(update={family: section})
    message = rf"-{name}, repeat 0, fold \d, epoch \d+: the training loss is (nan|inf) at learning rate 1e\+30.*Lower {family}\.learning_rate"
    with pytest.raises(InputError, match=message):
        cross_validate(FAMILIES[family].load(), name, examples, folds, wild)


def test_the_numbers_of_a_classifier_are_counted(settings):
    x = np.array([[0.0], [0.1], [1.0], [1.1]] * 3)
    y = np.array([0, 0, 1, 1] * 3)
    groups = np.arange(12)
    tree = make_classifier("decision_tree", settings.baselines, 0, y, groups).fit(x, y)
    # one cut (which feature, where) and two leaves with the share of one class each
    assert count_numbers(tree) == 2 * 1 + 2 * 1
    bayes = make_classifier("naive_bayes", settings.baselines, 0, y, groups).fit(x, y)
    assert count_numbers(bayes) == 4  # a mean and a variance of one feature in two classes


def test_the_margins_of_the_svm_are_calibrated_on_whole_groups(settings):
    y = np.array([0, 1] * 12)
    groups = np.repeat(np.arange(6), 4)
    svm = make_classifier("svm", settings.baselines, 0, y, groups)
    for train, held_out in svm.cv:
        assert not set(groups[train]) & set(groups[held_out])
