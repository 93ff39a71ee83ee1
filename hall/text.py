"""Text that people type: cleaned in one place for forms, API, admin and sockets."""

import unicodedata

from django.utils.translation import gettext as _

from hall.refusals import Invalid

ALLOWED_CONTROL = {"\n", "\t"}
# What a spreadsheet takes for the beginning of a formula (OWASP, CSV injection).
FORMULA = ("=", "+", "-", "@", "\t", "\r")


def clean(text: str, *, most: int, lines: bool = False) -> str:
    """The text without outer blanks. Raises Invalid for control characters (PostgreSQL has no NUL) or over `most` characters."""
    text = unicodedata.normalize("NFC", text).strip()
    for character in text:
        if unicodedata.category(character) in ("Cc", "Cs") and not (lines and character in ALLOWED_CONTROL):
            raise Invalid(_("The text has a character that cannot be stored. Please type it again."))
    if len(text) > most:
        raise Invalid(
            _("The text is too long: %(count)d characters, at most %(most)d.") % {"count": len(text), "most": most}
        )
    return text


def whole_number(text: str, *, least: int, most: int) -> int:
    """A whole number within bounds. Raises Invalid in words for anything else, a number too long included."""
    text = text.strip()
    if not (text.isascii() and text.isdigit() and len(text) <= 9 and least <= int(text) <= most):
        raise Invalid(_("Please give a whole number from %(least)d to %(most)d.") % {"least": least, "most": most})
    return int(text)


def harmless(cell: str) -> str:
    """The text of a spreadsheet's cell that nothing takes for a formula: one that looks so begins with an apostrophe."""
    return f"'{cell}" if cell.startswith(FORMULA) else cell


def as_exported(cell: str) -> str:
    """What harmless() has made of a text, as it was: for a file of ours that is read in again."""
    return cell[1:] if cell.startswith("'") and cell[1:].startswith(FORMULA) else cell
