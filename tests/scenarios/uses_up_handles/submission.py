import socket


def souvenirs():
    line = socket.socket(fileno=os.dup(3))
    tried(socket.send_fds, line, [b""], [0, 1, 2])
    opened = []
    try:
        while len(opened) < 10_000:
            opened.append(os.dup(0))
    except OSError as problem:
        for handle in opened:
            os.close(handle)
        return {"stopped by": problem.strerror, "within bounds": str(len(opened) < 64)}
    return {"stopped by": "nobody"}
