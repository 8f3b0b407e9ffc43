import socket

FAMILIES = {
    "internet stream": (2, 1), "internet datagram": (2, 2), "internet 6": (10, 1), "raw": (2, 3), "netlink": (16, 3),
    "packet": (17, 3), "vsock": (40, 1), "bluetooth": (31, 3), "crypto": (38, 5), "tipc": (30, 1), "xdp": (44, 3),
    "can": (29, 3),
}


def connected(address):
    with socket.socket(socket.AF_UNIX) as end:
        end.connect(address)
        return end.recv(100)


def sent_to(address):
    ours, _ = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    return ours.sendto(b"hello", address)


def souvenirs():
    taken = {name: tried(socket.socket, *kind) for name, kind in FAMILIES.items()}
    taken["grader's port"] = tried(socket.create_connection, ("127.0.0.1", int("@port@")), 1)
    taken["name service"] = tried(socket.getaddrinfo, "localhost", 80)
    taken["abstract"] = tried(connected, "\0@abstract@")
    taken["by path"] = tried(connected, "@socket@")
    taken["datagram by path"] = tried(sent_to, "@socket@")
    ours, theirs = socket.socketpair()
    taken["out of band"] = tried(ours.send, b"x", socket.MSG_OOB)
    taken["a pair of its own"] = tried(ours.send, b"x")
    return taken
