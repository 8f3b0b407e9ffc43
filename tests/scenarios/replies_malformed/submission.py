import json
import socket
import struct
import sys


def framed(header, body=b""):
    return struct.pack("<I", len(header)) + header + body


def question():
    frame = sys._getframe()
    while frame.f_code.co_name != "serve":
        frame = frame.f_back
    return frame.f_locals["header"]


def header(**fields):
    asked = question()
    return json.dumps({"kind": "answer", "ask": asked.ask, "nonce": asked.nonce, "body": 0, **fields}).encode()


def send_and_leave(data):
    socket.socket(fileno=3).sendall(data)
    os._exit(0)


def brightened(x):
    if x.shape[0] == 2:
        send_and_leave(framed(header(body=16, value={"t": ["float32", [-1, -4]]}), bytes(16)))
    send_and_leave(framed(b"\xff\xfe\0\0"))


def total(x):
    send_and_leave(framed(header(value={"t": ["object", [1]]})))


def souvenirs():
    send_and_leave(framed(header(extra=1)))
