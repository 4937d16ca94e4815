"""What an owner's wallet is asked to do can be said in every language."""

import json
import string

import pytest

SAID = {"draw", "retire", "retire_from", "certify", "collect", "claim", "approve", "deposit"}
"""Steps that the pages offer; see `Wanted` in owner_calls.py and permits.py."""


@pytest.mark.parametrize("language", ["en", "zh-Hant", "zh-Hans"])
def test_every_step_has_words(repository, language):
    words = json.loads((repository / "api" / "dashboard" / "words" / f"wallet.{language}.json").read_text("utf-8"))
    assert {f"wallet.says_{key}" for key in SAID} <= words.keys()


def test_words_put_in_only_what_steps_say(repository):
    said = {
        "grams",
        "asset_id",
        "vintage",
        "to",
        "project_id",
        "holder",
        "number",
        "months",
        "minor",
        "assets",
        "month",
    }
    words = json.loads((repository / "api" / "dashboard" / "words" / "wallet.en.json").read_text("utf-8"))
    for key in SAID:
        named = {field for _, field, _, _ in string.Formatter().parse(words[f"wallet.says_{key}"]) if field}
        assert named <= said, key
