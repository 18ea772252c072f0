"""Names as people write them, in many scripts."""

FAMILY = "\U0001f468\u200d\U0001f469\u200d\U0001f467\u200d\U0001f466"
SCOTLAND = "\U0001f3f4\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f"
GERMANY = "\U0001f1e9\U0001f1ea"
PERSIAN = "\u0639\u0644\u06cc\u200c\u0631\u0636\u0627"
NAMES = {
    "Persian with a non-joiner": PERSIAN,
    "Hijri abbreviation with a joiner at its end": "\u06f1\u06f4\u06f0\u06f0 \u0647\u200d",
    "Sinhala with a joiner": "\u0dc1\u0dca\u200d\u0dbb\u0dd3",
    "Malayalam with a joiner at its end": "\u0d30\u0d3e\u0d1c\u0d28\u0d4d\u200d",
    "family": FAMILY,
    "flag of a country": GERMANY,
    "flag of a region, with tags": SCOTLAND,
    "skin tone": "\U0001f44d\U0001f3fd",
    "variation selector and joiner": "\u2764\ufe0f\u200d\U0001f525",
    "keycap": "1\ufe0f\u20e3",
    "ideograph with a variation selector": "\u845b\U000e0100\u57ce",
    "Arabic with a right-to-left mark": "\u0645\u062d\u0645\u062f\u200f (Ltd)",
    "Hebrew with a left-to-right mark": "\u05e9\u05dc\u05d5\u05dd\u200e! C++\u200e",
    "Arabic letter mark": "\u0645\u061c-1",
    "isolates in a pair": "Ada \u2067\u05d0\u05d1\u2069 King",
    "emoji newer than Python's table": "\U0001fae9 Ada",
    "letters newer than Python's table": "\U00016d40\U00016d41",
    "apostrophe": "O\u2019Neil-D'Arcy",
    "marks": "Tr\u1ea7n Th\u1ecb \u0627\u0644\u0652",
}
"""By what is in them that a naive rule would refuse."""
