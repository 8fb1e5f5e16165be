#!/usr/bin/env python3
"""Write src/token/unicode_tables.c, src/token/html_tables.c and tools/cli/columns_tables.c from the Unicode
data and the HTML5 entity list.

usage: make_tables.py [UNICODE_FOLDER]     (default /usr/share/unicode, Debian's unicode-data 15.0.0)

Run from the top of the tree when the Unicode version is to change; the results are committed."""
import html.entities
import sys

folder = sys.argv[1] if len(sys.argv) > 1 else "/usr/share/unicode"


def fields(name):
    for line in open("%s/%s" % (folder, name), encoding="utf-8"):
        line = line.split("#")[0].strip()
        if line:
            yield [f.strip() for f in line.split(";")]


category, ccc, decomposition, lower, width, compatible = {}, {}, {}, {}, {}, {}
first = None
for f in fields("UnicodeData.txt"):
    c = int(f[0], 16)
    if f[1].endswith("First>"):
        first = c
        continue
    for i in range(first if f[1].endswith("Last>") else c, c + 1):
        category[i] = f[2]
    if f[3] != "0":
        ccc[c] = int(f[3])
    if f[5].startswith(("<wide>", "<narrow>")):
        width[c] = [int(x, 16) for x in f[5].split()[1:]]
    elif f[5].startswith("<"):
        compatible[c] = [int(x, 16) for x in f[5].split()[1:]]
    if f[5] and not f[5].startswith("<"):
        decomposition[c] = [int(x, 16) for x in f[5].split()]
    if f[13]:
        lower[c] = int(f[13], 16)

excluded, properties = set(), {}
for f in fields("DerivedNormalizationProps.txt"):
    if f[1] == "Full_Composition_Exclusion":
        a, _, b = f[0].partition("..")
        excluded.update(range(int(a, 16), int(b or a, 16) + 1))
for f in fields("DerivedCoreProperties.txt"):
    a, _, b = f[0].partition("..")
    properties.setdefault(f[1], set()).update(range(int(a, 16), int(b or a, 16) + 1))
ages = {}
for f in fields("DerivedAge.txt"):
    a, _, b = f[0].partition("..")
    ages.update(dict.fromkeys(range(int(a, 16), int(b or a, 16) + 1), tuple(map(int, f[1].split(".")))))
version = open(folder + "/ReadMe.txt", encoding="utf-8").read()
version = [w for w in version.split() if w[0].isdigit() and w.count(".") == 2][0].strip(".,")


def ranges(points):
    out = []
    for c in sorted(points):
        if out and c == out[-1][1] + 1:
            out[-1][1] = c
        else:
            out.append([c, c])
    return out


def emit(out, head, items):
    out.append(head + " = {")
    line = "   "
    for item in items:
        if len(line) + len(item) + 2 > 98:
            out.append(line)
            line = "   "
        line += " " + item + ","
    out.append(line)
    out.append("};")


def range_table(out, name, points):
    r = ranges(points)
    emit(out, "const struct unicode_range %s[]" % name, ["{0x%x, 0x%x}" % tuple(x) for x in r])
    out.append("const size_t %s_count = %d;" % (name, len(r)))


out = ["/* Written by tools/unicode/make_tables.py from Unicode %s. */" % version,
       '#include "unicode.h"', "", 'const char unicode_version[] = "%s";' % version]
range_table(out, "unicode_letters", [c for c, g in category.items() if g[0] == "L"])
range_table(out, "unicode_numbers", [c for c, g in category.items() if g[0] == "N"])
range_table(out, "unicode_digits", [c for c, g in category.items() if g == "Nd"])
range_table(out, "unicode_cased", properties["Cased"])
# The tokenizers library goes by Unicode 8.0 in BERT's rules: of the characters that were there, these
# have changed since (U+1734, U+166D and U+111C9 from, U+1885, U+1886 and U+A9BD to what they are now).
old = {c: category[c] for c in ages if ages[c] <= (8, 0) and c in category}
old.update({0x1734: "Mn", 0x166d: "Po", 0x111c9: "Po", 0x1885: "Lo", 0x1886: "Lo", 0xa9bd: "Mc"})
range_table(out, "unicode_old_marks", [c for c, g in old.items() if g == "Mn"])
range_table(out, "unicode_old_punctuation", [c for c, g in old.items() if g[0] == "P"])
range_table(out, "unicode_old_controls", [c for c, g in old.items() if g in ("Cc", "Cf", "Co")])
range_table(out, "unicode_case_ignorable", properties["Case_Ignorable"])

