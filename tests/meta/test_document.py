"""The description of a folder."""

from __future__ import annotations

import hashlib
import os
import shutil
from pathlib import Path

import pytest

from stoa.meta.build import Seen, build
from stoa.meta.document import KEYWORDS, Document, FileEntry
from stoa.meta.table import extended
from stoa.meta.xml import to_xml, validate
from stoa.model import RoleRule, RoleRules


def entry(document: Document, name: str) -> FileEntry:
    files = [*(file for group in document.groups for file in group.files), *document.others]
    return next(file for file in files if file.name == name)


def test_files_are_grouped_and_in_order(image, product: Path) -> None:
    for name in ("b.flux.fits", "b.image.pbcor.fits", "a.image.fits", "b.image.fits"):
        image(name, folder=product)
    (product / "README").write_text("hello")
    document = build(product)
    names = {group.key: [file.name for file in group.files] for group in document.groups}
    assert names == {"a": ["a.image.fits"], "b": ["b.image.pbcor.fits", "b.image.fits", "b.flux.fits"]}
    assert [other.name for other in document.others] == ["README"]


def test_header_texts_are_in_canonical_order_and_empty_where_there_is_none(image, product: Path) -> None:
    image("x.flux.fits", folder=product, BMAJ=None, BMIN=None, BPA=None)
    header = entry(build(product), "x.flux.fits").header
    assert tuple(header) == KEYWORDS
    assert (header["BMAJ"], header["OBJECT"], header["CRVAL1"]) == ("", "M83", "150.0")


def test_a_beam_file_takes_the_beam_of_its_image_and_says_so(image, product: Path) -> None:
    image("x.image.pbcor.fits", folder=product)
    image("x.flux.fits", folder=product, BMAJ=None, BMIN=None, BPA=None, OBJECT=None)
    derived = entry(build(product), "x.flux.fits").derived
    assert (derived["beam_major_arcsec"], derived["beam_origin"]) == ("3.6", "x.image.pbcor.fits")
    assert (derived["object"], derived["object_origin"]) == ("M83", "x.image.pbcor.fits")


def test_files_in_subfolders_have_groups_of_their_own(image, product: Path) -> None:
    image("x.image.fits", folder=product)
    image("x.image.fits", folder=product / "again")
    assert [group.key for group in build(product).groups] == ["again/x", "x"]


def test_a_copy_elsewhere_has_the_same_document(image, tmp_path: Path) -> None:
    first = tmp_path / "one" / "member.uid___A001_X1_X2" / "product"
    image("x.image.fits", folder=first)
    (first.parent / "README").write_text("Project 2013.1.00466.S\n")
    shutil.copytree(tmp_path / "one", tmp_path / "two")
    os.utime(tmp_path / "two" / "member.uid___A001_X1_X2" / "product" / "x.image.fits", (1, 1))
    assert build(tmp_path / "two" / "member.uid___A001_X1_X2" / "product") == build(first)


def test_an_unreadable_file_stays_in_its_group_with_its_promise(product: Path) -> None:
    (product / "x.image.pbcor.fits").write_text("<html>404</html>")
    (group,) = build(product).groups
    (file,) = group.files
    assert (group.key, file.role, file.problems) == ("x", "unreadable", ("html",))
    assert file.derived["named_role"] == "correctedImage"


def test_an_image_without_celestial_axes_has_a_problem(image, product: Path) -> None:
    image("x.image.pbcor.fits", folder=product, CTYPE1="'LINEAR'", CTYPE2="'LINEAR'")
    assert entry(build(product), "x.image.pbcor.fits").problems == ("no-celestial",)


def test_a_tarball_of_a_mask_belongs_to_its_image(image, product: Path) -> None:
    image("x.image.pbcor.fits", folder=product)
    (product / "x.mask.tgz").write_bytes(b"\x1f\x8b")
    (product / "logs.tgz").write_bytes(b"\x1f\x8b")
    document = build(product)
    assert [file.name for file in document.groups[0].files] == ["x.image.pbcor.fits", "x.mask.tgz"]
    assert [file.name for file in document.others] == ["logs.tgz"]


def test_whole_files_are_summed_where_that_is_wanted(image, product: Path) -> None:
    path = image("x.image.fits", folder=product)
    (product / "README").write_text("hello")
    (product / "away.fits").symlink_to(image("outside.fits", folder=product.parent))
    (product / "x.image").mkdir()
    (product / "x.image" / "table.dat").write_bytes(b"")
    document = build(product, checksums=True)
    sums = {e.name: e.derived.get("sha256") for e in (*document.others, *(f for g in document.groups for f in g.files))}
    assert sums == {
        "x.image.fits": hashlib.sha256(path.read_bytes()).hexdigest(),
        "README": "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824",  # of "hello"
        "away.fits": None,
        "x.image": None,
    }
    assert validate(to_xml(document)) == ()
    assert "sha256" not in entry(build(product), "x.image.fits").derived


