"""Ember's shape, shared by the training and the export (which needs no PyTorch)."""

CONFIG = {"dim": 256, "layers": 6, "heads": 4, "ffn": 672, "context": 2048, "theta": 10000.0, "eps": 1e-5}
