def souvenirs():
    return called(0x40000000 + CALLS["getpid"])
