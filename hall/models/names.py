"""Names in both languages: which one is shown follows the language in force."""

from django.utils.translation import get_language


def pick(name_zh: str, name_en: str) -> str:
    """The name in the language in force; the other one where that is empty."""
    if (get_language() or "").startswith("zh"):
        return name_zh or name_en
    return name_en or name_zh
