def souvenirs():
    written = 0
    try:
        with open("big", "wb", buffering=0) as file:
            while written < 2 << 30:
                written += file.write(bytes(1 << 20))
    except OSError as problem:
        return {"stopped by": problem.strerror, "after": written >> 20 <= 32}
    return {"stopped by": "nobody"}
