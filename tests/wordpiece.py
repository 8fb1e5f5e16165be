"""BERT's tokenizer from the published algorithm (google-research/bert, tokenization.py) in plain Python over
unicodedata, with HuggingFace's additions: special tokens are found in the raw text."""
import string
import unicodedata

SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")


def is_ideograph(c):
    return any(a <= ord(c) <= b for a, b in ((0x4e00, 0x9fff), (0x3400, 0x4dbf), (0x20000, 0x2a6df), (0x2a700, 0x2b73f), (0x2b740, 0x2b81f),
                                             (0x2b820, 0x2ceaf), (0xf900, 0xfaff), (0x2f800, 0x2fa1f)))


def basic(text):
    """Words and marks, lower-case, without accents and controls."""
    out = []
    for c in text:
        category = unicodedata.category(c)
        if c in "\t\n\r" or category in ("Zs", "Zl", "Zp"):
            out.append(" ")
        elif c not in "\0\ufffd" and category not in ("Cc", "Cf", "Co"):
            out.append(" %s " % c if is_ideograph(c) else c)
    text = "".join(c for c in unicodedata.normalize("NFD", "".join(out)) if unicodedata.category(c) != "Mn")
    text = "".join(c.lower() for c in text)
    return "".join(" %s " % c if c in string.punctuation or unicodedata.category(c)[0] == "P" else c for c in text).split()


def pieces(word, vocab):
    """Greedy: the longest at each place; None when the word is not spelled to its end."""
    ids, at = [], 0
    while at < len(word) <= 100:
        for end in range(len(word), at, -1):
            piece = ("##" if at else "") + word[at:end]
            if piece in vocab:
                ids.append(vocab[piece])
                break
        else:
            return None
        at = end
    return ids or None


def encode(text, vocab):
    """Without [CLS] and [SEP]."""
    ids = []
    while text:
        at, token = min((text.find(t) if t in text else len(text), t) for t in SPECIAL)
        for word in basic(text[:at]):
            ids += pieces(word, vocab) or [vocab["[UNK]"]]
        if at < len(text):
            ids.append(vocab[token])
        text = text[at + len(token):]
    return ids
