"""A setting changed in the text of a settings file: what the text is then, and that nothing else of it is touched."""

from __future__ import annotations

import datetime as dt
import tomllib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from senrkit.errors import UsageError
from senrkit.settings.edit import ChangedLine, changed_lines, edited
from senrkit.settings.settings import TEMPLATE, TRANSLATION_SETS

YEAR, AS_OF, LEA = ("school_year",), ("as_of",), ("lea",)
SELA, OTHERS, OPEN = ("calpads", "sela_extract"), ("calpads", "other_leas"), ("process", "prior_year_open")
X = ("translations", "STU.SP", "X")
DAY = dt.date(2026, 1, 2)
TOP = 'school_year = "2025-2026"  # ours\nlea = "1999990"\n'


@pytest.mark.parametrize(
    ("old", "changes", "new"),
    [
        # A line keeps its place and its comment.
        (TOP, {YEAR: "2026-2027"}, 'school_year = "2026-2027"  # ours\nlea = "1999990"\n'),
        ("\tlea='1'   #\tx\n", {LEA: "2"}, '\tlea="2"   #\tx\n'),
        # A new one stands last in its section, above the blank line.
        (f"{TOP}\n[calpads]\n", {AS_OF: dt.date(2026, 11, 3)}, f"{TOP}as_of = 2026-11-03\n\n[calpads]\n"),
        (
            f"{TOP}[calpads] # c\na = 1\n# z\n\n[process]\n",
            {OTHERS: ["1", "2"]},
            f'{TOP}[calpads] # c\na = 1\n# z\nother_leas = ["1", "2"]\n\n[process]\n',
        ),
        # A section that is not there stands last in the file.
        (f"{TOP}[calpads]\na = 1\n", {OPEN: "hold"}, f'{TOP}[calpads]\na = 1\n\n[process]\nprior_year_open = "hold"\n'),
        (TOP, {X: "10"}, f'{TOP}\n[translations."STU.SP"]\n"X" = "10"\n'),
        (
            '[translations."STU.SP"]\nW = "20"\n[output]\n',
            {X: "10", ("translations", "ATT.RS", "010"): "T160"},
            '[translations."STU.SP"]\nW = "20"\n"X" = "10"\n\n[translations."ATT.RS"]\n"010" = "T160"\n[output]\n',
        ),
        # A line that is taken out takes its comment along, and no other.
        (f"# a\nas_of = 2026-01-01 # b\n# c\n{TOP}", {AS_OF: None}, f"# a\n# c\n{TOP}"),
        (TOP, {AS_OF: None}, TOP),
        # Windows: a path, the ends of lines, the byte order mark.
        ("[calpads]\n", {SELA: r"C:\x\SELA.txt"}, "[calpads]\nsela_extract = 'C:\\x\\SELA.txt'\n"),
        ("[calpads]\n", {SELA: r"C:\o'x"}, '[calpads]\nsela_extract = "C:\\\\o\'x"\n'),
        ('\ufefflea = "1"\r\n\r\n[a]\r\n', {AS_OF: DAY}, '\ufefflea = "1"\r\nas_of = 2026-01-02\r\n\r\n[a]\r\n'),
        ('lea = "1"\r\n[a]\n', {LEA: "2"}, 'lea = "2"\r\n[a]\n'),
        # No end of the last line.
        ('lea = "1"\nx = 1', {LEA: "2"}, 'lea = "2"\nx = 1'),
        ('lea = "1"', {AS_OF: dt.date(2026, 1, 2)}, 'lea = "1"\nas_of = 2026-01-02\n'),
        ('lea = "1"\r\nx = 1', {LEA: "2"}, 'lea = "2"\r\nx = 1'),
        ("", {LEA: "2"}, 'lea = "2"\n'),
        # Other ways to write a table.
        ('calpads.sela_extract = "a"\nlea = "1"\n', {SELA: "b"}, 'calpads.sela_extract = "b"\nlea = "1"\n'),
        ("process = {uc_csu = 'both'}\n", {OPEN: "hold"}, "process = {uc_csu = 'both', prior_year_open = \"hold\"}\n"),
        (
            '[calpads]\nother_leas = [\n  "1", # one\n]\n[calpads.errors]\n"E" = "rule"\n',
            {SELA: "b"},
            '[calpads]\nother_leas = [\n  "1", # one\n]\nsela_extract = "b"\n\n[calpads.errors]\n"E" = "rule"\n',
        ),
    ],
)  # fmt: skip
def test_a_setting_is_changed_and_the_rest_stays(old, changes, new):
    assert edited(old, changes) == new


