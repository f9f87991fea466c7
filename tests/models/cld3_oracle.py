"""CLD3 written once more, for one text at a time and to be read: what the fast one must equal."""

import numpy as np

BLOCKS = {
    5: (0x370, 0x3FF),
    6: (0x400, 0x4FF),
    7: (0x590, 0x5FF),
    8: (0x600, 0x6FF),
    9: (0x1100, 0x11FF),
    10: (0x3041, 0x309F),
    11: (0x30A0, 0x30FF),
}


def murmur(data: bytes, seed: int = 0xBEEF) -> int:
    """MurmurHash2 of 32 bits, as its author wrote it."""
    multiplier, mask = 0x5BD1E995, 0xFFFFFFFF
    state = seed ^ len(data)
    while len(data) >= 4:
        mixed = int.from_bytes(data[:4], "little") * multiplier & mask
        mixed = (mixed ^ mixed >> 24) * multiplier & mask
        state, data = (state * multiplier & mask) ^ mixed, data[4:]
    if data:
        state = (state ^ int.from_bytes(data, "little")) * multiplier & mask
    state = (state ^ state >> 13) * multiplier & mask
    return state ^ state >> 15


def logits(weights: dict[str, np.ndarray], cleaned: str, script: int) -> np.ndarray:
    """Answer to a text that is cleaned already, with a space at both ends, and its script."""
    marked = "^" + cleaned.replace(" ", "$ ^") + "$"
    text = np.concatenate(
        [
            _bag(weights["embedding.bigrams.weight"], marked, 2),
            _bag(weights["embedding.quadgrams.weight"], marked, 4),
            _shares(cleaned) @ weights["embedding.relevant_scripts.weight"],
            weights["embedding.text_script.weight"][script],
            _bag(weights["embedding.trigrams.weight"], marked, 3),
            _bag(weights["embedding.unigrams.weight"], marked, 1),
        ]
    )
    hidden = np.maximum(weights["hidden.weight"] @ text + weights["hidden.bias"], 0.0)
    return weights["classifier.weight"] @ hidden + weights["classifier.bias"]


def _bag(table: np.ndarray, marked: str, n: int) -> np.ndarray:
    grams = [marked[i : i + n] for i in range(len(marked) - n + 1)]
    rows = [table[murmur(gram.encode()) % len(table)] for gram in grams if " " not in gram]
    return np.mean(rows, axis=0) if rows else np.zeros(table.shape[1])


def _shares(cleaned: str) -> np.ndarray:
    counts = np.zeros(12)
    for character in cleaned.replace(" ", ""):
        block = [number for number, (low, high) in BLOCKS.items() if low <= ord(character) <= high]
        counts[block[0] if block else len(character.encode())] += 1
    return counts / max(counts.sum(), 1)
