"""The languages of the dashboard, and which one a request asks for."""

LANGUAGES = ("en", "zh-Hant", "zh-Hans")
"""English, Traditional Chinese as written in Hong Kong, Simplified Chinese as written on the mainland."""
DEFAULT_LANGUAGE = "en"

_TRADITIONAL = ("zh-hant", "zh-hk", "zh-tw", "zh-mo", "yue")


def language_of(chosen: str | None, accepted: str | None) -> str:
    """Return the language to answer in.

    Args:
        chosen: what the user chose before, from the cookie.
        accepted: the browser's Accept-Language (RFC 9110, section 12.5.4).

    """
    if chosen in LANGUAGES:
        return chosen
    for tag in _by_preference(accepted or ""):
        if tag.startswith(_TRADITIONAL):
            return "zh-Hant"
        if tag == "zh" or tag.startswith("zh-"):
            return "zh-Hans"
        if tag == "en" or tag.startswith("en-"):
            return "en"
    return DEFAULT_LANGUAGE


def _by_preference(accepted: str) -> list[str]:
    weighted = []
    for place, part in enumerate(accepted.lower().split(",")):
        tag, _, parameter = part.strip().partition(";")
        try:
            weight = float(parameter.strip().removeprefix("q=")) if parameter else 1.0
        except ValueError:
            continue
        if tag.strip() and weight > 0:
            weighted.append((-weight, place, tag.strip()))
    return [tag for _, _, tag in sorted(weighted)]
