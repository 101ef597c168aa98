"""What a file becomes that two people changed at the same time."""

from __future__ import annotations

import re

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from stoa.meta.xml import is_built
from stoa.provenance.settle import settle

BASE = """\
# What everybody shares.
schema: 1
project: "p"

# Named places.
roots:
  # the first
  products: what the processes write   # below the clone

quality:
  signal: "snr >= 5"
  duplicates: {apart: 0.5arcsec}

reasons: {}

# The end.
"""
BUILT = b'<project>%s<package schema="1"/></project>\n'


def joined(ours: str, theirs: str, base: str = BASE) -> str | None:
    """Both sides' settings, the same from both of them but for the order of new fields."""
    one, other = (
        settle(".stoa/config.yaml", base.encode(), *(text.encode() for text in sides), is_built)
        for sides in ((ours, theirs), (theirs, ours))
    )
    assert (one is None) == (other is None)
    if one is None or other is None:
        return None
    assert yaml.safe_load(one) == yaml.safe_load(other)
    return one.decode()


def edited(*changes: tuple[str, str]) -> str:
    text = BASE
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    return text


def test_roots_that_two_people_add_are_both_there_with_all_remarks():
    ours = edited(("roots:\n", "roots:\n  alma: data\n"))
    theirs = edited(("roots:\n", "roots:\n  vla: data   # theirs\n"))
    assert joined(ours, theirs) == edited(("roots:\n", "roots:\n  vla: data   # theirs\n  alma: data\n"))


def test_a_new_root_and_other_words_for_its_neighbour_are_both_there():
    ours = edited(("roots:\n", "roots:\n  alma: data\n"))
    theirs = edited(("what the processes write", "our products"))
    assert joined(ours, theirs) == edited(
        ("roots:\n", "roots:\n  alma: data\n"), ("what the processes write", "our products")
    )


def test_new_fields_stand_behind_those_that_they_were_put_behind():
    ours = edited(("  duplicates", '  gain: "gain >= 0.3"\n  duplicates'))
    theirs = edited(("0.5arcsec}\n", '0.5arcsec}\n  edge: "edge_beams >= 1"\n'))
    assert list(yaml.safe_load(joined(ours, theirs) or "")["quality"]) == ["signal", "gain", "duplicates", "edge"]


def test_an_empty_mapping_that_both_filled_has_both_fields():
    ours, theirs = (edited(("reasons: {}\n", f"reasons:\n  {name}: x\n")) for name in ("fringes", "stripes"))
    assert yaml.safe_load(joined(ours, theirs) or "")["reasons"] == {"fringes": "x", "stripes": "x"}


def test_a_field_that_one_removed_is_gone_and_the_others_new_one_is_there():
    ours = edited(('  signal: "snr >= 5"\n', ""))
    theirs = edited(("  duplicates", '  gain: "gain >= 0.3"\n  duplicates'))
    assert list(yaml.safe_load(joined(ours, theirs) or "")["quality"]) == ["gain", "duplicates"]


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ("roots:\n  alma: mine\n", "roots:\n  alma: theirs\n"),
        ("roots:\n  alma: data  # mine\n", "roots:\n  alma: data  # theirs\n"),
        ("roots:\n  # mine\n", "roots:\n  # theirs\n"),
        ("roots:\n    alma: data\n", "roots:\n  vla: data\n"),  # that is no YAML
        ("roots:\n  ? alma\n  : data\n", "roots:\n  - vla\n"),
    ],
)
def test_what_only_a_person_can_settle_is_left_to_one(ours, theirs):
    assert joined(edited(("roots:\n", ours)), edited(("roots:\n", theirs))) is None


def test_a_field_that_one_removed_and_the_other_changed_is_left_to_a_person():
    assert joined(edited(('  signal: "snr >= 5"\n', "")), edited(("snr >= 5", "snr >= 6"))) is None


def test_another_order_is_left_to_a_person():
    cuts = '  signal: "snr >= 5"\n  duplicates: {apart: 0.5arcsec}\n'
    turned = '  duplicates: {apart: 0.5arcsec}\n  signal: "snr >= 5"\n'
    assert joined(edited((cuts, turned)), edited(("  duplicates", '  gain: "gain >= 0.3"\n  duplicates'))) is None


def test_another_order_stays_beside_changes_elsewhere():
    cuts = '  signal: "snr >= 5"\n  duplicates: {apart: 0.5arcsec}\n'
    turned = '  duplicates: {apart: 0.5arcsec}\n  signal: "snr >= 5"\n'
    both = (cuts, turned), ("roots:\n", "roots:\n  alma: data\n")
    assert joined(edited(both[0]), edited(both[1])) == edited(*both)


