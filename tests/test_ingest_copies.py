"""Copies, near copies and the groups that they make."""

import io
from collections.abc import Callable
from itertools import product
from pathlib import Path
from typing import Any

import imagehash
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from ingesting import reasons, save, surveyed, texture, two_classes, warned
from thinsection.base.arrays import Bytes
from thinsection.base.errors import InputError
from thinsection.ingest import alignment, copies, proposals
from thinsection.ingest import hashes as hashing
from thinsection.ingest.facts import thumbnail
from thinsection.ingest.groups import group_photos
from thinsection.ingest.windows import oriented


def resaved(image: Image.Image, quality: int = 50) -> Image.Image:
    file = io.BytesIO()
    image.save(file, "JPEG", quality=quality)
    return Image.open(file).convert("RGB")


def thumb(image: Image.Image) -> Bytes:
    return thumbnail(image.convert("L"))


def cropped(image: Image.Image, keep: float, place: float) -> Image.Image:
    width, height = image.size
    left, top = (place * (1 - keep) * width, place * (1 - keep) * height)
    return image.crop((int(left), int(top), int(left + keep * width), int(top + keep * height)))


COPIES: dict[str, Callable[[Image.Image], Image.Image]] = {
    "re-saved": resaved,
    "half the size": lambda image: image.resize((image.width // 2, image.height // 2)),
    "mirrored": lambda image: resaved(image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)),
    "a quarter turn": lambda image: resaved(image.transpose(Image.Transpose.ROTATE_90)),
    "upside down": lambda image: resaved(image.transpose(Image.Transpose.ROTATE_180)),
    "0.95 of each side": lambda image: resaved(cropped(image, 0.95, 0.3)),
    "0.9 of each side": lambda image: resaved(cropped(image, 0.9, 0.6)),
    "0.8 of each side": lambda image: resaved(cropped(image, 0.8, 0.2)),
    "grey": lambda image: image.convert("L").convert("RGB"),
}


@pytest.mark.parametrize("kind", COPIES)
def test_near_copies_are_found_among_others(kind: str) -> None:
    originals = [texture(number, 183, 275) for number in range(40)]
    planted = [COPIES[kind](originals[number]) for number in range(8)]
    found = copies.near_copies(np.stack([thumb(image) for image in originals + planted]))
    pairs = {(pair.first, pair.second) for pair in found}
    assert pairs <= {(number, 40 + number) for number in range(8)}  # nothing is tied falsely
    # A crop to 0.8 lies at the edge of what the windows cover: about three in four are found.
    assert len(pairs) >= (6 if kind == "0.8 of each side" else 8)


def test_bits_are_those_of_imagehash() -> None:
    images = [texture(number).convert("L").resize((48, 48)) for number in range(20)]
    low = np.stack(
        [hashing._cosines() @ np.asarray(i, np.float32) @ hashing._cosines().T for i in images]
    )
    ours = np.unpackbits(hashing.phash_bits(low).view(np.uint8), axis=-1)[:, : hashing.N_BITS]
    theirs = [imagehash.phash(i, hash_size=12).hash.ravel() for i in images]
    assert np.array_equal(ours.astype(bool), np.stack(theirs))


def test_hash_of_an_oriented_photo_is_that_of_its_pixels() -> None:
    picture = thumb(texture(3))
    whole, _ = hashing.hashes(picture[None], np.arange(1))
    for number in range(8):
        turned = np.ascontiguousarray(oriented(picture, number))
        as_it_is, _ = hashing.hashes(turned[None], np.arange(1))
        assert hashing.distance(whole[:, number], as_it_is[:, 0])[0] <= 1  # rounding at the median


def test_the_index_finds_what_brute_force_finds() -> None:
    """All pairs of a few hundred photos, every window and orientation, one by one."""
    originals = [texture(number, 96, 144) for number in range(220)]
    ways = list(COPIES.values())
    planted = [ways[number % len(ways)](originals[number]) for number in range(80)]
    thumbs = np.stack([thumb(image) for image in originals + planted])
    whole, windows = hashing.hashes(thumbs, np.arange(len(thumbs)))
    near = []
    for photo, other in product(range(len(thumbs)), repeat=2):
        if photo != other:
            distance = np.bitwise_count(whole[photo][:, None] ^ windows[other][None]).sum(-1)
            if distance.min() <= proposals.MAX_DISTANCE:
                orientation, window = np.unravel_index(distance.argmin(), distance.shape)
                near.append((photo, orientation, other, window))
    brute = copies.decide(thumbs, np.array(near, np.int64))
    quick = copies.near_copies(thumbs)
    found, there = ({(p.first, p.second) for p in pairs} for pairs in (quick, brute))
    assert found <= there <= {(number, 220 + number) for number in range(80)}
    assert len(found) >= 0.95 * len(there)  # the index is random; what it misses are deep crops
    assert len(found) >= 74


def test_proposals_are_those_of_a_plain_search() -> None:
    """Table by table, by a dictionary of the chosen bits instead of a hash."""
    originals = [texture(number, 96, 144) for number in range(60)]
    planted = [COPIES["0.9 of each side"](image) for image in originals[:20]]
    thumbs = np.stack([thumb(image) for image in originals + planted])
    whole, windows = hashing.hashes(thumbs, np.arange(len(thumbs)))
    apart = np.bitwise_count(whole[:, :, None, None] ^ windows).sum(
        -1
    )  # (photo, way, other, window)
    plain: dict[tuple[int, int], Any] = {}
    for table in proposals._tables(whole, windows):
        same = ((whole[:, :, None, None] ^ windows) & table.masks == 0).all(-1)
        for photo, way, other, window in np.argwhere(same & (apart <= proposals.MAX_DISTANCE)):
            if photo != other:
                pair = (min(photo, other), max(photo, other))
                plain[pair] = min(plain.get(pair, 999), apart[photo, way, other, window])
    for workers in (1, 2):
        rows = proposals.propose(whole, windows, workers)
        found = {(min(p, q), max(p, q)): apart[p, way, q, w] for p, way, q, w in rows.tolist()}
        # The hash may let two windows meet that differ in a chosen bit; it loses none.
        assert plain.keys() <= found.keys()
        assert all(found[pair] <= plain[pair] for pair in plain)


def test_many_alike_photos_need_little_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(proposals, "PAIRS_AT_ONCE", 50)
    monkeypatch.setattr(proposals, "HELD", 100)
    alike = np.stack([thumb(resaved(texture(1), quality)) for quality in range(40, 80)])
    rows = proposals.propose(*hashing.hashes(alike, np.arange(len(alike))))
    # Each photo with its 8 nearest at most, so 40 * 8 pairs; all of them in one chain of copies.
    assert 39 <= len(rows) <= 40 * proposals.NEAREST
    found = copies.near_copies(alike)
    assert (
        len(set(group_photos(list(map(str, range(40))), [], [(p.first, p.second) for p in found])))
        == 1
    )


def test_lower_quartile_is_numpys() -> None:
    values = np.random.default_rng(2).normal(size=(30, 64))
    values[np.random.default_rng(3).random(values.shape) < 0.4] = np.nan
    assert np.allclose(alignment._lower_quartiles(values), np.nanquantile(values, 0.25, axis=1))


def test_round_grains_on_black_are_hardly_ever_taken_for_copies() -> None:
    """Their outlines fit each other after a shift and a stretch; their insides don't."""
    y, x = np.mgrid[-1:1:96j, -1:1:144j]
    rng = np.random.default_rng(0)
    grains = []
    for number in range(40):
        inside = (x / rng.uniform(0.5, 0.9)) ** 2 + (y / rng.uniform(0.5, 0.9)) ** 2 < 1
        rock = np.asarray(texture(number, 96, 144), float) * 0.8 + 60
        grains.append(Image.fromarray(np.where(inside[..., None], rock, 12).astype(np.uint8)))
    # Ellipses are the worst case: any two fit exactly. By outlines alone most of the 780 pairs tie.
    assert len(copies.near_copies(np.stack([thumb(grain) for grain in grains]))) <= 4


def test_blank_photos_are_not_copies_of_each_other() -> None:
    flat = np.full((5, 64, 64), 90, np.uint8)
    flat[2:] += np.random.default_rng(0).integers(0, 3, (3, 64, 64), np.uint8)
    assert copies.near_copies(flat) == []
    assert copies.near_copies(np.empty((0, 64, 64), np.uint8)) == []


def test_exact_copies_are_kept_once_by_pixels_not_bytes(tmp_path: Path) -> None:
    root = two_classes(tmp_path / "data")
    save(texture(1), root / "quartz" / "b.bmp")
    save(texture(1), root / "quartz" / "c.png", compress_level=1)
    found, _ = surveyed(root, tmp_path / "out")
    assert reasons(found) == {
        "quartz/b.bmp": "copy: the same pixels as quartz/001.png",
        "quartz/c.png": "copy: the same pixels as quartz/001.png",
    }


@pytest.mark.parametrize("height", [32, 224])
def test_a_large_jpeg_with_other_metadata_is_a_copy_and_one_turned_is_none(
    tmp_path: Path, height: int
) -> None:
    root = two_classes(tmp_path / "data")
    large = texture(9, 1200, 1600)
    exif = {orientation: Image.Exif() for orientation in (1, 3)}
    for orientation, tags in exif.items():
        tags[0x0112] = orientation
    save(large, root / "quartz" / "a.jpg")
    save(large, root / "quartz" / "b.jpg", exif=exif[1], comment=b"by another program")
    save(large, root / "quartz" / "c.jpg", exif=exif[3])
    found, _ = surveyed(root, tmp_path / "out", height=height, width=height * 3 // 2)
    assert reasons(found) == {"quartz/b.jpg": "copy: the same pixels as quartz/a.jpg"}
    assert [file for file, _ in warned(found, "near copy")] == ["quartz/a.jpg"]


def test_one_picture_under_two_labels(tmp_path: Path) -> None:
    root = two_classes(tmp_path / "data")
    save(texture(1), root / "olivine" / "wrong.bmp")
    with pytest.raises(InputError) as error:
        surveyed(root, tmp_path / "out")
    assert "same photo under two labels. Delete the wrong one" in str(error.value)
    assert "olivine/wrong.bmp (olivine) = quartz/001.png (quartz)" in str(error.value)
    found, _ = surveyed(root, tmp_path / "out", on_conflict="reject")
    reason = "conflict: the same photo under the labels olivine, quartz"
    assert reasons(found) == {"olivine/wrong.bmp": reason, "quartz/001.png": reason}


def test_near_copies_share_a_group_and_are_listed(tmp_path: Path) -> None:
    root = two_classes(tmp_path / "data")
    save(COPIES["a quarter turn"](texture(1)), root / "quartz" / "turned.jpg")
    save(COPIES["re-saved"](texture(3)), root / "olivine" / "other.jpg")
    found, _ = surveyed(root, tmp_path / "out")
    group = found.photos.set_index("photo_id")["group"]
    assert group["quartz/turned.jpg"] == group["quartz/001.png"] == "quartz/001.png"
    assert [file for file, _ in warned(found, "near copy")] == ["quartz/001.png"]
    assert warned(found, "near copy, two labels")[0][0] == "olivine/other.jpg"
    assert found.counts["near_copies"] == 2


def test_a_dropped_copy_still_ties_its_specimen(tmp_path: Path) -> None:
    root = tmp_path / "data"
    for number in range(4):
        save(texture(number), root / f"{number}.png")
    save(texture(0), root / "0 again.png")
    (root / "photos.csv").write_text(
        "file,label,specimen\n0.png,a,S1\n0 again.png,a,S2\n1.png,a,S1\n2.png,b,S2\n3.png,b,S3\n"
    )
    found, _ = surveyed(root, tmp_path / "out")
    # "0 again" = 0 ties S1 and S2, so 0, 1 and 2 are one group; 0.png comes after "0 again"
    assert found.photos.set_index("photo_id")["group"].to_dict() == {
        "0 again.png": "0 again.png",
        "1.png": "0 again.png",
        "2.png": "0 again.png",
        "3.png": "3.png",
    }


def test_groups_by_hand() -> None:
    # a-b by specimen, b-c by grain, c-d by copy; e and f know nothing
    assert group_photos(
        ["d", "c", "b", "a", "e", "f"],
        [["", "", "S", "S", "", ""], ["", "G", "G", "", "", ""]],
        [(0, 1)],
    ) == ["a", "a", "a", "a", "e", "f"]


@given(
    st.lists(
        st.tuples(st.sampled_from(["", "1", "2"]), st.sampled_from(["", "x", "y"])), max_size=12
    )
)
def test_equal_names_are_never_parted(known: list[tuple[str, str]]) -> None:
    ids = [f"p{i:02}" for i in range(len(known))]
    groups = group_photos(ids, list(zip(*known, strict=True)) if known else [])
    for i, j in product(range(len(known)), repeat=2):
        if any(mine and mine == other for mine, other in zip(known[i], known[j], strict=True)):
            assert groups[i] == groups[j]
    assert all(
        name == min(i for i, g in zip(ids, groups, strict=True) if g == name) for name in groups
    )
