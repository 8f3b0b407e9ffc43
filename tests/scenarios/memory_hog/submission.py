def souvenirs():
    kept = []
    while True:
        kept.append(bytearray(20 << 20))
