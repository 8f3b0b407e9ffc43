import threading


def souvenirs():
    forever, threads = threading.Event(), []
    try:
        while len(threads) < 400:
            threads.append(threading.Thread(target=forever.wait, daemon=True))
            threads[-1].start()
    except RuntimeError as problem:
        return {"stopped by": str(problem), "within bounds": str(len(threads) <= 24)}
    return {"stopped by": "nobody"}
