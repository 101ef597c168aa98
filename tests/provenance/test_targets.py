"""Names of targets: short, safe, unique, and the same for everybody."""

from __future__ import annotations

import pytest
import random_records as some
from hypothesis import given, settings
from hypothesis import strategies as st

from stoa.provenance.definitions import NAME
from stoa.provenance.targets import name_targets, safe

MEMBER = "2013.1.00034.S/science_goal.uid___A001_X121_X287/group.uid___A001_X121_X288/member.uid___A001_X121_X28b"


def named(*paths: str, root: str = "alma", taken: tuple[str, ...] = ()) -> dict[str, str]:
    return {target.path: target.name for target in name_targets(root, paths, taken)}


@pytest.mark.parametrize(
    ("path", "name"),
    [
        (f"{MEMBER}/product", "A001_X121_X28b"),
        (f"{MEMBER}/qa", "A001_X121_X28b_qa"),
        (f"{MEMBER}/product/old", "A001_X121_X28b_old"),
        (MEMBER, "A001_X121_X28b"),
        ("x/uid___A002_Xa_Xb/product", "A002_Xa_Xb"),
        ("deep/field/M 31", "M_31"),
        ("", "alma"),
        ("a//b/", "b"),
        ("../etc", "etc"),
        ("..", "x"),
        ("-rf", "rf"),
        ("-_a", "a"),
        (".git", "git"),
        ("[KAG2008] globule (13)", "KAG2008_globule_13"),
        ("a\nb\x1b[31m", "a_b_31m"),
        ("σ Orionis", "sigma_Orionis"),
        ("Véron/Ω Cen", "Omega_Cen"),
        ("Véron", "Veron"),
        ("дом", "x"),
        ("member.uid___A001_X1_X2\n/product", "product"),
        ("member.uid___A٣_X1_X2/product", "product"),
        ("x/PRODUCT", "PRODUCT"),
    ],
)
def test_a_target_is_named_by_the_end_of_its_path(path, name):
    assert named(path) == {path: name}


def test_folders_of_one_end_are_told_apart_by_the_folder_above():
    assert named("2019/m31", "2020/m31", "2020/m33") == {
        "2019/m31": "2019_m31",
        "2020/m31": "2020_m31",
        "2020/m33": "m33",
    }


def test_the_folder_whose_whole_path_it_is_keeps_the_short_name():
    assert named("m31", "old/m31", "old/new/m31") == {"m31": "m31", "old/m31": "old_m31", "old/new/m31": "new_m31"}


def test_two_products_of_one_observation_have_names_of_their_own():
    assert named(f"{MEMBER}/product", f"{MEMBER}/product_old") == {
        f"{MEMBER}/product": "A001_X121_X28b",
        f"{MEMBER}/product_old": "A001_X121_X28b_product_old",
    }


def test_paths_that_look_alike_get_a_digest():
    names = named("NGC 4", "NGC_4")
    assert all(name.startswith("NGC_4-") for name in names.values())
    assert len(set(names.values())) == 2


def test_names_are_told_apart_without_case():
    names = named("a/M31", "b/m31")
    assert names == {"a/M31": "a_M31", "b/m31": "b_m31"}
    assert named("c/M31", taken=("m31",)) == {"c/M31": "c_M31"}


@pytest.mark.parametrize("composed", [("\u00e9", "e\u0301"), ("\ufb01", "fi"), ("K", "\u212a")])
def test_spellings_that_some_systems_take_for_one_are_two_targets(composed):
    assert len({name.casefold() for name in named(*composed).values()}) == 2


def test_a_name_of_300_characters_is_cut_and_stays_unique():
    one, other = named("x" * 300, "x" * 299 + "y").values()
    assert len(one) == len(other) == 120
    assert one[:111] == other[:111]
    assert one != other


def test_the_same_folders_under_many_roots_have_names_of_their_own():
    taken: list[str] = []
    for root in ("a", "b", "c", "d"):
        taken += [target.name for target in name_targets(root, ["p", "p/p"], taken)]
    assert len({name.casefold() for name in taken}) == 8


def test_a_path_that_is_given_twice_counts_once():
    assert [target.path for target in name_targets("alma", ["a", "b", "a"], [])] == ["a", "b"]


parts = (
    st.sampled_from(["a", "A", "b", "product", "uid___A001_X1_X2", "member.uid___A001_X1_X2", "x y", "x_y"])
    | some.segments
)
folders = st.lists(parts, max_size=4).map("/".join)


@settings(max_examples=40)
@given(st.lists(folders, unique=True, max_size=12), st.lists(some.names, max_size=4))
def test_names_are_safe_unique_and_do_not_depend_on_the_order(paths, taken):
    found = name_targets("alma", paths, taken)
    assert [target.path for target in found] == paths
    assert all(NAME.fullmatch(target.name) for target in found)
    assert len({name.casefold() for name in (*taken, *(t.name for t in found))}) == len(
        {n.casefold() for n in taken}
    ) + len(found)
    backwards = name_targets("alma", paths[::-1], taken[::-1])
    assert sorted(map(repr, backwards)) == sorted(map(repr, found))


@settings(max_examples=40)
@given(st.lists(folders, unique=True, max_size=8), st.lists(folders, unique=True, max_size=8))
def test_targets_that_are_added_later_change_no_name(first, later):
    taken = [target.name for target in name_targets("alma", first, [])]
    more = name_targets("alma", [path for path in later if path not in first], taken)
    assert not {name.casefold() for name in taken} & {target.name.casefold() for target in more}


@given(some.texts)
def test_a_safe_text_can_stand_anywhere_in_a_name(text):
    assert NAME.fullmatch(safe(text)[:120])
