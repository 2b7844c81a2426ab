"""Trains Ember on a corpus folder and writes the weights as OUT/ember.npz.

    python3 train.py --corpus DIR --out DIR --device cuda --tokens 600e6
    python3 train.py --corpus DIR --out DIR --device cpu --tokens 24e6 --batch-tokens 4096

Samples of like length share a batch, each in its own row, so no sample sees another. The loss
counts answers only, plus a little of the rest, from which the model learns the language.
"""
import argparse
import math
import time
from pathlib import Path

import numpy
import torch
from torch.nn import functional as F

from config import CONFIG
from evaluate import report, score
from model import Ember
from tokenizer import Tokenizer

PROMPT_WEIGHT = 0.03


class Batches:
    """Endless batches of about `size` tokens; rows are padded to one of a few lengths."""

    LENGTHS = (48, 64, 96, 128, 160, 192, 224, 256, 320, 384, 448, 512, 640, 768, 1024, 1280, 1536, 2048)

    def __init__(self, path, size, seed, device):
        data = numpy.load(path)
        self.ids, self.marks, ends = data["ids"], data["marks"], data["ends"]
        self.starts = numpy.concatenate(([0], ends[:-1]))
        self.sizes = ends - self.starts
        self.size, self.device, self.rng = size, device, numpy.random.default_rng(seed)

    def epoch(self):
        """One pass over the samples: shuffled batches of shuffled rows."""
        group = numpy.searchsorted(self.LENGTHS, self.sizes)
        plan = []
        for g, length in enumerate(self.LENGTHS):
            rows = self.rng.permutation(numpy.flatnonzero(group == g))
            step = max(1, self.size // length)
            plan += [(length, rows[i:i + step]) for i in range(0, len(rows) - step + 1, step)]
        for i in self.rng.permutation(len(plan)):
            yield self.build(*plan[i])

    def build(self, length, rows):
        """(inputs, targets, loss weights) of one batch."""
        ids = numpy.zeros((len(rows), length + 1), numpy.int64)
        weight = numpy.zeros((len(rows), length + 1), numpy.float32)
        for i, row in enumerate(rows):
            start, size = self.starts[row], self.sizes[row]
            ids[i, :size] = self.ids[start:start + size]
            weight[i, :size] = numpy.maximum(self.marks[start:start + size], PROMPT_WEIGHT)
        ids, weight = torch.from_numpy(ids), torch.from_numpy(weight)
        if self.device == "cuda":
            ids, weight = ids.pin_memory(), weight.pin_memory()
        ids, weight = ids.to(self.device, non_blocking=True), weight.to(self.device, non_blocking=True)
        return ids[:, :-1], ids[:, 1:], weight[:, 1:]

    def __iter__(self):
        while True:
            yield from self.epoch()


def optimizer_for(model, rate):
    """AdamW; norms are not decayed."""
    big = [p for p in model.parameters() if p.dim() == 2]
    small = [p for p in model.parameters() if p.dim() < 2]
    groups = [{"params": big, "weight_decay": 0.1}, {"params": small, "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, lr=rate, betas=(0.9, 0.95), eps=1e-8)


def loss_of(model, inputs, targets, weight):
    """Weighted mean of the cross entropy."""
    logits = F.linear(model(inputs), model.embed.weight).float()
    losses = F.cross_entropy(logits.flatten(0, 1), targets.flatten(), reduction="none")
    return (losses * weight.flatten()).sum() / weight.sum()


def rate_at(done, peak):
    """Learning rate after the share `done` of training: warm-up, then a cosine to 2 %."""
    if done < 0.02:
        return peak * done / 0.02
    return peak * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * (done - 0.02) / 0.98)))


