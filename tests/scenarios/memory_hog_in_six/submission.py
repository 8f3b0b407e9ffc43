import signal


def souvenirs():
    for _ in range(6):
        if os.fork() == 0:
            kept = bytearray(b"1") * (90 << 20)
            signal.pause()
    signal.pause()
