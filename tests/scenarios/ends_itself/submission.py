import sys


def brightened(x):
    if x.shape[0] == 2:
        os.abort()
    os._exit(0)


def total(x):
    sys.exit(0)


def souvenirs():
    os.kill(os.getpid(), 9)
    os._exit(42)
