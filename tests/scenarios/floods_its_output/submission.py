import sys


def souvenirs():
    for _ in range(20_000):
        print("o" * 100)
        os.write(2, b"e" * 100)
    return "nothing"
