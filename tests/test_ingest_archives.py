"""Archives: whatever a name says, nothing lands outside, and no bomb goes off."""

import io
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import pytest

from ingesting import reasons, surveyed, two_classes
from thinsection.base.errors import InputError


def zipped(root: Path, path: Path, top: str = "") -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted(root.rglob("*")):
            if file.is_file():
                archive.write(file, f"{top}{file.relative_to(root)}")
    return path


def tarred(root: Path, path: Path, top: str = "") -> Path:
    with tarfile.open(path, "w:gz" if path.name.endswith("gz") else "w") as archive:
        archive.add(root, arcname=top or ".")
    return path


@pytest.mark.parametrize("top", ["", "photos of march/"])
@pytest.mark.parametrize("name", ["a.zip", "a.tar", "a.tar.gz", "a.tgz"])
def test_an_archive_gives_what_its_folder_gives(tmp_path: Path, name: str, top: str) -> None:
    root = two_classes(tmp_path / "data")
    path = (zipped if name.endswith("zip") else tarred)(root, tmp_path / name, top)
    plain, plain_pixels = surveyed(root, tmp_path / "plain")
    packed, pixels = surveyed(path, tmp_path / "packed")
    assert packed.photos.equals(plain.photos)
    assert np.array_equal(pixels, plain_pixels)
    assert sorted(p.name for p in (tmp_path / "packed").iterdir()) == ["pixels.npy"]


def test_an_archive_with_photos_csv(tmp_path: Path) -> None:
    root = two_classes(tmp_path / "data", 1)
    (root / "photos.csv").write_text("file,label\nolivine/000.png,a\nquartz/001.png,b\n")
    found, _ = surveyed(zipped(root, tmp_path / "a.zip", "top/"), tmp_path / "out")
    assert sorted(found.photos["label"]) == ["a", "b"]


def test_no_name_leads_out(tmp_path: Path) -> None:
    root = two_classes(tmp_path / "data")
    path = zipped(root, tmp_path / "a.zip")
    photo = (root / "quartz" / "001.png").read_bytes()
    with zipfile.ZipFile(path, "a") as archive:
        for name in ("../../evil.png", "/etc/evil.png", "C:/evil.png", "quartz\\..\\..\\evil.png"):
            archive.writestr(name, photo)
        link = zipfile.ZipInfo("quartz/link.png")
        link.external_attr = 0o120777 << 16
        archive.writestr(link, "/etc/passwd")
        with pytest.warns(UserWarning, match="Duplicate name"):
            archive.writestr("quartz/001.png", photo)
    found, _ = surveyed(path, tmp_path / "out")
    outside = "unreadable: path leads out of the archive"
    assert reasons(found) == {
        "../../evil.png": outside,
        "/etc/evil.png": outside,
        "C:/evil.png": outside,
        "quartz/../../evil.png": outside,
        "quartz/link.png": "unreadable: link in an archive",
        "quartz/001.png": "unreadable: this name occurs twice in the archive",
    }
    assert not list(tmp_path.rglob("evil*"))


def test_links_and_devices_of_a_tar(tmp_path: Path) -> None:
    root = two_classes(tmp_path / "data")
    path = tarred(root, tmp_path / "a.tar")
    with tarfile.open(path, "a") as archive:
        for name, kind, target in (
            ("quartz/out.png", tarfile.SYMTYPE, "../../../etc/passwd"),
            ("quartz/same.png", tarfile.LNKTYPE, "./quartz/001.png"),
            ("quartz/device.png", tarfile.CHRTYPE, ""),
        ):
            info = tarfile.TarInfo(name)
            info.type, info.linkname = kind, target
            archive.addfile(info)
    found, _ = surveyed(path, tmp_path / "out")
    assert reasons(found)["quartz/same.png"] == "copy: the same pixels as quartz/001.png"
    assert reasons(found)["quartz/device.png"] == "unreadable: not a plain file"
    assert reasons(found)["quartz/out.png"].startswith("truncated: damaged in the archive")


