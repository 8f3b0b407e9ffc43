import time


def souvenirs():
    kept = []
    for number in range(12):
        kept.append(open("one", "wb", buffering=0))
        kept[-1].write(bytes(8 << 20))
        os.unlink("one")
    while True:
        time.sleep(0.01)