def test_a_text_of_many_lines_is_not_torn_apart():
    ours = edited(("reasons: {}\n", "reasons:\n  fringes: |\n    waves\n    # no remark\n"))
    theirs = edited(("reasons: {}\n", "reasons:\n  stripes: lines\n"))
    for sides in ((ours, theirs), (theirs, ours)):
        data = settle(".stoa/config.yaml", BASE.encode(), *(text.encode() for text in sides), is_built)
        whole = {"fringes": "waves\n# no remark\n", "stripes": "lines"}
        assert data is None or yaml.safe_load(data)["reasons"] == whole


NAMES = st.dictionaries(st.sampled_from("abcdef"), st.sampled_from(["1", "2", "3"]), max_size=5)


def written(sections: dict[str, dict[str, str]]) -> str:
    """Settings with a remark in each place where one can be."""
    text = "# top\nschema: 1\n"
    for name, fields in sorted(sections.items()):
        text += f"\n# above {name}\n{name}:\n" if fields else f"\n# above {name}\n{name}: {{}}\n"
        text += "".join(f"  # of {key}\n  {key}: x{value}  # beside\n" for key, value in sorted(fields.items()))
    return text + "# end\n"


@given(*[st.fixed_dictionaries({"roots": NAMES, "reasons": NAMES})] * 3)
def test_every_field_is_as_one_side_made_it_or_nothing_is_joined(base, ours, theirs):
    expected: dict[str, dict[str, str]] = {}
    clash = False
    for name in base:
        expected[name] = {}
        for key in "abcdef":
            before, mine, other = (side[name].get(key) for side in (base, ours, theirs))
            clash |= mine != other and before not in (mine, other)
            value = other if mine == before else mine
            if value is not None:
                expected[name][key] = f"x{value}"
    text = joined(*(written(side) for side in (ours, theirs, base)))
    if clash:
        assert text is None
    elif text is not None:
        found = yaml.safe_load(text)
        assert {name: found[name] or {} for name in expected} == expected
    if all(side[name] for side in (base, ours, theirs) for name in base) and all(expected.values()):
        assert (text is None) == clash


def test_of_two_documents_that_stoa_built_both_sides_take_the_same():
    ours, theirs = BUILT % b"<a/>", BUILT % b"<b/>"
    taken = {settle(".stoa/meta/a.xml", None, *pair, is_built) for pair in ((ours, theirs), (theirs, ours))}
    assert len(taken) == 1
    assert taken <= {ours, theirs}


def test_a_document_by_hand_is_left_to_a_person():
    assert settle("sub/.stoa/meta/a.xml", None, b"<project/>", BUILT % b"", is_built) is None


@pytest.mark.parametrize("path", ["count.sh", "config.yaml", ".stoa/roles.yaml", ".stoa/params/count/config.yaml"])
def test_other_files_are_left_to_a_person(path):
    assert settle(path, None, b"a: 1\n", b"b: 1\n", is_built) is None


def targets_of(*pairs: str) -> bytes:
    """A list of targets, ``name=path`` each, ``name=path-time`` for one that was removed."""
    lines = []
    for pair in pairs:
        name, path, removed = re.fullmatch(r"(\w+)=(\w+)(?:-(\w+))?", pair).groups()
        gone = f', "removed": "{removed}"' if removed else ""
        lines.append(f'- {{"name": "{name}", "root": "r", "path": "{path}"{gone}}}\n')
    return "".join(lines).encode()


@pytest.mark.parametrize(
    ("ours", "theirs", "both"),
    [
        (("a=1", "b=2", "c=3"), ("a=1", "b=2", "d=4"), ("a=1", "b=2", "c=3", "d=4")),
        (("new=1", "b=2"), ("a=1", "b=2", "c=3"), ("b=2", "c=3", "new=1")),
        (("b=2",), ("a=1", "b=2", "c=3"), ("b=2", "c=3")),
        (("b=2",), ("a=1", "new=2"), ("new=2",)),
        (("a=1", "b=2", "c=3"), ("a=1", "b=2", "c=3"), ("a=1", "b=2", "c=3")),
        (("a=1-t", "b=2"), ("a=1", "b=2", "c=3"), ("a=1-t", "b=2", "c=3")),
        (("a=1-t", "b=2"), ("a=1-u", "b=2"), ("a=1-u", "b=2")),
        (("a=1-t", "new=1", "b=2"), ("a=1", "b=2", "c=3"), ("a=1-t", "b=2", "c=3", "new=1")),
        (("new=1", "b=2"), ("other=1", "b=2"), None),
        (("a=1", "b=2", "c=3"), ("a=1", "b=2", "d=3"), None),
    ],
)
def test_in_a_list_of_targets_each_folder_has_one_line(ours, theirs, both):
    base = targets_of("a=1", "b=2")
    expected = targets_of(*both) if both else None
    for sides in ((ours, theirs), (theirs, ours)):
        assert settle(".stoa/targets/r.yaml", base, *(targets_of(*side) for side in sides), is_built) == expected


def test_a_list_of_targets_with_other_lines_is_for_a_person():
    assert settle(".stoa/targets/r.yaml", b"", targets_of("a=1") + b"# mine\n", targets_of("b=2"), is_built) is None
