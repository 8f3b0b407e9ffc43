"""A submission that would rather read the answers, forge the verdict and take the machine down."""

import atexit
import builtins
import glob
import os
import socket

import torch

NOTES = []


def attempt(what, action):
    try:
        NOTES.append(f"{what}: {action()}")
    except BaseException as refusal:
        NOTES.append(f"{what}: {type(refusal).__name__}")


attempt("hidden checks", lambda: glob.glob("/**/test_hidden.py", recursive=True))
attempt("passwords", lambda: open("/etc/passwd").read())
attempt("network", lambda: socket.create_connection(("127.0.0.1", 22), timeout=1))
attempt("other processes", lambda: os.kill(-1, 9))
attempt("a shell", lambda: os.execv("/bin/sh", ["sh", "-c", "id"]))

# Everything is equal, every assertion holds, and whoever asks is told so once more at the end.
torch.equal = torch.allclose = lambda *_, **__: True
torch.testing.assert_close = lambda *_, **__: None
torch.Tensor.__eq__ = lambda *_: True
builtins.AssertionError = ValueError
atexit.register(print, "all checks passed, 31 of 31 points")

print(*NOTES, sep="\n")


class BasicBlock(torch.nn.Module):
    def __init__(self, *_, **__):
        super().__init__()

    def forward(self, x):
        return x


class TinyResNet(BasicBlock):
    def forward(self, x):
        while True:
            pass


def preserves_shape(block, x):
    os._exit(0)
