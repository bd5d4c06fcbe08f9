"""Every family, on photos that are easy to tell apart."""

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from modelling import cross_validated, with_features
from thinsection.base.errors import InputError
from thinsection.base.seeds import torch_generator
from thinsection.dataset.folds import Fold
from thinsection.dataset.packed import Dataset, Variants
from thinsection.families import petrographic
from thinsection.families.baselines import NAMES, make_classifier
from thinsection.families.fcnn.architecture import Architecture
from thinsection.families.fcnn.networks import StackedFcnn
from thinsection.families.fcnn.training import FcnnTraining, start_training, training_set
from thinsection.families.resnet.training import recipe_of
from thinsection.families.scikit_learn import TrainingPart, count_numbers
from thinsection.learning.crossval import CrossValidation
from thinsection.learning.examples.augment import stored_variants
from thinsection.learning.examples.examples import Examples, as_vectors
from thinsection.learning.photo_training import PhotoTraining
from thinsection.params import Params

RUNS = [
    ("fcnn", "2"),
    ("resnet", "18"),
    *(("baseline", name) for name in NAMES),
    *(("petrographic", name) for name in petrographic.NAMES),
]


RunOf = Callable[[str, str], CrossValidation]


@pytest.fixture
def settings(tiny: Params) -> Params:
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
def examples(easy_photos: Dataset, settings: Params) -> Examples:
    ids = easy_photos.table["sample"].tolist()
    chunks, _ = stored_variants(easy_photos.pixels, ids, settings.augment, 1, seed=0)
    variants = Variants(np.concatenate(list(chunks)), np.arange(24))
    return with_features(easy_photos, variants, "pixels", settings)


@pytest.fixture
def folds() -> list[Fold]:
    """Two folds of four groups each; a group has three photos."""
    first, second = np.arange(12), np.arange(12, 24)
    return [Fold(0, 0, second, first), Fold(0, 1, first, second)]


@pytest.fixture(scope="module")
def runs_made() -> dict[tuple[str, str], CrossValidation]:
    return {}


@pytest.fixture
def run_of(
    runs_made: dict[tuple[str, str], CrossValidation],
    examples: Examples,
    folds: list[Fold],
    settings: Params,
) -> RunOf:
    """A function: the run of a family, trained once for all tests that only look at it."""

    def made(family: str, name: str) -> CrossValidation:
        if (family, name) not in runs_made:
            runs_made[family, name] = cross_validated(family, name, examples, folds, settings)
        return runs_made[family, name]

    return made


@pytest.mark.parametrize(("family", "name"), RUNS)
def test_a_family_learns_easy_photos_and_gives_the_same_again(
    family: str, name: str, run_of: RunOf, examples: Examples, folds: list[Fold], settings: Params
) -> None:
    run = run_of(family, name)
    again = cross_validated(family, name, examples, folds, settings)
    table = run.predictions
    probabilities = table[["p_basalt", "p_chalk"]].to_numpy()
    assert sorted(table["sample"]) == sorted(examples.photos.table["sample"])
    assert np.allclose(probabilities.sum(axis=1), 1)
    assert (table["predicted"] == table["label"]).mean() >= 0.9
    of_true = np.where(table["label"] == "basalt", probabilities[:, 0], probabilities[:, 1])
    assert np.allclose(table["loss"], -np.log(np.maximum(of_true, 1e-15)))
    assert run.facts["n_parameters"] > 0
    assert table.equals(again.predictions)
    assert run.history.equals(again.history)


def with_changes(settings: Params, section: str, **entries: object) -> Params:
    changed = getattr(settings, section).model_copy(update=entries)
    return settings.model_copy(update={section: changed})


@pytest.mark.parametrize(
    ("family", "name", "early_stopping_share"), [*((*run, 0.0) for run in RUNS), ("fcnn", "2", 0.3)]
)
def test_held_out_labels_decide_nothing(
    family: str,
    name: str,
    early_stopping_share: float,
    examples: Examples,
    folds: list[Fold],
    settings: Params,
) -> None:
    settings = with_changes(settings, "fcnn", early_stopping_share=early_stopping_share)
    settings = with_changes(settings, "resnet", epochs=2)
    # another answer sheet for the photos that are held out: the same probabilities
    held_out = folds[0].held_out
    table = examples.photos.photos.copy()
    flipped = table["label"].iloc[held_out].map({"basalt": "chalk", "chalk": "basalt"})
    table.loc[table.index[held_out], "label"] = flipped
    other = Examples(Dataset(examples.photos.pixels, table), examples.features)
    before, after = (
        cross_validated(family, name, e, folds[:1], settings).predictions for e in (examples, other)
    )
    assert not before["label"].equals(after["label"])
    assert before["p_basalt"].equals(after["p_basalt"])


