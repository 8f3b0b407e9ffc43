import time

from cvlab.probing import progress


def souvenirs():
    while True:
        progress.report(1, 2, 0.5)
        time.sleep(0.3)
