"""Artifacts: the same files are the same bytes, and a tar cannot write outside its folder."""

import io
import os
import tarfile
from pathlib import Path

import pytest

from connectors.artifacts import BadArtifact, pack, sha256_of, unpack


def files_at(folder: Path, names: list[str]) -> Path:
    """A folder of small files, made in the order of their names here."""
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(f"content of {name}")
    return folder


def a_tar(member: tarfile.TarInfo, content: bytes = b"") -> bytes:
    """A tar with one member, however odd."""
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as tar:
        member.size = len(content)
        tar.addfile(member, io.BytesIO(content))
    return file.getvalue()


def a_member(name: str, kind: bytes = tarfile.REGTYPE, target: str = "") -> tarfile.TarInfo:
    """A member of a tar."""
    member = tarfile.TarInfo(name)
    member.type, member.linkname = kind, target
    return member


def test_the_hash_depends_on_names_and_contents_alone(tmp_path: Path) -> None:
    names = ["b.txt", "a.txt", "deep/c.txt", "ä.txt", "n" * 150]
    one, other = files_at(tmp_path / "one", names), files_at(tmp_path / "two", names[::-1])
    os.utime(other / "a.txt", (1, 1))
    (other / "b.txt").chmod(0o600)
    hashes = {pack(one, tmp_path / "1.tar"), pack(other, tmp_path / "2.tar")}
    assert len(hashes) == 1
    assert hashes == {sha256_of(tmp_path / "1.tar")}


def test_the_hash_of_known_files_is_known(tmp_path: Path) -> None:
    found = pack(files_at(tmp_path / "m", ["a.txt", "deep/c.txt"]), tmp_path / "m.tar")
    assert found == "1046cbb6e64acb4f449014a379207cf8ab5d28ca58afebab979c18c2363ebea0"


@pytest.mark.parametrize("change", ["content", "name", "executable", "more"])
def test_any_change_of_the_files_changes_the_hash(tmp_path: Path, change: str) -> None:
    folder = files_at(tmp_path / "m", ["a.txt"])
    before = pack(folder, tmp_path / "before.tar")
    match change:
        case "content":
            (folder / "a.txt").write_text("other")
        case "name":
            (folder / "a.txt").rename(folder / "b.txt")
        case "executable":
            (folder / "a.txt").chmod(0o755)
        case _:
            (folder / "empty").mkdir()
    assert pack(folder, tmp_path / "after.tar") != before


def test_what_was_packed_comes_out_again(tmp_path: Path) -> None:
    folder = files_at(tmp_path / "m", ["a.txt", "deep/er/c.txt"])
    (folder / "run.sh").write_text("#!/bin/sh\n")
    (folder / "run.sh").chmod(0o755)
    digest = pack(folder, tmp_path / "m.tar")
    unpack(tmp_path / "m.tar", tmp_path / "from_path")
    unpack((tmp_path / "m.tar").read_bytes(), tmp_path / "from_bytes")
    assert (tmp_path / "from_path/deep/er/c.txt").read_text() == "content of deep/er/c.txt"
    assert os.access(tmp_path / "from_bytes/run.sh", os.X_OK)
    assert pack(tmp_path / "from_bytes", tmp_path / "again.tar") == digest


@pytest.mark.parametrize(
    "member",
    [
        a_member("../outside"),
        a_member("a/../../outside"),
        a_member("/tmp/outside"),
        a_member("link", tarfile.SYMTYPE, "/etc/passwd"),
        a_member("link", tarfile.SYMTYPE, "../outside"),
        a_member("hardlink", tarfile.LNKTYPE, "../outside"),
        a_member("pipe", tarfile.FIFOTYPE),
        a_member("device", tarfile.CHRTYPE),
    ],
    ids=["up", "up later", "absolute", "link away", "link up", "hard link", "pipe", "device"],
)
def test_a_member_that_would_leave_the_folder_is_refused(
    tmp_path: Path, member: tarfile.TarInfo
) -> None:
    with pytest.raises(BadArtifact, match=r"outside|link|pipe|device"):
        unpack(a_tar(member), tmp_path / "into")
    assert not (tmp_path / "outside").exists()
    assert not (tmp_path / "into").exists()


@pytest.mark.parametrize("content", [b"no tar at all", b"", b"\x1f\x8b" + b"x" * 600])
def test_what_is_no_plain_tar_is_refused(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(BadArtifact, match="not a plain, uncompressed tar"):
        unpack(content, tmp_path / "into")


def test_a_link_is_not_packed(tmp_path: Path) -> None:
    folder = files_at(tmp_path / "m", ["a.txt"])
    (folder / "secret").symlink_to("/etc/passwd")
    with pytest.raises(BadArtifact, match=r"secret is a link"):
        pack(folder, tmp_path / "m.tar")


def test_a_file_where_a_folder_should_be_is_no_artifact(tmp_path: Path) -> None:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as tar:
        for name in ("a", "a/b"):
            member = a_member(name)
            member.size = 1
            tar.addfile(member, io.BytesIO(b"x"))
    with pytest.raises(BadArtifact, match="a file and a folder of one name"):
        unpack(file.getvalue(), tmp_path / "out")
