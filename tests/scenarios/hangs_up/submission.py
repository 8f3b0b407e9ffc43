import signal


def souvenirs():
    os.close(3)
    signal.pause()
