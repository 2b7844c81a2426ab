#!/usr/bin/env python3
"""make_model.py OUT --source LLAMA_CPP [--layers N] [--seed N]: a model of TinyLlama-1.1B's shape
with random weights, as an f16 GGUF, for measuring speed where no model may be downloaded.

The shape is that of TinyLlama-1.1B-Chat (22 layers of width 2048, 32 heads, 4 of keys and values,
5632 wide inside, 32000 tokens). The tokenizer is copied from the vocabulary file in llama.cpp's
tree; the chat template has the form of TinyLlama's. What it says is noise, but noise made of whole
words: the output rows of all other tokens are zero, so with temperature 0 it never stops by itself,
each token is a visible piece of text, and its text becomes the same tokens again in the next turn.
Tensors are written one by one, so the largest of them bounds the memory needed. The same seed gives
the same bytes. Needs Debian's python3-numpy, and what gguf-py imports.
"""
import argparse
import pathlib
import re
import sys

import numpy

LAYERS, WIDTH, HEADS, KV_HEADS, INNER = 22, 2048, 32, 4, 5632
CONTEXT, ROPE_BASE, EPSILON = 2048, 10000.0, 1e-5
TEMPLATE = """{% for message in messages %}{{ '<|' + message['role'] + '|>\\n' + message['content'] + \
eos_token + '\\n' }}{% endfor %}{% if add_generation_prompt %}{{ '<|assistant|>\\n' }}{% endif %}"""
WORD = re.compile("\u2581[a-z]{2,}")


def copy_tokenizer(gguf, vocabulary, writer):
    """Copies every tokenizer.* field; returns the tokens."""
    tokens = []
    for key, field in gguf.GGUFReader(vocabulary, "r").fields.items():
        if not key.startswith("tokenizer."):
            continue
        value, kind = field.contents(), field.types[0]
        if kind == gguf.GGUFValueType.ARRAY:
            writer.add_key_value(key, value, kind, sub_type=field.types[-1])
        else:
            writer.add_key_value(key, value, kind)
        if key == "tokenizer.ggml.tokens":
            tokens = value
    return tokens


def tensors(layers, tokens):
    """(name, shape) of each tensor; one dimension is a norm, two a matrix."""
    kv_width = WIDTH // HEADS * KV_HEADS
    yield "token_embd.weight", (tokens, WIDTH)
    yield "output_norm.weight", (WIDTH,)
    yield "output.weight", (tokens, WIDTH)
    for layer in range(layers):
        block = f"blk.{layer}."
        yield block + "attn_norm.weight", (WIDTH,)
        yield block + "attn_q.weight", (WIDTH, WIDTH)
        yield block + "attn_k.weight", (kv_width, WIDTH)
        yield block + "attn_v.weight", (kv_width, WIDTH)
        yield block + "attn_output.weight", (WIDTH, WIDTH)
        yield block + "ffn_norm.weight", (WIDTH,)
        yield block + "ffn_gate.weight", (INNER, WIDTH)
        yield block + "ffn_up.weight", (INNER, WIDTH)
        yield block + "ffn_down.weight", (WIDTH, INNER)


def values(shape, seed, number):
    """Ones for a norm; for a matrix, noise that keeps the size of what passes through it."""
    if len(shape) == 1:
        return numpy.ones(shape, dtype=numpy.float32)
    noise = numpy.random.Generator(numpy.random.SFC64([seed, number]))
    weights = noise.standard_normal(shape, dtype=numpy.float32)
    weights *= numpy.float32(1.0 / numpy.sqrt(shape[-1]))
    return weights.astype(numpy.float16)


def write(gguf, out, vocabulary, layers, seed):
    writer = gguf.GGUFWriter(out, "llama")
    writer.add_type("model")
    writer.add_name("random weights in TinyLlama's shape")
    writer.add_file_type(1)  # mostly f16
    writer.add_quantization_version(gguf.GGML_QUANT_VERSION)
    writer.add_context_length(CONTEXT)
    writer.add_embedding_length(WIDTH)
    writer.add_block_count(layers)
    writer.add_feed_forward_length(INNER)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(KV_HEADS)
    writer.add_layer_norm_rms_eps(EPSILON)
    writer.add_rope_freq_base(ROPE_BASE)
    writer.add_rope_dimension_count(WIDTH // HEADS)
    tokens = copy_tokenizer(gguf, vocabulary, writer)
    writer.add_vocab_size(len(tokens))
    writer.add_chat_template(TEMPLATE)
    silent = [number for number, token in enumerate(tokens) if not WORD.fullmatch(token)]
    plan = list(tensors(layers, len(tokens)))
    for name, shape in plan:
        kind = numpy.dtype(numpy.float32 if len(shape) == 1 else numpy.float16)
        writer.add_tensor_info(name, shape, kind, int(numpy.prod(shape)) * kind.itemsize)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_ti_data_to_file()
    for number, (name, shape) in enumerate(plan):
        weights = values(shape, seed, number)
        if name == "output.weight":
            weights[silent] = 0
        writer.write_tensor_data(weights)
        print(f"\rwriting {number + 1}/{len(plan)} {name:28}", end="", file=sys.stderr)
    print(file=sys.stderr)
    writer.close()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out")
    parser.add_argument("--source", required=True, help="llama.cpp's tree")
    parser.add_argument("--layers", type=int, default=LAYERS)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    source = pathlib.Path(options.source)
    sys.path.insert(0, str(source / "gguf-py"))
    import gguf  # noqa: E402  from llama.cpp's tree, which only the command line knows
    write(gguf, options.out, source / "models" / "ggml-vocab-llama-spm.gguf", options.layers,
          options.seed)


if __name__ == "__main__":
    main()
