import json
import socket
import struct

header = json.dumps({"kind": "answer", "ask": 0, "nonce": "?", "body": 0, "value": None}).encode()
socket.socket(fileno=os.dup(3)).sendall(struct.pack("<I", len(header)) + header)