# Lower case: runs of equal distance, of every code point (step 1) or of every other (step 2).
runs = []
for c in sorted(lower):
    d = lower[c] - c
    for step in (1, 2):
        if runs and runs[-1][3] == d and c == runs[-1][1] + step and runs[-1][2] in (0, step):
            runs[-1][1], runs[-1][2] = c, step
            break
    else:
        runs.append([c, c, 0, d])
emit(out, "const struct unicode_lower_run unicode_lower_runs[]",
     ["{0x%x, 0x%x, %d, %d}" % (a, b, s or 1, d) for a, b, s, d in runs])
out.append("const size_t unicode_lower_runs_count = %d;" % len(runs))

# Combining classes as runs, canonical decompositions and primary composites as sorted lists.
runs = []
for c in sorted(ccc):
    if runs and runs[-1][1] == c - 1 and runs[-1][2] == ccc[c]:
        runs[-1][1] = c
    else:
        runs.append([c, c, ccc[c]])
emit(out, "const struct unicode_class_run unicode_class_runs[]",
     ["{0x%x, 0x%x, %d}" % tuple(r) for r in runs])
out.append("const size_t unicode_class_runs_count = %d;" % len(runs))
emit(out, "const struct unicode_pair unicode_decompositions[]",
     ["{0x%x, 0x%x, 0x%x}" % (c, d[0], d[1] if len(d) > 1 else 0)
      for c, d in sorted(decomposition.items())])
out.append("const size_t unicode_decompositions_count = %d;" % len(decomposition))
composites = sorted((d[0], d[1], c) for c, d in decomposition.items()
                    if len(d) == 2 and c not in excluded)
index = {c: i for i, c in enumerate(sorted(decomposition))}
emit(out, "const uint16_t unicode_compositions[]", ["%d" % index[c] for a, b, c in composites])
out.append("const size_t unicode_compositions_count = %d;" % len(composites))
# Full and half width forms, U+FF01 and up, as NFKC has them.
forms = []
for c in sorted(c for c in width if c >= 0xff00):
    to = [y for x in width[c] for y in width.get(x, compatible.get(x, [x]))]
    forms.append("{0x%x, 0x%x, 0x%x}" % (c, to[0], to[1] if len(to) > 1 else 0))
emit(out, "const struct unicode_pair unicode_widths[]", forms)
out.append("const size_t unicode_widths_count = %d;" % len(forms))
open("src/token/unicode_tables.c", "w").write("\n".join(out) + "\n")

# Columns of a terminal: none for marks on the character before (the vowels and finals of decomposed Hangul
# too) and for format characters but the soft hyphen; two for what is wide or full width and assigned.
none = {c for c, g in category.items() if g in ("Mn", "Me", "Cf")} - {0xad} | set(range(0x1160, 0x1200))
wide = set()
for f in fields("EastAsianWidth.txt"):
    if f[1] in ("W", "F"):
        a, _, b = f[0].partition("..")
        wide.update(range(int(a, 16), int(b or a, 16) + 1))
out = ["/* Written by tools/unicode/make_tables.py from Unicode %s. */" % version,
       '#include "columns.h"', ""]
range_table(out, "columns_none", none)
range_table(out, "columns_wide", wide - none)
open("tools/cli/columns_tables.c", "w").write("\n".join(out) + "\n")

# HTML5: 2125 names that end in ';', 106 of which also stand without it.
names = sorted(n[:-1] for n in html.entities.html5 if n.endswith(";"))
second = sorted({html.entities.html5[n + ";"][1] for n in names if len(html.entities.html5[n + ";"]) > 1})
values = []
for n in names:
    v = html.entities.html5[n + ";"]
    assert n not in html.entities.html5 or html.entities.html5[n] == v
    values.append(ord(v[0]) | (second.index(v[1]) + 1 if len(v) > 1 else 0) << 24
                  | (n in html.entities.html5) << 31)
blob, starts = "", []
for n in names:
    starts.append(len(blob))
    blob += n
starts.append(len(blob))
out = ["/* Written by tools/unicode/make_tables.py from the HTML5 list of named characters. */",
       '#include "html.h"', ""]
out.append("const char html_names[] = {")  # no string: C99 promises 4095 characters
out += ["    " + "".join("'%s'," % c for c in blob[i:i + 23]) for i in range(0, len(blob), 23)]
out.append("};")
emit(out, "const uint16_t html_starts[]", ["%d" % s for s in starts])
emit(out, "const uint32_t html_values[]", ["0x%x" % v for v in values])
emit(out, "const uint32_t html_seconds[]", ["0"] + ["0x%x" % ord(s) for s in second])
out.append("const size_t html_count = %d;" % len(names))
open("src/token/html_tables.c", "w").write("\n".join(out) + "\n")
print("Unicode %s: %d decompositions, %d compositions; %d entities" %
      (version, len(decomposition), len(composites), len(names)))
