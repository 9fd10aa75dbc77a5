"""Pretrain language models together with people you do not trust."""

__version__ = "0.1.0"
