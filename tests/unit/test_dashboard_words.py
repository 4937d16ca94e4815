"""The dashboard's words: the same in three languages, every one used, none missing."""

import json
import re
import string

import pytest

from api.dashboard.languages import LANGUAGES, language_of
from api.dashboard.pages import FOLDER, PAGES
from api.dashboard.words import read_words
from oracle.metering.reasons import Reason

WORDS = read_words(FOLDER / "words")
SYMBOLS = {"API", "CO₂e", "CSV", "EIP", "HK$", "JSON", "kW", "kWh", "MWh", "Wh", "PDF", "QR"}
PLACEHOLDER = re.compile(r"\{([a-z_]+)\}")
HAN = re.compile(r"[\u4e00-\u9fff]")
KEY = re.compile(r'(?:["\'`]|data-t(?:-label)?=")([a-z]+\.[a-z_]+(?:\.[a-z]+)?)["\'`]')
PREFIX = re.compile(r"`([a-z]+\.[a-z_]*)\$\{")
SENT_BY_THE_SERVER = ("reasons.", "wallet.")


def forms(text):
    return [text] if isinstance(text, str) else list(text.values())


def sources():
    for folder, suffix in (("scripts", "*.js"), ("pages", "*.html")):
        yield from (FOLDER / folder).glob(suffix)


def namespaces():
    return {path.name.split(".")[0] for path in (FOLDER / "words").glob("*.json")}


@pytest.mark.parametrize("language", LANGUAGES[1:])
def test_every_language_has_the_same_keys_and_placeholders(language):
    english, other = WORDS["en"], WORDS[language]
    assert set(english) == set(other)
    for key, text in english.items():
        expected = set(PLACEHOLDER.findall(" ".join(forms(text))))
        assert set(PLACEHOLDER.findall(" ".join(forms(other[key])))) == expected, key


@pytest.mark.parametrize("language", LANGUAGES[1:])
def test_chinese_is_chinese(language):
    for key, text in WORDS[language].items():
        for form in forms(text):
            bare = PLACEHOLDER.sub("", form)
            for symbol in sorted(SYMBOLS, key=len, reverse=True):
                bare = bare.replace(symbol, "")
            assert HAN.search(bare) or not any(letter in string.ascii_letters for letter in bare), key


@pytest.mark.parametrize(("language", "charset"), [("zh-Hant", "big5hkscs"), ("zh-Hans", "gb2312")])
def test_no_language_borrows_the_other_script(language, charset):
    for key, text in WORDS[language].items():
        for letter in HAN.findall(" ".join(forms(text))):
            try:
                letter.encode(charset)
            except UnicodeEncodeError:
                pytest.fail(f"{key}: {letter} is not written in {language}")


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_text_is_empty(language):
    for key, text in WORDS[language].items():
        assert all(form.strip() for form in forms(text)), key


def test_every_key_that_a_page_names_has_words():
    known = namespaces()
    for path in sources():
        text = path.read_text(encoding="utf-8")
        for key in KEY.findall(text):
            if key.split(".")[0] in known and not key.endswith((".js", ".json")):
                assert key in WORDS["en"], f"{path.name} names {key}"
        for prefix in PREFIX.findall(text):
            if prefix.split(".")[0] in known:
                assert any(key.startswith(prefix) for key in WORDS["en"]), f"{path.name} names {prefix}…"


def test_every_key_is_named_by_a_page():
    literal = {f"{page.name}.title" for page in PAGES}
    composed = []  # t(`revenue.${kind}`), t(`charts.${state}_energy`), with the text that they stand in
    for path in sources():
        text = path.read_text(encoding="utf-8")
        literal |= set(KEY.findall(text))
        for template in re.findall(r"`([a-z]+\.[a-z_.]*\$\{[^`\s]+)`", text):
            pattern = "([a-z_]+)".join(re.escape(part) for part in re.split(r"\$\{[^}]+\}", template))
            composed.append((re.compile(pattern), text, template.partition(".")[2].startswith("${")))

    def is_named(key):
        if key in literal or key.startswith(SENT_BY_THE_SERVER):
            return True
        found = [(match, text, is_bare) for pattern, text, is_bare in composed if (match := pattern.fullmatch(key))]
        return any(not is_bare or re.search(rf"\b{match[1]}\b", text) for match, text, is_bare in found)

    assert [key for key in WORDS["en"] if not is_named(key)] == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_reason_says_why_and_what_to_do(language):
    for code in (*Reason, "unknown"):
        for part in ("short", "why", "do"):
            assert f"reasons.{code}.{part}" in WORDS[language]


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_page_has_a_title(language):
    for page in PAGES:
        assert f"{page.name}.title" in WORDS[language]


@pytest.mark.parametrize(
    ("chosen", "accepted", "language"),
    [
        ("zh-Hant", "en", "zh-Hant"),
        (None, "zh-HK,zh;q=0.9,en;q=0.8", "zh-Hant"),
        (None, "zh-TW", "zh-Hant"),
        (None, "zh-CN,zh;q=0.9", "zh-Hans"),
        (None, "zh", "zh-Hans"),
        (None, "fr, en;q=0.5, zh-HK;q=0.7", "zh-Hant"),
        (None, "fr", "en"),
        (None, "zh-HK;q=0, en", "en"),
        (None, "zh-HK;q=many, zh-CN;q=0.2", "zh-Hans"),
        ("tlh", None, "en"),
        (None, None, "en"),
    ],
)
def test_a_language_is_chosen_by_cookie_then_by_the_browser(chosen, accepted, language):
    assert language_of(chosen, accepted) == language


def test_a_key_under_another_page_is_refused(tmp_path):
    (tmp_path / "plant.en.json").write_text(json.dumps({"credits.title": "Credits"}))
    with pytest.raises(ValueError, match=r"credits\.title does not belong here"):
        read_words(tmp_path)
