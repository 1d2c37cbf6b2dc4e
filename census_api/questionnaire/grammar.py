"""The written grammar of numbers, states and texts. Every pattern is linear and ASCII.

A whole number is digits without leading zeros, up to 15 of them, with `-` before it if negative. A decimal is the
same with an optional point and digits. Nothing else is a number: no thousands commas, no percent signs, no words.
Polars (Rust regex) runs these patterns in the plan; `re` runs the same text in tests.
"""

from __future__ import annotations

from typing import Final

WHOLE: Final = r"^(?:0|-?[1-9][0-9]{0,14})$"
DECIMAL: Final = r"^-?(?:0|[1-9][0-9]{0,14})(?:\.[0-9]{1,20})?$"
STATE: Final = r"^(?:NK|REFUSED|NA)$"

CONTROL: Final = r"[\x00-\x08\x0B\x0C\x0E-\x1F\x7F\uFFFD]"

ORGANISATION_CODE: Final = r"^[A-Z0-9][A-Z0-9-]{1,19}$"
EMAIL: Final = r"^[^@\s,;<>()]{1,64}@(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z]{2,24}$"
PHONE: Final = r"^\+?[0-9(][0-9 ()-]{8,24}(?: ?(?:x|ext\.?) ?[0-9]{1,6})?$"
PERSONAL_NUMBER: Final = (
    r"(?i)\b[A-Z]{2}[ -]?[0-9]{2}[ -]?[0-9]{2}[ -]?[0-9]{2}[ -]?[A-D]\b|\b[0-9]{3}[ -]?[0-9]{3}[ -]?[0-9]{4}\b"
)
_FIRST_NAMES: Final = (
    "Aisha|Alan|Alison|Amanda|Amy|Andrea|Andrew|Angela|Anna|Anne|Anthony|Barbara|Ben|Brian|Carol|Caroline|Catherine|"
    "Charlotte|Chloe|Chris|Christine|Claire|Colin|Craig|Daniel|Darren|David|Dawn|Deborah|Debbie|Donna|Elizabeth|Emily|"
    "Emma|Fatima|Gareth|Gary|Gemma|George|Graham|Hannah|Heather|Helen|Ian|Jack|Jacqueline|James|Jane|Janet|Jason|Jean|"
    "Jennifer|Jessica|Jo|Joanne|Joe|John|Jonathan|Julia|Julie|Karen|Kate|Katie|Keith|Kelly|Kevin|Laura|Lauren|Lee|Linda|"
    "Lisa|Louise|Lucy|Margaret|Maria|Mark|Martin|Mary|Matthew|Michael|Michelle|Mike|Mohammed|Muhammad|Natalie|Neil|"
    "Nicholas|Nicola|Nigel|Olivia|Patricia|Paul|Peter|Philip|Priya|Rachel|Rebecca|Richard|Robert|Ruth|Samantha|Sandra|"
    "Sarah|Sharon|Simon|Sophie|Stephen|Steven|Steve|Stuart|Susan|Tracey|Tracy|Vanessa|Victoria|Wendy|William|Zoe"
)
PERSON_NAME: Final = (
    rf"\b(?:Mr|Mrs|Ms|Miss|Mx|Dr|Prof)\.? [A-Z][A-Za-z'-]+|\b(?:{_FIRST_NAMES}) [A-Z][a-z'-]+[A-Za-z'-]*"
)

PATTERNS: Final = {
    "organisation_code": ORGANISATION_CODE,
    "email": EMAIL,
    "phone": PHONE,
    "control": CONTROL,
    "personal_number": PERSONAL_NUMBER,
    "person_name": PERSON_NAME,
}
