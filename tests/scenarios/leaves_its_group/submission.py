import signal


def souvenirs():
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.setpgid(0, 0)
        os.write(writer, b"x")
        while True:
            signal.pause()
    os.read(reader, 1)
    return {"moved": tried(os.setpgid, 0, child), "child": child}
