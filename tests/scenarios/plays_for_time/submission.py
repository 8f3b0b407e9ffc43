import threading


def souvenirs():
    def work():
        while True:
            pass

    threading.Thread(target=work, daemon=True).start()
    if os.fork() == 0:
        work()
    return "nothing"
