import signal


def souvenirs():
    children = []
    try:
        while len(children) < 400:
            child = os.fork()
            if child == 0:
                signal.pause()
            children.append(child)
    except OSError as problem:
        return {"stopped by": problem.strerror, "within bounds": str(len(children) < 24)}
    return {"stopped by": "nobody"}
