"""Teaches a finished Ember Hearth's own prompt, on a CPU: goes on from a GGUF, writes OUT/ember.npz.

    PYTHONPATH=LLAMA_CPP/gguf-py python3 finetune.py --init ember.gguf --out W --seconds 3600

All dialogues of a batch stand behind the same static prompt, which is computed once a step; each
sees it and itself, and the gradient flows through it. A share of every step is the old corpus.
"""
import argparse
import json
import random
import time
from pathlib import Path

import gguf
import numpy
import torch
from torch.nn import functional as F

import assistant
import chat
import corpus
import hearth_tools
import skills
from config import CONFIG
from export import gguf_name
from model import Ember, rotate
from tokenizer import Tokenizer
from train import optimizer_for, rate_at, save

POOL = 12  # batches that are made at once, so that rows of like length share one
REAL_PROMPT_SHARE = 0.85
# Calls of other tools are forgotten first: this share of the old corpus is theirs, beside what it holds anyway.
OLD_CALLS_SHARE = 0.2
LONGEST = {"assistant": 420, "old": 360}


def read_gguf(path):
    """(weights by their PyTorch names, tokenizer) of an exported file."""
    reader = gguf.GGUFReader(path)
    tensors = {t.name: torch.from_numpy(gguf.quants.dequantize(t.data, t.tensor_type).astype(numpy.float32))
               for t in reader.tensors}
    fields = reader.fields
    words = {key: [str(bytes(fields[key].parts[i]), "utf-8") for i in fields[key].data]
             for key in ("tokenizer.ggml.tokens", "tokenizer.ggml.merges")}
    tokenizer = Tokenizer(words["tokenizer.ggml.tokens"],
                          [merge.split(" ") for merge in words["tokenizer.ggml.merges"]])
    weights = {name: tensors[gguf_name(name)] for name, _ in Ember(CONFIG, len(tokenizer.tokens)).named_parameters()}
    return weights, tokenizer


def run_block(block, x, table, before):
    """One block over rows that also see `before`, the keys and values of a shared prefix (or None)."""
    rows, length, _ = x.shape
    y = block.attn_norm(x)
    q, k, v = (layer(y).view(rows, length, block.heads, -1).transpose(1, 2) for layer in (block.q, block.k, block.v))
    q, k = rotate(q, table), rotate(k, table)
    future = torch.ones(length, length, dtype=torch.bool).triu(1)
    scores = (q @ k.transpose(-1, -2) * q.shape[-1] ** -0.5).masked_fill(future, float("-inf"))
    if before is None:
        y = scores.softmax(-1) @ v
    else:
        # The prefix is the same for all rows: one product for all of their queries.
        flat = q.transpose(0, 1).reshape(block.heads, rows * length, -1)
        shared = (flat @ before[0].transpose(-1, -2) * q.shape[-1] ** -0.5).view(block.heads, rows, length, -1)
        both = torch.cat((shared.transpose(0, 1), scores), -1).softmax(-1)
        size = before[0].shape[1]
        seen = both[..., :size].transpose(0, 1).reshape(block.heads, rows * length, size) @ before[1]
        y = both[..., size:] @ v + seen.view(block.heads, rows, length, -1).transpose(0, 1)
    x = x + block.o(y.transpose(1, 2).reshape(rows, length, -1))
    y = block.ffn_norm(x)
    return x + block.down(F.silu(block.gate(y)) * block.up(y)), (k[0], v[0])


def hidden_of(model, prefix, ids):
    """The hidden states of rows of ids behind a shared prefix of ids (or none)."""
    at = 0 if prefix is None else len(prefix)
    x, head = model.embed(ids), None if prefix is None else model.embed(prefix)[None]
    for block in model.blocks:
        before = None
        if head is not None:
            head, before = run_block(block, head, model.table[:at], None)
        x, _ = run_block(block, x, model.table[at:at + ids.shape[1]], before)
    return model.norm(x)


@torch.no_grad()
def save_mixed(model, first, share, path):
    """Saves `share` of the new weights and the rest of older ones: less is forgotten, and much is evened out."""
    mixed = Ember(CONFIG, model.embed.weight.shape[0])
    for (name, weight), target in zip(model.named_parameters(), mixed.parameters()):
        target.copy_(share * weight + (1 - share) * first[name])
    save(mixed, path)