@pytest.mark.parametrize(("family", "name"), [("fcnn", "2"), ("resnet", "18")])
def test_history_has_every_epoch_of_every_fold(
    family: str, name: str, run_of: RunOf, settings: Params
) -> None:
    run = run_of(family, name)
    section = getattr(settings, family)
    for _, rows in run.history.groupby("fold"):
        assert rows["epoch"].tolist() == list(range(1, len(rows) + 1))
        assert len(rows) <= section.epochs
    assert run.history["held_out_accuracy"].between(0, 1).all()
    # the history ends with what the predictions hold
    if family == "resnet":
        assert run.heatmaps is not None
        assert len(run.heatmaps) == len(run.predictions)
    last = run.history.groupby("fold").tail(1).set_index("fold")["held_out_loss"]
    assert np.allclose(run.predictions.groupby("fold")["loss"].mean(), last, rtol=1e-4)


def test_variants_train_only_where_their_photo_trains_and_are_never_held_out(
    examples: Examples, folds: list[Fold]
) -> None:
    vectors = as_vectors(examples)
    for fold in folds:
        train, held_out = vectors.train_rows(fold), vectors.held_out_rows(fold)
        assert len(train) == 24  # 12 photos and the variant of each
        assert set(vectors.parents[train]) == set(fold.train)
        assert set(vectors.parents[held_out]) == set(fold.held_out)
        assert held_out.max() < 24
        assert not set(vectors.groups[train]) & set(vectors.groups[held_out])


def test_standardisation_sees_the_training_fold_alone(
    examples: Examples, folds: list[Fold]
) -> None:
    vectors = as_vectors(examples)
    one = training_set(vectors, folds[0])
    standardised = (torch.from_numpy(vectors.x)[one.train] - one.mean) / one.std
    assert torch.allclose(standardised.mean(0), torch.zeros(()), atol=1e-4)
    assert torch.allclose(standardised.std(0, correction=0), torch.ones(()), atol=1e-3)
    vectors.x[folds[0].held_out] += 100
    other = training_set(vectors, folds[0])
    assert torch.equal(one.mean, other.mean)
    assert torch.equal(one.std, other.std)


def test_folds_side_by_side_learn_what_each_learns_alone(
    examples: Examples, folds: list[Fold], settings: Params
) -> None:
    vectors = as_vectors(examples)
    uneven = [Fold(0, 0, np.arange(5, 24), np.arange(5)), folds[1]]

    def losses(some: list[Fold], n_steps: int) -> list[list[float]]:
        rngs = [torch_generator(0, "test", f.fold) for f in some]
        sets = [training_set(vectors, f) for f in some]
        networks = StackedFcnn(vectors.x.shape[1], 2, Architecture(3, 16), rngs)
        x, labels = torch.from_numpy(vectors.x), torch.from_numpy(vectors.labels)
        training = FcnnTraining(
            3,
            networks,
            some,
            sets,
            vectors=vectors,
            x=x,
            labels=labels,
            settings=settings.fcnn,
            rngs=rngs,
        )
        training.n_steps = n_steps
        for _ in range(5):
            training.run_epoch()
        return [[row["train_loss"] for row in rows] for rows in training.history]

    together = losses(uneven, 5)
    alone = [losses([fold], 5)[0] for fold in uneven]
    assert np.allclose(together, alone, rtol=1e-4)


def test_replaced_held_out_labels_leave_the_same_weights(
    examples: Examples, folds: list[Fold], settings: Params
) -> None:
    # labels of which the networks know nothing: the same weights, and the same last epoch
    for share in (0.0, 0.3):
        changed = with_changes(settings, "fcnn", early_stopping_share=share, patience=3)
        fit_settings = changed.fit_settings("fcnn")
        training, other = (start_training("2", examples, folds[:1], fit_settings) for _ in "ab")
        held_out = other.sets[0].held_out
        other.labels = other.labels.clone()
        other.labels[held_out] = 1 - other.labels[held_out]
        for each in (training, other):
            while not all(each.ended):
                each.run_epoch()
        assert training.epoch == other.epoch
        pairs = zip(training.networks.parameters(), other.networks.parameters(), strict=True)
        assert all(torch.equal(a, b) for a, b in pairs)
        assert training.history[0][0]["held_out_loss"] != other.history[0][0]["held_out_loss"]


