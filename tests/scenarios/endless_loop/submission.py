def souvenirs():
    while True:
        pass