@pytest.mark.parametrize("text", ["lea = \n", "[a]\n[a]\n"])
def test_a_text_that_is_no_toml_is_refused(text):
    with pytest.raises(UsageError, match="this is not TOML"):
        edited(text, {LEA: "1"})


@pytest.mark.parametrize("text", ["calpads = 3\n", "[[calpads]]\na = 1\n", "[calpads.sela_extract]\na = 1\n"])
def test_what_cannot_be_changed_by_itself_is_left_to_an_editor(text):
    try:
        new = edited(text, {SELA: "b"})
    except UsageError as refused:
        assert refused.cure == "Change it by hand, in an editor."
    else:
        assert tomllib.loads(new) == {"calpads": {"sela_extract": "b"}}


def test_the_lines_that_differ_are_told_with_their_sections():
    old = '# x\nschool_year = "2025-2026"\nas_of = 2025-11-03\nlea = "1"\n[calpads]\n# y\n[process]\n'
    new = edited(old, {YEAR: "2026-2027", AS_OF: None, LEA: "2", OTHERS: ["3"], X: "10"})
    assert changed_lines(old, new) == [
        ChangedLine(2, "", 'school_year = "2025-2026"', 'school_year = "2026-2027"'),
        ChangedLine(3, "", 'lea = "1"', 'lea = "2"'),
        ChangedLine(3, "", "as_of = 2025-11-03", None),
        ChangedLine(6, "[calpads]", None, 'other_leas = ["3"]'),
        ChangedLine(8, "[process]", None, ""),
        ChangedLine(9, '[translations."STU.SP"]', None, '[translations."STU.SP"]'),
        ChangedLine(10, '[translations."STU.SP"]', None, '"X" = "10"'),
    ]
    assert changed_lines(old, old) == []


# Texts that are one line each, and no control characters, which TOML has no place for.
WORDS = st.text(st.characters(blacklist_categories=("Cs", "Cc", "Zl", "Zp")), max_size=12)
CHANGES = st.dictionaries(
    st.sampled_from([YEAR, LEA, SELA, ("process", "golden_state_seal")])
    | st.tuples(st.just("translations"), st.sampled_from(list(TRANSLATION_SETS)), WORDS.filter(bool)),
    WORDS | st.none(),
    max_size=4,
) | st.fixed_dictionaries({}, optional={AS_OF: st.dates() | st.none(), OTHERS: st.lists(WORDS, max_size=3) | st.none()})


@settings(max_examples=150, deadline=None)
@given(
    CHANGES, st.lists(st.tuples(st.integers(0, 60), WORDS), max_size=4), st.sampled_from(["\n", "\r\n"]), st.booleans()
)
def test_every_line_but_those_that_are_changed_stays_in_its_order(changes, comments, end, marked):
    lines = TEMPLATE.splitlines()
    for place, words in comments:
        lines.insert(min(place, len(lines)), f"  # {words}")
    old = ("\ufeff" if marked else "") + end.join(lines) + end
    new = edited(old, changes)
    told = changed_lines(old, new)
    assert len(told) <= 3 * len(changes)
    # Taking away what was told leaves the old text without what went, byte for byte.
    was, now = (text.removeprefix("\ufeff").split(end) for text in (old, new))
    went, came = [one.before for one in told], {one.number - 1 for one in told if one.after is not None}
    for line in filter(lambda one: one is not None, went):
        was.remove(line)
    assert [line for place, line in enumerate(now) if place not in came] == was
    assert new.startswith("\ufeff") == marked
    for path, value in changes.items():
        found = tomllib.loads(new.removeprefix("\ufeff"))
        for name in path:
            found = found.get(name) if isinstance(found, dict) else None
        assert found == value
    # To and fro is where it began.
    assert edited(new, {}) == new