def test_replaced_held_out_labels_leave_a_resnet_the_same_weights(
    examples: Examples, folds: list[Fold], settings: Params
) -> None:
    fit_settings = with_changes(settings, "resnet", epochs=2).fit_settings("resnet")
    photos = examples.photos.pixels
    labels = torch.from_numpy(examples.photos.labels)
    other_labels = labels.clone()
    other_labels[folds[0].held_out] = 1 - labels[folds[0].held_out]
    ended = []
    for given in (labels, other_labels):
        recipe = recipe_of(18, 2, fit_settings)
        network = recipe.new_network(photos, folds[0], None)
        training = PhotoTraining(recipe, network, folds[0], photos, given, fit_settings)
        for _ in range(2):
            training.run_epoch()
        ended.append(network.state_dict())
    assert all(torch.equal(ended[0][key], ended[1][key]) for key in ended[0])


def test_what_training_ends_by_is_whole_groups_that_it_does_not_learn_from(
    examples: Examples, folds: list[Fold]
) -> None:
    vectors = as_vectors(examples)
    learned, ended_by = training_set(vectors, folds[0]), training_set(vectors, folds[0], 0.25, 1)
    # four groups of three photos, two of each class by their majority: one of each is set aside,
    # its six photos with their variants
    assert (len(learned.train), len(learned.aside)) == (24, 0)
    assert (len(ended_by.train), len(ended_by.aside)) == (12, 6)
    assert torch.equal(ended_by.held_out, learned.held_out)


def test_the_best_epoch_of_what_was_set_aside_judges(
    examples: Examples, folds: list[Fold], settings: Params
) -> None:
    changed = with_changes(
        settings, "fcnn", early_stopping_share=0.3, patience=4, learning_rate=0.05, tolerance=0.0
    )
    run = cross_validated("fcnn", "2", examples, folds, changed)
    losses = run.predictions.groupby("fold")["loss"].mean()
    ended_early = []
    for fold, rows in run.history.groupby("fold"):
        best = int(rows["set_aside_loss"].to_numpy().argmin())
        assert losses[fold] == pytest.approx(rows["held_out_loss"].iloc[best], rel=1e-4, abs=1e-9)
        ended_early.append(best != len(rows) - 1)
    assert any(ended_early)
    assert cross_validated("fcnn", "2", examples, folds, settings).history[
        "set_aside_loss"
    ].isna().all()  # fmt: skip


