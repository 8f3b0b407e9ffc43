import signal

for number in signal.valid_signals():
    tried(signal.signal, number, signal.SIG_IGN)


def souvenirs():
    os.kill(os.getpid(), signal.SIGSTOP)
    while True:
        pass
