#!/usr/bin/env python3
"""make_model.py OUT --source LLAMA_CPP [--layers N] [--seed N] [--counts-as NAME]: a model of
TinyLlama-1.1B's shape with random weights, as an f16 GGUF, for measuring speed where no model may be
downloaded.

The shape is that of TinyLlama-1.1B-Chat (22 layers of width 2048, 32 heads, 4 of keys and values,
5632 wide inside, 32000 tokens). The tokenizer is copied from the vocabulary file in llama.cpp's
tree; the chat template has the form of TinyLlama's. What it says is noise, but noise made of whole
words: the output rows of all other tokens are zero, so with temperature 0 it never stops by itself,
each token is a visible piece of text, and its text becomes the same tokens again in the next turn.
--counts-as qwen2.5 makes another one, of a single narrow layer: with the vocabulary and the chat template
of Qwen2.5-Instruct it counts tokens as that does, and says nothing of use.
Tensors are written one by one, so the largest of them bounds the memory needed. The same seed gives
the same bytes. Needs Debian's python3-numpy, and what gguf-py imports.
"""
import argparse
import dataclasses
import pathlib
import re
import sys

import numpy

ROPE_BASE, EPSILON = 10000.0, 1e-5
TEMPLATE = """{% for message in messages %}{{ '<|' + message['role'] + '|>\\n' + message['content'] + \
eos_token + '\\n' }}{% endfor %}{% if add_generation_prompt %}{{ '<|assistant|>\\n' }}{% endif %}"""
WORD = re.compile("\u2581[a-z]{2,}")


@dataclasses.dataclass
class Shape:
    """What there is of everything."""
    name: str
    vocabulary: str         # models/ggml-vocab-NAME.gguf in llama.cpp's tree
    template: str = ""      # models/templates/NAME.jinja there; empty: TEMPLATE
    layers: int = 22
    width: int = 2048
    heads: int = 32
    kv_heads: int = 4
    inner: int = 5632
    context: int = 2048


TINYLLAMA = Shape("random weights in TinyLlama's shape", "llama-spm")
COUNTING = {"qwen2.5": Shape("counts as Qwen2.5 does", "qwen2", "Qwen-Qwen2.5-7B-Instruct", layers=1, width=64, heads=2,
                             kv_heads=2, inner=64, context=32768)}


def copy_tokenizer(gguf, vocabulary, writer):
    """Copies every tokenizer.* field but the template; returns the tokens."""
    tokens = []
    for key, field in gguf.GGUFReader(vocabulary, "r").fields.items():
        if not key.startswith("tokenizer.") or key == "tokenizer.chat_template":
            continue
        value, kind = field.contents(), field.types[0]
        if kind == gguf.GGUFValueType.ARRAY:
            writer.add_key_value(key, value, kind, sub_type=field.types[-1])
        else:
            writer.add_key_value(key, value, kind)
        if key == "tokenizer.ggml.tokens":
            tokens = value
    return tokens


def tensors(shape, tokens):
    """(name, shape) of each tensor; one dimension is a norm, two a matrix."""
    width, inner, kv_width = shape.width, shape.inner, shape.width // shape.heads * shape.kv_heads
    yield "token_embd.weight", (tokens, width)
    yield "output_norm.weight", (width,)
    yield "output.weight", (tokens, width)
    for layer in range(shape.layers):
        block = f"blk.{layer}."
        yield block + "attn_norm.weight", (width,)
        yield block + "attn_q.weight", (width, width)
        yield block + "attn_k.weight", (kv_width, width)
        yield block + "attn_v.weight", (kv_width, width)
        yield block + "attn_output.weight", (width, width)
        yield block + "ffn_norm.weight", (width,)
        yield block + "ffn_gate.weight", (inner, width)
        yield block + "ffn_up.weight", (inner, width)
        yield block + "ffn_down.weight", (width, inner)


def values(shape, seed, number):
    """Ones for a norm; for a matrix, noise that keeps the size of what passes through it."""
    if len(shape) == 1:
        return numpy.ones(shape, dtype=numpy.float32)
    noise = numpy.random.Generator(numpy.random.SFC64([seed, number]))
    weights = noise.standard_normal(shape, dtype=numpy.float32)
    weights *= numpy.float32(1.0 / numpy.sqrt(shape[-1]))
    return weights.astype(numpy.float16)


def write(gguf, out, source, shape, seed):
    models = source / "models"
    writer = gguf.GGUFWriter(out, "llama")
    writer.add_type("model")
    writer.add_name(shape.name)
    writer.add_file_type(1)  # mostly f16
    writer.add_quantization_version(gguf.GGML_QUANT_VERSION)
    writer.add_context_length(shape.context)
    writer.add_embedding_length(shape.width)
    writer.add_block_count(shape.layers)
    writer.add_feed_forward_length(shape.inner)
    writer.add_head_count(shape.heads)
    writer.add_head_count_kv(shape.kv_heads)
    writer.add_layer_norm_rms_eps(EPSILON)
    writer.add_rope_freq_base(ROPE_BASE)
    writer.add_rope_dimension_count(shape.width // shape.heads)
    tokens = copy_tokenizer(gguf, models / f"ggml-vocab-{shape.vocabulary}.gguf", writer)
    writer.add_vocab_size(len(tokens))
    template = (models / "templates" / f"{shape.template}.jinja").read_text() if shape.template else TEMPLATE
    writer.add_chat_template(template)
    silent = [number for number, token in enumerate(tokens) if not WORD.fullmatch(token)]
    plan = list(tensors(shape, len(tokens)))
    for name, size in plan:
        kind = numpy.dtype(numpy.float32 if len(size) == 1 else numpy.float16)
        writer.add_tensor_info(name, size, kind, int(numpy.prod(size)) * kind.itemsize)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_ti_data_to_file()
    for number, (name, size) in enumerate(plan):
        weights = values(size, seed, number)
        if name == "output.weight" and shape is TINYLLAMA:
            weights[silent] = 0
        writer.write_tensor_data(weights)
        print(f"\rwriting {number + 1}/{len(plan)} {name:28}", end="", file=sys.stderr)
    print(file=sys.stderr)
    writer.close()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out")
    parser.add_argument("--source", required=True, help="llama.cpp's tree")
    parser.add_argument("--layers", type=int, help="of TinyLlama's shape, instead of its 22")
    parser.add_argument("--context", type=int, help="tokens that the model says it holds, instead of its 2048")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--counts-as", choices=COUNTING)
    options = parser.parse_args()
    source = pathlib.Path(options.source)
    sys.path.insert(0, str(source / "gguf-py"))
    import gguf  # noqa: E402  from llama.cpp's tree, which only the command line knows
    shape = COUNTING[options.counts_as] if options.counts_as else TINYLLAMA
    shape.layers = options.layers or shape.layers
    shape.context = options.context or shape.context
    write(gguf, options.out, source, shape, options.seed)


if __name__ == "__main__":
    main()
