from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from thinsection.base.errors import InputError
from thinsection.params import Params, load_params, params_of
from tiny import TOP, tiny_params


def test_default_and_tiny_parameters_are_valid(
    changed_params: Callable[..., Path], tiny: Params
) -> None:
    defaults = load_params(changed_params())
    assert defaults.fcnn.hidden_layers == list(range(2, 23, 2))
    assert len(defaults.baselines.models) + len(defaults.resnet.depths) == 8
    assert tiny.fcnn.epochs < defaults.fcnn.epochs


@pytest.mark.parametrize(
    ("entry", "value", "message"),
    [
        (
            "fcnn__widht",
            3,
            r"fcnn\.widht is not a known key\. Did you mean width\? Known here: .*tolerance",
        ),
        ("sead", 3, r"sead is not a known key\. Did you mean seed\?"),
        ("fcnn__width", None, r"fcnn\.width is missing\. Add it"),
        ("fcnn", None, r"fcnn is missing"),
        ("fcnn__epochs", "many", r"fcnn\.epochs is 'many'; allowed: a valid integer"),
        ("fcnn__epochs", 1.5, r"fcnn\.epochs is 1\.5; allowed: a valid integer"),
        ("fcnn__epochs", True, r"fcnn\.epochs is True; allowed: a valid integer"),
        ("fcnn__epochs", 0, r"fcnn\.epochs is 0; allowed: greater than 0"),
        ("split__folds", 11, r"split\.folds is 11; allowed: less than or equal to 10"),
        ("split__folds", 1, r"split\.folds is 1; allowed: greater than or equal to 2"),
        (
            "split__scheme",
            "random",
            r"split\.scheme is 'random'; allowed: 'grouped' or 'stratified'",
        ),
        ("resnet__depths", [18, 19], r"resnet\.depths\.1 is 19; allowed: 18, 34, 50, 101 or 152"),
        (
            "baselines__models",
            ["svm", "knn"],
            r"baselines\.models\.1 is 'knn'; allowed: 'decision_tree'",
        ),
        ("fcnn__hidden_layers", [2, 2], r"fcnn\.hidden_layers is \[2, 2\]; allowed: .*each once"),
        ("resnet__depths", [], r"resnet\.depths is \[\]; allowed: one or more"),
        ("augment__noise", 2, r"augment\.noise is 2; allowed: less than or equal to 1"),
    ],
)
def test_a_wrong_entry_is_named_with_what_is_allowed(
    changed_params: Callable[..., Path], entry: str, value: object, message: str
) -> None:
    with pytest.raises(InputError, match=message):
        load_params(changed_params(**{entry: value}))


def test_stretched_photos_are_not_turned_back(changed_params: Callable[..., Path]) -> None:
    path = changed_params(ingest__fit="stretch", ingest__registration="turns")
    with pytest.raises(InputError, match=r"ingest\.registration is .*allowed: with crop or pad"):
        load_params(path)
    load_params(changed_params(ingest__fit="stretch", ingest__registration="shifts"))


def test_all_wrong_entries_are_named_at_once(changed_params: Callable[..., Path]) -> None:
    path = changed_params(fcnn__epochs=0, split__folds=99, seed=None)
    with pytest.raises(InputError, match="3 problems") as caught:
        load_params(path)
    for key in ("fcnn.epochs", "split.folds", "seed"):
        assert key in str(caught.value)


def test_settings_can_not_be_changed(tiny: Params) -> None:
    with pytest.raises(ValueError, match="frozen"):
        tiny.fcnn.width = 3


def test_nothing_is_converted_and_nothing_has_a_default(tiny: Params) -> None:
    # so that no result depends on the classes, which no stage in dvc.yaml names
    for raw in (yaml.safe_load((TOP / "params.yaml").read_text(encoding="utf-8")), tiny_params()):
        assert params_of(raw).model_dump(mode="json") == raw


def test_a_plan_changes_in_the_part_that_a_change_concerns(tiny: Params) -> None:
    raw = tiny_params()
    before = tiny.plan()

    def changed(section: str, **entries: object) -> set[str]:
        plan = params_of(raw | {section: raw[section] | entries}).plan()
        return {part for part in plan if plan[part] != before[part]}

    assert changed("fcnn", hidden_layers=[2, 3, 4]) == {"runs"}
    assert changed("fcnn", width=99) == {"families"}
    assert changed("augment", zoom=0.3) == {"families"}
    assert changed("pixels", height=9) == {"pixels"}
    assert changed("baselines", features="embedding") == {"families", "embedding", "leakage"}
    # what the best classifier depends on is known when it is
    assert changed("evidence", leakage_model="best") == {"leakage"}
    assert changed("evidence", rope=0.5) == changed("compute", threads=2) == set()


def test_a_file_that_is_missing_or_no_yaml_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file. Run from the top folder"):
        load_params(tmp_path / "params.yaml")
    broken = tmp_path / "broken.yaml"
    broken.write_text("seed: [1", encoding="utf-8")
    with pytest.raises(InputError, match="not valid YAML"):
        load_params(broken)
    broken.write_text(yaml.safe_dump([1, 2]), encoding="utf-8")
    with pytest.raises(InputError, match="the file is"):
        load_params(broken)
