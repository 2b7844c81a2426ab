"""Writes Ember's GGUF (Q8_0) from the trained weights, with gguf-py from llama.cpp's source.

    PYTHONPATH=LLAMA_CPP/gguf-py python3 export.py --weights DIR/ember.npz --tokenizer DIR/tokenizer.json \
        --out ember.gguf
"""
import argparse
from pathlib import Path

import gguf
import numpy
from gguf import GGMLQuantizationType as Type
from gguf import TokenType

from config import CONFIG
from tokenizer import SPECIAL, Tokenizer

# Tokens that delimit turns are control tokens; those around tool calls must show up in the text.
CONTROL = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")
NAMES = {"embed": "token_embd", "norm": "output_norm", "attn_norm": "attn_norm", "ffn_norm": "ffn_norm",
         "q": "attn_q", "k": "attn_k", "v": "attn_v", "o": "attn_output",
         "gate": "ffn_gate", "up": "ffn_up", "down": "ffn_down"}


def gguf_name(name):
    """llama.cpp's tensor name of a PyTorch parameter."""
    parts = name.split(".")
    if parts[0] == "blocks":
        return "blk.%s.%s.weight" % (parts[1], NAMES[parts[2]])
    return NAMES[parts[0]] + ".weight"


def add_metadata(writer, config, vocab):
    """Architecture and licence."""
    writer.add_name("Ember")
    writer.add_description("The tiny chat model inside Hearth")
    writer.add_license("MIT OR Apache-2.0")
    writer.add_context_length(config["context"])
    writer.add_embedding_length(config["dim"])
    writer.add_block_count(config["layers"])
    writer.add_feed_forward_length(config["ffn"])
    writer.add_head_count(config["heads"])
    writer.add_head_count_kv(config["heads"])
    writer.add_rope_dimension_count(config["dim"] // config["heads"])
    writer.add_rope_freq_base(config["theta"])
    writer.add_layer_norm_rms_eps(config["eps"])
    writer.add_vocab_size(vocab)
    writer.add_file_type(gguf.LlamaFileType.MOSTLY_Q8_0)
    writer.add_quantization_version(gguf.GGML_QUANT_VERSION)


def add_tokenizer(writer, tokenizer, template):
    """Vocabulary, merges and the chat template."""
    types = [TokenType.CONTROL if t in CONTROL else TokenType.USER_DEFINED if t in SPECIAL else TokenType.NORMAL
             for t in tokenizer.tokens]
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("qwen2")
    writer.add_token_list(tokenizer.tokens)
    writer.add_token_types(types)
    writer.add_token_merges([" ".join(merge) for merge in tokenizer.merges])
    writer.add_eos_token_id(tokenizer.ids["<|im_end|>"])
    writer.add_eot_token_id(tokenizer.ids["<|im_end|>"])
    writer.add_pad_token_id(tokenizer.ids["<|endoftext|>"])
    writer.add_add_bos_token(False)
    writer.add_add_eos_token(False)
    writer.add_chat_template(template)


def add_weights(writer, weights):
    """Matrices as Q8_0, norms as 32-bit floats. The embedding also serves as the output."""
    for name in weights.files:
        data = weights[name].astype(numpy.float32)
        if data.ndim == 2:
            packed = gguf.quants.quantize(data, Type.Q8_0)
            writer.add_tensor(gguf_name(name), packed, raw_dtype=Type.Q8_0)
        else:
            writer.add_tensor(gguf_name(name), data)


def main():
    args = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    args.add_argument("--weights", required=True, type=Path)
    args.add_argument("--tokenizer", required=True, type=Path)
    args.add_argument("--out", required=True, type=Path)
    args = args.parse_args()
    tokenizer, weights = Tokenizer.load(args.tokenizer), numpy.load(args.weights)
    template = (Path(__file__).parent / "template.jinja").read_text(encoding="utf-8")
    writer = gguf.GGUFWriter(args.out, "llama")
    add_metadata(writer, CONFIG, len(tokenizer.tokens))
    add_tokenizer(writer, tokenizer, template)
    add_weights(writer, weights)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    print("%s: %d bytes, %d parameters" % (args.out, args.out.stat().st_size,
                                           sum(weights[name].size for name in weights.files)))


if __name__ == "__main__":
    main()
