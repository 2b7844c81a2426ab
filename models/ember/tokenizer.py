"""Ember's tokenizer: byte-level BPE ("gpt2" model, "qwen2" pre-tokenizer in GGUF terms).

Why not a stock trainer: copying is one of Ember's few skills, so a word must split the same way
wherever it stands. Merges are therefore learned inside words alone; a space or a quote never
melts into part of a word, only (for the most frequent words) with the whole of it.

    python3 tokenizer.py --corpus DIR --out ember-tokenizer.json
"""
import argparse
import collections
import json
import re
from pathlib import Path

SPECIAL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>",
           "<tool_call>", "</tool_call>", "<tool_response>", "</tool_response>"]
# Python has no \p{L} or \p{N}: [^\W\d_] and \d stand for them (equal on all the text used here).
PRE = re.compile(
    r"'(?:[sS]|[tT]|[rR][eE]|[vV][eE]|[mM]|[lL][lL]|[dD])"
    r"|(?:[^\r\n\w]|_)?[^\W\d_]+|\d| ?(?:[^\s\w]|_)+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+")
SPLIT = re.compile("(" + "|".join(re.escape(token) for token in SPECIAL) + ")")


def byte_letters():
    """GPT-2's map from each byte to a printable letter, as llama.cpp expects."""
    keep = list(range(33, 127)) + list(range(161, 173)) + list(range(174, 256))
    table, extra = {}, 0
    for byte in range(256):
        if byte in keep:
            table[byte] = chr(byte)
        else:
            table[byte] = chr(256 + extra)
            extra += 1
    return table


LETTERS = byte_letters()
SPACE = LETTERS[32]


def to_letters(text):
    """The text's UTF-8 bytes in GPT-2's letters."""
    return "".join(LETTERS[byte] for byte in text.encode("utf-8"))


class Tokenizer:
    """Encodes and decodes with a trained vocabulary."""

    def __init__(self, tokens, merges):
        self.tokens, self.merges = tokens, [tuple(merge) for merge in merges]
        self.ids = {token: i for i, token in enumerate(tokens)}
        self.ranks = {merge: i for i, merge in enumerate(self.merges)}
        self.cache = {}
        self.bytes = {letter: byte for byte, letter in LETTERS.items()}

    @classmethod
    def load(cls, path):
        data = json.loads(Path(path).read_text(encoding="utf-8"))
        return cls(data["tokens"], data["merges"])

    def save(self, path):
        data = {"tokens": self.tokens, "merges": self.merges}
        Path(path).write_text(json.dumps(data, ensure_ascii=False), encoding="utf-8")

    def word(self, word):
        """BPE of one pre-token: the lowest-ranked merge first, as in llama.cpp."""
        parts = list(to_letters(word))
        while len(parts) > 1:
            ranked = [(self.ranks.get(pair, 1 << 30), i) for i, pair in enumerate(zip(parts, parts[1:]))]
            rank, i = min(ranked)
            if rank == 1 << 30:
                break
            parts[i:i + 2] = [parts[i] + parts[i + 1]]
        return [self.ids[part] for part in parts]

    def encode(self, text):
        """Token ids of a text whose special tokens are written out."""
        out = []
        for piece in SPLIT.split(text):
            if piece in SPECIAL:
                out.append(self.ids[piece])
                continue
            for word in PRE.findall(piece):
                ids = self.cache.get(word)
                if ids is None:
                    ids = self.word(word)
                    if len(self.cache) < 200000:
                        self.cache[word] = ids
                out.extend(ids)
        return out

    def decode(self, ids):
        """The text of the ids."""
        out = bytearray()
        for i in ids:
            token = self.tokens[i]
            out += token.encode() if token in SPECIAL else bytes(self.bytes[c] for c in token)
        return out.decode("utf-8", errors="replace")


def count_words(texts):
    """How often each letters-only word, and each run of signs, occurs."""
    words = collections.Counter()
    for text in texts:
        for piece in SPLIT.split(text):
            if piece not in SPECIAL:
                words.update(PRE.findall(piece))
    bare, spaced = collections.Counter(), collections.Counter()
    for word, count in words.items():
        if word[-1].isalpha() and word[0] != "'" and not word[0].isalpha():
            if word[0] == " ":
                spaced[word[1:]] += count
            word = word[1:]
        bare[word] += count
    return bare, spaced


def learn_merges(words, wanted):
    """Plain BPE training over a word counter, with pair counts kept up to date."""
    split = {word: list(to_letters(word)) for word in words}
    pairs, where = collections.Counter(), collections.defaultdict(set)
    for word, parts in split.items():
        for pair in zip(parts, parts[1:]):
            pairs[pair] += words[word]
            where[pair].add(word)
    merges = []
    while len(merges) < wanted:
        best = max(pairs, key=lambda pair: (pairs[pair], pair))
        merges.append(best)
        for word in list(where[best]):
            parts = split[word]
            for pair in zip(parts, parts[1:]):
                pairs[pair] -= words[word]
            i = 0
            while i < len(parts) - 1:
                if (parts[i], parts[i + 1]) == best:
                    parts[i:i + 2] = [parts[i] + parts[i + 1]]
                i += 1
            for pair in zip(parts, parts[1:]):
                pairs[pair] += words[word]
                where[pair].add(word)
        del pairs[best]
    return merges


def train(texts, size, spaced_merges):
    """A tokenizer of `size` tokens, `spaced_merges` of them frequent words with their space."""
    bare, spaced = count_words(texts)
    words = {word: count for word, count in bare.items() if count > 1}
    inner = learn_merges(words, size - 256 - len(SPECIAL) - spaced_merges)
    whole = {a + b for a, b in inner} | set(LETTERS.values())
    ranked = [word for word, _ in sorted(spaced.items(), key=lambda item: (-item[1], item[0]))
              if to_letters(word) in whole and (word.islower() or word == "I")]
    merges = inner + [(SPACE, to_letters(word)) for word in ranked[:spaced_merges]]
    tokens = list(LETTERS.values()) + SPECIAL
    tokens += list(dict.fromkeys(a + b for a, b in merges))
    assert len(set(tokens)) == len(tokens)
    return Tokenizer(tokens, merges)


def main():
    args = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    args.add_argument("--corpus", required=True, help="folder with sample.txt from corpus.py")
    args.add_argument("--out", required=True)
    args.add_argument("--size", type=int, default=2560)
    args.add_argument("--spaced", type=int, default=640)
    args = args.parse_args()
    texts = (Path(args.corpus) / "sample.txt").read_text(encoding="utf-8").split("\0")
    tokenizer = train(texts, args.size, args.spaced)
    tokenizer.save(args.out)
    total = sum(len(tokenizer.encode(text)) for text in texts[:2000])
    chars = sum(len(text) for text in texts[:2000])
    print("tokens %d, merges %d, %.2f characters a token" % (
        len(tokenizer.tokens), len(tokenizer.merges), chars / total))


if __name__ == "__main__":
    main()
