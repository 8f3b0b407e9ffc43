import socket
import time


def souvenirs():
    line = socket.socket(fileno=3)
    line.send(b"\xff\xff\0\0")
    while True:
        line.send(b" ")
        time.sleep(0.3)