def test_bombs(tmp_path: Path) -> None:
    root = two_classes(tmp_path / "data")
    (root / "quartz" / "zeros.png").write_bytes(bytes(4_000_000))  # 1000 times smaller, zipped
    path = zipped(root, tmp_path / "a.zip")
    found, _ = surveyed(path, tmp_path / "out")
    assert reasons(found) == {
        "quartz/zeros.png": "too large: unpacks to too many times its packed size"
    }
    with pytest.raises(InputError, match=r"unpacks to more than 0.001 GB \(ingest.max_archive_gig"):
        surveyed(path, tmp_path / "out", max_archive_gigabytes=0.001)
    with pytest.raises(
        InputError, match=r"contains more than 3 files \(ingest.max_archive_files\)"
    ):
        surveyed(path, tmp_path / "out", max_archive_files=3)
    assert [p.name for p in (tmp_path / "out").iterdir()] == ["pixels.npy"]  # of the first


def test_damaged_archives(tmp_path: Path) -> None:
    root = two_classes(tmp_path / "data")
    for name in ("a.zip", "a.tar.gz"):
        path = (zipped if name.endswith("zip") else tarred)(root, tmp_path / name)
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
        with pytest.raises(InputError, match="can't be read as an archive.*pack it again"):
            surveyed(path, tmp_path / "out")
    with pytest.raises(InputError, match=r"gone.zip does not exist. Correct dataset.path"):
        surveyed(tmp_path / "gone.zip", tmp_path / "out")
    with zipfile.ZipFile(tmp_path / "empty.zip", "w"):
        pass
    with pytest.raises(InputError, match="contains no file"):
        surveyed(tmp_path / "empty.zip", tmp_path / "out")


def test_a_damaged_member_does_not_end_the_run(tmp_path: Path) -> None:
    root = two_classes(tmp_path / "data")
    raw = io.BytesIO(zipped(root, tmp_path / "a.zip").read_bytes())
    with zipfile.ZipFile(raw) as archive:
        at = archive.getinfo("quartz/003.png").header_offset + 200
    damaged = bytearray(raw.getvalue())
    damaged[at] ^= 0xFF
    (tmp_path / "a.zip").write_bytes(damaged)
    found, _ = surveyed(tmp_path / "a.zip", tmp_path / "out")
    assert list(reasons(found)) == ["quartz/003.png"]
    assert reasons(found)["quartz/003.png"].startswith("truncated: damaged in the archive")


def test_an_encrypted_member_a_colon_in_a_name_and_hidden_files(tmp_path: Path) -> None:
    root = two_classes(tmp_path / "data")
    path = zipped(root, tmp_path / "a.zip")
    photo = (root / "quartz" / "001.png").read_bytes()
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("olivine/secret.png", photo)
        for name in ("__MACOSX/olivine/._000.png", ".ipynb_checkpoints/a.png", "@eaDir/o/b.png"):
            archive.writestr(name, photo)
    raw = bytearray(path.read_bytes())
    entry = raw.rindex(b"PK\x01\x02", 0, raw.rindex(b"olivine/secret.png"))
    raw[entry + 8] |= 1  # general purpose flag, bit 0: encrypted
    path.write_bytes(raw)
    found, _ = surveyed(path, tmp_path / "out")
    hidden = "hidden: left by a file manager, a notebook or a system"
    assert reasons(found) == {
        "olivine/secret.png": "unreadable: encrypted; unpack it with its password",
        "__MACOSX/olivine/._000.png": hidden,
        ".ipynb_checkpoints/a.png": hidden,
        "@eaDir/o/b.png": hidden,
    }
    plain, _ = surveyed(root, tmp_path / "out")
    with tarfile.open(tmp_path / "a.tar", "w") as tar:
        tar.add(root, "TS:12")
    assert surveyed(tmp_path / "a.tar", tmp_path / "out")[0].photos.equals(plain.photos)
