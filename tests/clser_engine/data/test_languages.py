"""Tests of clser_engine.data.languages."""

import pytest

from clser_engine.data.languages import is_language_tag, same_language, suggest_tag


@pytest.mark.parametrize("tag", ["de", "deu", "pt-BR", "zh-Hant-TW", "gsw"])
def test_tags_are_known_by_their_form(tag):
    assert is_language_tag(tag)


@pytest.mark.parametrize("tag", ["", "German", "DE", "d", "de_AT", "de-", "deutsch", "d3"])
def test_other_texts_are_no_tags(tag):
    assert not is_language_tag(tag)


@pytest.mark.parametrize(
    ("tags", "code"),
    [
        (("de", "deu", "de-AT", "deu-CH"), "deu"),
        (("zh", "zho", "cmn", "zh-TW"), "cmn"),
        (("fa", "fas", "pes"), "fas"),
        (("ur", "urd"), "urd"),
        (("gsw",), "gsw"),
        (("yue",), "yue"),
    ],
)
def test_tags_of_one_language_share_a_code(tags, code):
    assert {same_language(tag) for tag in tags} == {code}


@pytest.mark.parametrize(
    ("text", "tag"),
    [
        ("german", "deu"),
        ("Mandarin", "cmn"),
        ("DE", "de"),
        ("pt_BR", "pt-br"),
        ("Klingonisch!", None),
    ],
)
def test_the_tag_of_a_name_is_offered(text, tag):
    assert suggest_tag(text) == tag
