"""What the reference programs do to a text before they look for words, in plain Python over unicodedata, re and
html: ftfy but for its repair of mojibake, OpenAI's basic_clean, OpenCLIP's three ways to clean."""
import html
import html.entities
import re
import string
import unicodedata


def ftfy_characters():
    """What ftfy makes of single characters."""
    table = {}
    for c in range(0x80, 0xa0):
        try:
            table[c] = bytes([c]).decode("cp1252")
        except UnicodeDecodeError:
            pass
    ligatures = "\u0132\u0133\u0149\u01c4\u01c5\u01c6\u01c7\u01c8\u01c9\u01ca\u01cb\u01cc\u01f1\u01f2\u01f3"
    for c in ligatures + "\ufb00\ufb01\ufb02\ufb03\ufb04\ufb06":
        table[ord(c)] = unicodedata.normalize("NFKC", c)
    table[0xfb05] = "\u017ft"
    for c in list(range(0xff01, 0xfff0)) + [0x3000]:
        table[c] = unicodedata.normalize("NFKC", chr(c))
    return table


CHARACTERS = ftfy_characters()
CONTROLS = dict.fromkeys(
    [c for c in range(0x20) if c not in (9, 10, 12, 13)] + [0x7f, 0xfeff] +
    list(range(0x206a, 0x2070)) + list(range(0xfff9, 0xfffd)))


def ftfy_names():
    names = {"&" + n: c for n, c in html.entities.html5.items() if n.endswith(";")}
    for n, c in html.entities.html5.items():
        capital = "&" + n.upper()
        if n.endswith(";") and n == n.lower() and html.unescape(capital) == capital:
            names[capital] = c.upper()
    return names


NAMES = ftfy_names()


def ftfy_entity(match):
    text = match.group(0)
    if text.startswith("&#"):
        plain = html.unescape(text)
        return text if ";" in plain else plain
    return NAMES.get(text, text)


def ftfy_segment(text, unescape):
    """To its fixed point.  The repair of mojibake is left out."""
    while True:
        before = text
        if unescape:
            text = re.sub("&#?[0-9A-Za-z]{1,24};", ftfy_entity, text)
        text = text.translate(CHARACTERS)
        text = re.sub("[\u02bc\u2018-\u201b]", "'", re.sub("[\u201c-\u201f]", '"', text))
        text = re.sub("\r\n|[\r\u2028\u2029\u0085]", "\n", text)
        text = re.sub(r"\x1b\[[\d;]*[a-zA-Z]", "", text)
        text = unicodedata.normalize("NFC", text.translate(CONTROLS))
        if text == before:
            return text


def ftfy(text):
    out, unescape = [], True
    for line in re.findall("[^\n]*\n|[^\n]+", text):
        unescape = unescape and "<" not in line
        out.append(ftfy_segment(line, unescape))
    return "".join(out)


def basic_clean(text):
    return html.unescape(html.unescape(ftfy(text))).strip()


def whitespace(text):
    return " ".join(basic_clean(text).split())


def lower(text):
    return whitespace(text).lower()


def canonicalize(text):
    text = "".join(c for c in basic_clean(text).replace("_", " ") if c not in string.punctuation)
    return " ".join(text.lower().split())


CLEAN = {"whitespace": whitespace, "lower": lower, "canonicalize": canonicalize}
