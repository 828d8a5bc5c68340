"""Writes Sources/LetheTokenizers/Normalizers/NormalizationTables.swift.

Needs tokenizers 0.23.3 (whose tables decide which characters decompose) and Python's unicodedata, whose
single-step decompositions never change for a character once it has one.

    python make_normalization_tables.py > ../../../Sources/LetheTokenizers/Normalizers/NormalizationTables.swift
"""

import unicodedata

from tokenizers import normalizers

nfd, nfkd = normalizers.NFD(), normalizers.NFKD()


def single_step(form, want_compatibility):
    table = {}
    for cp in range(0x110000):
        if 0xD800 <= cp < 0xE000 or 0xAC00 <= cp < 0xD7A4:
            continue
        if form.normalize_str(chr(cp)) == chr(cp):
            continue
        parts = unicodedata.decomposition(chr(cp)).split()
        compatibility = parts[0].startswith("<")
        if compatibility:
            parts = parts[1:]
        if compatibility == want_compatibility:
            table[cp] = [int(p, 16) for p in parts]
    return table


def runs(table):
    """(first, count, mapping): a run maps neighbours to neighbours; longer mappings have count 1."""
    out = []
    for cp in sorted(table):
        value = table[cp]
        if out and len(value) == 1:
            first, count, mapping = out[-1]
            if len(mapping) == 1 and first + count == cp and mapping[0] + count == value[0]:
                out[-1] = (first, count + 1, mapping)
                continue
        out.append((cp, 1, value))
    return out


def literal(table):
    words = []
    for first, count, mapping in runs(table):
        head = f"{first:X}" if count == 1 else f"{first:X}+{count:X}"
        words.append(head + "=" + ",".join(f"{m:X}" for m in mapping))
    lines, line = [], ""
    for word in words:
        if len(line) + len(word) + 1 > 110:
            lines.append(line)
            line = ""
        line += (" " if line else "") + word
    lines.append(line)
    return "\n".join("        " + l + " \\" for l in lines[:-1]) + "\n        " + lines[-1]


canonical, compatible = single_step(nfd, False), single_step(nfkd, True)
excluded = sorted(
    cp for cp, parts in canonical.items() if len(parts) == 2 and unicodedata.normalize("NFC", chr(cp)) != chr(cp)
)
print(f'''/// Decompositions of Unicode 9, the version that the reference library normalizes with.
///
/// Written by Tests/Fixtures/tokenizers/make_normalization_tables.py. Words are `first=mapping`, or
/// `first+count=mapping` for a run of scalars that map to neighbours of the first one's mapping; all numbers are
/// hexadecimal.
enum NormalizationTables {{
    /// Single-step canonical decompositions, Hangul left out.
    static let canonical = """
{literal(canonical)}
        """

    /// Single-step compatibility decompositions.
    static let compatibility = """
{literal(compatible)}
        """

    /// Scalars with a canonical decomposition in two that is never composed again.
    static let compositionExclusions: [UInt32] = [
        {(","+chr(10)+"        ").join(", ".join(f"0x{c:X}" for c in excluded[i:i+12]) for i in range(0, len(excluded), 12))},
    ]
}}''')
