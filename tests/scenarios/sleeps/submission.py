import time


def souvenirs():
    time.sleep(1000)
