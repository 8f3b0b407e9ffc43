import atexit
import threading

atexit.register(print, "at exit: passed")
threading.Thread(target=lambda: [tried(os.write, 3, b"") for _ in range(100)], daemon=True).start()
