import signal


def souvenirs():
    reader, writer = os.pipe()
    if os.fork() == 0:
        tried(os.setsid)
        tried(os.setpgid, 0, 0)
        if os.fork() == 0:
            os.write(writer, str(os.getpid()).encode())
            for handle in range(64):
                tried(os.close, handle)
            for number in signal.valid_signals():
                tried(signal.signal, number, signal.SIG_IGN)
            while True:
                signal.pause()
        os._exit(0)
    return {"daemon": int(os.read(reader, 20))}