class Samples:
    """Endless batches (prefix ids or None, ids, answers marked)."""

    def __init__(self, tokenizer, rng, asked, kind, size):
        self.tokenizer, self.rng, self.asked, self.kind, self.size = tokenizer, rng, asked, kind, size
        self.start, self.stop = tokenizer.encode(chat.PROMPT), tokenizer.ids["<|im_end|>"]

    def row(self, names):
        """(ids, marks) of one conversation that asks nothing held out."""
        while True:
            tools = None
            if self.kind == "assistant":
                messages = assistant.conversation(self.rng, names)
            elif self.rng.random() < OLD_CALLS_SHARE:
                messages, tools = corpus.with_tools(self.rng)
            else:
                messages, tools = corpus.conversation(self.rng)
            texts = [text.partition("\n\n[today:")[0] for role, text in messages if role == "user"]
            if any(skills.norm(text) in self.asked for text in texts):
                continue
            ids = self.tokenizer.encode(chat.render(messages, tools))[:-1]
            if len(ids) <= LONGEST[self.kind]:
                return ids, self.marks(ids)

    def marks(self, ids):
        marks, inside = [False] * len(ids), False
        for i in range(len(self.start), len(ids)):
            inside = inside or ids[i - len(self.start):i] == self.start
            marks[i] = inside
            inside = inside and ids[i] != self.stop
        return marks

    def pool(self, prefix, names, batches):
        """Batches of about `size` token positions with the same prefix."""
        rows = sorted((self.row(names) for _ in range(batches * self.size // 90)), key=lambda row: len(row[0]))
        found, begin = [], 0
        for end in range(1, len(rows) + 1):
            full = end == len(rows) or (end - begin + 1) * len(rows[end][0]) > self.size
            if full:
                found.append((prefix, *self.padded(rows[begin:end])))
                begin = end
        self.rng.shuffle(found)
        return found

    def padded(self, rows):
        width = max(len(ids) for ids, _ in rows)
        ids = torch.zeros((len(rows), width), dtype=torch.long)
        marks = torch.zeros((len(rows), width), dtype=torch.bool)
        for i, (row, mark) in enumerate(rows):
            ids[i, :len(row)], marks[i, :len(row)] = torch.tensor(row), torch.tensor(mark)
        return ids, marks

    def __iter__(self):
        real = torch.tensor(self.tokenizer.encode(hearth_tools.PREFIX))
        while True:
            if self.kind == "old":
                yield from self.pool(None, None, POOL)
                continue
            batches = self.pool(real, frozenset(hearth_tools.TOOLS), POOL)
            for _ in range(round(len(batches) * (1 / REAL_PROMPT_SHARE - 1))):
                text, names = hearth_tools.prefix(self.rng)
                batches += self.pool(torch.tensor(self.tokenizer.encode(text)), names, 1)[:1]
            self.rng.shuffle(batches)
            yield from batches


def loss_of(model, batch):
    """(summed cross entropy of the answers' tokens, their number)."""
    prefix, ids, marks = batch
    hidden = hidden_of(model, prefix, ids[:, :-1])
    picked, wanted = hidden[marks[:, 1:]], ids[:, 1:][marks[:, 1:]]
    return F.cross_entropy(model.logits(picked).float(), wanted, reduction="sum"), len(wanted)


def train(args, model, first, tokenizer, asked):
    optimizer = optimizer_for(model, args.rate)
    streams = [iter(Samples(tokenizer, random.Random(args.seed + i), asked, kind, size))
               for i, (kind, size) in enumerate((("assistant", args.batch_tokens), ("old", args.old_tokens)))]
    begin, step, shown, saved = time.time(), 0, [0.0, 0.0], time.time()
    while True:
        done = (time.time() - begin) / args.seconds
        if done >= 1:
            break
        for group in optimizer.param_groups:
            group["lr"] = rate_at(done, args.rate)
        for i, stream in enumerate(streams):
            with torch.autocast("cpu", torch.bfloat16, enabled=args.bf16):
                loss, count = loss_of(model, next(stream))
            # Old skills fade unless they count a good deal.
            (loss / count * (0.65, 0.35)[i]).backward()
            shown[i] += loss.item() / count
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        step += 1
        if step % args.every == 0:
            print("step %d, %.0f s, loss %.4f, of the old corpus %.4f" % (
                step, time.time() - begin, shown[0] / args.every, shown[1] / args.every), flush=True)
            shown = [0.0, 0.0]
        if time.time() - saved > args.save_seconds:
            save_mixed(model, first, args.share, args.out / "ember.npz")
            saved = time.time()
    save_mixed(model, first, args.share, args.out / "ember.npz")


def main():
    args = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    args.add_argument("--init", required=True, type=Path, help="the GGUF to go on from")
    args.add_argument("--out", required=True, type=Path)
    args.add_argument("--seconds", type=float, default=3600)
    args.add_argument("--batch-tokens", type=int, default=2560)
    args.add_argument("--old-tokens", type=int, default=1792)
    args.add_argument("--share", type=float, default=1.0, help="of the new weights in the result; the rest is --mix")
    args.add_argument("--mix", type=Path, help="the GGUF with the older weights of the result; else --init")
    args.add_argument("--rate", type=float, default=5e-4)
    args.add_argument("--seed", type=int, default=11)
    args.add_argument("--threads", type=int, default=2)
    args.add_argument("--every", type=int, default=20)
    args.add_argument("--save-seconds", type=float, default=240)
    args.add_argument("--bf16", action="store_true")
    args = args.parse_args()
    torch.set_num_threads(args.threads)
    torch.manual_seed(args.seed)
    args.out.mkdir(parents=True, exist_ok=True)
    weights, tokenizer = read_gguf(args.init)
    tokenizer.save(args.out / "tokenizer.json")
    model = Ember(CONFIG, len(tokenizer.tokens))
    model.load_state_dict(weights)
    asked = set()
    for name in (*corpus.SPLITS, *corpus.ASSISTANT_SPLITS):
        asked |= {skills.norm(case["user"]) for case in json.loads((args.out / name).read_text(encoding="utf-8"))}
    train(args, model, read_gguf(args.mix)[0] if args.mix else weights, tokenizer, asked)


if __name__ == "__main__":
    main()