def test_pixels_that_changed_under_the_same_header_are_seen_by_the_sum(image, product: Path) -> None:
    path = image("x.image.fits", folder=product)
    cache: dict[str, Seen] = {}
    before = build(product, cache, checksums=True)
    path.write_bytes(path.read_bytes()[:-1] + b"\1")
    os.utime(path, ns=(1, 1))
    after = build(product, cache, checksums=True)
    sums = [entry(document, "x.image.fits").derived["sha256"] for document in (before, after)]
    assert sums[0] != sums[1]


def test_a_link_out_of_the_folder_is_not_followed(image, product: Path, tmp_path: Path) -> None:
    (product / "x.image.fits").symlink_to(image("outside.fits", folder=tmp_path))
    (product / "away").symlink_to(tmp_path)
    found = entry(build(product), "x.image.fits")
    assert (found.role, found.problems, found.header) == ("unreadable", ("link-outside",), {})


def test_a_link_within_the_folder_is_read(image, product: Path) -> None:
    image("x.image.fits", folder=product)
    (product / "y.image.fits").symlink_to("x.image.fits")
    assert entry(build(product), "y.image.fits").header["OBJECT"] == "M83"


def test_a_loop_of_links_ends(product: Path) -> None:
    (product / "loop").symlink_to(product)
    (product / "self.fits").symlink_to("self.fits")
    (product / "gone.fits").symlink_to("nothing.fits")
    (product / "a").mkdir()
    (product / "a" / "up").symlink_to("..")
    document = build(product)
    found = {name: entry(document, name).problems for name in ("loop", "a/up", "self.fits", "gone.fits")}
    assert found == {"loop": (), "a/up": (), "self.fits": ("broken-link",), "gone.fits": ("broken-link",)}


def test_pipes_and_names_that_xml_cannot_hold_are_named(product: Path) -> None:
    os.mkfifo(product / "pipe")
    (product / "bell\x07.fits").write_bytes(b"x")
    document = build(product)
    assert entry(document, "pipe").problems == ("not-a-file",)
    assert entry(document, "bell\\x07.fits").problems == ("odd-name",)


def test_hidden_names_are_left_out_and_casa_images_not_entered(product: Path) -> None:
    (product / "._x.fits").write_bytes(b"AppleDouble")
    (product / "x.image").mkdir()
    (product / "x.image" / "table.dat").write_bytes(b"")
    (product / "x.image" / "table.f0").write_bytes(b"")
    assert [other.name for other in build(product).others] == ["x.image"]


def test_deep_folders_are_left_out_and_this_is_said(product: Path) -> None:
    (product / "/".join("abcdefghij")).mkdir(parents=True)
    assert build(product).problems == ("too-many-files",)


def test_a_file_that_did_not_change_is_not_opened_again(image, product: Path) -> None:
    path = image("x.image.fits", folder=product)
    cache: dict[str, Seen] = {}
    first = build(product, cache)
    status = path.stat()
    path.write_bytes(b"\0" * status.st_size)
    os.utime(path, ns=(status.st_mtime_ns, status.st_mtime_ns))
    assert build(product, cache) == first != build(product)


@pytest.mark.parametrize("change", ["later", "longer"])
def test_a_file_that_changed_is_read_again(change: str, image, product: Path) -> None:
    path = image("x.image.fits", folder=product)
    cache: dict[str, Seen] = {}
    build(product, cache)
    image("x.image.fits", *["HISTORY"] * (40 if change == "longer" else 1), folder=product, OBJECT="'M31'")
    os.utime(path, ns=(1, 1))
    assert entry(build(product, cache), "x.image.fits").header["OBJECT"] == "M31"


def test_the_cache_holds_what_is_there_and_goes_with_the_rules(image, product: Path) -> None:
    path = image("plain.image.fits", folder=product)
    cache: dict[str, Seen] = {}
    build(product, cache)
    mine = RoleRules(rules=(RoleRule(name="mine", role="correctedImage", stem="plain"),))
    assert entry(build(product, cache, extended(mine)), "plain.image.fits").role == "correctedImage"
    path.unlink()
    build(product, cache)
    assert cache == {}