def train(args, model, batches):
    """Until the token or the time budget is used up."""
    optimizer = optimizer_for(model, args.rate)
    begin, seen, step = time.time(), 0, 0
    for inputs, targets, weight in batches:
        done = max(seen / args.tokens, (time.time() - begin) / args.seconds)
        if done >= 1:
            break
        for group in optimizer.param_groups:
            group["lr"] = rate_at(done, args.rate)
        with torch.autocast(args.device, torch.bfloat16, enabled=args.device == "cuda"):
            loss = loss_of(model, inputs, targets, weight)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        seen, step = seen + inputs.numel(), step + 1
        if step % args.every == 0:
            print("step %d, %.1f M tokens, %.0f s, loss %.4f" % (step, seen / 1e6, time.time() - begin, loss.item()),
                  flush=True)
    print("trained on %.1f M tokens in %.0f s" % (seen / 1e6, time.time() - begin), flush=True)


def save(model, path):
    """Matrices as 16-bit floats (Q8_0 is much coarser), norms as 32-bit ones."""
    arrays = {name: weight.detach().float().cpu().numpy() for name, weight in model.named_parameters()}
    numpy.savez(path, **{name: a.astype(numpy.float16) if a.ndim == 2 else a for name, a in arrays.items()})


@torch.no_grad()
def answer_all(model, tokenizer, prompts, device, most=160, batch=256):
    """Greedy answers, many prompts at once; without a cache, simple and good enough here."""
    stop, answers = tokenizer.ids["<|im_end|>"], [""] * len(prompts)
    rows = sorted(((tokenizer.encode(p), i) for i, p in enumerate(prompts)), key=lambda row: len(row[0]))
    for at in range(0, len(rows), batch):
        chunk = rows[at:at + batch]
        sizes = torch.tensor([len(ids) for ids, _ in chunk], device=device)
        width = int(sizes.max()) + most
        ids = torch.zeros((len(chunk), width), dtype=torch.long, device=device)
        for i, (row, _) in enumerate(chunk):
            ids[i, :len(row)] = torch.tensor(row)
        now, live = sizes.clone(), torch.ones(len(chunk), dtype=torch.bool, device=device)
        for _ in range(most):
            hidden = model(ids[:, :int(now.max())])
            best = model.logits(hidden[torch.arange(len(chunk)), now - 1]).argmax(-1)
            live &= best != stop
            if not live.any():
                break
            ids[torch.arange(len(chunk)), now] = torch.where(live, best, stop)
            now = torch.where(live, now + 1, now)
        for i, (_, index) in enumerate(chunk):
            answers[index] = tokenizer.decode(ids[i, sizes[i]:now[i]].tolist())
    return answers


def main():
    args = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    args.add_argument("--corpus", required=True, type=Path)
    args.add_argument("--out", required=True, type=Path)
    args.add_argument("--device", default="cuda", choices=("cuda", "cpu"))
    args.add_argument("--tokens", type=float, default=600e6, help="token positions to train on")
    args.add_argument("--seconds", type=float, default=1e9, help="stop after this long at the latest")
    args.add_argument("--batch-tokens", type=int, default=65536)
    args.add_argument("--rate", type=float, default=2e-3)
    args.add_argument("--seed", type=int, default=1)
    args.add_argument("--every", type=int, default=100, help="steps between two lines of progress")
    args.add_argument("--init", help="weights to go on from")
    args.add_argument("--skip-scores", action="store_true", help="do not answer the held-out cases")
    args = args.parse_args()
    torch.manual_seed(args.seed)
    torch.set_float32_matmul_precision("high")
    tokenizer = Tokenizer.load(args.corpus / "tokenizer.json")
    model = Ember(CONFIG, len(tokenizer.tokens)).to(args.device)
    print("%d parameters" % sum(p.numel() for p in model.parameters()))
    if args.init:
        arrays = numpy.load(args.init).items()
        model.load_state_dict({name: torch.from_numpy(a.astype(numpy.float32)) for name, a in arrays})
    train(args, model, Batches(args.corpus / "train.npz", args.batch_tokens, args.seed, args.device))
    args.out.mkdir(parents=True, exist_ok=True)
    save(model, args.out / "ember.npz")
    if args.skip_scores:
        return

    def answer(prompts):
        return answer_all(model, tokenizer, prompts, args.device)
    for split in ("dev", "test"):
        report(score(args.corpus / (split + ".json"), answer), args.out / ("torch-%s.md" % split), show=20)


if __name__ == "__main__":
    main()
