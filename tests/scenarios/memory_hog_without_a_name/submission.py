import signal


def souvenirs():
    _libc.prctl(15, b"\xff\xfe) R\n", 0, 0, 0)
    for _ in range(6):
        if os.fork() == 0:
            kept = bytearray(b"1") * (90 << 20)
            signal.pause()
    signal.pause()