def test_a_unit_that_is_0_for_every_photo_is_dead(
    examples: Examples, folds: list[Fold], settings: Params
) -> None:
    training = start_training(
        "2", examples, folds, with_changes(settings, "fcnn", epochs=1).fit_settings("fcnn")
    )
    width = training.networks.biases[0].shape[2]
    with torch.no_grad():
        # of the first fold: a quarter of the first layer can never rise above 0, all of the second
        training.networks.biases[0][0, :, : width // 4] = -1e6
        training.networks.biases[1][0] = -1e6
    training.run_epoch()
    shares = [row["dead_share"] for row in training.gradients[0]]
    assert shares[0] >= 0.25
    assert shares[1:] == [1.0, 0.0]
    assert max(row["dead_share"] for row in training.gradients[1]) < 0.25


def test_the_learning_rate_of_each_epoch_is_noted(run_of: RunOf, settings: Params) -> None:
    history = run_of("resnet", "18").history
    rates = history.loc[history["fold"] == 0, "learning_rate"].reset_index(drop=True)
    # one cycle: up to the highest within the first third, down to nearly nothing at the end
    assert rates.idxmax() in (1, 2)
    assert rates.max() == pytest.approx(settings.resnet.learning_rate, rel=0.2)
    assert rates.iloc[-1] < 1e-4 * settings.resnet.learning_rate
    assert (run_of("fcnn", "2").history["learning_rate"] == settings.fcnn.learning_rate).all()


def test_gradients_are_kept_for_every_layer(run_of: RunOf) -> None:
    run = run_of("fcnn", "2")
    assert set(run.gradients["layer"]) == {1, 2, 3}  # two hidden layers and the output
    assert (run.gradients["gradient_norm"] > 0).all()
    assert len(run.gradients) == 3 * len(run.history)


def test_training_ends_when_the_loss_falls_no_more(
    examples: Examples, folds: list[Fold], settings: Params
) -> None:
    # a learning rate at which nothing changes: the first epoch is the best, patience more follow
    still = settings.fcnn.model_copy(
        update={"learning_rate": 1e-12, "patience": 4, "epochs": 50, "tolerance": 0.01}
    )
    run = cross_validated("fcnn", "2", examples, folds, settings.model_copy(update={"fcnn": still}))
    assert run.history.groupby("fold")["epoch"].max().tolist() == [5, 5]


@pytest.mark.parametrize(("family", "name"), [("fcnn", "2"), ("resnet", "18")])
def test_a_loss_that_is_no_number_stops_at_once(
    family: str, name: str, examples: Examples, folds: list[Fold], settings: Params
) -> None:
    section = getattr(settings, family).model_copy(update={"learning_rate": 1e30})
    wild = settings.model_copy(update={family: section})
    message = rf"-{name}, repeat 0, fold \d, epoch \d+: the training loss is (nan|inf) at learning rate 1e\+30.*Lower {family}\.learning_rate"
    with pytest.raises(InputError, match=message):
        cross_validated(family, name, examples, folds, wild)


def test_a_photo_batch_that_does_not_fit_says_so(
    examples: Examples, folds: list[Fold], settings: Params
) -> None:
    # more than any machine has: the allocator itself refuses
    huge = with_changes(settings, "fcnn", width=2**31)
    with pytest.raises(InputError, match=r"FCNN-2: the memory of the machine .*fcnn\.width"):
        cross_validated("fcnn", "2", examples, folds, huge)


@pytest.mark.parametrize(("family", "name"), [("fcnn", "2"), ("resnet", "18")])
def test_threads_change_last_digits_alone(
    family: str, name: str, examples: Examples, folds: list[Fold], settings: Params
) -> None:
    settings = with_changes(settings, "resnet", epochs=1)
    before = torch.get_num_threads()
    one, two = (
        cross_validated(
            family,
            name,
            examples,
            folds,
            with_changes(settings, "compute", threads=threads),
        )
        for threads in (1, 2)
    )
    torch.set_num_threads(before)
    assert np.allclose(one.predictions["p_basalt"], two.predictions["p_basalt"], atol=1e-3)
    assert np.allclose(one.history["train_loss"], two.history["train_loss"], rtol=1e-3)


def test_a_run_says_what_trained_it(run_of: RunOf) -> None:
    run = run_of("fcnn", "2")
    assert run.facts["device"] == "cpu"
    assert run.facts["precision"] == "float32"


def test_dvclive_gets_every_epoch_where_it_is_wanted(
    examples: Examples,
    folds: list[Fold],
    settings: Params,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pytest.importorskip("dvclive")
    monkeypatch.chdir(tmp_path)
    wanted = with_changes(settings, "compute", dvclive=True)
    run = cross_validated("fcnn", "2", examples, folds, wanted)
    curve = pd.read_csv(
        tmp_path / "scratch/dvclive/fcnn-2/plots/metrics/repeat-0-fold-1/train_loss.tsv", sep="\t"
    )
    rows = run.history[run.history["fold"] == 1]
    assert curve["step"].tolist() == rows["epoch"].tolist()
    assert np.allclose(curve["train_loss"], rows["train_loss"])
    assert not list(tmp_path.rglob("dvc.yaml"))


def test_dvclive_that_is_not_there_is_asked_for(
    examples: Examples, folds: list[Fold], settings: Params, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "dvclive", None)
    wanted = with_changes(settings, "compute", dvclive=True)
    with pytest.raises(InputError, match=r"dvclive is not installed.*\[live\]"):
        cross_validated("fcnn", "2", examples, folds, wanted)


def test_the_numbers_of_a_classifier_are_counted(settings: Params) -> None:
    x = np.array([[0.0], [0.1], [1.0], [1.1]] * 3)
    y = np.array([0, 0, 1, 1] * 3)
    part = TrainingPart(y, np.arange(12), np.arange(12), None, random_state=0)
    tree = make_classifier("decision_tree", settings.baselines, part).fit(x, y)
    # one cut (which feature, where) and two leaves with the share of one class each
    assert count_numbers(tree) == 2 * 1 + 2 * 1
    bayes = make_classifier("naive_bayes", settings.baselines, part).fit(x, y)
    assert count_numbers(bayes) == 4  # a mean and a variance of one feature in two classes


def test_the_margins_of_the_svm_are_calibrated_on_whole_groups(settings: Params) -> None:
    y = np.array([0, 1] * 12)
    groups = np.repeat(np.arange(6), 4)
    part = TrainingPart(y, groups, np.arange(24), None, random_state=0)
    svm = make_classifier("svm", settings.baselines, part)
    for train, held_out in svm.cv:
        assert not set(groups[train]) & set(groups[held_out])
